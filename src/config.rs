//! What operators can set, on the command line or in the environment. The only module that reads
//! the environment; `--help` is the manual.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::builder::NonEmptyStringValueParser;
use clap::{Args, ValueEnum};

use crate::evidence::{Bucket, Limits, Place, SecretKey};
use crate::identity::SessionLifetime;
use crate::outbound::{Network, Secret};
use crate::triage::{EngineOptions, Gateway, Sources};

/// Where models, rules and the rest come from.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Knowledge")]
pub struct KnowledgeConfig {
    /// Folder with the model bundles and `live.toml`
    #[arg(long, env = "FENZHEN_MODELS", default_value = "models", value_name = "DIR")]
    pub models: PathBuf,

    /// Folder with rule files, in place of the built-in rules
    #[arg(long, env = "FENZHEN_RULES", value_name = "DIR")]
    pub rules: Option<PathBuf>,

    /// Routing policy, in place of the built-in one
    #[arg(long, env = "FENZHEN_ROUTING", value_name = "FILE")]
    pub routing: Option<PathBuf>,

    /// Working-day calendar, in place of the built-in one
    #[arg(long, env = "FENZHEN_CALENDAR", value_name = "FILE")]
    pub calendar: Option<PathBuf>,

    /// Handbook of how cases are handled, in place of the built-in one
    #[arg(long, env = "FENZHEN_HANDBOOK", value_name = "FILE")]
    pub handbook: Option<PathBuf>,

    /// Templates of messages to customers, in place of the built-in ones
    #[arg(long, env = "FENZHEN_MESSAGES", value_name = "FILE")]
    pub messages: Option<PathBuf>,

    /// Privacy policy, in place of the built-in one: how long what is about a person is kept
    #[arg(long, env = "FENZHEN_PRIVACY", value_name = "FILE")]
    pub privacy: Option<PathBuf>,

    /// Figures by which early warnings are raised, in place of the built-in ones
    #[arg(long, env = "FENZHEN_ALERTS", value_name = "FILE")]
    pub alerts: Option<PathBuf>,

    /// Taxonomy to use while no model is live, in place of the built-in one
    #[arg(long, env = "FENZHEN_TAXONOMY", value_name = "FILE")]
    pub taxonomy: Option<PathBuf>,

    /// Words that the segmenter must know, in place of the built-in ones
    #[arg(long, env = "FENZHEN_WORDS", value_name = "FILE")]
    pub words: Option<PathBuf>,
}

impl KnowledgeConfig {
    /// The same for the use cases.
    pub fn sources(&self) -> Sources {
        Sources {
            models: self.models.clone(),
            rules: self.rules.clone(),
            routing: self.routing.clone(),
            calendar: self.calendar.clone(),
            handbook: self.handbook.clone(),
            messages: self.messages.clone(),
            privacy: self.privacy.clone(),
            alerts: self.alerts.clone(),
            taxonomy: self.taxonomy.clone(),
            words: self.words.clone(),
        }
    }
}

/// Where cases are kept.
#[derive(Args, Clone)]
#[command(next_help_heading = "Database")]
pub struct DatabaseConfig {
    /// `sqlite://FILE` or `postgres://USER:PASSWORD@HOST/DATABASE`
    #[arg(
        long = "database",
        env = "FENZHEN_DATABASE",
        default_value = "sqlite://data/fenzhen.sqlite",
        hide_env_values = true,
        value_name = "URL"
    )]
    pub url: String,

    /// Most connections at once
    #[arg(long, env = "FENZHEN_DATABASE_CONNECTIONS", default_value_t = 8, value_name = "N")]
    pub database_connections: u32,

    /// Folder for what can be made again from the database, such as the vectors of the library
    #[arg(long, env = "FENZHEN_CACHE", default_value = "data/cache", value_name = "DIR")]
    pub cache: PathBuf,
}

impl DatabaseConfig {
    /// The file of the database, if it is one.
    pub fn file(&self) -> Option<&Path> {
        let path = self.url.strip_prefix("sqlite://")?;
        Some(Path::new(path.split('?').next().unwrap_or(path)))
    }
}

