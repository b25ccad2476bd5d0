//! The model card: what people should know before they rely on a bundle (Mitchell et al. 2019).
//! It states what the manifest and an evaluation know, and nothing about any one taxonomy.

use std::fmt::{self, Write as _};

use fenzhen::domain::HeadKind;
use fenzhen::registry::{Architecture, DataSource, FeatureSource, Kind, Lineage, Manifest};

use crate::evaluation::{Evaluation, HeadEvaluation, Interval, Measure};
use crate::report::trained_on;

/// The card of a bundle that was just trained, as Markdown with one sentence per line.
pub fn write(manifest: &Manifest) -> String {
    let mut card = String::new();
    // Writing to a string cannot fail.
    let _ = opening(&mut card, manifest, &manifest.name)
        .and_then(|()| held_out(&mut card, manifest))
        .and_then(|()| closing(&mut card, manifest));
    card
}

/// The card of a bundle that was judged on texts it has not seen.
pub fn judged(manifest: &Manifest, evaluation: &Evaluation) -> String {
    let mut card = String::new();
    // Writing to a string cannot fail.
    let _ = opening(&mut card, manifest, &evaluation.model)
        .and_then(|()| judged_figures(&mut card, manifest, evaluation))
        .and_then(|()| held_out(&mut card, manifest))
        .and_then(|()| closing(&mut card, manifest));
    card
}

fn opening(card: &mut String, manifest: &Manifest, name: &str) -> fmt::Result {
    let lineage = &manifest.lineage;
    let features = features(manifest.features);
    let model = match (manifest.kind, manifest.architecture()) {
        (Kind::Linear, _) => format!("A linear model over {features} of Chinese texts"),
        (Kind::Blend, architecture) => format!(
            "A {} that reads whole Chinese texts, blended with a linear model over their {features}",
            match architecture {
                Architecture::Bert => "BERT",
                Architecture::ModernBert => "ModernBERT",
            }
        ),
    };
    writeln!(card, "# Model card: `{name}`\n")?;
    writeln!(
        card,
        "{model}, trained by `{}` with the recipe `{}` (`{}`) and seed {}.",
        lineage.tool,
        lineage.recipe,
        lineage.recipe_sha256.short(),
        lineage.seed
    )?;
    if let Some(parent) = &lineage.parent {
        writeln!(card, "It replaces `{parent}`.")?;
    }
    if let Some(encoder) = manifest.blend.as_ref().and_then(|blend| blend.encoder.as_ref()) {
        match &encoder.learned {
            None => writeln!(card, "Its encoder stayed as it was read; heads on it were trained.")?,
            Some(learned) if learned.data != lineage.data => writeln!(
                card,
                "Its encoder had learned from {} labelled texts before; heads on it were trained.",
                learned.data.iter().map(|source| source.n_texts).sum::<usize>()
            )?,
            Some(_) => {}
        }
    }
    writeln!(card, "\n## Intended use\n")?;
    writeln!(
        card,
        "It proposes the labels below for complaints in Chinese, with probabilities, so that people see the right ones first."
    )?;
    writeln!(
        card,
        "It abstains where it is too unsure; such texts go to people, and so does every decision that matters to a person."
    )?;
    writeln!(
        card,
        "It is not made for judging people, for texts in other languages or for texts unlike those it was trained on.\n"
    )?;
    writeln!(card, "## What it answers\n\n| head | kind | labels |\n| --- | --- | --- |")?;
    for head in manifest.taxonomy.heads() {
        let labels: Vec<&str> = head.labels.iter().map(|label| label.id.as_str()).collect();
        let kind = kind(head.kind);
        writeln!(card, "| {} ({}) | {kind} | {} |", head.id, cell(&head.name), labels.join(", "))?;
    }
    training_data(card, lineage)
}

fn training_data(card: &mut String, lineage: &Lineage) -> fmt::Result {
    writeln!(card, "\n## Training data\n")?;
    sources(card, &lineage.data)?;
    if !lineage.unlabelled.is_empty() {
        let teachers: Vec<String> =
            lineage.teachers.iter().map(|teacher| format!("`{teacher}`")).collect();
        writeln!(
            card,
            "\nBeside these, its encoder learned from texts without labels, as {} understood them:\n",
            teachers.join(" and ")
        )?;
        sources(card, &lineage.unlabelled)?;
    }
    Ok(())
}

fn features(features: FeatureSource) -> String {
    let (shortest, longest) = features.char_ngrams;
    let others = match (features.words, features.facts) {
        (true, true) => ", words, amounts and counts",
        (true, false) => " and words",
        (false, true) => ", amounts and counts",
        (false, false) => "",
    };
    format!("character {shortest}- to {longest}-grams{others}")
}

const fn kind(kind: HeadKind) -> &'static str {
    match kind {
        HeadKind::MultiClass => "one label",
        HeadKind::Ordinal => "one label, low to high",
        HeadKind::MultiLabel => "any number of labels",
    }
}

fn sources(card: &mut String, sources: &[DataSource]) -> fmt::Result {
    writeln!(card, "| file | texts | SHA-256 |\n| --- | --- | --- |")?;
    for source in sources {
        let (name, sha256) = (cell(&source.name), source.sha256);
        writeln!(card, "| {name} | {} | `{}` |", source.n_texts, sha256.short())?;
    }
    Ok(())
}

