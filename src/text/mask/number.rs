//! Phone numbers, ID cards, bank cards, e-mail addresses and license plates, by their shape.

use std::ops::Range;

use super::{Hidden, before, code_char, ends_with_any, is_code_char, is_digit};
use crate::text::personal::{is_bank_card, is_id_card, is_mobile};

/// Longer runs are neither cards nor phone numbers, and need not be looked at in full.
const MAX_RUN: usize = 40;
const SEPARATORS: [char; 4] = [' ', ':', '：', '-'];

/// The personal number that starts at `at`, where no run of letters and digits goes on.
pub(super) fn find(text: &str, at: usize) -> Option<Hidden> {
    let first = text[at..].chars().next()?;
    if !first.is_ascii() && !is_digit(first) {
        return plate(text, at, first);
    }
    if !is_code_char(first) && first != '+' {
        return None;
    }
    email(text, at).or_else(|| card_or_phone(text, at)).or_else(|| grouped_phone_or_card(text, at))
}

/// 王123@example.com keeps its first letter and its domain.
fn email(text: &str, at: usize) -> Option<Hidden> {
    let is_local = |c: char| c.is_ascii_alphanumeric() || "._%+-".contains(c);
    let local = text[at..].chars().take(65).take_while(|&c| is_local(c)).count();
    let domain = text[at + local..].strip_prefix('@')?;
    let len = domain
        .bytes()
        .take(254)
        .take_while(|&byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
        .count();
    let domain = domain[..len].trim_end_matches(['.', '-']);
    if local == 0 || !domain.contains('.') {
        return None;
    }
    let shown = format!("{}***@{domain}", &text[at..=at]);
    Some(Hidden { range: at..at + local + 1 + domain.len(), shown })
}

/// A run of digits without separators.
fn card_or_phone(text: &str, at: usize) -> Option<Hidden> {
    let start = at + usize::from(text[at..].starts_with('+'));
    let (run, end) = run(text, start)?;
    let context = before(text, at, 8);
    let context = context.trim_end_matches(SEPARATORS).trim_end_matches(['是', '为']);
    // What stands before a mobile number in one run is its country code or a word: tel138…
    let n_mobile =
        run.len().checked_sub(11).filter(|&n| run.is_char_boundary(n) && is_mobile(&run[n..]));
    if let Some(n_before) = n_mobile.filter(|&n| {
        matches!(&run[..n], "" | "86" | "0086") || run.as_bytes()[n - 1].is_ascii_alphabetic()
    }) {
        return Some(hide(text, nth(text, start, n_before)..end, 3, 4));
    }
    let is_named_id =
        ends_with_any(context, &["身份证", "身份证号", "身份证号码", "证件号", "证件号码"]);
    if is_id_card(&run) || (is_named_id && (run.len() == 15 || run.len() == 18)) {
        return Some(hide(text, start..end, 3, 4));
    }
    if !run.bytes().all(|byte| byte.is_ascii_digit()) || is_amount(&text[end..]) {
        return None;
    }
    let is_named_card = is_named_card(context);
    if (is_bank_card(&run) && !is_named_order(context))
        || (is_named_card && 12 <= run.len() && run.len() <= 19)
    {
        return Some(hide(text, start..end, 0, 4));
    }
    let is_landline =
        run.starts_with('0') && matches!(run.len(), 11 | 12) && !is_named_order(context);
    if is_landline {
        return Some(hide(
            text,
            start..end,
            if run.starts_with("01") || run.starts_with("02") { 3 } else { 4 },
            4,
        ));
    }
    let is_named_phone = ends_with_any(context, &["电话", "座机", "固话", "电话号码"]);
    (is_named_phone && matches!(run.len(), 7 | 8) && !run.starts_with("400"))
        .then(|| hide(text, start..end, 0, 4))
}

/// 138 1234 5678, 6222 0200 0000 1234 56, 0571-88886666: digits in groups.
fn grouped_phone_or_card(text: &str, at: usize) -> Option<Hidden> {
    let (mut digits, mut groups, mut end) = (String::new(), vec![0_usize], at);
    for c in text[at..].chars().take(MAX_RUN) {
        match code_char(c) {
            Some(digit) if digit.is_ascii_digit() => {
                digits.push(digit);
                *groups.last_mut()? += 1;
                end += c.len_utf8();
            }
            None if matches!(c, ' ' | '-' | '—' | '－') && groups.last() != Some(&0) => {
                groups.push(0);
                end += c.len_utf8();
            }
            _ => break,
        }
    }
    let end = at + text[at..end].trim_end_matches([' ', '-', '—', '－']).len();
    groups.retain(|&len| len != 0);
    let context = before(text, at, 8).trim_end_matches(SEPARATORS);
    if is_named_order(context) {
        return None;
    }
    let is_card = is_bank_card(&digits) || is_named_card(context);
    match groups[..] {
        [3, 4, 4] if is_mobile(&digits) => Some(hide(text, at..end, 3, 4)),
        [4, 4, 4, 1..=7] | [4, 4, 4, 4, 1..=3] if is_card => Some(hide(text, at..end, 0, 4)),
        [area @ (3 | 4), 7 | 8] if digits.starts_with('0') => Some(hide(text, at..end, area, 4)),
        _ => None,
    }
}

/// 京A12345: the region stays.
fn plate(text: &str, at: usize, province: char) -> Option<Hidden> {
    const PROVINCES: &str = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤川青藏琼宁";
    if !PROVINCES.contains(province) {
        return None;
    }
    let rest = &text[at + province.len_utf8()..];
    let letter = rest.chars().next().filter(char::is_ascii_uppercase)?;
    let start = at + province.len_utf8() + letter.len_utf8();
    let start = start
        + text[start..]
            .chars()
            .next()
            .filter(|&c| matches!(c, '·' | '.' | '•' | ' '))
            .map_or(0, char::len_utf8);
    let (run, end) = run(text, start)?;
    let is_plate =
        matches!(run.len(), 5 | 6) && 2 <= run.bytes().filter(u8::is_ascii_digit).count();
    is_plate.then(|| Hidden { range: start..end, shown: "*".repeat(run.len()) })
}

/// The run of letters and digits that starts at `start`, folded, and where it ends.
fn run(text: &str, start: usize) -> Option<(String, usize)> {
    let mut run = String::new();
    let mut end = start;
    for c in text[start..].chars() {
        let Some(folded) = code_char(c) else { break };
        if run.len() == MAX_RUN {
            return None;
        }
        run.push(folded);
        end += c.len_utf8();
    }
    (!run.is_empty()).then_some((run, end))
}

/// Where the character number `n` from `start` on starts.
fn nth(text: &str, start: usize, n: usize) -> usize {
    text[start..].char_indices().nth(n).map_or(text.len(), |(i, _)| start + i)
}

/// Keeps the first and the last letters and digits.
fn hide(text: &str, range: Range<usize>, n_first: usize, n_last: usize) -> Hidden {
    let run: Vec<char> = text[range.clone()].chars().filter(|&c| is_code_char(c)).collect();
    let first: String = run.iter().take(n_first).collect();
    let last: String = run[run.len().saturating_sub(n_last)..].iter().collect();
    Hidden { range, shown: format!("{first}****{last}") }
}

fn is_named_order(context: &str) -> bool {
    ends_with_any(
        context,
        &[
            "单号",
            "订单",
            "编号",
            "工单",
            "运单",
            "快递",
            "流水号",
            "流水",
            "受理号",
            "交易号",
            "票号",
        ],
    )
}

fn is_named_card(context: &str) -> bool {
    ends_with_any(context, &["卡号", "银行卡", "信用卡", "储蓄卡", "账号", "帐号", "账户"])
}

fn is_amount(rest: &str) -> bool {
    let after_point =
        |rest: &str| rest.strip_prefix('.').is_some_and(|rest| rest.starts_with(is_digit));
    rest.starts_with(['元', '万', '块']) || after_point(rest)
}
