//! A tiny encoder learns, goes on after a kill as if nothing had happened, and takes its part in a
//! blend.

use std::{fs, path::Path};

use fenzhen::inference::{EncoderConfig, EncoderFolder, Parameters};
use fenzhen::registry::Digest;

use super::checkpoint::Checkpoints;
use super::learner::{Corpus, Learner, Standard, pool};
use super::objective::{Objective, total_outputs};
use super::*;
use crate::dataset::{Columns, Dataset, Table, infer_taxonomy};

const CONFIG: &str = r#"{"model_type": "bert", "vocab_size": 40, "hidden_size": 32,
  "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64,
  "max_position_embeddings": 40, "type_vocab_size": 1}"#;

/// Small noise that is the same everywhere.
fn noise(seed: usize, len: usize) -> Vec<f32> {
    let mut state = (seed as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1_u32 << 23) as f32 - 1.0
    };
    (0..len).map(|_| next() * 0.3).collect()
}

fn folder() -> EncoderFolder {
    folder_of(CONFIG)
}

fn folder_of(config_json: &str) -> EncoderFolder {
    let config = EncoderConfig::parse(config_json.as_bytes(), Path::new("config.json")).unwrap();
    let parameters = Parameters::new(&config, |name| {
        let (hidden, inner) = (config.hidden_size, config.intermediate_size);
        let len = match name {
            "embeddings.word_embeddings.weight" => config.vocab_size * hidden,
            "embeddings.position_embeddings.weight" => config.max_tokens * hidden,
            name if name.ends_with("intermediate.dense.bias") => inner,
            name if name.contains("LayerNorm") || name.contains("bias") => hidden,
            "embeddings.token_type_embeddings.weight" => hidden,
            name if name.contains("attention") => hidden * hidden,
            _ => hidden * inner,
        };
        if name.ends_with("LayerNorm.weight") { vec![1.0; len] } else { noise(name.len(), len) }
    });
    let dir = tempfile::tempdir().unwrap();
    let pieces = "快递一直没送到退款账希望改进请尽处理马上报警起诉第单天次，";
    let pieces: Vec<String> = pieces.chars().map(String::from).collect();
    let vocab = format!("[PAD]\n[UNK]\n[CLS]\n[SEP]\n{}", pieces.join("\n"));
    fs::write(dir.path().join("config.json"), config_json).unwrap();
    fs::write(dir.path().join("vocab.txt"), vocab).unwrap();
    fs::write(dir.path().join("model.safetensors"), parameters.to_bytes(false)).unwrap();
    EncoderFolder::read(dir.path()).unwrap()
}

