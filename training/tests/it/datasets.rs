//! `dataset`: what it counts, finds, splits, joins, freezes and doubts in files that are made for it.

use std::{collections::BTreeMap, collections::BTreeSet};

use serde_json::Value;

use crate::lab::{Lab, two_topics};

/// Texts of which no two are similar: each is written in characters of its own.
fn unlike(n_texts: usize, first: usize) -> Vec<String> {
    let letter = |n: usize| {
        let mixed = (n as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        char::from_u32(0x4e00 + (mixed % 15_000) as u32).unwrap()
    };
    (first..first + n_texts)
        .map(|text| (0..40).map(|at| letter(text * 1_000 + at)).collect())
        .collect()
}

/// JSONL of texts with their labels.
fn jsonl(texts: &[String], label: impl Fn(usize) -> &'static str) -> String {
    let line = |(n, text): (usize, &String)| {
        format!("{}\n", serde_json::json!({"id": format!("t{n}"), "text": text, "label": label(n)}))
    };
    texts.iter().enumerate().map(line).collect::<Vec<_>>().concat()
}

fn json(lab: &Lab, command: &str) -> Value {
    let ran = lab.run(&format!("{command} --format json"));
    serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("no JSON: {ran:?}"))
}

#[test]
fn stats_counts_labels_lengths_scripts_and_copies() {
    let lab = Lab::new();
    lab.write(
        "x.csv",
        "text,topic,note,stars\n没发货,a,第一条,1\n没发货！,b,第二条,2\nwhere is it,a|b,x,1\n,a,y,1\n好,,z,1\n",
    );
    let stats = json(&lab, "dataset stats --data x.csv");
    assert_eq!(stats["n_texts"], 4);
    assert_eq!(stats["n_unusable"], 1);
    assert_eq!(stats["unusable"][0], "`x.csv`, line 5: the text is blank");
    assert_eq!(stats["n_duplicates"], 1);
    assert_eq!(stats["scripts"], serde_json::json!({"han": 3, "latin": 1}));
    assert_eq!(stats["length"]["max"], 11);
    let topic = &stats["heads"]["topic"];
    assert_eq!(topic["labels"], serde_json::json!({"a": 2, "b": 2}));
    assert_eq!((&topic["n_missing"], &topic["n_several"]), (&1.into(), &1.into()));
    assert_eq!(stats["heads"]["stars"]["labels"]["1"], 3);
    let text = lab.run("dataset stats --data x.csv --head topic");
    assert!(text.is_success && text.stdout.contains("2   50.0 %  a"), "{}", text.stdout);
}

#[test]
fn check_finds_copies_conflicts_and_frames() {
    let lab = Lab::new();
    let mut texts = unlike(30, 0);
    texts.push(format!("{}！", texts[3]));
    let nearly: String = texts[4].chars().take(36).chain("完全不同".chars()).collect();
    texts.push(nearly);
    lab.write("x.jsonl", jsonl(&texts, |n| if n == 30 { "b" } else { "a" }));
    let command = "dataset check --data x.jsonl --head label --threshold 0.6";
    let found = json(&lab, command);
    assert_eq!(found["n_texts"], 32);
    assert_eq!(found["n_duplicates"], 1, "{found}");
    assert_eq!(found["duplicates"][0]["first"], "`x.jsonl`, line 4");
    assert_eq!(found["duplicates"][0]["second"], "`x.jsonl`, line 31");
    assert_eq!(found["n_near_duplicates"], 1, "{found}");
    let similarity = found["near_duplicates"][0]["similarity"].as_f64().unwrap();
    assert!((similarity - 33.0 / 41.0).abs() < 1e-3, "{similarity}");
    assert_eq!(found["n_conflicts"], 1);
    assert_eq!(found["conflicts"][0]["head"], "label");
    assert_eq!(found["n_openings"], 0);
    assert!(lab.run(command).is_success, "copies alone are no error");
    let denied = lab.run(&format!("{command} --deny conflicts,duplicates"));
    assert!(!denied.is_success);
    let message = "found 1 duplicates, 1 conflicting labels\nhint: ";
    assert!(denied.stderr.contains(message), "{}", denied.stderr);

    lab.write("frames.csv", two_topics(40));
    let found = json(&lab, "dataset check --data frames.csv --threshold 0.9");
    assert!(1 <= found["n_stretches"].as_u64().unwrap(), "{found}");
}

