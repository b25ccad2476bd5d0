//! The report holds what it should, and hostile texts do no harm.

use fenzhen::domain::HeadKind;
use fenzhen::inference::Choice;
use fenzhen::registry::Manifest;

use super::*;
use crate::card;
use crate::evaluation::{Answer, JudgedHead, Settings, evaluate};

const MANIFEST: &str = r#"
format = 1
name = "tiny"
kind = "linear"
created_at = "2026-11-21T22:45:21Z"
[lineage]
tool = "fenzhen-lab 0.1.0"
recipe = "table"
recipe_sha256 = "71eabb6acbda39065f277e8f32af6c2c32583ddd370f51844dd261707202f7f1"
seed = 7
[[lineage.data]]
name = "a|b.csv"
sha256 = "e2bafe608382bdffcd5b881e49fb593c694052e9c6b35823a17c9cbb18979edb"
n_texts = 3
[features]
char_ngrams = [1, 2]
words = true
facts = false
[[taxonomy.heads]]
id = "mood"
name = "<b>情绪"
kind = "multi_class"
labels = [{ id = "good", name = "好" }, { id = "bad", name = "坏\"><script>" }]
[decisions.mood]
abstain_below = 0.1
calibration = { method = "softmax", weights = [[1.0, 0.0], [0.0, 1.0]], biases = [0.0, 0.0], preferences = [1.0, 1.0] }
[[files]]
name = "x"
bytes = 1
sha256 = "e2bafe608382bdffcd5b881e49fb593c694052e9c6b35823a17c9cbb18979edb"
"#;

const TEXTS: [&str; 3] = [
    "</blockquote><script>alert(1)</script><img src=x onerror=alert(1)>",
    "打 13800138000 没人接 & \u{202e}倒着写",
    "好",
];

/// Two mistakes, the surer one about a text that tries to break out of the page.
fn judged(manifest: &Manifest) -> Judged {
    let answer = |text_idx: usize, label: usize, p: f32| {
        let choice = Choice { probabilities: vec![p, 1.0 - p], chosen: vec![0], abstains: false };
        Answer::new(HeadKind::MultiClass, text_idx, vec![label], choice)
    };
    let answers = vec![answer(0, 1, 0.9), answer(1, 1, 0.8), answer(2, 0, 0.7)];
    Judged {
        model: "tiny@0123456789ab".to_owned(),
        n_texts: TEXTS.len(),
        texts_sha256: manifest.lineage.recipe_sha256,
        data: manifest.lineage.data.clone(),
        heads: vec![JudgedHead { head: manifest.taxonomy.heads()[0].clone(), answers }],
    }
}

fn settings() -> Settings {
    Settings { safety: vec!["mood=bad".parse().unwrap()], ..Settings::default() }
}

#[test]
fn hostile_texts_stay_texts() {
    let manifest: Manifest = toml::from_str(MANIFEST).unwrap();
    let judged = judged(&manifest);
    let evaluation = evaluate(&judged, &settings()).unwrap();
    let texts = TEXTS.map(str::to_owned);
    let report =
        Report { manifest: &manifest, judged: &judged, evaluation: &evaluation, texts: &texts };
    let html = report.html();
    for part in ["<script", "<img", "<b>情绪", "13800138000", "http://", "https://"] {
        assert!(!html.contains(part), "the report holds `{part}`");
    }
    for part in [
        "&lt;/blockquote&gt;&lt;script&gt;alert(1)",
        "打 138****8000 没人接 &amp; ",
        "default-src 'none'",
        "prefers-color-scheme: dark",
        "Not an honest test",
        "Is what must not be missed found?",
        "The 2 surest of 2 mistakes",
    ] {
        assert!(html.contains(part), "the report lacks `{part}`");
    }
    let (surer, less_sure) =
        (html.find("&lt;script&gt;alert").unwrap(), html.find("没人接").unwrap());
    assert!(surer < less_sure);
}

#[test]
fn the_card_states_figures_with_intervals_and_where_the_data_is_from() {
    let manifest: Manifest = toml::from_str(MANIFEST).unwrap();
    let evaluation = evaluate(&judged(&manifest), &settings()).unwrap();
    let card = card::judged(&manifest, &evaluation);
    for part in [
        "# Model card: `tiny@0123456789ab`",
        "## Intended use",
        "| a\\|b.csv | 3 | `e2bafe608382` |",
        "**Not an honest test:** a\\|b.csv",
        "| accuracy | 0.3333 | [0.0000, 1.0000] |",
        "| safety recall as decided | 0.0000 |",
        "Safety means bad (2 texts)",
        "are not distributed with the model",
    ] {
        assert!(card.contains(part), "the card lacks `{part}`:\n{card}");
    }
    let of_training = card::write(&manifest);
    assert!(of_training.contains("## Limits") && !of_training.contains("## How well it does\n"));
}
