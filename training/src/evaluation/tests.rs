//! Figures against references, and what must hold for any answers.

use fenzhen::domain::{Head, HeadKind, LabelDefinition};
use fenzhen::inference::Choice;
use fenzhen::registry::Digest;
use proptest::prelude::*;

use super::*;

fn head(kind: HeadKind, n_labels: usize) -> Head {
    let label =
        |n: usize| LabelDefinition { id: format!("l{n}").parse().unwrap(), name: format!("l{n}") };
    Head {
        id: "h".parse().unwrap(),
        name: "h".to_owned(),
        kind,
        labels: (0..n_labels).map(label).collect(),
    }
}

fn judged(model: &str, kind: HeadKind, rows: &[(usize, [f32; 3])]) -> Judged {
    let answers = rows.iter().enumerate().map(|(text_idx, (label, probabilities))| {
        let largest = probabilities.iter().copied().fold(0.0, f32::max);
        let chosen = probabilities.iter().position(|p| p.total_cmp(&largest).is_eq()).unwrap();
        let choice = Choice {
            probabilities: probabilities.to_vec(),
            chosen: vec![chosen],
            abstains: largest < 0.5,
        };
        Answer::new(kind, text_idx, vec![*label], choice)
    });
    let heads = vec![JudgedHead { head: head(kind, 3), answers: answers.collect() }];
    Judged {
        model: model.to_owned(),
        n_texts: rows.len(),
        texts_sha256: Digest::of(b"texts"),
        data: Vec::new(),
        heads,
    }
}

const ROWS: [(usize, [f32; 3]); 8] = [
    (0, [0.9, 0.05, 0.05]),
    (0, [0.4, 0.35, 0.25]),
    (1, [0.1, 0.7, 0.2]),
    (1, [0.6, 0.3, 0.1]),
    (2, [0.1, 0.1, 0.8]),
    (2, [0.3, 0.5, 0.2]),
    (2, [0.05, 0.3, 0.65]),
    (0, [0.2, 0.25, 0.55]),
];

fn asking() -> Settings {
    Settings { safety: vec!["h=l2".parse().unwrap()], false_alarms: 0.2, ..Settings::default() }
}

#[track_caller]
fn check(found: f64, expected: f64) {
    assert!((found - expected).abs() < 1e-6, "{found} is not {expected}");
}

#[test]
fn figures_agree_with_references() {
    let evaluation = evaluate(&judged("a", HeadKind::Ordinal, &ROWS), &asking()).unwrap();
    let head = &evaluation.heads["h"];
    // scikit-learn 1.9.1 with y = [0,0,1,1,2,2,2,0] and the chosen [0,0,1,0,2,1,2,2]:
    // accuracy_score, f1_score(average="macro"), cohen_kappa_score(weights="quadratic"),
    // confusion_matrix.
    check(head.report.accuracy, 0.625);
    check(head.report.macro_f1, 0.611_111_111);
    check(head.report.quadratic_weighted_kappa.unwrap(), 0.5);
    let counts = &head.confusion.as_ref().unwrap().counts;
    assert_eq!(*counts, [[2, 0, 1], [1, 1, 0], [0, 1, 2]]);
    // By hand: right, surest first: 1 1 1 1 0 0 0 1; the mean of their running means.
    let running = [1.0, 1.0, 1.0, 1.0, 0.8, 4.0 / 6.0, 4.0 / 7.0, 0.625];
    check(head.precision_coverage_area, running.iter().sum::<f64>() / 8.0);
    check(head.precision_coverage[24].precision, 1.0);
    check(head.precision_coverage[49].precision, 0.625);
    check(head.report.coverage, 0.875);
    // sklearn.metrics.roc_curve(y == 2, [.05,.25,.2,.1,.8,.2,.65,.55], drop_intermediate=False):
    // the largest tpr whose fpr is at most 0.2.
    let safety = head.safety.as_ref().unwrap();
    check(safety.recall, 2.0 / 3.0);
    check(safety.recall_as_decided, 2.0 / 3.0);
    check(safety.false_alarms_as_decided, 0.2);
    assert_eq!((safety.n_safety, safety.n_others), (3, 5));
}

