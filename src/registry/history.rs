//! What was live when, and why: one line of JSON per change, only ever added.
//!
//! A line is written before `live.toml` changes. After a crash between the two the line stands
//! there and the old bundle is live; the history says so by itself, because each line names what
//! it found live. A line that a crash has cut off was never acted on and is dropped.

use std::{
    collections::BTreeMap,
    fs::{self, OpenOptions},
    io::{self, Write},
    path::Path,
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::registry::durable::sync_folder;
use crate::registry::{Error, Live};

/// The file with the history.
pub const HISTORY_FILE: &str = "history.jsonl";

/// A change of the live bundle. Fields that later versions add must be optional, so that every
/// line ever written can still be read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// When.
    pub at: Timestamp,
    /// Forward to a bundle that was judged, or back to one that was live before.
    pub action: Action,
    /// Who.
    pub by: String,
    /// Why.
    pub why: String,
    /// What was live before.
    pub from: Option<Live>,
    /// What is live after it.
    pub to: Live,
    /// Whether a person made it live although a check failed.
    #[serde(default)]
    pub forced: bool,
    /// How well the new one did: head → measure → value.
    #[serde(default)]
    pub metrics: BTreeMap<String, BTreeMap<String, f64>>,
    /// What the gate found.
    #[serde(default)]
    pub checks: Vec<CheckRecord>,
}

/// Which way a change goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// To another bundle.
    Promote,
    /// Back to a bundle that was live before.
    Rollback,
}

/// What one check of the gate found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRecord {
    /// The check.
    pub name: String,
    /// Whether it held.
    pub verdict: Verdict,
    /// With which figures.
    pub figures: String,
}

/// Whether a check held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It held.
    Pass,
    /// It did not.
    Fail,
    /// There was nothing to check.
    Skip,
}

/// A line of the history, and whether it took effect.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// The change.
    #[serde(flatten)]
    pub change: Change,
    /// Whether the bundle did go live; not so when the process ended before it could.
    pub took_effect: bool,
}

/// Reads the history, oldest first; there is none in a new registry.
pub(super) fn read(folder: &Path, live: Option<&Live>) -> Result<Vec<Entry>, Error> {
    let path = folder.join(HISTORY_FILE);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(source) if source.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(source) => return Err(Error::Io { path, source }),
    };
    let mut changes: Vec<Change> = Vec::new();
    // What follows the last newline was cut off.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    for (number, line) in (1..).zip(whole.lines()) {
        match serde_json::from_str(line) {
            Ok(change) => changes.push(change),
            Err(source) => return Err(Error::History { path, line: number, source }),
        }
    }
    let found: Vec<Option<Live>> = changes.iter().map(|change| change.from.clone()).collect();
    let next = found.into_iter().skip(1).chain([live.cloned()]);
    let entry = |(change, next): (Change, Option<Live>)| {
        // Something else may have gone live by hand in between: only the same bundle as before
        // means that nothing happened.
        let took_effect = next.as_ref() == Some(&change.to) || next != change.from;
        Entry { change, took_effect }
    };
    Ok(changes.into_iter().zip(next).map(entry).collect())
}

/// Adds a line and waits until the disk has it.
pub(super) fn append(folder: &Path, change: &Change) -> Result<(), Error> {
    let path = folder.join(HISTORY_FILE);
    let mut line = serde_json::to_vec(change).expect("a change is plain data");
    line.push(b'\n');
    let write = || {
        let mut options = OpenOptions::new();
        let mut file = options.create(true).append(true).read(true).open(&path)?;
        let text = fs::read(&path)?;
        let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        if whole < text.len() {
            file.set_len(whole as u64)?;
        }
        file.write_all(&line)?;
        file.sync_all()?;
        sync_folder(folder)
    };
    write().map_err(|source| Error::Io { path: path.clone(), source })
}

/// The bundles that were live, each above the one that it replaced; a rollback takes away what it
/// went back over.
pub(super) fn stack(entries: &[Entry]) -> Vec<Live> {
    let mut stack: Vec<Live> = Vec::new();
    for change in entries.iter().filter(|entry| entry.took_effect).map(|entry| &entry.change) {
        if let Some(from) = &change.from
            && stack.last() != Some(from)
        {
            stack.push(from.clone());
        }
        if change.action == Action::Rollback {
            let kept = stack.iter().rposition(|live| *live == change.to).unwrap_or(stack.len());
            stack.truncate(kept);
        }
        stack.push(change.to.clone());
    }
    stack
}
