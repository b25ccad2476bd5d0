//! From a text to the tokens of an encoder, with the way back to the text.

use std::ops::Range;

use serde_json::{Map, Value, json};
use tokenizers::{Tokenizer, TruncationParams};

use crate::inference::encoder::error::Error;

/// The name of the tokenizer's file, in folders and in bundles.
pub const TOKENIZER_FILE: &str = "tokenizer.json";

/// A text in tokens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tokens {
    /// The tokens with the special ones at both ends, cut to what the encoder takes.
    pub ids: Vec<u32>,
    /// The bytes of the text that each token stands for, none for special tokens.
    pub ranges: Vec<Range<usize>>,
}

/// Cuts texts into tokens: `XLM-R` unigrams, `WordPiece` or whatever else `tokenizer.json` says.
#[derive(Clone, Debug)]
pub struct EncoderTokenizer {
    inner: Tokenizer,
}

impl EncoderTokenizer {
    /// A tokenizer from the text of a `tokenizer.json`, which cuts texts to `max_tokens`.
    pub fn from_json(text: &[u8], max_tokens: usize) -> Result<Self, String> {
        let mut inner = Tokenizer::from_bytes(text).map_err(|error| error.to_string())?;
        let truncation = TruncationParams { max_length: max_tokens, ..TruncationParams::default() };
        inner.with_truncation(Some(truncation)).map_err(|error| error.to_string())?;
        inner.with_padding(None);
        Ok(Self { inner })
    }

    /// A `WordPiece` tokenizer from a `vocab.txt`, a piece a line.
    pub fn from_vocab(text: &str, lowercase: bool, max_tokens: usize) -> Result<Self, String> {
        let mut vocab = Map::new();
        for (id, piece) in text.lines().map(str::trim_end).enumerate() {
            if vocab.insert(piece.to_owned(), Value::from(id)).is_some() {
                return Err(format!("has the piece of line {} twice", id + 1));
            }
        }
        let missing: Vec<&str> = ["[CLS]", "[SEP]", "[UNK]", "[PAD]"]
            .into_iter()
            .filter(|&piece| !vocab.contains_key(piece))
            .collect();
        if !missing.is_empty() {
            return Err(format!("has no `{}`", missing.join("`, `")));
        }
        let special = |piece: &str| {
            json!({"id": vocab[piece], "content": piece, "single_word": false, "lstrip": false,
                "rstrip": false, "normalized": false, "special": true})
        };
        let special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"].map(special);
        let template = |piece: &str| {
            (piece.to_owned(), json!({"id": piece, "ids": [vocab[piece]], "tokens": [piece]}))
        };
        let token = |id: &str| json!({"SpecialToken": {"id": id, "type_id": 0}});
        let sequence = |id: &str| json!({"Sequence": {"id": id, "type_id": 0}});
        let text = json!({
            "version": "1.0",
            "added_tokens": special,
            "normalizer": {"type": "BertNormalizer", "clean_text": true,
                "handle_chinese_chars": true, "strip_accents": null, "lowercase": lowercase},
            "pre_tokenizer": {"type": "BertPreTokenizer"},
            "post_processor": {
                "type": "TemplateProcessing",
                "single": [token("[CLS]"), sequence("A"), token("[SEP]")],
                "pair": [token("[CLS]"), sequence("A"), token("[SEP]"), sequence("B")],
                "special_tokens": Map::from_iter(["[CLS]", "[SEP]"].map(template)),
            },
            "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": true},
            "model": {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
                "max_input_chars_per_word": 100, "vocab": vocab},
        });
        Self::from_json(text.to_string().as_bytes(), max_tokens)
    }

    /// The text of its `tokenizer.json`.
    pub fn to_json(&self) -> Result<String, Error> {
        self.inner.to_string(false).map_err(|error| Error::Tokenizer(error.to_string()))
    }

    /// How many ids it may give.
    pub fn n_ids(&self) -> usize {
        let largest = self.inner.get_vocab(true).into_values().max();
        largest.map_or(0, |id| id as usize + 1)
    }

    /// The pieces it knows with their ids, special ones too.
    pub fn pieces(&self) -> impl Iterator<Item = (String, u32)> {
        self.inner.get_vocab(true).into_iter()
    }

    /// Cuts a text into tokens.
    pub fn encode(&self, text: &str) -> Result<Tokens, Error> {
        let failed = |error: tokenizers::Error| Error::Tokenizer(error.to_string());
        let encoding = self.inner.encode(text, true).map_err(failed)?;
        let ranges = encoding.get_offsets().iter().map(|&(start, end)| start..end).collect();
        Ok(Tokens { ids: encoding.get_ids().to_vec(), ranges })
    }
}
