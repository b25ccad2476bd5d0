//! A profile: counts over many texts, from which no text can be read back. It is what a training
//! snapshot leaves behind for later comparisons.

use std::collections::BTreeMap;

use fenzhen::domain::HeadKind;
use jiff::tz::{Offset, TimeZone};
use serde::{Deserialize, Serialize};

use crate::drift::reading::SCRIPTS;
use crate::drift::{Distribution, Error, Reader, Reading, Text};
use crate::gate::Model;

/// How many words a profile keeps: the most frequent ones.
const N_WORDS: usize = 2_000;
/// A word in fewer texts is not kept: it may name a person.
const MIN_TEXTS: f64 = 3.0;
/// Complaints live by Chinese time, whatever the machine's.
const CHINA_OFFSET_H: i8 = 8;

/// Counts over many texts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Profile {
    /// The model that read the texts.
    pub model: String,
    /// How many texts there were.
    pub n_texts: usize,
    /// What the texts are like.
    pub inputs: BTreeMap<String, Distribution>,
    /// What the model says of them: the labels and the confidence of each head.
    pub predictions: BTreeMap<String, Distribution>,
    /// In how many texts each frequent word is.
    pub words: Distribution,
}

impl Profile {
    /// The profile of texts as a model reads them.
    pub fn of(texts: &[Text], model: &Model) -> Result<Self, Error> {
        let readings = Reader::new(model)?.read(texts);
        Ok(Self::count(texts, &readings, &model.bundle().version()))
    }

    /// Counts what was read.
    pub fn count(texts: &[Text], readings: &[Reading], model: &str) -> Self {
        let mut profile = Self { model: model.to_owned(), n_texts: texts.len(), ..Self::default() };
        for (text, reading) in texts.iter().zip(readings) {
            profile.add_input(text, reading);
            profile.add_prediction(reading);
            for word in &reading.words {
                profile.words.add(word.as_str(), 1.0);
            }
        }
        let mut words: Vec<(String, f64)> = std::mem::take(&mut profile.words.0)
            .into_iter()
            .filter(|(_, n_texts)| MIN_TEXTS <= *n_texts)
            .collect();
        words.sort_by(|a, b| b.1.total_cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
        words.truncate(N_WORDS);
        profile.words = Distribution(words.into_iter().collect());
        profile
    }

    fn add_input(&mut self, text: &Text, reading: &Reading) {
        let mut add = |name: &str, bin: String, count: f64| {
            self.inputs.entry(name.to_owned()).or_default().add(bin, count);
        };
        // Powers of two: what matters is how often a length doubles.
        let power = reading.n_chars.checked_ilog2().unwrap_or(0);
        add("length", format!("{:5}+ characters", 1_u64 << power), 1.0);
        add("unseen features", tenths(reading.unseen), 1.0);
        for (script, share) in SCRIPTS.iter().zip(reading.scripts) {
            add("script", (*script).to_owned(), share);
        }
        if let Some(channel) = &text.channel {
            add("channel", channel.clone(), 1.0);
        }
        if let Some(time) = text.received_at {
            let china = TimeZone::fixed(Offset::constant(CHINA_OFFSET_H));
            add("hour", format!("{:02}", time.to_zoned(china).hour()), 1.0);
        }
    }

    fn add_prediction(&mut self, reading: &Reading) {
        for (head, answer) in reading.prediction.heads() {
            let id = head.id.as_str();
            let labels = self.predictions.entry(id.to_owned()).or_default();
            for &label in &answer.chosen {
                labels.add(head.labels[label].id.as_str(), 1.0);
            }
            if head.kind == HeadKind::MultiLabel {
                if answer.chosen.is_empty() {
                    labels.add("(none)", 1.0);
                }
                continue;
            }
            let confidence = f64::from(answer.probabilities[answer.chosen[0]]);
            let bins = self.predictions.entry(format!("{id} confidence")).or_default();
            bins.add(tenths(confidence), 1.0);
        }
    }
}

/// The tenth that a share falls into.
fn tenths(share: f64) -> String {
    let tenth = (share * 10.0).floor().clamp(0.0, 9.0) / 10.0;
    format!("{tenth:.1}–{:.1}", tenth + 0.1)
}
