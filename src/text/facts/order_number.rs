//! Which runs of letters and digits are order, tracking or ticket numbers: those that a word such
//! as 订单号 introduces, and those with the shape of a courier's number. Never phone numbers and ID
//! cards, and bank cards only where a text calls them order numbers.

use std::ops::Range;

use super::source::{Source, ends_with_any};
use crate::text::personal;

const KEYWORDS: [&str; 26] = [
    "订单号",
    "订单",
    "订单编号",
    "单号",
    "工单",
    "工单号",
    "运单",
    "运单号",
    "快递单",
    "快递",
    "物流",
    "物流单",
    "流水号",
    "流水",
    "受理号",
    "受理编号",
    "案件号",
    "交易号",
    "投诉编号",
    "凭证号",
    "票号",
    "单据号",
    "order",
    "订单号码",
    "取件码",
    "单号码",
];

/// Letters that courier numbers start with, of those that Chinese couriers use.
const COURIERS: [&str; 14] =
    ["sf", "yt", "jd", "jdv", "jdx", "jt", "zt", "zto", "sto", "dpk", "dpl", "yd", "kye", "ems"];

/// Where the run of letters, digits and inner hyphens that starts at `start` ends.
pub(super) fn run_end(source: Source<'_>, start: usize) -> usize {
    let bytes = &source.text.as_bytes()[start..];
    start + bytes.iter().take_while(|byte| byte.is_ascii_alphanumeric()).count()
}

/// Reads the run that starts at `start` as an order number. `last` is where the order number
/// before ends, so that enumerated ones are found.
pub(super) fn read(source: Source<'_>, start: usize, last: Option<usize>) -> Option<Range<usize>> {
    let mut end = run_end(source, start);
    let is_named =
        is_named(source, start) || last.is_some_and(|last| is_enumerated(source, last, start));
    while is_named && source.byte_at(end) == b'-' && source.byte_at(end + 1).is_ascii_digit() {
        end = run_end(source, end + 1);
    }
    let run = &source.text[start..end];
    let n_digits = run.bytes().filter(u8::is_ascii_digit).count();
    let is_number = if is_named {
        6 <= run.len() && run.len() <= 40 && 4 <= n_digits
    } else {
        has_courier_shape(run)
    };
    let is_personal = personal::is_mobile(run) || personal::is_id_card(run);
    (is_number && !is_personal).then_some(start..end)
}

fn is_named(source: Source<'_>, start: usize) -> bool {
    let before =
        source.before(start, 9).trim_end_matches([' ', ':', '#', '是', '为', '(', '"', '=', '[']);
    ends_with_any(before, &KEYWORDS)
}

fn is_enumerated(source: Source<'_>, last: usize, start: usize) -> bool {
    let between = &source.text[last..start];
    between.len() <= 6 && between.chars().all(|c| " ,、和及/;".contains(c))
}

/// SF1234567890123, EA123456789CN.
fn has_courier_shape(run: &str) -> bool {
    let letters = run.bytes().take_while(u8::is_ascii_alphabetic).count();
    let (prefix, rest) = run.split_at(letters);
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let is_postal = prefix.len() == 2 && digits == 9 && rest[digits..] == *"cn";
    is_postal || (COURIERS.contains(&prefix) && (10..=18).contains(&digits) && digits == rest.len())
}
