//! From a checked data set to a bundle's content: vectors, weights, held-out scores, calibration.

use std::collections::BTreeMap;

use fenzhen::domain::{Head, HeadKind, Taxonomy};
use fenzhen::inference::{Choice, LinearWeights, decide, n_outputs};
use fenzhen::registry::HeadDecision;
use rayon::prelude::*;

use crate::calibrate::{self, HeldOut};
use crate::dataset::{Dataset, Folds};
use crate::metrics::{self, HeadReport};
use crate::progress::Progress;
use crate::recipe::Recipe;
use crate::solver::{self, Block, BlockWeights, LANES};
use crate::sparse::{Lexicon, SparseRows, vectorize};

/// A trained model, not yet written.
#[derive(Clone, Debug)]
pub struct Trained {
    /// The weights as the service reads them.
    pub weights: LinearWeights,
    /// How scores become answers, by head.
    pub decisions: BTreeMap<String, HeadDecision>,
    /// How well the folds did on texts they had not seen, by head.
    pub held_out: BTreeMap<String, HeadReport>,
    /// The scores of every text by the folds that had not seen it, more columns than outputs.
    pub scores: Vec<Vec<f32>>,
}

/// Trains a linear model.
pub fn train(dataset: &Dataset, recipe: &Recipe, progress: &Progress) -> Trained {
    progress.step("reading features");
    let (lexicon, rows) = vectorize(&dataset.texts, recipe.features, recipe.pruning);
    progress.note(&format!("{} texts, {} features", rows.n_rows(), rows.n_columns()));
    let blocks = blocks(dataset, recipe);

    progress.step("training folds for the calibration");
    let folds = Folds::new(&dataset.texts, &dataset.labels, recipe.folds, recipe.seed);
    let scores = held_out_scores(&rows, &blocks, &folds, recipe);
    let (decisions, held_out) = calibrate(dataset, &scores, recipe.triage_share);

    progress.step("training on everything");
    let members: Vec<usize> = (0..rows.n_rows()).collect();
    let solved: Vec<BlockWeights> = blocks
        .par_iter()
        .map(|block| solver::solve(&rows, block, &members, &recipe.solver, recipe.seed))
        .collect();
    let n_epochs = solved.iter().map(|block| block.n_epochs).max().unwrap_or(0);
    progress.note(&format!("{n_epochs} passes"));
    let weights = quantize(lexicon, &solved, total_outputs(&dataset.taxonomy));
    Trained { weights, decisions, held_out, scores }
}

fn total_outputs(taxonomy: &Taxonomy) -> usize {
    taxonomy.heads().iter().map(n_outputs).sum()
}

/// What every output should say about every text, sixteen outputs to a block.
fn blocks(dataset: &Dataset, recipe: &Recipe) -> Vec<Block> {
    let n_blocks = total_outputs(&dataset.taxonomy).div_ceil(LANES);
    let empty = Block { costs: vec![[0.0; LANES]; dataset.texts.len()] };
    let mut blocks = vec![empty; n_blocks];
    let mut output = 0;
    for (head, labels) in dataset.taxonomy.heads().iter().zip(&dataset.labels) {
        let settings = recipe.head(head.id.as_str());
        for position in 0..n_outputs(head) {
            let answers: Vec<Option<bool>> = labels
                .iter()
                .map(|labels| labels.as_ref().map(|labels| is_member(head, position, labels)))
                .collect();
            let weights = class_weights(&answers, settings.class_weight_power);
            let (block, lane) = (&mut blocks[output / LANES], output % LANES);
            for (costs, answer) in block.costs.iter_mut().zip(&answers) {
                costs[lane] = match answer {
                    Some(true) => settings.cost * weights.0,
                    Some(false) => -settings.cost * weights.1,
                    None => 0.0,
                };
            }
            output += 1;
        }
    }
    blocks
}

/// Whether these labels are on the positive side of an output.
fn is_member(head: &Head, output: usize, labels: &[usize]) -> bool {
    match head.kind {
        HeadKind::MultiClass | HeadKind::MultiLabel => labels.contains(&output),
        HeadKind::Ordinal => output < labels[0],
    }
}

/// The weights of members and others: (half of all / own number)^power.
fn class_weights(answers: &[Option<bool>], power: f32) -> (f32, f32) {
    let count = |side: bool| answers.iter().filter(|answer| **answer == Some(side)).count() as f32;
    let (members, others) = (count(true), count(false));
    let weight = |own: f32| ((members + others) / (2.0 * own.max(1.0))).powf(power);
    (weight(members), weight(others))
}

/// The scores of every text by the model whose folds did not hold it.
fn held_out_scores(
    rows: &SparseRows,
    blocks: &[Block],
    folds: &Folds,
    recipe: &Recipe,
) -> Vec<Vec<f32>> {
    let tasks: Vec<(usize, usize)> = (0..folds.n_folds())
        .flat_map(|fold| (0..blocks.len()).map(move |block| (fold, block)))
        .collect();
    let results: Vec<_> = tasks
        .par_iter()
        .map(|&(fold, block)| {
            let (outside, inside) = folds.split(fold);
            let seed = recipe.seed + 1 + fold as u64;
            let model = solver::solve(rows, &blocks[block], &outside, &recipe.solver, seed);
            let scores: Vec<_> = inside.iter().map(|&row| model.scores(rows.row(row))).collect();
            (block, inside, scores)
        })
        .collect();
    let mut held_out = vec![vec![0.0; blocks.len() * LANES]; rows.n_rows()];
    for (block, inside, scores) in results {
        for (row, scores) in inside.into_iter().zip(scores) {
            held_out[row][block * LANES..(block + 1) * LANES].copy_from_slice(&scores);
        }
    }
    held_out
}

