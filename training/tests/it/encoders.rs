//! Encoders of every known architecture, as commands train, judge and audit their heads and layers.
//! The encoders are tiny and invented.

use std::{collections::HashMap, fs, path::Path, process::Stdio, thread, time::Duration};

use candle_core::{Device, Tensor};
use fenzhen::inference::{EncoderFolder, PlainEncoder, load};
use fenzhen::registry::{Architecture, Bundle, Kind};
use fenzhen::text::Analyzer;
use serde_json::Value;

use crate::lab::{Lab, two_topics};

const VOCAB: &str =
    "[PAD]\n[UNK]\n[CLS]\n[SEP]\n快\n递\n一\n直\n没\n送\n到\n退\n款\n账\n第\n单\n已\n经\n天\n了";

const BERT: &str = r#"{"model_type": "bert", "vocab_size": 20, "hidden_size": 32,
  "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64,
  "max_position_embeddings": 40, "type_vocab_size": 1}"#;
const XLM: &str = r#"{"model_type": "xlm-roberta", "vocab_size": 20, "hidden_size": 32,
  "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64,
  "max_position_embeddings": 40, "type_vocab_size": 1, "pad_token_id": 0}"#;
const DISTIL: &str = r#"{"model_type": "distilbert", "vocab_size": 20, "dim": 32, "n_layers": 2,
  "n_heads": 2, "hidden_dim": 64, "activation": "gelu", "max_position_embeddings": 40}"#;
const MODERN: &str = r#"{"model_type": "modernbert", "vocab_size": 20, "hidden_size": 32,
  "num_hidden_layers": 3, "num_attention_heads": 2, "intermediate_size": 48,
  "max_position_embeddings": 40, "global_attn_every_n_layers": 3, "global_rope_theta": 160000.0,
  "local_attention": 8, "local_rope_theta": 10000.0}"#;

/// Names and shapes of the tensors of a BERT of two layers.
fn bert() -> Vec<(String, Vec<usize>)> {
    let mut all = vec![
        ("embeddings.word_embeddings.weight".to_owned(), vec![20, 32]),
        ("embeddings.position_embeddings.weight".to_owned(), vec![40, 32]),
        ("embeddings.token_type_embeddings.weight".to_owned(), vec![1, 32]),
        ("embeddings.LayerNorm.weight".to_owned(), vec![32]),
        ("embeddings.LayerNorm.bias".to_owned(), vec![32]),
    ];
    for layer in 0..2 {
        for (part, n_outputs, n_inputs) in [
            ("attention.self.query", 32, 32),
            ("attention.self.key", 32, 32),
            ("attention.self.value", 32, 32),
            ("attention.output.dense", 32, 32),
            ("attention.output.LayerNorm", 32, 0),
            ("intermediate.dense", 64, 32),
            ("output.dense", 32, 64),
            ("output.LayerNorm", 32, 0),
        ] {
            let name = format!("encoder.layer.{layer}.{part}");
            let shape = if n_inputs == 0 { vec![n_outputs] } else { vec![n_outputs, n_inputs] };
            all.push((format!("{name}.weight"), shape));
            all.push((format!("{name}.bias"), vec![n_outputs]));
        }
    }
    all
}

fn distil() -> Vec<(String, Vec<usize>)> {
    let renamed = [
        ("encoder.layer", "transformer.layer"),
        ("attention.self.query", "attention.q_lin"),
        ("attention.self.key", "attention.k_lin"),
        ("attention.self.value", "attention.v_lin"),
        ("attention.output.dense", "attention.out_lin"),
        ("attention.output.LayerNorm", "sa_layer_norm"),
        ("intermediate.dense", "ffn.lin1"),
        ("output.dense", "ffn.lin2"),
        ("output.LayerNorm", "output_layer_norm"),
    ];
    let all = bert().into_iter().filter(|(name, _)| !name.contains("token_type"));
    all.map(|(name, shape)| {
        (renamed.iter().fold(name, |name, (from, to)| name.replace(from, to)), shape)
    })
    .collect()
}

