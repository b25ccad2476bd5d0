//! What the text adds up: 2999元+3999元, 3999+4999元, 4800、3900、2650元. What is compared, offered
//! for choice or to be multiplied is not added, nor are the ends of a range.

use super::amount::Amount;
use super::numeral::{self, Numeral, SCALE};
use super::source::{Source, contains_any, ends_clause, ends_with_any};

/// Longer lists are price lists, and looking back has to end somewhere.
const MAX_TERMS: usize = 8;
/// Small bare numbers count things: 1+1, 8+256.
const MIN_BARE: u64 = 10 * SCALE;
/// Smaller ones before a 、 number the items of a list: 12、300元.
const MIN_LISTED: u64 = 100 * SCALE;

/// What two amounts come to, the second of which stands behind the first.
pub(super) fn add(first: &Amount, second: &Amount) -> Amount {
    Amount {
        range: first.range.start..second.range.end,
        value: first.value.saturating_add(second.value),
        approximate: first.approximate || second.approximate,
    }
}

/// Whether an amount is neither multiplied, nor a rate, nor the value of a coupon.
pub(super) fn is_plain(source: Source<'_>, amount: &Amount) -> bool {
    let end = source.skip_space(amount.range.end);
    !source.char_at(end).is_some_and(|c| "*×x/÷每".contains(c))
        && !source.after(end, 4).contains('券')
}

/// Whether a sum may begin at `start`: not within a formula, at the end of a range, or with what
/// has to be spent for a discount.
pub(super) fn may_begin(source: Source<'_>, start: usize) -> bool {
    let before = source.text[..start].trim_end_matches(' ').chars().next_back();
    before.is_none_or(|c| {
        !c.is_ascii_alphanumeric()
            && !numeral::may_start(c)
            && !"+、-~到至/.#*×÷=号码第满减".contains(c)
    })
}

/// Whether an amount goes on with the row of amounts before it: 学费3000元+住宿费500元, and, where
/// they were paid in turn, 先后转了8000定金、5000尾款.
pub(super) fn joins(source: Source<'_>, row: &Amount, amount: &Amount) -> bool {
    const IN_TURN: [&str; 7] = ["先后", "陆续", "前后", "分别转", "分别付", "分别交", "分两次"];
    let between = source.text.get(row.range.end..amount.range.start).unwrap_or_default();
    if 40 < between.len() {
        return false;
    }
    let names_payment = |side: &str| {
        side.is_empty()
            || (side.chars().count() <= 3 && ends_with_any(side, &["金", "款", "费", "付"]))
    };
    // Whatever the goods are called; but a discount, a gift or points are no addend.
    let names_anything = |side: &str| {
        side.chars().count() <= 6
            && side.chars().all(|c| {
                (!c.is_ascii() || c == ' ')
                    && !ends_clause(c)
                    && !"每或比减折抵送返券积豆满赠一".contains(c)
            })
    };
    match (between.split_once('+'), between.split_once('、')) {
        (Some((left, right)), _) => names_anything(left) && names_anything(right),
        (_, Some((left, right))) => {
            names_payment(left)
                && names_payment(right)
                && contains_any(source.before(row.range.start, 8), &IN_TURN)
        }
        _ => false,
    }
}

/// A number without a unit that is added to the amounts of a row: 3999 in 2999元+3999.
pub(super) fn bare_addend(source: Source<'_>, row: &Amount, numeral: &Numeral) -> Option<Amount> {
    let is_added = source.text.get(row.range.end..numeral.start)?.trim_matches(' ') == "+";
    let is_alone = source
        .char_at(source.skip_space(numeral.end))
        .is_none_or(|c| ends_clause(c) || "+=)、".contains(c));
    (is_added && is_alone && MIN_BARE <= numeral.value).then_some(Amount {
        range: numeral.start..numeral.end,
        value: numeral.value,
        approximate: numeral.approximate,
    })
}

/// The numbers before an amount that share its unit, in the order of the text: 3999 in 3999+4999元,
/// 4800 and 3900 in 4800、3900、2650元.
pub(super) fn sharing(source: Source<'_>, amount: &Amount) -> Vec<Amount> {
    let before = |end: usize| source.text[..end].trim_end_matches(' ');
    let has_unit = !source.text[..amount.range.end].ends_with(|c: char| c.is_ascii_digit());
    let mut start = amount.range.start;
    let mut terms = Vec::new();
    let joint = before(start).chars().next_back().filter(|joint| matches!(joint, '+' | '、'));
    if let Some(joint) = joint.filter(|_| has_unit) {
        while let Some(rest) = before(start).strip_suffix(joint)
            && terms.len() < MAX_TERMS
            && let Some(term) = number_before(source, rest.trim_end_matches(' ').len())
        {
            start = term.range.start;
            terms.push(term);
        }
        terms.reverse();
        let is_sum = may_begin(source, start) && (joint == '+' || is_bill(source, &terms, amount));
        if !is_sum {
            terms.clear();
        }
    }
    terms
}

/// The plain Arabic number that ends at `end`.
fn number_before(source: Source<'_>, end: usize) -> Option<Amount> {
    let belongs = |at: &usize| match source.byte_at(*at) {
        b',' => source.is_grouping_comma(*at),
        byte => byte.is_ascii_digit() || byte == b'.',
    };
    let start = (0..end).rev().take(12).take_while(belongs).last()?;
    let numeral = numeral::parse(source, start)?;
    (numeral.end == end && MIN_BARE <= numeral.value && source.byte_at(start) != b'0')
        .then_some(Amount { range: start..end, value: numeral.value, approximate: false })
}

/// Whether amounts that share a unit are what several things cost or several payments were, and
/// no choice such as 100、200、300元 or 套餐有199、299元.
fn is_bill(source: Source<'_>, terms: &[Amount], last: &Amount) -> bool {
    const PAID: [&str; 14] =
        ["付", "交", "转", "花", "扣", "骗", "充", "共", "先后", "赔", "损失", "欠", "借", "退"];
    const CHOICES: [&str; 10] =
        ["每", "价", "档", "标准", "面额", "额度", "套餐", "券", "满", "可"];
    const OFFERED: [&str; 7] = ["档", "不等", "任", "可选", "种", "套餐", "区间"];
    let [first, ..] = terms else { return false };
    let values = || terms.iter().chain([last]).map(|term| term.value);
    let is_round = |yuan: u64| yuan.to_string().trim_end_matches('0').len() <= 1;
    let mut steps = values().zip(values().skip(1)).map(|(one, next)| next.abs_diff(one));
    let step = steps.next();
    let is_even = 1 < terms.len() && step != Some(0) && steps.all(|it| Some(it) == step);
    let before = source.before(first.range.start, 8);
    values().all(|value| MIN_LISTED <= value)
        && !last.approximate
        && !is_even
        && !values().all(|value| is_round(value / SCALE))
        && !contains_any(before, &CHOICES)
        && !contains_any(source.after(last.range.end, 6), &OFFERED)
        && (1 < terms.len() || contains_any(before, &PAID))
}
