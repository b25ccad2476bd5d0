//! What `train` says about tables that it cannot use: which file, which line, what to do, and
//! never a word of a text.

use crate::lab::{Lab, two_topics};

/// Part of every text below; no message may hold it.
const SECRET: &str = "身份证丢在酒店";

/// Trains on a file of this name and content and expects this message and hint.
fn check(name: &str, content: impl AsRef<[u8]>, options: &str, message: &str, hint: &str) {
    let lab = Lab::new();
    lab.write(name, content);
    let ran = lab.run(&format!("train --data {name} --out m {options}"));
    assert!(!ran.is_success, "{name} was taken, though: {message}");
    assert!(ran.stdout.is_empty(), "talk belongs to stderr: {}", ran.stdout);
    assert!(ran.stderr.contains(message), "{name}: expected `{message}` in\n{}", ran.stderr);
    let hints: Vec<&str> = ran.stderr.lines().filter(|line| line.starts_with("hint: ")).collect();
    assert_eq!(hints.len(), 1, "one hint: {}", ran.stderr);
    assert!(ran.stderr.trim_end().ends_with(hints[0]), "the hint comes last: {}", ran.stderr);
    assert!(hints[0].contains(hint), "expected `{hint}` in {}", hints[0]);
    assert!(!ran.stderr.contains(SECRET), "a text is quoted: {}", ran.stderr);
    assert!(!lab.path("m").exists(), "{name} left a bundle");
}

fn encoded(encoding: &'static encoding_rs::Encoding, text: &str) -> Vec<u8> {
    encoding.encode(text).0.into_owned()
}

#[test]
fn columns_that_are_not_there_are_told() {
    let head = "--head label";
    for (name, content, options, message, hint) in [
        (
            "x.csv",
            format!("内容,label\n{SECRET},a\n"),
            head,
            "`x.csv` has no column `text`; it has `内容`, `label`",
            "--text-column",
        ),
        (
            "x.csv",
            format!("text,other\n{SECRET},a\n"),
            head,
            "no column `label`; it has `text`, `other`",
            "NAME=COLUMN",
        ),
        (
            "x.jsonl",
            format!("{{\"text\": \"{SECRET}\"}}\n"),
            head,
            "no column `label`; it has `text`",
            "NAME=COLUMN",
        ),
        (
            "x.jsonl",
            format!("{{\"label\": \"{SECRET}\"}}\n"),
            head,
            "no column `text`",
            "--text-column",
        ),
    ] {
        check(name, content, options, message, hint);
    }
}

#[test]
fn lines_that_cannot_be_used_are_told() {
    let head = "--head label";
    for (name, content, options, message, hint) in [
        (
            "x.tsv",
            format!("text\tlabel\n{SECRET}\n"),
            head,
            "`x.tsv`, line 2: has 1 cells instead of 2",
            "double quotes",
        ),
        (
            "x.csv",
            format!("text,label\n,a\n{SECRET},b\n"),
            head,
            "`x.csv`, line 2: the text is blank",
            "delete that line",
        ),
        (
            "x.jsonl",
            format!(
                "{{\"text\": \" \", \"label\": \"a\"}}\n{{\"text\": null, \"label\": \"{SECRET}\"}}\n"
            ),
            head,
            "line 2: the text is missing",
            "delete that line",
        ),
        (
            "x.jsonl",
            "{\"text\": 3, \"label\": \"a\"}\n".to_owned(),
            head,
            "`x.jsonl`, line 1: `text` is no string",
            "--text-column",
        ),
        (
            "x.jsonl",
            format!("\n[\"{SECRET}\"]\n"),
            head,
            "line 2: is JSON but no object",
            "per line",
        ),
        (
            "x.jsonl",
            format!("{{\"text\": \"{SECRET}"),
            head,
            "line 1: ends in the middle of a JSON object",
            "per line",
        ),
        (
            "x.jsonl",
            format!("{{\"text\": \"{SECRET}\", \"label\": {{\"a\": 1}}}}\n"),
            head,
            "line 1: `label` is neither a string nor a list",
            "a label is a text",
        ),
    ] {
        check(name, content, options, message, hint);
    }
}

