//! A folder with models, a gate and texts of its own for each test.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use fenzhen::registry::{Bundle, BundleWriter, Live, Registry};
use serde_json::Value;
use tempfile::TempDir;

/// How many gold texts the tests' gate measures on.
const N_GOLD: usize = 120;

/// A folder with models, a gate and texts.
pub(crate) struct Workplace {
    folder: TempDir,
}

impl Workplace {
    /// The linear model is live; the gate measures on a part of the gold set.
    pub(crate) fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        fs::create_dir(place.models()).unwrap();
        let shipped = Registry::open(&root().join("tests/models")).unwrap().live().unwrap();
        place.copy(&shipped, "shipped");
        let live = toml::to_string(&place.live_of("shipped")).unwrap();
        fs::write(place.models().join("live.toml"), live).unwrap();
        let gold = fs::read_to_string(root().join("datasets/complaints/gold.jsonl")).unwrap();
        let gold: String = gold.split_inclusive('\n').take(N_GOLD).collect();
        place.write("gold.jsonl", &gold);
        let golden = fs::read_to_string(root().join("datasets/complaints/golden.jsonl")).unwrap();
        place.write("golden.jsonl", &golden);
        let gate = fs::read_to_string(root().join("training/gate.toml")).unwrap();
        let gate = gate
            .replace("../datasets/complaints/", "")
            .replace("resamples = 1000", "resamples = 50");
        place.write("gate.toml", &gate);
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn models(&self) -> PathBuf {
        self.path("models")
    }

    pub(crate) fn registry(&self) -> Registry {
        Registry::open(&self.models()).unwrap()
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
    }

    /// Replaces a part of a file, which must be there.
    pub(crate) fn edit(&self, name: &str, from: &str, to: &str) {
        let text = fs::read_to_string(self.path(name)).unwrap();
        assert!(text.contains(from), "`{name}` has no `{from}`");
        self.write(name, &text.replace(from, to));
    }

    /// A bundle under another name.
    pub(crate) fn copy(&self, bundle: &Bundle, name: &str) {
        let mut writer = BundleWriter::create(&self.models().join(name)).unwrap();
        for file in &bundle.manifest().files {
            writer.add(&file.name, &bundle.read(&file.name).unwrap()).unwrap();
        }
        writer.finish(bundle.manifest().clone()).unwrap();
    }

    /// The live model under another name.
    pub(crate) fn twin(&self, name: &str) {
        self.copy(&self.registry().live().unwrap(), name);
    }

    /// A model that has read little.
    pub(crate) fn novice(&self, name: &str) {
        let texts = fs::read_to_string(root().join("datasets/complaints/train.jsonl")).unwrap();
        let few: String = texts.split_inclusive('\n').step_by(20).collect();
        self.write("few.jsonl", &few);
        let recipe = root().join("training/recipes/linear.toml");
        let out = self.models().join(name);
        let output = self.lab(&[
            "train",
            "--recipe",
            recipe.to_str().unwrap(),
            "--data",
            self.path("few.jsonl").to_str().unwrap(),
            "--out",
            out.to_str().unwrap(),
        ]);
        assert!(output.status.success(), "{}", stderr(&output));
    }

    pub(crate) fn bundle(&self, name: &str) -> Bundle {
        Bundle::open(&self.models().join(name)).unwrap()
    }

    pub(crate) fn live_of(&self, name: &str) -> Live {
        Live::of(&self.bundle(name))
    }

    pub(crate) fn live_name(&self) -> String {
        self.registry().live().unwrap().name().to_owned()
    }

    /// Runs the lab.
    pub(crate) fn lab(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fenzhen-lab"));
        command.args(arguments).current_dir(self.folder.path());
        command.env("FENZHEN_MODELS", self.models()).env("USER", "lin");
        command
    }

    /// Runs `promote` with this gate.
    pub(crate) fn promote(&self, name: &str, more: &[&str]) -> Output {
        let arguments = ["promote", name, "--gate", "gate.toml", "--reason", "a try"];
        self.lab(&[&arguments, more].concat())
    }
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Some texts of our own corpus with their labels: one of each `step`, from `first` on.
pub(crate) fn own_texts(first: usize, step: usize, n_texts: usize) -> Vec<Value> {
    let texts = fs::read_to_string(root().join("datasets/complaints/train.jsonl")).unwrap();
    let some = texts.lines().skip(first).step_by(step).take(n_texts);
    some.map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The project's folder.
pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}
