//! What authors read.

use super::{ANALYZER, SAMPLE, TODAY, file, parse, queues, taxonomy};
use crate::rules::{Situation, Vocabulary, check, explain, test};

#[test]
fn an_explanation_shows_what_was_seen_and_what_took_it_back() {
    let rules = parse(&[file(SAMPLE)]).unwrap();
    let document = ANALYZER.analyze("我气炸了,充电宝没有爆炸");

    let report = explain(&rules, &Situation::of_words(&document), TODAY);

    insta::assert_snapshot!(report, @"
    规则版本 2026-11-21+47628a61，触发 0 条
    ✗ safety.explosion 爆炸（安全）
      ✗ 满足其一
        ✗ 词表 explosion
          · explosion「炸」（第 3 字），因护栏 sayings 的习语「气炸了」不计
          · explosion「炸了」（第 3–4 字），因护栏 sayings 的习语「气炸了」不计
          · explosion「爆炸」（第 11–12 字），因护栏 negation 的前词「没有」不计
          · explosion「炸」（第 12 字），因护栏 negation 的前词「没有」不计
        ✗ 词表 device 与 hurt 相距不超过 6 字
          · device「充电宝」（第 6–8 字）
    ✗ attention.injury_score 模型疑似伤人（关注）
      ✗ 全部满足
        ✗ 满足其一
          ✗ 模型选中 signals/injury
          ✗ 模型概率 category/safety ≥ 0.7
        ✓ 不满足
          ✗ 词表 explosion
            · explosion「炸」（第 3 字），因护栏 sayings 的习语「气炸了」不计
            · explosion「炸了」（第 3–4 字），因护栏 sayings 的习语「气炸了」不计
            · explosion「爆炸」（第 11–12 字），因护栏 negation 的前词「没有」不计
            · explosion「炸」（第 12 字），因护栏 negation 的前词「没有」不计
        ✓ 不满足
          ✗ 字段 channel 为 store
    其余 2 条规则未见相关词句
    ");
    insta::assert_json_snapshot!(report.rules[0].condition.parts[1], @r#"
    {
      "condition": "near `device`, `hurt` within 6",
      "title": "词表 device 与 hurt 相距不超过 6 字",
      "holds": false,
      "seen": [
        {
          "list": "device",
          "text": "充电宝",
          "start": 5,
          "end": 8
        }
      ]
    }
    "#);
}

#[test]
fn a_check_counts_and_lists_what_is_wrong() {
    let text = SAMPLE
        .replace("effective_from = 2026-01-01", "effective_until = 2026-01-01")
        .replace("match = [\"充电宝在枕边爆炸\"", "match = [\"充电宝在枕边\"")
        .replace("rank = 10", "rnak = 10");
    let vocabulary = Vocabulary { taxonomy: &taxonomy(), queues: &queues() };

    let report = check(&[file(&text)], &vocabulary, &ANALYZER, TODAY);

    assert!(!report.passed());
    insta::assert_snapshot!(report, @"
    规则版本 2026-11-21+fbe7c6c3
    1 个文件，3 条规则，20 个示例；4 个词表共 8 个词，3 个护栏
    类型：安全 1，高额 1，关注 1，分派 0
    负责人：分诊组 1，安全应急组 1，资金组 1
    已过期：safety.explosion
    提醒 1 处：
    - `test.toml`, rule `safety.explosion`: its last day has passed; hint: remove it, or move `effective_until`
    错误 3 处：
    - `test.toml`, rule `route.refund_again`: unknown key `rnak`; hint: did you mean `rank`?
    - `test.toml`, rule `route.refund_again`: `then.queue` has no `rank`; hint: give one; the highest rank wins
    - `test.toml`, rule `safety.explosion`: `examples.match[0]` should make the rule fire and does not; hint: widen the condition, or correct the example
    未通过
    ");
}

#[test]
fn a_test_shows_the_examples_that_do_not_hold() {
    let text = SAMPLE.replace("match = [\"充电宝在枕边爆炸\"", "match = [\"充电宝在枕边\"");
    let vocabulary = Vocabulary { taxonomy: &taxonomy(), queues: &queues() };

    let report = test(&[file(&text)], &vocabulary, &ANALYZER);

    assert!(!report.passed());
    insta::assert_snapshot!(report, @"
    ✗ safety.explosion 爆炸：7/8
        match[0] 应当触发而未触发：「充电宝在枕边」
    ✓ money.large 金额高：6/6
    ✓ attention.injury_score 模型疑似伤人：6/6
    ✓ route.refund_again 催退款：6/6
    示例 25 个通过，1 个未通过
    ");
}