/// Who is let in, and for how long.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Access")]
pub struct AccessConfig {
    /// Whether callers must say who they are; if not set, only on a loopback address they need not
    #[arg(long, env = "FENZHEN_AUTH", value_enum, value_name = "WHETHER")]
    pub auth: Option<AuthMode>,

    /// Seconds without a request after which a session ends
    #[arg(long, env = "FENZHEN_SESSION_IDLE_S", default_value_t = 30 * 60, value_name = "SECONDS")]
    pub session_idle_s: u64,

    /// Seconds after which a session ends in any case
    #[arg(
        long,
        env = "FENZHEN_SESSION_ABSOLUTE_S",
        default_value_t = 12 * 60 * 60,
        value_name = "SECONDS"
    )]
    pub session_absolute_s: u64,
}

/// Whether callers must say who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum AuthMode {
    /// Every request needs a key or a session.
    Required,
    /// Whoever reaches the address may do everything; on a loopback address alone.
    Open,
}

impl Default for AccessConfig {
    fn default() -> Self {
        Self { auth: None, session_idle_s: 30 * 60, session_absolute_s: 12 * 60 * 60 }
    }
}

impl AccessConfig {
    /// Whether a service that listens there refuses callers who do not say who they are.
    pub fn is_closed(&self, listen: SocketAddr) -> bool {
        self.auth.map_or(!listen.ip().is_loopback(), |auth| auth == AuthMode::Required)
    }

    /// How long sessions live.
    pub const fn session_lifetime(&self) -> SessionLifetime {
        SessionLifetime {
            idle: Duration::from_secs(self.session_idle_s),
            absolute: Duration::from_secs(self.session_absolute_s),
        }
    }
}

/// Which evidence files are kept, and where.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Evidence")]
pub struct EvidenceConfig {
    /// Folder of the evidence files, which replicas share; `evidence` beside the database, or in
    /// `data`, if not given
    #[arg(long, env = "FENZHEN_EVIDENCE", value_name = "DIR")]
    pub evidence: Option<PathBuf>,

    /// Bucket of an S3-compatible store for the evidence files, instead of a folder; a rule of the
    /// bucket should abort incomplete uploads after a day
    #[arg(
        long,
        env = "FENZHEN_S3_BUCKET",
        value_name = "NAME",
        value_parser = NonEmptyStringValueParser::new(),
        conflicts_with = "evidence",
        requires_all = ["s3_access_key", "s3_secret_key"]
    )]
    pub s3_bucket: Option<String>,

    /// Address of the S3-compatible store, such as `https://s3.example.com`; AWS if not given
    #[arg(long, env = "FENZHEN_S3_ENDPOINT", value_name = "URL", requires = "s3_bucket")]
    pub s3_endpoint: Option<String>,

    /// Region of the bucket; stores of one's own take any
    #[arg(long, env = "FENZHEN_S3_REGION", default_value = "us-east-1", value_name = "REGION")]
    pub s3_region: String,

    /// The host's name begins with the bucket's, as Alibaba Cloud OSS and Tencent COS want it; the
    /// address is then that of the bucket
    #[arg(long, env = "FENZHEN_S3_VIRTUAL_HOSTED", requires = "s3_endpoint")]
    pub s3_virtual_hosted: bool,

    /// Access key of the bucket
    #[arg(
        long,
        env = "FENZHEN_S3_ACCESS_KEY",
        value_name = "ID",
        value_parser = NonEmptyStringValueParser::new()
    )]
    pub s3_access_key: Option<String>,

    /// Secret of the access key; better given as the variable
    #[arg(long, env = "FENZHEN_S3_SECRET_KEY", hide_env_values = true, value_name = "SECRET")]
    pub s3_secret_key: Option<SecretKey>,

    /// Largest evidence file, in bytes
    #[arg(
        long,
        env = "FENZHEN_MAX_EVIDENCE_BYTES",
        default_value_t = 100 << 20,
        value_name = "BYTES"
    )]
    pub max_evidence_bytes: u64,

    /// Largest sum of the evidence files of a case, in bytes
    #[arg(
        long,
        env = "FENZHEN_MAX_CASE_EVIDENCE_BYTES",
        default_value_t = 500 << 20,
        value_name = "BYTES"
    )]
    pub max_case_evidence_bytes: u64,

    /// Seconds until a file that comes in or goes out is given up
    #[arg(long, env = "FENZHEN_UPLOAD_TIMEOUT_S", default_value_t = 600, value_name = "SECONDS")]
    pub upload_timeout_s: u64,
}

