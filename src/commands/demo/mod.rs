//! `fenzhen demo`: a service with a few weeks of invented cases in every state, to look around in.
//! Nothing of it is kept unless a database is named.

mod cast;
mod story;

use std::{
    io::{self, Write},
    process::ExitCode,
};

use anyhow::{Context, ensure};
use clap::Args;

use crate::app::{self, App};
use crate::config::{DatabaseConfig, HttpConfig, KnowledgeConfig};
use crate::store::CaseFilter;
use crate::triage::Knowledge;

/// `fenzhen demo`
#[derive(Args)]
pub(super) struct Demo {
    #[command(flatten)]
    http: HttpConfig,
    #[command(flatten)]
    knowledge: KnowledgeConfig,

    /// Keep the cases in this database, which must hold none yet [default: a temporary one]
    #[arg(long, env = "FENZHEN_DEMO_DATABASE", value_name = "URL")]
    database: Option<String>,

    /// How many cases
    #[arg(long, default_value_t = 240, value_name = "N")]
    cases: usize,

    /// The seed of every choice: the same seed tells the same story
    #[arg(long, default_value_t = 7, value_name = "N")]
    seed: u64,
}

impl Demo {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        app::runtime()?.block_on(async {
            let folder = tempfile::tempdir().context("cannot make a temporary folder")?;
            let temporary = || format!("sqlite://{}/demo.sqlite", folder.path().display());
            let url = self.database.clone().unwrap_or_else(temporary);
            let cache = folder.path().join("cache");
            let database = DatabaseConfig { url, database_connections: 4, cache };
            let sources = self.knowledge.sources();
            self.fill(&database, Knowledge::load(&sources).context("cannot start")?).await?;
            let app = App::start(self.http, &database, sources).await?;
            let mut talk = io::stderr();
            writeln!(talk, "fenzhen listens on http://{}", app.address())?;
            writeln!(talk, "open http://{}/console", app.address())?;
            app.run_until(app::stop_signal()).await?;
            Ok(ExitCode::SUCCESS)
        })
    }

    async fn fill(&self, database: &DatabaseConfig, knowledge: Knowledge) -> anyhow::Result<()> {
        let desk = app::open_desk(knowledge, database, &self.http.evidence).await?;
        let first = desk.list_cases(&CaseFilter::default(), None, 1).await?;
        ensure!(
            first.items.is_empty(),
            "the database holds cases already\nhint: name a fresh one, or leave out `--database`"
        );
        writeln!(io::stderr(), "telling the story of {} cases ...", self.cases)?;
        let now = app::now();
        story::tell(&desk, self.cases, self.seed, now).await?;
        cast::learn(&desk, now).await?;
        // Where people log in, the first start makes an administrator who adds the others.
        if !self.http.access.is_closed(self.http.listen) {
            cast::hire(&app::open_identity(database).await?, now).await?;
        }
        desk.close().await;
        Ok(())
    }
}
