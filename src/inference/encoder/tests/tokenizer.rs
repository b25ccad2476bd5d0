//! Texts in tokens, and the way back.

use super::tiny;
use crate::inference::encoder::EncoderTokenizer;

fn check(tokenizer: &EncoderTokenizer, text: &str, expected: &[(u32, &str)]) {
    let tokens = tokenizer.encode(text).unwrap();
    let found: Vec<(u32, &str)> =
        tokens.ids.iter().copied().zip(tokens.ranges.iter().map(|it| &text[it.clone()])).collect();
    assert_eq!(found, expected);
}

#[test]
fn tokens_know_their_place_in_the_text() {
    let tokenizer = tiny::folder().tokenizer;
    let tokens = [(2, ""), (4, "退"), (1, "货"), (10, "App"), (11, "le"), (13, "。"), (3, "")];
    check(&tokenizer, "退货 Apple。", &tokens);
    check(&tokenizer, "", &[(2, ""), (3, "")]);
}

#[test]
fn long_texts_are_cut_and_keep_their_end_marks() {
    let tokenizer = EncoderTokenizer::from_vocab(tiny::VOCAB, true, 4).unwrap();
    check(&tokenizer, "退款还没到账", &[(2, ""), (4, "退"), (5, "款"), (3, "")]);
}

#[test]
fn case_is_kept_where_the_vocabulary_has_it() {
    let tokenizer = EncoderTokenizer::from_vocab(tiny::VOCAB, false, 9).unwrap();
    check(&tokenizer, "App", &[(2, ""), (1, "App"), (3, "")]);
}

#[test]
fn a_tokenizer_survives_its_file() {
    let first = tiny::folder().tokenizer;
    let json = first.to_json().unwrap();
    let second = EncoderTokenizer::from_json(json.as_bytes(), 40).unwrap();
    let text = "退款 apple 1 还没到账。";
    assert_eq!(first.encode(text).unwrap(), second.encode(text).unwrap());
    assert_eq!(second.n_ids(), 14);
}
