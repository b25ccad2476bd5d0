//! What is live changes forward and back, survives a crash at any point, and is written down.

use super::*;
use crate::registry::history::append;

/// A registry whose bundles went live one after the other.
fn registry_of(names: &[&str]) -> (TempDir, Registry) {
    let dir = tempfile::tempdir().unwrap();
    for (day, name) in (1..).zip(names) {
        let mut manifest = manifest("2026-01-02T03:04:05Z");
        manifest.lineage.seed = day;
        BundleWriter::create(&dir.path().join(name)).unwrap().finish(manifest).unwrap();
    }
    let registry = Registry::open(dir.path()).unwrap();
    for name in names {
        registry.change(&change(&registry, name)).unwrap();
    }
    (dir, registry)
}

fn live(registry: &Registry) -> String {
    registry.live().unwrap().name().to_owned()
}

fn roll_back(registry: &Registry, version: Option<&str>) -> Result<(), Error> {
    let to = registry.rollback_target(version)?;
    let change = Change { action: Action::Rollback, ..change(registry, &to.name) };
    registry.change(&Change { to, ..change })
}

#[test]
fn rollbacks_go_back_step_by_step() {
    let (_dir, registry) = registry_of(&["a", "b", "c"]);
    for expected in ["b", "a"] {
        roll_back(&registry, None).unwrap();
        assert_eq!(live(&registry), expected);
    }
    assert!(matches!(roll_back(&registry, None), Err(Error::NothingBefore { .. })));
    registry.change(&change(&registry, "c")).unwrap();
    roll_back(&registry, None).unwrap();
    assert_eq!(live(&registry), "a", "the rollbacks took `b` off the stack");
    let lines: Vec<_> = registry.history().unwrap();
    assert_eq!(lines.len(), 7);
    assert!(lines.iter().all(|line| line.took_effect));
}

#[test]
fn a_rollback_goes_to_any_bundle_that_was_live_and_to_no_other() {
    let (dir, registry) = registry_of(&["a", "b", "c"]);
    write(&dir.path().join("never"), "2026-01-02T03:04:05Z");
    assert!(matches!(roll_back(&registry, Some("never")), Err(Error::NeverLive { .. })));
    let version = Bundle::open(&dir.path().join("a")).unwrap().version();
    roll_back(&registry, Some(&version)).unwrap();
    assert_eq!(live(&registry), "a");
    roll_back(&registry, Some("c")).unwrap();
    assert_eq!(live(&registry), "c");
    replace(&dir.path().join("b"), "seed = 2", "seed = 9");
    let target = registry.rollback_target(Some("b")).unwrap();
    let change = Change { to: target, ..change(&registry, "b") };
    assert!(matches!(registry.change(&change), Err(Error::Replaced { .. })));
    assert_eq!(live(&registry), "c");
}

#[test]
fn a_change_that_was_judged_against_another_bundle_is_refused() {
    let (_dir, registry) = registry_of(&["a", "b"]);
    let to_a = change(&registry, "a");
    registry.change(&to_a).unwrap();
    let error = registry.change(&Change { to: to_a.from.clone().unwrap(), ..to_a }).unwrap_err();
    assert!(matches!(error, Error::Overtaken { .. }), "{error}");
    assert_eq!(registry.history().unwrap().len(), 3);
}

#[test]
fn a_crash_between_the_history_and_the_live_file_changes_nothing() {
    let (dir, registry) = registry_of(&["a", "b", "c"]);
    append(dir.path(), &change(&registry, "a")).unwrap();
    assert_eq!(live(&registry), "c");
    assert!(!registry.history().unwrap().last().unwrap().took_effect);
    roll_back(&registry, None).unwrap();
    assert_eq!(live(&registry), "b");
    let effects: Vec<bool> = registry.history().unwrap().iter().map(|it| it.took_effect).collect();
    assert_eq!(effects, [true, true, true, false, true]);
}

