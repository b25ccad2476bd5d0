//! Whether what comes in still looks like what the model learned from, whether people still agree
//! with it, and which texts people should label next. It reads and reports; it changes nothing.

mod agreement;
mod distribution;
mod next;
mod profile;
mod reading;
mod report;

use std::path::PathBuf;

use fenzhen::inference;
use jiff::Timestamp;
use serde_json::Value;

use crate::dataset::source::{self, Stop, Wanted};
use crate::dataset::{self, Mistakes};

pub use agreement::{Agreement, LabelAgreement, agreement};
pub use distribution::{Distance, Distribution};
pub use next::{Suggestion, Why, suggest};
pub use profile::Profile;
pub use reading::{Reader, Reading};
pub use report::{Drift, Level, Report, WordShift};

/// The columns that drift looks at beside the text, where a file has them.
const CHANNEL: &str = "channel";
const RECEIVED_AT: &str = "received_at";

/// Why drift cannot be measured.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A table cannot be used.
    #[error(transparent)]
    Dataset(#[from] dataset::Error),
    /// The model's features cannot be read.
    #[error("cannot read the model's features")]
    Inference(#[from] inference::Error),
    /// The model's bundle cannot be read.
    #[error(transparent)]
    Registry(#[from] fenzhen::registry::Error),
    /// A profile cannot be read.
    #[error("cannot read `{path}`")]
    Io {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// A profile does not parse.
    #[error("`{path}` is no profile: write one with `fenzhen-lab drift --write-profile`")]
    Profile {
        /// The file.
        path: PathBuf,
        /// Where and why.
        source: serde_json::Error,
    },
    /// There is nothing to measure.
    #[error("there are no texts to {0}")]
    Nothing(&'static str),
}

/// A text with what is known beside it.
#[derive(Clone, PartialEq)]
pub struct Text {
    /// Names it to people: a case, or a line of a file.
    pub id: String,
    /// The words.
    pub text: String,
    /// Where it came in.
    pub channel: Option<String>,
    /// When it came in.
    pub received_at: Option<Timestamp>,
}

/// Words of customers do not reach logs, not even by accident.
impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Text").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Reads texts from tables, with channel and time where there are such columns.
pub fn read_texts(paths: &[PathBuf], text_column: &str) -> Result<Vec<Text>, Error> {
    let required = [text_column];
    let wanted = Wanted::Columns { required: &required, optional: &[CHANNEL, RECEIVED_AT] };
    let mut texts = Vec::new();
    let mut mistakes = Mistakes::default();
    for path in paths {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        source::read(path, wanted, &mut mistakes, &mut |record| {
            let cell = |column: &str| record.cells.get(column).and_then(Value::as_str);
            let Some(text) = cell(text_column) else {
                let why = format!("`{text_column}` holds no text");
                return Err(Stop::Mistake { why, hint: "give every record a text" });
            };
            texts.push(Text {
                id: format!("{name}:{}", record.line),
                text: text.to_owned(),
                channel: cell(CHANNEL).filter(|it| !it.is_empty()).map(str::to_owned),
                received_at: cell(RECEIVED_AT).and_then(|time| time.parse().ok()),
            });
            Ok(())
        })?;
    }
    mistakes.check()?;
    Ok(texts)
}
