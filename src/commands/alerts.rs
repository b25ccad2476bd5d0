//! `fenzhen alerts`: how often the figures by which alarms are raised would have raised one.

use std::{
    io::{self, Write},
    process::ExitCode,
};

use anyhow::Context;
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::app;
use crate::config::{DatabaseConfig, EvidenceConfig, KnowledgeConfig, OutputFormat};
use crate::store::AlertKind;
use crate::triage::Knowledge;
use crate::watch::{Detection, History, Parameters, Tally};

/// The kinds of subjects of an invented firm, and how many it has of each.
const INVENTED: [(AlertKind, usize); 3] =
    [(AlertKind::Category, 12), (AlertKind::Product, 100), (AlertKind::Shop, 400)];
/// How many outbreaks are planted in each kind.
const N_OUTBREAKS: usize = 50;

/// `fenzhen alerts`
#[derive(Subcommand)]
pub(super) enum Alerts {
    /// Judge every window of the past as the service would have done
    ///
    /// The past of an invented firm has no outbreaks, so that every alert is a false one; some are
    /// planted to see how soon they are found. With `--stored` it is that of the database, in
    /// which some alerts may be right.
    Replay(Replay),
}

#[derive(Args)]
pub(super) struct Replay {
    /// Replay the cases of the database in place of an invented history
    #[arg(long)]
    stored: bool,

    /// How many windows are judged
    #[arg(long, default_value_t = 365, value_name = "N")]
    windows: u16,

    /// How many years of a past the service knows before them, to tell seasons by
    #[arg(long, default_value_t = 2, value_name = "N", value_parser = clap::value_parser!(u16).range(..=10))]
    years: u16,

    /// What the invented history is made from
    #[arg(long, default_value_t = 2026, value_name = "SEED")]
    seed: u64,

    /// How to print
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,

    #[command(flatten)]
    database: DatabaseConfig,
    #[command(flatten)]
    evidence: EvidenceConfig,
    #[command(flatten)]
    knowledge: KnowledgeConfig,
}

/// What was found about one kind of subjects.
struct Finding {
    kind: AlertKind,
    tally: Tally,
    /// Of invented histories alone.
    detection: Option<Detection>,
}

impl Alerts {
    pub(super) fn run(self) -> anyhow::Result<ExitCode> {
        app::runtime()?.block_on(async {
            match self {
                Self::Replay(command) => command.run().await,
            }
        })
    }
}

impl Replay {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let knowledge = Knowledge::load(&self.knowledge.sources()).context("cannot start")?;
        let parameters = knowledge.watch.clone();
        // The first windows only tell what is usual.
        let n_years = u32::from(self.years) * 366 * 24 / u32::from(parameters.window_hours);
        let n_windows = u32::from(self.windows) + n_years + parameters.n_windows() - 1;
        let findings = if self.stored {
            self.replay_stored(knowledge, &parameters, n_windows).await?
        } else {
            self.replay_invented(&parameters, n_windows as usize)
        };
        let mut out = io::stdout().lock();
        match self.format {
            OutputFormat::Json => {
                let shown: Vec<_> = findings.iter().map(Finding::show).collect();
                writeln!(out, "{}", serde_json::to_string(&shown)?)?;
            }
            OutputFormat::Text => {
                for finding in &findings {
                    finding.print(&mut out)?;
                }
            }
        }
        Ok(ExitCode::SUCCESS)
    }

    async fn replay_stored(
        &self,
        knowledge: Knowledge,
        parameters: &Parameters,
        n_windows: u32,
    ) -> anyhow::Result<Vec<Finding>> {
        let desk = app::open_desk(knowledge, &self.database, &self.evidence).await?;
        let mut findings = Vec::new();
        for kind in AlertKind::ALL {
            let history = desk.history(kind, app::now(), n_windows).await?;
            let tally = history.replay(parameters, self.windows.into());
            findings.push(Finding { kind, tally, detection: None });
        }
        Ok(findings)
    }

    fn replay_invented(&self, parameters: &Parameters, n_windows: usize) -> Vec<Finding> {
        let find = |(kind, n_subjects): (AlertKind, usize)| {
            let history = History::invent(parameters, n_subjects, n_windows, self.seed);
            let n_last = self.windows.into();
            let detection = history.plant(parameters, n_last, (N_OUTBREAKS, self.seed));
            Finding { kind, tally: history.replay(parameters, n_last), detection: Some(detection) }
        };
        INVENTED.into_iter().map(find).collect()
    }
}

impl Finding {
    fn show(&self) -> Value {
        let Self { kind, tally, detection } = self;
        let detection = detection.map(|it| {
            json!({
                "outbreaks": it.n_outbreaks, "seen": it.n_seen, "median_window": it.median_window,
            })
        });
        json!({
            "kind": kind.as_str(), "subjects": tally.n_subjects, "windows": tally.n_windows,
            "windows_with_alarm": tally.n_windows_with_alarm, "judged": tally.n_judged,
            "alarms": tally.n_alarms, "alerts": tally.n_alerts, "detection": detection,
        })
    }

    fn print(&self, out: &mut impl Write) -> io::Result<()> {
        let Self { kind, tally, detection } = self;
        let percent = |part: usize, of: usize| 100.0 * part as f64 / of.max(1) as f64;
        writeln!(
            out,
            "{}: {} alerts about {} subjects in {} windows; {:.2} % of windows had an alarm, \
             {:.4} % of those of single subjects",
            kind.as_str(),
            tally.n_alerts,
            tally.n_subjects,
            tally.n_windows,
            percent(tally.n_windows_with_alarm, tally.n_windows),
            percent(tally.n_alarms, tally.n_judged),
        )?;
        let Some(Detection { n_outbreaks, n_seen, median_window }) = detection else {
            return Ok(());
        };
        let kind = kind.as_str();
        write!(out, "{kind}: {n_seen} of {n_outbreaks} planted outbreaks seen")?;
        // What fewer than half have reached is no median.
        if n_outbreaks.div_ceil(2) <= *n_seen {
            write!(out, ", half of them by window {median_window}")?;
        }
        writeln!(out)
    }
}
