//! Refuses data that do not fit into memory while they are read, before the machine suffers.

use std::{fs, path::Path};

use crate::dataset::Error;

/// What training keeps per character: its n-grams and words, as sparse rows and in folds; measured
/// with 100,000 texts and rounded up.
const TRAINING_BYTES_PER_CHAR: u64 = 240;
/// And per text: the costs and dual variables of sixteen outputs in each of two running folds.
const TRAINING_BYTES_PER_TEXT: u64 = 1_000;
/// What comparing texts keeps: the text, its shingles and its sketch.
const COMPARING_BYTES_PER_CHAR: u64 = 16;
const COMPARING_BYTES_PER_TEXT: u64 = 2_000;
const HOLDING_BYTES_PER_CHAR: u64 = 4;
const HOLDING_BYTES_PER_TEXT: u64 = 300;

/// How much memory the data may need.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    deed: &'static str,
    per_char: u64,
    per_text: u64,
    available: Option<u64>,
}

impl Budget {
    /// For training on the texts; `limit` bytes replace what the machine has free.
    pub fn to_train(limit: Option<u64>) -> Self {
        Self {
            deed: "train on",
            per_char: TRAINING_BYTES_PER_CHAR,
            per_text: TRAINING_BYTES_PER_TEXT,
            available: limit.or_else(available_memory),
        }
    }

    /// For comparing the texts with each other.
    pub fn to_compare() -> Self {
        Self {
            deed: "compare its texts",
            per_char: COMPARING_BYTES_PER_CHAR,
            per_text: COMPARING_BYTES_PER_TEXT,
            available: available_memory(),
        }
    }

    /// For holding the texts.
    pub fn to_hold() -> Self {
        Self {
            deed: "hold in memory",
            per_char: HOLDING_BYTES_PER_CHAR,
            per_text: HOLDING_BYTES_PER_TEXT,
            available: available_memory(),
        }
    }

    /// Fails when texts of that many characters do not fit.
    pub(super) fn check(&self, path: &Path, n_chars: u64, n_texts: u64) -> Result<(), Error> {
        let needed = n_chars * self.per_char + n_texts * self.per_text;
        match self.available {
            Some(available) if available < needed => Err(Error::Memory {
                path: path.to_owned(),
                deed: self.deed,
                reason: format!(
                    "its first {n_texts} texts need about {}, and {} are free",
                    gigabytes(needed),
                    gigabytes(available)
                ),
            }),
            _ => Ok(()),
        }
    }
}

fn gigabytes(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}

/// What Linux says is free, or what the container may still take if that is less. Other systems
/// tell nothing here, and nothing is refused.
fn available_memory() -> Option<u64> {
    let free = fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find(|line| line.starts_with("MemAvailable:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok().map(|kib| kib * 1024)
    });
    let number = |path: &str| fs::read_to_string(path).ok()?.trim().parse::<u64>().ok();
    let contained = number("/sys/fs/cgroup/memory.max").map(|most| {
        most.saturating_sub(number("/sys/fs/cgroup/memory.current").unwrap_or_default())
    });
    match (free, contained) {
        (Some(free), Some(contained)) => Some(free.min(contained)),
        (free, contained) => free.or(contained),
    }
}