#[test]
fn a_comparison_is_paired_and_says_who_is_better() {
    // B is right on every text of which A is right on five of eight, five times over.
    let right = |label: usize| {
        let mut probabilities = [0.1; 3];
        probabilities[label] = 0.8;
        (label, probabilities)
    };
    let rows: Vec<_> = ROWS.iter().cycle().take(40).copied().collect();
    let perfect: Vec<_> = rows.iter().map(|&(label, _)| right(label)).collect();
    let a = judged("a", HeadKind::Ordinal, &rows);
    let b = judged("b", HeadKind::Ordinal, &perfect);

    let comparison = compare(&a, &b, &asking()).unwrap();
    let head = &comparison.heads["h"];
    assert_eq!(head.verdict, Verdict::BBetter);
    assert_eq!((head.mcnemar.only_a_right, head.mcnemar.only_b_right), (0, 15));
    let accuracy = head.measures[&Measure::Accuracy];
    check(accuracy.difference, 0.375);
    let Interval(low, high) = accuracy.interval.unwrap();
    assert!(0.2 < low && low < 0.375 && 0.375 < high && high < 0.55, "{low} {high}");
    assert!(head.measures.contains_key(&Measure::SafetyRecall));
    assert_eq!(head.labels["l2"].n_texts, 15);

    let back = compare(&b, &a, &asking()).unwrap();
    assert_eq!(back.heads["h"].verdict, Verdict::ABetter);
    let same = compare(&a, &a, &asking()).unwrap();
    assert_eq!(same.heads["h"].verdict, Verdict::MayBeChance);
    assert_eq!(same.heads["h"].measures[&Measure::Ece].interval, Some(Interval(0.0, 0.0)));

    let mut elsewhere = b.clone();
    elsewhere.texts_sha256 = Digest::of(b"other texts");
    assert!(matches!(compare(&a, &elsewhere, &asking()), Err(Error::DifferentTexts { .. })));
}

#[test]
fn labels_in_another_order_are_the_same_question_unless_they_are_ranked() {
    let a = judged("a", HeadKind::MultiClass, &ROWS);
    let mut b = a.clone();
    for judged in &mut b.heads {
        judged.head.labels.reverse();
        for answer in &mut judged.answers {
            answer.labels[0] = 2 - answer.labels[0];
            answer.choice.chosen[0] = 2 - answer.choice.chosen[0];
            answer.choice.probabilities.reverse();
        }
    }
    let comparison = compare(&a, &b, &Settings::default()).unwrap();
    let head = &comparison.heads["h"];
    assert!(head.measures.values().all(|it| it.difference.abs() < 1e-12), "{head:?}");
    assert!(head.labels.values().all(|it| it.f1.difference.abs() < 1e-12));
    let (mut a, mut b) = (a, b);
    a.heads[0].head.kind = HeadKind::Ordinal;
    b.heads[0].head.kind = HeadKind::Ordinal;
    let error = compare(&a, &b, &Settings::default()).unwrap_err();
    assert!(matches!(error, Error::NothingInCommon { .. }), "{error}");
}

#[test]
fn questions_that_do_not_fit_are_all_named() {
    let judged = judged("a", HeadKind::MultiClass, &ROWS);
    let safety = ["h=l9,l1", "h=l1", "mood=angry"].map(|it| it.parse().unwrap()).to_vec();
    let error = evaluate(&judged, &Settings { safety, ..Settings::default() }).unwrap_err();
    let message = error.to_string();
    for part in ["no label `l9`", "`h` is named twice", "no head `mood`"] {
        assert!(message.contains(part), "{message}");
    }
    assert!("severity".parse::<SafetyQuestion>().is_err());
    assert!("severity=high,".parse::<SafetyQuestion>().is_err());
}

#[test]
fn an_evaluation_survives_json() {
    let evaluation = evaluate(&judged("a", HeadKind::Ordinal, &ROWS), &asking()).unwrap();
    let json = serde_json::to_value(&evaluation).unwrap();
    let head = &json["heads"]["h"];
    assert!(head["accuracy"].is_f64() && head["macro_f1"].is_f64() && head["ece"].is_f64());
    assert_eq!(head["intervals"]["accuracy"].as_array().unwrap().len(), 2);
    let read: Evaluation = serde_json::from_value(json).unwrap();
    assert_eq!(read, evaluation);
}

