//! Decisions of the shipped policy on the shipped taxonomy, and mistakes of policy files.

mod properties;

use std::sync::{Arc, LazyLock};

use jiff::{SignedDuration, Timestamp};

use crate::calendar::Calendar;
use crate::domain::{
    Complaint, CustomerTier, Decision, Head, HeadKind, HeadPrediction, LabelId, Labels, Money,
    Prediction, QueueId, Role, RouteChoice, Span, Taxonomy, Tier, Verdict,
};
use crate::routing::{ClockKind, Matter, Policy, aging, route};
use crate::rules::{Effect, Hit};
use crate::text::{CountFact, Facts};

static TAXONOMY: LazyLock<Arc<Taxonomy>> = LazyLock::new(|| {
    let text = include_str!("../../../datasets/taxonomy.toml");
    Arc::new(toml::from_str(text).expect("the shipped taxonomy is correct"))
});
static POLICY: LazyLock<Policy> = LazyLock::new(|| {
    Policy::parse(Policy::DEFAULT, &TAXONOMY).expect("the shipped policy is correct")
});
static CALENDAR: LazyLock<Calendar> = LazyLock::new(Calendar::china);

/// A matter that owns its parts.
#[derive(Clone, Debug)]
struct Case {
    complaint: Complaint,
    prediction: Option<Prediction>,
    hits: Vec<Hit>,
    facts: Facts,
    verdict: Option<Verdict>,
}

impl Case {
    /// What the model says with 80 % confidence, on a Monday morning.
    fn predicted(category: &str, severity: &str) -> Self {
        Self { prediction: Some(predict(category, severity, 0.8, "")), ..Self::fallback() }
    }

    fn fallback() -> Self {
        let complaint = Complaint {
            text: "包裹一直没有到".parse().expect("it is not blank"),
            channel: None,
            amount: None,
            customer_tier: CustomerTier::Standard,
            prior_contacts: None,
            received_at: "2026-03-09T10:00:00+08:00".parse().expect("it is a time"),
        };
        Self {
            complaint,
            prediction: None,
            hits: Vec::new(),
            facts: Facts::default(),
            verdict: None,
        }
    }

    fn hit(mut self, rule: &str, edit: impl FnOnce(&mut Hit)) -> Self {
        let mut hit = Hit {
            rule: rule.parse().expect("it is a name"),
            name: rule.to_owned(),
            reason: "需要关注".to_owned(),
            owner: "质量部".to_owned(),
            safety_critical: false,
            effect: Effect::default(),
            evidence: Vec::new(),
        };
        edit(&mut hit);
        self.hits.push(hit);
        self
    }

    fn route(&self) -> Decision {
        let Self { complaint, prediction, hits, facts, verdict } = self;
        let prediction = prediction.as_ref();
        route(
            &POLICY,
            &CALENDAR,
            &Matter {
                complaint,
                taxonomy: &TAXONOMY,
                prediction,
                hits,
                facts,
                readable: true,
                verdict: verdict.as_ref(),
            },
        )
    }
}

fn label(id: &str) -> LabelId {
    id.parse().expect("it is a name")
}

/// A prediction with one confidence for every head, unsure about the heads named.
fn predict(category: &str, severity: &str, confidence: f32, unsure: &str) -> Prediction {
    let answer = |head: &Head| {
        let chosen = match head.id.as_str() {
            "category" => head.label_idx(category),
            "severity" => head.label_idx(severity),
            "sentiment" => Some(1),
            _ => None,
        };
        let rest = (1.0 - confidence) / (head.labels.len() - 1) as f32;
        let mut probabilities = vec![rest; head.labels.len()];
        if let Some(label_idx) = chosen {
            probabilities[label_idx] = confidence;
        }
        assert!(
            head.kind == HeadKind::MultiLabel || chosen.is_some(),
            "a test names a label that is there"
        );
        HeadPrediction {
            probabilities,
            chosen: chosen.into_iter().collect(),
            abstains: unsure.contains(head.id.as_str()),
            evidence: Vec::new(),
        }
    };
    Prediction::new(Arc::clone(&TAXONOMY), TAXONOMY.heads().iter().map(answer).collect())
}

/// The queue, the tier, whether a person must look first, and the codes of the reasons.
#[track_caller]
fn check(case: &Case, queue: &str, tier: Tier, needs_triage: bool, codes: &str) -> Decision {
    let decision = case.route();
    let found: Vec<_> = decision.reasons.iter().map(|reason| reason.code.as_str()).collect();
    assert_eq!(found.join(" "), codes);
    assert_eq!((decision.queue.as_str(), decision.tier), (queue, tier));
    assert_eq!(decision.needs_triage, needs_triage);
    decision
}

