//! The Chinese words of the console: names of everything that the code knows by an identifier,
//! and times as people read them. Labels and queues have names of their own in taxonomy and policy.

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

use crate::cases::{ClockId, Liability, Move, RefusalReason, RemedyKind};
use crate::domain::{Channel, CustomerTier, MessageChannel, MessageKind, Scope, StaffRole, Tier};
use crate::triage::Knowledge;

/// A channel 渠道.
pub(super) const fn channel(channel: Channel) -> &'static str {
    match channel {
        Channel::Chat => "在线客服",
        Channel::Hotline => "热线",
        Channel::OrderPage => "订单投诉",
        Channel::Form => "表单",
        Channel::Email => "邮件",
        Channel::Social => "社交媒体",
        Channel::Store => "门店",
        Channel::Regulator => "监管转办",
    }
}

/// A customer's tier 客户等级.
pub(super) const fn customer_tier(tier: CustomerTier) -> &'static str {
    match tier {
        CustomerTier::Standard => "普通客户",
        CustomerTier::Member => "会员",
        CustomerTier::Vip => "VIP",
    }
}

/// Who decides 层级.
pub(super) const fn tier(tier: Tier) -> &'static str {
    match tier {
        Tier::FrontLine => "一线",
        Tier::EscalationTeam => "升级小组",
        Tier::Executive => "高层",
    }
}

/// A role 角色.
pub(super) const fn role(role: StaffRole) -> &'static str {
    match role {
        StaffRole::Intake => "受理",
        StaffRole::FrontLine => "一线客服",
        StaffRole::TriageLead => "分诊组长",
        StaffRole::EscalationTeam => "升级处理小组",
        StaffRole::DepartmentHead => "责任部门负责人",
        StaffRole::ServiceDirector => "客服总监",
        StaffRole::Executive => "高层",
        StaffRole::DataScientist => "数据分析",
        StaffRole::Administrator => "管理员",
        StaffRole::Auditor => "审计",
        StaffRole::System => "系统",
    }
}

/// What a key is good for 权限.
pub(super) const fn scope(scope: Scope) -> &'static str {
    match scope {
        Scope::Classify => "判断",
        Scope::Intake => "提交投诉",
        Scope::Cases => "查看案件",
        Scope::PersonalData => "查看个人信息",
        Scope::Statistics => "统计与案例库",
        Scope::Audit => "审计",
        Scope::Administration => "管理",
    }
}

/// What was done, by its name in the audit log; an unknown one shows as it is.
pub(super) fn action(name: &str) -> &str {
    match name {
        "session.opened" => "登录",
        "session.closed" => "退出",
        "session.refused" => "登录失败",
        "request.denied" => "越权被拒",
        "personal_data.read" => "阅读个人信息",
        "personal_data.unmasked" => "查看个人信息",
        "user.created" => "新增用户",
        "user.changed" => "变更用户",
        "key.created" => "新增密钥",
        "key.rotated" => "更换密钥",
        "key.revoked" => "收回密钥",
        other => other,
    }
}

/// A clock 时限.
pub(super) const fn clock(clock: ClockId) -> &'static str {
    match clock {
        ClockId::Acceptance => "受理确认",
        ClockId::FirstResponse => "首次答复",
        ClockId::Resolution => "办结",
        ClockId::Escalation => "升级处理",
        ClockId::Execution => "执行",
        ClockId::Report => "结果告知",
        ClockId::Progress => "进展告知",
    }
}

/// Something that is offered 补救方式.
pub(super) const fn remedy(kind: RemedyKind) -> &'static str {
    match kind {
        RemedyKind::Refund => "退款",
        RemedyKind::Exchange => "换货",
        RemedyKind::Repair => "维修",
        RemedyKind::Compensation => "补偿",
        RemedyKind::Voucher => "代金券",
        RemedyKind::Apology => "道歉",
        RemedyKind::Improvement => "改进",
    }
}