impl Default for EvidenceConfig {
    fn default() -> Self {
        Self {
            evidence: None,
            s3_bucket: None,
            s3_endpoint: None,
            s3_region: "us-east-1".to_owned(),
            s3_virtual_hosted: false,
            s3_access_key: None,
            s3_secret_key: None,
            max_evidence_bytes: 100 << 20,
            max_case_evidence_bytes: 500 << 20,
            upload_timeout_s: 600,
        }
    }
}

impl EvidenceConfig {
    /// Where the files are kept: in the bucket, if there is one with its keys.
    pub fn place(&self, database: &DatabaseConfig) -> Place {
        let bucket = self.s3_bucket.as_ref().zip(self.s3_access_key.as_ref());
        if let Some(((name, access_key), secret_key)) = bucket.zip(self.s3_secret_key.as_ref()) {
            return Place::Bucket(Bucket {
                name: name.clone(),
                endpoint: self.s3_endpoint.clone(),
                region: self.s3_region.clone(),
                virtual_hosted: self.s3_virtual_hosted,
                access_key: access_key.clone(),
                secret_key: secret_key.clone(),
            });
        }
        let beside = || database.file().and_then(Path::parent).unwrap_or(Path::new("data"));
        Place::Folder(self.evidence.clone().unwrap_or_else(|| beside().join("evidence")))
    }

    /// How large files may be.
    pub const fn limits(&self) -> Limits {
        Limits { file_bytes: self.max_evidence_bytes, case_bytes: self.max_case_evidence_bytes }
    }

    /// When a file is given up.
    pub const fn upload_timeout(&self) -> Duration {
        Duration::from_secs(self.upload_timeout_s)
    }
}

/// How the service listens and protects itself.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Service")]
pub struct HttpConfig {
    /// Address to listen on; port 0 takes a free one
    #[arg(long, env = "FENZHEN_LISTEN", default_value = "127.0.0.1:8080", value_name = "ADDRESS")]
    pub listen: SocketAddr,

    /// Largest body of a single complaint, in bytes
    #[arg(long, env = "FENZHEN_MAX_BODY_BYTES", default_value_t = 1 << 20, value_name = "BYTES")]
    pub max_body_bytes: usize,

    /// Largest body of a batch, in bytes
    #[arg(long, env = "FENZHEN_MAX_BATCH_BYTES", default_value_t = 64 << 20, value_name = "BYTES")]
    pub max_batch_bytes: usize,

    /// Batches in work at once; more are answered 429 with `Retry-After`
    #[arg(long, env = "FENZHEN_MAX_BATCHES", default_value_t = 4, value_name = "N")]
    pub max_batches: usize,

    /// Requests in work at once; more are answered 429 with `Retry-After`
    #[arg(long, env = "FENZHEN_MAX_IN_FLIGHT", default_value_t = 1024, value_name = "N")]
    pub max_in_flight: usize,

    /// Complaints that wait for a slow model; more are answered 429 with `Retry-After`
    #[arg(long, env = "FENZHEN_MAX_WAITING", default_value_t = 256, value_name = "N")]
    pub max_waiting: usize,

    /// Tokens that a slow model takes at once
    #[arg(long, env = "FENZHEN_BATCH_TOKENS", default_value_t = 512, value_name = "N")]
    pub batch_tokens: usize,

    /// From so many waiting complaints on, the fast part of the model answers easy ones alone;
    /// never, if not given
    #[arg(long, env = "FENZHEN_CASCADE_FROM", value_name = "N")]
    pub cascade_from: Option<usize>,

