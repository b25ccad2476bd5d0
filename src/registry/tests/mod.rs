//! Bundles survive a round trip, and every way to harm one is named.

mod changes;

use std::{collections::BTreeMap, fs, path::Path};

use jiff::Timestamp;
use tempfile::TempDir;

use super::*;
use crate::domain::{Head, HeadKind, LabelDefinition, Taxonomy, TaxonomySource};

fn manifest(created_at: &str) -> Manifest {
    let label = |id: &str| LabelDefinition { id: id.parse().unwrap(), name: id.to_owned() };
    let head = Head {
        id: "category".parse().unwrap(),
        name: "类别".to_owned(),
        kind: HeadKind::MultiClass,
        labels: vec![label("logistics"), label("other")],
    };
    let calibration = Calibration::Softmax {
        weights: vec![vec![2.0, 0.0], vec![0.0, 2.0]],
        biases: vec![0.0, 0.25],
        preferences: vec![1.0, 1.5],
    };
    let decision = HeadDecision { calibration, abstain_below: 0.4 };
    let metrics = BTreeMap::from([("macro_f1".to_owned(), 0.5)]);
    Manifest {
        format: FORMAT,
        name: String::new(),
        kind: Kind::Linear,
        created_at: created_at.parse::<Timestamp>().unwrap(),
        lineage: Lineage {
            tool: "test".to_owned(),
            recipe: "linear".to_owned(),
            recipe_sha256: Digest::of(b"recipe"),
            seed: 7,
            parent: None,
            data: vec![DataSource {
                name: "a.jsonl".to_owned(),
                sha256: Digest::of(b"data"),
                n_texts: 3,
            }],
            unlabelled: Vec::new(),
            teachers: Vec::new(),
        },
        features: FeatureSource { char_ngrams: (1, 2), words: true, facts: false },
        taxonomy: Taxonomy::try_from(TaxonomySource { heads: vec![head] }).unwrap(),
        decisions: BTreeMap::from([("category".to_owned(), decision)]),
        blend: None,
        metrics: BTreeMap::from([("category".to_owned(), metrics)]),
        files: Vec::new(),
    }
}

fn write(dir: &Path, created_at: &str) -> Bundle {
    let mut writer = BundleWriter::create(dir).unwrap();
    writer.add("weights.bin", b"0123456789").unwrap();
    writer.add("card.md", b"# card").unwrap();
    writer.finish(manifest(created_at)).unwrap()
}

fn registry() -> (TempDir, Registry) {
    let dir = tempfile::tempdir().unwrap();
    write(&dir.path().join("first"), "2026-01-02T03:04:05Z");
    let registry = Registry::open(dir.path()).unwrap();
    (dir, registry)
}

/// A change to this bundle from what is live.
fn change(registry: &Registry, name: &str) -> Change {
    let bundle = Bundle::open(&registry.path(name).unwrap()).unwrap();
    Change {
        at: "2026-03-02T03:04:05Z".parse().unwrap(),
        action: Action::Promote,
        by: "lin".to_owned(),
        why: "better".to_owned(),
        from: registry.find_live().unwrap(),
        to: Live::of(&bundle),
        forced: false,
        metrics: BTreeMap::new(),
        checks: Vec::new(),
    }
}

#[test]
fn a_bundle_is_read_as_it_was_written() {
    let (dir, _) = registry();
    let bundle = Bundle::open(&dir.path().join("first")).unwrap();
    assert_eq!(bundle.read("weights.bin").unwrap(), b"0123456789");
    assert!(matches!(bundle.read("other.bin"), Err(Error::Unlisted { .. })));
    let written = manifest("2026-01-02T03:04:05Z");
    assert_eq!(bundle.manifest().decisions, written.decisions);
    assert_eq!(bundle.manifest().taxonomy, written.taxonomy);
    assert_eq!(bundle.version(), format!("first@{}", bundle.digest().short()));
}

#[test]
fn the_digest_depends_on_the_content_and_not_on_the_day() {
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = write(&a.path().join("same"), "2026-01-02T03:04:05Z");
    let second = write(&b.path().join("same"), "2027-05-06T07:08:09Z");
    assert_eq!(first.digest(), second.digest());
    let other = write(&b.path().join("other"), "2026-01-02T03:04:05Z");
    assert_ne!(first.digest(), other.digest());
}

