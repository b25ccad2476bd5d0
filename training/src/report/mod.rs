//! The report of a judged model as one HTML page that needs no network and no script. It is for
//! reviewers: it holds texts, with personal data masked. Every word of it passes through the
//! escaping of `maud`, because texts of customers are hostile until proven otherwise.

mod figures;
mod frame;
mod head;
mod matrix;
mod mistakes;
mod page;
mod plots;

#[cfg(test)]
mod tests;

use fenzhen::registry::{DataSource, Manifest};

use crate::evaluation::{Evaluation, Judged};

/// How many mistakes of a head are shown.
pub const N_MISTAKES: usize = 12;

/// What a report is made from.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// The model's manifest.
    pub manifest: &'a Manifest,
    /// The model's answers.
    pub judged: &'a Judged,
    /// What they amount to.
    pub evaluation: &'a Evaluation,
    /// The texts that were answered.
    pub texts: &'a [String],
}

impl Report<'_> {
    /// The page.
    pub fn html(self) -> String {
        page::page(self).into_string()
    }
}

/// The judged files that the model was trained on: figures on them flatter it.
pub fn trained_on<'a>(
    manifest: &'a Manifest,
    judged: &'a [DataSource],
) -> impl Iterator<Item = &'a DataSource> {
    let lineage = &manifest.lineage;
    let is_known = |source: &DataSource| {
        let mut known = lineage.data.iter().chain(&lineage.unlabelled);
        known.any(|it| it.sha256 == source.sha256)
    };
    judged.iter().filter(move |source| is_known(source))
}
