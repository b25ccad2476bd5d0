//! What happens in the invented world: who complains about what, when, and how it ends.

use std::collections::BTreeMap;

use fenzhen::domain::{Complaint, CustomerTier};
use fenzhen::neighbors::quantize;
use fenzhen::text;
use fenzhen::triage::{Answer, Engine, vector_model};
use jiff::{SignedDuration, Timestamp};
use rayon::prelude::*;
use serde_json::json;
use uuid::Uuid;

/// A value of a row.
pub(crate) enum Value {
    Number(i64),
    Real(f64),
    Text(String),
    Terms(Vec<String>),
    Bytes(Vec<u8>),
}

/// The rows of one case, for each table of the sink.
pub(crate) struct Rows(pub(crate) [Vec<Vec<Value>>; 5]);

/// Days over which cases come in.
const N_DAYS: u64 = 730;
/// The newest cases are still open: one of so many.
const OPEN_SHARE: u64 = 50;
/// How many complaints of an average hour come in each hour of the day, and each weekday.
const HOURS: [u64; 24] =
    [3, 2, 1, 1, 1, 1, 2, 3, 6, 9, 10, 9, 8, 8, 9, 9, 8, 8, 9, 11, 12, 11, 8, 5];
const WEEKDAYS: [u64; 7] = [12, 11, 10, 10, 10, 8, 8];

const THINGS: [&str; 12] = [
    "酸奶",
    "电饭煲",
    "羽绒服",
    "充电宝",
    "耳机",
    "奶粉",
    "沙发",
    "面膜",
    "行李箱",
    "扫地机",
    "跑鞋",
    "台灯",
];
const NAMES: [&str; 10] =
    ["云禾", "青岚", "松果", "白鹭", "北辰", "喵呜", "小满", "拾光", "远山", "星野"];
const SUMMARIES: [&str; 6] = [
    "核实属实，已全额退款并致歉",
    "承运商遗失，已补发并赠送代金券",
    "检测确认质量问题，已换货",
    "客户误解活动规则，已解释清楚",
    "服务超时，已补偿五十元代金券",
    "商家未按承诺发货，已退款并处罚商家",
];

/// Where open cases stand, and how many of twenty.
const STAGES: [(&str, u64); 6] = [
    ("received", 6),
    ("accepted", 3),
    ("assigned", 3),
    ("investigation", 4),
    ("proposal", 2),
    ("negotiation", 2),
];

/// A text of the corpus.
struct Source {
    sentences: Vec<String>,
    category: String,
    severity: String,
    sentiment: String,
    answer: String,
    queue: String,
    department: String,
    /// Where the live model sees it; empty when it has no vectors.
    vector: Vec<f32>,
}

/// Something that happened to a case: after so many hours, by whom, what, and the data.
type Told = (u64, &'static str, &'static str, serde_json::Value);

/// What cases are made of.
pub(crate) struct World<'e> {
    engine: &'e Engine,
    sources: Vec<Source>,
    by_category: BTreeMap<String, Vec<usize>>,
    model: i64,
    n_cases: u64,
}

/// `SplitMix64` (Steele et al. 2014).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let value = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        value ^ (value >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound.max(1)
    }

    fn pick<'t, T>(&mut self, of: &'t [T]) -> &'t T {
        &of[self.below(of.len() as u64) as usize]
    }

    fn weighted(&mut self, weights: &[u64]) -> u64 {
        let mut left = self.below(weights.iter().sum());
        weights
            .iter()
            .position(|&it| {
                let hit = left < it;
                left = left.saturating_sub(it);
                hit
            })
            .expect("the weights have a sum") as u64
    }

    /// A rank below `bound`, each half as likely as the one of half its number (Zipf).
    fn zipf(&mut self, bound: u64) -> u64 {
        let unit = (self.next() >> 11) as f64 / (1_u64 << 53) as f64;
        ((bound as f64).powf(unit) as u64 - 1).min(bound - 1)
    }
}

