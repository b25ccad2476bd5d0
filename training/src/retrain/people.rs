//! What people said about cases, and which of it is trained on. The newest cases are held out: a
//! model is asked about tomorrow, so it is measured on what came after all that it has seen.

use fenzhen::domain::{Certainty, HeadKind, LabelId, Labels, Taxonomy};
use fenzhen::store::{LabelSource, LabelledCase};
use jiff::Timestamp;
use rustc_hash::FxHashSet;
use serde_json::{Map, Value, json};

use crate::dataset::similar::similar_groups;
use crate::desk::{self, Desk};
use crate::drift;
use crate::retrain::leaks::TestTexts;

/// Texts that share this part of their n-grams are the same letter.
const SAME_LETTER: f32 = 0.7;

/// A case with the labels that people gave it, and what the model had said.
#[derive(Clone, Debug)]
pub struct Labelled {
    case: LabelledCase,
    /// When the last word on it was spoken.
    said_at: Timestamp,
    /// On what occasion.
    source: LabelSource,
    /// How sure the person was.
    certainty: Certainty,
    human: Labels,
}

/// Which labelled cases are trained on, and which are measured on.
#[derive(Clone, Debug, Default)]
pub struct Split {
    /// The older ones.
    pub train: Vec<Labelled>,
    /// The newest ones.
    pub holdout: Vec<Labelled>,
    /// How many are neither: guesses, test texts, repetitions of held-out texts, and those with
    /// labels that the taxonomy does not have.
    pub n_left_out: usize,
}

/// Reads what people said, oldest case first.
pub(super) fn read(desk: &Desk) -> Result<Vec<Labelled>, desk::Error> {
    Ok(desk.labelled()?.into_iter().filter_map(Labelled::new).collect())
}

impl Split {
    /// Holds out the newest `share`.
    pub(super) fn new(
        labelled: Vec<Labelled>,
        share: f64,
        taxonomy: &Taxonomy,
        test_texts: &TestTexts,
    ) -> Self {
        let n_all = labelled.len();
        let mut usable: Vec<Labelled> = labelled
            .into_iter()
            .filter(|it| it.certainty != Certainty::Guess && it.fits(taxonomy))
            .filter(|it| !test_texts.contains(it.text()))
            .collect();
        usable.sort_by_key(|it| (it.case.received_at, it.case.id));
        let n_held_out = (usable.len() as f64 * share).round() as usize;
        let holdout = usable.split_off(usable.len() - n_held_out);
        let train = without_similar(usable, &holdout);
        let n_left_out = n_all - train.len() - holdout.len();
        Self { train, holdout, n_left_out }
    }

    /// How many labelled cases there were.
    pub const fn n_labelled(&self) -> usize {
        self.train.len() + self.holdout.len() + self.n_left_out
    }
}

/// The cases that no held-out case repeats, word for word or nearly so: customers send the same
/// letter twice, and whoever has seen the first knows the second.
fn without_similar(train: Vec<Labelled>, holdout: &[Labelled]) -> Vec<Labelled> {
    let texts: Vec<&str> = train.iter().chain(holdout).map(Labelled::text).collect();
    let mixed: FxHashSet<usize> = similar_groups(&texts, SAME_LETTER)
        .into_iter()
        .filter(|group| group.iter().any(|&text_idx| train.len() <= text_idx))
        .flatten()
        .collect();
    let numbered = train.into_iter().enumerate();
    numbered.filter(|(idx, _)| !mixed.contains(idx)).map(|(_, labelled)| labelled).collect()
}

impl Labelled {
    /// Nothing when nobody has spoken of a label.
    pub fn new(case: LabelledCase) -> Option<Self> {
        let last = &case.statements.last()?.record;
        let (said_at, source, certainty) = (last.at, last.source, last.certainty);
        let human = case.human_labels();
        (!human.is_empty()).then_some(Self { case, said_at, source, certainty, human })
    }

    /// The words.
    pub fn text(&self) -> &str {
        self.case.text.as_str()
    }

    /// The case and what the model said of it.
    pub const fn case(&self) -> &LabelledCase {
        &self.case
    }

    /// What people said.
    pub const fn human(&self) -> &Labels {
        &self.human
    }

    /// The heads that people spoke of.
    pub fn spoken(&self) -> Vec<String> {
        self.human.iter().map(|(head, _)| head.to_string()).collect()
    }

    /// What drift is measured on.
    pub fn drift_text(&self) -> drift::Text {
        drift::Text {
            id: self.case.id.to_string(),
            text: self.text().to_owned(),
            channel: self.case.channel.map(|channel| channel.as_str().to_owned()),
            received_at: Some(self.case.received_at),
        }
    }

    /// Whether the taxonomy has every label that people gave: an older one may have had others.
    fn fits(&self, taxonomy: &Taxonomy) -> bool {
        self.human.iter().all(|(head, labels)| {
            let known = taxonomy.find_head(head.as_str());
            known.is_some_and(|(_, head)| {
                labels.iter().all(|label| head.label_idx(label.as_str()).is_some())
            })
        })
    }

    /// A row to train on. A head that people did not speak of stays without a label, but for
    /// multi-label heads: there an empty cell means that no label applies, and what stood on the
    /// screen when the person corrected something else is the better guess.
    pub(super) fn training_row(&self, taxonomy: &Taxonomy, text_column: &str) -> Value {
        let mut row = Map::new();
        row.insert("id".to_owned(), json!(self.case.id.to_string()));
        row.insert(text_column.to_owned(), json!(self.text()));
        for head in taxonomy.heads() {
            let id = head.id.as_str();
            let is_list = head.kind == HeadKind::MultiLabel;
            let accepted = if is_list { self.case.labels.find(id) } else { None };
            let labels = self.human.find(id).or(accepted).unwrap_or_default();
            let known: Vec<&str> = labels
                .iter()
                .map(LabelId::as_str)
                .filter(|label| head.label_idx(label).is_some())
                .collect();
            let value = if is_list { json!(known) } else { json!(known.first()) };
            row.insert(id.to_owned(), value);
        }
        Value::Object(row)
    }

    /// Everything that is known, for the snapshot.
    pub(super) fn snapshot_row(&self, part: &str) -> Value {
        let case = &self.case;
        json!({
            "id": case.id.to_string(),
            "part": part,
            "text": self.text(),
            "channel": case.channel.map(fenzhen::domain::Channel::as_str),
            "received_at": case.received_at,
            "said_at": self.said_at,
            "source": self.source.as_str(),
            "certainty": u8::from(self.certainty),
            "person": self.human,
            "model": case.model_labels,
            "model_version": case.model_version,
        })
    }
}
