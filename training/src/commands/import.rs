//! `fenzhen-lab import`: a folder with an encoder in, the same folder checked, and smaller where
//! asked, out.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use fenzhen::inference::{CONFIG_FILE, EncoderFolder, FOLDER_WEIGHTS_FILE, TOKENIZER_FILE};
use fenzhen::text::Normalized;
use serde_json::{Value, json};

use crate::dataset::{Columns, Row, Table};
use crate::encoder::{Pruned, Script, keep, prune};
use crate::progress::Progress;

/// Check an encoder in the layout of Hugging Face and write it for `train --encoder`, with a
/// smaller vocabulary if texts or scripts are named
#[derive(Debug, clap::Args)]
pub struct Arguments {
    /// The folder: `config.json`, `model.safetensors`, and `tokenizer.json` or `vocab.txt`
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
    /// Keep the pieces that these texts need: JSONL, CSV, TSV or Parquet; may be given several
    /// times
    #[arg(long, value_name = "FILE")]
    texts: Vec<PathBuf>,
    /// The column of the text
    #[arg(long, value_name = "COLUMN", default_value = "text")]
    text_column: String,
    /// Keep the pieces of these scripts too
    #[arg(long, value_name = "SCRIPT", value_delimiter = ',')]
    scripts: Vec<Script>,
    /// Write weights of 16 bits
    #[arg(long)]
    half: bool,
    /// The folder to write, which must not exist
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Runs the command.
pub fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let progress = Progress::new();
    let out = &arguments.out;
    ensure!(!out.exists(), "`{}` exists already", out.display());
    let folder = EncoderFolder::read(&arguments.folder)?;
    let n_before = folder.config.vocab_size;
    let parent = match out.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    };
    let draft = tempfile::tempdir_in(parent)
        .with_context(|| format!("cannot write beside `{}`", out.display()))?;
    let source = fs::read(arguments.folder.join(CONFIG_FILE)).context("the shape has gone")?;
    let mut source: Value = serde_json::from_slice(&source).context("the shape has changed")?;
    let (parameters, tokenizer) = if arguments.texts.is_empty() && arguments.scripts.is_empty() {
        (folder.parameters, folder.tokenizer.to_json()?)
    } else {
        let columns = Columns { text: arguments.text_column.clone(), heads: Vec::new() };
        let table = Table::read(&arguments.texts, &columns)?;
        // As models read them: the pieces of a text before it is normalized may be others.
        let normalize = |row: Row| Normalized::new(&row.text).as_str().to_owned();
        let texts: Vec<String> = table.rows.into_iter().map(normalize).collect();
        let Pruned { kept, tokenizer } = prune(&folder.tokenizer, &texts, &arguments.scripts)
            .map_err(anyhow::Error::msg)
            .with_context(|| format!("cannot prune `{}`", arguments.folder.display()))?;
        let pad = source["pad_token_id"].as_u64();
        if let Some(pad) = pad.and_then(|pad| kept.iter().position(|&id| u64::from(id) == pad)) {
            source["pad_token_id"] = json!(pad);
        }
        source["vocab_size"] = json!(kept.len());
        (keep(&folder, &kept).1, tokenizer)
    };
    let n_after = source["vocab_size"].as_u64().unwrap_or_default();
    let config = serde_json::to_vec_pretty(&source).context("the shape is no JSON")?;
    let write = |name: &str, bytes: &[u8]| {
        fs::write(draft.path().join(name), bytes).with_context(|| format!("cannot write `{name}`"))
    };
    write(CONFIG_FILE, &config)?;
    write(TOKENIZER_FILE, tokenizer.as_bytes())?;
    write(FOLDER_WEIGHTS_FILE, &parameters.to_bytes(arguments.half))?;
    // What was written must load as well as what was read.
    EncoderFolder::read(draft.path())?;
    fs::rename(draft.keep(), out).with_context(|| format!("cannot write `{}`", out.display()))?;
    progress.step(&format!("wrote `{}`: {n_after} of {n_before} pieces", out.display()));
    Ok(())
}