fn judged_figures(card: &mut String, manifest: &Manifest, evaluation: &Evaluation) -> fmt::Result {
    writeln!(card, "\n## How well it does\n")?;
    sources(card, &evaluation.data)?;
    writeln!(card)?;
    for source in trained_on(manifest, &evaluation.data) {
        writeln!(
            card,
            "**Not an honest test:** {} is part of the training data, and figures on it flatter.\n",
            cell(&source.name)
        )?;
    }
    if 0 < evaluation.n_resamples {
        writeln!(
            card,
            "Brackets hold 95 % intervals from {} bootstrap resamples (seed {}).",
            evaluation.n_resamples, evaluation.seed
        )?;
    }
    for head in manifest.taxonomy.heads() {
        if let Some(judged) = evaluation.heads.get(head.id.as_str()) {
            writeln!(card, "\n### {}, {} texts\n", head.id, judged.report.n_texts)?;
            head_figures(card, judged)?;
        }
    }
    Ok(())
}

fn head_figures(card: &mut String, judged: &HeadEvaluation) -> fmt::Result {
    writeln!(card, "| measure | value | interval |\n| --- | --- | --- |")?;
    for measure in Measure::ALL {
        if let Some(value) = judged.value(measure) {
            let interval = in_brackets(judged.intervals.get(&measure).copied());
            writeln!(card, "| {measure} | {value:.4} | {interval} |")?;
        }
    }
    if let Some(safety) = &judged.safety {
        writeln!(
            card,
            "\nSafety means {} ({} texts); the safety recall is at false alarms for {:.1} % of the {} others.",
            safety.labels.join(", "),
            safety.n_safety,
            safety.false_alarms * 100.0,
            safety.n_others
        )?;
    }
    writeln!(card, "\n| label | texts | precision | recall | F1 | interval of F1 |")?;
    writeln!(card, "| --- | --- | --- | --- | --- | --- |")?;
    for (label, report) in &judged.report.labels {
        writeln!(
            card,
            "| {label} | {} | {:.3} | {:.3} | {:.3} | {} |",
            report.n_texts,
            report.precision,
            report.recall,
            report.f1,
            in_brackets(judged.label_intervals.get(label).and_then(|intervals| intervals.f1))
        )?;
    }
    Ok(())
}

fn held_out(card: &mut String, manifest: &Manifest) -> fmt::Result {
    writeln!(card, "\n## How well it did in training\n")?;
    let measured_on = match manifest.kind {
        Kind::Linear => "On held-out folds of the training data",
        Kind::Blend => "On a fold of the training data that was kept from both members",
    };
    writeln!(
        card,
        "{measured_on}; similar texts share a fold, and calibration and thresholds are fitted on these same scores.\n"
    )?;
    writeln!(card, "| head | measure | value |\n| --- | --- | --- |")?;
    for (head, measures) in &manifest.metrics {
        for (measure, value) in measures {
            writeln!(card, "| {head} | {measure} | {value:.4} |")?;
        }
    }
    Ok(())
}

fn closing(card: &mut String, manifest: &Manifest) -> fmt::Result {
    writeln!(card, "\n## Limits\n")?;
    let misses = match manifest.kind {
        Kind::Linear => {
            "It counts words and n-grams: irony, understatement and long-range negation escape it."
        }
        Kind::Blend => {
            "It reads texts as a whole, up to a length; irony and understatement still escape it at times, and what it shows as evidence are words of the linear part and shares of the encoder's last layer, not its reasons."
        }
    };
    writeln!(card, "{misses}")?;
    writeln!(
        card,
        "Labels that are rare in the data are found less often, and figures on few texts have wide intervals."
    )?;
    writeln!(
        card,
        "Its probabilities are honest on texts like those above; other sources, seasons and products shift them."
    )?;
    writeln!(card, "It proposes; the rules can raise its alarm, and people decide.")?;
    writeln!(card, "\n## Licence and privacy\n")?;
    let is_ours = |source: &DataSource| source.name.starts_with("datasets/");
    let lineage = &manifest.lineage;
    if lineage.data.iter().chain(&lineage.unlabelled).all(is_ours) {
        writeln!(
            card,
            "All training data is in `datasets/` and under the licence of this repository."
        )?;
    } else {
        writeln!(
            card,
            "Training files in `datasets/` are under the licence of this repository; the others are not distributed with the model, only weights learned from them are, and whoever passes the model on must know on what terms those texts were had."
        )?;
    }
    let stored = match manifest.kind {
        Kind::Linear => {
            "Features are stored as 64-bit hashes; no text can be read back from the bundle."
        }
        Kind::Blend => {
            "The linear part stores features as 64-bit hashes and the encoder weights and the pieces of its tokenizer; no text is stored in the bundle."
        }
    };
    writeln!(card, "{stored}")
}

fn in_brackets(interval: Option<Interval>) -> String {
    match interval {
        Some(Interval(low, high)) => format!("[{low:.4}, {high:.4}]"),
        None => String::new(),
    }
}

/// File names and the names of heads may hold what Markdown takes for the end of a cell.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace(['\n', '\r'], " ")
}
