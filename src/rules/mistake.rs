//! What is wrong with rule files, collected so that an author sees every mistake at once.

use std::fmt;

use serde::Serialize;

/// Something wrong in a rule file. Quotes rules, never a complaint.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Mistake {
    /// The file.
    pub file: String,
    /// The rule, phrase list or guard, such as ``rule `safety.fire` ``; empty for the file itself.
    pub item: String,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}`", self.file)?;
        if !self.item.is_empty() {
            write!(f, ", {}", self.item)?;
        }
        write!(f, ": {}; hint: {}", self.message, self.hint)
    }
}

/// Everything that keeps rule files from being used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the rules have {} mistakes:\n{}", .mistakes.len(), lines(.mistakes))]
pub struct RuleError {
    mistakes: Vec<Mistake>,
}

fn lines(mistakes: &[Mistake]) -> String {
    mistakes.iter().map(Mistake::to_string).collect::<Vec<_>>().join("\n")
}

impl RuleError {
    pub(super) const fn new(mistakes: Vec<Mistake>) -> Self {
        Self { mistakes }
    }

    /// Every mistake, in the order of the files.
    pub fn mistakes(&self) -> &[Mistake] {
        &self.mistakes
    }
}

/// What a check has found so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Findings {
    pub(super) mistakes: Vec<Mistake>,
    pub(super) warnings: Vec<Mistake>,
}

/// Where a check stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) file: String,
    pub(super) item: String,
}

impl Place {
    pub(super) fn new(file: &str, item: impl Into<String>) -> Self {
        Self { file: file.to_owned(), item: item.into() }
    }

    fn finding(&self, message: impl Into<String>, hint: impl Into<String>) -> Mistake {
        Mistake {
            file: self.file.clone(),
            item: self.item.clone(),
            message: message.into(),
            hint: hint.into(),
        }
    }
}

impl Findings {
    /// Notes what keeps the rules from loading.
    pub(super) fn mistake(
        &mut self,
        place: &Place,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.mistakes.push(place.finding(message, hint));
    }

    /// Notes what an author should look at, although the rules load.
    pub(super) fn warn(
        &mut self,
        place: &Place,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.warnings.push(place.finding(message, hint));
    }
}

/// A hint for a name that does not exist: the nearest one that does, or all of them.
pub(super) fn suggest<'n>(wrong: &str, names: impl IntoIterator<Item = &'n str>) -> String {
    let names: Vec<_> = names.into_iter().collect();
    let nearest = names
        .iter()
        .map(|name| (strsim::normalized_damerau_levenshtein(wrong, name), name))
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    match nearest {
        // Half of the letters in common is a slip of the pen more often than another idea.
        Some((likeness, name)) if 0.5 <= likeness => format!("did you mean `{name}`?"),
        Some(_) => format!("use one of `{}`", names.join("`, `")),
        None => "there is none to choose from".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_of_the_pen_gets_the_name_that_was_meant_and_a_guess_gets_all() {
        let names = ["amount", "people", "channel"];
        assert_eq!(suggest("ammount", names), "did you mean `amount`?");
        assert_eq!(suggest("xyz", names), "use one of `amount`, `people`, `channel`");
        assert_eq!(suggest("xyz", []), "there is none to choose from");
    }
}
