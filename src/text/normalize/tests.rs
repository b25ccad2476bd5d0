//! Tables and properties of normalization.

use proptest::prelude::*;

use super::Normalized;

fn check(original: &str, folded: &str) {
    assert_eq!(Normalized::new(original).as_str(), folded, "of {original:?}");
}

#[test]
fn ways_of_writing_become_one() {
    let cases = [
        ("", ""),
        ("退款", "退款"),
        ("ＡＢＣ１２３", "abc123"),
        ("物流太慢，差評！", "物流太慢,差评!"),
        ("頭髮護髮素發黴，後來壞了", "头发护发素发霉,后来坏了"),
        ("餅乾裡面有蟲", "饼干里面有虫"),
        ("呵呵，大阪的哪吒", "呵呵,大阪的哪吒"),
        ("著名品牌", "著名品牌"),
        ("（十平）㎡", "(十平)m2"),
        ("①屏幕 ②电池", "1屏幕 2电池"),
        ("ﬁne ㍿", "fine 株式会社"),
        ("ｶﾞｷﾞ", "ガギ"),
        ("Cafe\u{301}", "café"),
        ("İ", "i"),
        ("37℃", "37°c"),
        ("￥399", "¥399"),
        ("“差”『评』【广告】", "\"差\"\"评\"[广告]"),
        ("好\u{200b}评\u{feff}", "好评"),
        ("a\u{0}b\u{7f}c", "abc"),
    ];
    for (original, folded) in cases {
        check(original, folded);
    }
}

#[test]
fn repetitions_are_cut() {
    let cases = [
        ("！！！！", "!!"),
        ("！!！", "!!"),
        ("？！？！", "?!?!"),
        ("哈哈哈哈哈哈", "哈哈哈"),
        ("烂烂", "烂烂"),
        ("😡😡😡😡", "😡😡"),
        ("👍🏻👍🏽👍", "👍👍"),
        ("❤️❤️❤️", "❤❤"),
        ("👨\u{200d}👩\u{200d}👧", "👨👩👧"),
        ("1️⃣", "1"),
        ("  很 \t\n 差\u{3000} ", "很 差"),
        ("hhhhhh 100000", "hhhhhh 100000"),
    ];
    for (original, folded) in cases {
        check(original, folded);
    }
}

#[test]
fn full_stops_points_and_ellipses_are_told_apart() {
    let cases = [
        ("无语。。。。。。", "无语…"),
        ("无语……", "无语…"),
        ("无语...再也不来", "无语…再也不来"),
        ("无语。。", "无语…"),
        ("差.退货.", "差。退货。"),
        ("1.2万", "1.2万"),
        ("１．２万", "1.2万"),
        ("1.屏幕坏", "1。屏幕坏"),
        ("399。5天后", "399。5天后"),
        ("www.example.com.", "www.example.com。"),
        (".", "。"),
        ("1. ", "1。"),
    ];
    for (original, folded) in cases {
        check(original, folded);
    }
}

#[test]
fn spans_cover_what_was_folded() {
    let cases = [
        ("物流慢，差評", "差评", "差評"),
        ("气死了！！！！退款", "!!", "！！！！"),
        ("气死了！！！！退款", "退款", "退款"),
        ("十㎡的房", "m2", "㎡"),
        ("十㎡的房", "2", "㎡"),
        ("37℃了", "°c", "℃"),
        ("37℃了", "c", "℃"),
        ("㍿了", "社", "㍿"),
        ("㍿了", "了", "了"),
        ("ｶﾞｷﾞ", "ガ", "ｶﾞ"),
        ("退\u{200b}款了", "退款", "退\u{200b}款"),
        ("👍🏻好", "👍", "👍🏻"),
        ("  差  ", "差", "差"),
        ("坏 \n 了", " ", " \n "),
        ("无语。。。走", "…", "。。。"),
        ("无语。。。走", "走", "走"),
        ("差.退", "。退", ".退"),
    ];
    for (original, part, source) in cases {
        let normalized = Normalized::new(original);
        let start = normalized.as_str().find(part).expect(part);
        let span = normalized.span(start..start + part.len());
        assert_eq!(span.slice(original), source, "{part} of {original:?}");
    }
}

#[test]
fn every_character_folds_into_a_fixed_point() {
    for c in '\0'..=char::MAX {
        let once = Normalized::new(&format!("a{c}b"));
        let twice = Normalized::new(once.as_str());
        assert_eq!(once.as_str(), twice.as_str(), "U+{:04X}", c as u32);
    }
}

#[test]
fn ranges_outside_the_text_are_clamped() {
    let normalized = Normalized::new("差！");
    assert_eq!(normalized.span(0..99).slice("差！"), "差！");
    assert_eq!(normalized.span(50..99).slice("差！"), "");
    assert_eq!(normalized.span(1..2).slice("差！"), "差");
}

/// Characters that meet each other in interesting ways.
fn text() -> impl Strategy<Value = String> {
    let tricky: Vec<char> = "。.…⋯ 　\t！!哈哈1２aＡeé\u{301}\u{200d}\u{fe0f}👍🏻❤ｶﾞﾟ한ᄒ\u{1161}\u{11a8}㍿㎡℃ﬁ髮乾\
                             \u{338}=<\u{0}\u{feff}İ\u{345}\u{e000}\u{1d400}\u{2f800}\u{3099}\u{9be}\u{9c7}"
        .chars()
        .collect();
    let c = prop_oneof![proptest::sample::select(tricky), any::<char>()];
    proptest::collection::vec(c, 0..40).prop_map(String::from_iter)
}

proptest! {
    #[test]
    fn folding_twice_changes_nothing(text in text()) {
        let once = Normalized::new(&text);
        let twice = Normalized::new(once.as_str());
        prop_assert_eq!(once.as_str(), twice.as_str());
    }

    #[test]
    fn spans_follow_each_other_on_character_boundaries_and_cover(text in text()) {
        let normalized = Normalized::new(&text);
        let folded = normalized.as_str();
        let (mut start, mut end) = (None, 0);
        for (at, c) in folded.char_indices() {
            let span = normalized.span(at..at + c.len_utf8());
            prop_assert!(text.get(span.start..span.end).is_some_and(|source| !source.is_empty()));
            prop_assert!(start <= Some(span.start) && end <= span.end);
            if let Some(start) = start {
                prop_assert!(span.start == end || span.start == start, "no gaps");
            }
            (start, end) = (Some(span.start), span.end);
        }
        if !folded.is_empty() {
            prop_assert_eq!(normalized.span(0..folded.len()).end, end);
        }
    }
}
