//! `retrain`

use std::{
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Stdio},
};

use fenzhen::inference::{ENCODER_FILE, EncoderConfig, EncoderFolder, Parameters};
use fenzhen::registry::{Bundle, Kind};
use serde_json::Value;

use crate::database::fill;
use crate::workplace::{Workplace, own_texts, stderr, stdout};

/// How many cases the desk has, each labelled by a person.
const N_CASES: usize = 60;
/// What the command says before each of its steps.
const STEPS: [&str; 7] = [
    "snapshot of what people said",
    "training folds",
    "training on everything",
    "writing the bundle",
    "measuring against the live model",
    "installing the bundle",
    "promoting",
];

/// A novice is live, people have labelled cases, and the gate minds little.
struct Desk {
    place: Workplace,
    database: String,
    recipe: &'static str,
}

impl Desk {
    fn new() -> Self {
        let place = Workplace::new();
        let texts = own_texts(7, 50, N_CASES);
        let database = fill(&place, &texts, 1);
        let base: Vec<String> = own_texts(0, 10, 600).iter().map(Value::to_string).collect();
        place.write("base.jsonl", &(base.join("\n") + "\n"));
        let golden = r#"{"text": "罐头里吃出碎玻璃，嘴唇割破流血", "executive_review": true}"#;
        place.write("golden.jsonl", golden);
        place.edit("gate.toml", "min_texts = 100", "min_texts = 5");
        for tolerance in ["0.015", "0.02", "0.01"] {
            place.edit("gate.toml", &format!("tolerance = {tolerance}"), "tolerance = 0.9");
        }
        place.edit("gate.toml", "tolerance_as_decided = 0.0", "tolerance_as_decided = 1.0");
        place.edit("gate.toml", "tolerance_at_rate = 0.02", "tolerance_at_rate = 1.0");
        Self { place, database, recipe: "linear.toml" }
    }

    fn arguments(&self) -> Vec<String> {
        let recipe = crate::workplace::root().join("training/recipes").join(self.recipe);
        let recipe = recipe.to_str().unwrap();
        let words = ["retrain", "--base", "base.jsonl", "--gate", "gate.toml", "--runs", "runs"];
        let words = words.into_iter().chain(["--recipe", recipe, "--database", &self.database]);
        words.map(str::to_owned).collect()
    }

    fn start(&self) -> Child {
        let mut command = self.place.command(&["retrain"]);
        command.args(&self.arguments()[1..]).arg("--promote");
        command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap()
    }

    fn run(&self, more: &[&str]) -> std::process::Output {
        let mut command = self.place.command(&["retrain"]);
        command.args(&self.arguments()[1..]).args(more).output().unwrap()
    }

    /// Trains a blend on the base texts by another recipe, and makes it the live model.
    fn go_live_with(&self, recipe: &str, name: &str) {
        let out = format!("models/{name}");
        let train = ["train", "--recipe", recipe, "--data", "base.jsonl", "--encoder", "tiny"];
        let output = self.place.lab(&[&train[..], &["--out", &out]].concat());
        assert!(output.status.success(), "{}", stderr(&output));
        let live = toml::to_string(&self.place.live_of(name)).unwrap();
        fs::write(self.place.models().join("live.toml"), live).unwrap();
    }

    /// The files of the last run.
    fn last_run(&self, name: &str) -> String {
        let mut runs: Vec<_> =
            fs::read_dir(self.place.path("runs")).unwrap().map(|it| it.unwrap().path()).collect();
        runs.sort();
        fs::read_to_string(runs.pop().unwrap().join(name)).unwrap()
    }
}

/// Waits until the command says that a step begins, and kills it.
fn kill_at(mut child: Child, step: &str) {
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let said: Vec<String> =
        lines.by_ref().map_while(Result::ok).take_while(|it| !it.contains(step)).collect();
    child.kill().unwrap();
    let status = child.wait().unwrap();
    assert!(!said.iter().any(|line| line.contains("error:")), "{said:#?}, {status}");
}