/// Answers with ties: probabilities in eighths.
fn answers() -> impl Strategy<Value = Vec<(usize, [f32; 3])>> {
    let row = (0..3_usize, 0..9_u8, 0..9_u8).prop_map(|(label, a, b)| {
        let (a, b) = (a.min(8 - b.min(8)), b.min(8));
        (label, [f32::from(a) / 8.0, f32::from(b) / 8.0, f32::from(8 - a - b) / 8.0])
    });
    proptest::collection::vec(row, 1..40)
}

fn figures(rows: &[(usize, [f32; 3])]) -> Vec<(Measure, f64)> {
    let settings = Settings { resampling: Resampling { n_resamples: 0, seed: 1 }, ..asking() };
    let evaluation = evaluate(&judged("a", HeadKind::Ordinal, rows), &settings).unwrap();
    let head = &evaluation.heads["h"];
    Measure::ALL.into_iter().filter_map(|measure| Some((measure, head.value(measure)?))).collect()
}

fn is_same(a: &[(Measure, f64)], b: &[(Measure, f64)]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.0 == b.0 && (a.1 - b.1).abs() < 1e-9)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Nothing depends on the order of the texts, and texts given twice say the same as once.
    #[test]
    fn order_and_repetition_change_nothing(rows in answers()) {
        let expected = figures(&rows);
        let backwards: Vec<_> = rows.iter().rev().copied().collect();
        prop_assert!(is_same(&expected, &figures(&backwards)));
        let twice: Vec<_> = rows.iter().chain(&rows).copied().collect();
        prop_assert!(is_same(&expected, &figures(&twice)));
    }

    /// Shares are shares, counts add up, and intervals are the right way round.
    #[test]
    fn figures_are_possible(rows in answers()) {
        let settings = Settings { resampling: Resampling { n_resamples: 50, seed: 1 }, ..asking() };
        let evaluation = evaluate(&judged("a", HeadKind::Ordinal, &rows), &settings).unwrap();
        let head = &evaluation.heads["h"];
        for measure in Measure::ALL {
            let value = head.value(measure).unwrap_or_default();
            let lowest = if measure == Measure::QuadraticWeightedKappa { -1.0 } else { 0.0 };
            prop_assert!(lowest <= value && value <= 1.0, "{measure}: {value}");
        }
        for (measure, interval) in &head.intervals {
            prop_assert!(interval.0 <= interval.1, "{measure}: {interval:?}");
        }
        let counts = &head.confusion.as_ref().unwrap().counts;
        prop_assert_eq!(counts.iter().flatten().sum::<usize>(), rows.len());
        prop_assert_eq!(head.reliability.iter().map(|bin| bin.n).sum::<usize>(), rows.len());
        let safety = head.safety.as_ref().unwrap();
        prop_assert_eq!(safety.n_safety + safety.n_others, rows.len());
    }

    /// Looking from the other side turns every sign and every verdict.
    #[test]
    fn a_comparison_has_two_sides(rows in answers(), moves in answers()) {
        let other: Vec<_> =
            rows.iter().zip(moves.iter().cycle()).map(|(row, to)| (row.0, to.1)).collect();
        let (a, b) = (judged("a", HeadKind::Ordinal, &rows), judged("b", HeadKind::Ordinal, &other));
        let settings = Settings { resampling: Resampling { n_resamples: 50, seed: 1 }, ..asking() };
        let (there, back) = (compare(&a, &b, &settings).unwrap(), compare(&b, &a, &settings).unwrap());
        let (there, back) = (&there.heads["h"], &back.heads["h"]);
        for (measure, difference) in &there.measures {
            let turned = back.measures[measure];
            prop_assert!((difference.difference + turned.difference).abs() < 1e-9);
            if let (Some(one), Some(other)) = (difference.interval, turned.interval) {
                prop_assert!((one.0 + other.1).abs() < 1e-9 && (one.1 + other.0).abs() < 1e-9);
            }
        }
        prop_assert_eq!(there.mcnemar.only_a_right, back.mcnemar.only_b_right);
        let expected = match there.verdict {
            Verdict::ABetter => Verdict::BBetter,
            Verdict::BBetter => Verdict::ABetter,
            same => same,
        };
        prop_assert_eq!(back.verdict, expected);
    }
}
