//! What fires, and where it says so.

use super::{ANALYZER, SAMPLE, TODAY, file, ids, parse};
use crate::domain::{Money, Tier};
use crate::rules::{RuleSet, Situation};

fn sample() -> RuleSet {
    match parse(&[file(SAMPLE)]) {
        Ok(rules) => rules,
        Err(error) => panic!("{error}"),
    }
}

#[track_caller]
fn check(text: &str, expected: &[(&str, &[&str])]) {
    let document = ANALYZER.analyze(text);
    let hits = sample().evaluate(&Situation::of_words(&document), TODAY);
    let found: Vec<(&str, Vec<&str>)> = hits
        .iter()
        .map(|hit| (hit.rule.as_str(), hit.evidence.iter().map(|span| span.slice(text)).collect()))
        .collect();
    let expected: Vec<_> = expected.iter().map(|(rule, spans)| (*rule, spans.to_vec())).collect();
    assert_eq!(found, expected);
}

#[test]
fn a_phrase_fires_with_its_place_and_overlapping_phrases_are_one_place() {
    check("手机突然爆炸", &[("safety.explosion", &["爆炸"])]);
    check("手机爆炸了", &[("safety.explosion", &["爆炸了"])]);
    check("手机炸了,又炸了", &[("safety.explosion", &["炸了", "炸了"])]);
    check("手机坏了", &[]);
}

#[test]
fn a_guard_takes_back_only_what_stands_in_its_clause_and_window() {
    check("没有爆炸", &[]);
    check("没有发生爆炸", &[]);
    check("没有及时处理爆炸", &[("safety.explosion", &["爆炸"])]);
    check("没有,爆炸了", &[("safety.explosion", &["爆炸了"])]);
    check("会爆炸吗", &[]);
    check("会爆炸。好吗", &[("safety.explosion", &["爆炸"])]);
    check("我气炸了", &[]);
    check("我气炸了,因为电池炸了", &[("safety.explosion", &["炸了"])]);
}

#[test]
fn lists_stand_near_each_other_in_either_order() {
    check("充电宝把孩子烫伤", &[("safety.explosion", &["充电宝", "烫伤"])]);
    check("烫伤,电池的错", &[("safety.explosion", &["烫伤", "电池"])]);
    check("充电宝一二三四五六烫伤", &[("safety.explosion", &["充电宝", "烫伤"])]);
    check("充电宝一二三四五六七烫伤", &[]);
    check("充电宝没烫伤", &[]);
}

#[test]
fn every_matching_rule_fires_with_all_that_it_asks_for() {
    let rules = sample();
    let document = ANALYZER.analyze("爆炸,退款");
    let situation = Situation {
        amount: Some(Money::from_yuan(20_000)),
        prior_contacts: Some(3),
        ..Situation::of_words(&document)
    };

    let hits = rules.evaluate(&situation, TODAY);

    assert_eq!(ids(&hits), ["safety.explosion", "money.large", "route.refund_again"]);
    let hit = &hits[0];
    assert!(hit.safety_critical && hit.effect.executive_review && !hits[1].safety_critical);
    assert_eq!(hit.effect.tier, Some(Tier::Executive));
    assert_eq!(hit.effect.severity, Some("critical".parse().unwrap()));
    assert_eq!(hits[1].evidence, []);
    assert_eq!(hits[2].effect.queue, Some(("finance_pricing".parse().unwrap(), 10)));
}

#[test]
fn a_rule_counts_from_its_first_day_on() {
    let rules = sample();
    let document = ANALYZER.analyze("爆炸");
    let hits = |today| rules.evaluate(&Situation::of_words(&document), today).len();

    assert_eq!(hits(jiff::civil::date(2025, 12, 31)), 0);
    assert_eq!(hits(jiff::civil::date(2026, 1, 1)), 1);
}

#[test]
fn the_version_follows_the_content_and_not_the_order_of_the_files() {
    let rules = sample();
    let (date, digest) = rules.version().split_once('+').unwrap();
    assert_eq!((date, digest.len()), ("2026-11-21", 8));

    let changed = parse(&[file(&SAMPLE.replace("催退款", "催促退款"))]).unwrap();
    assert_ne!(changed.version(), rules.version());
    assert_eq!(changed.len(), 4);
}
