//! House numbers: a street and a quarter may stay, the door may not.

use super::{Hidden, before, ends_with_any, is_code_char, is_digit};

/// A door has no more characters than this.
const MAX_CHARS: usize = 8;

/// The number of a house, a building, an entrance or a room that starts at `at`.
pub(super) fn find(text: &str, at: usize) -> Option<Hidden> {
    let is_part = |c: char| is_number_char(c) || "-－—#".contains(c);
    let first = text[at..].chars().next()?;
    let before = before(text, at, 3);
    if !is_number_char(first) || before.ends_with(is_number_char) {
        return None;
    }
    let n_chars = text[at..].chars().take(MAX_CHARS + 1).take_while(|&c| is_part(c)).count();
    let len: usize = text[at..].chars().take(n_chars).map(char::len_utf8).sum();
    let number = text[at..at + len].trim_end_matches(['-', '－', '—']);
    let rest = &text[at + number.len()..];
    let n_digits = number.chars().filter(|&c| is_digit(c)).count();
    if MAX_CHARS < n_chars || !is_door(before, n_digits, number, rest) {
        return None;
    }
    let mut shown = String::new();
    for c in number.chars() {
        if !is_number_char(c) {
            shown.push(c);
        } else if !shown.ends_with('*') {
            shown.push('*');
        }
    }
    Some(Hidden { range: at..at + number.len(), shown })
}

/// Whether a number of `n_digits` digits between two words numbers a door.
fn is_door(before: &str, n_digits: usize, number: &str, rest: &str) -> bool {
    const STREETS: [&str; 11] =
        ["路", "街", "道", "巷", "弄", "胡同", "村", "里", "镇", "组", "段"];
    const QUARTERS: [&str; 12] =
        ["小区", "苑", "花园", "公寓", "家园", "城", "府", "湾", "庭", "新村", "大厦", "广场"];
    const BUILDINGS: [&str; 7] = ["栋", "幢", "单元", "号楼", "座", "#", "号院"];
    let starts = |words: &[&str]| words.iter().any(|word| rest.starts_with(word));
    if number.starts_with(['-', '－', '—', '#']) {
        return false;
    }
    starts(&["号楼", "栋", "幢", "单元", "号院", "弄"])
        || (starts(&["号"]) && ends_with_any(before, &STREETS))
        || (starts(&["室", "房"]) && 3 <= n_digits)
        || (ends_with_any(before, &BUILDINGS)
            && 3 <= n_digits
            && !starts(&["元", "块", "年", "天", "个", "次"]))
        || (ends_with_any(before, &QUARTERS) && number.contains(['-', '－', '#']))
}

fn is_number_char(c: char) -> bool {
    is_digit(c)
        || (is_code_char(c) && c.is_ascii_uppercase())
        || "一二三四五六七八九十百零〇".contains(c)
}
