//! Which submissions are the same complaint, and which are about the same matter.

use proptest::prelude::{prop_assert, proptest};

use crate::cases::tests::{HANDBOOK, at};
use crate::cases::{Kinship, Sample, Shingles};
use crate::domain::{Channel, Elements};

const TEXT: &str = "十月二日买的空调装了三次都没人来，客服一直说安排，要求退款并赔偿误工费";

/// A submission of `customer/contact/order/product`, each empty when it is not known.
fn sample(names: &str, text: &str, day: &str) -> Sample {
    let mut names = names.split('/').map(|it| Some(it.to_owned()).filter(|it| !it.is_empty()));
    let mut next = || names.next().flatten();
    let elements = Elements {
        customer_id: next(),
        customer_contact: next(),
        order_number: next(),
        product: next(),
        ..Elements::default()
    };
    Sample {
        identifiers: HANDBOOK.duplicates.identifiers(&elements),
        shingles: Shingles::of(text),
        channel: Some(Channel::Chat),
        received_at: at(&format!("{day} 10:00")),
    }
}

fn judge(old: &str, new: &str, text: &str, day: &str) -> Kinship {
    HANDBOOK.duplicates.judge(&sample(new, text, day), &[sample(old, TEXT, "2026-11-02")])
}

/// `same`, `repeat` or `other`.
#[track_caller]
fn check(old: &str, new: &str, (text, day): (&str, &str), expected: &str) {
    let kinship = judge(old, new, text, day);
    let found = match (kinship.same, kinship.related.len()) {
        (Some(_), 1) => "same",
        (None, 1) => "repeat",
        (None, 0) => "other",
        _ => panic!("{kinship:?}"),
    };
    assert_eq!(found, expected, "{old} and {new}: {text} on {day}");
}

#[test]
fn the_same_customer_or_order_in_near_same_words_is_the_same_complaint() {
    let again = "10月2日买的空调装了三次都没人来。客服一直说安排，要求退款并赔偿误工费！";
    let other = "遥控器没有电池，说明书也是英文的，麻烦补发一份";
    let (next_day, next_week, next_month) = ("2026-11-03", "2026-11-10", "2026-12-02");
    let cases = [
        ("c-17///", "C17///", (TEXT, next_day), "same"),
        ("c-17///", "c-17///", (again, next_day), "same"),
        ("/138 0013 8000//", "/+86-13800138000//", (again, next_day), "same"),
        ("//ＳＯ-20261002//", "//so20261002//", (TEXT, next_day), "same"),
        // Too late, or other words.
        ("c-17///", "c-17///", (TEXT, next_week), "other"),
        ("c-17///空调", "c-17///空调", (TEXT, next_week), "repeat"),
        ("c-17///空调", "c-17///空 调", (other, next_month), "repeat"),
        ("c-17///空调", "c-17///空调", (other, "2027-02-02"), "other"),
        ("c-17/13800138000/N1/", "c-18/13900139000/N1/", (other, next_day), "repeat"),
        // The same customer with another order, or nobody that is named.
        ("c-17//N1/", "c-17//N2/", (TEXT, next_day), "other"),
        ("///空调", "///空调", (TEXT, next_day), "other"),
        ("/138****8000//空调", "/138****8000//空调", (TEXT, next_day), "other"),
        ("匿名用户/无/N\\A/空调", "匿名用户/无/-/空调", (TEXT, next_day), "other"),
    ];
    for (old, new, what, expected) in cases {
        check(old, new, what, expected);
    }
}

#[test]
fn what_a_regulator_sends_is_a_case_of_its_own() {
    let mut new = sample("c-17//N1/", TEXT, "2026-11-03");
    new.channel = Some(Channel::Regulator);
    let old = [sample("c-17//N1/", TEXT, "2026-11-02")];
    let kinship = HANDBOOK.duplicates.judge(&new, &old);
    assert_eq!(kinship, Kinship { same: None, related: vec![0] });
}

#[test]
fn of_several_the_most_alike_counts_and_of_those_the_first() {
    let shorter = "十月二日买的空调装了三次都没人来，客服一直说安排，要求退款";
    let old = [shorter, TEXT, TEXT].map(|text| sample("c-17//N1/", text, "2026-11-02"));
    let kinship = HANDBOOK.duplicates.judge(&sample("c-17//N1/", TEXT, "2026-11-03"), &old);
    assert_eq!(kinship, Kinship { same: Some((1, 1.0)), related: vec![0, 1, 2] });
}

proptest! {
    #[test]
    fn resemblance_is_a_share_the_same_from_both_sides_and_that_of_the_sets(
        ours in "[甲乙丙ab ，]{0,12}", theirs in "[甲乙丙ab ，]{0,12}"
    ) {
        let (a, b) = (Shingles::of(&ours), Shingles::of(&theirs));
        let found = a.resemblance(&b);
        prop_assert!((found - b.resemblance(&a)).abs() < f64::EPSILON);
        let set = |text: &str| {
            let chars: Vec<char> = text.chars().filter(|it| it.is_alphanumeric()).collect();
            let width = chars.len().clamp(1, 3);
            chars.windows(width).map(<[char]>::to_vec).collect::<std::collections::BTreeSet<_>>()
        };
        let (a, b) = (set(&ours), set(&theirs));
        let n_all = a.union(&b).count();
        let expected =
            if n_all == 0 { 0.0 } else { a.intersection(&b).count() as f64 / n_all as f64 };
        prop_assert!((found - expected).abs() < 1e-12, "{found} {expected}");
    }
}
