//! `fenzhen privacy`: what is kept about one person, handed out or taken out, and the sweep for what
//! has been kept long enough. Whoever may run it may read and write the database anyway, so it asks
//! for no key; who did it is the name that is given, or `open`.

use std::{
    io::{self, Read, Write},
    process::ExitCode,
};

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::app;
use crate::config::{DatabaseConfig, EvidenceConfig, KnowledgeConfig};
use crate::domain::StaffRole;
use crate::triage::{Desk, ErasureRequest, Knowledge, Mistake, PersonRequest};

/// `fenzhen privacy`
#[derive(Subcommand)]
pub(super) enum Privacy {
    /// Print everything that is kept about a person, as JSON
    ///
    /// Whom is read from stdin, because arguments are seen by every user of the machine: a JSON
    /// object with `customer_id`, `contact` or both.
    Export(Export),
    /// Erase what is kept about a person, as far as the law lets go of it
    ///
    /// Whom and why is read from stdin: a JSON object with `customer_id`, `contact` or both, and
    /// the `ground`: `purpose_achieved`, `retention_over`, `consent_withdrawn`, `unlawful` or
    /// `other_law`.
    Erase(Erase),
    /// Erase every case whose time is over, as the service does every hour
    Sweep(Sweep),
}

/// Where cases are and how long they are kept.
#[derive(Args)]
struct Place {
    #[command(flatten)]
    database: DatabaseConfig,
    #[command(flatten)]
    evidence: EvidenceConfig,
    #[command(flatten)]
    knowledge: KnowledgeConfig,
}

#[derive(Args)]
pub(super) struct Export {
    /// Who takes it, for the audit log
    #[arg(long, default_value = "open", value_name = "NAME")]
    by: String,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
pub(super) struct Erase {
    /// Who does it, for the audit log
    #[arg(long, default_value = "open", value_name = "NAME")]
    by: String,
    #[command(flatten)]
    place: Place,
}

#[derive(Args)]
pub(super) struct Sweep {
    /// Print the cases that are due and erase none
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    place: Place,
}

impl Privacy {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        app::runtime()?.block_on(async {
            match self {
                Self::Export(command) => command.run().await,
                Self::Erase(command) => command.run().await,
                Self::Sweep(command) => command.run().await,
            }
        })
    }
}

impl Export {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let desk = self.place.open().await?;
        let request = PersonRequest::parse(read_request(&self.by)?, &desk.engine().knowledge());
        let request = request.map_err(|mistakes| refused(&mistakes))?;
        let answer = desk.export_person(&request, app::now()).await?;
        writeln!(io::stdout(), "{}", serde_json::to_string(&answer)?)?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Erase {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let desk = self.place.open().await?;
        let request = ErasureRequest::parse(read_request(&self.by)?, &desk.engine().knowledge());
        let request = request.map_err(|mistakes| refused(&mistakes))?;
        let answer = desk.erase_person(&request, app::now()).await?;
        desk.close().await;
        writeln!(io::stdout(), "{}", serde_json::to_string(&answer)?)?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Sweep {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let desk = self.place.open().await?;
        let now = app::now();
        if self.dry_run {
            for id in desk.list_erasable(now, u16::MAX).await? {
                writeln!(io::stdout(), "{id}")?;
            }
            return Ok(ExitCode::SUCCESS);
        }
        let n_erased = desk.erase_due(now).await?;
        desk.close().await;
        writeln!(io::stdout(), "{n_erased}")?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Place {
    async fn open(&self) -> anyhow::Result<Desk> {
        let knowledge = Knowledge::load(&self.knowledge.sources()).context("cannot start")?;
        app::open_desk(knowledge, &self.database, &self.evidence).await
    }
}

/// The request on stdin, signed with a name.
fn read_request(by: &str) -> anyhow::Result<Value> {
    let mut text = String::new();
    io::stdin().read_to_string(&mut text).context("cannot read stdin")?;
    let mut request: Value = serde_json::from_str(&text).context("stdin is no JSON object")?;
    if let Value::Object(fields) = &mut request {
        let role = StaffRole::ServiceDirector.as_str();
        fields.insert("by".to_owned(), json!({ "name": by, "role": role }));
    }
    Ok(request)
}

fn refused(mistakes: &[Mistake]) -> anyhow::Error {
    let lines = mistakes.iter().map(|it| format!("`{}`: {}", it.pointer, it.detail));
    anyhow::anyhow!("the request has mistakes: {}", lines.collect::<Vec<_>>().join("; "))
}
