//! A folder in the layout of Hugging Face: `config.json`, `model.safetensors`, and
//! `tokenizer.json` or `vocab.txt`. A folder that is read is complete and fits together.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::Deserialize;

use crate::inference;
use crate::inference::encoder::config::{CONFIG_FILE, EncoderConfig, Shape};
use crate::inference::encoder::error::Error;
use crate::inference::encoder::modern::ModernConfig;
use crate::inference::encoder::packed::{ENCODER_CONFIG_FILE, ENCODER_FILE, unpack};
use crate::inference::encoder::parameters::{Parameters, WEIGHTS_FILE};
use crate::inference::encoder::tokenizer::{EncoderTokenizer, TOKENIZER_FILE};
use crate::registry::Bundle;

const VOCAB_FILE: &str = "vocab.txt";
const TOKENIZER_CONFIG_FILE: &str = "tokenizer_config.json";
/// What the file of weights begins with where Git LFS has not fetched it.
const LFS_POINTER: &[u8] = b"version https://git-lfs";

/// An encoder as it was read from a folder.
#[derive(Clone, Debug)]
pub struct EncoderFolder<C = EncoderConfig> {
    /// Its shape.
    pub config: C,
    /// Its weights.
    pub parameters: Parameters,
    /// Its tokenizer, which cuts texts to what the encoder takes.
    pub tokenizer: EncoderTokenizer,
}

impl EncoderFolder {
    /// Reads a folder with an encoder that we compute ourselves.
    pub fn read(dir: &Path) -> Result<Self, Error> {
        let (text, path) = read_config(dir)?;
        let config = EncoderConfig::parse(&text, &path)?;
        let tokenizer = read_tokenizer(dir, config.max_tokens, config.vocab_size)?;
        let (bytes, path) = read_weights(dir)?;
        let parameters = Parameters::parse(&bytes, &config, &path)?;
        Ok(Self { config, parameters, tokenizer })
    }

    /// The encoder of a blend, as far as 8 bits have kept its weights: what a model that is live
    /// has learned is what the next one begins with.
    pub fn from_bundle(bundle: &Bundle) -> Result<Self, inference::Error> {
        let (config, tokenizer) = read_shape::<EncoderConfig>(bundle)?;
        let parameters = unpack(&bundle.read(ENCODER_FILE)?, &config)?;
        Ok(Self { config, parameters, tokenizer })
    }
}

impl EncoderFolder<ModernConfig> {
    /// Reads a folder with a `ModernBERT`.
    pub(super) fn read_modern(dir: &Path) -> Result<Self, Error> {
        let (text, path) = read_config(dir)?;
        let config = ModernConfig::parse(&text, &path)?;
        let tokenizer = read_tokenizer(dir, config.max_tokens, config.vocab_size)?;
        let (bytes, path) = read_weights(dir)?;
        let parameters = Parameters::parse_shapes(&bytes, config.shapes(), &path)?;
        Ok(Self { config, parameters, tokenizer })
    }
}

/// Shape and tokenizer of the encoder of a bundle.
pub(super) fn read_shape<S: Shape>(
    bundle: &Bundle,
) -> Result<(S, EncoderTokenizer), inference::Error> {
    let refused = |file| move |why| inference::Error::Encoder { file, why };
    let shape: S = serde_json::from_slice(&bundle.read(ENCODER_CONFIG_FILE)?)
        .map_err(|error| refused(ENCODER_CONFIG_FILE)(error.to_string()))?;
    if let Some(why) = shape.contradiction() {
        return Err(refused(ENCODER_CONFIG_FILE)(why));
    }
    let tokenizer = EncoderTokenizer::from_json(&bundle.read(TOKENIZER_FILE)?, shape.max_tokens())
        .map_err(refused(TOKENIZER_FILE))?;
    Ok((shape, tokenizer))
}

/// The text of `config.json`, and where it is.
pub(super) fn read_config(dir: &Path) -> Result<(Vec<u8>, PathBuf), Error> {
    if !dir.is_dir() {
        let source = io::Error::from(io::ErrorKind::NotFound);
        return Err(Error::Io { path: dir.to_owned(), source });
    }
    let path = dir.join(CONFIG_FILE);
    let text = needed(dir, &path, CONFIG_FILE, "name a folder with a model of Hugging Face")?;
    Ok((text, path))
}

