//! Whole folders load in every dialect; broken ones are refused by name of what is wrong.

use std::{fs, path::Path};

use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::tiny;
use crate::inference::encoder::{EncoderFolder, Parameters};

/// Breaks a whole folder and reads it.
fn check(breakage: impl Fn(&Path), expected: &str) {
    let dir = tempfile::tempdir().unwrap();
    tiny::write(dir.path());
    breakage(dir.path());
    let error = EncoderFolder::read(dir.path()).unwrap_err();
    let message = error.to_string().replace(&format!("{}/", dir.path().display()), "");
    let message = message.replace(&dir.path().display().to_string(), "FOLDER");
    assert!(message.contains(expected), "{message}");
}

fn replace(file: &str, from: &str, to: &str) -> impl Fn(&Path) {
    move |dir| {
        let text = fs::read_to_string(dir.join(file)).unwrap();
        assert!(text.contains(from));
        fs::write(dir.join(file), text.replace(from, to)).unwrap();
    }
}

fn remove(file: &str) -> impl Fn(&Path) {
    move |dir| fs::remove_file(dir.join(file)).unwrap()
}

/// Writes the tensors of the tiny encoder again, as `change` names and encodes them.
fn rewrite(
    dir: &Path,
    change: impl Fn(&str, &TensorView<'_>) -> Option<(String, Dtype, Vec<usize>, Vec<u8>)>,
) {
    let bytes = fs::read(dir.join("model.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let tensors: Vec<_> = file.iter().filter_map(|(name, view)| change(name, &view)).collect();
    let views = tensors.iter().map(|(name, dtype, shape, bytes)| {
        (name, TensorView::new(*dtype, shape.clone(), bytes).unwrap())
    });
    let bytes = safetensors::serialize(views, None).unwrap();
    fs::write(dir.join("model.safetensors"), bytes).unwrap();
}

type Tensor = (String, Dtype, Vec<usize>, Vec<u8>);

fn same(name: &str, view: &TensorView<'_>) -> Tensor {
    (name.to_owned(), view.dtype(), view.shape().to_vec(), view.data().to_vec())
}

#[test]
fn a_whole_folder_loads() {
    let folder = tiny::folder();
    assert_eq!(folder.config, tiny::config());
    assert_eq!(folder.parameters, tiny::parameters(&tiny::config()));
    assert_eq!(folder.config.head_size(), 32);
    assert_eq!(folder.parameters.get("encoder.layer.1.output.LayerNorm.bias").len(), 64);
}

#[test]
fn sixteen_bits_are_read_to_within_their_precision() {
    let exact = tiny::parameters(&tiny::config());
    let cut = |value: f32, dtype| match dtype {
        Dtype::F16 => half::f16::from_f32(value).to_le_bytes(),
        _ => half::bf16::from_f32(value).to_le_bytes(),
    };
    for (dtype, tolerance) in [(Dtype::F16, 5e-4), (Dtype::BF16, 4e-3)] {
        let dir = tempfile::tempdir().unwrap();
        tiny::write(dir.path());
        rewrite(dir.path(), |name, view| {
            let (chunks, _) = view.data().as_chunks::<4>();
            let bytes = chunks.iter().flat_map(|&it| cut(f32::from_le_bytes(it), dtype)).collect();
            Some((name.to_owned(), dtype, view.shape().to_vec(), bytes))
        });
        let read = EncoderFolder::read(dir.path()).unwrap().parameters;
        for ((name, read), (_, exact)) in read.iter().zip(exact.iter()) {
            for (read, exact) in read.values.iter().zip(&exact.values) {
                assert!((read - exact).abs() <= tolerance, "{name}: {read} {exact}");
            }
        }
    }
}

#[test]
fn prefixes_old_names_and_heads_of_others_do_no_harm() {
    let dir = tempfile::tempdir().unwrap();
    tiny::write(dir.path());
    rewrite(dir.path(), |name, view| {
        let (_, dtype, shape, data) = same(name, view);
        let name = name.replace("LayerNorm.weight", "LayerNorm.gamma");
        let name = name.replace("LayerNorm.bias", "LayerNorm.beta");
        Some((format!("bert.{name}"), dtype, shape, data))
    });
    let expected = tiny::parameters(&tiny::config());
    assert_eq!(EncoderFolder::read(dir.path()).unwrap().parameters, expected);
}

#[test]
fn roberta_counts_positions_from_after_its_padding() {
    let dir = tempfile::tempdir().unwrap();
    tiny::write(dir.path());
    replace("config.json", r#""bert""#, r#""roberta""#)(dir.path());
    replace("config.json", r#""pad_token_id": 0"#, r#""pad_token_id": 1"#)(dir.path());
    let folder = EncoderFolder::read(dir.path()).unwrap();
    assert_eq!((folder.config.first_position, folder.config.max_tokens), (2, 38));
}

#[test]
fn a_missing_file_is_named_with_what_to_do() {
    check(remove("config.json"), "`FOLDER` has no config.json: name a folder");
    check(remove("vocab.txt"), "`FOLDER` has no tokenizer.json or vocab.txt: copy");
    check(remove("model.safetensors"), "`FOLDER` has no model.safetensors: fetch");
    let rename = |dir: &Path| {
        fs::rename(dir.join("model.safetensors"), dir.join("pytorch_model.bin")).unwrap();
    };
    check(rename, "has no model.safetensors: convert `pytorch_model.bin`");
    check(|dir| fs::remove_dir_all(dir).unwrap(), "cannot read `FOLDER`");
}

#[test]
fn a_truncated_or_wrong_file_is_named() {
    let weights = "model.safetensors";
    for n_bytes in [5, 300, 20_000] {
        let cut = move |dir: &Path| {
            let bytes = fs::read(dir.join(weights)).unwrap();
            fs::write(dir.join(weights), &bytes[..n_bytes]).unwrap();
        };
        check(cut, "`model.safetensors` is no complete safetensors file");
    }
    check(|dir| fs::write(dir.join(weights), "").unwrap(), "`model.safetensors` is empty");
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n";
    check(|dir| fs::write(dir.join(weights), pointer).unwrap(), "run `git lfs pull`");
    check(|dir| fs::write(dir.join("config.json"), "{").unwrap(), "`config.json` is no JSON");
    check(
        |dir| fs::write(dir.join("tokenizer.json"), "{}").unwrap(),
        "`tokenizer.json` is no tokenizer",
    );
    check(|dir| fs::write(dir.join("vocab.txt"), [0xff, 0xfe]).unwrap(), "is not in UTF-8");
}

#[test]
fn tensors_that_are_missing_or_misshapen_are_named() {
    let change = |change: fn(&str, &TensorView<'_>) -> Option<Tensor>| {
        move |dir: &Path| rewrite(dir, change)
    };
    check(
        change(|name, view| (!name.ends_with("1.output.dense.bias")).then(|| same(name, view))),
        "has no tensor `encoder.layer.1.output.dense.bias`",
    );
    check(
        change(|name, view| {
            let (name, dtype, mut shape, data) = same(name, view);
            shape.reverse();
            Some((name, dtype, shape, data))
        }),
        "has tensor `embeddings.word_embeddings.weight` of shape [64, 14] instead of [14, 64]",
    );
    check(
        change(|name, view| {
            let (name, dtype, shape, mut data) = same(name, view);
            if name.ends_with("position_embeddings.weight") {
                data[..4].copy_from_slice(&f32::NAN.to_le_bytes());
            }
            Some((name, dtype, shape, data))
        }),
        "has tensor `embeddings.position_embeddings.weight` with values that are no numbers",
    );
    check(change(|_, _| None), "… and 29 more");
}

#[test]
fn a_shape_that_cannot_be_is_refused_with_all_its_mistakes() {
    let config = "config.json";
    check(replace(config, "\"bert\"", "\"albert\""), "is of type `albert`; known are");
    check(replace(config, "\"bert\"", "\"modernbert\""), "of which heads alone can be trained");
    check(replace(config, "\"num_attention_heads\": 2", "\"num_attention_heads\": 3"), "3 heads");
    check(replace(config, "\"gelu\"", "\"relu\""), "has `hidden_act` `relu`; only `gelu`");
    check(replace(config, "1e-12", "0"), "has `layer_norm_eps` 0, which is not");
    check(
        |dir| fs::write(dir.join(config), r#"{"hidden_size": 0}"#).unwrap(),
        "has no `max_position_embeddings`; has no `vocab_size`; has `hidden_size` 0, which is not \
         between 1 and 16384; has no `num_hidden_layers`",
    );
    check(replace(config, "\"vocab_size\": 14", "\"vocab_size\": 13"), "has 14 pieces, but");
    let cut = "`vocab.txt` has 9 pieces of the 14 that `config.json` says: it is cut off";
    check(replace("vocab.txt", "\n账\napp\n##le\n1\n。", ""), cut);
}

#[test]
fn a_vocabulary_without_special_pieces_or_with_copies_is_refused() {
    check(replace("vocab.txt", "[SEP]", "SEP"), "`vocab.txt` has no `[SEP]`");
    check(replace("vocab.txt", "款", "退"), "`vocab.txt` has the piece of line 6 twice");
}

#[test]
fn the_folder_that_a_variable_names_loads() {
    #[expect(clippy::disallowed_methods, reason = "a folder that is too large for the repository")]
    let Ok(dir) = std::env::var("FENZHEN_TEST_ENCODER") else { return };
    let folder = EncoderFolder::read(Path::new(&dir)).unwrap();
    let text = "退款三天了还没到账，客服一直不回。";
    let tokens = folder.tokenizer.encode(text).unwrap();
    assert!(5 < tokens.ids.len());
    let copy = folder.parameters.to_bytes(false);
    let again = Parameters::parse(&copy, &folder.config, Path::new("copy")).unwrap();
    assert_eq!(again, folder.parameters);
}
