//! `drift`

use serde_json::{Value, json};

use crate::database::fill;
use crate::workplace::{Workplace, own_texts, stderr, stdout};

fn write(place: &Workplace, name: &str, texts: &[Value]) {
    let lines: Vec<String> = texts.iter().map(ToString::to_string).collect();
    place.write(name, &lines.join("\n"));
}

fn report(place: &Workplace, arguments: &[&str]) -> Value {
    let output = place.lab(&[&["drift", "--format", "json"], arguments].concat());
    assert!(output.status.success(), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn level<'r>(report: &'r Value, part: &str, name: &str) -> &'r Value {
    let drifts = report[part].as_array().unwrap();
    &drifts.iter().find(|it| it["name"] == name).unwrap_or_else(|| panic!("no {name}"))["level"]
}

#[test]
fn texts_of_the_same_kind_are_stable_and_others_are_not() {
    let place = Workplace::new();
    write(&place, "before.jsonl", &own_texts(0, 4, 1500));
    write(&place, "same.jsonl", &own_texts(1, 4, 1500));
    let same = report(&place, &["--reference", "before.jsonl", "--current", "same.jsonl"]);
    for part in ["inputs", "predictions"] {
        for drift in same[part].as_array().unwrap() {
            assert_eq!(drift["level"], "stable", "{drift}");
        }
    }
    let others: Vec<Value> = own_texts(1, 1, 6000)
        .into_iter()
        .filter(|text| text["category"] == "logistics")
        .map(|mut text| {
            text["text"] =
                json!(format!("{} tracking no. please reply asap", text["text"].as_str().unwrap()));
            text
        })
        .collect();
    write(&place, "others.jsonl", &others);
    let profile =
        ["--current", "before.jsonl", "--reference", "same.jsonl", "--write-profile", "p.json"];
    report(&place, &profile);
    let moved = report(&place, &["--profile", "p.json", "--current", "others.jsonl"]);
    assert_eq!(level(&moved, "predictions", "category"), "large");
    assert_eq!(level(&moved, "inputs", "script"), "large");
    let words = moved["rising_words"].as_array().unwrap();
    assert!(words.iter().any(|word| word["word"] == "tracking"), "{words:?}");
    let next = moved["next"].as_array().unwrap();
    assert_eq!(next.len(), 30);
    assert!(
        next.iter().any(|it| it["why"] == "uncertain")
            && next.iter().any(|it| it["why"] == "novel")
    );
    let profile = std::fs::read_to_string(place.path("p.json")).unwrap();
    let text = own_texts(0, 4, 1)[0]["text"].as_str().unwrap().to_owned();
    assert!(!profile.contains(&text), "a profile quotes no text");
}

#[test]
fn the_desk_says_how_far_people_agree_and_what_to_label() {
    let place = Workplace::new();
    let mut texts = own_texts(3, 60, 60);
    // Harm in words that the rules know and the model may not.
    let fire = "刚买的电热毯用到第二天就起火，床单烧了一个大洞，人差点没跑出来";
    texts.insert(1, json!({ "text": fire }));
    let database = fill(&place, &texts, 2);
    write(&place, "before.jsonl", &own_texts(0, 10, 500));
    let arguments = ["--reference", "before.jsonl", "--database", &database, "--days", "36500"];
    let report = report(&place, &arguments);
    assert_eq!(report["n_current"], 61);
    let agreement = report["agreement"].as_array().unwrap();
    let version = place.registry().live().unwrap().version();
    let category = agreement.iter().find(|it| it["head"] == "category").unwrap();
    assert_eq!((&category["model"], &category["n_cases"]), (&json!(version), &json!(31)));
    assert!(0.5 < category["share"].as_f64().unwrap(), "{category}");
    let next = report["next"].as_array().unwrap();
    let disagreeing: Vec<&Value> = next.iter().filter(|it| it["why"] == "disagreeing").collect();
    assert!(!disagreeing.is_empty() && disagreeing[0]["disagreements"][0].is_string(), "{next:?}");
    assert!(!report.to_string().contains("电热毯"), "suggestions name cases and quote no text");
    let text = stdout(&place.lab(&[&["drift"], &arguments[..]].concat()));
    assert!(text.contains("PSI from 0.1") && text.contains("people agree with"), "{text}");
}

#[test]
fn without_anything_to_compare_with_the_command_says_what_to_give() {
    let place = Workplace::new();
    let output = place.lab(&["drift"]);
    assert!(stderr(&output).contains("hint: give `--current FILE`"), "{}", stderr(&output));
    write(&place, "texts.jsonl", &own_texts(0, 100, 5));
    let output = place.lab(&["drift", "--current", "texts.jsonl"]);
    assert!(stderr(&output).contains("nothing to compare with"), "{}", stderr(&output));
}