impl<'e> World<'e> {
    pub(crate) fn new(engine: &'e Engine, n_cases: u64) -> Self {
        let corpus = std::fs::read_to_string("datasets/complaints/train.jsonl");
        let corpus = corpus.expect("run it from the repository's folder");
        let lines: Vec<&str> = corpus.lines().collect();
        let sources: Vec<Source> = lines.into_par_iter().map(|line| source(engine, line)).collect();
        let mut by_category: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (source_idx, source) in sources.iter().enumerate() {
            by_category.entry(source.category.clone()).or_default().push(source_idx);
        }
        let knowledge = engine.knowledge();
        let model = vector_model(knowledge.model_version().expect("a model is live"));
        Self { engine, sources, by_category, model, n_cases }
    }

    pub(crate) const fn n_archived(&self) -> u64 {
        self.n_cases - self.n_cases / OPEN_SHARE
    }

    /// When a case came in: days in order, weekdays and hours by their weight.
    fn received_at(&self, number: u64, dice: &mut Dice) -> Timestamp {
        let week = number * (N_DAYS / 7) / self.n_cases;
        let share = number * (N_DAYS / 7) % self.n_cases * WEEKDAYS.iter().sum::<u64>();
        let mut left = share / self.n_cases;
        let day = WEEKDAYS.iter().position(|&it| {
            let hit = left < it;
            left = left.saturating_sub(it);
            hit
        });
        let day = week * 7 + day.expect("the weights have a sum") as u64;
        let hour = dice.weighted(&HOURS);
        let second = (day * 24 + hour) * 3600 + dice.below(3600);
        start() + SignedDuration::from_secs(second as i64)
    }

