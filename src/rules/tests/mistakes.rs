//! What a rule file can get wrong, and what its author reads then.

use super::{SAMPLE, file, parse};

/// Changes the sample in one place and expects exactly these mistakes.
#[track_caller]
fn check(from: &str, to: &str, expected: &[&str]) {
    assert!(SAMPLE.contains(from), "the sample has `{from}`");
    let mistakes = match parse(&[file(&SAMPLE.replacen(from, to, 1))]) {
        Ok(_) => Vec::new(),
        Err(error) => error.mistakes().iter().map(ToString::to_string).collect(),
    };
    let expected: Vec<_> = expected.iter().map(|mistake| format!("`test.toml`{mistake}")).collect();
    assert_eq!(mistakes, expected);
}

#[test]
fn an_unknown_key_is_named_with_the_nearest_known_one() {
    check(
        "owner = \"安全应急组\"",
        "owner = \"安全应急组\"\nkindd = 1",
        &[", rule `safety.explosion`: unknown key `kindd`; hint: did you mean `kind`?"],
    );
}
