//! Which numerals are amounts of yuan: those with a unit of money, and bare ones that a word for
//! paying, losing or pricing introduces. Amounts in other currencies are not read.

use std::ops::Range;

use super::numeral::{Numeral, SCALE};
use super::source::{Source, ends_clause, ends_with_any, starts_with_any};

/// An amount in the normalized text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Amount {
    pub(super) range: Range<usize>,
    /// Yuan, in units of 1 / [`SCALE`].
    pub(super) value: u64,
    pub(super) approximate: bool,
}

/// How far a word such as 花了 reaches: six Han characters.
const CUE_REACH: usize = 18;

/// Reads a numeral as an amount. `cue` is where the last word about money of the clause ends,
/// `lower` is what opens the range that the numeral ends, as in 100-200.
pub(super) fn read(
    source: Source<'_>,
    numeral: &Numeral,
    cue: Option<usize>,
    lower: Option<&Numeral>,
) -> Option<Amount> {
    let before = source.before(numeral.start, 4);
    if ends_with_any(before, &["第", "分之", "尾号", "双"]) {
        return None;
    }
    let has_cue = cue.is_some_and(|cue| numeral.start - cue <= CUE_REACH);
    let prefix = prefix_len(before);
    let (value, end) = match with_unit(source, numeral, has_cue) {
        Some(found) => found,
        None if prefix != 0 => (numeral.value, numeral.end),
        None if is_bare_amount(source, numeral, has_cue, lower.is_some()) => {
            (numeral.value, numeral.end)
        }
        None => return None,
    };
    if is_foreign(source, lower.unwrap_or(numeral).start, end) {
        return None;
    }
    let suffix = source.skip_any(end, &["左右", "上下", "多", "出头"]);
    let start = numeral.start - prefix;
    let approximate =
        numeral.approximate || suffix.is_some() || says_roughly(&before[..before.len() - prefix]);
    Some(Amount { range: start..end, value, approximate })
}

/// Whether the character at `at` belongs to a word about money that may introduce a bare number.
pub(super) fn is_cue(source: Source<'_>, at: usize, c: char) -> bool {
    let follows = |words: &str| source.char_before(at).is_some_and(|c| words.contains(c));
    let precedes =
        |words: &str| source.char_at(at + c.len_utf8()).is_some_and(|c| words.contains(c));
    match c {
        '花' | '付' | '扣' | '退' | '赔' | '偿' | '损' | '钱' | '额' | '账' | '缴' | '骗'
        | '值' | '减' | '罚' | '亏' | '欠' | '汇' | '售' | '贷' | '坑' => true,
        '款' => !follows("新这那此该爆同哪两"),
        '费' => !follows("免浪") && !precedes("者"),
        '价' => !follows("评"),
        '满' => !follows("不") && !precedes("意足"),
        '补' => !precedes("充发"),
        '贵' => !precedes("公宾店司"),
        '刷' => !precedes("新牙"),
        '宜' => follows("便"),
        '共' => !follows("公") && !precedes("享"),
        '计' => follows("共合总累"),
        '转' => precedes("了给走账去"),
        '收' | '交' | '充' | '存' | '借' | '少' | '赚' => precedes("了我给到走值入取"),
        '买' | '卖' | '拍' | '租' => precedes("的了成时来价入到"),
        '降' | '涨' | '升' => precedes("到了价至为"),
        '金' => !follows("黄白美合五"),
        '笔' => follows("一两几这那") && precedes(" 0123456789一二两三四五六七八九十几"),
        _ => false,
    }
}

/// The length of a currency sign before the numeral.
fn prefix_len(before: &str) -> usize {
    let trimmed = before.trim_end_matches([' ', ':']);
    let sign = ["¥", "rmb", "cny", "人民币"].iter().find(|sign| trimmed.ends_with(*sign));
    sign.map_or(0, |sign| before.len() - trimmed.len() + sign.len())
}

/// Whether the currency beside an amount is not the yuan: $50, 美元64,000元, 12元港币.
fn is_foreign(source: Source<'_>, start: usize, end: usize) -> bool {
    const CURRENCIES: [&str; 23] = [
        "$", "€", "£", "usd", "hkd", "eur", "gbp", "jpy", "美元", "美金", "美刀", "港币", "港元",
        "日元", "日币", "欧元", "英镑", "韩元", "韩币", "澳元", "加元", "台币", "泰铢",
    ];
    let before = source.before(start, 5).trim_end_matches([' ', ':']);
    ends_with_any(before, &CURRENCIES)
        || source.skip_any(source.skip_space(end), &CURRENCIES).is_some()
}