/// The bytes of `model.safetensors`, and where it is.
fn read_weights(dir: &Path) -> Result<(Vec<u8>, PathBuf), Error> {
    let path = dir.join(WEIGHTS_FILE);
    let hint = if dir.join("pytorch_model.bin").exists() {
        "convert `pytorch_model.bin`, which may run code when it is read, to safetensors"
    } else if dir.join("model.safetensors.index.json").exists() {
        "join the parts that `model.safetensors.index.json` lists"
    } else {
        "fetch it from where the folder comes from"
    };
    let bytes = needed(dir, &path, WEIGHTS_FILE, hint)?;
    Ok((bytes, path))
}

/// `tokenizer.json` says everything; `vocab.txt` is the older way for `WordPiece` alone.
fn read_tokenizer(
    dir: &Path,
    max_tokens: usize,
    vocab_size: usize,
) -> Result<EncoderTokenizer, Error> {
    let mut path = dir.join(TOKENIZER_FILE);
    let tokenizer = if let Some(text) = read(&path)? {
        EncoderTokenizer::from_json(&text, max_tokens)
            .map_err(|why| format!("is no tokenizer: {why}"))
    } else {
        path = dir.join(VOCAB_FILE);
        let hint = "copy the tokenizer's file beside the weights";
        match String::from_utf8(needed(dir, &path, "tokenizer.json or vocab.txt", hint)?) {
            Ok(text) => EncoderTokenizer::from_vocab(&text, is_lowercase(dir)?, max_tokens),
            Err(_) => Err("is not in UTF-8".to_owned()),
        }
    };
    let tokenizer = tokenizer.map_err(|why| Error::File { path: path.clone(), why })?;
    let n_ids = tokenizer.n_ids();
    if vocab_size < n_ids {
        let why = format!("has {n_ids} pieces, but `{CONFIG_FILE}` says {vocab_size}");
        return Err(Error::File { path, why });
    }
    // Some vectors may stand for no piece, since matrices are padded, but not that many.
    if n_ids < vocab_size - vocab_size / 4 {
        let why = format!(
            "has {n_ids} pieces of the {vocab_size} that `{CONFIG_FILE}` says: it is cut off or of \
             another model"
        );
        return Err(Error::File { path, why });
    }
    if tokenizer.encode("")?.ids.len() < 2 {
        let why = "puts no marks around a text, as `[CLS]` and `[SEP]`".to_owned();
        return Err(Error::File { path, why });
    }
    Ok(tokenizer)
}

/// Whether a `WordPiece` vocabulary is for lower case, as nearly all Chinese ones are.
fn is_lowercase(dir: &Path) -> Result<bool, Error> {
    #[derive(Deserialize)]
    struct Settings {
        do_lower_case: Option<bool>,
    }
    let path = dir.join(TOKENIZER_CONFIG_FILE);
    let Some(text) = read(&path)? else { return Ok(true) };
    let settings: Settings = serde_json::from_slice(&text)
        .map_err(|error| Error::File { path, why: format!("is no JSON: {error}") })?;
    Ok(settings.do_lower_case.unwrap_or(true))
}

fn needed(
    dir: &Path,
    path: &Path,
    files: &'static str,
    hint: &'static str,
) -> Result<Vec<u8>, Error> {
    read(path)?.ok_or_else(|| Error::Missing { folder: dir.to_owned(), files, hint })
}

/// The bytes of a file, nothing where there is none.
fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let file = |why: &str| Error::File { path: path.to_owned(), why: why.to_owned() };
    match fs::read(path) {
        Ok(bytes) if bytes.is_empty() => Err(file("is empty")),
        Ok(bytes) if bytes.starts_with(LFS_POINTER) => {
            Err(file("is a pointer of Git LFS; run `git lfs pull`"))
        }
        Ok(bytes) => Ok(Some(bytes)),
        Err(source) if source.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Io { path: path.to_owned(), source }),
    }
}