/// The same by its name in the API; an unknown name shows as it is.
pub(super) fn remedy_named(name: &str) -> &str {
    match RemedyKind::ALL.into_iter().find(|it| it.as_str() == name) {
        Some(kind) => remedy(kind),
        None => name,
    }
}

/// Who is liable 责任.
pub(super) const fn liability(liability: Liability) -> &'static str {
    match liability {
        Liability::Company => "公司",
        Liability::Customer => "客户",
        Liability::ThirdParty => "第三方",
        Liability::Mixed => "多方",
    }
}

/// The same by its name in the API; an unknown name shows as it is.
pub(super) fn liability_named(name: &str) -> &str {
    let all = [Liability::Company, Liability::Customer, Liability::ThirdParty, Liability::Mixed];
    match all.into_iter().find(|it| it.as_str() == name) {
        Some(known) => liability(known),
        None => name,
    }
}

/// What a message tells 告知内容.
pub(super) const fn message_kind(kind: MessageKind) -> &'static str {
    match kind {
        MessageKind::Acknowledgement => "受理告知",
        MessageKind::Progress => "进展告知",
        MessageKind::Proposal => "方案告知",
        MessageKind::Result => "结果告知",
        MessageKind::Satisfaction => "满意度回访",
    }
}

/// Over what a message goes 告知渠道.
pub(super) const fn message_channel(channel: MessageChannel) -> &'static str {
    match channel {
        MessageChannel::Sms => "短信",
        MessageChannel::Chat => "在线消息",
        MessageChannel::Email => "邮件",
    }
}

/// What complaints cluster about 预警对象; an unknown kind shows as it is.
pub(super) fn alert_kind(kind: &str) -> &str {
    match kind {
        "category" => "类别",
        "product" => "商品",
        "shop" => "店铺",
        other => other,
    }
}

/// How far an alert or an improvement is; an unknown state shows as it is.
pub(super) fn review_state(state: &str) -> &str {
    match state {
        "open" => "待处理",
        "acknowledged" | "in_progress" => "处理中",
        "closed" => "已关闭",
        "done" => "已完成",
        "dropped" => "不做了",
        other => other,
    }
}

/// Who did something, in a role by its name in the API.
pub(super) fn who(actor: &str, name: &str) -> String {
    match name.parse() {
        Ok(StaffRole::System) | Err(_) => "系统".to_owned(),
        Ok(known) => format!("{actor}（{}）", role(known)),
    }
}

/// A label by its name for people, of whichever head; an unknown one shows as it is.
pub(super) fn label<'k>(knowledge: &'k Knowledge, id: &'k str) -> &'k str {
    let mut labels = knowledge.taxonomy.heads().iter().flat_map(|head| &head.labels);
    labels.find(|label| label.id.as_str() == id).map_or(id, |label| &label.name)
}

/// A move 操作.
pub(super) const fn step(step: Move) -> &'static str {
    match step {
        Move::Accept => "受理确认",
        Move::Assign => "分派",
        Move::Take => "接手",
        Move::Review => "复核",
        Move::Investigate => "发起调查",
        Move::Opine => "部门意见",
        Move::AddEvidence => "补充证据",
        Move::Conclude => "调查结论",
        Move::Propose => "提出方案",
        Move::Choose => "客户选定",
        Move::Revise => "要求修改",
        Move::AnswerFinally => "最终答复",
        Move::Approve => "批准",
        Move::RefuseApproval => "不予批准",
        Move::Execute => "执行",
        Move::Contact => "联系客户",
        Move::Confirm => "客户确认",
        Move::Dispute => "客户异议",
        Move::Archive => "归档",
        Move::Reopen => "重新打开",
        Move::Escalate => "升级",
        Move::SendBack => "退回",
        Move::Pause => "暂停计时",
        Move::Resume => "恢复计时",
    }
}