fn says_roughly(before: &str) -> bool {
    let before = before.trim_end_matches([' ', '¥']);
    ends_with_any(
        before,
        &[
            "约",
            "大概",
            "近",
            "接近",
            "差不多",
            "至少",
            "起码",
            "超过",
            "不到",
            "快",
            "上",
            "好",
            "估计",
        ],
    )
}

/// The value and the end of a numeral that a unit of money follows.
fn with_unit(source: Source<'_>, numeral: &Numeral, has_cue: bool) -> Option<(u64, usize)> {
    let at = source.skip_space(numeral.end);
    let rest = &source.text[at..];
    if let Some(end) = source.skip_any(at, &["元", "圆"]) {
        let is_other_word = starts_with_any(
            &source.text[end..],
            &["旦", "宵", "素", "件", "气", "器", "老", "首", "凶", "月"],
        );
        let (change, end) = change(source, end, false).unwrap_or((0, end));
        return (!is_other_word)
            .then_some((numeral.value + change, source.skip(end, "整").unwrap_or(end)));
    }
    if let Some(end) = source.skip(at, "块") {
        let rest = &rest["块".len()..];
        return match change(source, end, true) {
            Some((change, end)) => {
                Some((numeral.value + change, source.skip(end, "钱").unwrap_or(end)))
            }
            None if is_money_by_the_piece(numeral, rest, has_cue) => {
                Some((numeral.value, source.skip_any(end, &["多钱", "来钱", "钱"]).unwrap_or(end)))
            }
            None => None,
        };
    }
    // 一分钱 and 一毛钱 say "nothing at all": 一分钱一分货, 一毛钱没退.
    let is_nothing = &source.text[numeral.start..at] == "一";
    if let Some(end) = source.skip_any(at, &["毛", "角"]) {
        let money = source.skip(end, "钱");
        let is_money = money.is_some() || (has_cue && is_boundary(&source.text[end..]));
        return (is_money && !is_nothing).then(|| (numeral.value / 10, money.unwrap_or(end)));
    }
    if let Some(end) = source.skip(at, "分钱") {
        return (!is_nothing).then_some((numeral.value / 100, end));
    }
    let end = source.skip_any(at, &["人民币", "rmb", "cny", "大洋"])?;
    Some((numeral.value, end))
}

/// 块 counts yuan but pieces, too: 三块电池, 一块去.
fn is_money_by_the_piece(numeral: &Numeral, rest: &str, has_cue: bool) -> bool {
    const PIECES: [&str; 32] = [
        "砖",
        "板",
        "屏",
        "肉",
        "蛋糕",
        "饼",
        "巧克力",
        "表",
        "手表",
        "面膜",
        "布",
        "糖",
        "电池",
        "硬盘",
        "肥皂",
        "香皂",
        "豆腐",
        "石",
        "骨",
        "鸡",
        "玻璃",
        "瓷砖",
        "地",
        "面包",
        "牛排",
        "披萨",
        "显卡",
        "毛巾",
        "木",
        "腕表",
        "内存",
        "主板",
    ];
    if rest.starts_with('钱') || rest.starts_with("多钱") {
        return true;
    }
    if starts_with_any(rest, &PIECES) {
        return false;
    }
    match numeral.value / SCALE {
        // 一块 is mostly "together", 几块 mostly pieces.
        2..10 if numeral.approximate => has_cue && is_boundary(rest),
        0 | 1 => has_cue && is_boundary(rest),
        2..10 => has_cue || is_boundary(rest),
        _ => true,
    }
}

fn is_boundary(rest: &str) -> bool {
    rest.chars().next().is_none_or(|c| ends_clause(c) || " 的了多都也就还、)\"".contains(c))
}

/// What follows 元 or 块: 角 and 分, and after 块 a bare digit or half, as in 399块9.
fn change(source: Source<'_>, at: usize, after_piece: bool) -> Option<(u64, usize)> {
    if let Some(end) = source.skip(at, "半").filter(|_| after_piece) {
        return is_boundary(&source.text[end..]).then_some((SCALE / 2, end));
    }
    let (digit, end) = digit(source, at)?;
    if let Some(end) = source.skip_any(end, &["角", "毛"]) {
        let fen =
            self::digit(source, end).and_then(|(fen, end)| Some((fen, source.skip(end, "分")?)));
        let (fen, end) = fen.unwrap_or((0, end));
        return Some((digit * SCALE / 10 + fen * SCALE / 100, end));
    }
    if let Some(end) = source.skip(end, "分") {
        return (!source.text[end..].starts_with('钟')).then_some((digit * SCALE / 100, end));
    }
    let (fen, end) = match self::digit(source, end) {
        Some((fen, end)) if source.text[..end].ends_with(|c: char| c.is_ascii_digit()) => {
            (fen, end)
        }
        _ => (0, end),
    };
    let next = source.char_at(end);
    let alone = !source.is_measured(end)
        && next.is_none_or(|c| !c.is_ascii_alphanumeric() && !"-~:/.%块元万千百十".contains(c));
    (after_piece && alone).then_some((digit * SCALE / 10 + fen * SCALE / 100, end))
}

