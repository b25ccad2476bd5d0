//! The model card: what people should know before they rely on a bundle.

use std::fmt::Write as _;

use fenzhen::registry::Manifest;

/// The card of a bundle as Markdown, one sentence per line.
pub fn write(manifest: &Manifest) -> String {
    let mut card = String::new();
    // Writing to a string cannot fail.
    let _ = write_sections(&mut card, manifest);
    card
}

fn write_sections(card: &mut String, manifest: &Manifest) -> std::fmt::Result {
    let lineage = &manifest.lineage;
    let (shortest, longest) = manifest.features.char_ngrams;
    writeln!(card, "# Model card: `{}`\n", manifest.name)?;
    writeln!(
        card,
        "A linear model over character {shortest}- to {longest}-grams{} of Chinese complaints, trained by `{}` with the recipe `{}` and seed {}.",
        if manifest.features.words { " and words" } else { "" },
        lineage.tool,
        lineage.recipe,
        lineage.seed
    )?;
    writeln!(
        card,
        "Features are stored as 64-bit hashes; no text can be read back from the bundle.\n"
    )?;
    writeln!(card, "## What it answers\n\n| head | kind | labels |\n| --- | --- | --- |")?;
    for head in manifest.taxonomy.heads() {
        let labels: Vec<&str> = head.labels.iter().map(|label| label.id.as_str()).collect();
        writeln!(
            card,
            "| {} ({}) | {:?} | {} |",
            head.id,
            head.name,
            head.kind,
            labels.join(", ")
        )?;
    }
    writeln!(card, "\n## Data\n\n| file | texts | SHA-256 |\n| --- | --- | --- |")?;
    for source in &lineage.data {
        writeln!(card, "| `{}` | {} | `{}` |", source.name, source.n_texts, source.sha256.short())?;
    }
    writeln!(
        card,
        "\nFiles that are not in `datasets/` are public Chinese reviews and letters, collected for research and competitions, whose texts state no licence."
    )?;
    writeln!(
        card,
        "They are not distributed with this model; only weights learned from them are.\n"
    )?;
    writeln!(
        card,
        "## How well it does\n\nOn held-out folds of the training data; similar texts share a fold, and calibration and thresholds are fitted on these same scores.\n"
    )?;
    writeln!(card, "| head | measure | value |\n| --- | --- | --- |")?;
    for (head, measures) in &manifest.metrics {
        for (measure, value) in measures {
            writeln!(card, "| {head} | {measure} | {value:.4} |")?;
        }
    }
    writeln!(card, "\n## Limits\n")?;
    writeln!(
        card,
        "It counts words and n-grams: irony, understatement and long-range negation escape it."
    )?;
    writeln!(
        card,
        "Labels that are rare in the data are found less often; see `fenzhen-lab evaluate` for figures by label."
    )?;
    writeln!(card, "It proposes; the rules can raise its alarm, and people decide.")
}
