//! What complaints are judged and handled with: model, rules, routing policy, calendar, handbook,
//! message templates, privacy policy, figures of early warnings.
//! They are loaded and checked together, so that what is live always fits together.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
};

use jiff::Timestamp;

use crate::calendar::{self, Calendar};
use crate::cases::{Handbook, HandbookError, Retention, RetentionError};
use crate::domain::{QueueId, Role, Taxonomy};
use crate::inference::{self, Classifier};
use crate::messages::{Templates, TemplatesError};
use crate::registry::{self, Action, Change, Entry, Registry, Summary};
use crate::routing::{self, Policy};
use crate::rules::{self, RuleFile, RuleSet, Vocabulary};
use crate::text::{self, Analyzer};
use crate::watch::{self, Parameters};

/// Where knowledge comes from; what is not given comes with the program.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    /// The folder with model bundles and `live.toml`.
    pub models: PathBuf,
    /// A folder with rule files.
    pub rules: Option<PathBuf>,
    /// The routing policy.
    pub routing: Option<PathBuf>,
    /// The working-day calendar.
    pub calendar: Option<PathBuf>,
    /// The handbook: how cases are handled.
    pub handbook: Option<PathBuf>,
    /// The privacy policy: how long what is about a person is kept.
    pub privacy: Option<PathBuf>,
    /// The templates of messages to customers.
    pub messages: Option<PathBuf>,
    /// The figures by which early warnings are raised.
    pub alerts: Option<PathBuf>,
    /// The taxonomy to fall back on when no model is there.
    pub taxonomy: Option<PathBuf>,
    /// Words that the segmenter must know.
    pub words: Option<PathBuf>,
}

/// Whether there is a model, and if not, why.
pub enum ModelState {
    /// A model answers.
    Live {
        /// Name and digest.
        version: String,
        /// The model.
        classifier: Arc<dyn Classifier>,
    },
    /// Rules alone answer.
    Missing {
        /// What is wrong with the model, for operators.
        problem: String,
    },
}

/// Everything that a complaint is judged with, but for the rules, and the files to make them from.
pub struct Groundwork {
    /// Reads texts.
    pub analyzer: Analyzer,
    /// The labels: the model's or, without one, the default.
    pub taxonomy: Arc<Taxonomy>,
    /// The model.
    pub model: ModelState,
    /// Who handles what, and how fast.
    pub policy: Policy,
    /// Working days.
    pub calendar: Calendar,
    /// How cases are handled.
    pub handbook: Handbook,
    /// How long what is about a person is kept.
    pub retention: Retention,
    /// In which words customers are told something.
    pub templates: Templates,
    /// By which figures early warnings are raised.
    pub watch: Parameters,
    /// The rules as written.
    pub rule_files: Vec<RuleFile>,
    queues: Vec<QueueId>,
    models: PathBuf,
}

/// Everything that a complaint is judged with.
pub struct Knowledge {
    /// Reads texts.
    pub analyzer: Analyzer,
    /// The labels: the model's or, without one, the default.
    pub taxonomy: Arc<Taxonomy>,
    /// The model.
    pub model: ModelState,
    /// Who handles what, and how fast.
    pub policy: Policy,
    /// Working days.
    pub calendar: Calendar,
    /// How cases are handled.
    pub handbook: Handbook,
    /// How long what is about a person is kept.
    pub retention: Retention,
    /// In which words customers are told something.
    pub templates: Templates,
    /// By which figures early warnings are raised.
    pub watch: Parameters,
    /// The rules.
    pub rules: RuleSet,
    /// What clocks run by, in short; there once they have been looked at.
    pub(super) clocks: OnceLock<String>,
    models: PathBuf,
}

