//! Why an encoder cannot be trained.

use std::{io, path::PathBuf};

use fenzhen::inference::EncoderError;

/// Why an encoder cannot be trained.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder or its tokenizer.
    #[error(transparent)]
    Encoder(#[from] EncoderError),
    /// The weights in 8 bits.
    #[error(transparent)]
    Packed(#[from] fenzhen::inference::Error),
    /// A tensor operation.
    #[error("the training failed")]
    Tensor(#[from] candle_core::Error),
    /// A file of the checkpoints.
    #[error("cannot use checkpoint `{path}`")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// A checkpoint that does not belong to this training.
    #[error("checkpoint `{path}` {why}; delete its folder to begin anew")]
    Checkpoint {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        why: String,
    },
    /// The recipe has no folder, and neither does the command.
    #[error("the recipe names no folder with starting weights; name one with `--encoder`")]
    NoFolder,
    /// An encoder whose layers cannot be trained.
    #[error(
        "the layers of a ModernBERT cannot be trained, heads on it can; set `trained_layers = 0`"
    )]
    Frozen,
    /// Layers that the products of pairs cannot take.
    #[error(
        "the encoder's {what} are {size} wide, and layers are trained in pairs of numbers; take an \
         encoder of even widths, or set `trained_layers = 0`"
    )]
    OddWidth {
        /// Which part.
        what: &'static str,
        /// Its width.
        size: usize,
    },
    /// A recipe that trains layers where that would take hours.
    #[error(
        "recipe `{recipe}` trains {n_layers} layers, which takes hours for each fold; take one with \
         `trained_layers = 0`, as `encoder-heads.toml`, or train once and judge the bundle by \
         `evaluate` on texts held apart"
    )]
    FineTuning {
        /// The recipe.
        recipe: String,
        /// How many.
        n_layers: usize,
    },
}