fn modern() -> Vec<(String, Vec<usize>)> {
    let mut all = vec![
        ("model.embeddings.tok_embeddings.weight".to_owned(), vec![20, 32]),
        ("model.embeddings.norm.weight".to_owned(), vec![32]),
        ("model.final_norm.weight".to_owned(), vec![32]),
    ];
    for layer in 0..3 {
        for (part, shape) in [
            ("attn_norm", vec![32]),
            ("attn.Wqkv", vec![96, 32]),
            ("attn.Wo", vec![32, 32]),
            ("mlp_norm", vec![32]),
            ("mlp.Wi", vec![96, 32]),
            ("mlp.Wo", vec![32, 48]),
        ] {
            if (layer, part) != (0, "attn_norm") {
                all.push((format!("model.layers.{layer}.{part}.weight"), shape));
            }
        }
    }
    all
}

/// Writes a folder in the layout of Hugging Face with invented weights.
fn write(dir: &Path, config: &str, tensors: &[(String, Vec<usize>)]) {
    let tensors = tensors.iter().enumerate().map(|(n, (name, shape))| {
        let is_gain = shape.len() == 1 && name.ends_with("weight");
        let middle = if is_gain { 1.0 } else { 0.0 };
        let value = |it: usize| (((it + n * 31) * 7919 % 101) as f32 / 100.0 - 0.5) * 0.5;
        let values: Vec<f32> = (0..shape.iter().product()).map(|it| middle + value(it)).collect();
        let tensor = Tensor::from_vec(values, shape.as_slice(), &Device::Cpu).unwrap();
        (name.clone(), tensor)
    });
    let tensors: HashMap<String, Tensor> = tensors.collect();
    fs::create_dir(dir).unwrap();
    fs::write(dir.join("config.json"), config).unwrap();
    fs::write(dir.join("vocab.txt"), VOCAB).unwrap();
    candle_core::safetensors::save(&tensors, dir.join("model.safetensors")).unwrap();
}

/// A lab with a table, a recipe for heads alone and one encoder of each architecture.
fn lab() -> Lab {
    let lab = Lab::new();
    lab.write("x.csv", two_topics(120));
    let recipe = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes/encoder-heads.toml");
    let recipe = fs::read_to_string(recipe).unwrap();
    let recipe = recipe.replace("taxonomy = \"../../datasets/taxonomy.toml\"\n", "");
    lab.write("heads.toml", recipe.replace("validation_folds = 10", "validation_folds = 4"));
    for (name, config, tensors) in [
        ("bert", BERT, bert()),
        ("xlm", XLM, bert()),
        ("distil", DISTIL, distil()),
        ("modern", MODERN, modern()),
    ] {
        write(&lab.path(name), config, &tensors);
    }
    lab
}

const DATA: &str = "--recipe heads.toml --data x.csv --head label";

#[test]
fn heads_on_every_architecture_make_a_blend_that_is_served() {
    let lab = lab();
    let analyzer = Analyzer::default();
    for (name, architecture) in [
        ("xlm", Architecture::Bert),
        ("distil", Architecture::Bert),
        ("modern", Architecture::ModernBert),
    ] {
        let ran = lab.run(&format!("train {DATA} --encoder {name} --out of-{name}"));
        assert!(ran.is_success, "{}", ran.stderr);
        assert!(ran.stderr.contains("label: held-out macro-F1"), "{}", ran.stderr);
        assert!(!lab.path(&format!("of-{name}.checkpoints")).exists(), "there is nothing to keep");
        let bundle = Bundle::open(&lab.path(&format!("of-{name}"))).unwrap();
        let manifest = bundle.manifest();
        assert_eq!((manifest.kind, manifest.architecture()), (Kind::Blend, architecture));
        assert!(manifest.blend.as_ref().unwrap().encoder.as_ref().unwrap().learned.is_none());
        let classifier = load(&bundle).unwrap();
        let document = analyzer.analyze("第3单退款一直没到账已经5天了");
        let prediction = classifier.classify(&document);
        let (head, answer) = prediction.find_head("label").unwrap();
        assert_eq!(head.labels[answer.chosen[0]].id.as_str(), "refund", "{name}");
        let card = lab.read(&format!("of-{name}/card.md"));
        let kind = if name == "modern" { "A ModernBERT that reads" } else { "A BERT that reads" };
        assert!(card.contains(kind) && card.contains("stayed as it was read"), "{card}");
        // The next one may begin with the bundle.
        let again = PlainEncoder::from_bundle(&bundle).unwrap();
        assert_eq!(again.architecture(), architecture);
    }
    let ran = lab.run(&format!("train {DATA} --encoder of-modern --out again"));
    assert!(ran.is_success, "{}", ran.stderr);
}

