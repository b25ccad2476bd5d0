//! CSV, row by row. The csv crate, which reads well-formed rows just so, takes everything behind a
//! quote that is never closed for one cell and says nothing; here such a row costs itself alone.

use std::{collections::VecDeque, mem};

use crate::commands::classify::lines::Lines;

/// A row that is longer has a quote that is never closed: far more than the longest text needs.
const MAX_ROW_BYTES: usize = 4 << 20;

/// The cells of a row, or nothing when a quote in it is not closed.
pub(super) type Row = Option<Vec<Vec<u8>>>;

/// The rows of a CSV file with the lines on which they begin.
pub(super) struct Records {
    lines: Lines,
    /// What was read in search of a closing quote, and is read again as rows of their own.
    again: VecDeque<(u64, Vec<u8>)>,
}

impl Records {
    pub(super) fn new(lines: Lines) -> Self {
        Self { lines, again: VecDeque::new() }
    }

    fn next_line(&mut self) -> anyhow::Result<Option<(u64, Vec<u8>)>> {
        self.again.pop_front().map(Ok).or_else(|| self.lines.next()).transpose()
    }

    fn read(&mut self) -> anyhow::Result<Option<(u64, Row)>> {
        let (number, first) = loop {
            match self.next_line()? {
                None => return Ok(None),
                Some((_, line)) if line == b"\n" || line == b"\r\n" => {}
                Some(line) => break line,
            }
        };
        let mut parser = Parser::default();
        let mut end = parser.read(&first);
        let (mut more, mut n_bytes) = (Vec::new(), first.len());
        while end == End::Open && n_bytes <= MAX_ROW_BYTES {
            let Some(line) = self.next_line()? else { break };
            end = parser.read(&line.1);
            n_bytes += line.1.len();
            more.push(line);
        }
        if end == End::Whole {
            return Ok(Some((number, Some(parser.cells))));
        }
        for line in more.into_iter().rev() {
            self.again.push_front(line);
        }
        Ok(Some((number, None)))
    }
}

