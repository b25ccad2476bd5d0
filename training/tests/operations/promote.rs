//! `promote`, `history` and `rollback`

use std::fs;

use serde_json::Value;

use crate::workplace::{Workplace, stderr, stdout};

fn history(place: &Workplace) -> Vec<Value> {
    let output = place.lab(&["history", "--format", "json"]);
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn a_model_as_good_as_the_live_one_goes_live_and_back() {
    let place = Workplace::new();
    place.twin("twin");
    let output = place.promote("twin", &[]);
    assert!(output.status.success(), "{}", stderr(&output));
    let table = stdout(&output);
    for line in ["bundle", "taxonomy", "severity safety recall", "golden texts, with rules"] {
        assert!(table.contains(line), "{table}");
    }
    assert!(table.contains("the gate is open"), "{table}");
    assert_eq!(place.live_name(), "twin");

    let lines = history(&place);
    assert_eq!(lines.len(), 1);
    let line = &lines[0];
    assert_eq!((&line["by"], &line["why"]), (&"lin".into(), &"a try".into()));
    assert_eq!((&line["from"]["name"], &line["to"]["name"]), (&"shipped".into(), &"twin".into()));
    assert_eq!((&line["forced"], &line["took_effect"]), (&false.into(), &true.into()));
    assert!(0.5 < line["metrics"]["category"]["macro_f1"].as_f64().unwrap(), "{line}");
    assert!(line["checks"].as_array().unwrap().iter().all(|check| check["verdict"] == "pass"));

    let output = place.lab(&["rollback", "--reason", "a fire"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(place.live_name(), "shipped");
    assert_eq!(history(&place)[1]["action"], "rollback");
    let output = place.lab(&["rollback"]);
    assert!(stderr(&output).contains("nothing to go back to"), "{}", stderr(&output));
    let version = place.live_of("twin").version();
    let output = place.lab(&["rollback", "--to", &version]);
    assert_eq!(stdout(&output).trim(), version);
    assert_eq!(place.live_name(), "twin");
    let text = stdout(&place.lab(&["history"]));
    assert!(
        text.contains("why: a fire") && text.ends_with(&format!("live: {version}\n")),
        "{text}"
    );
}

#[test]
fn a_worse_model_is_refused_with_reasons_unless_it_is_forced() {
    let place = Workplace::new();
    place.novice("novice");
    let output = place.promote("novice", &["--format", "json"]);
    assert!(!output.status.success());
    let outcome: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(outcome["passed"], false);
    let failed = |name: &str| {
        let checks = outcome["checks"].as_array().unwrap();
        checks.iter().any(|check| check["name"] == name && check["verdict"] == "fail")
    };
    assert!(failed("category macro-F1, gold"), "{outcome:#}");
    assert!(failed("golden texts, model"), "{outcome:#}");
    assert!(stderr(&output).contains("category macro-F1, gold: 0."), "{}", stderr(&output));
    assert_eq!(place.live_name(), "shipped");
    assert!(history(&place).is_empty(), "a refusal changes nothing");

    let output = place.promote("novice", &["--force", "--by", "wang"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert_eq!(place.live_name(), "novice");
    let line = &history(&place)[0];
    assert_eq!((&line["by"], &line["forced"]), (&"wang".into(), &true.into()));
    let text = stdout(&place.lab(&["history"]));
    assert!(text.contains("forced") && text.contains("category macro-F1, gold"), "{text}");
}

#[test]
fn a_broken_bundle_goes_live_by_no_means() {
    let place = Workplace::new();
    place.twin("twin");
    let card = place.models().join("twin/card.md");
    let text = fs::read_to_string(&card).unwrap();
    fs::write(&card, text.replace("held-out", "held-up!")).unwrap();
    let output = place.promote("twin", &["--force"]);
    assert!(!output.status.success());
    let message = stderr(&output);
    assert!(message.contains("not even by force") && message.contains("was altered"), "{message}");
    assert_eq!(place.live_name(), "shipped");
}

#[test]
fn one_golden_text_read_wrongly_shuts_the_gate() {
    let place = Workplace::new();
    place.twin("twin");
    let lines = [
        r#"{"text": "快递卡在中转站一个星期没动", "labels": {"category": "logistics"}}"#,
        r#"{"text": "罐头里吃出碎玻璃，嘴唇割破流血", "executive_review": false}"#,
        r#"{"text": "客服态度恶劣", "labels": {"category": "logistics"}, "not": {"severity": "normal"}}"#,
    ];
    place.write("golden.jsonl", &lines.join("\n"));
    let output = place.promote("twin", &["--dry-run"]);
    assert!(!output.status.success());
    let table = stdout(&output);
    assert!(
        table.contains("line 3: category is `service_attitude` without `logistics`"),
        "{table}"
    );
    assert!(table.contains("line 2: executives see it"), "{table}");
    assert!(!table.contains("line 1:"), "{table}");
    assert!(!table.contains("客服态度恶劣"), "no table quotes a text");
}

#[test]
fn a_model_with_other_labels_is_refused() {
    let place = Workplace::new();
    place.write("letters.csv", &letters());
    let output = place.lab(&[
        "train",
        "--data",
        "letters.csv",
        "--head",
        "category",
        "--out",
        "models/letters",
    ]);
    assert!(output.status.success(), "{}", stderr(&output));
    let output = place.promote("letters", &[]);
    assert!(!output.status.success());
    let message = stderr(&output) + &stdout(&output);
    assert!(message.contains("head `severity` is gone"), "{message}");
    assert!(message.contains("has lost its label `safety`"), "{message}");
    assert_eq!(place.live_name(), "shipped");
}

/// Two topics that a few words tell apart.
fn letters() -> String {
    let row = |n: usize| {
        let (what, label) =
            if n.is_multiple_of(2) { ("路灯不亮", "roads") } else { ("公园吵闹", "parks") };
        format!("第{n}封信说{what}{n}天,{label}")
    };
    let rows: Vec<String> = (0..60).map(row).collect();
    format!("text,category\n{}\n", rows.join("\n"))
}