#[test]
fn check_fails_where_texts_leak_and_writes_the_pairs() {
    let lab = Lab::new();
    let texts = unlike(40, 0);
    let mut gold = unlike(10, 500);
    gold.push(format!("“{}”", texts[7]));
    lab.write("train.jsonl", jsonl(&texts, |_| "a"));
    lab.write("gold.jsonl", jsonl(&gold, |_| "a"));
    let ran = lab.run("dataset check --data train.jsonl --against gold.jsonl --pairs pairs.jsonl");
    assert!(!ran.is_success);
    assert!(ran.stderr.contains("error: found 1 leaking pairs"), "{}", ran.stderr);
    assert!(
        ran.stdout.contains("`train.jsonl`, line 8 and `gold.jsonl`, line 11"),
        "{}",
        ran.stdout
    );
    let pair: Value = serde_json::from_str(lab.read("pairs.jsonl").trim()).unwrap();
    assert_eq!((&pair["finding"], &pair["first_id"]), (&"leakage".into(), &"t7".into()));
    assert_eq!(pair["first_text"], texts[7]);
    assert!(!ran.stderr.contains(&texts[7]) && !ran.stdout.contains(&texts[7]));
    gold.pop();
    lab.write("gold.jsonl", jsonl(&gold, |_| "a"));
    assert!(lab.run("dataset check --data train.jsonl --against gold.jsonl").is_success);
}

#[test]
fn a_split_keeps_shares_and_copies_together_and_every_column() {
    let lab = Lab::new();
    let mut texts = unlike(200, 0);
    for n in 0..20 {
        texts.push(format!("{}！", texts[n]));
    }
    lab.write("x.jsonl", jsonl(&texts, |n| if n % 5 == 0 { "rare" } else { "common" }));
    let command = "dataset split --data x.jsonl --head label --shares train=0.8,test=0.2";
    let manifest = json(&lab, &format!("{command} --out parts"));
    assert_eq!(manifest["parts"]["test"]["n_texts"], 44);
    assert_eq!(manifest["parts"]["test"]["heads"]["label"]["labels"]["rare"], 9, "{manifest}");
    let ids = |file: &str| -> BTreeSet<String> {
        let lines = lab.read(file);
        let id = |line: &str| {
            let row: Value = serde_json::from_str(line).unwrap();
            row["id"].as_str().unwrap().to_owned()
        };
        lines.lines().map(id).collect()
    };
    let test = ids("parts/test.jsonl");
    assert_eq!(ids("parts/train.jsonl").len() + test.len(), 220);
    for n in 0..20 {
        let (first, copy) = (format!("t{n}"), format!("t{}", 200 + n));
        assert_eq!(test.contains(&first), test.contains(&copy), "{first} and {copy}");
    }
    let check = "dataset check --data parts/train.jsonl --against parts/test.jsonl";
    assert!(lab.run(check).is_success);
    lab.run(&format!("{command} --out again"));
    assert_eq!(lab.read("parts/test.jsonl"), lab.read("again/test.jsonl"), "the seed decides");
    lab.run(&format!("{command} --seed 8 --out other"));
    assert_ne!(lab.read("parts/test.jsonl"), lab.read("other/test.jsonl"));
    let over = lab.run(&format!("{command} --out parts"));
    assert!(over.stderr.contains("`parts` exists already\nhint: "), "{}", over.stderr);
}

#[test]
fn a_split_refuses_gold_and_goes_by_time() {
    let lab = Lab::new();
    let texts = unlike(100, 0);
    let rows = texts.iter().enumerate();
    let rows: Vec<String> = rows
        .map(|(n, text)| format!("{text},2026/{}/{} 9:05:00\n", 1 + n % 12, 1 + n % 28))
        .collect();
    lab.write("x.csv", format!("text,when\n{}", rows.concat()));
    let command = "dataset split --data x.csv --time-column when";
    assert!(lab.run(&format!("{command} --out parts")).is_success);
    let months = |file: &str| -> Vec<u32> {
        let lines = lab.read(file);
        let month = |line: &str| {
            let row: Value = serde_json::from_str(line).unwrap();
            row["when"].as_str().unwrap().split('/').nth(1).unwrap().parse().unwrap()
        };
        lines.lines().map(month).collect()
    };
    let newest = months("parts/train.jsonl").into_iter().max();
    assert!(newest <= months("parts/test.jsonl").into_iter().min());
    lab.write("gold.csv", format!("text\n{}。\n", texts[3]));
    let ran = lab.run(&format!("{command} --against gold.csv --out other"));
    let message = "`x.csv`, line 5: is the same as `gold.csv`, line 2, or nearly so";
    assert!(!ran.is_success && ran.stderr.contains(message), "{}", ran.stderr);
    assert!(!lab.path("other").exists());
    lab.write("y.csv", "text,when\n好,昨天\n");
    let ran = lab.run("dataset split --data y.csv --time-column when --out other");
    assert!(ran.stderr.contains("`y.csv`, line 2: `when` is no time\nhint: "), "{}", ran.stderr);
}

