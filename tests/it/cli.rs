//! The real binary on a command line.

use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use crate::server::{root, test_models};

/// Runs the binary to its end.
pub(crate) fn fenzhen(arguments: &[&str], stdin: &[u8]) -> Output {
    run(
        Command::new(env!("CARGO_BIN_EXE_fenzhen")).env("FENZHEN_MODELS", test_models()),
        arguments,
        stdin,
    )
}

fn run(command: &mut Command, arguments: &[&str], stdin: &[u8]) -> Output {
    let mut child = command
        .args(arguments)
        .current_dir(root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(stdin).unwrap();
    child.wait_with_output().unwrap()
}

fn lines(output: &Output) -> Vec<Value> {
    let text = std::str::from_utf8(&output.stdout).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn talk(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn lines_are_classified_in_order_and_broken_ones_are_reported() {
    let input =
        "{\"id\": 1, \"text\": \"快递丢了\"}\n\n{broken\n{\"id\": 3, \"text\": \"退款没到账\"}\n";
    let output = fenzhen(&["classify", "-"], input.as_bytes());
    assert_eq!(output.status.code(), Some(3));
    let answers = lines(&output);
    assert_eq!(answers.len(), 3);
    assert_eq!((&answers[0]["id"], &answers[0]["line"]), (&Value::from(1), &Value::from(1)));
    assert!(answers[1]["errors"].is_array());
    assert_eq!(answers[2]["category"]["label"], "refund_payment");
    let talk = talk(&output);
    assert!(talk.contains("line 3:"), "{talk}");
    assert!(talk.contains("3 items, 1 of them broken"), "{talk}");
}

#[test]
fn a_csv_file_is_classified_by_its_text_column() {
    let input = "id,内容,amount\n7,\"快递丢了，\n一直没人管\",\n8,,3\n9,假货,x\n";
    let arguments = ["classify", "-", "--input", "csv", "--text-column", "内容"];
    let answers = lines(&fenzhen(&arguments, input.as_bytes()));
    assert_eq!(answers.len(), 3);
    assert_eq!(answers[0]["id"], "7");
    assert_eq!(answers[0]["category"]["label"], "logistics");
    assert_eq!(answers[1]["errors"][0]["pointer"], "/text");
    assert_eq!(answers[2]["errors"][0]["pointer"], "/amount");
    let missing = fenzhen(&["classify", "-", "--input", "csv"], input.as_bytes());
    assert!(!missing.status.success());
    let talk = talk(&missing);
    assert!(talk.contains("--text-column") && !talk.contains("快递"), "{talk}");
}

#[test]
fn a_quote_that_is_never_closed_costs_no_later_row() {
    let input = "id,text,note,channel\n3,快递丢了,,chat\n4,\"未闭合,1,chat\n5,退款没到账,1,chat\n";
    for input in [input.to_owned(), input.replace('\n', "\r\n")] {
        let output = fenzhen(&["classify", "-", "--input", "csv"], input.as_bytes());
        assert_eq!(output.status.code(), Some(3));
        let answers = lines(&output);
        let places: Vec<_> = answers.iter().map(|it| it["line"].as_u64().unwrap()).collect();
        assert_eq!(places, [2, 3, 4]);
        assert!(answers[1]["errors"][0]["detail"].as_str().unwrap().contains("quote"));
        assert_eq!((&answers[2]["id"], &answers[2]["fallback"]), (&"5".into(), &false.into()));
        let talk = talk(&output);
        assert!(talk.contains("line 3: a quote") && !talk.contains("未闭合"), "{talk}");
        assert!(talk.contains("3 items, 1 of them broken"), "{talk}");
    }
}

#[test]
fn what_is_not_utf_8_is_named_line_by_line_with_the_way_out() {
    let gbk: &[u8] = b"\xbf\xec\xb5\xdd\xb6\xaa\xc1\xcb";
    let csv = [b"id,text,note\r\n1,", gbk, b",\r\n", gbk, b",x,\r\n3,x,", gbk, b"\r\n"].concat();
    let output = fenzhen(&["classify", "-", "--input", "csv"], &csv);
    let answers = lines(&output);
    assert_eq!(
        (&answers[0]["id"], &answers[0]["errors"][0]["pointer"]),
        (&"1".into(), &"/text".into())
    );
    assert_eq!(
        (&answers[1]["line"], &answers[1]["errors"][0]["pointer"]),
        (&3.into(), &"/id".into())
    );
    assert_eq!(answers[2]["id"], "3", "nobody reads the note");
    let told = talk(&output);
    assert!(told.contains("line 2: /text this is not UTF-8"), "{told}");
    assert!(told.contains("line 3: /id") && told.contains("iconv -f GB18030 -t UTF-8"), "{told}");
    let jsonl = [b"{\"text\": \"x\"}\n{\"text\": \"", gbk, b"\"}\n"].concat();
    let told = talk(&fenzhen(&["classify", "-"], &jsonl));
    assert!(told.contains("line 2: this is not UTF-8") && told.contains("iconv"), "{told}");
}

#[test]
fn a_byte_order_mark_is_read_over_and_fields_that_are_not_used_are_named_once() {
    let inputs = [
        (
            "jsonl",
            "\u{feff}{\"text\": \"快递\", \"姓名\": \"王某\"}\n{\"text\": \"货\", \"姓名\": \"李某\"}\n",
        ),
        ("csv", "\u{feff}text,姓名\n快递,王某\n货,李某\n"),
    ];
    for (format, input) in inputs {
        let output = fenzhen(&["classify", "-", "--input", format], input.as_bytes());
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(lines(&output).len(), 2);
        let expected = "note: fields that were not used: `姓名`\n2 items, 0 of them broken\n";
        assert_eq!(talk(&output), expected, "{format}");
    }
}

#[test]
fn answers_of_rules_alone_are_counted_on_stderr() {
    let folder = tempfile::tempdir().unwrap();
    let models = folder.path().to_str().unwrap();
    let output =
        fenzhen(&["classify", "-", "--models", models], "{\"text\": \"快递丢了\"}".as_bytes());
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(lines(&output)[0]["fallback"], true);
    let talk = talk(&output);
    assert!(talk.contains("rules alone answered 1 items"), "{talk}");
}

#[test]
fn the_rules_that_ship_are_right_and_can_be_explained() {
    for arguments in [["rules", "check"], ["rules", "test"]] {
        let output = fenzhen(&arguments, b"");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let arguments = ["rules", "explain", "--format", "json", "充电宝爆炸，手被烧伤"];
    let output = fenzhen(&arguments, b"");
    let trace: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(trace.to_string().contains("\"fired\":true"), "{trace}");
}

#[test]
fn the_models_that_ship_are_whole_and_the_live_one_answers() {
    let shipped = |arguments: &[&str], stdin: &[u8]| {
        run(&mut Command::new(env!("CARGO_BIN_EXE_fenzhen")), arguments, stdin)
    };
    assert!(shipped(&["models", "verify"], b"").status.success());
    let output = shipped(&["models", "list", "--format", "json"], b"");
    let models: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(models.to_string().contains("\"live\":true"), "{models}");
    let answers = lines(&shipped(&["classify", "-"], "{\"text\": \"快递丢了\"}".as_bytes()));
    assert_eq!(answers[0]["category"]["label"], "logistics");
    let version = answers[0]["model"]["version"].as_str().unwrap();
    assert!(version.starts_with("complaints-blend-7@"), "{version}");
}

#[test]
fn a_database_is_brought_to_the_newest_schema_twice_without_harm() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}/new/cases.sqlite", folder.path().display());
    for _ in 0..2 {
        let output = fenzhen(&["migrate", "--database", &url], b"");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

#[test]
fn a_live_model_that_is_missing_is_told_and_fails() {
    let folder = tempfile::tempdir().unwrap();
    let live = format!("name = \"gone\"\ndigest = \"{}\"\n", "0".repeat(64));
    std::fs::write(folder.path().join("live.toml"), live).unwrap();
    let models = folder.path().to_str().unwrap();
    let output = fenzhen(&["models", "verify", "--models", models], b"");
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(!output.status.success(), "{told}");
    assert!(told.contains("BROKEN  gone"), "{told}");
    assert_eq!(told.lines().count(), 2, "why stands below: {told}");
}

#[test]
fn logs_that_no_terminal_shows_have_no_colors() {
    let folder = tempfile::tempdir().unwrap();
    let models = folder.path().to_str().unwrap();
    // It logs that no model is live, and ends because there is no such database.
    let output = fenzhen(&["serve", "--models", models, "--database", "nowhere:"], b"");
    let logs = String::from_utf8(output.stderr).unwrap();
    assert!(logs.contains("WARN") && logs.contains("no model is live"), "{logs}");
    assert!(!logs.contains('\x1b'), "{logs:?}");
}

#[test]
fn a_missing_file_is_named() {
    let output = fenzhen(&["classify", "nowhere.jsonl"], b"");
    assert!(!output.status.success());
    assert!(String::from_utf8(output.stderr).unwrap().contains("nowhere.jsonl"));
}

#[test]
fn a_bucket_of_evidence_wants_its_keys_and_no_folder() {
    let keys = ["--s3-access-key", "a", "--s3-secret-key", "b"];
    let bucket = ["serve", "--s3-bucket", "evidence"];
    let cases: [(&[&str], &str); 5] = [
        (&[], "--s3-access-key"),
        (&keys[..2], "--s3-secret-key"),
        (&["--s3-access-key", "a", "--s3-secret-key", ""], "--s3-secret-key"),
        (&[&keys[..], &["--evidence", "files"]].concat(), "--evidence"),
        (&[&keys[..], &["--s3-virtual-hosted"]].concat(), "--s3-endpoint"),
    ];
    for (rest, named) in cases {
        let output = fenzhen(&[&bucket[..], rest].concat(), b"");
        assert_eq!(output.status.code(), Some(2), "{rest:?}");
        let told = String::from_utf8(output.stderr).unwrap();
        assert!(told.contains(named), "{rest:?}: {told}");
    }
    let output = fenzhen(&["serve", "--s3-endpoint", "https://s3.example.com"], b"");
    assert!(String::from_utf8(output.stderr).unwrap().contains("--s3-bucket"));
}
