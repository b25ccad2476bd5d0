//! `fenzhen serve`: the service, until it is told to stop.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use clap::Args;

use crate::app::{self, App};
use crate::config::{DatabaseConfig, HttpConfig, KnowledgeConfig};

/// `fenzhen serve`
#[derive(Args)]
pub(super) struct Serve {
    #[command(flatten)]
    http: HttpConfig,
    #[command(flatten)]
    database: DatabaseConfig,
    #[command(flatten)]
    knowledge: KnowledgeConfig,
}

impl Serve {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        app::runtime()?.block_on(async {
            let is_closed = self.http.access.is_closed(self.http.listen);
            let app = App::start(self.http, &self.database, self.knowledge.sources()).await?;
            writeln!(io::stderr(), "fenzhen listens on http://{}", app.address())?;
            drop(writeln!(io::stderr(), "the console is at http://{}/console", app.address()));
            if let Some((name, password)) = app.first_administrator() {
                let talk = format!(
                    "this is a first start: log in to the console as `{name}` with the one-time \
                     password `{password}` and choose your own"
                );
                drop(writeln!(io::stderr(), "{talk}"));
            }
            if !is_closed {
                let talk = "it is open: whoever reaches this address may do everything; \
                            `--auth required` asks for keys";
                // A supervisor that has read the address may have closed its end: serve on.
                drop(writeln!(io::stderr(), "{talk}"));
            }
            app.run_until(app::stop_signal()).await?;
            Ok(ExitCode::SUCCESS)
        })
    }
}
