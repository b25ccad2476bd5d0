//! Freezes labelled texts: one canonical line per text, sorted, so that the digest of the file is
//! the digest of the content. The same texts and labels give the same bytes whatever the order of
//! rows and columns, the kind of file, its encoding and the time.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufWriter, Write},
    path::Path,
};

use fenzhen::registry::{DataSource, Digest};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::dataset::error::unwritable;
use crate::dataset::{Balance, Cell, Columns, Error, Row, Table, balance};

/// The format that snapshots are written in.
const SNAPSHOT_FORMAT: u32 = 1;
/// The texts of a snapshot.
pub const SNAPSHOT_FILE: &str = "data.jsonl";
/// What a snapshot says of itself.
pub const SNAPSHOT_MANIFEST: &str = "manifest.json";

/// What a snapshot says of itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotManifest {
    /// The version of this format.
    pub format: u32,
    /// The SHA-256 of `data.jsonl`, and the name of its content.
    pub content_sha256: Digest,
    /// How many texts there are.
    pub n_texts: usize,
    /// The labels of every head.
    pub heads: BTreeMap<String, Balance>,
    /// The files that the texts come from.
    pub sources: Vec<DataSource>,
    /// When it was made; no part of the content.
    pub created_at: Timestamp,
}

/// Writes a snapshot into a folder that does not exist yet. A folder that cannot be finished is
/// left without a manifest.
pub fn write_snapshot(
    table: &Table,
    columns: &Columns,
    dir: &Path,
    created_at: Timestamp,
) -> Result<SnapshotManifest, Error> {
    let mut lines: Vec<String> = table.rows.iter().map(|row| line(row, columns)).collect();
    lines.sort_unstable();
    fs::create_dir(dir).map_err(unwritable(dir))?;
    let path = dir.join(SNAPSHOT_FILE);
    let mut file = BufWriter::new(File::create_new(&path).map_err(unwritable(&path))?);
    for line in &lines {
        file.write_all(line.as_bytes()).map_err(unwritable(&path))?;
    }
    let file = file.into_inner().map_err(|error| unwritable(&path)(error.into_error()))?;
    file.sync_all().map_err(unwritable(&path))?;
    let manifest = SnapshotManifest {
        format: SNAPSHOT_FORMAT,
        content_sha256: Digest::of_all(lines.iter().map(String::as_bytes)),
        n_texts: lines.len(),
        heads: balance(columns, &table.rows.iter()),
        sources: table.sources.clone(),
        created_at,
    };
    let text = serde_json::to_string_pretty(&manifest).expect("a manifest is plain data");
    let path = dir.join(SNAPSHOT_MANIFEST);
    fs::write(&path, text + "\n").map_err(unwritable(&path))?;
    Ok(manifest)
}

/// `id`, where there is one, `text`, then the heads by name, each a label, a sorted list or null.
fn line(row: &Row, columns: &Columns) -> String {
    let mut object = Map::new();
    if let Some(id) = &row.id {
        object.insert("id".to_owned(), Value::from(&**id));
    }
    object.insert("text".to_owned(), row.text.as_str().into());
    let heads: BTreeMap<&str, &Cell> =
        columns.heads.iter().map(|head| head.id.as_str()).zip(&row.cells).collect();
    for (head, cell) in heads {
        let value = match cell {
            Cell::Empty => Value::Null,
            Cell::Labels(labels) if labels.len() == 1 => labels[0].as_str().into(),
            Cell::Labels(labels) => {
                let mut labels = labels.clone();
                labels.sort_unstable();
                labels.dedup();
                labels.into()
            }
        };
        object.insert(head.to_owned(), value);
    }
    format!("{}\n", Value::Object(object))
}
