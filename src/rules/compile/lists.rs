//! Guards and phrase lists of rule files → lexicon.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde_json::Value;

use crate::rules::compile::check_keys;
use crate::rules::lexicon::{Guard, GuardIdx, Lexicon, ListIdx, PhraseList};
use crate::rules::mistake::{Findings, Place, suggest};
use crate::rules::source::{FileSource, GuardSource, PhrasesSource, read_value};
use crate::text::Analyzer;

/// How far a guard word reaches unless the guard says otherwise, in characters.
const DEFAULT_WINDOW: usize = 4;
/// Guards and `near` reach so far at most; what stands further away is another thought.
pub(super) const MAX_WINDOW: usize = 100;

/// Reads guards and phrase lists of all files. A bad one is kept as an empty one, so that those
/// who use it are not called wrong, too.
pub(super) fn read_lexicon(
    sources: &[(String, FileSource)],
    analyzer: &Analyzer,
    findings: &mut Findings,
) -> Lexicon {
    let mut names = HashMap::new();
    let mut guards = Vec::new();
    for (file, source) in sources {
        for (name, value) in &source.guards {
            let place = Place::new(file, format!("guard `{name}`"));
            check_name(&mut names, ("guard", name), &place, findings);
            let guard = read_guard(name, value, &place, findings);
            let words = guard.parts().into_iter().flat_map(|(_, words)| words);
            check_normalized(words, analyzer, &place, findings);
            guards.push(guard);
        }
    }
    let mut lists = Vec::new();
    for (file, source) in sources {
        for (name, value) in &source.phrases {
            let place = Place::new(file, format!("phrases `{name}`"));
            check_name(&mut names, ("phrases", name), &place, findings);
            let list = read_list(name, value, &guards, (&place, findings));
            check_normalized(&list.phrases, analyzer, &place, findings);
            lists.push(list);
        }
    }
    Lexicon::new(lists, guards)
}

/// Names must differ across all files.
fn check_name<'n>(
    names: &mut HashMap<(&'static str, &'n str), String>,
    (what, name): (&'static str, &'n str),
    place: &Place,
    findings: &mut Findings,
) {
    if let Some(other) = names.insert((what, name), place.file.clone()) {
        let message = format!("`{other}` has {what} of this name already");
        findings.mistake(place, message, "rename one, or join them");
    }
}

fn read_guard(name: &str, value: &Value, place: &Place, findings: &mut Findings) -> Guard {
    let mut guard = Guard {
        name: name.to_owned(),
        file: place.file.clone(),
        before: Vec::new(),
        after: Vec::new(),
        idioms: Vec::new(),
        window: DEFAULT_WINDOW,
    };
    match read_value::<GuardSource>(value.clone()) {
        Ok(source) => {
            check_keys(&source.unknown, &["before", "after", "idioms", "window"], place, findings);
            let window = source.window.unwrap_or(DEFAULT_WINDOW);
            if MAX_WINDOW < window {
                let message = format!("a `window` of {window} characters is too wide");
                findings.mistake(place, message, format!("use {MAX_WINDOW} at most"));
            }
            guard.window = window.min(MAX_WINDOW);
            guard.before = source.before;
            guard.after = source.after;
            guard.idioms = source.idioms;
            if guard.parts().iter().all(|(_, words)| words.is_empty()) {
                findings.mistake(place, "it has no word", "give `before`, `after` or `idioms`");
            }
            for (_, words) in guard.parts() {
                check_words(words, place, findings);
            }
        }
        Err(error) => {
            findings.mistake(place, error, "`before`, `after` and `idioms` are lists of words");
        }
    }
    guard
}

fn read_list(
    name: &str,
    value: &Value,
    guards: &[Guard],
    (place, findings): (&Place, &mut Findings),
) -> PhraseList {
    let (name, file) = (name.to_owned(), place.file.clone());
    let source = match read_value::<PhrasesSource>(value.clone()) {
        Ok(source) => source,
        Err(error) => {
            findings.mistake(place, error, "`any` is a list of phrases, `guards` one of names");
            return PhraseList { name, file, phrases: Vec::new(), guards: Vec::new() };
        }
    };
    check_keys(&source.unknown, &["any", "guards"], place, findings);
    if source.any.is_empty() {
        findings.mistake(place, "it has no phrase", "add phrases to `any`, or remove the list");
    }
    check_words(&source.any, place, findings);
    check_words(&source.guards, place, findings);
    let mut guard_idxs = Vec::new();
    for guard in &source.guards {
        let Some(idx) = guards.iter().position(|known| known.name == *guard) else {
            let hint = suggest(guard, guards.iter().map(|known| known.name.as_str()));
            findings.mistake(place, format!("unknown guard `{guard}`"), hint);
            continue;
        };
        guard_idxs.push(GuardIdx(idx));
    }
    let list = PhraseList { name, file, phrases: source.any, guards: guard_idxs };
    check_idioms(&list, guards, place, findings);
    list
}

/// Words must not be blank nor given twice.
fn check_words(words: &[String], place: &Place, findings: &mut Findings) {
    let mut seen = HashSet::new();
    for word in words {
        if word.trim().is_empty() {
            findings.mistake(place, "a word is blank", "remove it");
        } else if !seen.insert(word) {
            findings.mistake(place, format!("`{word}` is given twice"), "remove one");
        }
    }
}

/// Words are searched for in the normalized text and must be written the same way.
fn check_normalized<'w>(
    words: impl IntoIterator<Item = &'w String>,
    analyzer: &Analyzer,
    place: &Place,
    findings: &mut Findings,
) {
    for word in words.into_iter().filter(|word| !word.trim().is_empty()) {
        let document = analyzer.analyze(word);
        if document.normalized() != word {
            let message =
                format!("`{word}` can never be found, because texts are normalized first");
            findings.mistake(place, message, format!("write `{}`", document.normalized()));
        }
    }
}

/// A phrase that contains an idiom of its own guard never counts.
fn check_idioms(list: &PhraseList, guards: &[Guard], place: &Place, findings: &mut Findings) {
    for guard in list.guards.iter().map(|idx| &guards[idx.0]) {
        for phrase in &list.phrases {
            if let Some(idiom) = guard.idioms.iter().find(|idiom| phrase.contains(idiom.as_str())) {
                let message = format!(
                    "`{phrase}` never counts: guard `{}` has the idiom `{idiom}`",
                    guard.name
                );
                findings.mistake(place, message, "remove the phrase or the idiom");
            }
        }
    }
}

/// Names lists and guards that nothing uses.
pub(super) fn check_unused(lexicon: &Lexicon, used: &BTreeSet<ListIdx>, findings: &mut Findings) {
    for (idx, list) in lexicon.lists().iter().enumerate() {
        if !used.contains(&ListIdx(idx)) {
            let place = Place::new(&list.file, format!("phrases `{}`", list.name));
            findings.mistake(&place, "no rule uses it", "use it in a rule, or remove it");
        }
    }
    for (idx, guard) in lexicon.guards().iter().enumerate() {
        if !lexicon.lists().iter().any(|list| list.guards.contains(&GuardIdx(idx))) {
            let place = Place::new(&guard.file, format!("guard `{}`", guard.name));
            findings.mistake(
                &place,
                "no phrase list uses it",
                "name it in `guards` of a list, or remove it",
            );
        }
    }
}