/// Two topics, three degrees and a signal; every tenth text says nothing about its topic.
pub(super) fn dataset() -> Dataset {
    let topics = [("快递没送到", "logistics"), ("退款没到账", "refund")];
    let degrees = [("希望改进", "low"), ("请尽快处理", "normal"), ("马上报警起诉", "high")];
    let mut csv = "text,topic,degree,signals\n".to_owned();
    for n in 0..30 {
        for (topic, topic_label) in topics {
            for (degree, degree_label) in degrees {
                let signal = if degree_label == "high" { "legal" } else { "" };
                let topic_label = if n % 10 == 9 { "" } else { topic_label };
                let text = format!("第{n}单{topic}，{degree}{n}次");
                csv += &[text.as_str(), topic_label, degree_label, signal].join(",");
                csv.push('\n');
            }
        }
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.csv");
    fs::write(&path, csv).unwrap();
    let heads = ["topic", "degree=degree:ordinal:low,normal,high", "signals=signals:multi_label"];
    let heads = heads.map(|head| head.parse().unwrap()).to_vec();
    let columns = Columns { text: "text".to_owned(), heads };
    let table = Table::read(&[path], &columns).unwrap();
    let taxonomy = infer_taxonomy(&table, &columns).unwrap();
    Dataset::new(table, taxonomy).unwrap()
}

pub(super) fn settings(trained_layers: usize) -> EncoderSettings {
    EncoderSettings {
        folder: None,
        max_tokens: 30,
        trained_layers,
        train_words: 0 < trained_layers,
        validation_folds: 5,
        epochs: 12,
        patience: 12,
        members: 1,
        taught_texts: 0,
        batch_size: 16,
        rate: 1e-3,
        head_rate: 1e-2,
        warm_up: 0.1,
        weight_decay: 0.01,
        clip: 1.0,
        dropout: 0.1,
        class_weight_power: 0.5,
        checkpoint_steps: 5,
    }
}

/// What a learner begins with.
pub(super) struct Start {
    pub(super) dataset: Dataset,
    folder: EncoderFolder,
    tokens: Vec<Vec<u32>>,
    /// Every text.
    pub(super) texts: Vec<usize>,
    standard: Standard,
}

impl Start {
    pub(super) fn new() -> Self {
        let (dataset, folder) = (dataset(), folder());
        let encode = |text: &String| folder.tokenizer.encode(text).unwrap().ids;
        let tokens: Vec<Vec<u32>> = dataset.texts.iter().map(encode).collect();
        let bert = Bert::from_parameters(&folder.config, &folder.parameters, &Device::Cpu).unwrap();
        let texts: Vec<usize> = (0..tokens.len()).collect();
        let standard = Standard::of(&pool(&bert, &tokens, &texts).unwrap());
        Self { dataset, folder, tokens, texts, standard }
    }

    pub(super) fn learner(&self, settings: &EncoderSettings) -> Learner {
        let n_outputs = total_outputs(&self.dataset.taxonomy);
        let place = (0, &Device::Cpu);
        Learner::new(&self.folder, settings, self.standard.clone(), n_outputs, place).unwrap()
    }

    fn plan<'a>(
        &'a self,
        settings: &'a EncoderSettings,
        (checkpoints, taught): (&'a Checkpoints, &'a Taught),
    ) -> Plan<'a> {
        let Self { dataset, folder, .. } = self;
        let task = Task { dataset, settings, seed: 7, triage_share: 0.1, learned: None };
        Plan { task, taught, folder, checkpoints, device: &Device::Cpu }
    }

    pub(super) fn corpus(&self) -> Corpus<'_> {
        Corpus { dataset: &self.dataset, shares: &[], tokens: &self.tokens }
    }
}

/// Trains on everything but a fold, and looks at the figures of that fold.
fn check(settings: &EncoderSettings, least_quality: f64) -> EncoderFolder {
    let start = Start::new();
    let dir = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(dir.path().to_owned(), Digest::of(b"test"));
    let nothing = Taught::default();
    let plan = start.plan(settings, (&checkpoints, &nothing));
    let trained = fine_tune(&plan, &Progress::silent()).unwrap();
    let quality = quality(plan.task, &trained.fitted.validation, &trained.fitted.scores);
    assert!(least_quality < quality, "{quality}");
    assert_eq!(trained.learned.unwrap().data, start.dataset.sources);
    match trained.encoder {
        PlainEncoder::Bert(folder) => folder,
        PlainEncoder::ModernBert(_) => panic!("it was a BERT"),
    }
}

#[test]
fn all_layers_learn() {
    let trained = check(&settings(2), 0.9);
    assert_eq!(trained.config.max_tokens, 30);
    assert_ne!(trained.parameters, folder().parameters);
}

#[test]
fn what_a_teacher_says_is_learned() {
    let start = Start::new();
    let Start { dataset, texts, .. } = &start;
    let n_texts = texts.len();
    let tokens = [start.tokens.as_slice(), &start.tokens].concat();
    // The same texts again without labels; of the topic the teacher knows nothing.
    let shares = dataset.texts.iter().map(|text| {
        let degree = ["希望", "请", "马上"].map(|it| f32::from(u8::from(text.contains(it))));
        let shares = degree.map(|it| it * 0.8 + 0.2 / 3.0);
        [&[0.5, 0.5][..], &shares, &[degree[2]]].concat()
    });
    let shares: Vec<Vec<f32>> = shares.collect();
    let mut learner = start.learner(&settings(2));
    let corpus = Corpus { dataset, shares: &shares, tokens: &tokens };
    let objective = Objective::new(dataset, texts, 0.5);
    let taught: Vec<usize> = (n_texts..2 * n_texts).collect();
    for _pass in 0..8 {
        for batch in taught.chunks(12) {
            learner.step(corpus, batch, &objective, 8 * n_texts / 12).unwrap();
        }
    }
    let scores = learner.scores(corpus, texts).unwrap();
    let degree = |row: &[f32]| row[2..4].iter().filter(|score| 0.0 < **score).count();
    let right = |(text, row): (usize, &Vec<f32>)| {
        usize::from(dataset.labels[1][text] == Some(vec![degree(row)]))
    };
    let n_right: usize = scores.iter().enumerate().map(right).sum();
    assert!(n_texts * 9 <= n_right * 10, "{n_right} of {n_texts}");
    let topic = scores.iter().map(|row| (row[0] - row[1]).abs()).fold(0.0, f32::max);
    assert!(topic < 1.0, "half and half was taught: {topic}");
}

