//! Golden texts: so plain that a model which misreads one must not go live, whatever its figures
//! say. Labels are checked with the model alone; whether executives see a case, with the rules and
//! the routing that the service would use beside it.

use std::{collections::BTreeMap, fs, os::unix::fs::symlink, path::Path};

use fenzhen::domain::{Complaint, ComplaintText, CustomerTier, Prediction, Taxonomy};
use fenzhen::registry::{LIVE_FILE, Live, Verdict};
use fenzhen::text::Analyzer;
use fenzhen::triage::{Engine, Knowledge};
use jiff::Timestamp;
use serde::Deserialize;

use crate::gate::{Check, Error, Model, Settings};

/// How many wrong answers are told before the rest is only counted.
const MAX_TOLD: usize = 8;

/// A line of the file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Golden {
    text: String,
    /// Labels that must come out, by head.
    #[serde(default)]
    labels: BTreeMap<String, OneOrMany>,
    /// Labels that must not.
    #[serde(default)]
    not: BTreeMap<String, OneOrMany>,
    /// Whether executives must see it.
    executive_review: Option<bool>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl OneOrMany {
    fn as_slice(&self) -> &[String] {
        match self {
            Self::One(label) => std::slice::from_ref(label),
            Self::Many(labels) => labels,
        }
    }
}

impl Settings {
    pub(super) fn check_golden(
        &self,
        candidate: &Model,
        now: Timestamp,
        checks: &mut Vec<Check>,
    ) -> Result<(), Error> {
        let lines = self.read_golden()?;
        let unknown = lines.iter().flat_map(|(line, golden)| {
            golden.unknown(candidate.classifier().taxonomy()).into_iter().map(move |it| (line, it))
        });
        let mut unknown: Vec<String> =
            unknown.map(|(line, what)| format!("line {line}: {what}")).collect();
        if !unknown.is_empty() {
            unknown.truncate(MAX_TOLD);
            checks.push(Check::of("golden texts, model", Verdict::Fail, unknown.join("; ")));
            return Ok(());
        }
        let analyzer = Analyzer::default();
        let mut wrong = Vec::new();
        for (line, golden) in &lines {
            let prediction = candidate.classifier().classify(&analyzer.analyze(&golden.text));
            wrong.extend(golden.wrong(&prediction).map(|what| format!("line {line}: {what}")));
        }
        checks.push(summary("golden texts, model", lines.len(), wrong));
        checks.push(self.check_service(candidate, now, &lines)?);
        Ok(())
    }

    /// The golden texts, to keep them out of training.
    pub fn golden_texts(&self) -> Result<Vec<String>, Error> {
        Ok(self.read_golden()?.into_iter().map(|(_, golden)| golden.text).collect())
    }

    fn read_golden(&self) -> Result<Vec<(usize, Golden)>, Error> {
        let path = &self.golden;
        let text =
            fs::read_to_string(path).map_err(|source| Error::Io { path: path.clone(), source })?;
        let mut lines = Vec::new();
        for (line, content) in (1..).zip(text.lines()).filter(|(_, it)| !it.trim().is_empty()) {
            let golden = serde_json::from_str(content).map_err(|error| {
                // The parser's message may quote the text; its place does not.
                let why = format!("is no golden text, at column {}", error.column());
                Error::Golden { path: path.clone(), line, why }
            })?;
            lines.push((line, golden));
        }
        if lines.is_empty() {
            let why = "has no text: write some that every model must get right".to_owned();
            return Err(Error::Golden { path: path.clone(), line: 1, why });
        }
        Ok(lines)
    }

