//! Active learning: which texts teach the next model most. Three reasons take turns, so that none
//! of them fills the list alone: the model was nearly undecided (margin sampling, Scheffer 2001),
//! the text has much that the model has never seen, or model and rules disagree.

use std::collections::BTreeSet;

use serde::Serialize;

use crate::drift::{Reading, Text};

/// A text that people should label.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Suggestion {
    /// The case, or the line of the file.
    pub id: String,
    /// The first reason.
    pub why: Why,
    /// How close the model was to another answer: 0 is a toss-up.
    pub margin: f64,
    /// The share of its features that the model does not know.
    pub unseen: f64,
    /// Where model and rules disagree.
    pub disagreements: Vec<String>,
}

/// Why people should label a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// The model was nearly undecided.
    Uncertain,
    /// It has much that the model has never seen.
    Novel,
    /// Model and rules disagree.
    Disagreeing,
}

impl Why {
    /// What people read.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Uncertain => "uncertain",
            Self::Novel => "novel",
            Self::Disagreeing => "disagreeing",
        }
    }
}

/// Picks texts that people should label; `disagreements` says text by text where rules say
/// otherwise, and `labelled` which texts people have labelled already. Texts with the same features
/// count once.
pub fn suggest(
    texts: &[Text],
    readings: &[Reading],
    disagreements: &[Vec<String>],
    labelled: &BTreeSet<String>,
    n_suggestions: usize,
) -> Vec<Suggestion> {
    let mut seen = BTreeSet::new();
    let open: Vec<usize> = (0..texts.len())
        .filter(|&idx| !labelled.contains(&texts[idx].id) && seen.insert(&readings[idx].words))
        .collect();
    let ranked = |key: &dyn Fn(usize) -> f64| {
        let mut ranked = open.clone();
        ranked.sort_by(|&a, &b| key(b).total_cmp(&key(a)).then(a.cmp(&b)));
        ranked
    };
    let mut disagreeing = ranked(&|idx| disagreements[idx].len() as f64);
    disagreeing.retain(|&idx| !disagreements[idx].is_empty());
    let mut lists = [
        (Why::Disagreeing, disagreeing.into_iter()),
        (Why::Uncertain, ranked(&|idx| -readings[idx].margin()).into_iter()),
        (Why::Novel, ranked(&|idx| readings[idx].unseen).into_iter()),
    ];
    let mut taken = BTreeSet::new();
    let mut suggestions = Vec::new();
    while suggestions.len() < n_suggestions {
        let before = suggestions.len();
        for (why, list) in &mut lists {
            let Some(idx) = list.by_ref().find(|&idx| taken.insert(idx)) else { continue };
            suggestions.push(Suggestion {
                id: texts[idx].id.clone(),
                why: *why,
                margin: readings[idx].margin(),
                unseen: readings[idx].unseen,
                disagreements: disagreements[idx].clone(),
            });
        }
        if suggestions.len() == before {
            break;
        }
    }
    suggestions.truncate(n_suggestions);
    suggestions
}
