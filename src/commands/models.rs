//! `fenzhen models`: which bundles there are, which one is live, and whether they are whole.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use anyhow::Context;
use clap::{Args, Subcommand};

use crate::config::OutputFormat;
use crate::registry::Registry;

/// `fenzhen models`
#[derive(Subcommand)]
pub(super) enum Models {
    /// List the bundles
    List(List),
    /// Check the digests of a bundle, or of all
    Verify(Verify),
}

/// Where the bundles are.
#[derive(Args)]
struct Folder {
    /// Folder with the model bundles and `live.toml`
    #[arg(long, env = "FENZHEN_MODELS", default_value = "models", value_name = "DIR")]
    models: PathBuf,
}

impl Folder {
    fn open(&self) -> anyhow::Result<Registry> {
        Registry::open(&self.models)
            .with_context(|| format!("cannot open `{}`", self.models.display()))
    }
}

#[derive(Args)]
pub(super) struct List {
    #[command(flatten)]
    folder: Folder,

    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

#[derive(Args)]
pub(super) struct Verify {
    /// Name of the bundle; every one if not given
    name: Option<String>,

    #[command(flatten)]
    folder: Folder,
}

impl Models {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::List(command) => command.run(),
            Self::Verify(command) => command.run(),
        }
    }
}

impl List {
    fn run(self) -> anyhow::Result<ExitCode> {
        let models = self.folder.open()?.list()?;
        let mut out = io::stdout().lock();
        match self.format {
            OutputFormat::Json => writeln!(out, "{}", serde_json::to_string(&models)?)?,
            OutputFormat::Text => {
                for model in &models {
                    let mark = if model.live { "live" } else { "    " };
                    let megabytes = model.bytes as f64 / 1e6;
                    let created = model.created_at.strftime("%Y-%m-%d");
                    writeln!(out, "{mark}  {}  {megabytes:.1} MB  {created}", model.version)?;
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

impl Verify {
    fn run(self) -> anyhow::Result<ExitCode> {
        let registry = self.folder.open()?;
        let mut names: Vec<String> = self.name.iter().cloned().collect();
        if names.is_empty() {
            names = registry.names()?;
            // What the service is to answer with may not be there at all.
            let live = registry.find_live()?.map(|live| live.name);
            names.extend(live.filter(|live| !names.contains(live)));
        }
        let mut out = io::stdout().lock();
        let mut all_whole = true;
        for name in names {
            let report = registry.verify(&name)?;
            all_whole &= report.is_whole();
            let word = if report.is_whole() { "whole" } else { "BROKEN" };
            writeln!(out, "{word}  {}", report.version.as_ref().unwrap_or(&report.name))?;
            for problem in &report.problems {
                writeln!(out, "        {problem}")?;
            }
        }
        Ok(if all_whole { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