#[test]
fn encoder_recipes_are_cross_validated_fold_by_fold() {
    let lab = lab();
    for name in ["bert", "modern"] {
        let command =
            format!("cross-validate {DATA} --encoder {name} --threshold 0.95 --format json");
        let ran = lab.run(&command);
        assert!(ran.is_success, "{}", ran.stderr);
        let report: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!((report["n_texts"].as_u64(), report["n_folds"].as_u64()), (Some(120), Some(5)));
        assert_eq!(report["heads"]["label"]["accuracy"], 1.0, "{name}");
        assert_eq!(ran.stderr.matches("computing vectors").count(), 1, "{}", ran.stderr);
    }
    // Labels that have nothing to do with the texts cannot be known by other folds.
    let rows = two_topics(120).replace("refund", "x").replace("logistics", "x");
    let mixed: Vec<String> = rows
        .lines()
        .enumerate()
        .map(|(n, row)| match row.strip_suffix(",x") {
            Some(text) => format!("{text},{}\n", if n * 7919 % 101 < 50 { "a" } else { "b" }),
            None => format!("{row}\n"),
        })
        .collect();
    lab.write("mixed.csv", mixed.concat());
    let command = "cross-validate --recipe heads.toml --data mixed.csv --head label --encoder bert \
                   --threshold 0.95 --format json";
    let ran = lab.run(command);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let accuracy = report["heads"]["label"]["accuracy"].as_f64().unwrap();
    assert!((0.2..0.8).contains(&accuracy), "{accuracy}");
}

#[test]
fn an_audit_with_an_encoder_finds_swapped_labels() {
    let lab = lab();
    let swapped = [7, 40, 77];
    let rows: Vec<String> = two_topics(120)
        .lines()
        .enumerate()
        .map(|(n, row)| match row.rsplit_once(',') {
            Some((text, "refund")) if swapped.contains(&n) => format!("{text},logistics\n"),
            Some((text, "logistics")) if swapped.contains(&n) => format!("{text},refund\n"),
            _ => format!("{row}\n"),
        })
        .collect();
    lab.write("x.csv", rows.concat());
    let ran = lab.run(&format!("dataset audit {DATA} --encoder distil --out review.jsonl"));
    assert!(ran.is_success, "{}", ran.stderr);
    let review = lab.read("review.jsonl");
    let n_found = swapped.iter().filter(|n| review.contains(&format!("line {}\"", *n + 1))).count();
    assert!(2 <= n_found, "{n_found}: {review}");
}

#[test]
fn what_takes_hours_or_cannot_be_is_refused_with_what_to_do() {
    let lab = lab();
    let layers = lab.read("heads.toml").replace("trained_layers = 0", "trained_layers = 1");
    lab.write("layers.toml", layers);
    let check = |command: &str, expected: &str| {
        let ran = lab.run(command);
        assert!(!ran.is_success && ran.stderr.contains(expected), "{}", ran.stderr);
    };
    let layers = "--recipe layers.toml --data x.csv --head label";
    let advice =
        "trains 1 layers, which takes hours for each fold; take one with `trained_layers = 0`";
    check(&format!("cross-validate {layers} --encoder bert"), advice);
    check(&format!("dataset audit {layers} --encoder bert --out review.jsonl"), advice);
    check(&format!("cross-validate {DATA}"), "name one with `--encoder`");
    check("cross-validate --data x.csv --head label --encoder bert", "has no encoder");
    let train = format!("train {layers} --encoder modern --out x");
    check(&train, "the layers of a ModernBERT cannot be trained");
    if !candle_core::utils::cuda_is_available() {
        let train = format!("train {layers} --encoder bert --device cuda --out gpu");
        check(&train, "was built without CUDA; build it with");
        assert!(!lab.path("gpu").exists());
    }
    fs::remove_file(lab.path("modern/vocab.txt")).unwrap();
    check(&format!("cross-validate {DATA} --encoder modern"), "has no tokenizer.json or vocab.txt");
}

