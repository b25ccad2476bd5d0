//! A smaller vocabulary: the pieces that given texts need and those of given scripts. What is kept
//! keeps its order, its vector and its score, so that texts of kept pieces alone mean the same.

use std::collections::BTreeMap;

use fenzhen::inference::{EncoderConfig, EncoderFolder, EncoderTokenizer, Parameters};
use serde_json::Value;

/// The scripts of which all pieces can be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Script {
    /// Chinese characters and punctuation.
    Han,
    /// ASCII: letters, digits and signs.
    Ascii,
}

/// A vocabulary with fewer pieces.
#[derive(Clone, Debug)]
pub struct Pruned {
    /// The old ids of the pieces that are kept, in order.
    pub kept: Vec<u32>,
    /// The text of the new `tokenizer.json`.
    pub tokenizer: String,
}

impl Script {
    fn has(self, c: char) -> bool {
        match self {
            Self::Ascii => c.is_ascii(),
            Self::Han => matches!(c,
                '\u{3000}'..='\u{303f}' | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}'
                | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ffef}' | '\u{2010}'..='\u{2026}'),
        }
    }
}

/// Chooses the pieces to keep, and writes the tokenizer that knows them alone.
pub fn prune(
    tokenizer: &EncoderTokenizer,
    texts: &[String],
    scripts: &[Script],
) -> Result<Pruned, String> {
    let failed = |error: fenzhen::inference::EncoderError| error.to_string();
    let json = tokenizer.to_json().map_err(failed)?;
    let mut file: Value = serde_json::from_str(&json).map_err(|error| error.to_string())?;
    let mut is_kept = vec![false; tokenizer.n_ids()];
    // Pieces may begin with a mark: where a word begins, or that it goes on.
    let of_script = |piece: &str| {
        let bare = piece.trim_start_matches("##").trim_start_matches('▁');
        bare.chars().all(|c| scripts.iter().any(|script| script.has(c)))
    };
    for (piece, id) in tokenizer.pieces() {
        is_kept[id as usize] = of_script(&piece);
    }
    for text in texts {
        for id in tokenizer.encode(text).map_err(failed)?.ids {
            is_kept[id as usize] = true;
        }
    }
    let added = file["added_tokens"].as_array().cloned().unwrap_or_default();
    let mut special: Vec<u64> = added.iter().filter_map(|token| token["id"].as_u64()).collect();
    special.extend(file["model"]["unk_id"].as_u64());
    for id in special {
        is_kept[id as usize] = true;
    }
    let kept: Vec<u32> = (0..).zip(&is_kept).filter(|(_, keep)| **keep).map(|(id, _)| id).collect();
    let new_ids: BTreeMap<u64, u64> = kept.iter().map(|&id| u64::from(id)).zip(0..).collect();
    prune_model(&mut file["model"], &new_ids)?;
    for token in file["added_tokens"].as_array_mut().into_iter().flatten() {
        renumber(&mut token["id"], &new_ids);
    }
    renumber_template(&mut file["post_processor"], &new_ids)?;
    Ok(Pruned { kept, tokenizer: file.to_string() })
}

fn renumber(id: &mut Value, new_ids: &BTreeMap<u64, u64>) {
    if let Some(new) = id.as_u64().and_then(|old| new_ids.get(&old)) {
        *id = Value::from(*new);
    }
}

fn prune_model(model: &mut Value, new_ids: &BTreeMap<u64, u64>) -> Result<(), String> {
    if let Some(unknown) = model.get_mut("unk_id") {
        renumber(unknown, new_ids);
    }
    let is_word_piece = model["type"] == "WordPiece";
    if !is_word_piece && model["unk_id"].is_null() {
        return Err("only unigram vocabularies with an unknown piece can be pruned".to_owned());
    }
    match &mut model["vocab"] {
        Value::Array(pieces) => {
            let mut id = 0;
            pieces.retain(|_| {
                id += 1;
                new_ids.contains_key(&(id - 1))
            });
        }
        Value::Object(pieces) if is_word_piece => {
            pieces.retain(|_, id| id.as_u64().is_some_and(|id| new_ids.contains_key(&id)));
            for id in pieces.values_mut() {
                renumber(id, new_ids);
            }
        }
        _ => return Err("only unigram and WordPiece vocabularies can be pruned".to_owned()),
    }
    Ok(())
}

/// The special tokens at both ends of a text.
fn renumber_template(processor: &mut Value, new_ids: &BTreeMap<u64, u64>) -> Result<(), String> {
    match processor["type"].as_str() {
        None => Ok(()),
        Some("TemplateProcessing") => {
            let tokens = processor["special_tokens"].as_object_mut().into_iter().flatten();
            for (_, token) in tokens {
                for id in token["ids"].as_array_mut().into_iter().flatten() {
                    renumber(id, new_ids);
                }
            }
            Ok(())
        }
        Some("BertProcessing" | "RobertaProcessing") => {
            for end in ["sep", "cls"] {
                renumber(&mut processor[end][1], new_ids);
            }
            Ok(())
        }
        Some(other) => Err(format!("a post-processor `{other}` cannot be pruned")),
    }
}

/// The encoder with the vectors of the kept pieces alone.
pub fn keep(folder: &EncoderFolder, kept: &[u32]) -> (EncoderConfig, Parameters) {
    let config = EncoderConfig { vocab_size: kept.len(), ..folder.config.clone() };
    let hidden = config.hidden_size;
    let parameters = Parameters::new(&config, |name| {
        let values = folder.parameters.get(name);
        if name != "embeddings.word_embeddings.weight" {
            return values.to_vec();
        }
        kept.iter().flat_map(|&id| &values[id as usize * hidden..][..hidden]).copied().collect()
    });
    (config, parameters)
}