/// The terms of a priority, one a line.
fn terms(decision: &Decision) -> String {
    let terms = &decision.priority.terms;
    let lines: Vec<_> =
        terms.iter().map(|term| format!("{} {} {}", term.name, term.value, term.points)).collect();
    lines.join("\n")
}

#[test]
fn a_severity_that_is_not_the_likeliest_says_which_one_is() {
    let mut case = Case::predicted("logistics", "critical");
    let mut heads = Vec::new();
    for head in TAXONOMY.heads() {
        let (_, answer) =
            case.prediction.as_ref().and_then(|it| it.find_head(head.id.as_str())).unwrap();
        heads.push(answer.clone());
        if head.id.as_str() == "severity" {
            heads.last_mut().unwrap().probabilities = vec![0.0, 0.05, 0.8, 0.15];
        }
    }
    case.prediction = Some(Prediction::new(Arc::clone(&TAXONOMY), heads));
    let decision = case.route();
    let reason = decision.reasons.iter().find(|reason| reason.code == "model_severity").unwrap();
    insta::assert_snapshot!(
        reason.message,
        @"模型判断严重程度为「特急」，把握 15%；单看可能性「紧急」更大（80%），按误判代价取定"
    );
}

#[test]
fn an_ordinary_case_goes_to_the_queue_of_its_category() {
    let case = Case::predicted("logistics", "normal");
    let codes = "model_category model_severity category_route clock_ordinary";
    let decision = check(&case, "logistics", Tier::FrontLine, false, codes);
    let messages: Vec<_> = decision.reasons.iter().map(|reason| reason.message.as_str()).collect();
    insta::assert_snapshot!(messages.join("\n"), @r"
    模型判断类别为「物流配送」，把握 80%
    模型判断严重程度为「一般」，把握 80%
    「物流配送」类投诉归「物流」队列，责任部门：物流合作部
    按普通投诉计时：2 小时内确认受理，24 小时内首次响应，3 个工作日内办结
    ");
    let deadlines: Vec<_> = decision
        .deadlines
        .iter()
        .map(|deadline| format!("{} {}", deadline.period, deadline.due_at))
        .collect();
    insta::assert_snapshot!(deadlines.join("\n"), @r"
    2 小时 2026-03-09T04:00:00Z
    24 小时 2026-03-10T02:00:00Z
    3 个工作日 2026-03-12T16:00:00Z
    ");
    assert_eq!(decision.severity.predicted, Some(label("normal")));
    assert_eq!(decision.department, "物流合作部");
}

#[test]
fn every_category_has_its_queue() {
    let queues = [
        ("product_quality", "merchant_quality"),
        ("counterfeit", "merchant_quality"),
        ("misrepresentation", "merchant_quality"),
        ("safety", "safety_response"),
        ("fulfillment", "order_operations"),
        ("after_sales", "after_sales"),
        ("refund_payment", "finance_pricing"),
        ("pricing_promotion", "finance_pricing"),
        ("service_attitude", "customer_service"),
        ("platform", "platform_governance"),
        ("account_privacy", "information_security"),
        ("other", "triage_desk"),
    ];
    for (category, queue) in queues {
        assert_eq!(Case::predicted(category, "normal").route().queue.as_str(), queue, "{category}");
    }
}

#[test]
fn a_severe_case_is_complex() {
    let codes = "model_category model_severity category_route tier clock_complex";
    let decision = check(
        &Case::predicted("after_sales", "high"),
        "after_sales",
        Tier::EscalationTeam,
        false,
        codes,
    );
    assert_eq!(decision.deadlines[0].period, "6 小时");
}

#[test]
fn a_rule_raises_the_severity_and_is_named() {
    let case = Case::predicted("product_quality", "normal")
        .hit("repeat", |hit| hit.effect.severity = Some(label("high")))
        .hit("shock", |hit| {
            hit.effect.severity = Some(label("critical"));
            hit.effect.executive_review = true;
            hit.effect.signals = vec![label("injury"), label("hazard")];
            hit.safety_critical = true;
        })
        .hit("mild", |hit| hit.effect.severity = Some(label("low")));
    let codes = "model_category model_severity repeat shock mild severity_raised executive_route tier \
                 clock_safety_critical";
    let decision = check(&case, "executive", Tier::Executive, false, codes);
    assert_eq!(decision.severity.label, label("critical"));
    assert_eq!(decision.severity.predicted, Some(label("normal")));
    assert_eq!(decision.severity.raised_by, ["shock".parse().expect("it is a name")]);
    assert_eq!(decision.deadlines[0].period, "1 小时");
    insta::assert_snapshot!(terms(&decision), @r"
    severity 特急 300
    signals 涉及人身伤害、安全隐患 35
    ");
}

#[test]
fn a_rule_that_asks_for_no_more_than_the_model_raises_nothing() {
    let case = Case::predicted("safety", "critical")
        .hit("shock", |hit| hit.effect.severity = Some(label("critical")));
    assert!(case.route().severity.raised_by.is_empty());
}

#[test]
fn an_unsure_model_sends_the_case_to_the_triage_desk() {
    let mut case = Case::fallback();
    case.prediction = Some(predict("platform", "normal", 0.3, "category severity"));
    let codes =
        "model_category model_severity category_unsure severity_unsure triage_route clock_ordinary";
    let decision = check(&case, "triage_desk", Tier::FrontLine, true, codes);
    assert_eq!(decision.category, Some(label("platform")));
    let case = case.hit("leak", |hit| hit.effect.category = Some(label("account_privacy")));
    let codes = "model_category rule_category model_severity leak category_unsure severity_unsure \
                 triage_route clock_ordinary";
    let decision = check(&case, "triage_desk", Tier::FrontLine, true, codes);
    assert_eq!(decision.category, Some(label("account_privacy")));
}

#[test]
fn a_sure_model_keeps_its_category() {
    let case = Case::predicted("logistics", "normal")
        .hit("quality", |hit| hit.effect.category = Some(label("product_quality")));
    assert_eq!(case.route().category, Some(label("logistics")));
}

#[test]
fn rules_alone_still_route() {
    let codes = "fallback default_severity no_category triage_route clock_ordinary";
    let decision = check(&Case::fallback(), "triage_desk", Tier::FrontLine, true, codes);
    assert_eq!((decision.category, decision.severity.predicted), (None, None));
    assert_eq!(decision.severity.label, label("normal"));

    let case = Case::fallback()
        .hit("late", |hit| hit.effect.category = Some(label("logistics")))
        .hit("fire", |hit| {
            hit.effect.category = Some(label("safety"));
            hit.effect.severity = Some(label("high"));
        });
    let codes = "fallback rule_category default_severity late fire severity_raised category_route tier \
                 clock_complex";
    let decision = check(&case, "safety_response", Tier::EscalationTeam, false, codes);
    assert_eq!(decision.severity.raised_by.len(), 1);
}

#[test]
fn the_queue_of_the_highest_ranking_rule_wins_over_the_category() {
    let queue = |id: &str, rank| Some((id.parse().expect("it is a name"), rank));
    let case = Case::predicted("logistics", "normal")
        .hit("one", |hit| hit.effect.queue = queue("after_sales", 1))
        .hit("two", |hit| hit.effect.queue = queue("finance_pricing", 5))
        .hit("three", |hit| hit.effect.queue = queue("platform_governance", 5));
    let codes = "model_category model_severity one two three rule_route clock_ordinary";
    let decision = check(&case, "finance_pricing", Tier::FrontLine, false, codes);
    assert_eq!(decision.department, "财务与价格部");
}

#[test]
fn a_rule_may_ask_for_a_person_and_for_a_tier() {
    let case =
        Case::predicted("logistics", "normal").hit("unclear", |hit| hit.effect.needs_triage = true);
    let codes = "model_category model_severity unclear rule_triage triage_route clock_ordinary";
    check(&case, "triage_desk", Tier::FrontLine, true, codes);
    let case = Case::predicted("logistics", "normal")
        .hit("group", |hit| hit.effect.tier = Some(Tier::EscalationTeam));
    let codes = "model_category model_severity group category_route tier clock_complex";
    check(&case, "logistics", Tier::EscalationTeam, false, codes);
}

#[test]
fn a_close_second_category_is_named() {
    let mut case = Case::fallback();
    let prediction = predict("logistics", "normal", 0.5, "");
    let mut answers: Vec<_> = prediction.heads().map(|(_, answer)| answer.clone()).collect();
    let (_, head) = TAXONOMY.role(Role::Category).expect("the taxonomy has categories");
    answers[0].probabilities[head.label_idx("fulfillment").expect("it is there")] = 0.4;
    case.prediction = Some(Prediction::new(Arc::clone(&TAXONOMY), answers));
    let decision = case.route();
    let first = decision.reasons.iter().next().expect("there is a reason");
    assert_eq!(first.message, "模型判断类别为「物流配送」，把握 50%；其次是「订单履约」，40%");
}

#[test]
fn a_deadline_in_an_unpublished_year_is_provisional_and_says_so() {
    let mut case = Case::predicted("logistics", "normal");
    case.complaint.received_at = "2026-12-30T10:00:00+08:00".parse().expect("it is a time");
    let decision = case.route();
    assert_eq!(
        decision.deadlines.iter().map(|due| due.provisional).collect::<Vec<_>>(),
        [false, false, true]
    );
    assert!(decision.reasons.iter().any(|reason| reason.code == "provisional_deadline"));
}

#[test]
fn everything_known_about_a_customer_adds_to_the_priority() {
    let mut case = Case::predicted("logistics", "normal");
    case.complaint.customer_tier = CustomerTier::Vip;
    case.complaint.amount = Some(Money::from_yuan(1_000));
    case.complaint.prior_contacts = Some(1);
    case.facts.prior_contacts = Some(CountFact { count: 3, span: Span { start: 0, end: 3 } });
    insta::assert_snapshot!(terms(&case.route()), @r"
    severity 一般 100
    customer_tier VIP 客户 8
    amount 涉及金额 1000.00 元 4
    prior_contacts 此前已联系 3 次 6
    ");
}

#[test]
fn severity_comes_first_in_the_shipped_policy() {
    let weights = &POLICY.weights;
    let sentiment = weights.sentiment.values().copied().fold(0.0, f64::max);
    let others = weights.signals_at_most
        + sentiment
        + weights.customer_tier.into_iter().fold(0.0, f64::max)
        + weights.amount.points
        + weights.prior_contacts_at_most
        + weights.aging;
    assert!(others < 100.0, "{others}");
}

#[test]
fn time_that_passes_moves_a_case_up() {
    let start: Timestamp = "2026-03-09T10:00:00+08:00".parse().expect("it is a time");
    let due = start + SignedDuration::from_hours(100);
    let after = |hours| aging(&POLICY, start, due, start + SignedDuration::from_hours(hours));
    assert_eq!((after(-5).points, after(0).points, after(50).points), (0.0, 0.0, 10.0));
    assert_eq!((after(100).points, after(500).points), (20.0, 20.0));
    assert_eq!(
        (after(50).value.as_str(), after(101).value.as_str()),
        ("办结时限已过 50%", "已超出办结时限")
    );
}

#[track_caller]
fn check_mistakes(edits: &[(&str, &str)], mistakes: &[&str]) {
    let mut text = Policy::DEFAULT.to_owned();
    for (from, to) in edits {
        assert!(text.contains(from), "`{from}` is not in the shipped policy");
        text = text.replacen(from, to, 1);
    }
    let error = Policy::parse(&text, &TAXONOMY).expect_err("the file has mistakes").to_string();
    for mistake in mistakes {
        assert!(error.contains(mistake), "`{mistake}` is missing in: {error}");
    }
    assert_eq!(error.matches("; ").count() + 1, mistakes.len(), "{error}");
}

#[test]
fn every_mistake_of_a_policy_is_listed() {
    check_mistakes(
        &[
            ("default_severity = \"normal\"", "default_severity = \"medium\""),
            ("close_alternative = 0.2", "close_alternative = 20"),
            ("executive_queue = \"executive\"", "executive_queue = \"board\""),
            ("\"platform\"", "\"logistics\", \"weather\""),
            ("department = \"售后服务部\"", "department = \" \""),
            ("acceptance = \"6h\"", "acceptance = \"soon\""),
            ("high = 200", "high = 50"),
            ("repeat = 6", "repeat = -6"),
            ("vip = 8", "vip = 8, emperor = 9"),
            ("from = 100,", "from = 0,"),
            ("aging = 20", "aging = inf"),
        ],
        &[
            "`default_severity` names `medium`, which is no severity",
            "`close_alternative` is a share",
            "`executive_queue` names `board`, which is no queue",
            "category `logistics` is routed to `logistics` and to `platform_governance`",
            "`queues.platform_governance` names `weather`, which is no category",
            "category `platform` has no queue",
            "queue `after_sales` needs a name and a department",
            "`clocks.complex`: `soon` is not a period",
            "`high` weighs less than `normal`",
            "`priority.signals` has `-6` points",
            "`priority.customer_tier` names `emperor`",
            "`priority.amount` goes `from` more than 0",
            "`priority.aging` has `inf` points",
        ],
    );
    check_mistakes(
        &[("id = \"logistics\"", "id = \"after_sales\"")],
        &["queue `after_sales` is given twice"],
    );
}

#[test]
fn the_clocks_are_those_of_the_file() {
    let resolution = ClockKind::ALL.map(|kind| POLICY.clock(kind).periods[2].1.to_string());
    assert_eq!(resolution, ["3 个工作日", "7 个工作日", "7 个工作日"]);
}

#[test]
fn a_person_who_says_what_it_is_about_overrides_a_rules_queue() {
    let mut case = Case::predicted("logistics", "normal")
        .hit("route.express", |hit| hit.effect.queue = Some((id("platform_governance"), 5)));
    assert_eq!(case.route().queue, id("platform_governance"));
    let (_, head) = TAXONOMY.role(Role::Category).expect("the taxonomy has categories");
    let mut said = Labels::default();
    said.insert(head, &["after_sales"]).expect("it is a category");
    let mut verdict = Verdict::default();
    verdict.take(&said, &RouteChoice::default());
    case.verdict = Some(verdict);
    assert_eq!(case.route().queue, id("after_sales"));
}

fn id(queue: &str) -> QueueId {
    queue.parse().expect("it is a name")
}