#[test]
fn a_training_that_is_killed_goes_on_to_the_same_encoder() {
    let lab = lab();
    let recipe = lab.read("heads.toml").replace("trained_layers = 0", "trained_layers = 2");
    let recipe = recipe.replace("patience = 5", "patience = 40");
    lab.write("layers.toml", recipe.replace("checkpoint_steps = 100", "checkpoint_steps = 3"));
    let train = "train --recipe layers.toml --data x.csv --head label --encoder bert";
    let ran = lab.run(&format!("{train} --checkpoints a --out whole"));
    assert!(ran.is_success && !ran.stderr.contains("goes on after step"), "{}", ran.stderr);

    let command = format!("{train} --checkpoints b --out resumed");
    let mut killed = lab.command(&command).stderr(Stdio::null()).spawn().unwrap();
    while !lab.path("b/state.json").exists() {
        assert_eq!(killed.try_wait().unwrap(), None, "it came to its end without a checkpoint");
        thread::sleep(Duration::from_millis(1));
    }
    killed.kill().unwrap();
    assert!(!killed.wait().unwrap().success());
    assert!(!lab.path("resumed").exists());
    let ran = lab.run(&command);
    assert!(ran.is_success && ran.stderr.contains("goes on after step"), "{}", ran.stderr);
    let encoder = |name: &str| fs::read(lab.path(name).join("encoder.safetensors")).unwrap();
    assert_eq!(encoder("whole"), encoder("resumed"));
}

#[test]
fn an_encoder_learns_from_what_finished_bundles_say_about_texts_without_labels() {
    let lab = lab();
    let recipe = lab.read("heads.toml").replace("trained_layers = 0", "trained_layers = 1");
    let recipe = recipe.replace("epochs = 40", "epochs = 2\ntaught_texts = 30");
    lab.write("taught.toml", recipe.clone());
    let ran = lab.run(&format!("train {DATA} --encoder bert --out teacher"));
    assert!(ran.is_success, "{}", ran.stderr);
    // Texts that have little in common, one of the table and one that is measured on.
    let letter = |n: u32, it: u32| char::from_u32(0x4e00 + (n * 7919 + it * it * 31) % 5_000);
    let word = |n: u32| (0..12).filter_map(|it| letter(n, it)).collect::<String>();
    let mut more: Vec<String> = (0..40).map(|n| format!("退款{}", word(n))).collect();
    let apart = format!("text\n{}\n", more[0]);
    more.push("第3单退款一直没到账已经757天了".to_owned());
    lab.write("more.csv", format!("text\n{}\n", more.join("\n")));
    lab.write("apart.csv", apart);
    let data = "--data x.csv --head label --encoder bert";
    let train = format!("train --recipe taught.toml {data} --apart apart.csv");
    let ran = lab.run(&format!("{train} --unlabelled more.csv --teacher teacher --out student"));
    assert!(ran.is_success, "{}", ran.stderr);
    let student = Bundle::open(&lab.path("student")).unwrap();
    let lineage = &student.manifest().lineage;
    let teacher = Bundle::open(&lab.path("teacher")).unwrap();
    assert_eq!(lineage.teachers, [teacher.version()]);
    let unlabelled: Vec<_> = lineage.unlabelled.iter().map(|it| (&*it.name, it.n_texts)).collect();
    assert_eq!(unlabelled, [("more.csv", 30)]);
    assert!(ran.stderr.contains("39 of 41 texts resemble no other"), "{}", ran.stderr);
    let card = lab.read("student/card.md");
    assert!(card.contains("texts without labels, as `teacher@"), "{card}");
    for (command, expected) in [
        (train.clone(), "nobody teaches them"),
        (format!("{train} --teacher teacher"), "--unlabelled"),
        (format!("{train} --teacher teacher --unlabelled gold.csv"), "a gold set by its name"),
        (
            format!("train {DATA} --encoder bert --teacher teacher --unlabelled more.csv"),
            "teaches no texts without labels",
        ),
    ] {
        let ran = lab.run(&format!("{command} --out x"));
        assert!(!ran.is_success && ran.stderr.contains(expected), "{}", ran.stderr);
    }
    lab.write("heads-taught.toml", recipe.replace("trained_layers = 1", "trained_layers = 0"));
    let command = format!("train --recipe heads-taught.toml {data} --unlabelled more.csv");
    let ran = lab.run(&format!("{command} --teacher teacher --out x"));
    assert!(ran.stderr.contains("trains heads alone"), "{}", ran.stderr);
    lab.write("y.csv", two_topics(60).replace("refund", "money"));
    let command = "train --recipe taught.toml --data y.csv --head label --encoder bert";
    let ran = lab.run(&format!("{command} --unlabelled more.csv --teacher teacher --out x"));
    assert!(ran.stderr.contains("has other heads or labels"), "{}", ran.stderr);
}

