//! The invented cases: texts of our own corpus arrive over three weeks, and invented people take
//! each as far as its age allows, through the same use cases as the API.

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use anyhow::Context;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::cases::Stage;
use crate::commands::demo::cast;
use crate::domain::{Actor, Role, StaffRole, Tier};
use crate::triage::{CorrectionRequest, Desk, DeskError, Receipt, StepRequest, parse_submission};

const TEXTS: &str = include_str!("../../../datasets/complaints/demo.jsonl");

/// How far back the first case came in.
const WEEKS: Duration = Duration::from_hours(21 * 24);

/// How often clocks strike meanwhile.
const STRIKES: Duration = Duration::from_mins(30);

/// What goes wrong at last: a new shop that does not deliver, for so long.
const LATE_SHOP: &str = "春日集市旗舰店";
const LATE_FOR: Duration = Duration::from_hours(20);
const LATE: [&str; 2] = ["logistics", "fulfillment"];

/// What came in so late nobody has reviewed yet.
const UNREVIEWED: Duration = Duration::from_hours(14);

const SURNAMES: [&str; 12] =
    ["王", "李", "张", "刘", "陈", "杨", "赵", "黄", "周", "吴", "徐", "孙"];
const TITLES: [&str; 2] = ["女士", "先生"];
const SHOPS: [&str; 8] = [
    "云杉生活旗舰店",
    "禾木食品专营店",
    "悦途出行",
    "青柠数码",
    "小满母婴",
    "归橙家居",
    "拾光美妆",
    "北辰电器",
];

const DEMANDS: [&str; 6] = [
    "全额退款",
    "换一件新的",
    "赔偿损失并道歉",
    "尽快给出处理结果",
    "说明原因并改进",
    "退还多扣的费用",
];

const SUMMARIES: [&str; 6] = [
    "核实后按标准补偿，客户电话确认满意",
    "向客户说明原因并致歉，客户接受",
    "与商家确认责任，款项已原路退回",
    "更换新品并承担往返运费，客户已收到",
    "修正账单并回访，客户无异议",
    "整改流程并告知客户结果",
];

/// A text of the corpus.
#[derive(Deserialize)]
struct Tale {
    text: String,
    channel: String,
    category: String,
    severity: String,
}

/// Choices that are the same for the same seed: `SplitMix64` (Steele et al. 2014).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n.max(1) as u64) as usize
    }

    fn pick<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[self.roll(all.len())]
    }
}

/// Makes the cases: everything that happens in three weeks, in its order, clocks included.
pub(super) async fn tell(
    desk: &Desk,
    n_cases: usize,
    seed: u64,
    now: Timestamp,
) -> anyhow::Result<()> {
    let tales: Vec<Tale> = TEXTS
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()
        .context("the texts of the demo are broken")?;
    let mut dice = Dice(seed);
    let mut agenda: BinaryHeap<Reverse<(Timestamp, usize)>> = BinaryHeap::new();
    for number in 0..n_cases {
        // More and more come in, so that most of what is still open is fresh.
        let age = WEEKS.mul_f64(((n_cases - number) as f64 / n_cases as f64).powi(2));
        let at = now.checked_sub(age).context("an early time")?;
        agenda.push(Reverse((to_millisecond(at), number)));
    }
    let mut walks: Vec<Option<Walk<'_>>> = (0..n_cases).map(|_| None).collect();
    let mut struck_at = Timestamp::MIN;
    while let Some(Reverse((at, number))) = agenda.pop() {
        if now <= at {
            break;
        }
        if struck_at.checked_add(STRIKES)? <= at {
            desk.strike(at).await?;
            struck_at = at;
        }
        let tale = &tales[number % tales.len()];
        let next_at = match &mut walks[number] {
            Some(walk) => walk.go_on(tale, &mut dice, at, now).await?,
            none => {
                let is_late = now.checked_sub(LATE_FOR)? < at;
                let id = receive(desk, (tale, number), &mut dice, (at, is_late)).await?;
                // Some cases are forgotten, and their clocks run on.
                let patience = if dice.roll(12) == 0 { dice.roll(7) } else { usize::MAX };
                *none = Some(Walk { desk, id, patience });
                Some(at.checked_add(minutes(5 + dice.roll(50)))?)
            }
        };
        agenda.extend(next_at.map(|at| Reverse((at, number))));
    }
    Ok(())
}

/// As coarse as the service's own times.
fn to_millisecond(at: Timestamp) -> Timestamp {
    Timestamp::from_millisecond(at.as_millisecond()).expect("a time cut to the millisecond")
}

fn minutes(n: usize) -> Duration {
    Duration::from_mins(n as u64)
}

