//! What a model must hold to go live, read from TOML and checked.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use fenzhen::domain::{Head, HeadKind};
use fenzhen::triage::Sources;
use serde::Deserialize;

use crate::evaluation::{self, Judged, Measure, Resampling, SafetyQuestion};
use crate::gate::Error;

/// What a model must hold to go live.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Labelled texts that nothing is trained on.
    pub gold: Vec<PathBuf>,
    /// The column of their texts.
    pub text_column: String,
    /// Unmistakable texts that every model must get right.
    pub golden: PathBuf,
    /// How many labelled texts a head needs in a test set other than the gold set.
    pub min_texts: usize,
    /// How often texts are drawn for the intervals.
    pub resamples: usize,
    /// The seed of the draws.
    pub seed: u64,
    /// What single heads are measured by.
    #[serde(default)]
    pub heads: BTreeMap<String, Limit>,
    /// What the others are measured by.
    pub defaults: Defaults,
    /// What must not be missed.
    pub safety: Safety,
    /// What the golden texts are judged with beside the model.
    #[serde(default)]
    pub service: Service,
}

/// How much worse a head may be.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limit {
    /// By this measure.
    pub measure: Measure,
    /// By this much.
    pub tolerance: f64,
}

/// How much worse a head may be that is not named, by its kind.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Defaults {
    /// Heads with exactly one label.
    pub multi_class: Limit,
    /// Heads with one label of an ordered set.
    pub ordinal: Limit,
    /// Heads with any number of labels.
    pub multi_label: Limit,
}

/// What must not be missed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Safety {
    /// The share of other texts for which an alarm may be raised.
    pub false_alarms: f64,
    /// How much lower the share of found texts may be as the head decides.
    pub tolerance_as_decided: f64,
    /// How much lower it may be at that rate of false alarms.
    pub tolerance_at_rate: f64,
    /// The labels by head.
    #[serde(default)]
    pub heads: BTreeMap<String, Vec<String>>,
}

/// What the golden texts are judged with beside the model.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Service {
    rules: Option<PathBuf>,
    routing: Option<PathBuf>,
    calendar: Option<PathBuf>,
    words: Option<PathBuf>,
}

impl Settings {
    /// Reads and checks settings.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let text = fs::read_to_string(path)
            .map_err(|source| Error::Io { path: path.to_owned(), source })?;
        let mut settings: Self = toml::from_str(&text)
            .map_err(|source| Error::Parse { path: path.to_owned(), source: Box::new(source) })?;
        let mistakes = settings.mistakes();
        if !mistakes.is_empty() {
            return Err(Error::Settings { path: path.to_owned(), mistakes });
        }
        let folder = path.parent().unwrap_or(Path::new("")).to_owned();
        let beside = |path: &mut PathBuf| *path = folder.join(&*path);
        settings.gold.iter_mut().for_each(beside);
        beside(&mut settings.golden);
        let service = &mut settings.service;
        let files = [&mut service.rules, &mut service.routing, &mut service.calendar];
        files.into_iter().chain([&mut service.words]).flatten().for_each(beside);
        Ok(settings)
    }

    fn mistakes(&self) -> Vec<String> {
        let mut mistakes = Vec::new();
        let Defaults { multi_class, ordinal, multi_label } = self.defaults;
        let named = self.heads.iter().map(|(id, limit)| (id.as_str(), *limit));
        let defaults =
            [("multi_class", multi_class), ("ordinal", ordinal), ("multi_label", multi_label)];
        for (id, limit) in named.chain(defaults) {
            if !(0.0..=1.0).contains(&limit.tolerance) {
                mistakes.push(format!("the tolerance of `{id}` is not between 0 and 1"));
            }
        }
        let Safety { false_alarms, tolerance_as_decided, tolerance_at_rate, .. } = self.safety;
        for (name, value) in [
            ("false_alarms", false_alarms),
            ("tolerance_as_decided", tolerance_as_decided),
            ("tolerance_at_rate", tolerance_at_rate),
        ] {
            if !(0.0..=1.0).contains(&value) {
                mistakes.push(format!("`safety.{name}` is not between 0 and 1"));
            }
        }
        if self.gold.is_empty() {
            mistakes.push("`gold` names no file".to_owned());
        }
        mistakes
    }

    /// How much worse a head may be.
    pub fn limit(&self, head: &Head) -> Limit {
        self.heads.get(head.id.as_str()).copied().unwrap_or(match head.kind {
            HeadKind::MultiClass => self.defaults.multi_class,
            HeadKind::Ordinal => self.defaults.ordinal,
            HeadKind::MultiLabel => self.defaults.multi_label,
        })
    }

    /// How a judged model is measured: safety as far as its heads are asked about.
    pub fn evaluation(&self, judged: &Judged) -> evaluation::Settings {
        let is_judged = |id: &str| judged.heads.iter().any(|it| it.head.id.as_str() == id);
        let asked = self.safety.heads.iter().filter(|(id, _)| is_judged(id));
        let question = |(head, labels): (&String, &Vec<String>)| SafetyQuestion {
            head: head.clone(),
            labels: labels.clone(),
        };
        let safety = asked.map(question).collect();
        evaluation::Settings {
            resampling: Resampling { n_resamples: self.resamples, seed: self.seed },
            safety,
            false_alarms: self.safety.false_alarms,
        }
    }

    /// What a service whose models are in this folder is made from.
    pub(super) fn sources(&self, models: PathBuf) -> Sources {
        let Service { rules, routing, calendar, words } = self.service.clone();
        Sources { models, rules, routing, calendar, words, ..Sources::default() }
    }
}