#[test]
fn trainings_that_differ_by_chance_are_averaged() {
    let alone = check(&settings(2), 0.9);
    let together = check(&EncoderSettings { members: 2, ..settings(2) }, 0.9);
    assert_ne!(alone.parameters, together.parameters);
}

#[test]
fn an_average_lies_in_the_middle() {
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let of = |dir: &tempfile::TempDir| Checkpoints::new(dir.path().to_owned(), Digest::of(b"x"));
    let (mut one, other) = (steps(&of(&dirs[0]), 0, 6), steps(&of(&dirs[1]), 0, 3));
    let (a, b) = (one.head_weights().unwrap().0, other.head_weights().unwrap().0);
    let both = [one.weights().unwrap(), other.weights().unwrap()];
    one.set_weights(&checkpoint::mean(both.iter()).unwrap()).unwrap();
    let mean = one.head_weights().unwrap().0;
    assert!(a.iter().zip(&b).zip(&mean).all(|((a, b), it)| ((a + b) / 2.0 - it).abs() < 1e-6));
    assert_ne!(a, b);
}

#[test]
fn the_top_layer_learns_and_the_others_stay() {
    let (before, after) = (folder().parameters, check(&settings(1), 0.9).parameters);
    let moved = |name: &str| before.get(name) != after.get(name);
    assert!(!moved("encoder.layer.0.output.dense.weight"));
    assert!(moved("encoder.layer.1.output.dense.weight"));
}

#[test]
fn heads_learn_on_an_encoder_that_stays() {
    let (dataset, settings) = (&dataset(), &settings(0));
    let encoder = PlainEncoder::Bert(folder()).cut(settings.max_tokens).unwrap();
    let silent = Progress::silent();
    let vectors = vectors(&encoder, &dataset.texts, &silent).unwrap();
    let task = Task { dataset, settings, seed: 7, triage_share: 0.1, learned: None };
    let fitted = fit_heads(task, vectors.clone(), &silent);
    let quality = quality(task, &fitted.validation, &fitted.scores);
    assert!(0.8 < quality, "{quality}");
    for (&text, expected) in fitted.validation.iter().zip(&fitted.scores) {
        let found = fitted.heads.scores(&vectors[text]);
        assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-3), "{found:?}");
    }
}

/// Some steps of a learner, which may begin from a checkpoint.
fn steps(checkpoints: &Checkpoints, from: usize, to: usize) -> Learner {
    let start = Start::new();
    let mut learner = start.learner(&settings(2));
    let state = checkpoints.resume(&mut learner).unwrap();
    assert_eq!((state.step, learner.n_steps_done), (from, from));
    let objective = Objective::new(&start.dataset, &start.texts, 0.5);
    for step in from..to {
        let texts = &start.texts[step * 9..step * 9 + 9];
        learner.step(start.corpus(), texts, &objective, 20).unwrap();
    }
    checkpoints.save(&learner, &State { step: to, ..state }).unwrap();
    learner
}

#[test]
fn a_training_that_was_killed_ends_with_the_same_weights() {
    let dirs = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let of = |dir: &tempfile::TempDir| Checkpoints::new(dir.path().to_owned(), Digest::of(b"x"));
    let whole = steps(&of(&dirs[0]), 0, 6);
    steps(&of(&dirs[1]), 0, 3);
    let resumed = steps(&of(&dirs[1]), 3, 6);
    assert_eq!(whole.parameters().unwrap(), resumed.parameters().unwrap());
    assert_eq!(whole.head_weights().unwrap(), resumed.head_weights().unwrap());
    assert_eq!(whole.word_moments, resumed.word_moments);
}

#[test]
fn a_training_that_gains_nothing_stops_early() {
    let start = Start::new();
    // Rates of nothing change nothing, so that no pass is better than the first.
    let settings = &EncoderSettings { rate: 0.0, head_rate: 0.0, patience: 2, ..settings(1) };
    let dir = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(dir.path().to_owned(), Digest::of(b"x"));
    let nothing = Taught::default();
    let plan = start.plan(settings, (&checkpoints, &nothing));
    fine_tune(&plan, &Progress::silent()).unwrap();
    let state = checkpoints.resume(&mut start.learner(settings)).unwrap();
    assert_eq!((state.epoch, state.n_without_gain), (3, 2));
}

