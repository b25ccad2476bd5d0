//! How much each member of a blend counts, head by head: the mix under which the calibrated
//! probabilities of texts that neither member was trained on make their labels most likely.

use std::collections::BTreeMap;

use fenzhen::domain::{Head, HeadKind};
use fenzhen::inference::{Choice, confidence, decide, n_outputs, probabilities};
use fenzhen::registry::{Blend, BlendWeights, Cascade, HeadDecision};
use rayon::prelude::*;

use crate::calibrate::{self, HeldOut};
use crate::dataset::{Dataset, HeadLabels};
use crate::encoder::Fitted;
use crate::metrics::{self, HeadReport};
use crate::trainer::Trained;

/// Shares of the encoder that are tried, in tenths.
const TENTHS: u8 = 10;
/// The linear member alone may be wrong on so much more of the easy texts than the blend.
const EASY_LOSS: f64 = 0.005;
/// Fewer easy texts say nothing about such a difference.
const N_EASY: usize = 200;

/// A head of a blend.
#[derive(Clone, Debug)]
struct Blended {
    /// What the scores of the linear member are multiplied with.
    linear: f32,
    /// What those of the encoder are.
    encoder: f32,
    /// How the sum becomes an answer.
    decision: HeadDecision,
    /// How well it did on the held-out texts.
    report: HeadReport,
    /// The confidence from which on the linear member alone is as good; nothing where it never is.
    easy_from: Option<f32>,
}

/// Scores of the same held-out texts.
#[derive(Clone, Copy, Debug)]
struct Members<'a> {
    /// Those of the linear member.
    linear: &'a [Vec<f32>],
    /// Those of the encoder.
    encoder: &'a [Vec<f32>],
    /// How those of the linear member alone become answers, by head.
    alone: &'a BTreeMap<String, HeadDecision>,
}

/// Joins an encoder's heads to a linear model: scores are mixed and calibrated on the texts that
/// neither has seen, and the figures are of these.
pub fn join(dataset: &Dataset, triage_share: f32, linear: &mut Trained, fitted: &Fitted) -> Blend {
    let scores = fitted.validation.iter().map(|&text| linear.scores[text].clone());
    let scores: Vec<Vec<f32>> = scores.collect();
    let alone = linear.decisions.clone();
    let members = Members { linear: &scores, encoder: &fitted.scores, alone: &alone };
    let (mut weights, mut easy_from) = (BTreeMap::new(), BTreeMap::new());
    for (head, blended) in blend(dataset, &fitted.validation, members, triage_share) {
        let Blended { linear: of_linear, encoder, decision, report, easy_from: from } = blended;
        easy_from.extend(from.map(|from| (head.clone(), from)));
        weights.insert(head.clone(), BlendWeights { linear: of_linear, encoder });
        linear.decisions.insert(head.clone(), decision);
        linear.held_out.insert(head, report);
    }
    // Every head must be sure, or a sure one would answer for one that is not.
    let n_heads = dataset.taxonomy.heads().len();
    let is_complete = 0 < n_heads && easy_from.len() == n_heads;
    let cascade = is_complete.then_some(Cascade { easy_from, decisions: alone });
    Blend { weights, encoder: None, cascade }
}

/// Fits every head of a blend on held-out texts.
fn blend(
    dataset: &Dataset,
    texts: &[usize],
    members: Members<'_>,
    triage_share: f32,
) -> BTreeMap<String, Blended> {
    let mut first = 0;
    let mut tasks = Vec::new();
    for (head, labels) in dataset.taxonomy.heads().iter().zip(&dataset.labels) {
        let outputs = first..first + n_outputs(head);
        first = outputs.end;
        tasks.push((head, labels, outputs));
    }
    let fitted = tasks.into_par_iter().map(|(head, labels, outputs)| {
        let labels: HeadLabels = texts.iter().map(|&text| labels[text].clone()).collect();
        let cut = |scores: &[Vec<f32>]| -> Vec<Vec<f32>> {
            scores.iter().map(|row| row[outputs.clone()].to_vec()).collect()
        };
        let (linear, encoder) = (cut(members.linear), cut(members.encoder));
        let of_head = Members { linear: &linear, encoder: &encoder, alone: members.alone };
        (head.id.to_string(), blend_head(head, &labels, of_head, triage_share))
    });
    fitted.collect()
}

fn blend_head(
    head: &Head,
    labels: &HeadLabels,
    members: Members<'_>,
    triage_share: f32,
) -> Blended {
    // Scores of both members in the same unit, so that a share is a share.
    let units = (deviation(members.linear), deviation(members.encoder));
    let mut best: Option<(f64, Blended)> = None;
    for tenths in 0..=TENTHS {
        let share = f32::from(tenths) / f32::from(TENTHS);
        let (linear, encoder) = ((1.0 - share) / units.0, share / units.1);
        let rows = members.linear.iter().zip(members.encoder);
        let scores: Vec<Vec<f32>> = rows
            .map(|(a, b)| a.iter().zip(b).map(|(a, b)| linear * a + encoder * b).collect())
            .collect();
        let decision = calibrate::fit(head, HeldOut { scores: &scores, labels }, triage_share);
        let surprise = surprise(head, &decision, &scores, labels);
        if best.as_ref().is_none_or(|(least, _)| surprise < *least) {
            let choices: Vec<Choice> = scores.iter().map(|row| decide(&decision, row)).collect();
            let report = metrics::report(head, &choices, labels);
            let alone = &members.alone[head.id.as_str()];
            let alone = members.linear.iter().map(|row| decide(alone, row)).collect::<Vec<_>>();
            let easy_from = easy_from(head.kind, &alone, &choices, labels);
            best = Some((surprise, Blended { linear, encoder, decision, report, easy_from }));
        }
    }
    best.expect("several shares were tried").1
}

