//! The lines of an input with their numbers, as an editor counts them. Other encodings than UTF-8
//! are not converted: which one it is can only be guessed.

use std::io::{BufRead, BufReader};

use anyhow::Context;

use crate::commands::classify::Input;

/// How a file becomes one that can be read.
pub(super) const NOT_UTF_8: &str =
    "this is not UTF-8: convert the file first, such as with `iconv -f GB18030 -t UTF-8`";

/// Numbered lines, each with its end.
pub(super) struct Lines {
    reader: BufReader<Input>,
    number: u64,
}

impl Lines {
    pub(super) fn new(input: Input) -> Self {
        Self { reader: BufReader::with_capacity(1 << 20, input), number: 0 }
    }
}

impl Iterator for Lines {
    type Item = anyhow::Result<(u64, Vec<u8>)>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut line = Vec::new();
        match self.reader.read_until(b'\n', &mut line).context("cannot read the input") {
            Ok(0) => return None,
            Ok(_) => self.number += 1,
            Err(error) => return Some(Err(error)),
        }
        if self.number == 1 {
            if line.starts_with(b"\xff\xfe") || line.starts_with(b"\xfe\xff") {
                let hint = "convert the file first, such as with `iconv -f UTF-16 -t UTF-8`";
                return Some(Err(anyhow::anyhow!("the input is UTF-16\nhint: {hint}")));
            }
            // The byte order mark with which Excel and Notepad begin UTF-8.
            if line.starts_with(b"\xef\xbb\xbf") {
                line.drain(..3);
            }
        }
        Some(Ok((self.number, line)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(input: &'static [u8]) -> anyhow::Result<Vec<(u64, Vec<u8>)>> {
        Lines::new(Box::new(input)).collect()
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_line_and_utf_16_is_named() {
        let found = lines(b"\xef\xbb\xbfa\r\n\nb").unwrap();
        assert_eq!(found, [(1, b"a\r\n".to_vec()), (2, b"\n".to_vec()), (3, b"b".to_vec())]);
        assert_eq!(lines(b"").unwrap(), []);
        let refused = lines(b"\xff\xfea\0\n\0").unwrap_err();
        assert!(refused.to_string().contains("iconv -f UTF-16"), "{refused}");
    }
}