#[test]
fn an_encoder_of_odd_widths_is_refused_by_name() {
    let odd = &folder_of(&CONFIG.replace(r#""hidden_size": 32"#, r#""hidden_size": 30"#));
    let (start, settings) = (Start::new(), &settings(2));
    let dir = tempfile::tempdir().unwrap();
    let checkpoints = Checkpoints::new(dir.path().to_owned(), Digest::of(b"x"));
    let nothing = Taught::default();
    let plan = Plan { folder: odd, ..start.plan(settings, (&checkpoints, &nothing)) };
    let error = fine_tune(&plan, &Progress::silent());
    assert!(error.unwrap_err().to_string().contains("attention heads are 15 wide"));
}

#[test]
fn gradients_are_cut_to_the_longest_that_is_allowed() {
    let start = Start::new();
    let texts = &start.texts[..16];
    let objective = Objective::new(&start.dataset, texts, 0.5);
    // How far heads move in a step.
    let moved = |clip: f32| -> f32 {
        let settings = EncoderSettings { clip, weight_decay: 0.0, ..settings(1) };
        let mut learner = start.learner(&settings);
        learner.step(start.corpus(), texts, &objective, 10).unwrap();
        let weights = learner.head_weights().unwrap().0;
        weights.iter().map(|it| it * it).sum::<f32>().sqrt()
    };
    // Adam moves by the sign alone, until gradients are as small as what keeps it from dividing by 0.
    let (free, wide, tight) = (moved(1e6), moved(1e9), moved(1e-9));
    assert_eq!(free.to_bits(), wide.to_bits());
    assert!(tight < free * 0.5, "{tight} {free}");
}

#[test]
fn checkpoints_of_another_training_and_broken_ones_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_owned();
    let learner = steps(&Checkpoints::new(path.clone(), Digest::of(b"x")), 0, 1);
    let mut again = learner;
    let resume = |digest: &[u8], learner: &mut Learner| {
        Checkpoints::new(path.clone(), Digest::of(digest)).resume(learner).unwrap_err().to_string()
    };
    assert!(resume(b"y", &mut again).contains("other texts or settings"));
    let weights = path.join("step-000001.safetensors");
    let bytes = fs::read(&weights).unwrap();
    fs::write(&weights, &bytes[..bytes.len() / 2]).unwrap();
    assert!(resume(b"x", &mut again).contains("step-000001.safetensors` is broken"));
}

#[test]
fn rates_rise_and_fall() {
    let settings = settings(2);
    assert!(settings.pace(0, 100) < 0.1);
    assert!((settings.pace(10, 100) - 1.0).abs() < 0.06);
    assert!(settings.pace(99, 100) < 0.01);
}

#[test]
fn a_pruned_encoder_says_the_same_of_texts_whose_pieces_it_kept() {
    let folder = folder();
    let texts = ["快递没送到。".to_owned(), "退款".to_owned()];
    let pruned = prune(&folder.tokenizer, &texts, &[Script::Ascii]).unwrap();
    // Four special pieces, five of the first text and two of the second.
    assert_eq!(pruned.kept.len(), 4 + 5 + 2);
    let (config, parameters) = keep(&folder, &pruned.kept);
    let tokenizer = EncoderTokenizer::from_json(pruned.tokenizer.as_bytes(), 30).unwrap();
    assert_eq!(tokenizer.n_ids(), config.vocab_size);
    let vectors = |config: &EncoderConfig, parameters, tokenizer: &EncoderTokenizer| {
        let tokens: Vec<_> = texts.iter().map(|it| tokenizer.encode(it).unwrap().ids).collect();
        let bert = Bert::from_parameters(config, parameters, &Device::Cpu).unwrap();
        pool(&bert, &tokens, &[0, 1]).unwrap()
    };
    let before = vectors(&folder.config, &folder.parameters, &folder.tokenizer);
    assert_eq!(before, vectors(&config, &parameters, &tokenizer));
    let unknown = tokenizer.encode("报警").unwrap();
    assert_eq!(unknown.ids, [2, 1, 1, 3]);
}