#[test]
fn a_quote_that_is_never_closed_is_told_where_it_opens() {
    let rows = format!("text,label\n\"{SECRET},a\n{}", "y,b\n".repeat(3_000));
    check("x.csv", rows, "--head label", "line 2: opens a quote that spans", "close the quote");
}

#[test]
fn files_that_are_no_tables_are_refused() {
    let head = "--head label";
    for (name, content, options, message, hint) in [
        ("x.csv", String::new(), head, "`x.csv` is empty", "exported"),
        ("x.csv", "text,label\n".to_owned(), head, "`x.csv` has no rows", "exported"),
        (
            "x.txt",
            SECRET.to_owned(),
            head,
            "is neither `.jsonl`, `.csv`, `.tsv` nor `.parquet`",
            "rename or convert",
        ),
        ("x.json", format!("[\"{SECRET}\"]"), head, "one object per line", "jq -c"),
        ("x.xlsx", "PK\u{3}\u{4}".to_owned(), head, "is a spreadsheet", "CSV"),
        ("x.csv", "PK\u{3}\u{4}".to_owned(), head, "whatever its name says", "CSV"),
        ("x.parquet", format!("text,label\n{SECRET},a\n"), head, "is no Parquet file", ".csv"),
        ("x.parquet", format!("PAR1{SECRET}"), head, "cannot be read as Parquet", "write it again"),
    ] {
        check(name, content, options, message, hint);
    }
}

#[test]
fn heads_that_make_no_sense_are_refused() {
    for (name, content, options, message, hint) in [
        ("x.csv", two_topics(30), "", "no head is given", "--head label=label"),
        (
            "x.csv",
            two_topics(30),
            "--head a=text",
            "that is the column of the text",
            "--head label=label",
        ),
    ] {
        check(name, content, options, message, hint);
    }
}

#[test]
fn labels_that_teach_nothing_are_refused() {
    let lines = |n_lines: usize, line: &dyn Fn(usize) -> String| {
        (0..n_lines).map(line).collect::<Vec<_>>().concat()
    };
    let one_class = lines(30, &|n| format!("{SECRET}{n},a\n"));
    let many = lines(1_200, &|n| format!("{n},{SECRET}{n}\n"));
    for (content, options, message, hint) in [
        (
            format!("text,label\n{one_class}"),
            "--head label",
            "needs 2 labels to tell apart; the data has `a`",
            "other labels",
        ),
        (
            format!("text,label\n{SECRET},a\n好,b\n坏,a\n"),
            "--head label",
            "has 3 labelled texts, too few for 5 folds",
            "at least 10",
        ),
        (
            two_topics(30),
            "--head label=label:ordinal:low,refund",
            "line 2: head `label` has no label `logistics`; it has `low`, `refund`",
            "correct the label",
        ),
        (
            format!("text,label\n{many}"),
            "--head label",
            "has 1200 different values: these are no labels",
            "--head label=COLUMN",
        ),
        (
            format!("text,label\n好,\"{SECRET}，一直没有人处理，我要投诉到底\"\n"),
            "--head label",
            "line 2: head `label`: of 22 characters is no label",
            "1 to 64 letters",
        ),
        (
            two_topics(30),
            "--max-memory 0.00001 --head label",
            "is too large to train on",
            "--sample",
        ),
        (two_topics(30), "--head label --head label", "label", "own name"),
    ] {
        check("x.csv", content, options, message, hint);
    }
}

#[test]
fn one_id_with_two_labels_is_refused() {
    let rows = format!("id,text,label\n1,{SECRET},a\n2,好,b\n1,{SECRET}。,b\n1,{SECRET},a\n");
    check(
        "x.csv",
        rows,
        "--head label",
        "`x.csv`, line 4: has the id of line 2 and other labels",
        "one record per id",
    );
}

#[test]
fn every_mistake_is_told_up_to_twenty() {
    let lab = Lab::new();
    lab.write("x.csv", format!("text,label\n{}", ",a\n".repeat(30)));
    let ran = lab.run("train --data x.csv --head label --out m");
    assert_eq!(ran.stderr.matches("the text is blank").count(), 20);
    assert!(ran.stderr.contains("… and 10 more"), "{}", ran.stderr);
}