/// What happened, by the kind of its event; an unknown kind shows as it is.
pub(super) fn event(kind: &str) -> &str {
    match kind {
        "case.received" => "受理登记",
        "case.joined" => "并入重复投诉",
        "case.separated" => "拆分为新案件",
        "case.corrected" => "人工更正",
        "case.accepted" => "受理确认",
        "case.assigned" => "分派",
        "case.taken" => "接手",
        "case.reviewed" => "复核",
        "case.investigation_opened" => "发起调查",
        "case.opinion_given" => "部门意见",
        "case.evidence_added" => "补充证据",
        "case.investigation_concluded" => "调查结论",
        "case.proposed" => "提出方案",
        "case.offer_chosen" => "客户选定方案",
        "case.revision_wanted" => "客户要求修改",
        "case.answered_finally" => "最终答复",
        "case.approved" => "批准",
        "case.approval_refused" => "不予批准",
        "case.executed" => "执行",
        "case.contacted" => "联系客户",
        "case.confirmed" => "客户确认",
        "case.disputed" => "客户异议",
        "case.archived" => "归档",
        "case.reopened" => "重新打开",
        "case.escalated" => "升级",
        "case.sent_back" => "退回",
        "case.paused" => "暂停计时",
        "case.resumed" => "恢复计时",
        "case.file_added" => "添加证据文件",
        "case.message_sent" => "告知客户",
        "case.message_failed" => "告知未送达",
        "case.unmasked" => "查看个人信息",
        "case.erased" => "删除个人信息",
        "case.clock_warned" => "时限提醒",
        "case.clock_breached" => "时限超期",
        other => other,
    }
}

/// What a form asks for, by its name in the API; an unknown name shows as it is.
pub(super) fn field(name: &str) -> &str {
    match name.trim_start_matches('/') {
        "customer" => "客户",
        "description" => "事情经过",
        "tried" => "已做处理及结果",
        "expectation" => "客户诉求",
        "report" => "高层报告",
        "report.background" | "report/background" => "背景",
        "report.process" | "report/process" => "处理经过",
        "report.problem" | "report/problem" => "症结",
        "report.solution" | "report/solution" => "建议方案",
        "reason" => "理由",
        "finding" => "复核意见",
        "contact_person" => "联系人",
        "department" => "部门",
        "departments" => "协办部门",
        "lead" => "牵头部门",
        "opinion" => "意见",
        "item" => "证据",
        "findings" => "查明事实",
        "liability" => "责任认定",
        "offers" => "方案",
        "remedies" => "补救方式",
        "words" => "说明",
        "special_case" => "特殊案例理由",
        "offer" => "选定的方案",
        "explanation" => "解释",
        "recourse" => "其他救济途径",
        "note" => "备注",
        "tracking_number" => "单号",
        "summary" => "归档小结",
        "satisfaction" => "满意度",
        "title" => "要改什么",
        "owner" => "负责人",
        "due_on" => "期限",
        "text" => "内容",
        "to" | "to/contact" => "收件人",
        "subject" => "主题",
        "labels" => "标签",
        "queue" => "队列",
        "version" => "版本",
        "" => "表单",
        other => other,
    }
}

