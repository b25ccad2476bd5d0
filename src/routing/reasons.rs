//! Why a decision is as it is, in sentences that a triage lead reads and codes that machines keep.
//! The methods that state a choice hand it back, so that a choice and its reason stay together.

use crate::domain::{
    Head, HeadPrediction, LabelDefinition, Reason, ReasonSource, Reasons, Role, Tier,
};
use crate::routing::policy::{Clock, ClockKind, Policy, Queue};
use crate::routing::route::Matter;
use crate::rules::Hit;

/// The reasons that have been given so far.
pub(super) struct Explanation {
    reasons: Reasons,
}

impl Explanation {
    /// Starts with what the model says the matter is about, or that no model answered.
    pub(super) fn start(policy: &Policy, matter: &Matter<'_>) -> Self {
        let predicted = matter.prediction.and_then(|prediction| prediction.role(Role::Category));
        let first = match predicted {
            Some((head, answer)) => model_category(head, answer, policy.close_alternative),
            None => reason(
                ReasonSource::Fallback,
                "fallback",
                "模型没有给出结果，仅按规则分诊".to_owned(),
            ),
        };
        Self { reasons: Reasons::new(first) }
    }

    pub(super) fn into_reasons(self) -> Reasons {
        self.reasons
    }

    fn push(&mut self, source: ReasonSource, code: &str, message: String) {
        self.reasons.push(reason(source, code, message));
    }

    /// A rule that fired, under its own id.
    pub(super) fn hit(&mut self, hit: &Hit) {
        self.push(
            ReasonSource::Rule,
            hit.rule.as_str(),
            format!("规则「{}」：{}", hit.name, hit.reason),
        );
    }

    pub(super) fn rule_category(&mut self, label: &LabelDefinition, hit: &Hit) {
        let message = format!("规则「{}」建议类别为「{}」", hit.name, label.name);
        self.push(ReasonSource::Rule, "rule_category", message);
    }