#[test]
fn a_line_that_a_crash_cut_off_is_dropped() {
    let (dir, registry) = registry_of(&["a", "b"]);
    let path = dir.path().join(HISTORY_FILE);
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{text}{}", &text[..text.len() / 3])).unwrap();
    assert_eq!(registry.history().unwrap().len(), 2);
    registry.change(&change(&registry, "a")).unwrap();
    assert_eq!(registry.history().unwrap().len(), 3);
    assert!(fs::read_to_string(&path).unwrap().starts_with(&text));
    fs::write(&path, "{}\n").unwrap();
    assert!(matches!(registry.history(), Err(Error::History { line: 1, .. })));
}

#[test]
fn a_live_bundle_without_a_history_is_where_the_history_begins() {
    let (dir, registry) = registry_of(&["a", "b"]);
    fs::remove_file(dir.path().join(HISTORY_FILE)).unwrap();
    assert!(registry.history().unwrap().is_empty());
    registry.change(&change(&registry, "a")).unwrap();
    roll_back(&registry, None).unwrap();
    assert_eq!(live(&registry), "b");
}

#[test]
fn a_held_lock_is_refused_at_once_with_its_holder() {
    let (_dir, registry) = registry_of(&["a", "b"]);
    let lock = registry.lock(Purpose::Change, "lin, process 42").unwrap();
    let error = registry.change(&change(&registry, "a")).unwrap_err();
    assert!(error.to_string().contains("held by lin, process 42"), "{error}");
    // A training does not keep anybody from rolling back.
    let training = registry.lock(Purpose::Retrain, "cron").unwrap();
    drop(lock);
    registry.change(&change(&registry, "a")).unwrap();
    assert!(registry.lock(Purpose::Retrain, "second").is_err());
    drop(training);
    registry.lock(Purpose::Retrain, "third").unwrap();
}

#[test]
fn a_bundle_is_taken_in_whole_and_drafts_of_killed_processes_go() {
    let (dir, registry) = registry_of(&["a"]);
    let elsewhere = tempfile::tempdir().unwrap();
    let bundle = write(&elsewhere.path().join("new"), "2026-01-02T03:04:05Z");
    fs::create_dir(dir.path().join(".install-new")).unwrap();
    fs::write(dir.path().join(".install-new/weights.bin"), b"01").unwrap();
    let installed = registry.install(&bundle).unwrap();
    assert_eq!(installed.digest(), bundle.digest());
    assert!(registry.verify("new").unwrap().is_whole());
    assert!(!dir.path().join(".install-new").exists());
    assert!(matches!(registry.install(&bundle), Err(Error::Exists { .. })));
    assert_eq!(live(&registry), "a");
}

/// The first line that was ever written, and the live file of that time.
#[test]
fn what_was_written_first_is_still_read() {
    const DIGEST: &str = "e3f3879f7abe71b5441cd51b92e6956d4d5ff47381d97531065df57082c0fb5a";
    let dir = tempfile::tempdir().unwrap();
    let file = format!("name = \"complaints-linear\"\ndigest = \"{DIGEST}\"\n");
    fs::write(dir.path().join(LIVE_FILE), file).unwrap();
    let line = format!(
        r#"{{"at":"2026-11-21T22:45:22Z","action":"promote","by":"maintainers","why":"the first","from":null,"to":{{"name":"complaints-linear","digest":"{DIGEST}"}},"forced":false,"metrics":{{"category":{{"macro_f1":0.7505}}}},"checks":[{{"name":"bundle","verdict":"pass","figures":"whole"}}],"of_a_later_version":1}}"#
    );
    fs::write(dir.path().join(HISTORY_FILE), line + "\n").unwrap();
    let registry = Registry::open(dir.path()).unwrap();
    let entry = registry.history().unwrap().remove(0);
    assert!(entry.took_effect);
    assert_eq!(entry.change.checks[0].verdict, Verdict::Pass);
    assert_eq!(entry.change.to.version(), "complaints-linear@e3f3879f7abe");
}

#[test]
fn the_shipped_bundle_is_the_last_of_the_shipped_history() {
    let models = Path::new(env!("CARGO_MANIFEST_DIR")).join("models");
    let registry = Registry::open(&models).unwrap();
    let last = registry.history().unwrap().pop().unwrap();
    assert_eq!(Some(last.change.to), registry.find_live().unwrap());
    assert!(registry.live().is_ok());
}