#[test]
fn the_same_content_has_the_same_digest_in_any_order_and_kind_of_file() {
    let lab = Lab::new();
    lab.write("a.csv", "label,text,signals\na,没发货,legal|media\nb,好,\n");
    lab.write(
        "b.jsonl",
        "{\"text\": \"好\", \"signals\": [], \"label\": \"b\"}\n{\"signals\": [\"media\", \"legal\"], \"text\": \"没发货\", \"label\": \"a\"}\n",
    );
    lab.write("c.csv", "label,text,signals\nb,没发货,legal|media\nb,好,\n");
    let digest = |name: &str| {
        let heads = "--head label --head signals";
        let manifest =
            json(&lab, &format!("dataset snapshot --data {name} {heads} --out of-{name}"));
        assert_eq!(manifest["n_texts"], 2);
        assert_eq!(manifest["heads"]["signals"]["labels"]["legal"], 1);
        manifest["content_sha256"].as_str().unwrap().to_owned()
    };
    let (a, b, c) = (digest("a.csv"), digest("b.jsonl"), digest("c.csv"));
    assert_eq!(a, b);
    assert_ne!(a, c);
    assert_eq!(lab.read("of-a.csv/data.jsonl"), lab.read("of-b.jsonl/data.jsonl"));
    let content = lab.read("of-a.csv/data.jsonl");
    assert_eq!(fenzhen::registry::Digest::of(content.as_bytes()).to_string(), a);
    assert!(lab.run("dataset stats --data of-a.csv/data.jsonl").is_success);
}