/// Why something cannot be done.
pub(super) fn refusal(reason: &RefusalReason) -> String {
    let fields = |names: &[&'static str]| {
        names.iter().map(|name| field(name)).collect::<Vec<_>>().join("、")
    };
    match reason {
        RefusalReason::Stage => "当前环节不能进行此操作".to_owned(),
        RefusalReason::Role { role: own, allowed } => {
            let allowed: Vec<_> = allowed.iter().map(|it| role(*it)).collect();
            format!("“{}”无权进行，应由{}办理", role(*own), allowed.join("、"))
        }
        RefusalReason::ReviewDue => "须先由人工复核标签与去向".to_owned(),
        RefusalReason::ExecutiveReviewDue => "须由高层复核".to_owned(),
        RefusalReason::Missing(names) => format!("还缺：{}", fields(names)),
        RefusalReason::OpinionsMissing(departments) => {
            format!("尚未提交意见的部门：{}", departments.join("、"))
        }
        RefusalReason::UnknownDepartment(name) => format!("“{name}”不在本次调查之列"),
        RefusalReason::NoSuchOffer(n) => format!("共有 {n} 个方案，请从中选定"),
        RefusalReason::RevisionsUsedUp(n) => format!("方案最多修改 {n} 次，请最终答复或升级"),
        RefusalReason::RevisionsLeft(n) => format!("还可修改 {n} 次，请先修改方案"),
        RefusalReason::UnknownGround(known) => format!("没有这一赔偿事由，可选：{known}"),
        RefusalReason::Excepted(exception) => format!("因“{exception}”不适用该标准"),
        RefusalReason::NotLate(hours) => format!("延误超过 {hours} 小时才适用"),
        RefusalReason::BelowStandard(money) => {
            format!("至少一个方案不得低于标准 {} 元", money.yuan())
        }
        RefusalReason::SpecialCaseDue(money) => {
            format!("高于标准 {} 元的方案须写明特殊案例理由", money.yuan())
        }
        RefusalReason::AboveGoodwill(money) => {
            format!("含善意补偿在内最高 {} 元", money.yuan())
        }
        RefusalReason::OwnProposal => "提出方案或已批准过的人不能（再次）批准".to_owned(),
        RefusalReason::ApprovalOrder(next) => format!("下一步须由{}批准", role(*next)),
        RefusalReason::Unconfirmed { made, needed } => {
            format!("客户尚未确认；须在不同日期联系 {needed} 次无人应答，已联系 {made} 次")
        }
        RefusalReason::Rating => "满意度为 1 至 5".to_owned(),
        RefusalReason::WrongTier(now) => format!("现为{}层级，请选择正确方向的层级", tier(*now)),
        RefusalReason::AlreadyPaused => "时限已经暂停".to_owned(),
        RefusalReason::NotPaused => "时限没有暂停".to_owned(),
        RefusalReason::Blank(name) => format!("“{}”不能为空", field(name)),
    }
}

/// A moment, as `10月8日 14:05`.
pub(super) fn moment(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%-m月%-d日 %H:%M").to_string()
}

/// A day, as `10月8日`.
pub(super) fn day(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%-m月%-d日").to_string()
}

/// A moment with its year and seconds.
pub(super) fn exact(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// How long until a deadline, or since: `剩 3 小时 20 分`, `超 2 天 4 小时`.
pub(super) fn remaining(due: Timestamp, now: Timestamp) -> String {
    let left = now.duration_until(due);
    let side = if left.is_negative() { "超" } else { "剩" };
    format!("{side} {}", span(left.abs()))
}

fn span(duration: SignedDuration) -> String {
    let minutes = duration.as_mins();
    let (days, hours, minutes) = (minutes / 1440, minutes / 60 % 24, minutes % 60);
    match (days, hours) {
        (0, 0) => format!("{minutes} 分"),
        (0, _) => format!("{hours} 小时 {minutes} 分"),
        _ => format!("{days} 天 {hours} 小时"),
    }
}

/// A day that has no time of day, as `12月31日`.
pub(super) fn date(day: Date) -> String {
    day.strftime("%-m月%-d日").to_string()
}

/// A probability in percent.
pub(super) fn percent(share: f64) -> String {
    format!("{:.0}%", share * 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_read_as_people_say_them() {
        let now: Timestamp = "2026-09-30T09:00:00+08:00".parse().expect("a time");
        for (due, expected) in [
            ("2026-09-30T09:12:00+08:00", "剩 12 分"),
            ("2026-09-30T12:20:00+08:00", "剩 3 小时 20 分"),
            ("2026-09-30T08:59:00+08:00", "超 1 分"),
            ("2026-09-28T05:00:00+08:00", "超 2 天 4 小时"),
        ] {
            assert_eq!(remaining(due.parse().expect("a time"), now), expected);
        }
    }
}
