//! Which numerals count earlier contacts with the firm, and which count people who are affected.
//! Purchases, portions and the firm's own staff do not count.

use super::numeral::Numeral;
use super::source::{Source, contains_any, ends_with_any, starts_with_any};

/// What a customer does who turns to the firm or beyond it.
const CONTACTS: [&str; 25] = [
    "电话",
    "致电",
    "拨打",
    "联系",
    "投诉",
    "反映",
    "反馈",
    "催",
    "沟通",
    "咨询",
    "申诉",
    "举报",
    "报修",
    "询问",
    "交涉",
    "协商",
    "找客服",
    "找你们",
    "找商家",
    "找卖家",
    "找店家",
    "找平台",
    "留言",
    "邮件",
    "求助",
];
/// What counts only right before the number, for people say and ask many things.
const TALKS: [&str; 8] = ["问了", "问过", "说了", "说过", "找了", "找过", "问了客服", "问客服"];
/// Calls that others made.
const OTHERS: [&str; 11] =
    ["给我", "打给我", "骗子", "推销", "骚扰", "诈骗", "接到", "收到", "来电", "挂", "没几"];
const PURCHASES: [&str; 7] = ["买", "购", "下单", "消费", "入住", "吃", "回购"];
/// Nobody has counted more contacts than this; larger numbers are numbers to call.
const MAX_CONTACTS: u32 = 999;

/// How often the customer has turned to the firm: 打了三次电话, 五六次反映.
pub(super) fn contacts(source: Source<'_>, numeral: &Numeral) -> Option<u32> {
    const UNITS: [&str; 9] = ["次", "遍", "回", "通", "趟", "个电话", "个工单", "封邮件", "个投诉"];
    const OTHER_WORDS: [&str; 7] = ["回复", "回访", "回答", "回来", "回家", "通知", "通过"];
    const OFFICES: [&str; 8] = ["营业厅", "网点", "门店", "柜台", "售后", "维修", "你们", "客服"];
    let end = source.skip_any(numeral.end, &UNITS)?;
    let unit = &source.text[numeral.end..end];
    let (before, after) = (source.before(numeral.start, 8), source.after(end, 6));
    let is_other = contains_any(before, &OTHERS)
        || before.ends_with('没')
        || contains_any(after, &PURCHASES[..3])
        || after.contains("给我")
        || source.skip_any(numeral.end, &OTHER_WORDS).is_some();
    if is_other || MAX_CONTACTS < numeral.count() {
        return None;
    }
    let calls = contains_any(before, &["打", "拨"]);
    let is_contact = match unit {
        "个电话" => calls,
        "个工单" | "封邮件" | "个投诉" => true,
        "趟" => before.contains('跑') && contains_any(after, &OFFICES),
        _ => {
            let is_call = calls
                && contains_any(after, &["电话", "没人", "不接", "不通", "占线", "都", "才", "也"]);
            let talks = ends_with_any(before.trim_end_matches(['好', '很']), &TALKS);
            is_call || talks || contains_any(before, &CONTACTS) || contains_any(after, &CONTACTS)
        }
    };
    let is_contact = is_contact && !is_call_of_another(source.before(numeral.start, 14), after);
    is_contact.then(|| numeral.count())
}

/// Whether a call that is counted is somebody else's: 卖家打了十几个电话骂我, but not
/// 我给卖家打了十几个电话 and not 客服打了三次都没人接. `before` ends where the count begins.
fn is_call_of_another(before: &str, after: &str) -> bool {
    let call = before.rfind(['打', '拨']).map(|call| before[..call].trim_end_matches('拨'));
    let subject = call.or_else(|| before.strip_suffix("来了"));
    subject.is_some_and(|subject| is_another(subject, after))
}

/// Whether the subject with which `before` ends calls the customer and is not called.
fn is_another(before: &str, after: &str) -> bool {
    const CALLERS: [&str; 16] = [
        "卖家",
        "商家",
        "店家",
        "店主",
        "老板",
        "客服",
        "对方",
        "骑手",
        "快递员",
        "外卖员",
        "送餐员",
        "配送员",
        "骗子",
        "催收",
        "催收员",
        "推销员",
    ];
    const TO: [&str; 10] = ["给", "向", "跟", "和", "与", "找", "联系", "打", "拨", "催促"];
    const UNANSWERED: [&str; 6] = ["没人", "无人", "不接", "不通", "占线", "才接"];
    let subject = before.trim_end_matches(|c| ADVERBS.contains(c));
    CALLERS.iter().find_map(|caller| subject.strip_suffix(caller)).is_some_and(|rest| {
        !contains_any(rest, &TO) && (after.contains('我') || !contains_any(after, &UNANSWERED))
    })
}

/// The same where the count comes before the verb: 卖家多次打电话骂我.
fn announces_call_of_another(source: Source<'_>, start: usize, end: usize) -> bool {
    let after = source.after(end, 10);
    starts_with_any(after, &["打", "来电", "致电", "拨"])
        && is_another(source.before(start, 12), after)
}

/// What may stand between a subject and its verb: 今天, 一直, 已经, 还, 连续, 后来.
const ADVERBS: &str = " 也都又还就才再已经连续接一天每今昨总共先后来前竟然居直不断陆第";