type Calibrated = (BTreeMap<String, HeadDecision>, BTreeMap<String, HeadReport>);

fn calibrate(dataset: &Dataset, scores: &[Vec<f32>], triage_share: f32) -> Calibrated {
    let mut first_output = 0;
    let mut tasks = Vec::new();
    for (head, labels) in dataset.taxonomy.heads().iter().zip(&dataset.labels) {
        let outputs = first_output..first_output + n_outputs(head);
        first_output = outputs.end;
        tasks.push((head, labels, outputs));
    }
    let fitted: Vec<_> = tasks
        .into_par_iter()
        .map(|(head, labels, outputs)| {
            let scores: Vec<Vec<f32>> =
                scores.iter().map(|row| row[outputs.clone()].to_vec()).collect();
            let decision = calibrate::fit(head, HeldOut { scores: &scores, labels }, triage_share);
            let choices: Vec<Choice> = scores.iter().map(|row| decide(&decision, row)).collect();
            let report = metrics::report(head, &choices, labels);
            (head.id.to_string(), decision, report)
        })
        .collect();
    let mut calibrated = Calibrated::default();
    for (head, decision, report) in fitted {
        calibrated.0.insert(head.clone(), decision);
        calibrated.1.insert(head, report);
    }
    calibrated
}

/// Weights in 8 bits with a scale per output.
fn quantize(lexicon: Lexicon, blocks: &[BlockWeights], n_outputs: usize) -> LinearWeights {
    let weight =
        |feature: usize, output: usize| blocks[output / LANES].weights[feature][output % LANES];
    let n_features = lexicon.hashes.len();
    let scales: Vec<f32> = (0..n_outputs)
        .map(|output| {
            let largest =
                (0..n_features).map(|feature| weight(feature, output).abs()).fold(0.0, f32::max);
            // An output without weights must not divide by zero.
            if largest == 0.0 { 1.0 } else { largest / f32::from(i8::MAX) }
        })
        .collect();
    let mut matrix = Vec::with_capacity(n_features * n_outputs);
    for feature in 0..n_features {
        for (output, scale) in scales.iter().enumerate() {
            matrix.push((weight(feature, output) / scale).round() as i8);
        }
    }
    LinearWeights {
        hashes: lexicon.hashes,
        idf: lexicon.idf,
        matrix,
        scales,
        biases: (0..n_outputs).map(|output| blocks[output / LANES].bias[output % LANES]).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::dataset::{Columns, Table, infer_taxonomy};

    /// Two topics, three degrees and a signal, told apart by a few words each.
    fn dataset() -> Dataset {
        let topics = [("快递一直没送到", "logistics"), ("退款一直没到账", "refund")];
        let degrees = [("希望改进", "low"), ("请尽快处理", "normal"), ("马上报警起诉", "high")];
        let mut csv = "text,topic,degree,signals\n".to_owned();
        for n in 0..20 {
            for (topic, topic_label) in topics {
                for (degree, degree_label) in degrees {
                    let text = format!("第{n}单{topic}{n}天，{degree}{n}次");
                    let signal = if degree_label == "high" { "legal" } else { "" };
                    csv += &[text.as_str(), topic_label, degree_label, signal].join(",");
                    csv.push('\n');
                }
            }
        }
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.csv");
        fs::write(&path, csv).unwrap();
        let heads =
            ["topic", "degree=degree:ordinal:low,normal,high", "signals=signals:multi_label"];
        let heads = heads.map(|head| head.parse().unwrap()).to_vec();
        let columns = Columns { text: "text".to_owned(), heads };
        let table = Table::read(&[path], &columns).unwrap();
        let taxonomy = infer_taxonomy(&table, &columns).unwrap();
        Dataset::new(table, taxonomy).unwrap()
    }

    fn train_with(n_threads: usize) -> Trained {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(n_threads).build().unwrap();
        let (recipe, _) = Recipe::for_tables();
        pool.install(|| train(&dataset(), &recipe, &Progress::silent()))
    }

    #[test]
    fn what_words_tell_apart_is_learned() {
        let trained = train_with(2);
        for (head, report) in &trained.held_out {
            assert!(0.95 < report.macro_f1, "{head}: {report:?}");
        }
        assert_eq!(trained.held_out["degree"].quadratic_weighted_kappa, Some(1.0));
        assert_eq!(trained.weights.scales.len(), 2 + 2 + 1);
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_on_any_number_of_threads() {
        let (one, three) = (train_with(1), train_with(3));
        assert_eq!(one.weights.to_bytes(), three.weights.to_bytes());
        assert_eq!(one.decisions, three.decisions);
    }
}
