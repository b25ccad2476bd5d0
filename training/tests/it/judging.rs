//! `evaluate` and `compare` on the gold set and on small tables.

use std::{
    fs,
    path::Path,
    process::{Command, Output, Stdio},
};

use serde_json::Value;
use tempfile::TempDir;

const MODEL: &str = "models/complaints-linear";
const GOLD: &str = "datasets/complaints/gold.jsonl";

fn lab(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fenzhen-lab"));
    command.args(arguments).current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(".."));
    command
}

#[track_caller]
fn run(arguments: &[&str]) -> Output {
    let output = lab(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
}

#[track_caller]
fn json(arguments: &[&str]) -> Value {
    serde_json::from_slice(&run(arguments).stdout).unwrap()
}

#[track_caller]
fn refused(arguments: &[&str]) -> String {
    let output = lab(arguments).output().unwrap();
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

/// Two topics told apart by a word; the labels that the second model learns have nothing to do
/// with them.
struct TwoModels {
    dir: TempDir,
}

impl TwoModels {
    fn train() -> Self {
        let models = Self { dir: tempfile::tempdir().unwrap() };
        models.write("good.csv", |n| n % 2);
        models.write("poor.csv", |n| n / 2 % 2);
        for name in ["good", "poor"] {
            let (data, out) = (models.path(&format!("{name}.csv")), models.path(name));
            run(&["train", "--data", &data, "--head", "label", "--out", &out]);
        }
        fs::write(
            Path::new(&models.path("test.csv")),
            (0..60).fold("text,label\n".to_owned(), |csv, n| csv + &Self::row(n + 500, n % 2)),
        )
        .unwrap();
        models
    }

    fn write(&self, name: &str, label: impl Fn(usize) -> usize) {
        let rows = (0..120).fold("text,label\n".to_owned(), |csv, n| csv + &Self::row(n, label(n)));
        fs::write(self.path(name), rows).unwrap();
    }

    fn row(n: usize, label: usize) -> String {
        let text = ["快递一直没送到", "退款一直没到账"][n % 2];
        format!("第{}单{text}已经{}天了,{}\n", n * 7919 % 1000, n, ["logistics", "refund"][label])
    }

    fn path(&self, name: &str) -> String {
        self.dir.path().join(name).to_str().unwrap().to_owned()
    }
}

#[test]
fn the_shipped_model_is_judged_with_intervals_a_report_and_a_card() {
    let dir = tempfile::tempdir().unwrap();
    let path = |name: &str| dir.path().join(name).to_str().unwrap().to_owned();
    let (report, card) = (path("report.html"), path("card.md"));
    let arguments = [
        &["evaluate", "--model", MODEL, "--data", GOLD, "--format", "json"],
        &["--safety", "severity=high,critical", "--resamples", "200"][..],
        &["--report", &report, "--card", &card],
    ]
    .concat();
    let judged = json(&arguments);
    for (name, head) in judged["heads"].as_object().unwrap() {
        for measure in ["accuracy", "macro_f1", "precision_coverage_area"] {
            let value = head[measure].as_f64().unwrap();
            let interval = &head["intervals"][measure];
            let (low, high) = (interval[0].as_f64().unwrap(), interval[1].as_f64().unwrap());
            assert!(low < value && value < high, "{name} {measure}: {low} {value} {high}");
            assert!(high - low < 0.2, "{name} {measure}: {low} {high}");
        }
        assert!(head["ece"].is_f64() && !head["reliability"].as_array().unwrap().is_empty());
        assert_eq!(head["precision_coverage"].as_array().unwrap().len(), 50);
    }
    let severity = &judged["heads"]["severity"];
    let rows: Vec<Vec<u64>> =
        serde_json::from_value(severity["confusion"]["counts"].clone()).unwrap();
    let n_texts = severity["n_texts"].as_u64().unwrap();
    assert_eq!(rows.iter().flatten().sum::<u64>(), n_texts);
    let n_right: u64 = rows.iter().enumerate().map(|(label, row)| row[label]).sum();
    let accuracy = severity["accuracy"].as_f64().unwrap();
    assert!((n_right as f64 / n_texts as f64 - accuracy).abs() < 1e-9);
    assert!(0.5 < severity["safety"]["recall"].as_f64().unwrap());
    assert!(judged["heads"]["signals"]["confusion_by_label"]["injury"].is_object());

    let html = fs::read_to_string(&report).unwrap();
    for part in ["类别", "严重程度", "What is taken for what?", "Is what must not be missed found?"]
    {
        assert!(html.contains(part), "the report lacks `{part}`");
    }
    for part in ["<script", "://", "src=", "url("] {
        assert!(!html.contains(part), "the report reaches out by `{part}`");
    }
    let card = fs::read_to_string(&card).unwrap();
    assert!(card.contains("### severity, 560 texts") && card.contains("## Licence"), "{card}");

    assert_eq!(judged, json(&arguments), "the same seed gives the same figures");
}

#[test]
fn a_better_model_is_told_from_a_worse_one_and_none_from_itself() {
    let models = TwoModels::train();
    let (good, poor, data) = (models.path("good"), models.path("poor"), models.path("test.csv"));
    let compare = |a: &str, b: &str| {
        json(&["compare", a, b, "--data", &data, "--head", "label", "--format", "json"])
    };
    let compared = compare(&good, &poor);
    let label = &compared["heads"]["label"];
    assert_eq!(label["verdict"], "a_better", "{label}");
    assert_eq!(compare(&poor, &good)["heads"]["label"]["verdict"], "b_better");
    let itself = compare(&good, &good);
    assert_eq!(itself["heads"]["label"]["verdict"], "may_be_chance");
    assert_eq!(itself["heads"]["label"]["mcnemar"]["p_value"], 1.0);
    let text = run(&["compare", &good, &poor, "--data", &data, "--head", "label"]).stdout;
    assert!(String::from_utf8(text).unwrap().contains("McNemar, p <"));
}

#[test]
fn figures_on_training_texts_come_with_a_warning() {
    let models = TwoModels::train();
    let (model, data) = (models.path("good"), models.path("good.csv"));
    let talk = run(&["evaluate", "--model", &model, "--data", &data]).stderr;
    let talk = String::from_utf8(talk).unwrap();
    assert!(talk.contains("was trained on `good.csv`"), "{talk}");
    let honest = models.path("test.csv");
    assert!(run(&["evaluate", "--model", &model, "--data", &honest]).stderr.is_empty());
}

#[test]
fn what_does_not_fit_is_named() {
    let evaluate = ["evaluate", "--model", MODEL, "--data", GOLD, "--safety"];
    for (question, part) in [
        ("severity=huge", "no label `huge`"),
        ("mood=bad", "no head `mood`"),
        ("severity", "`severity=high,critical`"),
    ] {
        let talk = refused(&[&evaluate[..], &[question]].concat());
        assert!(talk.contains(part), "{talk}");
    }
    let models = TwoModels::train();
    let (other, data) = (models.path("good"), models.path("test.csv"));
    let talk = refused(&["compare", MODEL, &other, "--data", &data]);
    assert!(talk.contains("test.csv"), "{talk}");
    let talk = refused(&["evaluate", "--model", &other, "--data", &data, "--false-alarms", "5"]);
    assert!(talk.contains("a share is a number from 0 to 1"), "{talk}");
}

#[test]
fn a_reader_that_has_seen_enough_ends_a_command_quietly() {
    let few = ["--data", GOLD, "--resamples", "20"];
    for command in [
        [&["evaluate", "--model", MODEL][..], &few].concat(),
        [&["evaluate", "--model", MODEL, "--format", "json"][..], &few].concat(),
        [&["compare", MODEL, MODEL][..], &few].concat(),
        [&["compare", MODEL, MODEL, "--format", "json"][..], &few].concat(),
    ] {
        let mut child =
            lab(&command).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let talk = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success() && talk.is_empty(), "{command:?}: {talk}");
    }
}