#[test]
fn what_people_said_makes_the_next_model() {
    let desk = Desk::new();
    let output = desk.run(&["--promote", "--reason", "a new season"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stdout(&output).contains("newest cases"), "{}", stdout(&output));
    assert!(desk.place.live_name().starts_with("complaints-20"), "{}", desk.place.live_name());
    let history = desk.place.registry().history().unwrap();
    assert_eq!((history.len(), history[0].change.why.as_str()), (1, "a new season"));

    let run: Value = serde_json::from_str(&desk.last_run("run.json")).unwrap();
    assert_eq!((&run["n_trained_on"], &run["n_held_out"]), (&48.into(), &12.into()), "{run}");
    let rows: Vec<Value> =
        desk.last_run("people.jsonl").lines().map(|it| serde_json::from_str(it).unwrap()).collect();
    assert_eq!(rows.len(), N_CASES);
    assert!(rows.iter().all(|row| !row["model_version"].is_null() && row["model"].is_object()));
    let part = |name: &str| rows.iter().filter(|row| row["part"] == name).collect::<Vec<_>>();
    let newest = |rows: &[&Value]| {
        rows.iter().map(|row| row["received_at"].as_str().unwrap().to_owned()).max().unwrap()
    };
    let oldest_held_out = part("holdout")[0]["received_at"].as_str().unwrap().to_owned();
    assert!(newest(&part("train")) < oldest_held_out, "held out by time");
    let bundle = desk.place.registry().live().unwrap();
    let data = &bundle.manifest().lineage.data;
    assert_eq!(data.iter().map(|it| it.n_texts).collect::<Vec<_>>(), [600, 48]);
    for file in [
        "gate.txt",
        "gate.json",
        "profile.json",
        "evaluation-gold.json",
        "card-gold.md",
        "report-newest-cases.html",
    ] {
        assert!(!desk.last_run(file).is_empty(), "{file}");
    }

    let output = desk.run(&["--promote"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(stderr(&output).contains("has learned this already"), "{}", stderr(&output));
    assert_eq!(desk.place.registry().history().unwrap().len(), 1);
}

/// An encoder of invented weights in the layout of Hugging Face.
fn write_encoder(dir: &Path) {
    let config = r#"{"model_type": "bert", "vocab_size": 12, "hidden_size": 32,
      "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 64,
      "max_position_embeddings": 64, "type_vocab_size": 1}"#;
    fs::create_dir(dir).unwrap();
    fs::write(dir.join("config.json"), config).unwrap();
    fs::write(dir.join("vocab.txt"), "[PAD]\n[UNK]\n[CLS]\n[SEP]\n快\n递\n退\n款\n电\n烧\n客\n服")
        .unwrap();
    let shape = EncoderConfig::parse(config.as_bytes(), Path::new("config.json")).unwrap();
    let noise = |n: usize| (0..n).map(|idx| (idx * 7919 % 101) as f32 / 100.0 - 0.5).collect();
    let parameters = Parameters::new(&shape, |name| {
        noise(match name {
            "embeddings.word_embeddings.weight" => 12 * 32,
            "embeddings.position_embeddings.weight" => 64 * 32,
            "embeddings.token_type_embeddings.weight" => 32,
            name if name.ends_with("intermediate.dense.bias") => 64,
            name if name.ends_with("bias") || name.contains("LayerNorm") => 32,
            name if name.contains("attention") => 32 * 32,
            _ => 64 * 32,
        })
    });
    fs::write(dir.join("model.safetensors"), parameters.to_bytes(false)).unwrap();
}

#[test]
fn a_blend_that_is_live_gives_its_encoder_to_the_next_one() {
    let desk = Desk { recipe: "encoder-heads.toml", ..Desk::new() };
    let place = &desk.place;
    write_encoder(&place.path("tiny"));
    let recipe = crate::workplace::root().join("training/recipes/encoder-heads.toml");
    desk.go_live_with(recipe.to_str().unwrap(), "blend");

    let output = desk.run(&["--promote", "--reason", "a new season"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let (before, after) = (place.bundle("blend"), place.registry().live().unwrap());
    assert_eq!(after.manifest().kind, Kind::Blend);
    assert_eq!(after.manifest().lineage.parent, Some(before.version()));
    let words = |bundle: &Bundle| {
        let folder = EncoderFolder::from_bundle(bundle).unwrap();
        folder.parameters.get("embeddings.word_embeddings.weight").to_vec()
    };
    let is_close = |(a, b): (&f32, &f32)| (a - b).abs() < 1e-5;
    assert!(words(&before).iter().zip(&words(&after)).all(is_close));
    let weights = |bundle: &Bundle| bundle.read(ENCODER_FILE).unwrap();
    assert_ne!(weights(&before), weights(&after), "heads were fitted anew");
}

#[test]
fn a_fine_tuned_blend_is_retrained_on_texts_that_its_encoder_can_tell_apart() {
    let desk = Desk { recipe: "encoder-heads.toml", ..Desk::new() };
    let place = &desk.place;
    write_encoder(&place.path("tiny"));
    let recipes = crate::workplace::root().join("training/recipes");
    fs::copy(recipes.join("encoder.toml"), place.path("tuned.toml")).unwrap();
    place.edit("tuned.toml", "trained_layers = 12", "trained_layers = 1");
    place.edit("tuned.toml", "epochs = 4", "epochs = 1");
    let taxonomy = crate::workplace::root().join("datasets/taxonomy.toml");
    place.edit("tuned.toml", "../../datasets/taxonomy.toml", taxonomy.to_str().unwrap());
    desk.go_live_with("tuned.toml", "tuned");
    let learned =
        |bundle: &Bundle| bundle.manifest().blend.clone().unwrap().encoder.unwrap().learned;

    let output = desk.run(&["--promote", "--reason", "a new season"]);
    assert!(output.status.success(), "{}", stderr(&output));
    assert!(!stderr(&output).contains("confidence will be too high"), "{}", stderr(&output));
    let (before, after) = (place.bundle("tuned"), place.registry().live().unwrap());
    assert_eq!(after.manifest().lineage.parent, Some(before.version()));
    let n_texts: Vec<usize> =
        after.manifest().lineage.data.iter().map(|source| source.n_texts).collect();
    assert_eq!(n_texts, [600, 48], "heads learned from base texts and cases");
    let known = learned(&before).unwrap();
    assert_eq!(known.data.iter().map(|source| source.n_texts).collect::<Vec<_>>(), [600]);
    assert_eq!(learned(&after), Some(known), "layers are as they were");

    // Base texts that were edited since: which of them the encoder knows cannot be told.
    let base = fs::read_to_string(place.path("base.jsonl")).unwrap();
    place.write("base.jsonl", base.split_once('\n').unwrap().1);
    let output = desk.run(&[]);
    assert!(stderr(&output).contains("confidence will be too high"), "{}", stderr(&output));
}

#[test]
fn a_refused_model_stays_out_of_the_models() {
    let desk = Desk::new();
    desk.place.write("golden.jsonl", r#"{"text": "客服态度恶劣", "executive_review": true}"#);
    let output = desk.run(&["--promote"]);
    assert!(!output.status.success());
    assert!(stderr(&output).contains("executives do not see it"), "{}", stderr(&output));
    assert_eq!(desk.place.live_name(), "shipped");
    assert_eq!(desk.place.registry().names().unwrap(), ["shipped"]);
    assert!(desk.last_run("gate.txt").contains("the gate stays shut"));
}

#[test]
fn a_run_that_is_killed_anywhere_leaves_the_live_model_and_the_next_run_works() {
    let desk = Desk::new();
    let live = fs::read(desk.place.models().join("live.toml")).unwrap();
    for step in &STEPS[..6] {
        kill_at(desk.start(), step);
        assert_eq!(fs::read(desk.place.models().join("live.toml")).unwrap(), live, "{step}");
        assert!(desk.place.registry().history().unwrap().is_empty(), "{step}");
    }
    // From here on it goes live or not, and the history knows which.
    kill_at(desk.start(), STEPS[6]);
    let registry = desk.place.registry();
    let is_old = registry.live().unwrap().name() == "shipped";
    assert!(registry.history().unwrap().iter().all(|entry| entry.took_effect != is_old));
    for name in registry.names().unwrap() {
        assert!(registry.verify(&name).unwrap().is_whole(), "{name}");
    }
    if is_old {
        let output = desk.run(&["--promote"]);
        assert!(output.status.success(), "{}", stderr(&output));
    }
    assert_ne!(desk.place.live_name(), "shipped");
}

#[test]
fn a_second_run_stops_at_once_and_names_the_first() {
    let desk = Desk::new();
    let mut first = desk.start();
    let mut lines = BufReader::new(first.stderr.take().unwrap()).lines();
    assert!(lines.by_ref().map_while(Result::ok).any(|line| line.contains(STEPS[1])));
    let output = desk.run(&[]);
    assert!(!output.status.success());
    let expected = format!("held by lin (process {}", first.id());
    assert!(stderr(&output).contains(&expected), "{}", stderr(&output));
    first.kill().unwrap();
    first.wait().unwrap();
}

#[test]
fn what_cannot_be_used_is_said_before_any_training() {
    let desk = Desk::new();
    let gold = fs::read_to_string(desk.place.path("gold.jsonl")).unwrap();
    let base = fs::read_to_string(desk.place.path("base.jsonl")).unwrap();
    desk.place.write("base.jsonl", &(base + gold.lines().next().unwrap() + "\n"));
    let output = desk.run(&[]);
    assert!(
        stderr(&output).contains("1 texts of `base.jsonl` are test texts"),
        "{}",
        stderr(&output)
    );
    let missing = format!("sqlite://{}", desk.place.path("missing.sqlite").display());
    let output = desk.run(&["--database", &missing]);
    assert!(stderr(&output).contains("cannot be used multiple times"), "{}", stderr(&output));
    let output = Desk { database: missing, ..desk }.run(&[]);
    assert!(stderr(&output).contains("cannot open the database"), "{}", stderr(&output));
}