#[test]
fn labels_find_the_texts_that_they_name_by_digest() {
    let lab = Lab::new();
    lab.write("texts.csv", "review,stars\n没发货,1\n,4\n\" 屏幕碎了 \",2\n很好,5\n");
    let digest = |text: &str| fenzhen::registry::Digest::of(text.as_bytes()).to_string();
    let label = |text: &str, severity: &str| {
        serde_json::json!({"text_sha256": digest(text), "severity": severity, "sure": 2})
            .to_string()
    };
    let labels = [label("屏幕碎了", "high"), label("别处的", "low"), label("没发货", "normal")];
    lab.write("labels.jsonl", labels.join("\n"));
    let command = "dataset join --labels labels.jsonl --data texts.csv --out joined.jsonl";
    let ran = lab.run(&format!("{command} --text-column review"));
    assert!(ran.is_success, "{ran:?}");
    let expected = "2 of 3 labels have found their texts\nrows that could not be read: 1\n";
    assert!(ran.stdout.starts_with(expected), "{ran:?}");
    let rows: Vec<Value> =
        lab.read("joined.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let row = |text: &str, severity: &str| serde_json::json!({"text": text, "severity": severity, "sure": 2});
    assert_eq!(rows, [row("屏幕碎了", "high"), row("没发货", "normal")]);

    let ran = lab.run(&format!("{command} --text-column stars"));
    assert!(ran.stderr.contains("none of the 3 labels"), "{ran:?}");
    lab.write("labels.jsonl", format!("{}\n{{\"text_sha256\": \"abc\"}}\n", labels[0]));
    let ran = lab.run(&format!("{command} --text-column review"));
    assert!(ran.stderr.contains("`labels.jsonl` line 2"), "{ran:?}");
}

#[test]
fn audit_finds_labels_that_were_swapped() {
    let lab = Lab::new();
    let table = two_topics(200);
    let swapped: Vec<usize> = (0..200).filter(|n| n % 17 == 3).collect();
    let mut lines: Vec<String> = table.lines().map(str::to_owned).collect();
    for &n in &swapped {
        let line = &mut lines[n + 1];
        *line = if line.contains("refund") {
            line.replace("refund", "logistics")
        } else {
            line.replace("logistics", "refund")
        };
    }
    lab.write("x.csv", lines.join("\n"));
    let report = json(&lab, "dataset audit --data x.csv --head label --out review.jsonl");
    let review: Vec<Value> =
        lab.read("review.jsonl").lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(report["heads"]["label"]["n_doubts"], review.len());
    let found: BTreeMap<String, &Value> =
        review.iter().map(|it| (it["place"].as_str().unwrap().to_owned(), it)).collect();
    let n_found =
        swapped.iter().filter(|n| found.contains_key(&format!("`x.csv`, line {}", *n + 2))).count();
    assert!(swapped.len() - 1 <= n_found, "{n_found} of {}", swapped.len());
    assert!(review.len() <= swapped.len() + 2, "{} doubts", review.len());
    assert_ne!(review[0]["given"], review[0]["suggested"]);
    assert!(review[0]["reason"].as_str().unwrap().contains("reaches the"));
}

#[test]
fn agreement_joins_files_by_key_and_columns_by_row() {
    let lab = Lab::new();
    lab.write("a.csv", "id,severity,signals\n1,low,x|y\n2,high,\n3,low,x\n4,high,\n");
    lab.write("b.jsonl", "{\"id\": 4, \"severity\": \"low\", \"signals\": []}\n{\"id\": \"1\", \"severity\": \"low\", \"signals\": [\"y\", \"x\"]}\n{\"id\": \"2\", \"severity\": \"high\", \"signals\": [\"x\"]}\n{\"id\": \"3\", \"severity\": \"low\", \"signals\": [\"x\"]}\n");
    let heads = "--head severity=severity:ordinal:low,high --head signals=signals:multi_label";
    let found = json(&lab, &format!("dataset agreement --data a.csv --with b.jsonl {heads}"));
    assert_eq!(found["severity"]["n_texts"], 4);
    assert_eq!(found["severity"]["accuracy"], 0.75);
    assert_eq!(found["severity"]["kappa"], 0.5);
    assert_eq!(found["signals"]["labels"]["x"]["n_both"], 2);
    assert_eq!(found["signals"]["labels"]["y"]["kappa"], 1.0);
    lab.write("two.csv", "first,second\nlow,low\nhigh,low\nhigh,high\nlow,low\n");
    let found = json(&lab, "dataset agreement --data two.csv --head severity=first+second");
    assert_eq!(found["severity"]["kappa"], 0.5);
    let ran = lab.run("dataset agreement --data two.csv --head severity=first");
    assert!(ran.stderr.contains("hint: name the other file with `--with`"), "{}", ran.stderr);
}

#[test]
fn cross_validation_answers_every_text_by_other_folds() {
    let lab = Lab::new();
    lab.write("x.csv", two_topics(120));
    let command = "cross-validate --data x.csv --head label --threshold 0.95 --folds-out folds.csv";
    let report = json(&lab, command);
    assert_eq!(report["n_texts"], 120);
    assert_eq!(report["heads"]["label"]["accuracy"], 1.0);
    assert_eq!(report["heads"]["label"]["fold_macro_f1"].as_array().unwrap().len(), 5);
    let folds = lab.read("folds.csv");
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    for line in folds.lines().skip(1) {
        *sizes.entry(line.rsplit(',').next().unwrap()).or_default() += 1;
    }
    assert_eq!(sizes.values().copied().collect::<Vec<_>>(), [24; 5]);
    assert_eq!(
        folds.lines().nth(1).unwrap().split(',').take(3).collect::<Vec<_>>(),
        ["0", "0", "2"]
    );
    // Labels that have nothing to do with the texts cannot be answered by a model of other folds.
    let texts = unlike(120, 0);
    lab.write("y.jsonl", jsonl(&texts, |n| if n % 2 == 0 { "a" } else { "b" }));
    let report = json(&lab, "cross-validate --data y.jsonl --head label");
    let accuracy = report["heads"]["label"]["accuracy"].as_f64().unwrap();
    assert!((0.25..0.75).contains(&accuracy), "{accuracy}");
}