#[test]
fn every_kind_of_harm_is_named() {
    type Harm = fn(&Path);
    let cases: [(Harm, &str); 7] = [
        (|dir| fs::remove_file(dir.join("weights.bin")).unwrap(), "lacks its file `weights.bin`"),
        (|dir| fs::write(dir.join("weights.bin"), b"0123").unwrap(), "4 bytes instead of 10"),
        (
            |dir| fs::write(dir.join("weights.bin"), b"0123456780").unwrap(),
            "`weights.bin` of bundle `first` was altered",
        ),
        (|dir| fs::remove_file(dir.join(MANIFEST_FILE)).unwrap(), "lacks its file `bundle.toml`"),
        (
            |dir| replace(dir, "format = 1", "format = 9"),
            "format 9 and this program reads format 1",
        ),
        (|dir| replace(dir, "name = \"first\"", "name = \"second\""), "holds the bundle `second`"),
        (
            |dir| replace(dir, "[decisions.category", "[decisions.mood"),
            "head `category` has no decision",
        ),
    ];
    for (harm, message) in cases {
        let (dir, registry) = registry();
        let bundle = dir.path().join("first");
        harm(&bundle);
        let error = Bundle::open(&bundle).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
        let report = registry.verify("first").unwrap();
        assert!(report.problems.iter().any(|problem| problem.to_string().contains(message)));
    }
}

fn replace(dir: &Path, from: &str, to: &str) {
    let path = dir.join(MANIFEST_FILE);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{text}");
    fs::write(path, text.replace(from, to)).unwrap();
}

#[test]
fn a_stray_file_is_reported_and_never_read() {
    let (dir, registry) = registry();
    fs::write(dir.path().join("first/extra.bin"), b"x").unwrap();
    let report = registry.verify("first").unwrap();
    assert!(!report.is_whole());
    assert_eq!(report.problems[0].to_string(), "file `extra.bin` is not listed in `bundle.toml`");
    assert!(Bundle::open(&dir.path().join("first")).is_ok());
}

#[test]
fn the_live_bundle_is_the_one_that_was_promoted() {
    let (dir, registry) = registry();
    assert!(matches!(registry.live(), Err(Error::NoLive { .. })));
    registry.change(&change(&registry, "first")).unwrap();
    assert_eq!(registry.live().unwrap().name(), "first");
    assert!(registry.verify("first").unwrap().is_whole());
    // The manifest lists every file, so a change that keeps it consistent still shows here.
    replace(&dir.path().join("first"), "seed = 7", "seed = 8");
    assert!(matches!(registry.live(), Err(Error::LiveDigest { .. })));
    assert!(!registry.verify("first").unwrap().is_whole());
}

#[test]
fn the_list_shows_readable_bundles_and_which_is_live() {
    let (dir, registry) = registry();
    write(&dir.path().join("second"), "2026-02-02T03:04:05Z");
    fs::create_dir(dir.path().join("broken")).unwrap();
    registry.change(&change(&registry, "second")).unwrap();
    let summaries = registry.list().unwrap();
    let lines: Vec<_> = summaries.iter().map(|s| (s.name.as_str(), s.live, s.bytes)).collect();
    assert_eq!(lines, [("first", false, 16), ("second", true, 16)]);
    assert_eq!(registry.names().unwrap(), ["broken", "first", "second"]);
}

#[test]
fn a_bundle_is_never_overwritten_and_a_failed_one_leaves_nothing() {
    let (dir, _) = registry();
    let again = BundleWriter::create(&dir.path().join("first"));
    assert!(matches!(again, Err(Error::Exists { .. })));
    let mut broken = manifest("2026-01-02T03:04:05Z");
    broken.decisions.clear();
    let writer = BundleWriter::create(&dir.path().join("third")).unwrap();
    assert!(matches!(writer.finish(broken), Err(Error::Contradiction { .. })));
    let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(left, ["first"]);
}

#[test]
fn names_cannot_leave_the_folder() {
    let (dir, registry) = registry();
    for name in ["", "..", "a/b", ".hidden", "a b"] {
        assert!(matches!(registry.path(name), Err(Error::IllegalName { .. })), "{name}");
        let mut writer = BundleWriter::create(&dir.path().join("third")).unwrap();
        assert!(matches!(writer.add(name, b""), Err(Error::IllegalName { .. })), "{name}");
    }
}