#[test]
fn encodings_other_than_ours_are_refused_by_name() {
    let traditional =
        format!("text,label\n{},a\n", "快遞送到的時候箱子已經完全壓扁，裡面的杯子碎了三個")
            .repeat(20);
    let japanese =
        "text,label\n注文した商品がまだ届きません。電話しても返事がありません。,a\n".repeat(20);
    let utf16: Vec<u8> =
        [0xfeff].into_iter().chain(traditional.encode_utf16()).flat_map(u16::to_le_bytes).collect();
    let head = "--head label";
    check(
        "x.csv",
        encoded(encoding_rs::BIG5, &traditional),
        head,
        "seems to be Big5",
        "iconv -f Big5 -t UTF-8 x.csv",
    );
    check(
        "x.csv",
        encoded(encoding_rs::SHIFT_JIS, &japanese),
        head,
        "seems to be Shift_JIS",
        "iconv -f Shift_JIS",
    );
    check("x.csv", utf16, head, "seems to be UTF-16", "iconv -f UTF-16");
    let mut scratched = two_topics(30).into_bytes();
    scratched.extend(b"\xff\xff,a\n");
    check("x.csv", scratched, head, "line 32: bytes that are no UTF-8", "damaged");
    let mut scratched = encoded(encoding_rs::GB18030, &two_topics(30));
    scratched.extend(b"\xff\xff,a\n");
    check("x.csv", scratched, head, "line 32: bytes that are no GB18030", "damaged");
}

#[test]
fn gb18030_and_utf_8_give_the_same_weights() {
    let lab = Lab::new();
    let table = two_topics(60);
    lab.write("utf8.csv", &table);
    lab.write("marked.csv", format!("\u{feff}{table}"));
    lab.write("gb.csv", encoded(encoding_rs::GB18030, &table));
    lab.write("tabs.tsv", table.replace(',', "\t"));
    let weights = ["utf8.csv", "marked.csv", "gb.csv", "tabs.tsv"].map(|name| {
        let ran = lab.run(&format!("train --data {name} --head label --out of-{name}"));
        assert!(ran.is_success, "{name}: {}", ran.stderr);
        std::fs::read(lab.path(&format!("of-{name}/linear.safetensors"))).unwrap()
    });
    assert!(weights.iter().all(|it| *it == weights[0]));
}

#[test]
fn files_that_are_no_files_are_refused() {
    let lab = Lab::new();
    std::fs::create_dir(lab.path("folder.csv")).unwrap();
    for (name, message, hint) in [
        ("folder.csv", "`folder.csv` is a folder", "hint: name the files in it"),
        ("nowhere.csv", "cannot read `nowhere.csv`", "hint: check the path"),
    ] {
        let ran = lab.run(&format!("train --data {name} --head label --out m"));
        assert!(!ran.is_success);
        assert!(ran.stderr.contains(message) && ran.stderr.contains(hint), "{}", ran.stderr);
    }
}

#[test]
fn gold_is_never_trained_on() {
    let lab = Lab::new();
    lab.write("own-gold.csv", format!("text,label\n{SECRET}！,a\n"));
    lab.write("x.csv", format!("{}{SECRET},refund\n", two_topics(30)));
    let ran = lab.run("train --data own-gold.csv --head label --out m");
    assert!(ran.stderr.contains("`own-gold.csv` is a gold set by its name"), "{}", ran.stderr);
    let ran = lab.run("train --data x.csv --gold own-gold.csv --head label --out m");
    assert!(ran.stderr.contains("`x.csv`, line 32: is a gold text"), "{}", ran.stderr);
    assert!(ran.stderr.contains("hint: leave gold out"), "{}", ran.stderr);

    // The shipped gold set is known by its texts, whatever file they come in.
    let gold = concat!(env!("CARGO_MANIFEST_DIR"), "/../datasets/complaints/gold.jsonl");
    let gold = std::fs::read_to_string(gold).unwrap();
    lab.write("renamed.jsonl", &gold);
    let ran = lab.run("train --data renamed.jsonl --head category --out m");
    assert!(ran.stderr.contains("`renamed.jsonl`, line 1: is a gold text"), "{}", ran.stderr);
    let n_more = gold.lines().count() - 20;
    assert!(ran.stderr.contains(&format!("… and {n_more} more")), "{}", ran.stderr);
    assert!(lab.run("train --data x.csv --head label --out m").is_success, "and others may");
}
