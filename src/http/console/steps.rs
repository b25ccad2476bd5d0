//! A form for every move of a case's life.

use maud::{Markup, html};

use crate::cases::{Life, Move, Timetable};
use crate::domain::{Elements, HeadKind, Labels, Tier};
use crate::http::console::visitor::Visitor;
use crate::http::console::words;
use crate::triage::{Knowledge, Veil};

/// How a value is asked for.
#[derive(Clone, Copy)]
enum Ask {
    Line,
    Area,
    Number,
    Department,
    Choice(&'static [(&'static str, &'static str)]),
    Fixed(&'static str),
}

/// A value that a move asks for: its name in the form, what people read, how it is asked for.
type Question = (&'static str, &'static str, Ask);

const YES_NO: Ask = Ask::Choice(&[("true", "已接通"), ("false", "无人应答")]);
const PURPOSES: Ask =
    Ask::Choice(&[("progress", "告知进展"), ("result", "告知结果"), ("confirmation", "请求确认")]);
const LIABILITIES: Ask = Ask::Choice(&[
    ("company", "公司"),
    ("customer", "客户"),
    ("third_party", "第三方"),
    ("mixed", "多方"),
]);
const RATINGS: Ask = Ask::Choice(&[
    ("5", "5 很满意"),
    ("4", "4 满意"),
    ("3", "3 一般"),
    ("2", "2 不满意"),
    ("1", "1 很不满意"),
]);

/// The last part of a move's path, and what it asks for.
const fn questions(step: Move) -> (&'static str, &'static [Question]) {
    match step {
        Move::Accept => ("acceptance", &[("contact_person", "联系人", Ask::Line)]),
        Move::Assign => ("assignment", &[("department", "部门", Ask::Department)]),
        Move::Take => ("owner", &[("owner", "接手人（不填为本人）", Ask::Line)]),
        Move::Review => ("reviews", &[("finding", "复核意见", Ask::Area)]),
        Move::Investigate => (
            "investigation",
            &[
                ("lead", "牵头部门", Ask::Department),
                ("l:departments", "协办部门（每行一个）", Ask::Area),
            ],
        ),
        Move::Opine => {
            ("opinions", &[("department", "部门", Ask::Department), ("opinion", "意见", Ask::Area)])
        }
        Move::AddEvidence => ("evidence", &[("item", "证据说明", Ask::Line)]),
        Move::Conclude => (
            "conclusion",
            &[("liability", "责任认定", LIABILITIES), ("findings", "查明事实", Ask::Area)],
        ),
        Move::Propose => ("proposals", &[]),
        Move::Choose => ("choices", &[("n:offer", "选定第几个方案", Ask::Number)]),
        Move::Revise => ("revisions", &[("reason", "客户的要求", Ask::Area)]),
        Move::AnswerFinally => (
            "final-answers",
            &[("explanation", "解释", Ask::Area), ("recourse", "其他救济途径", Ask::Area)],
        ),
        Move::Approve => ("approvals", &[("b:granted", "", Ask::Fixed("true"))]),
        Move::RefuseApproval => {
            ("approvals", &[("b:granted", "", Ask::Fixed("false")), ("reason", "理由", Ask::Area)])
        }
        Move::Execute => (
            "executions",
            &[("note", "执行内容", Ask::Area), ("tracking_number", "单号（如有）", Ask::Line)],
        ),
        Move::Contact => (
            "contacts",
            &[
                ("purpose", "目的", PURPOSES),
                ("b:answered", "是否接通", YES_NO),
                ("note", "记录", Ask::Area),
            ],
        ),
        Move::Confirm => (
            "close",
            &[("b:satisfied", "", Ask::Fixed("true")), ("n:satisfaction", "满意度", RATINGS)],
        ),
        Move::Dispute => {
            ("close", &[("b:satisfied", "", Ask::Fixed("false")), ("reason", "异议", Ask::Area)])
        }
        Move::Archive => ("archive", &[("summary", "归档小结", Ask::Area)]),
        Move::Reopen => ("reopenings", &[("reason", "理由", Ask::Area)]),
        Move::Escalate => ("escalations", &[]),
        Move::SendBack => ("send-backs", &[("reason", "理由", Ask::Area)]),
        Move::Pause => (
            "pauses",
            &[("b:paused", "", Ask::Fixed("true")), ("reason", "等待客户的原因", Ask::Area)],
        ),
        Move::Resume => ("pauses", &[("b:paused", "", Ask::Fixed("false"))]),
    }
}

/// The last part of a move's path in the API.
pub(super) const fn path(step: Move) -> &'static str {
    questions(step).0
}

/// What the forms of a case need.
pub(super) struct Desk<'a> {
    pub(super) id: String,
    pub(super) version: u32,
    pub(super) life: &'a Life,
    pub(super) table: &'a Timetable<'a>,
    pub(super) knowledge: &'a Knowledge,
    pub(super) labels: &'a Labels,
    pub(super) visitor: &'a Visitor,
    /// Where to go when it is done.
    pub(super) back: &'a str,
}

