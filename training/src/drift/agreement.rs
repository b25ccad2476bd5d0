//! How far people agree with the models that were live, by version, head and label. People look at
//! what they doubt, so the shares are lower than those of all cases; what counts is how they move.

use std::collections::{BTreeMap, BTreeSet};

use fenzhen::domain::LabelId;
use serde::Serialize;

use crate::retrain::Labelled;

/// How far people agree with a model on one head.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Agreement {
    /// The model's version.
    pub model: String,
    /// The head.
    pub head: String,
    /// How many cases people have spoken of.
    pub n_cases: usize,
    /// The share of those where they say exactly what the model said.
    pub share: f64,
    /// Label by label.
    pub labels: BTreeMap<String, LabelAgreement>,
}

/// How far people agree on one label.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct LabelAgreement {
    /// How often the model gave it.
    pub n_model: usize,
    /// How often people gave it.
    pub n_people: usize,
    /// How often both did.
    pub n_both: usize,
}

/// Counts what people said beside what the model had said. Cases that no model judged do not count.
pub fn agreement(labelled: &[Labelled]) -> Vec<Agreement> {
    let mut counted: BTreeMap<(String, String), Agreement> = BTreeMap::new();
    for labelled in labelled {
        let case = labelled.case();
        let Some(model) = &case.model_version else { continue };
        for (head, said) in labelled.human().iter() {
            let Some(predicted) = case.model_labels.find(head.as_str()) else { continue };
            let key = (model.clone(), head.to_string());
            let entry = counted.entry(key).or_insert_with(|| Agreement {
                model: model.clone(),
                head: head.to_string(),
                n_cases: 0,
                share: 0.0,
                labels: BTreeMap::new(),
            });
            entry.count(predicted, said);
        }
    }
    let finish = |mut agreement: Agreement| {
        agreement.share /= agreement.n_cases as f64;
        agreement
    };
    counted.into_values().map(finish).collect()
}

impl Agreement {
    fn count(&mut self, predicted: &[LabelId], said: &[LabelId]) {
        let (predicted, said): (BTreeSet<&LabelId>, BTreeSet<&LabelId>) =
            (predicted.iter().collect(), said.iter().collect());
        self.n_cases += 1;
        self.share += f64::from(u8::from(predicted == said));
        for &label in predicted.union(&said) {
            let of_label = self.labels.entry(label.to_string()).or_default();
            let (by_model, by_people) = (predicted.contains(label), said.contains(label));
            of_label.n_model += usize::from(by_model);
            of_label.n_people += usize::from(by_people);
            of_label.n_both += usize::from(by_model && by_people);
        }
    }
}