    /// The case with this number.
    pub(crate) fn case(&self, number: u64) -> Rows {
        let mut dice = Dice(number);
        let source = dice.pick(&self.sources);
        let alike = &self.by_category[&source.category];
        let product =
            format!("{}{}", NAMES[dice.zipf(10) as usize], THINGS[dice.zipf(12) as usize]);
        let shop = format!("{}旗舰店{}", dice.pick(&NAMES), dice.zipf(400));
        let mut words = format!("在{shop}买的{product}，");
        words.push_str(dice.pick::<String>(&source.sentences));
        let mut vector = source.vector.clone();
        for _ in 0..=dice.below(3) {
            let other = &self.sources[*dice.pick(alike)];
            words.push_str(dice.pick::<String>(&other.sentences));
            add(&mut vector, &other.vector);
        }
        let received_at = self.received_at(number, &mut dice);
        let id = case_id(received_at, number, dice.next());
        let is_open = self.n_archived() <= number;
        let is_executive = source.severity == "critical";
        // A person has labelled what is archived.
        let is_unsure = is_open && dice.below(8) == 0;
        let knowledge = self.engine.knowledge();
        let policy = &knowledge.policy;
        let (queue, department) = if is_executive {
            (policy.executive_queue().id.as_str(), policy.executive_queue().department.as_str())
        } else if is_unsure {
            (policy.triage_queue().id.as_str(), policy.triage_queue().department.as_str())
        } else {
            (source.queue.as_str(), source.department.as_str())
        };
        let stage = if is_unsure { 0 } else { dice.weighted(&STAGES.map(|it| it.1)) as usize };
        let status = if is_open { STAGES[stage].0 } else { "archived" };
        let rank =
            ["low", "normal", "high", "critical"].iter().position(|it| *it == source.severity);
        let rank = rank.unwrap_or_default() as i64;
        let micro = |hours: u64| {
            Value::Number((received_at + SignedDuration::from_hours(hours as i64)).as_microsecond())
        };
        let text = |text: &str| Value::Text(text.to_owned());
        let labels = json!({ "category": source.category, "severity": source.severity,
            "sentiment": source.sentiment })
        .to_string();
        let settle_h = 4 + dice.zipf(200);
        let received = json!({ "tier": if is_executive { 3 } else { 1 },
            "executive_review": is_executive, "needs_triage": is_unsure, "pace": "ordinary" });
        let told = if is_open {
            open_events(received, stage, department)
        } else {
            closed_events(received, settle_h, &mut dice)
        };
        let events = event_rows(&id, received_at, told);
        let n_events = events.len() as i64;
        let case = vec![
            text(&id),
            text("chat"),
            Value::Text(format!("M-{number}")),
            text(&words),
            Value::Text(format!("c{}", dice.zipf(300_000))),
            text("王女士"),
            text(&product),
            text(&shop),
            text("[]"),
            Value::Number(dice.zipf(1_000_000) as i64),
            text("standard"),
            micro(0),
            micro(0),
            text(status),
            Value::Number(is_open.into()),
            text(queue),
            text(department),
            Value::Number(if is_executive { 3 } else { 1 }),
            text(&source.category),
            text(&source.severity),
            Value::Number(rank),
            text(&source.sentiment),
            Value::Number(is_executive.into()),
            Value::Number(is_unsure.into()),
            Value::Real(rank as f64 * 100.0 + dice.below(1000) as f64 / 10.0),
            micro(2),
            micro(24 + dice.below(96)),
            text("generated"),
            text("1"),
            Value::Number(0),
            text(&source.answer),
            Value::Number(n_events),
            text(&labels),
            text(&labels),
        ];
        let mut rows = Rows([vec![case], events, Vec::new(), Vec::new(), Vec::new()]);
        if is_open {
            return rows;
        }
        let summary = *dice.pick(&SUMMARIES);
        let outcome = [("refund", 39_900), ("voucher", 5_000), ("exchange", 0), ("", 0)]
            [dice.below(4) as usize];
        let entry = number as i64 + 1;
        rows.0[2].push(vec![
            Value::Number(entry),
            text(&id),
            micro(settle_h + 30),
            micro(0),
            micro(settle_h),
            text(&source.category),
            text(&source.severity),
            text(department),
            text(["company", "customer", "third_party", "mixed"][dice.below(4) as usize]),
            text(outcome.0),
            Value::Number(if outcome.0 == "voucher" { outcome.1 } else { 0 }),
            Value::Number(if outcome.0 == "refund" { outcome.1 } else { 0 }),
            Value::Number(1 + dice.weighted(&[1, 1, 2, 4, 3]) as i64),
            Value::Number((dice.below(30) == 0).into()),
            Value::Number((dice.below(5) != 0).into()),
            Value::Number((dice.below(4) != 0).into()),
            text(summary),
        ]);
        let mut terms = text::terms(&[words.as_str(), &product, &shop, summary].join("\n"));
        terms.push(format!("category={}", source.category));
        terms.push(format!("severity={}", source.severity));
        terms.push(format!("outcome={}", if outcome.0.is_empty() { "none" } else { outcome.0 }));
        rows.0[3].push(vec![Value::Number(entry), Value::Terms(terms)]);
        // An encoder would read a million texts for hours. The mean of the vectors of what a text
        // was made of, and a little of its own, lies among others as its own vector would.
        let own = 0.02 * length(&vector);
        for it in &mut vector {
            *it += own * (dice.below(2001) as f32 / 1000.0 - 1.0);
        }
        let vector = quantize(&vector).map(|it| it.map(i8::cast_unsigned).to_vec());
        let vector = vector.unwrap_or_default();
        rows.0[4].push(vec![Value::Number(self.model), Value::Number(entry), Value::Bytes(vector)]);
        rows
    }

    /// The moment after the last case.
    pub(crate) fn end() -> Timestamp {
        start() + SignedDuration::from_hours(24 * N_DAYS as i64)
    }
}

fn add(sum: &mut [f32], vector: &[f32]) {
    for (sum, it) in sum.iter_mut().zip(vector) {
        *sum += it;
    }
}

fn length(vector: &[f32]) -> f32 {
    vector.iter().map(|it| it * it).sum::<f32>().sqrt()
}

/// The first day, a Monday.
fn start() -> Timestamp {
    "2024-11-04T00:00:00+08:00".parse().expect("it is a time")
}

