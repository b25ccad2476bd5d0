//! `fenzhen keys`: the keys of systems. Whoever may run it may write to the database anyway, so it
//! asks for no key of its own; the audit log names `open` as who did it.

use std::{
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use anyhow::Context;
use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::app;
use crate::config::{DatabaseConfig, OutputFormat};
use crate::domain::{Scope, StaffRole};
use crate::identity::{Granted, NewKey, Principal};
use crate::store::ApiKey;

/// `fenzhen keys`
#[derive(Subcommand)]
pub(super) enum Keys {
    /// Make a key and print it, once
    Create(Create),
    /// List the keys, newest first
    List(List),
    /// Make the successor of a key, which itself ends after a while
    Rotate(Rotate),
    /// Take a key back
    Revoke(Revoke),
}

/// Where the keys are and how to print.
#[derive(Args)]
struct Place {
    #[command(flatten)]
    database: DatabaseConfig,

    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

#[derive(Args)]
pub(super) struct Create {
    /// The system that will hold it
    name: String,

    /// What it is good for: classify, intake, cases, `personal_data`, statistics, audit,
    /// administration
    #[arg(long, value_delimiter = ',', value_name = "SCOPE")]
    scope: Vec<Scope>,

    /// The roles of the people for whom it may act
    #[arg(long, value_delimiter = ',', value_name = "ROLE")]
    act_as: Vec<StaffRole>,

    /// Days until it ends by itself
    #[arg(long, value_name = "DAYS")]
    expires_in_days: Option<u32>,

    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
pub(super) struct Rotate {
    /// The key's id: the part after `fz_`
    id: String,

    /// Hours for which both keys are good
    #[arg(long, default_value_t = 24, value_name = "HOURS")]
    overlap_hours: u32,

    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
pub(super) struct Revoke {
    /// The key's id: the part after `fz_`
    id: String,

    #[command(flatten)]
    database: DatabaseConfig,
}

impl Keys {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        app::runtime()?.block_on(async {
            match self {
                Self::Create(command) => command.run().await,
                Self::List(command) => command.run().await,
                Self::Rotate(command) => command.run().await,
                Self::Revoke(command) => command.run().await,
            }
        })
    }
}

impl Create {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let now = app::now();
        let days = |days: u32| now.checked_add(Duration::from_hours(24 * u64::from(days)));
        let expires_at = self.expires_in_days.map(days).transpose();
        let expires_at = expires_at.context("no key lives that long")?;
        let Self { name, scope: scopes, act_as, .. } = self;
        let new = NewKey { name, scopes, act_as, expires_at };
        let identity = app::open_identity(&self.place.database).await?;
        let granted = identity.create_key(new, &Principal::Open, now).await?;
        print_granted(&granted, self.place.format)
    }
}

impl List {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let identity = app::open_identity(&self.place.database).await?;
        let keys = identity.list_keys().await?;
        let mut out = io::stdout().lock();
        match self.place.format {
            OutputFormat::Json => {
                let keys: Vec<_> = keys.iter().map(show).collect();
                writeln!(out, "{}", serde_json::to_string(&keys)?)?;
            }
            OutputFormat::Text => {
                for key in &keys {
                    let state = state(key, app::now());
                    let scopes = key.scopes.iter().map(|it| it.as_str());
                    let roles = key.act_as.iter().map(|it| it.as_str());
                    let good_for = scopes.chain(roles).collect::<Vec<_>>().join(",");
                    writeln!(out, "{}  {state:7}  {}  {good_for}", key.id, key.name)?;
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Rotate {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let identity = app::open_identity(&self.place.database).await?;
        let overlap = Duration::from_hours(self.overlap_hours.into());
        let granted = identity.rotate_key(&self.id, overlap, &Principal::Open, app::now()).await?;
        print_granted(&granted, self.place.format)
    }
}

impl Revoke {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let identity = app::open_identity(&self.database).await?;
        identity.revoke_key(&self.id, &Principal::Open, app::now()).await?;
        writeln!(io::stderr(), "taken back; running services forget it within five seconds")?;
        Ok(ExitCode::SUCCESS)
    }
}

fn print_granted(granted: &Granted, format: OutputFormat) -> anyhow::Result<ExitCode> {
    let mut out = io::stdout().lock();
    match format {
        OutputFormat::Text => writeln!(out, "{}", granted.token.reveal())?,
        OutputFormat::Json => {
            let mut shown = show(&granted.key);
            shown["key"] = granted.token.reveal().into();
            writeln!(out, "{shown}")?;
        }
    }
    writeln!(io::stderr(), "keep it now: it is not shown again")?;
    Ok(ExitCode::SUCCESS)
}

fn state(key: &ApiKey, now: Timestamp) -> &'static str {
    match (key.revoked_at, key.expires_at) {
        (Some(_), _) => "revoked",
        (None, Some(expires_at)) if expires_at <= now => "expired",
        _ => "good",
    }
}

fn show(key: &ApiKey) -> Value {
    json!({
        "id": key.id, "name": key.name, "scopes": key.scopes, "act_as": key.act_as,
        "created_at": key.created_at, "created_by": key.created_by,
        "expires_at": key.expires_at, "revoked_at": key.revoked_at,
        "last_used_at": key.last_used_at, "replaces": key.replaces,
    })
}