async fn receive(
    desk: &Desk,
    (tale, number): (&Tale, usize),
    dice: &mut Dice,
    (at, is_late): (Timestamp, bool),
) -> anyhow::Result<Uuid> {
    let name = format!("{}{}", dice.pick(&SURNAMES), dice.pick(&TITLES));
    let tier = ["standard", "standard", "member", "vip"][dice.roll(4)];
    let order_number = format!("DD{:010}", 7_100_000 + number * 37);
    let mut body = json!({
        "text": tale.text,
        "channel": tale.channel,
        "external_id": format!("demo-{number}"),
        "customer": {
            "id": format!("C{:05}", dice.roll(4_000)),
            "name": name,
            "contact": format!("1390000{:04}", dice.roll(10_000)),
        },
        "object": { "shop": dice.pick(&SHOPS), "order_number": order_number },
        "customer_tier": tier,
    });
    if is_late && LATE.contains(&tale.category.as_str()) {
        body["object"]["shop"] = json!(LATE_SHOP);
    }
    if dice.roll(3) == 0 {
        body["amount"] = json!(20 + dice.roll(900));
    }
    if dice.roll(2) == 0 {
        body["demand"] = json!(dice.pick(&DEMANDS));
    }
    let again = (dice.roll(15) == 0).then(|| {
        let mut again = body.clone();
        again["channel"] = json!("hotline");
        again["external_id"] = json!(format!("demo-{number}-again"));
        again
    });
    let id = send(desk, body, at).await?;
    // Some customers write and call: that is the same complaint.
    if let Some(again) = again {
        send(desk, again, at.checked_add(minutes(3))?).await?;
    }
    Ok(id)
}

async fn send(desk: &Desk, body: Value, at: Timestamp) -> anyhow::Result<Uuid> {
    let submission = parse_submission(body, at).ok().context("a text of the demo is refused")?;
    let id = Uuid::new_v7(uuid::Timestamp::from_unix(
        uuid::NoContext,
        at.as_second().unsigned_abs(),
        at.subsec_nanosecond().unsigned_abs(),
    ));
    let by = Actor { name: "intake".to_owned(), role: StaffRole::System };
    let receipt = Receipt { submission, by, key: None, id, request_id: None, now: at };
    desk.receive(receipt).await?;
    Ok(id)
}

/// A case on its way.
struct Walk<'a> {
    desk: &'a Desk,
    id: Uuid,
    /// So many steps are taken at most.
    patience: usize,
}