/// What happened to a case that was archived.
fn closed_events(received: serde_json::Value, settle_h: u64, dice: &mut Dice) -> Vec<Told> {
    let remedy = json!([{ "kind": "voucher", "amount": 50, "words": "代金券" }]);
    let concluded =
        json!({ "liability": "company", "findings": "属实", "claim": { "price": 399 } });
    vec![
        (0, "intake", "case.received", received),
        (1, "wang.fang", "case.accepted", json!({ "contact_person": "王芳" })),
        (2, "zhao.min", "case.investigation_concluded", concluded),
        (
            3,
            "zhao.min",
            "case.proposed",
            json!({ "proposal": { "offers": [{ "remedies": remedy }] } }),
        ),
        (3, "wang.fang", "case.offer_chosen", json!({ "offer": 0 })),
        (
            settle_h,
            "wang.fang",
            "case.executed",
            json!({ "note": "已办", "tracking_number": null }),
        ),
        (
            settle_h + 20,
            "wang.fang",
            "case.confirmed",
            json!({ "satisfaction": 1 + dice.below(5) }),
        ),
        (settle_h + 30, "wang.fang", "case.archived", json!({ "summary": "已办结" })),
    ]
}

/// What happened to a case that has come to one of [`STAGES`].
fn open_events(received: serde_json::Value, stage: usize, department: &str) -> Vec<Told> {
    let remedy = json!([{ "kind": "refund", "amount": 399, "words": "全额退款" }]);
    let opened = json!({ "lead": "赵敏", "departments": [department] });
    let concluded =
        json!({ "liability": "company", "findings": "属实", "claim": { "price": 399 } });
    let mut told = vec![
        (0, "intake", "case.received", received),
        (1, "wang.fang", "case.accepted", json!({ "contact_person": "王芳" })),
        (1, "wang.fang", "case.assigned", json!({ "department": department })),
        (2, "zhao.min", "case.investigation_opened", opened),
        (3, "zhao.min", "case.investigation_concluded", concluded),
        (
            4,
            "zhao.min",
            "case.proposed",
            json!({ "proposal": { "offers": [{ "remedies": remedy }] } }),
        ),
    ];
    told.truncate(stage + 1);
    told
}

fn event_rows(id: &str, received_at: Timestamp, told: Vec<Told>) -> Vec<Vec<Value>> {
    let row = |(seq, (hours, actor, kind, data)): (i64, Told)| {
        let at = received_at + SignedDuration::from_hours(hours as i64);
        let role = if actor == "intake" { "system" } else { "front_line" };
        vec![
            Value::Text(id.to_owned()),
            Value::Number(seq),
            Value::Number(at.as_microsecond()),
            Value::Text(actor.to_owned()),
            Value::Text(role.to_owned()),
            Value::Text(kind.to_owned()),
            Value::Text(data.to_string()),
        ]
    };
    (1..).zip(told).map(row).collect()
}

/// A v7 id of the moment.
fn case_id(at: Timestamp, number: u64, random: u64) -> String {
    let milli = at.as_millisecond().cast_unsigned();
    let high = (milli << 16) | 0x7000 | (number & 0x0fff);
    Uuid::from_u64_pair(high, (1 << 63) | (random >> 2)).to_string()
}

fn source(engine: &Engine, line: &str) -> Source {
    let value: serde_json::Value = serde_json::from_str(line).expect("a line is JSON");
    let field = |name: &str| value[name].as_str().expect("the corpus has it").to_owned();
    let text = field("text");
    let complaint = Complaint {
        text: text.parse().expect("it is not blank"),
        channel: None,
        amount: None,
        customer_tier: CustomerTier::Standard,
        prior_contacts: None,
        received_at: Timestamp::UNIX_EPOCH,
    };
    let classification = engine.classify(&complaint);
    let answer = serde_json::to_string(&Answer::new(&text, &classification));
    let knowledge = engine.knowledge();
    let category = field("category").parse().expect("a label has a name");
    let queue = knowledge.policy.category_queue(&category);
    let queue = queue.unwrap_or_else(|| knowledge.policy.triage_queue());
    let document = knowledge.analyzer.analyze(&text);
    let vector = knowledge.classifier().and_then(|it| it.embed(&document));
    Source {
        vector: vector.unwrap_or_default(),
        queue: queue.id.to_string(),
        department: queue.department.clone(),
        sentences: text.split_inclusive(['。', '！', '？', '；']).map(ToOwned::to_owned).collect(),
        category: field("category"),
        severity: field("severity"),
        sentiment: field("sentiment"),
        answer: answer.expect("an answer is plain data"),
    }
}
