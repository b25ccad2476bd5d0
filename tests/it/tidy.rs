//! House rules that `rustfmt` and Clippy cannot check.
//!
//! The layer table below is the one in `ARCHITECTURE.md`; change both together.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Each module of the service, bottom layer first, with the modules it may import.
const LAYERS: &[(&str, &[&str])] = &[
    ("domain", &[]),
    ("text", &["domain"]),
    ("registry", &["domain", "text"]),
    ("inference", &["domain", "text", "registry"]),
    ("neighbors", &["inference"]),
    ("rules", &["domain", "text"]),
    ("calendar", &["domain"]),
    ("routing", &["domain", "text", "rules", "calendar"]),
    ("cases", &["domain", "calendar"]),
    ("evidence", &[]),
    ("messages", &["domain"]),
    ("store", &["domain"]),
    ("identity", &["domain", "store"]),
    ("outbound", &[]),
    ("watch", &[]),
    (
        "triage",
        &[
            "domain",
            "text",
            "registry",
            "inference",
            "neighbors",
            "rules",
            "calendar",
            "routing",
            "cases",
            "evidence",
            "messages",
            "store",
            "outbound",
            "watch",
        ],
    ),
    ("config", &["evidence", "identity", "outbound", "triage"]),
    ("telemetry", &["config"]),
    (
        "http",
        &[
            "domain", "text", "registry", "rules", "routing", "calendar", "cases", "evidence",
            "store", "identity", "triage", "config",
        ],
    ),
    (
        "app",
        &["evidence", "triage", "store", "identity", "outbound", "config", "telemetry", "http"],
    ),
    (
        "commands",
        &[
            "domain",
            "text",
            "registry",
            "rules",
            "cases",
            "store",
            "identity",
            "watch",
            "triage",
            "config",
            "telemetry",
            "app",
        ],
    ),
];

/// Crates that one module alone may name, so that the others stay free of them.
const OWNED_CRATES: &[(&str, &[&str])] = &[
    ("axum", &["http", "app"]),
    ("tower_http", &["http"]),
    ("sqlx", &["store"]),
    ("object_store", &["evidence"]),
    ("infer", &["evidence"]),
    ("jieba_rs", &["text"]),
    ("daachorse", &["rules"]),
    ("safetensors", &["registry", "inference"]),
    ("anyhow", &["app", "commands"]),
];

/// Longest source file we accept, tests included.
const MAX_LINES: usize = 500;

#[test]
fn imports_follow_the_layering() {
    let mut violations = Vec::new();
    for &(module, allowed) in LAYERS {
        for file in module_files(module) {
            for (line_idx, line) in read(&file).lines().enumerate() {
                let place = format!("{}:{}", file.display(), line_idx + 1);
                if line.trim_start().starts_with("use crate::{") {
                    violations.push(format!("{place}: write one `use` per module"));
                }
                for target in crate_paths(line) {
                    let is_module = LAYERS.iter().any(|&(name, _)| name == target);
                    if is_module && target != module && !allowed.contains(&target) {
                        violations.push(format!("{place}: `{module}` must not use `{target}`"));
                    }
                }
            }
        }
    }
    assert!(violations.is_empty(), "\n{}", violations.join("\n"));
}

#[test]
fn crates_stay_with_their_owners() {
    let mut violations = Vec::new();
    for &(module, _) in LAYERS {
        for file in module_files(module) {
            for &(name, owners) in OWNED_CRATES {
                let names = |line: &str| {
                    let code = line.split("//").next().unwrap_or_default();
                    code.contains(&format!("{name}::")) || code.contains(&format!("use {name};"))
                };
                if !owners.contains(&module) && read(&file).lines().any(names) {
                    violations.push(format!("{}: `{module}` must not know {name}", file.display()));
                }
            }
        }
    }
    assert!(violations.is_empty(), "\n{}", violations.join("\n"));
}

#[test]
fn every_module_has_a_layer() {
    for entry in fs::read_dir(root().join("src")).unwrap() {
        let path = entry.unwrap().path();
        let module = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let known = LAYERS.iter().any(|&(name, _)| name == module);
        assert!(known || module == "lib" || module == "main", "no layer for `{module}`");
    }
}

