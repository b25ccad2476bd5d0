//! Which columns and fields of a file are read, and which are not.

use std::{collections::BTreeSet, str, sync::Mutex};

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::commands::classify::lines::NOT_UTF_8;
use crate::commands::classify::records::Row;
use crate::triage::{BulkItem, Mistake, Place};

/// The columns of a CSV file that are read by their names, beside the one with the text.
const COLUMNS: [&str; 6] =
    ["id", "channel", "amount", "customer_tier", "prior_contacts", "received_at"];

/// So many names are told, of so many characters: enough for any export, and no way to fill the
/// memory for a file that has data where names should be.
const MAX_NAMES: usize = 50;
const MAX_NAME_CHARS: usize = 40;

/// The columns of a CSV file that are fields of a submission.
pub(super) struct Columns {
    fields: Vec<(usize, String)>,
}

impl Columns {
    /// Reads the header. Its cells are not shown when it is wrong: without a header they are
    /// somebody's complaint.
    pub(super) fn find(header: Row, text_column: &str, unused: &Unused) -> anyhow::Result<Self> {
        let Some(cells) = header else {
            anyhow::bail!("the CSV header has a quote that is not closed");
        };
        let mut fields = Vec::new();
        for (idx, cell) in cells.iter().enumerate() {
            let name = str::from_utf8(cell)
                .map_err(|_| anyhow::anyhow!("cannot read the CSV header: {NOT_UTF_8}"))?;
            anyhow::ensure!(
                !name.trim().contains('\r'),
                "the lines of the CSV file end in CR alone\nhint: convert it first with `tr '\\r' '\\n'`"
            );
            match name.trim() {
                name if name == text_column => fields.push((idx, "text".to_owned())),
                name if COLUMNS.contains(&name) => fields.push((idx, name.to_owned())),
                name => unused.note(name),
            }
        }
        anyhow::ensure!(
            fields.iter().any(|(_, name)| name == "text"),
            "the first line of the CSV file names no column `{text_column}`\nhint: name the one with the text with --text-column"
        );
        Ok(Self { fields })
    }

    /// A row as an item. Cells that nobody reads may be in any encoding.
    pub(super) fn item(&self, line: u64, row: &Row, now: Timestamp) -> BulkItem {
        let place = Place::Line(line);
        let Some(cells) = row else {
            let detail =
                "a quote in this row is not closed: close it, and write quotes within quotes twice";
            return BulkItem::mistaken(place, None, vec![mistake("", detail)]);
        };
        let mut object = Map::new();
        let mut mistakes = Vec::new();
        for (idx, name) in &self.fields {
            let cell = cells.get(*idx).map(Vec::as_slice).unwrap_or_default();
            let value = match str::from_utf8(cell) {
                Err(_) => {
                    mistakes.push(mistake(&format!("/{name}"), NOT_UTF_8));
                    continue;
                }
                Ok(cell) if name != "text" && cell.trim().is_empty() => Value::Null,
                Ok(cell) if name == "prior_contacts" => {
                    cell.trim().parse::<u32>().map_or_else(|_| Value::from(cell), Value::from)
                }
                Ok(cell) => Value::from(cell),
            };
            object.insert(name.clone(), value);
        }
        if mistakes.is_empty() {
            return BulkItem::from_value(place, Value::Object(object), now);
        }
        BulkItem::mistaken(place, object.remove("id"), mistakes)
    }
}

pub(super) fn mistake(pointer: &str, detail: &str) -> Mistake {
    Mistake { pointer: pointer.to_owned(), detail: detail.to_owned() }
}

/// The names of what was not read, from any thread.
#[derive(Default)]
pub(super) struct Unused(Mutex<BTreeSet<String>>);

impl Unused {
    pub(super) fn note(&self, name: &str) {
        let shown: String =
            name.chars().take(MAX_NAME_CHARS).flat_map(char::escape_debug).collect();
        let mut names = self.0.lock().expect("no thread panics with it");
        if !shown.is_empty() && !names.contains(&shown) {
            names.insert(shown);
        }
        // One more is kept to tell that there are more; which ones does not hang on the threads.
        if MAX_NAMES + 1 < names.len() {
            names.pop_last();
        }
    }

    /// The names in one line, if there are any.
    pub(super) fn list(&self) -> Option<String> {
        let names = self.0.lock().expect("no thread panics with it");
        let mut shown: Vec<String> =
            names.iter().take(MAX_NAMES).map(|name| format!("`{name}`")).collect();
        if MAX_NAMES < names.len() {
            shown.push("and more".to_owned());
        }
        Some(shown.join(", ")).filter(|list| !list.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(cells: &[&[u8]]) -> Vec<Vec<u8>> {
        cells.iter().map(|cell| cell.to_vec()).collect()
    }

    #[test]
    fn a_header_is_read_by_its_names_and_none_of_it_is_shown_when_it_is_wrong() {
        let unused = Unused::default();
        let header = cells(&[b" id ", "内容".as_bytes(), b"text", b"phone", b""]);
        let columns = Columns::find(Some(header), "内容", &unused).unwrap();
        assert_eq!(columns.fields, [(0, "id".to_owned()), (1, "text".to_owned())]);
        assert_eq!(unused.list().as_deref(), Some("`phone`, `text`"));
        let gbk: &[u8] = b"\xc4\xda\xc8\xdd";
        let wrong: [(Row, &str); 4] = [
            (Some(cells(&[b"7", b"13800138000"])), "--text-column"),
            (Some(cells(&[b"id", gbk])), "iconv"),
            (Some(cells(&[b"text", b"id\r13800138000", b"8"])), "tr '"),
            (None, "not closed"),
        ];
        for (header, hint) in wrong {
            let error = Columns::find(header, "text", &Unused::default()).err().unwrap();
            let told = error.to_string();
            assert!(told.contains(hint) && !told.contains("138"), "{told}");
        }
    }

    #[test]
    fn no_more_names_are_kept_than_are_told() {
        let unused = Unused::default();
        assert_eq!(unused.list(), None);
        for number in (0..200).rev() {
            unused.note(&format!("{number:03}"));
        }
        let told = unused.list().unwrap();
        assert!(told.starts_with("`000`, ") && told.ends_with("`049`, and more"), "{told}");
        let unused = Unused::default();
        unused.note(&format!("\u{1b}[2J{}", "长".repeat(100)));
        assert!(!unused.list().unwrap().contains('\u{1b}'));
        assert_eq!(unused.list().unwrap().matches('长').count(), MAX_NAME_CHARS - 4);
    }
}