#[test]
fn a_judgement_by_an_encoder_that_knows_the_labels_says_so() {
    let lab = lab();
    let layers = lab.read("heads.toml").replace("trained_layers = 0", "trained_layers = 1");
    lab.write("layers.toml", layers.replace("epochs = 40", "epochs = 1"));
    let layers = "--recipe layers.toml --data x.csv --head label";
    let ran = lab.run(&format!("train {layers} --encoder distil --out tuned"));
    assert!(ran.is_success, "{}", ran.stderr);
    let bundle = Bundle::open(&lab.path("tuned")).unwrap();
    let encoder = bundle.manifest().blend.as_ref().unwrap().encoder.clone().unwrap();
    assert_eq!(encoder.learned.unwrap().data, bundle.manifest().lineage.data);
    let ran = lab.run(&format!("cross-validate {DATA} --encoder tuned --threshold 0.95"));
    assert!(ran.is_success, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("has learned the labels of x.csv: figures flatter"),
        "{}",
        ran.stderr
    );
    let ran = lab.run(&format!("cross-validate {DATA} --encoder distil --threshold 0.95"));
    assert!(!ran.stderr.contains("figures flatter"), "{}", ran.stderr);
    // Heads for more texts: what the encoder has learned from is known as long as it comes first.
    lab.write("y.csv", two_topics(60).replace("第", "今天"));
    let blind = "confidence will be too high";
    let ran = lab.run(&format!("train {DATA} --data y.csv --encoder tuned --out next"));
    assert!(ran.is_success && !ran.stderr.contains(blind), "{}", ran.stderr);
    let next = Bundle::open(&lab.path("next")).unwrap();
    assert_eq!(next.manifest().lineage.data.len(), 2);
    let carried = next.manifest().blend.as_ref().unwrap().encoder.clone().unwrap();
    assert_eq!(carried.learned.unwrap().data, bundle.manifest().lineage.data);
    let command =
        "train --recipe heads.toml --data y.csv --data x.csv --head label --encoder tuned";
    let ran = lab.run(&format!("{command} --out other"));
    assert!(ran.is_success && ran.stderr.contains(blind), "{}", ran.stderr);
}

#[test]
fn import_writes_a_distilbert_that_loads_again() {
    let lab = lab();
    lab.write("texts.csv", "text\n快递没送到\n");
    for more in ["", " --texts texts.csv --scripts ascii"] {
        let ran = lab.run(&format!("import distil --out in{}{more}", more.len()));
        assert!(ran.is_success, "{}", ran.stderr);
        let folder = EncoderFolder::read(&lab.path(&format!("in{}", more.len()))).unwrap();
        assert_eq!(folder.config.hidden_size, 32);
    }
    let ran = lab.run("import modern --out x");
    assert!(ran.stderr.contains("of which heads alone can be trained"), "{}", ran.stderr);
}