fn digit(source: Source<'_>, at: usize) -> Option<(u64, usize)> {
    let c = source.char_at(at)?;
    let digit = match c {
        '0'..='9' => u64::from(c) - u64::from('0'),
        _ => "零一二三四五六七八九".chars().position(|digit| digit == c)? as u64,
    };
    Some((digit, at + c.len_utf8()))
}

/// Whether a numeral without a unit is an amount: only after a word about money, or where a large
/// round one describes the goods (两千多的手机) or is followed by such a word (三千买的), or any
/// large one by what it buys (3680一张) or by what is denied (八万六一分不退).
fn is_bare_amount(
    source: Source<'_>,
    numeral: &Numeral,
    has_cue: bool,
    is_range_end: bool,
) -> bool {
    let at = source.skip_space(numeral.end);
    let next = source.char_at(at).unwrap_or('。');
    if source.is_measured(at) || next.is_ascii_alphanumeric() || "-/:.*%°~'_@#×+".contains(next) {
        return false;
    }
    let before = source.before(numeral.start, 4).trim_end_matches([' ', ':', '是', '为']);
    let joins = |c: char| {
        c.is_ascii_alphanumeric() || "/#.*_+@号码".contains(c) || (c == '-' && !is_range_end)
    };
    if before.ends_with(joins) || numeral.spelled || 7 < numeral.n_digits {
        return false;
    }
    let digits = &source.text[numeral.start..numeral.end];
    let is_code = 1 < numeral.n_digits && digits.starts_with('0') && !digits.starts_with("0.");
    if is_code || is_service_number(digits) {
        return false;
    }
    let rest = &source.text[at..];
    if starts_with_any(
        rest,
        &[
            "屏", "像素", "灯", "快充", "充电", "功率", "高清", "视频", "显示", "电视", "画质",
            "分辨", "热线", "客服",
        ],
    ) {
        return false;
    }
    let is_worth_it = 10 * SCALE <= numeral.value || !numeral.value.is_multiple_of(SCALE);
    let is_large = 100 * SCALE <= numeral.value && (100 <= numeral.unit || numeral.approximate);
    let has_cue_behind = starts_with_any(
        rest,
        &["买", "现金", "押金", "定金", "订金", "红包", "货款", "保证金", "学费"],
    );
    is_worth_it
        && (has_cue
            || (is_large && (has_cue_behind || describes_goods(rest)))
            || (100 * SCALE <= numeral.value && is_price_of_one(before, rest)))
}

/// 3680一张票, 八万六一分不退, but not 3栋302一套.
fn is_price_of_one(before: &str, rest: &str) -> bool {
    const WHAT_IT_BUYS: &str = "张晚位套台双瓶盒箱件辆平斤克节支部";
    const DENIED: [&str; 6] = ["分不", "分没", "分未", "分钱", "分都", "分也"];
    rest.strip_prefix('一').is_some_and(|one| {
        starts_with_any(one, &DENIED)
            || (one.starts_with(|c| WHAT_IT_BUYS.contains(c))
                && !before.ends_with(|c| "栋幢楼室座排型款单".contains(c)))
    })
}

/// 两千多的手机, but not 两千多的销量.
fn describes_goods(rest: &str) -> bool {
    const COUNTS: [&str; 12] =
        ["销", "粉", "评", "好评", "差评", "人", "容量", "电池", "里程", "积分", "成长", "流量"];
    rest.strip_prefix('的').is_some_and(|noun| {
        noun.starts_with(|c: char| !ends_clause(c)) && !starts_with_any(noun, &COUNTS)
    })
}

/// 12315, 10086, 95588: numbers to call, not to pay.
fn is_service_number(digits: &str) -> bool {
    match digits.len() {
        3 => matches!(digits, "110" | "119" | "120" | "122" | "114"),
        5 => starts_with_any(digits, &["123", "1008", "1001", "95", "96"]),
        6 | 7 => starts_with_any(digits, &["95", "96", "100", "400"]) && !digits.ends_with("00"),
        _ => false,
    }
}