    /// Runs the whole service over the texts that say what becomes of them.
    fn check_service(
        &self,
        candidate: &Model,
        now: Timestamp,
        lines: &[(usize, Golden)],
    ) -> Result<Check, Error> {
        const NAME: &str = "golden texts, with rules";
        let path = |path: &Path| path.to_owned();
        let folder = tempfile::tempdir()
            .map_err(|source| Error::Io { path: std::env::temp_dir(), source })?;
        let failed = |source| Error::Io { path: path(folder.path()), source };
        let live = Live::of(candidate.bundle());
        let bundle = fs::canonicalize(candidate.bundle().path()).map_err(failed)?;
        symlink(bundle, folder.path().join(&live.name)).map_err(failed)?;
        let text = toml::to_string(&live).expect("two plain strings are TOML");
        fs::write(folder.path().join(LIVE_FILE), text).map_err(failed)?;
        let knowledge = match Knowledge::load(&self.sources(path(folder.path()))) {
            Ok(knowledge) => knowledge,
            Err(error) => return Ok(Check::of(NAME, Verdict::Fail, super::chain(&error))),
        };
        if let Some(problem) = knowledge.model_problem() {
            let why = format!("the service cannot use it: {problem}");
            return Ok(Check::of(NAME, Verdict::Fail, why));
        }
        let engine = Engine::new(knowledge);
        let (mut n_asked, mut wrong) = (0, Vec::new());
        for (line, golden) in lines {
            let Some(expected) = golden.executive_review else { continue };
            n_asked += 1;
            let complaint = golden.complaint(now).map_err(|why| Error::Golden {
                path: self.golden.clone(),
                line: *line,
                why,
            })?;
            if engine.classify(&complaint).decision.executive_review != expected {
                let not = if expected { "do not see it" } else { "see it" };
                wrong.push(format!("line {line}: executives {not}"));
            }
        }
        Ok(summary(NAME, n_asked, wrong))
    }
}

impl Golden {
    fn complaint(&self, received_at: Timestamp) -> Result<Complaint, String> {
        let text: ComplaintText =
            self.text.parse().map_err(|error: fenzhen::domain::TextError| error.to_string())?;
        Ok(Complaint {
            text,
            channel: None,
            amount: None,
            customer_tier: CustomerTier::default(),
            prior_contacts: None,
            received_at,
        })
    }

    /// Names that the model does not have.
    fn unknown(&self, taxonomy: &Taxonomy) -> Vec<String> {
        let mut unknown = Vec::new();
        for (head, labels) in self.labels.iter().chain(&self.not) {
            match taxonomy.find_head(head) {
                None => unknown.push(format!("the model has no head `{head}`")),
                Some((_, known)) => {
                    let labels = labels.as_slice().iter();
                    let labels = labels.filter(|label| known.label_idx(label).is_none());
                    unknown.extend(
                        labels.map(|label| format!("head `{head}` has no label `{label}`")),
                    );
                }
            }
        }
        unknown
    }

    /// What the model gets wrong.
    fn wrong(&self, prediction: &Prediction) -> impl Iterator<Item = String> {
        let chosen = |head: &str| -> Vec<String> {
            prediction.find_head(head).map_or_else(Vec::new, |(head, answer)| {
                answer.chosen.iter().map(|&label| head.labels[label].id.to_string()).collect()
            })
        };
        let mut wrong = Vec::new();
        for (head, labels) in &self.labels {
            let chosen = chosen(head);
            for label in labels.as_slice().iter().filter(|label| !chosen.contains(label)) {
                wrong.push(format!("{head} is `{}` without `{label}`", chosen.join(", ")));
            }
        }
        for (head, labels) in &self.not {
            let chosen = chosen(head);
            let labels = labels.as_slice().iter().filter(|label| chosen.contains(label));
            wrong.extend(labels.map(|label| format!("{head} has `{label}`")));
        }
        wrong.into_iter()
    }
}

fn summary(name: &str, n_texts: usize, mut wrong: Vec<String>) -> Check {
    if wrong.is_empty() {
        return Check::of(name, Verdict::Pass, format!("all of {n_texts} right"));
    }
    let n_more = wrong.len().saturating_sub(MAX_TOLD);
    wrong.truncate(MAX_TOLD);
    let more = if n_more == 0 { String::new() } else { format!("; and {n_more} more") };
    Check::of(name, Verdict::Fail, wrong.join("; ") + &more)
}
