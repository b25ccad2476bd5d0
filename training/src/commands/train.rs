//! `fenzhen-lab train`: labelled texts in, a bundle out.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use fenzhen::domain::Taxonomy;
use fenzhen::inference::WEIGHTS_FILE;
use fenzhen::registry::{BundleWriter, FORMAT, Kind, Lineage, Manifest};
use jiff::Timestamp;

use crate::card;
use crate::commands::input::{Chosen, Input};
use crate::commands::teaching::Teaching;
use crate::commands::train_encoder::{self, Places, Training};
use crate::dataset::{Budget, Dataset, Gold, Limits};
use crate::metrics::HeadReport;
use crate::progress::Progress;
use crate::recipe::Recipe;
use crate::trainer::{self, Trained};

/// Train a model and write it as a bundle.
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// How to train [default: a built-in recipe for tables]
    #[arg(long, value_name = "FILE")]
    recipe: Option<PathBuf>,
    #[command(flatten)]
    input: Input,
    /// Gold sets whose texts are refused, beside the shipped one and those of the recipe
    #[arg(long, value_name = "FILE")]
    gold: Vec<PathBuf>,
    /// Train on a random part of this many texts, drawn with the recipe's seed
    #[arg(long, value_name = "N")]
    sample: Option<usize>,
    /// How much memory training may take, in GiB [default: what the machine has free]
    #[arg(long, value_name = "GIB")]
    max_memory: Option<f64>,
    /// The folder to write, which must not exist
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    #[command(flatten)]
    places: Places,
    #[command(flatten)]
    teaching: Teaching,
    /// The version of the model that this one replaces, for its lineage
    #[arg(long, value_name = "NAME@DIGEST")]
    parent: Option<String>,
}

/// Runs the command.
pub fn run(mut arguments: Arguments) -> anyhow::Result<()> {
    let progress = Progress::new();
    let (recipe, recipe_digest) = match &arguments.recipe {
        Some(path) => Recipe::read(path)?,
        None => Recipe::for_tables(),
    };
    if arguments.input.data.is_empty() {
        let chosen = Chosen { recipe: &recipe, file: arguments.recipe.as_deref() };
        arguments.input.data = recipe.data.iter().map(|path| chosen.beside(path)).collect();
    }
    // A bundle is never overwritten, and a GPU may be missing: better said before minutes of work.
    let device = arguments.places.open_device()?;
    let mut writer = BundleWriter::create(&arguments.out)?;
    progress.step("reading data");
    let chosen = Chosen { recipe: &recipe, file: arguments.recipe.as_deref() };
    let gold = read_gold(&arguments, chosen)?;
    let dataset = read_dataset(&arguments, chosen, &gold)?;
    let gold = (&gold, arguments.input.text_column.as_str());
    let lesson = arguments.teaching.give(chosen, &dataset, gold, &progress)?;
    let mut trained = trainer::train(&dataset, &recipe, &progress);
    let training = Training {
        dataset: &dataset,
        chosen,
        recipe_digest,
        places: &arguments.places,
        device: &device,
        lesson: &lesson,
        out: &arguments.out,
    };
    let encoder = train_encoder::train(training, &progress)?;
    let blend = encoder.as_ref().map(|it| train_encoder::join(training, &mut trained, it));
    for (head, report) in &trained.held_out {
        progress.note(&summary(head, report));
    }
    progress.step("writing the bundle");
    writer.add(WEIGHTS_FILE, &trained.weights.to_bytes())?;
    if let Some(encoder) = &encoder {
        train_encoder::write(encoder, &mut writer)?;
    }
    let kind = if encoder.is_some() { Kind::Blend } else { Kind::Linear };
    let lineage = Lineage {
        tool: concat!("fenzhen-lab ", env!("CARGO_PKG_VERSION")).to_owned(),
        recipe: recipe.name.clone(),
        recipe_sha256: recipe_digest,
        seed: recipe.seed,
        parent: arguments.parent,
        data: dataset.sources,
        unlabelled: lesson.unlabelled,
        teachers: lesson.teachers,
    };
    let manifest = Manifest {
        kind,
        blend,
        ..manifest(&arguments.out, &recipe, lineage, dataset.taxonomy, trained)
    };
    writer.add("card.md", card::write(&manifest).as_bytes())?;
    let bundle = writer.finish(manifest)?;
    progress.step(&format!("wrote `{}` to `{}`", bundle.version(), arguments.out.display()));
    Ok(())
}

/// The texts that nothing may learn from.
fn read_gold(arguments: &Arguments, chosen: Chosen<'_>) -> anyhow::Result<Gold> {
    let mut gold = Gold::shipped();
    for path in &arguments.gold {
        gold.add(path, &arguments.input.text_column)?;
    }
    for path in &chosen.recipe.gold {
        gold.add(&chosen.beside(path), &arguments.input.text_column)?;
    }
    Ok(gold)
}

fn read_dataset(arguments: &Arguments, chosen: Chosen<'_>, gold: &Gold) -> anyhow::Result<Dataset> {
    let (input, recipe) = (&arguments.input, chosen.recipe);
    Gold::refuse_names(&input.data)?;
    let limits = Limits {
        budget: Budget::to_train(arguments.max_memory.map(|gib| (gib * 2_f64.powi(30)) as u64)),
        sample: arguments.sample.map(|n_texts| (n_texts, recipe.seed)),
    };
    let (table, taxonomy) = input.read_for(chosen, limits)?;
    gold.refuse_texts(&table)?;
    let dataset = Dataset::new(table, taxonomy)?;
    dataset.check_trainable(recipe.folds)?;
    Ok(dataset)
}

fn manifest(
    out: &Path,
    recipe: &Recipe,
    lineage: Lineage,
    taxonomy: Taxonomy,
    trained: Trained,
) -> Manifest {
    #[expect(
        clippy::disallowed_methods,
        reason = "the command is the edge; bundles say when they were made"
    )]
    let created_at = Timestamp::now();
    Manifest {
        format: FORMAT,
        name: out.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        kind: Kind::Linear,
        created_at,
        lineage,
        features: recipe.features,
        taxonomy,
        decisions: trained.decisions,
        blend: None,
        metrics: trained
            .held_out
            .iter()
            .map(|(head, report)| (head.clone(), measures(report)))
            .collect(),
        files: Vec::new(),
    }
}

/// The measures of a head that a bundle states.
fn measures(report: &HeadReport) -> BTreeMap<String, f64> {
    let rounded = |value: f64| (value * 1e4).round() / 1e4;
    let optional = [
        ("micro_f1", report.micro_f1),
        ("quadratic_weighted_kappa", report.quadratic_weighted_kappa),
    ];
    let always = [
        ("accuracy", report.accuracy),
        ("macro_f1", report.macro_f1),
        ("ece", report.ece),
        ("coverage", report.coverage),
        ("accuracy_when_covered", report.accuracy_when_covered),
    ];
    let present = optional.into_iter().filter_map(|(name, value)| Some((name, value?)));
    always
        .into_iter()
        .chain(present)
        .map(|(name, value)| (name.to_owned(), rounded(value)))
        .collect()
}

fn summary(head: &str, report: &HeadReport) -> String {
    let kappa = match report.quadratic_weighted_kappa {
        Some(kappa) => format!(", quadratic kappa {kappa:.3}"),
        None => String::new(),
    };
    format!("{head}: held-out macro-F1 {:.3}{kappa}, ECE {:.3}", report.macro_f1, report.ece)
}
