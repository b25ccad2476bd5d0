//! Two profiles beside each other.

use std::{
    collections::BTreeMap,
    io::{self, Write},
};

use serde::Serialize;

use crate::drift::{Agreement, Distance, Distribution, Profile, Suggestion};

/// From this index on, something has moved; below it, nothing worth a look has. These two are the
/// usual thresholds of credit scoring (Siddiqi 2006).
const MODERATE: f64 = 0.1;
/// From this index on, the model was made for something else.
const LARGE: f64 = 0.25;
/// How many of the reference's most frequent words are compared.
const N_WORDS: usize = 100;
/// How many words are told that have become more frequent.
const N_RISING: usize = 15;

/// How far something has moved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// So few texts that chance alone could make a moderate shift.
    TooFew,
    /// The index is below 0.1.
    Stable,
    /// It is below 0.25.
    Moderate,
    /// It is 0.25 or above.
    Large,
}

/// How far one distribution has moved.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Drift {
    /// What is distributed.
    pub name: String,
    /// How far.
    #[serde(flatten)]
    pub distance: Distance,
    /// In a word.
    pub level: Level,
}

/// A word that has become more frequent.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WordShift {
    /// The word.
    pub word: String,
    /// The share of texts with it before.
    pub before: f64,
    /// The share of texts with it now.
    pub now: f64,
}

/// What has changed.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// The model that read both.
    pub model: String,
    /// How many texts are the reference.
    pub n_reference: usize,
    /// How many texts are compared with it.
    pub n_current: usize,
    /// The indices from which a shift is moderate and large.
    pub thresholds: [f64; 2],
    /// How the texts have moved.
    pub inputs: Vec<Drift>,
    /// How the predictions have moved.
    pub predictions: Vec<Drift>,
    /// Words that have become more frequent.
    pub rising_words: Vec<WordShift>,
    /// How far people agree with the models that were live, where people have spoken.
    pub agreement: Vec<Agreement>,
    /// What to label next.
    pub next: Vec<Suggestion>,
}

impl Report {
    /// Compares two profiles.
    pub fn new(reference: &Profile, current: &Profile) -> Self {
        let mut inputs = drifts(&reference.inputs, &current.inputs);
        inputs.extend(word_drift(reference, current));
        Self {
            model: current.model.clone(),
            n_reference: reference.n_texts,
            n_current: current.n_texts,
            thresholds: [MODERATE, LARGE],
            inputs,
            predictions: drifts(&reference.predictions, &current.predictions),
            rising_words: rising_words(reference, current),
            agreement: Vec::new(),
            next: Vec::new(),
        }
    }

    /// The furthest that anything has moved.
    pub fn worst(&self) -> Level {
        let levels = self.inputs.iter().chain(&self.predictions).map(|drift| drift.level);
        levels.max().unwrap_or(Level::TooFew)
    }

    /// Writes the report for people.
    pub fn write(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(
            out,
            "{} texts against {} of the reference, read by {}",
            self.n_current, self.n_reference, self.model
        )?;
        writeln!(out, "PSI from {MODERATE} is a moderate shift, from {LARGE} a large one\n")?;
        writeln!(out, "   PSI  by chance     JS  level")?;
        for drift in self.inputs.iter().chain(&self.predictions) {
            let Distance { psi, jensen_shannon, psi_by_chance } = drift.distance;
            writeln!(
                out,
                "{psi:6.3}  {psi_by_chance:9.3}  {jensen_shannon:5.3}  {:9} {}",
                drift.level.word(),
                drift.name
            )?;
        }
        if !self.rising_words.is_empty() {
            writeln!(out, "\nwords in more texts than before")?;
        }
        for WordShift { word, before, now } in &self.rising_words {
            writeln!(out, "{:5.1} % → {:5.1} %  {word}", before * 100.0, now * 100.0)?;
        }
        self.write_people(out)
    }

