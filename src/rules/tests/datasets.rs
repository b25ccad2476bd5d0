//! The rule files that ship.

use std::{fs, path::Path};

use super::parse;
use crate::rules::{RuleFile, RuleSet};

#[test]
fn the_default_rules_are_all_there_and_load() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("datasets/rules");
    let mut files: Vec<_> = fs::read_dir(&folder)
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "toml"))
        .map(|path| RuleFile {
            name: path.file_name().unwrap().to_str().unwrap().to_owned(),
            text: fs::read_to_string(&path).unwrap(),
        })
        .collect();
    files.sort_by(|a, b| a.name.cmp(&b.name));

    assert_eq!(names(&RuleSet::default_files()), names(&files), "list the files in `defaults.rs`");
    match parse(&files) {
        Ok(rules) => assert!(!rules.is_empty()),
        Err(error) => panic!("{error}"),
    }
}

fn names(files: &[RuleFile]) -> Vec<&str> {
    files.iter().map(|file| file.name.as_str()).collect()
}
