//! Support vector machines with squared hinge loss by dual coordinate descent (Hsieh, Chang, Lin,
//! Keerthi and Sundararajan 2008, algorithm 1), for sixteen outputs at a time: the outputs share
//! the texts, so one pass over a row serves all of them in vector registers. No shrinking: an
//! example that one output is done with is rarely done with for all.

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;

use crate::recipe::SolverSettings;
use crate::sparse::SparseRows;

/// How many outputs are solved together; their weights for one feature fill a cache line.
pub const LANES: usize = 16;

/// One number per output of a block.
pub type Lane = [f32; LANES];

/// What sixteen outputs should say about each row.
#[derive(Clone, Debug)]
pub struct Block {
    /// Row by row the cost of an error, positive for members of the class and negative for the
    /// others; zero where the row says nothing about the output.
    pub costs: Vec<Lane>,
}

/// The weights of sixteen outputs.
#[derive(Clone, Debug)]
pub struct BlockWeights {
    /// Feature by feature.
    pub weights: Vec<Lane>,
    /// The constant term.
    pub bias: Lane,
    /// How many passes over the rows were made.
    pub n_epochs: usize,
}

impl BlockWeights {
    /// The scores of a row.
    pub fn scores(&self, row: impl Iterator<Item = (usize, f32)>) -> Lane {
        let mut scores = self.bias;
        for (column, value) in row {
            add_scaled(&mut scores, &self.weights[column], value);
        }
        scores
    }
}

/// Fits a block on the rows `members`. The result depends on the arguments alone.
pub fn solve(
    rows: &SparseRows,
    block: &Block,
    members: &[usize],
    settings: &SolverSettings,
    seed: u64,
) -> BlockWeights {
    let mut model = BlockWeights {
        weights: vec![[0.0; LANES]; rows.n_columns()],
        bias: [0.0; LANES],
        n_epochs: 0,
    };
    let mut alphas = vec![[0.0; LANES]; members.len()];
    // The constant term is a feature of value one in every row.
    let squares: Vec<f32> = members
        .iter()
        .map(|&row| 1.0 + rows.row(row).map(|(_, value)| value * value).sum::<f32>())
        .collect();
    let mut order: Vec<usize> = (0..members.len()).collect();
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    for epoch in 1..=settings.max_epochs {
        model.n_epochs = epoch;
        order.shuffle(&mut random);
        let mut worst: f32 = 0.0;
        for &member in &order {
            let row = members[member];
            let scores = model.scores(rows.row(row));
            let step = Step::new(&scores, &block.costs[row], &alphas[member], squares[member]);
            worst = worst.max(step.violation);
            if step.moves {
                alphas[member] = step.alphas;
                add_scaled(&mut model.bias, &step.change, 1.0);
                for (column, value) in rows.row(row) {
                    add_scaled(&mut model.weights[column], &step.change, value);
                }
            }
        }
        if worst < settings.tolerance {
            break;
        }
    }
    model
}

/// What one row asks of the sixteen outputs.
struct Step {
    alphas: Lane,
    /// Change of α times the sign of the class: what the row's features are added with.
    change: Lane,
    /// The largest projected gradient.
    violation: f32,
    moves: bool,
}

impl Step {
    fn new(scores: &Lane, costs: &Lane, alphas: &Lane, square: f32) -> Self {
        let mut step = Self { alphas: *alphas, change: [0.0; LANES], violation: 0.0, moves: false };
        for lane in 0..LANES {
            let cost = costs[lane].abs();
            if cost == 0.0 {
                continue;
            }
            let sign = costs[lane].signum();
            let alpha = alphas[lane];
            let diagonal = 0.5 / cost;
            let gradient = sign * scores[lane] - 1.0 + diagonal * alpha;
            let projected = if alpha == 0.0 { gradient.min(0.0) } else { gradient };
            if projected.abs() <= 1e-6 {
                continue;
            }
            step.violation = step.violation.max(projected.abs());
            let new_alpha = (alpha - gradient / (square + diagonal)).max(0.0);
            step.alphas[lane] = new_alpha;
            step.change[lane] = (new_alpha - alpha) * sign;
            step.moves = true;
        }
        step
    }
}

fn add_scaled(sum: &mut Lane, lane: &Lane, factor: f32) {
    for (sum, value) in sum.iter_mut().zip(lane) {
        *sum += value * factor;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SETTINGS: SolverSettings = SolverSettings { max_epochs: 2_000, tolerance: 1e-4 };

    fn rows(dense: &[&[f32]]) -> SparseRows {
        let mut rows = SparseRows::new(dense[0].len());
        for row in dense {
            rows.push((0..).zip(row.iter().copied()).filter(|(_, value)| *value != 0.0));
        }
        rows
    }

    fn lane(value: f32) -> Lane {
        let mut lane = [0.0; LANES];
        lane[3] = value;
        lane
    }

    /// ½‖w‖² + Σ C max(0, 1 − y w·x)² of the primal problem, the bias among the weights.
    fn primal(rows: &SparseRows, block: &Block, weights: &[f32], bias: f32) -> f32 {
        let norm: f32 = weights.iter().map(|w| w * w).sum::<f32>() + bias * bias;
        let losses = (0..rows.n_rows()).map(|row| {
            let score =
                bias + rows.row(row).map(|(column, value)| weights[column] * value).sum::<f32>();
            let cost = block.costs[row][3];
            cost.abs() * (1.0 - cost.signum() * score).max(0.0).powi(2)
        });
        norm / 2.0 + losses.sum::<f32>()
    }

    #[test]
    fn no_small_step_away_from_the_solution_lowers_the_loss() {
        let rows = rows(&[
            &[1.0, 0.2, 0.0],
            &[0.9, 0.0, 0.3],
            &[0.0, 1.0, 0.1],
            &[0.1, 0.8, 0.0],
            &[0.5, 0.5, 0.9],
        ]);
        let costs = [0.7, 0.7, -0.4, -0.4, 0.9].map(lane).to_vec();
        let block = Block { costs };
        let solved = solve(&rows, &block, &[0, 1, 2, 3, 4], &SETTINGS, 1);
        let weights: Vec<f32> = solved.weights.iter().map(|lane| lane[3]).collect();
        let best = primal(&rows, &block, &weights, solved.bias[3]);
        for feature in 0..3 {
            for delta in [-0.01, 0.01] {
                let mut moved = weights.clone();
                moved[feature] += delta;
                assert!(best < primal(&rows, &block, &moved, solved.bias[3]));
            }
        }
        assert!(best < primal(&rows, &block, &weights, solved.bias[3] + 0.01));
        assert!(best < primal(&rows, &block, &weights, solved.bias[3] - 0.01));
    }

    #[test]
    fn rows_without_a_cost_teach_nothing() {
        let rows = rows(&[&[1.0, 0.0], &[0.0, 1.0], &[1.0, 1.0]]);
        let with = Block { costs: [1.0, -1.0, 0.0].map(lane).to_vec() };
        let all = solve(&rows, &with, &[0, 1, 2], &SETTINGS, 1);
        let without = solve(&rows, &with, &[0, 1], &SETTINGS, 1);
        for (a, b) in all.weights.iter().zip(&without.weights) {
            assert!((a[3] - b[3]).abs() < 1e-3, "{} {}", a[3], b[3]);
            assert!(a[0].abs() < f32::EPSILON, "lanes without costs stay at zero");
        }
    }
}