/// The least confidence from which on choices of one model are about as often right as those of
/// another.
fn easy_from(
    kind: HeadKind,
    alone: &[Choice],
    joined: &[Choice],
    labels: &HeadLabels,
) -> Option<f32> {
    let right = |choice: &Choice, labels: &[usize]| f64::from(u8::from(choice.chosen == labels));
    let labelled = alone.iter().zip(joined).zip(labels);
    let mut lost: Vec<(f32, f64)> = labelled
        .filter_map(|((alone, joined), labels)| {
            let labels = labels.as_ref()?;
            let confidence = confidence(kind, &alone.probabilities, &alone.chosen);
            Some((confidence, right(joined, labels) - right(alone, labels)))
        })
        .collect();
    lost.sort_by(|a, b| b.0.total_cmp(&a.0));
    let (mut total, mut found) = (0.0, None);
    for (n_before, (confidence, lost)) in lost.into_iter().enumerate() {
        total += lost;
        let n = n_before + 1;
        if N_EASY <= n && total <= EASY_LOSS * n as f64 {
            found = Some(confidence);
        }
    }
    found
}

/// The mean negative logarithm of what the labels were given.
fn surprise(head: &Head, decision: &HeadDecision, scores: &[Vec<f32>], labels: &HeadLabels) -> f64 {
    let cost = |p: f32| -f64::from(p.max(1e-6).ln());
    let labelled = scores.iter().zip(labels).filter_map(|(row, it)| Some((row, it.as_ref()?)));
    let costs: Vec<f64> = labelled
        .map(|(row, labels)| {
            let given = probabilities(&decision.calibration, row);
            match head.kind {
                HeadKind::MultiClass | HeadKind::Ordinal => cost(given[labels[0]]),
                HeadKind::MultiLabel => {
                    let of = |(label, p): (usize, &f32)| {
                        cost(if labels.contains(&label) { *p } else { 1.0 - p })
                    };
                    given.iter().enumerate().map(of).sum()
                }
            }
        })
        .collect();
    costs.iter().sum::<f64>() / costs.len().max(1) as f64
}

fn deviation(scores: &[Vec<f32>]) -> f32 {
    let n = scores.iter().map(Vec::len).sum::<usize>().max(1) as f32;
    let mean = scores.iter().flatten().sum::<f32>() / n;
    let square: f32 = scores.iter().flatten().map(|score| (score - mean) * (score - mean)).sum();
    (square / n).sqrt().max(1e-6)
}

#[cfg(test)]
mod tests {
    use fenzhen::domain::LabelDefinition;

    use super::*;

    /// A head of two labels whose scores are `signal` of the truth and the rest noise.
    fn check(linear_signal: f32, encoder_signal: f32) -> Blended {
        let label = |id: &str| LabelDefinition { id: id.parse().unwrap(), name: id.to_owned() };
        let head = Head {
            id: "topic".parse().unwrap(),
            name: String::new(),
            kind: HeadKind::MultiClass,
            labels: vec![label("a"), label("b")],
        };
        // `SplitMix64` (Steele et al. 2014): two members must not err alike.
        let noise = |n: usize, salt: usize| {
            let mut hash = (n as u64 + 1 + salt as u64 * 1_000).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            ((hash ^ (hash >> 31)) >> 40) as f32 / (1_u32 << 23) as f32 - 1.0
        };
        let labels: HeadLabels = (0..600).map(|n| Some(vec![n % 2])).collect();
        let scores = |signal: f32, salt: usize| -> Vec<Vec<f32>> {
            let score =
                |n: usize| signal * (if n.is_multiple_of(2) { 1.0 } else { -1.0 }) + noise(n, salt);
            (0..600).map(|n| vec![score(n), -score(n)]).collect()
        };
        let (linear, encoder) = (scores(linear_signal, 3), scores(encoder_signal, 11));
        let held_out = HeldOut { scores: &linear, labels: &labels };
        let alone = [("topic".to_owned(), calibrate::fit(&head, held_out, 0.1))].into();
        let members = Members { linear: &linear, encoder: &encoder, alone: &alone };
        blend_head(&head, &labels, members, 0.1)
    }

    #[test]
    fn the_member_that_knows_counts_and_two_that_know_are_mixed() {
        let encoder = check(0.0, 0.7);
        assert!(encoder.linear * 4.0 < encoder.encoder, "{encoder:?}");
        let linear = check(0.7, 0.0);
        assert!(linear.encoder * 4.0 < linear.linear, "{linear:?}");
        let both = check(0.5, 0.5);
        assert!(0.0 < both.linear && 0.0 < both.encoder, "{both:?}");
        assert!(check(0.5, 0.0).report.macro_f1 < both.report.macro_f1);
    }

    #[test]
    fn a_linear_member_that_knows_some_texts_answers_these_alone() {
        assert_eq!(check(0.0, 0.7).easy_from, None, "it never knows");
        let some = check(0.5, 0.5).easy_from.expect("it knows those far from the border");
        assert!(0.5 < some && some < 1.0, "{some}");
        let all = check(0.7, 0.0).easy_from.expect("it knows all that there is to know");
        assert!(all < some, "{all} {some}");
    }
}