/// How often before this time: 第三次反映 means twice.
pub(super) fn contacts_before(source: Source<'_>, ordinal: &Numeral) -> Option<u32> {
    let end = source.skip_any(ordinal.end, &["次", "遍", "回"])?;
    let (before, after) = (source.before(ordinal.start, 8), source.after(end, 5));
    let is_contact = contains_any(after, &CONTACTS) || contains_any(before, &CONTACTS);
    let is_other = contains_any(after, &PURCHASES) || contains_any(before, &OTHERS);
    let is_other = is_other || announces_call_of_another(source, ordinal.start, end);
    (is_contact && !is_other).then(|| ordinal.count().saturating_sub(1)).filter(|&count| 0 < count)
}

/// Contacts that are not counted: 多次联系 is at least 2, 再次投诉 at least 1. The word starts at `at`.
pub(super) fn vague_contacts(source: Source<'_>, at: usize) -> Option<(u32, usize)> {
    const OFTEN: [&str; 10] =
        ["多次", "多遍", "多回", "数次", "屡次", "屡屡", "反复", "再三", "无数次", "无数个电话"];
    let (count, end) =
        match (source.skip_any(at, &OFTEN), source.skip_any(at, &["再次", "再度", "再一次"]))
        {
            (Some(end), _) => (2, end),
            (None, Some(end)) => (1, end),
            (None, None) if source.text[..at].ends_with('一') => (2, source.skip(at, "再")?),
            (None, None) => return None,
        };
    let (before, after) = (source.before(at, 6), source.after(end, 5));
    let is_contact = source.text[at..end].ends_with("电话")
        || contains_any(after, &CONTACTS)
        || (count == 2 && contains_any(before, &CONTACTS));
    let is_other =
        contains_any(before, &OTHERS) || contains_any(after, &PURCHASES) || after.contains("给我");
    let is_other = is_other || announces_call_of_another(source, at, end);
    (is_contact && !is_other).then_some((count, end))
}

/// Those who can only be customers or victims.
const AFFECTED: [&str; 29] = [
    "业主",
    "住户",
    "居民",
    "消费者",
    "用户",
    "顾客",
    "受害",
    "家长",
    "车主",
    "买家",
    "学生",
    "村民",
    "商户",
    "患者",
    "病人",
    "乘客",
    "旅客",
    "游客",
    "会员",
    "家庭",
    "孩子",
    "小孩",
    "娃",
    "老人",
    "人家",
    "学员",
    "租客",
    "租户",
    "储户",
];
/// Those who are affected only if the text says so.
const PERSONS: [&str; 14] = [
    "人", "大人", "朋友", "同事", "同学", "邻居", "室友", "亲戚", "家人", "姐妹", "兄弟", "网友",
    "老师", "客人",
];
/// 三人份, 10人餐, 6人团, 老人手机: what something is for.
const SIZES: [&str; 28] = [
    "份", "餐", "间", "桌", "座", "套", "用", "的量", "的份", "团", "票", "房", "床", "款", "组",
    "车", "行", "以上", "次", "工", "气", "民", "员", "以内", "位", "份量", "手机", "机",
];
/// Having been there is not being affected: 三个人没吃完.
const COMPANY: [&str; 12] = [
    "吃不完",
    "没吃完",
    "吃完",
    "吃的",
    "吃得",
    "吃都",
    "够吃",
    "入住",
    "去玩",
    "一起去",
    "同看",
    "聊天",
];
const GROUPS: [&str; 18] = [
    "我们", "咱们", "全家", "一家", "家里", "同事", "朋友", "室友", "同学", "邻居", "一行", "已有",
    "另有", "还有", "全班", "全校", "公司", "群里",
];
const HARM: [&str; 20] = [
    "中毒",
    "受伤",
    "被骗",
    "被坑",
    "拉肚子",
    "拉稀",
    "吐",
    "住院",
    "不适",
    "不舒服",
    "腹泻",
    "肚子疼",
    "肚子痛",
    "过敏",
    "维权",
    "联名",
    "受害",
    "上当",
    "发烧",
    "投诉",
];

/// How many people are affected: 我们三户, 七八个业主, 同事四人都.
pub(super) fn people(source: Source<'_>, numeral: &Numeral) -> Option<u32> {
    let count = numeral.count();
    if count < 2 || numeral.spelled {
        return None;
    }
    let at = source.skip_any(numeral.end, &["个", "位", "名", "户"]).unwrap_or(numeral.end);
    // 406业主 is the one of flat 406.
    if at == numeral.end && 3 <= numeral.n_digits && !numeral.approximate {
        return None;
    }
    let rest = &source.text[at..];
    if source.text[..at].ends_with('户') {
        return (!starts_with_any(rest, &["型", "外", "籍", "口"])).then_some(count);
    }
    let nouns = || AFFECTED.iter().chain(&PERSONS).chain(["口"].iter());
    let noun = nouns().find(|noun| rest.starts_with(*noun))?;
    let end = at + noun.len();
    if starts_with_any(&source.text[end..], &SIZES) {
        return None;
    }
    if AFFECTED.contains(noun) {
        return Some(count);
    }
    let before =
        source.before(numeral.start, 5).trim_end_matches(['有', '共', '一', '总', '约', '近', ' ']);
    let after = source.after(end, 6);
    let is_affected = contains_any(after, &HARM)
        || (!contains_any(after, &COMPANY)
            && (ends_with_any(before, &GROUPS)
                || starts_with_any(after, &["都", "全", "均", "集体", "同时"])));
    (is_affected && (*noun != "口" || before.ends_with('家'))).then_some(count)
}
