//! Encodings that are read, and those that are refused by name.

use std::fs;
use std::path::Path;

use super::*;

const LETTERS: &str = "快遞送到的時候箱子已經完全壓扁，裡面的杯子碎了三個，客服一直不回覆，\
     要求退款也沒有下文，希望盡快處理這個問題，謝謝。";
const SIMPLIFIED: &str = "快递送到的时候箱子已经完全压扁，里面的杯子碎了三个，客服一直不回复，\
     要求退款也没有下文，希望尽快处理这个问题，谢谢。";
const KANA: &str = "注文した商品がまだ届きません。カスタマーサービスに電話しても返事がありません。";

fn scan(bytes: &[u8]) -> Result<Encoding, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.csv");
    fs::write(&path, bytes).unwrap();
    let scanned = encoding::scan(&path).map_err(|error| error.to_string())?;
    assert_eq!(scanned.sha256, Digest::of(bytes));
    Ok(scanned.encoding)
}

fn encode(encoding: &'static encoding_rs::Encoding, text: &str) -> Vec<u8> {
    let (bytes, _, is_lossy) = encoding.encode(text);
    assert!(!is_lossy);
    bytes.into_owned()
}

#[test]
fn chinese_encodings_are_told_apart() {
    for n_lines in [1, 3, 2_000] {
        let lines = |text: &str| format!("text,label\n{}", format!("{text},a\n").repeat(n_lines));
        assert_eq!(scan(lines(SIMPLIFIED).as_bytes()), Ok(Encoding::Utf8));
        let gb18030 = encode(encoding_rs::GB18030, &lines(&format!("{SIMPLIFIED}𠮷")));
        assert_eq!(scan(&gb18030), Ok(Encoding::Gb18030), "{n_lines} lines");
        for (encoding, text) in [
            (encoding_rs::BIG5, LETTERS),
            (encoding_rs::SHIFT_JIS, KANA),
            (encoding_rs::EUC_JP, KANA),
        ] {
            let error = scan(&encode(encoding, &lines(text))).unwrap_err();
            assert!(error.contains(encoding.name()), "{n_lines} lines: {error}");
        }
    }
}

#[test]
fn a_few_characters_are_taken_for_chinese() {
    for text in ["退款", "快递没到", "客服不理人，退款没到账", "很好"] {
        let bytes = encode(encoding_rs::GB18030, &format!("text,label\n{text},a\n"));
        assert_eq!(scan(&bytes), Ok(Encoding::Gb18030), "{text}");
    }
}

#[test]
fn other_text_is_refused_by_name() {
    let utf16: Vec<u8> = [0xfeff_u16]
        .into_iter()
        .chain(SIMPLIFIED.encode_utf16())
        .flat_map(u16::to_le_bytes)
        .collect();
    assert!(scan(&utf16).unwrap_err().contains("UTF-16"));
    let unmarked: Vec<u8> = "text,label\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    assert!(scan(&unmarked).unwrap_err().contains("UTF-16"));
}

#[test]
fn a_scratch_is_told_by_its_line() {
    let mut utf8 = format!("text,label\n{SIMPLIFIED},a\n").into_bytes();
    utf8.extend(b"\xff\xfe,a\n");
    assert!(scan(&utf8).unwrap_err().contains("line 3: bytes that are no UTF-8"));
    let mut gb18030 =
        encode(encoding_rs::GB18030, &format!("text,label\n{SIMPLIFIED},a\n").repeat(9));
    gb18030.extend(b"\xff\xff,a\n");
    assert!(scan(&gb18030).unwrap_err().contains("line 19: bytes that are no GB18030"));
}

/// A chunk of the decoder may end within a character.
#[test]
fn gb18030_reads_as_the_same_text_over_any_length() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.csv");
    let text: String = format!("{SIMPLIFIED}𠮷\n").repeat(9_000);
    fs::write(&path, encode(encoding_rs::GB18030, &text)).unwrap();
    let mut decoded = String::new();
    encoding::open(&path, Encoding::Gb18030).unwrap().read_to_string(&mut decoded).unwrap();
    assert_eq!(decoded, text);
}

#[test]
fn a_source_is_named_without_the_folders_of_one_machine() {
    assert_eq!(source_name(Path::new("datasets/x.csv")), "datasets/x.csv");
    assert_eq!(source_name(Path::new("/home/someone/x.csv")), "x.csv");
    assert_eq!(source_name(Path::new("../x.csv")), "x.csv");
}