impl Iterator for Records {
    type Item = anyhow::Result<(u64, Row)>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

/// How a line ends.
#[derive(PartialEq, Eq)]
enum End {
    /// The row ends with it.
    Whole,
    /// Within quotes.
    Open,
    /// Its first quote cannot be the one that closes a cell of an earlier line.
    Stray,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum State {
    #[default]
    Start,
    Plain,
    Quoted,
    /// Behind a quote in quotes, which closes the cell unless another one follows.
    Closing,
}

#[derive(Default)]
struct Parser {
    cells: Vec<Vec<u8>>,
    cell: Vec<u8>,
    state: State,
}

impl Parser {
    /// Reads on with a line. Where one line has both quotes we forgive what stands between the
    /// second and the comma; over lines that is the next row's cell, opened by what seemed to close.
    fn read(&mut self, line: &[u8]) -> End {
        let mut is_of_earlier_line = self.state == State::Quoted;
        let body = line.strip_suffix(b"\n").unwrap_or(line);
        let body = body.strip_suffix(b"\r").unwrap_or(body);
        for &byte in body {
            self.state = match (self.state, byte) {
                (State::Start, b'"') => State::Quoted,
                (State::Quoted, b'"') => State::Closing,
                (State::Quoted, _) | (State::Closing, b'"') => {
                    self.cell.push(byte);
                    State::Quoted
                }
                (_, b',') => {
                    self.cells.push(mem::take(&mut self.cell));
                    is_of_earlier_line = false;
                    State::Start
                }
                (State::Closing, _) if is_of_earlier_line => return End::Stray,
                _ => {
                    self.cell.push(byte);
                    State::Plain
                }
            };
        }
        if self.state == State::Quoted {
            self.cell.extend(&line[body.len()..]);
            return End::Open;
        }
        self.cells.push(mem::take(&mut self.cell));
        End::Whole
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn rows(input: impl Into<Vec<u8>>) -> Vec<(u64, Row)> {
        let input = Box::new(Cursor::new(input.into()));
        Records::new(Lines::new(input)).collect::<anyhow::Result<_>>().unwrap()
    }

    /// Each row as its line and its cells with bars between them; `!` for a broken one.
    fn check(input: &str, expected: &[(u64, &str)]) {
        for input in [input.to_owned(), input.replace('\n', "\r\n")] {
            let shown = |(line, row): (u64, Row)| {
                let cells = row.map(|it| String::from_utf8(it.join(&b'|')).unwrap());
                (line, cells.map_or("!".to_owned(), |it| it.replace("\r\n", "\n")))
            };
            let found: Vec<_> = rows(input.as_str()).into_iter().map(shown).collect();
            let found: Vec<_> = found.iter().map(|(line, row)| (*line, row.as_str())).collect();
            assert_eq!(found, expected, "{input:?}");
        }
    }

    #[test]
    fn rows_are_numbered_by_the_lines_on_which_they_begin() {
        check("a,b\n\n1,\"x\ny\",\n2,\"\"\n", &[(1, "a|b"), (3, "1|x\ny|"), (5, "2|")]);
        check("a\n\"\"\"\n,\"", &[(1, "a"), (2, "\"\n,")]);
    }

    #[test]
    fn a_quote_that_is_never_closed_costs_its_row_alone() {
        check("a\n4,\"x,1\n5,y\n6,z", &[(1, "a"), (2, "!"), (3, "5|y"), (4, "6|z")]);
        check("4,\"x\n5,\"y\",\"\"\n6,\"z\n", &[(1, "!"), (2, "5|y|"), (3, "!")]);
        check("1,\"x\n2,\"\"\n3,\"y\"\n", &[(1, "!"), (2, "2|"), (3, "3|y")]);
    }

    #[test]
    fn a_quote_within_a_cell_of_one_line_is_forgiven() {
        check("1,\"x\"y\"z,2\n3,a\"b\n", &[(1, "1|xy\"z|2"), (2, "3|a\"b")]);
    }

    #[test]
    fn a_row_that_never_ends_is_given_up_at_its_limit() {
        let mut input = b"1,\"x\n".to_vec();
        let n_more = MAX_ROW_BYTES / 15 + 2;
        input.extend(b"2,yyyyyyyyyyyy\n".repeat(n_more));
        input.extend(b"3\"\n");
        let found = rows(input);
        assert_eq!((found.len(), &found[0]), (n_more + 2, &(1, None)));
        assert!(found[1..].iter().all(|(_, row)| row.is_some()));
    }

    proptest! {
        #[test]
        fn what_a_csv_writer_writes_is_read_back(
            rows in prop::collection::vec(prop::collection::vec("[a\"，, \r\n]{0,6}", 1..4), 0..6),
        ) {
            let mut writer = csv::WriterBuilder::new()
                .flexible(true)
                .quote_style(csv::QuoteStyle::Always)
                .from_writer(Vec::new());
            for row in &rows {
                writer.write_record(row).unwrap();
            }
            let expected: Vec<Row> = rows
                .iter()
                .map(|row| Some(row.iter().map(|cell| cell.as_bytes().to_vec()).collect()))
                .collect();
            let found: Vec<Row> = self::rows(writer.into_inner().unwrap())
                .into_iter()
                .map(|(_, row)| row)
                .collect();
            prop_assert_eq!(found, expected);
        }

        #[test]
        fn no_line_is_lost_whatever_it_holds(input in "[a\",\r\n]{0,60}") {
            let found = rows(input.as_str());
            let first_lines: Vec<u64> = found.iter().map(|(line, _)| *line).collect();
            prop_assert!(first_lines.is_sorted_by(|left, right| left < right));
            let lines: Vec<&str> = input.split('\n').collect();
            let n_seen = |(line, row): &(u64, Row)| match row {
                Some(cells) => cells.iter().flatten().filter(|&&byte| byte == b'a').count(),
                None => lines[usize::try_from(*line).unwrap() - 1].matches('a').count(),
            };
            prop_assert_eq!(found.iter().map(n_seen).sum::<usize>(), input.matches('a').count());
        }
    }
}
