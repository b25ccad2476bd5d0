//! What a rule file can get wrong, and what its author reads then.

use super::{ANALYZER, SAMPLE, file, parse, queues};
use crate::domain::Taxonomy;
use crate::rules::{Mistake, RuleFile, Vocabulary};

/// What is wrong with the sample after one change.
#[track_caller]
fn mistakes(from: &str, to: &str) -> Vec<Mistake> {
    assert!(SAMPLE.contains(from), "the sample has `{from}`");
    match parse(&[file(&SAMPLE.replacen(from, to, 1))]) {
        Ok(_) => Vec::new(),
        Err(error) => error.mistakes().to_vec(),
    }
}

/// Changes the sample in one place and expects exactly these mistakes beside examples that fail.
#[track_caller]
fn check(from: &str, to: &str, expected: &[&str]) {
    let found: Vec<_> = mistakes(from, to)
        .into_iter()
        .filter(|mistake| !mistake.message.contains("make the rule fire"))
        .map(|mistake| format!("{}: {}", mistake.item, mistake.message))
        .collect();
    assert_eq!(found, expected);
}

/// Adds a condition beside `{ phrases = "refund" }` and expects exactly these mistakes.
#[track_caller]
fn check_condition(condition: &str, expected: &[&str]) {
    let from = "{ field = \"prior_contacts\", ge = 2 }";
    let expected: Vec<_> =
        expected.iter().map(|message| format!("rule `route.refund_again`: {message}")).collect();
    check(from, condition, &expected.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn an_unknown_key_is_named_and_the_nearest_known_one_suggested() {
    let id = "id = \"safety.explosion\"";
    let shown: Vec<_> = mistakes(id, &format!("{id}\nonwer = 1\nkindd = 1"))
        .iter()
        .map(Mistake::to_string)
        .collect();
    assert_eq!(
        shown,
        [
            "`test.toml`, rule `safety.explosion`: unknown key `kindd`; hint: did you mean `kind`?",
            "`test.toml`, rule `safety.explosion`: unknown key `onwer`; hint: did you mean `owner`?",
        ]
    );
    check("window = 3", "windov = 3", &["guard `negation`: unknown key `windov`"]);
    check("rank = 10", "rank = 10, rang = 1", &["rule `route.refund_again`: unknown key `rang`"]);
    check("version = ", "verison = \"1\"\nversion = ", &[": unknown key `verison`"]);
    check(
        "amount = 10000 }",
        "amount = 10000, amuont = 1 }",
        &["rule `money.large`: `examples.match[0]`: unknown key `amuont`"],
    );
    check_condition("{ field = \"amount\", eg = 1, ge = 1 }", &["`when.all[1]`: unknown key `eg`"]);
}

#[test]
fn a_value_of_the_wrong_type_is_found_by_its_path() {
    check(
        "ge = 2",
        "ge = \"two\"",
        &[
            "rule `route.refund_again`: `when.all[1].ge`: invalid type: string \"two\", expected f64",
        ],
    );
    check(
        "any = [\"退款\"]",
        "any = \"退款\"",
        &["phrases `refund`: `any`: invalid type: string \"退款\", expected a sequence"],
    );
    check("version = ", "version == ", &[": line 1: extra `=`, expected nothing"]);
}

#[test]
fn names_must_exist_and_be_used() {
    check(
        "then = { queue = \"finance_pricing\"",
        "then = { queue = \"finance\"",
        &["rule `route.refund_again`: `then.queue`: unknown queue `finance`"],
    );
    check(
        "severity = \"critical\"",
        "severity = \"criticl\"",
        &["rule `safety.explosion`: `then.severity`: unknown label `criticl`"],
    );
    check(
        "[phrases.refund]",
        "[phrases.refunds]\nany = [\"退钱\"]\n[phrases.refund]",
        &["phrases `refunds`: no rule uses it"],
    );
    check(
        "guards = [\"negation\", \"question\", \"sayings\"]",
        "guards = [\"negatoin\"]",
        &[
            "phrases `explosion`: unknown guard `negatoin`",
            "guard `sayings`: no phrase list uses it",
        ],
    );
}

#[test]
fn phrases_are_written_as_texts_are_read_and_once() {
    check(
        "[\"退款\"]",
        "[\"退款\", \"退款\", \" \"]",
        &["phrases `refund`: `退款` is given twice", "phrases `refund`: a word is blank"],
    );
    check("[\"退款\"]", "[]", &["phrases `refund`: it has no phrase"]);
    check(
        "any = [\"爆炸\"",
        "any = [\"爆炸好看极了\", \"爆炸\"",
        &[
            "phrases `explosion`: `爆炸好看极了` never counts: guard `sayings` has the idiom `爆炸好看`",
        ],
    );
}

#[test]
fn a_condition_asks_one_question_that_can_be_answered() {
    check_condition("{}", &["`when.all[1]`: the condition asks 0 questions"]);
    check_condition("{ any = [] }", &["`when.all[1].any`: the list is empty"]);
    check_condition(
        "{ phrases = \"refund\", near = [\"refund\", \"device\"] }",
        &["`when.all[1]`: the condition asks 2 questions"],
    );
    check_condition(
        "{ phrases = \"hurt\", within = 3 }",
        &["`when.all[1]`: `within` does not fit here"],
    );
    check_condition(
        "{ near = [\"hurt\", \"device\", \"refund\"], within = 3 }",
        &["`when.all[1]`: `near` has 3 lists"],
    );
    check_condition(
        "{ near = [\"hurt\", \"refund\"] }",
        &["`when.all[1]`: `near` needs a distance"],
    );
    check_condition("{ field = \"amonut\", ge = 1 }", &["`when.all[1]`: unknown field `amonut`"]);
    check_condition("{ field = \"amount\" }", &["`when.all[1]`: there is nothing to compare with"]);
    check_condition(
        "{ field = \"amount\", in = [\"1\"] }",
        &["`when.all[1]`: `amount` is a number"],
    );
    check_condition(
        "{ field = \"amount\", ge = 1, gt = 2 }",
        &["`when.all[1]`: two limits on one side"],
    );
    check_condition(
        "{ field = \"channel\", ge = 1 }",
        &["`when.all[1]`: `in` is missing or empty"],
    );
    check_condition(
        "{ field = \"channel\", in = [\"chat\", \"fax\", \"chat\"] }",
        &["`when.all[1]`: unknown value `fax`", "`when.all[1]`: `chat` is given twice"],
    );
    check_condition(
        "{ score = \"category/safty\", ge = 0.5 }",
        &["`when.all[1]`: unknown label `category/safty`"],
    );
    check_condition(
        "{ score = \"category/safety\", ge = 1.5 }",
        &[
            "`when.all[1]`: `1.5` is not a probability",
            "a condition can never be true: no value of score `category/safety` is left",
        ],
    );
    check_condition("{ predicted = \"safety\" }", &["`when.all[1]`: unknown label `safety`"]);
}

#[test]
fn a_condition_that_can_never_be_true_is_refused() {
    check_condition(
        "{ field = \"amount\", ge = 10, lt = 10 }",
        &["a condition can never be true: no value of field `amount` is left"],
    );
    check_condition(
        "{ all = [ { field = \"people\", ge = 3 }, { field = \"people\", le = 2 } ] }",
        &["a condition can never be true: no value of field `people` is left"],
    );
    check_condition(
        "{ all = [ { field = \"people\", ge = 3 }, { not = { field = \"people\", gt = 2 } } ] }",
        &["a condition can never be true: no value of field `people` is left"],
    );
    check_condition(
        "{ field = \"amount\", lt = 0 }",
        &["a condition can never be true: no value of field `amount` is left"],
    );
    check_condition(
        "{ not = { phrases = \"refund\" } }",
        &["a condition can never be true: phrases `refund` and its opposite"],
    );
    check_condition(
        "{ not = { any = [ { phrases = \"hurt\" }, { phrases = \"refund\" } ] } }",
        &["a condition can never be true: phrases `refund` and its opposite"],
    );
    check_condition(
        "{ any = [ { phrases = \"hurt\" }, { not = { phrases = \"refund\" } } ] }",
        &["a condition can never be true: phrases `refund` and its opposite"],
    );
    check_condition(
        "{ all = [ { near = [\"hurt\", \"device\"], within = 3 }, { not = { phrases = \"hurt\" } } ] }",
        &["a condition can never be true: phrases `hurt` near others and absent"],
    );
    check_condition(
        "{ all = [ { field = \"channel\", in = [\"chat\"] }, { field = \"channel\", in = [\"form\"] } ] }",
        &["a condition can never be true: no value of field `channel` is left"],
    );
    check_condition(
        "{ all = [ { predicted = \"category/safety\" }, { predicted = \"category/other\" } ] }",
        &["a condition can never be true: the model chooses only one label of `category`"],
    );
    check_condition(
        "{ all = [ { score = \"category/safety\", ge = 0.7 }, { score = \"category/safety\", lt = 0.5 } ] }",
        &["a condition can never be true: no value of score `category/safety` is left"],
    );
    // These can be true.
    check_condition(
        "{ all = [ { predicted = \"signals/injury\" }, { predicted = \"signals/media\" } ] }",
        &[],
    );
    check_condition(
        "{ all = [ { not = { field = \"people\", gt = 2 } }, { not = { field = \"people\", le = 2 } } ] }",
        &[],
    );
    check_condition(
        "{ all = [ { field = \"people\", ge = 2 }, { field = \"people\", le = 2 } ] }",
        &[],
    );
}

#[test]
fn a_rule_has_an_effect_of_its_own_and_a_time() {
    check(
        "then = { queue = \"finance_pricing\", rank = 10 }",
        "then = {}",
        &["rule `route.refund_again`: the rule has no effect"],
    );
    check(
        "then = { queue = \"finance_pricing\", rank = 10 }",
        "then = { queue = \"finance_pricing\", tier = 1 }",
        &[
            "rule `route.refund_again`: `then.tier`: every case starts at tier `1`",
            "rule `route.refund_again`: `then.queue` has no `rank`",
        ],
    );
    check(
        "effective_from = 2026-01-01",
        "effective_from = 2026-01-01\neffective_until = 2025-12-31",
        &["rule `safety.explosion`: `effective_until` lies before `effective_from`"],
    );
    check(
        "effective_from = 2026-01-01",
        "effective_from = \"1月1日\"",
        &["rule `safety.explosion`: `effective_from`: `1月1日` is not a day"],
    );
    check(
        "kind = \"route\"",
        "kind = \"rout\"",
        &["rule `route.refund_again`: unknown kind `rout`"],
    );
    check(
        "id = \"money.large\"",
        "id = \"safety.explosion\"",
        &["rule `safety.explosion`: `test.toml` has a rule of this id already"],
    );
    check(
        "reason = \"多次催促退款。\"",
        "reason = \" \"",
        &["rule `route.refund_again`: `reason` is blank"],
    );
}

#[test]
fn rules_must_not_repeat_or_contradict_each_other() {
    let refund = &SAMPLE[SAMPLE.rfind("[[rules]]").unwrap()..];
    let twin = refund.replace("route.refund_again", "route.twin");
    let rival = twin.replace("finance_pricing", "logistics");
    check(
        refund,
        &format!("{refund}\n{twin}"),
        &["rule `route.twin`: it asks and does the same as rule `route.refund_again`"],
    );
    check(
        refund,
        &format!("{refund}\n{rival}"),
        &[
            "rule `route.twin`: rule `route.refund_again` sends cases to another queue with the same rank 10",
        ],
    );
}

#[test]
fn examples_must_be_there_and_hold() {
    let found = mistakes("no_match = [\"气炸了\"", "no_match = [\"电池炸了\"");
    let [mistake] = found.as_slice() else { panic!("{found:?}") };
    assert_eq!(mistake.message, "`examples.no_match[0]` should not make the rule fire and does");

    check(
        "match = [{ text = \"退款呢\", prior_contacts = 2 }, { text = \"退款!\", prior_contacts = 9 }]",
        "match = []",
        &["rule `route.refund_again`: it has 0 `match` and 4 `no_match` examples"],
    );
    check(
        "amount = 10000 }",
        "amount = -1, channel = \"fax\" }",
        &[
            "rule `money.large`: `examples.match[0]`: `amount`: an amount is a number of yuan between 0 and 1000000000000, such as `399.50`",
            "rule `money.large`: `examples.match[0]`: `channel`: unknown value `fax`",
        ],
    );
    check(
        "scores = { \"category/safety\" = 0.7 }",
        "predicted = [\"category/safety\", \"category/other\"]",
        &[
            "rule `attention.injury_score`: `examples.match[1]`: `predicted` has two labels of `category`",
        ],
    );
}

#[test]
fn all_files_are_one_rule_set_with_one_version() {
    let text = "version = \"2\"\n[phrases.refund]\nany = [\"退钱\"]".to_owned();
    let error =
        parse(&[file(SAMPLE), RuleFile { name: "other.toml".to_owned(), text }]).unwrap_err();
    let found: Vec<_> = error.mistakes().iter().map(|mistake| mistake.message.as_str()).collect();
    assert_eq!(
        found[..2],
        ["another file has a `version`, too", "`other.toml` has phrases of this name already"]
    );
}

#[test]
fn json_files_have_the_same_keys() {
    let text = SAMPLE.replace("2026-01-01\n", "\"2026-01-01\"\n");
    let value: toml::Value = toml::from_str(&text).unwrap();
    let text = serde_json::to_string(&value).unwrap();
    let json = RuleFile { name: "test.json".to_owned(), text };
    assert_eq!(parse(&[json]).unwrap().len(), 4);
}

#[test]
fn rules_are_rechecked_when_a_model_brings_other_labels() {
    let rules = parse(&[file(SAMPLE)]).unwrap();
    let text = include_str!("../../../datasets/taxonomy.toml").replace("\"injury\"", "\"harm\"");
    let taxonomy: Taxonomy = toml::from_str(&text).unwrap();
    let vocabulary = Vocabulary { taxonomy: &taxonomy, queues: &queues() };

    let error = rules.recheck(&vocabulary, &ANALYZER).unwrap_err();

    let places: Vec<_> = error.mistakes().iter().map(|mistake| mistake.item.as_str()).collect();
    // The condition and three examples speak of the label.
    assert_eq!(places, ["rule `attention.injury_score`"; 4]);
}