impl Walk<'_> {
    /// Takes the next step, and tells when the one after is due.
    async fn go_on(
        &mut self,
        tale: &Tale,
        dice: &mut Dice,
        at: Timestamp,
        now: Timestamp,
    ) -> anyhow::Result<Option<Timestamp>> {
        if self.patience == 0 {
            return Ok(None);
        }
        self.patience -= 1;
        let case = self.desk.find_case(self.id).await?.context("the case is there")?;
        if case.record.triage.needs_triage {
            // What came in last still waits for a person.
            if now.checked_sub(UNREVIEWED)? < case.record.complaint.received_at {
                return Ok(None);
            }
            self.label(tale, at).await?;
        } else {
            let Some((who, step, fields)) = self.next_step(tale, dice).await? else {
                return Ok(None);
            };
            if !self.act(who, step, fields, at).await? {
                return Ok(None);
            }
        }
        Ok(Some(at.checked_add(minutes(10 + dice.roll(320)))?))
    }

    /// A lead confirms or corrects what the model was unsure of.
    async fn label(&self, tale: &Tale, at: Timestamp) -> anyhow::Result<()> {
        let case = self.desk.find_case(self.id).await?.context("the case is there")?;
        let knowledge = self.desk.engine().knowledge();
        let body = json!({
            "version": case.version, "by": person("li.lei", StaffRole::TriageLead),
            "labels": self.labels(tale), "reason": "复核确认", "sure": 2,
        });
        if let Ok(request) = CorrectionRequest::parse(body, &knowledge) {
            self.desk.correct(self.id, request, None, at).await?;
        }
        Ok(())
    }

    /// What the text is about, as those see it who know.
    fn labels(&self, tale: &Tale) -> Value {
        let knowledge = self.desk.engine().knowledge();
        let mut labels = json!({});
        for (role, label) in [(Role::Category, &tale.category), (Role::Severity, &tale.severity)] {
            let head = knowledge.taxonomy.role(role).map(|(_, head)| head);
            if let Some(head) = head.filter(|head| head.label_idx(label).is_some()) {
                labels[head.id.as_str()] = json!(label);
            }
        }
        labels
    }

    /// What the people do next.
    async fn next_step(
        &self,
        tale: &Tale,
        dice: &mut Dice,
    ) -> anyhow::Result<Option<(Value, &'static str, Value)>> {
        let life = self.desk.case_life(self.id).await?.life;
        let agent = person(cast::agent(self.id), StaffRole::FrontLine);
        let lead = person("li.lei", StaffRole::TriageLead);
        let boss = person("zhou.yi", StaffRole::Executive);
        let (reviewer, decider, approver) = match life.tier() {
            Tier::FrontLine => (lead.clone(), agent.clone(), lead),
            Tier::EscalationTeam => (
                person("zhao.min", StaffRole::EscalationTeam),
                person("zhao.min", StaffRole::EscalationTeam),
                person("chen.jie", StaffRole::DepartmentHead),
            ),
            Tier::Executive => (boss.clone(), boss, person("wu.jing", StaffRole::Executive)),
        };
        let department = self.department().await?;
        let opinions = life.investigation().map_or(0, |it| it.opinions.len());
        Ok(Some(match life.stage() {
            Stage::Received => (agent, "acceptance", json!({ "contact_person": "王芳" })),
            Stage::Accepted => (agent, "assignment", json!({ "department": department })),
            Stage::Assigned => (reviewer, "reviews", json!({ "finding": "情况属实，按流程处理" })),
            Stage::Review => {
                (agent, "investigation", json!({ "lead": department, "departments": [department] }))
            }
            Stage::Investigation if opinions == 0 => (
                person("chen.jie", StaffRole::DepartmentHead),
                "opinions",
                json!({ "department": department, "opinion": "已核对记录，客户所述基本属实" }),
            ),
            Stage::Investigation => (decider, "conclusion", conclusion(tale, dice)),
            Stage::Proposal => {
                let knowledge = self.desk.engine().knowledge();
                let drafts =
                    knowledge.handbook.compensation.draft(life.claim()).unwrap_or_default();
                let apology =
                    json!([{ "remedies": [{ "kind": "apology", "words": "致歉并说明改进措施" }] }]);
                let offers = if drafts.is_empty() { apology } else { json!(drafts) };
                (decider, "proposals", json!({ "offers": offers }))
            }
            Stage::Negotiation => (agent, "choices", json!({ "offer": 1 })),
            Stage::Approval => (approver, "approvals", json!({ "granted": true })),
            Stage::Execution => (agent, "executions", json!({ "note": "已按方案办理" })),
            Stage::Confirmation if life.satisfaction().is_none() => {
                let satisfaction = [5, 5, 4, 4, 3, 2][dice.roll(6)];
                (agent, "close", json!({ "satisfied": true, "satisfaction": satisfaction }))
            }
            Stage::Confirmation => {
                let summary = dice.pick(&SUMMARIES);
                let labels = self.labels(tale);
                (agent, "archive", json!({ "summary": summary, "labels": labels, "sure": 2 }))
            }
            Stage::Archived => return Ok(None),
        }))
    }

    async fn department(&self) -> anyhow::Result<String> {
        let case = self.desk.find_case(self.id).await?.context("the case is there")?;
        Ok(case.record.triage.department)
    }

    /// Whether the step was possible.
    async fn act(
        &self,
        by: Value,
        step: &str,
        fields: Value,
        at: Timestamp,
    ) -> anyhow::Result<bool> {
        let case = self.desk.find_case(self.id).await?.context("the case is there")?;
        let mut body = json!({ "version": case.version, "by": by });
        if let (Some(body), Value::Object(fields)) = (body.as_object_mut(), fields) {
            body.extend(fields);
        }
        let knowledge = self.desk.engine().knowledge();
        let Ok(request) = StepRequest::parse(step, body, &knowledge) else { return Ok(false) };
        match self.desk.act(self.id, request, None, at).await {
            Ok(_) => Ok(true),
            // A case that needs another road stays where it is: that is life, too.
            Err(DeskError::Refused(_)) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

fn person(name: &str, role: StaffRole) -> Value {
    json!({ "name": name, "role": role.as_str() })
}

/// What was found out, with the ground on which something is owed.
fn conclusion(tale: &Tale, dice: &mut Dice) -> Value {
    let ground = match tale.category.as_str() {
        "fulfillment" | "logistics" => Some("not_delivered"),
        "product_quality" | "after_sales" => Some("defect"),
        "counterfeit" | "misrepresentation" => Some("fraud"),
        "safety" => Some("unsafe_food"),
        _ => None,
    };
    let liability = ["company", "company", "third_party", "mixed"][dice.roll(4)];
    let mut body = json!({ "liability": liability, "findings": "订单、物流与沟通记录均已核对" });
    if let Some(ground) = ground {
        body["claim"] = json!({ "grounds": [ground], "price": 30 + dice.roll(600) });
    }
    body
}