impl Desk<'_> {
    /// A panel for each move that is possible now and that this person may make.
    pub(super) fn panels(&self) -> Markup {
        let legal = self.life.legal_moves();
        let mine = legal.into_iter().filter(|step| {
            *step != Move::Escalate && self.visitor.has_role(step.roles(self.life.tier()))
        });
        html! { @for step in mine { (self.panel(step)) } }
    }

    /// The same for some moves alone.
    pub(super) fn chosen(&self, wanted: &[Move]) -> Markup {
        let legal = self.life.legal_moves().into_iter();
        let mine = legal.filter(|step| {
            wanted.contains(step) && self.visitor.has_role(step.roles(self.life.tier()))
        });
        html! { @for step in mine { (self.panel(step)) } }
    }

    /// The form of a move.
    fn panel(&self, step: Move) -> Markup {
        let (path, questions) = questions(step);
        html! {
            details.panel {
                summary { (words::step(step)) }
                (self.form(path, &html! {
                    @for question in questions { (self.question(question)) }
                    @match step {
                        Move::Conclude => (self.grounds()),
                        Move::Propose => (self.offers()),
                        Move::Archive => (self.labels(self.labels)),
                        _ => "",
                    }
                    button.primary type="submit" { (words::step(step)) }
                }))
            }
        }
    }

    /// Whether this person may hand the case to a higher tier.
    pub(super) fn may_escalate(&self) -> bool {
        let is_legal = self.life.legal_moves().contains(&Move::Escalate);
        is_legal && self.visitor.has_role(Move::Escalate.roles(self.life.tier()))
    }

    /// The form that hands the case to a higher tier.
    pub(super) fn escalation(&self, elements: &Elements, veil: &Veil) -> Markup {
        let customer = elements.customer_name.as_deref().map(|it| veil.name(it));
        let demand = elements.demand.as_deref().map(|it| veil.text(it));
        let area = |name: &str, title: &str, value: &str| {
            html! {
                label.field { span { (title) } textarea name=(name) { (value) } }
            }
        };
        let upward = [Tier::EscalationTeam, Tier::Executive]
            .into_iter()
            .filter(|tier| self.life.tier() < *tier);
        self.form("escalations", &html! {
            fieldset {
                legend { "升级到" }
                @for (number, tier) in upward.enumerate() {
                    label.choice {
                        input type="radio" name="n:to" value=(u8::from(tier)) checked[number == 0];
                        (words::tier(tier))
                    }
                }
            }
            label.field { span { "客户" } input type="text" name="customer" value=(customer.unwrap_or_default()); }
            (area("description", "事情经过", ""))
            (area("tried", "已做处理及结果", ""))
            (area("expectation", "客户诉求", &demand.unwrap_or_default()))
            details {
                summary { "高层报告（升级到高层时必填）" }
                (area("report.background", "背景", ""))
                (area("report.process", "处理经过", ""))
                (area("report.problem", "症结", ""))
                (area("report.solution", "建议方案", ""))
            }
            button.primary type="submit" { "升级" kbd { "Ctrl+Enter" } }
        })
    }

    /// The form that corrects labels and route.
    pub(super) fn correction(&self) -> Markup {
        let action = format!("/console/cases/{}/correct", self.id);
        self.form_to(&action, &html! {
            (self.labels(self.labels))
            label.field {
                span { "队列（不选则按标签分派）" }
                select name="route.queue" {
                    option value="" { "按标签分派" }
                    @for queue in self.knowledge.policy.queues() {
                        option value=(queue.id.as_str()) { (queue.name) }
                    }
                }
            }
            fieldset {
                legend { "把握" }
                @for (value, name) in [("2", "确定"), ("1", "可商榷"), ("0", "猜测")] {
                    label.choice {
                        input type="radio" name="n:sure" value=(value) checked[value == "2"];
                        (name)
                    }
                }
            }
            label.field { span { "理由" } input type="text" name="reason" value="复核更正" required; }
            button.primary type="submit" { "保存更正" kbd { "Ctrl+Enter" } }
        })
    }

    /// Every label of every head, with those that count now chosen.
    fn labels(&self, current: &Labels) -> Markup {
        html! {
            @for head in self.knowledge.taxonomy.heads() {
                @let chosen = current.find(head.id.as_str()).unwrap_or_default();
                @let many = head.kind == HeadKind::MultiLabel;
                @let name = format!("{}labels.{}", if many { "a:" } else { "" }, head.id);
                fieldset {
                    legend { (head.name) }
                    @if many { input type="hidden" name=(name) value=""; }
                    @for label in &head.labels {
                        label.choice {
                            input type=(if many { "checkbox" } else { "radio" }) name=(name)
                                value=(label.id.as_str()) checked[chosen.contains(&label.id)];
                            (label.name)
                        }
                    }
                }
            }
        }
    }

    fn form(&self, step: &str, body: &Markup) -> Markup {
        self.form_to(&format!("/console/cases/{}/steps/{step}", self.id), body)
    }

    /// A form of the case that posts to `action` and comes back.
    pub(super) fn form_to(&self, action: &str, body: &Markup) -> Markup {
        html! {
            form method="post" action=(action) {
                input type="hidden" name="csrf" value=(self.visitor.csrf());
                input type="hidden" name="n:version" value=(self.version);
                input type="hidden" name="back" value=(self.back);
                (body)
            }
        }
    }

    fn question(&self, (name, title, ask): &Question) -> Markup {
        let input = match ask {
            Ask::Fixed(value) => return html! { input type="hidden" name=(name) value=(value); },
            Ask::Line => html! { input type="text" name=(name); },
            Ask::Number => html! { input type="number" name=(name) min="1" max="20"; },
            Ask::Area => html! { textarea name=(name) {} },
            Ask::Department => html! {
                select name=(name) {
                    @for queue in self.knowledge.policy.queues() {
                        option { (queue.department) }
                    }
                }
            },
            Ask::Choice(choices) => html! {
                select name=(name) {
                    @for (value, text) in *choices { option value=(value) { (text) } }
                }
            },
        };
        html! { label.field { span { (title) } (input) } }
    }

    /// For what the customer may be owed money.
    fn grounds(&self) -> Markup {
        html! {
            fieldset {
                legend { "赔偿事由" }
                @for (id, name) in self.table.handbook.compensation.grounds() {
                    label.choice {
                        input type="checkbox" name="a:claim.grounds" value=(id);
                        (name)
                    }
                }
            }
            label.field { span { "价款（元）" } input type="text" name="n:claim.price" inputmode="decimal"; }
            label.field { span { "实际损失（元）" } input type="text" name="n:claim.loss" inputmode="decimal"; }
            label.field { span { "延误（小时）" } input type="number" name="n:claim.delayed_hours" min="0"; }
        }
    }

    /// What the law and the firm's standards ask for, to choose from, and one offer of one's own.
    fn offers(&self) -> Markup {
        let drafts = self.table.handbook.compensation.draft(self.life.claim()).unwrap_or_default();
        html! {
            @if !drafts.is_empty() {
                fieldset {
                    legend { "依标准拟定（请选择）" }
                    @for (number, offer) in drafts.iter().enumerate() {
                        label.choice {
                            input type="checkbox" name="draft" value=(number) checked;
                            span {
                                @for remedy in &offer.remedies {
                                    (words::remedy(remedy.kind)) "：" (remedy.words)
                                    @if let Some(basis) = &remedy.basis { small { "（" (basis) "）" } }
                                }
                            }
                        }
                    }
                }
            }
            fieldset {
                legend { "另拟方案" }
                select name="kind" aria-label="补救方式" {
                    option value="" { "不另拟" }
                    @for kind in REMEDIES { option value=(kind.0) { (kind.1) } }
                }
                label.field { span { "金额（元，如有）" } input type="text" name="n:amount" inputmode="decimal"; }
                label.field { span { "说明" } input type="text" name="words"; }
                label.field { span { "特殊案例理由（高于标准时）" } input type="text" name="special_case"; }
            }
        }
    }
}

const REMEDIES: [(&str, &str); 7] = [
    ("refund", "退款"),
    ("exchange", "换货"),
    ("repair", "维修"),
    ("compensation", "补偿"),
    ("voucher", "代金券"),
    ("apology", "道歉"),
    ("improvement", "改进"),
];
