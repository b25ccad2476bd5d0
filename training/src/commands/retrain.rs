//! `fenzhen-lab retrain`: the whole loop in one command, for cron or a Kubernetes `CronJob`.

use std::{
    io::{self, Write},
    path::PathBuf,
    process,
};

use fenzhen::app;
use fenzhen::config::OutputFormat;
use fenzhen::registry::{Purpose, Registry};

use crate::commands::promote::{self, Signature};
use crate::progress::Progress;
use crate::retrain::{Error, Plan};

/// Train on what people said since, measure against the live model, and promote if the gate opens.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// How to train; it must name a taxonomy
    #[arg(long, value_name = "FILE")]
    recipe: PathBuf,
    /// Labelled texts beside those of the desk; may be given several times
    #[arg(long, value_name = "FILE", required = true)]
    base: Vec<PathBuf>,
    /// The column of their texts
    #[arg(long, value_name = "COLUMN", default_value = "text")]
    text_column: String,
    /// The service's database: `sqlite://FILE` or `postgres://USER:PASSWORD@HOST/DATABASE`
    #[arg(
        long,
        env = "FENZHEN_DATABASE",
        default_value = "sqlite://data/fenzhen.sqlite",
        hide_env_values = true,
        value_name = "URL"
    )]
    database: String,
    /// The folder of all bundles
    #[arg(long, env = "FENZHEN_MODELS", value_name = "DIR", default_value = "models")]
    models: PathBuf,
    /// Where each run gets a folder; it will hold words of customers
    #[arg(long, env = "FENZHEN_RUNS", value_name = "DIR", default_value = "data/runs")]
    runs: PathBuf,
    /// What a model must hold to go live
    #[arg(long, value_name = "FILE", default_value = "training/gate.toml")]
    gate: PathBuf,
    /// The share of labelled cases, the newest, that are measured on and not trained on
    #[arg(long, value_name = "SHARE", default_value_t = 0.2, value_parser = share)]
    holdout: f64,
    /// What the next bundle's name begins with; the time follows
    #[arg(long, value_name = "NAME", default_value = "complaints")]
    name: String,
    /// Make the next model live if the gate opens
    #[arg(long)]
    promote: bool,
    /// Who does this
    #[arg(long, env = "USER", value_name = "NAME")]
    by: String,
    /// Why, in a few words
    #[arg(long = "reason", value_name = "TEXT", default_value = "retrained on what people said")]
    why: String,
    /// How to print what the gate found
    #[arg(long, value_enum, default_value_t)]
    format: OutputFormat,
}

fn share(argument: &str) -> Result<f64, String> {
    match argument.parse() {
        Ok(share) if (0.0..1.0).contains(&share) => Ok(share),
        _ => Err("give a share from 0 to below 1, such as 0.2".to_owned()),
    }
}

/// Runs the command.
pub fn run(arguments: Arguments) -> anyhow::Result<()> {
    let signature = Signature { by: arguments.by.clone(), why: arguments.why.clone() };
    signature.check()?;
    let now = app::now();
    let registry = Registry::open(&arguments.models)?;
    let holder = format!("{} (process {}, since {now})", signature.by, process::id());
    // Held until the process ends, however it does.
    let _lock = registry.lock(Purpose::Retrain, &holder)?;
    let (format, promotes) = (arguments.format, arguments.promote);
    let plan = Plan {
        recipe: arguments.recipe,
        base: arguments.base,
        text_column: arguments.text_column,
        database: arguments.database,
        runs: arguments.runs,
        gate: arguments.gate,
        holdout: arguments.holdout,
        name: arguments.name,
        by: arguments.by,
        now,
    };
    let progress = Progress::new();
    let run = match plan.run(&registry, &progress) {
        Ok(run) => run,
        Err(error @ Error::NothingNew(_)) => {
            progress.step(&error.to_string());
            return Ok(());
        }
        Err(error) => return Err(error.into()),
    };
    promote::print(&run.outcome, format)?;
    let name = run.candidate.bundle().name();
    anyhow::ensure!(
        run.outcome.passed,
        "{}\nthe model stays in `{}`",
        promote::refusal(&run.outcome),
        run.folder.models().display()
    );
    progress.step("installing the bundle");
    registry.install(run.candidate.bundle())?;
    if !promotes {
        progress.step(&format!(
            "`{name}` may go live: `fenzhen-lab promote {name} --reason …`, or `--promote` next time"
        ));
        return Ok(());
    }
    progress.step("promoting");
    let change = promote::change(&run.outcome, &run.candidate, &signature, app::now());
    registry.change(&change)?;
    progress.step(&format!("`{}` is live", run.outcome.candidate.version()));
    writeln!(io::stderr(), "everything about it is in `{}`", run.folder.path().display())?;
    Ok(())
}