    /// Seconds until a request is given up with 503
    #[arg(long, env = "FENZHEN_TIMEOUT_S", default_value_t = 30, value_name = "SECONDS")]
    pub timeout_s: u64,

    /// Seconds that running requests get to finish when the service stops
    #[arg(long, env = "FENZHEN_GRACE_S", default_value_t = 20, value_name = "SECONDS")]
    pub grace_s: u64,

    /// Seconds between looks at the model, rule, routing and calendar files for a change
    #[arg(long, env = "FENZHEN_RELOAD_S", default_value_t = 2, value_name = "SECONDS")]
    pub reload_s: u64,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment here would become the heading of `--help`")]
    pub access: AccessConfig,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment here would become the heading of `--help`")]
    pub work: WorkConfig,

    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment here would become the heading of `--help`")]
    pub evidence: EvidenceConfig,
}

/// What the service does while nobody asks.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Work")]
pub struct WorkConfig {
    /// Milliseconds between looks at what is due: clocks of cases, messages to other systems
    #[arg(long, env = "FENZHEN_WORK_MS", default_value_t = 1000, value_name = "MS")]
    pub work_ms: u64,

    /// Networks inside the firm that webhooks may reach, such as `10.0.0.0/8`, several with commas;
    /// without them only public addresses over https
    #[arg(long, env = "FENZHEN_OUTBOUND_NETWORKS", value_delimiter = ',', value_name = "NETWORKS")]
    pub outbound_networks: Vec<Network>,

    /// Where messages to customers go, such as `sms=https://sms.example.com/send`, for `sms`,
    /// `chat` and `email`, several with commas; without one nothing goes out on a channel
    #[arg(
        long,
        env = "FENZHEN_GATEWAYS",
        hide_env_values = true,
        value_delimiter = ',',
        value_name = "CHANNEL=URL"
    )]
    pub gateways: Vec<Gateway>,

    /// What signs messages to gateways, as of Standard Webhooks: `whsec_` and Base64
    #[arg(long, env = "FENZHEN_GATEWAY_SECRET", hide_env_values = true, value_name = "SECRET")]
    pub gateway_secret: Option<Secret>,

    /// Seconds until a call to another system is given up, 60 at most
    #[arg(
        long,
        env = "FENZHEN_OUTBOUND_TIMEOUT_S",
        default_value_t = 10,
        value_parser = clap::value_parser!(u64).range(1..=60),
        value_name = "SECONDS"
    )]
    pub outbound_timeout_s: u64,
}

impl Default for WorkConfig {
    fn default() -> Self {
        Self {
            work_ms: 1000,
            outbound_networks: Vec::new(),
            gateways: Vec::new(),
            gateway_secret: None,
            outbound_timeout_s: 10,
        }
    }
}

impl WorkConfig {
    /// How often what is due is looked for.
    pub const fn period(&self) -> Duration {
        Duration::from_millis(if self.work_ms == 0 { 1 } else { self.work_ms })
    }

    /// When a call to another system is given up.
    pub const fn timeout(&self) -> Duration {
        Duration::from_secs(self.outbound_timeout_s)
    }
}

impl HttpConfig {
    /// When a request is given up.
    pub const fn timeout(&self) -> Duration {
        Duration::from_secs(self.timeout_s)
    }

    /// How slow models are used.
    pub const fn engine_options(&self) -> EngineOptions {
        EngineOptions {
            max_waiting: self.max_waiting,
            batch_tokens: self.batch_tokens,
            cascade_from: self.cascade_from,
        }
    }
}

/// What is logged and how; logs go to stderr.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Logs")]
pub struct LogConfig {
    /// Which events, such as `info` or `fenzhen=debug,warn`
    #[arg(
        long = "log",
        env = "FENZHEN_LOG",
        default_value = "info",
        global = true,
        value_name = "FILTER"
    )]
    pub filter: String,

    /// How they look
    #[arg(long, env = "FENZHEN_LOG_FORMAT", value_enum, default_value_t, global = true)]
    pub log_format: LogFormat,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line, for machines.
    Json,
}

/// How results are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// For people.
    #[default]
    Text,
    /// For machines.
    Json,
}