    pub(super) fn model_severity<'m>(
        &mut self,
        label: &'m LabelDefinition,
        confidence: f32,
        likelier: Option<(&LabelDefinition, f32)>,
    ) -> &'m LabelDefinition {
        let likelier = likelier.map(|(other, p)| {
            format!("；单看可能性「{}」更大（{}），按误判代价取定", other.name, percent(p))
        });
        let message = format!(
            "模型判断严重程度为「{}」，把握 {}{}",
            label.name,
            percent(confidence),
            likelier.unwrap_or_default()
        );
        self.push(ReasonSource::Model, "model_severity", message);
        label
    }

    pub(super) fn default_severity<'m>(
        &mut self,
        label: &'m LabelDefinition,
    ) -> &'m LabelDefinition {
        let message = format!("没有模型结果，严重程度从「{}」起算", label.name);
        self.push(ReasonSource::Fallback, "default_severity", message);
        label
    }

    pub(super) fn severity_raised<'m>(
        &mut self,
        from: &LabelDefinition,
        to: &'m LabelDefinition,
    ) -> &'m LabelDefinition {
        let message = format!("按规则把严重程度由「{}」提高到「{}」", from.name, to.name);
        self.push(ReasonSource::Rule, "severity_raised", message);
        to
    }

    /// The category of a corrected case: a person's or the one that nobody has questioned.
    pub(super) fn said_category<'m>(
        &mut self,
        label: &'m LabelDefinition,
        by_person: bool,
    ) -> &'m LabelDefinition {
        if by_person {
            let message = format!("人工确认类别为「{}」", label.name);
            self.push(ReasonSource::Person, "person_category", message);
        }
        label
    }

    /// The severity of a corrected case: a person's or the one that nobody has questioned.
    pub(super) fn said_severity<'m>(
        &mut self,
        label: &'m LabelDefinition,
        by_person: bool,
    ) -> &'m LabelDefinition {
        if by_person {
            let message = format!("人工确认严重程度为「{}」", label.name);
            self.push(ReasonSource::Person, "person_severity", message);
        }
        label
    }

    pub(super) fn person_route<'m>(&mut self, queue: &'m Queue) -> &'m Queue {
        let message = format!("人工指定「{}」队列，责任部门：{}", queue.name, queue.department);
        self.push(ReasonSource::Person, "person_route", message);
        queue
    }

    pub(super) fn person_review<'m>(&mut self, queue: &'m Queue) -> &'m Queue {
        let message = format!("人工要求高层评审，转「{}」队列", queue.name);
        self.push(ReasonSource::Person, "person_review", message);
        queue
    }

    pub(super) fn person_tier(&mut self, tier: Tier) -> Tier {
        let who = match tier {
            Tier::FrontLine => "一线",
            Tier::EscalationTeam => "升级处理小组",
            Tier::Executive => "高层",
        };
        self.push(ReasonSource::Person, "person_tier", format!("人工指定由{who}处理"));
        tier
    }

    pub(super) fn unreadable(&mut self) {
        let message = "文本不是可以判读的中文，需要人工确认".to_owned();
        self.push(ReasonSource::Policy, "unreadable", message);
    }

    pub(super) fn category_unsure(&mut self) {
        self.push(
            ReasonSource::Model,
            "category_unsure",
            "模型对类别没有把握，需要人工确认".to_owned(),
        );
    }

    pub(super) fn severity_unsure(&mut self) {
        let message = "模型对严重程度没有把握，需要人工确认".to_owned();
        self.push(ReasonSource::Model, "severity_unsure", message);
    }

    pub(super) fn no_category(&mut self) {
        self.push(ReasonSource::Policy, "no_category", "没有可用的类别，需要人工确认".to_owned());
    }

    pub(super) fn category_unrouted(&mut self, label: &LabelDefinition) {
        let message = format!("分派规则没有说明类别「{}」由谁处理，需要人工确认", label.name);
        self.push(ReasonSource::Policy, "category_unrouted", message);
    }

    pub(super) fn rule_triage(&mut self, hit: &Hit) {
        let message = format!("规则「{}」要求人工确认", hit.name);
        self.push(ReasonSource::Rule, "rule_triage", message);
    }

    pub(super) fn executive_route<'m>(&mut self, queue: &'m Queue) -> &'m Queue {
        let message = format!("规则要求高层评审，转「{}」队列", queue.name);
        self.push(ReasonSource::Policy, "executive_route", message);
        queue
    }

    pub(super) fn triage_route<'m>(&mut self, queue: &'m Queue) -> &'m Queue {
        let message = format!("先由「{}」队列确认，再转责任部门", queue.name);
        self.push(ReasonSource::Policy, "triage_route", message);
        queue
    }

    pub(super) fn rule_route<'m>(&mut self, queue: &'m Queue, hit: &Hit) -> &'m Queue {
        let message = format!(
            "规则「{}」指定「{}」队列，责任部门：{}",
            hit.name, queue.name, queue.department
        );
        self.push(ReasonSource::Rule, "rule_route", message);
        queue
    }

    pub(super) fn category_route<'m>(
        &mut self,
        queue: &'m Queue,
        label: &LabelDefinition,
    ) -> &'m Queue {
        let Queue { name, department, .. } = queue;
        let message = format!("「{}」类投诉归「{name}」队列，责任部门：{department}", label.name);
        self.push(ReasonSource::Policy, "category_route", message);
        queue
    }

    /// Why it is not for the front line; nothing to say when it is.
    pub(super) fn tier(
        &mut self,
        tier: Tier,
        executive_review: bool,
        complex: Option<&LabelDefinition>,
    ) {
        let who = match tier {
            Tier::FrontLine => return,
            Tier::EscalationTeam => "升级处理小组",
            Tier::Executive => "高层",
        };
        let message = match complex {
            _ if executive_review => format!("高层评审的案件由{who}决定"),
            Some(severity) if tier == Tier::EscalationTeam => {
                format!("严重程度为「{}」的案件由{who}处理", severity.name)
            }
            _ => format!("规则要求由{who}处理"),
        };
        self.push(ReasonSource::Policy, "tier", message);
    }

    pub(super) fn clock(&mut self, kind: ClockKind, clock: &Clock) {
        self.push(ReasonSource::Policy, kind.code(), clock.summary.clone());
    }

    pub(super) fn provisional(&mut self) {
        let message = "期限落在节假日安排尚未公布的年份，暂按双休日推算".to_owned();
        self.push(ReasonSource::Policy, "provisional_deadline", message);
    }
}

fn reason(source: ReasonSource, code: &str, message: String) -> Reason {
    Reason { source, code: code.to_owned(), message }
}

/// The model's category, and the next one when it is close.
fn model_category(head: &Head, answer: &HeadPrediction, close: f32) -> Reason {
    let chosen = answer.chosen.first().copied().unwrap_or_default();
    let confidence = answer.probabilities[chosen];
    let others =
        answer.probabilities.iter().enumerate().filter(|&(label_idx, _)| label_idx != chosen);
    let next = others
        .max_by(|(_, one), (_, other)| one.total_cmp(other))
        .filter(|&(_, next)| confidence - next <= close)
        .map(|(next, &confidence)| {
            format!("；其次是「{}」，{}", head.labels[next].name, percent(confidence))
        })
        .unwrap_or_default();
    let name = &head.labels[chosen].name;
    let message = format!("模型判断类别为「{name}」，把握 {}{next}", percent(confidence));
    reason(ReasonSource::Model, "model_category", message)
}

fn percent(confidence: f32) -> String {
    // Formatting an integer takes a fraction of the time that a float takes.
    format!("{}%", (confidence * 100.0).round() as u8)
}