/// Why knowledge cannot be loaded. A missing or broken model is no such reason: rules alone then
/// answer.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A file cannot be read.
    #[error("cannot read `{path}`")]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// The taxonomy has mistakes.
    #[error("cannot use the taxonomy")]
    Taxonomy(#[source] toml::de::Error),
    /// The user dictionary has mistakes.
    #[error("cannot use the words")]
    Words(#[from] text::Error),
    /// The routing policy has mistakes.
    #[error("cannot use the routing policy")]
    Routing(#[from] routing::Error),
    /// The calendar has mistakes.
    #[error("cannot use the calendar")]
    Calendar(#[from] calendar::Error),
    /// The handbook has mistakes.
    #[error("cannot use the handbook")]
    Handbook(#[from] HandbookError),
    /// The privacy policy has mistakes.
    #[error("cannot use the privacy policy")]
    Privacy(#[from] RetentionError),
    /// The message templates have mistakes.
    #[error("cannot use the message templates")]
    Templates(#[from] TemplatesError),
    /// The figures of early warnings have mistakes.
    #[error("cannot use the figures of early warnings")]
    Alerts(#[from] watch::Error),
    /// The model that is to go live cannot, and another one is at work.
    #[error("cannot use the model: {0}")]
    Model(String),
    /// The rules have mistakes.
    #[error("cannot use the rules")]
    Rules(#[from] rules::RuleError),
}

/// Why a model cannot go live.
#[derive(Debug, thiserror::Error)]
enum ModelError {
    #[error(transparent)]
    Registry(#[from] registry::Error),
    #[error(transparent)]
    Inference(#[from] inference::Error),
    #[error("its taxonomy has no `{0}` head of the kind that routing needs")]
    Head(&'static str),
}

const DEFAULT_TAXONOMY: &str = include_str!("../../datasets/taxonomy.toml");

impl Groundwork {
    /// Loads and checks everything. A model that cannot be loaded leaves rules alone in charge.
    pub fn load(sources: &Sources) -> Result<Self, LoadError> {
        Self::load_after(sources, None)
    }

    /// The same, but a model that is live already is not read again.
    fn load_after(sources: &Sources, before: Option<&ModelState>) -> Result<Self, LoadError> {
        let analyzer = match &sources.words {
            Some(path) => Analyzer::new(&read(path)?)?,
            None => Analyzer::default(),
        };
        let (taxonomy, model) = match live_model(&sources.models, before) {
            Ok((version, classifier)) => {
                (Arc::clone(classifier.taxonomy()), ModelState::Live { version, classifier })
            }
            Err(error) => {
                let taxonomy = read_or(sources.taxonomy.as_deref(), DEFAULT_TAXONOMY)?;
                let taxonomy = toml::from_str(&taxonomy).map_err(LoadError::Taxonomy)?;
                (Arc::new(taxonomy), ModelState::Missing { problem: chain(&error) })
            }
        };
        let policy = read_or(sources.routing.as_deref(), Policy::DEFAULT)?;
        let policy = Policy::parse(&policy, &taxonomy)?;
        let calendar = match &sources.calendar {
            Some(path) => Calendar::parse(&read(path)?)?,
            None => Calendar::china(),
        };
        let handbook = read_or(sources.handbook.as_deref(), Handbook::DEFAULT)?;
        let handbook = Handbook::parse(&handbook)?;
        let retention = read_or(sources.privacy.as_deref(), Retention::DEFAULT)?;
        let retention = Retention::parse(&retention)?;
        let templates = read_or(sources.messages.as_deref(), Templates::DEFAULT)?;
        let templates = Templates::parse(&templates, &taxonomy)?;
        let watch = read_or(sources.alerts.as_deref(), Parameters::DEFAULT)?;
        let watch = Parameters::parse(&watch)?;
        let rule_files = match &sources.rules {
            Some(folder) => rule_files(folder)?,
            None => RuleSet::default_files(),
        };
        let queues = policy.queues().iter().map(|queue| queue.id.clone()).collect();
        let models = sources.models.clone();
        Ok(Self {
            analyzer,
            taxonomy,
            model,
            policy,
            calendar,
            handbook,
            retention,
            templates,
            watch,
            rule_files,
            queues,
            models,
        })
    }

    /// The names that rules may use.
    pub fn vocabulary(&self) -> Vocabulary<'_> {
        Vocabulary { taxonomy: &self.taxonomy, queues: &self.queues }
    }
}

impl Knowledge {
    /// Loads and checks everything. A model that cannot be loaded leaves rules alone in charge.
    pub fn load(sources: &Sources) -> Result<Self, LoadError> {
        Self::of(Groundwork::load(sources)?)
    }

    /// Loads everything again, but for the model if it is the same.
    pub fn load_again(&self, sources: &Sources) -> Result<Self, LoadError> {
        Self::of(Groundwork::load_after(sources, Some(&self.model))?)
    }

    fn of(ground: Groundwork) -> Result<Self, LoadError> {
        let rules = RuleSet::parse(&ground.rule_files, &ground.vocabulary(), &ground.analyzer)?;
        let Groundwork {
            analyzer,
            taxonomy,
            model,
            policy,
            calendar,
            handbook,
            retention,
            templates,
            watch,
            models,
            ..
        } = ground;
        Ok(Self {
            analyzer,
            taxonomy,
            model,
            policy,
            calendar,
            handbook,
            retention,
            templates,
            watch,
            rules,
            clocks: OnceLock::new(),
            models,
        })
    }

    /// Every bundle of this installation; none when its folder cannot be read.
    pub fn list_models(&self) -> Vec<Summary> {
        Registry::open(&self.models).and_then(|registry| registry.list()).unwrap_or_default()
    }

    /// What was live when, oldest first; nothing when it cannot be read.
    pub fn model_history(&self) -> Vec<Entry> {
        Registry::open(&self.models).and_then(|registry| registry.history()).unwrap_or_default()
    }

    /// Makes the model before the live one live again; the service notices by itself.
    pub fn roll_back(&self, by: String, why: String, at: Timestamp) -> Result<(), registry::Error> {
        let registry = Registry::open(&self.models)?;
        let (from, to) = (registry.find_live()?, registry.rollback_target(None)?);
        registry.change(&Change {
            at,
            action: Action::Rollback,
            by,
            why,
            from,
            to,
            forced: false,
            metrics: BTreeMap::new(),
            checks: Vec::new(),
        })
    }

    /// The model, if one is live.
    pub fn classifier(&self) -> Option<&dyn Classifier> {
        match &self.model {
            ModelState::Live { classifier, .. } => Some(classifier.as_ref()),
            ModelState::Missing { .. } => None,
        }
    }

    /// What keeps the model from answering, if anything does.
    pub fn model_problem(&self) -> Option<&str> {
        match &self.model {
            ModelState::Live { .. } => None,
            ModelState::Missing { problem } => Some(problem),
        }
    }

    /// Name and digest of the model that is live.
    pub fn model_version(&self) -> Option<&str> {
        match &self.model {
            ModelState::Live { version, .. } => Some(version),
            ModelState::Missing { .. } => None,
        }
    }
}

impl fmt::Debug for Knowledge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Knowledge")
            .field("model", &self.model_version())
            .field("rules", &self.rules.version())
            .finish_non_exhaustive()
    }
}

fn live_model(
    models: &Path,
    before: Option<&ModelState>,
) -> Result<(String, Arc<dyn Classifier>), ModelError> {
    let registry = Registry::open(models)?;
    if let Some(ModelState::Live { version, classifier }) = before
        && registry.find_live()?.is_some_and(|live| live.version() == *version)
    {
        return Ok((version.clone(), Arc::clone(classifier)));
    }
    let bundle = registry.live()?;
    let classifier: Arc<dyn Classifier> = inference::load(&bundle)?.into();
    for role in [Role::Category, Role::Severity] {
        if classifier.taxonomy().role(role).is_none() {
            return Err(ModelError::Head(role.head_name()));
        }
    }
    Ok((bundle.version(), classifier))
}

fn read(path: &Path) -> Result<String, LoadError> {
    std::fs::read_to_string(path)
        .map_err(|source| LoadError::Read { path: path.to_owned(), source })
}

fn read_or(path: Option<&Path>, default: &str) -> Result<String, LoadError> {
    path.map_or_else(|| Ok(default.to_owned()), read)
}

fn rule_files(folder: &Path) -> Result<Vec<RuleFile>, LoadError> {
    let cannot_read = |source| LoadError::Read { path: folder.to_owned(), source };
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(cannot_read)? {
        let path = entry.map_err(cannot_read)?.path();
        if path.extension().is_some_and(|it| it == "toml" || it == "json") {
            paths.push(path);
        }
    }
    paths.sort();
    let file =
        |path: &PathBuf| Ok(RuleFile { name: path.display().to_string(), text: read(path)? });
    paths.iter().map(file).collect()
}

/// An error with its causes, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
