//! Runs `fenzhen-lab` in a folder of its own.

use std::{
    fs,
    path::PathBuf,
    process::{Command, Output},
};

use tempfile::TempDir;

/// A folder with the files of a test.
pub(crate) struct Lab {
    dir: TempDir,
}

/// What a command printed and how it ended.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) is_success: bool,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).unwrap();
    }

    pub(crate) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    /// Runs a command whose arguments hold no spaces.
    pub(crate) fn run(&self, command: &str) -> Ran {
        let Output { status, stdout, stderr } = self.command(command).output().unwrap();
        Ran {
            is_success: status.success(),
            stdout: String::from_utf8(stdout).unwrap(),
            stderr: String::from_utf8(stderr).unwrap(),
        }
    }

    /// The same, for a test that does not wait for its end.
    pub(crate) fn command(&self, command: &str) -> Command {
        let mut process = Command::new(env!("CARGO_BIN_EXE_fenzhen-lab"));
        process.args(command.split_whitespace()).current_dir(self.dir.path());
        process
    }
}

/// Texts of two topics that a model can tell apart, as CSV with the columns `text` and `label`.
pub(crate) fn two_topics(n_texts: usize) -> String {
    let topics = [("快递一直没送到", "logistics"), ("退款一直没到账", "refund")];
    let rows = (0..n_texts).map(|n| {
        let (text, label) = topics[n % 2];
        format!("第{n}单{text}已经{}天了,{label}\n", n * 7919 % 1_000)
    });
    format!("text,label\n{}", rows.collect::<Vec<String>>().concat())
}