    fn write_people(&self, out: &mut impl Write) -> io::Result<()> {
        for agreement in &self.agreement {
            let Agreement { model, head, n_cases, share, labels } = agreement;
            let percent = share * 100.0;
            writeln!(out, "\npeople agree with {model} on {head}: {percent:.1} % of {n_cases}")?;
            for (label, it) in labels {
                writeln!(
                    out,
                    "  {:4} said by the model, {:4} by people, {:4} by both  {label}",
                    it.n_model, it.n_people, it.n_both
                )?;
            }
        }
        if !self.next.is_empty() {
            writeln!(out, "\nto label next")?;
        }
        for Suggestion { id, why, margin, unseen, disagreements } in &self.next {
            let also = if disagreements.is_empty() {
                String::new()
            } else {
                format!(", {}", disagreements.join(", "))
            };
            let word = why.word();
            writeln!(out, "  {word:12} margin {margin:.2}, unseen {unseen:.2}{also}  {id}")?;
        }
        Ok(())
    }
}

impl Level {
    /// What people read.
    pub const fn word(self) -> &'static str {
        match self {
            Self::TooFew => "too few",
            Self::Stable => "stable",
            Self::Moderate => "moderate",
            Self::Large => "LARGE",
        }
    }

    /// A shift that chance makes as often as not is none; one that is beyond the large threshold
    /// by more than chance adds counts even where texts are few.
    fn of(distance: Distance) -> Self {
        let Distance { psi, psi_by_chance, .. } = distance;
        let beyond_chance = psi - psi_by_chance;
        match () {
            () if MODERATE <= psi_by_chance && beyond_chance < LARGE => Self::TooFew,
            () if LARGE <= psi => Self::Large,
            () if MODERATE <= psi => Self::Moderate,
            () => Self::Stable,
        }
    }
}

fn drifts(
    reference: &BTreeMap<String, Distribution>,
    current: &BTreeMap<String, Distribution>,
) -> Vec<Drift> {
    let shared = reference.iter().filter_map(|(name, before)| {
        let distance = before.distance(current.get(name)?)?;
        Some(Drift { name: name.clone(), distance, level: Level::of(distance) })
    });
    shared.collect()
}

/// The reference's most frequent words, and all others as one.
fn word_drift(reference: &Profile, current: &Profile) -> Option<Drift> {
    let mut frequent: Vec<(&String, &f64)> = reference.words.0.iter().collect();
    frequent.sort_by(|a, b| b.1.total_cmp(a.1).then_with(|| a.0.cmp(b.0)));
    frequent.truncate(N_WORDS);
    let lumped = |words: &Distribution| {
        let mut lumped = Distribution::default();
        for (word, &n_texts) in &words.0 {
            let is_frequent = frequent.iter().any(|(it, _)| *it == word);
            lumped.add(if is_frequent { word.as_str() } else { "(others)" }, n_texts);
        }
        lumped
    };
    let distance = lumped(&reference.words).distance(&lumped(&current.words))?;
    Some(Drift { name: "top words".to_owned(), distance, level: Level::of(distance) })
}

/// Words whose share of texts has grown by more than two standard errors and most of all.
fn rising_words(reference: &Profile, current: &Profile) -> Vec<WordShift> {
    let (n, m) = (reference.n_texts.max(1) as f64, current.n_texts.max(1) as f64);
    let mut rising: Vec<WordShift> = current
        .words
        .0
        .iter()
        .map(|(word, &count)| WordShift {
            word: word.clone(),
            before: reference.words.0.get(word).copied().unwrap_or(0.0) / n,
            now: count / m,
        })
        .filter(|shift| {
            let pooled = (shift.before * n + shift.now * m) / (n + m);
            let error = (pooled * (1.0 - pooled) * (1.0 / n + 1.0 / m)).sqrt();
            2.0 * error < shift.now - shift.before
        })
        .collect();
    rising.sort_by(|a, b| {
        (b.now - b.before).total_cmp(&(a.now - a.before)).then_with(|| a.word.cmp(&b.word))
    });
    rising.truncate(N_RISING);
    rising
}
