//! What a recipe says about its encoder.

use std::path::PathBuf;

use serde::Deserialize;

/// How the encoder of a blend is trained.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EncoderSettings {
    /// The folder with the starting weights, relative to the recipe, unless the command names one.
    #[serde(default)]
    pub folder: Option<PathBuf>,
    /// Longer texts are cut.
    pub max_tokens: usize,
    /// How many layers are trained, from the topmost down. With none, the heads alone are trained
    /// on vectors that are computed once.
    pub trained_layers: usize,
    /// Whether the vectors of words and positions are trained as well.
    pub train_words: bool,
    /// One of so many folds is kept for early stopping, the blend and the calibration.
    pub validation_folds: usize,
    /// At most this many passes over the texts.
    pub epochs: usize,
    /// Stops when so many passes have not improved on the best one.
    pub patience: usize,
    /// So many trainings that differ in the order of texts and in what dropout drops are averaged
    /// into one set of weights (Wortsman et al. 2022, "Model soups").
    #[serde(default = "one")]
    pub members: usize,
    /// At most so many texts without labels are learned from, shared by the passes, where the
    /// command names teachers for them.
    #[serde(default)]
    pub taught_texts: usize,
    /// How many texts make a step.
    pub batch_size: usize,
    /// The largest rate of learning of the encoder.
    pub rate: f32,
    /// The largest rate of learning of the heads.
    pub head_rate: f32,
    /// The share of all steps in which the rate rises; it falls to zero after that.
    pub warm_up: f32,
    /// How much weights decay, times the rate.
    pub weight_decay: f32,
    /// Gradients longer than this are cut to it.
    pub clip: f32,
    /// The share of outputs and attention that training drops.
    pub dropout: f32,
    /// Labels weigh (mean size / own size) to this power.
    pub class_weight_power: f32,
    /// How many steps a killed training may lose.
    pub checkpoint_steps: usize,
}

const fn one() -> usize {
    1
}

impl EncoderSettings {
    /// Adds what makes no sense.
    pub fn check(&self, mistakes: &mut Vec<String>) {
        for (name, value, (least, most)) in [
            ("max_tokens", self.max_tokens, (8, 8192)),
            ("validation_folds", self.validation_folds, (2, 100)),
            ("epochs", self.epochs, (1, 1_000)),
            ("patience", self.patience, (1, 1_000)),
            ("members", self.members, (1, 16)),
            ("batch_size", self.batch_size, (2, 4_096)),
            ("checkpoint_steps", self.checkpoint_steps, (1, 1_000_000)),
        ] {
            if value < least || most < value {
                mistakes.push(format!("`{name}` {value} is not between {least} and {most}"));
            }
        }
        for (name, value, most) in
            [("rate", self.rate, 0.1), ("head_rate", self.head_rate, 1.0), ("clip", self.clip, 1e9)]
        {
            if !(0.0 < value && value <= most) {
                mistakes.push(format!("`{name}` {value} is not above 0 and at most {most}"));
            }
        }
        for (name, value, most) in [
            ("warm_up", self.warm_up, 0.9),
            ("weight_decay", self.weight_decay, 1.0),
            ("dropout", self.dropout, 0.9),
            ("class_weight_power", self.class_weight_power, 1.5),
        ] {
            if !(0.0 <= value && value <= most) {
                mistakes.push(format!("`{name}` {value} is not between 0 and {most}"));
            }
        }
    }

    /// The share of the largest rate at a step.
    pub fn pace(&self, step: usize, n_steps: usize) -> f32 {
        let done = (step as f32 + 0.5) / n_steps as f32;
        let rising = if 0.0 < self.warm_up { done / self.warm_up } else { 1.0 };
        rising.min((1.0 - done) / (1.0 - self.warm_up)).clamp(0.0, 1.0)
    }
}
