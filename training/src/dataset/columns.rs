//! Which columns hold the text and the labels, from a recipe or the command line.

use std::str::FromStr;

use fenzhen::domain::{HeadKind, LabelId, Taxonomy, TaxonomySource};

use crate::dataset::{Error, Mistakes};

/// Where a head's labels stand, and what is known of the head beforehand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadColumn {
    /// The head.
    pub id: LabelId,
    /// The column.
    pub column: String,
    /// How the labels relate; inferred when nothing is said.
    pub kind: Option<HeadKind>,
    /// The labels in order; those of the data when nothing is said.
    pub labels: Vec<LabelId>,
}

/// Which columns hold the text and the labels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// The column of the text.
    pub text: String,
    /// One column per head.
    pub heads: Vec<HeadColumn>,
}

impl Columns {
    /// Refuses labels in the column of the text: the texts would be the labels.
    pub(super) fn check(&self) -> Result<(), Error> {
        match self.heads.iter().find(|head| head.column == self.text) {
            Some(head) => Err(Error::HeadArgument {
                argument: format!("{}={}", head.id, head.column),
                why: "that is the column of the text".to_owned(),
            }),
            None => Ok(()),
        }
    }

    /// The columns of a taxonomy: those that are named, or each head in the column of its name.
    /// Returns the heads that have a column.
    pub fn for_taxonomy(
        text: &str,
        named: &[HeadColumn],
        taxonomy: &Taxonomy,
    ) -> Result<(Self, Taxonomy), Error> {
        let mut mistakes = Mistakes::default();
        for head in named {
            if taxonomy.find_head(head.id.as_str()).is_none() {
                let known: Vec<String> =
                    taxonomy.heads().iter().map(|head| format!("`{}`", head.id)).collect();
                mistakes.add(
                    format!("there is no head `{}`; there are {}", head.id, known.join(", ")),
                    "name a head that there is, or train on the data's own labels without a recipe",
                );
            }
        }
        mistakes.check()?;
        let mut columns = Self { text: text.to_owned(), heads: Vec::new() };
        let mut heads = Vec::new();
        for head in taxonomy.heads() {
            let column = match named.iter().find(|named| named.id == head.id) {
                Some(named) => named.column.clone(),
                None if named.is_empty() => head.id.to_string(),
                None => continue,
            };
            let id = head.id.clone();
            columns.heads.push(HeadColumn {
                id,
                column,
                kind: Some(head.kind),
                labels: Vec::new(),
            });
            heads.push(head.clone());
        }
        let taxonomy = Taxonomy::try_from(TaxonomySource { heads })
            .expect("a non-empty part of a taxonomy is a taxonomy");
        Ok((columns, taxonomy))
    }
}

/// `NAME=COLUMN`, `NAME=COLUMN:KIND` or `NAME=COLUMN:KIND:LABEL,LABEL…`; a lone `NAME` is its own
/// column.
impl FromStr for HeadColumn {
    type Err = Error;

    fn from_str(argument: &str) -> Result<Self, Self::Err> {
        let wrong = |why: String| Error::HeadArgument { argument: argument.to_owned(), why };
        let (id, rest) = argument.split_once('=').unwrap_or((argument, argument));
        let mut parts = rest.splitn(3, ':');
        let column = parts.next().unwrap_or_default().to_owned();
        if column.is_empty() {
            return Err(wrong("the column is missing, as in `label=label`".to_owned()));
        }
        let kind = match parts.next() {
            None | Some("") => None,
            Some("multi_class") => Some(HeadKind::MultiClass),
            Some("ordinal") => Some(HeadKind::Ordinal),
            Some("multi_label") => Some(HeadKind::MultiLabel),
            Some(kind) => {
                let known = "use `multi_class`, `ordinal` or `multi_label`";
                return Err(wrong(format!("there is no kind `{kind}`: {known}")));
            }
        };
        let labels = parts.next().unwrap_or_default().split(',').filter(|label| !label.is_empty());
        let labels: Result<Vec<LabelId>, _> = labels.map(str::parse).collect();
        let labels = labels.map_err(|error| wrong(error.to_string()))?;
        if kind == Some(HeadKind::Ordinal) && labels.is_empty() {
            let why =
                "an ordinal head needs its labels from low to high, as in `:ordinal:low,high`";
            return Err(wrong(why.to_owned()));
        }
        let id = id.parse().map_err(|error| wrong(format!("{error}")))?;
        Ok(Self { id, column, kind, labels })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_argument_names_column_kind_and_labels() {
        let head: HeadColumn = "severity=level:ordinal:low,high".parse().unwrap();
        assert_eq!((head.id.as_str(), head.column.as_str()), ("severity", "level"));
        assert_eq!(head.kind, Some(HeadKind::Ordinal));
        assert_eq!(head.labels.len(), 2);
        let head: HeadColumn = "label".parse().unwrap();
        assert_eq!((head.id.as_str(), head.column.as_str(), head.kind), ("label", "label", None));
    }

    #[test]
    fn a_wrong_head_argument_is_refused_with_the_reason() {
        for (argument, why) in [
            ("label=", "column is missing"),
            ("label=x:fuzzy", "no kind `fuzzy`"),
            ("label=x:ordinal", "from low to high"),
            ("two words=x", "is not a name"),
        ] {
            let error = argument.parse::<HeadColumn>().unwrap_err().to_string();
            assert!(error.contains(why), "{error}");
        }
    }
}
