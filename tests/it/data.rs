//! The corpora that ship: well-formed, labelled by the taxonomy, without repetitions.

use std::{collections::HashSet, fs};

use fenzhen::domain::{HeadKind, Taxonomy};
use serde_json::Value;

use crate::server::root;

fn corpus() -> Vec<(String, Value)> {
    let mut rows = Vec::new();
    for file in ["train.jsonl", "gold.jsonl", "gold-blind.jsonl"] {
        let text = fs::read_to_string(root().join("datasets/complaints").join(file)).unwrap();
        for (line_idx, line) in text.lines().enumerate() {
            let place = format!("{file}:{}", line_idx + 1);
            rows.push((place, serde_json::from_str(line).unwrap()));
        }
    }
    rows
}

#[test]
fn every_label_of_the_corpora_is_in_the_taxonomy() {
    let source = fs::read_to_string(root().join("datasets/taxonomy.toml")).unwrap();
    let taxonomy: Taxonomy = toml::from_str(&source).unwrap();
    let rows = corpus();
    assert!(300 <= rows.len(), "{}", rows.len());
    for head in taxonomy.heads() {
        let mut seen = HashSet::new();
        for (place, row) in &rows {
            let value = &row[head.id.as_str()];
            let labels: Vec<&str> = match head.kind {
                HeadKind::MultiLabel => {
                    value.as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect()
                }
                _ => vec![value.as_str().unwrap()],
            };
            for label in labels {
                assert!(head.label_idx(label).is_some(), "{place}: `{label}`");
                seen.insert(label.to_owned());
            }
        }
        assert_eq!(seen.len(), head.labels.len(), "`{}` lacks a label in the corpora", head.id);
    }
}

#[test]
fn no_id_and_no_text_occurs_twice() {
    let (mut ids, mut texts) = (HashSet::new(), HashSet::new());
    for (place, row) in corpus() {
        assert!(ids.insert(row["id"].as_str().unwrap().to_owned()), "{place}: id given twice");
        assert!(
            texts.insert(row["text"].as_str().unwrap().to_owned()),
            "{place}: text given twice"
        );
    }
}