/// A map that names roads that are gone is worse than no map.
#[test]
fn the_documents_name_real_paths() {
    const FOLDERS: [&str; 8] =
        ["src/", "training/", "models/", "datasets/", "benches/", "tests/", ".ci/", "Cargo."];
    for document in ["ARCHITECTURE.md", "README.md", "training/README.md"] {
        let text = read(&root().join(document));
        let named: Vec<&str> = text.split('`').skip(1).step_by(2).collect();
        let stale: Vec<&&str> = named
            .iter()
            .filter(|it| FOLDERS.iter().any(|folder| it.starts_with(folder)))
            .filter(|it| !it.contains(['<', '*', ' ', '…']) && !root().join(it).exists())
            .collect();
        assert!(stale.is_empty(), "{document} names missing paths: {stale:?}");
    }
}

#[test]
fn the_architecture_document_shows_the_same_layers() {
    let text = read(&root().join("ARCHITECTURE.md"));
    for &(module, allowed) in LAYERS {
        let row = format!("| `{module}` | {} |", allowed.join(", "));
        assert!(text.contains(&row), "ARCHITECTURE.md has no row `{row}`");
    }
}

/// What operators cannot read about they do not watch.
#[test]
fn the_readme_tells_of_every_metric() {
    let names = |text: &str, before: &str| -> BTreeSet<String> {
        let is_of_name = |c: char| c.is_ascii_lowercase() || c == '_';
        let found = text.split(before).skip(1).filter(|it| it.starts_with("fenzhen_"));
        found.map(|it| it.chars().take_while(|&c| is_of_name(c)).collect()).collect()
    };
    // A name may stand on a line of its own.
    let code: String = all_files().iter().map(|file| read(file)).collect();
    let code: String = code.split_whitespace().collect();
    let kinds = ["counter!(\"", "gauge!(\"", "histogram!(\""];
    let metrics: BTreeSet<String> = kinds.iter().flat_map(|kind| names(&code, kind)).collect();
    assert!(5 < metrics.len(), "{metrics:?}");
    assert_eq!(names(&read(&root().join("README.md")), "`"), metrics);
}

#[test]
fn every_file_opens_with_a_doc_comment() {
    let undocumented: Vec<PathBuf> =
        all_files().into_iter().filter(|file| !read(file).starts_with("//!")).collect();
    assert!(undocumented.is_empty(), "missing `//!`: {undocumented:#?}");
}

#[test]
fn files_stay_short() {
    let long: Vec<PathBuf> =
        all_files().into_iter().filter(|file| MAX_LINES < read(file).lines().count()).collect();
    assert!(long.is_empty(), "split these files: {long:#?}");
}

#[test]
fn there_are_no_rag_bags_and_no_globs() {
    for file in all_files() {
        let stem = file.file_stem().unwrap().to_str().unwrap();
        assert!(!["utils", "util", "helpers", "common"].contains(&stem), "name {}", file.display());
        let glob = read(&file).lines().any(|line| {
            let line = line.trim_start();
            line.starts_with("use ")
                && line.ends_with("::*;")
                && line != "use super::*;"
                && !line.ends_with("prelude::*;")
        });
        assert!(!glob, "{} imports everything of a module", file.display());
    }
}

/// The module names that follow `crate::` on a line of code.
fn crate_paths(line: &str) -> impl Iterator<Item = &str> {
    let code = line.split("//").next().unwrap_or_default();
    code.split("crate::").skip(1).map(|rest| {
        rest.split(|c: char| !c.is_alphanumeric() && c != '_').next().unwrap_or_default()
    })
}

/// The files of a module, be it a folder or a file.
fn module_files(module: &str) -> Vec<PathBuf> {
    let folder = root().join("src").join(module);
    if folder.is_dir() { rust_files(&folder) } else { vec![folder.with_extension("rs")] }
}

fn all_files() -> Vec<PathBuf> {
    ["src", "training/src", "tests", "benches"]
        .into_iter()
        .flat_map(|folder| rust_files(&root().join(folder)))
        .collect()
}

fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|it| it == "rs") {
            files.push(path);
        }
    }
    files
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
