//! `fenzhen-lab rollback`: back to a bundle that was live before. No gate and no training stands in
//! its way; that the bundle is whole and can be run is checked all the same.

use std::{
    collections::BTreeMap,
    io::{self, Write},
    path::PathBuf,
};

use fenzhen::app;
use fenzhen::registry::{Action, Bundle, Change, Registry};

use crate::gate::Model;

/// Go back to the bundle that was live before.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The bundle's name or version; it must have been live once [default: the one before]
    #[arg(long, value_name = "VERSION")]
    to: Option<String>,
    /// The folder of all bundles
    #[arg(long, env = "FENZHEN_MODELS", value_name = "DIR", default_value = "models")]
    models: PathBuf,
    /// Who does this
    #[arg(long, env = "USER", value_name = "NAME")]
    by: String,
    /// Why, in a few words
    #[arg(long = "reason", value_name = "TEXT", default_value = "no reason given")]
    why: String,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let Arguments { to, models, by, why } = arguments;
    let registry = Registry::open(models)?;
    let to = registry.rollback_target(to.as_deref())?;
    let from = registry.find_live()?;
    if from.as_ref() == Some(&to) {
        writeln!(io::stderr(), "`{}` is live already", to.version())?;
        return Ok(());
    }
    Model::load(Bundle::open(&registry.path(&to.name)?)?)?;
    registry.change(&Change {
        at: app::now(),
        action: Action::Rollback,
        by: by.clone(),
        why: why.clone(),
        from,
        to: to.clone(),
        forced: false,
        metrics: BTreeMap::new(),
        checks: Vec::new(),
    })?;
    writeln!(io::stdout(), "{}", to.version())?;
    Ok(())
}
