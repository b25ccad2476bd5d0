//! The query parameters of a list. Every mistake is noted, so that all are reported at once.

use std::{fmt::Display, str::FromStr};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde_json::Value;

use crate::triage::Mistake;
use crate::triage::fields::Fields;

/// Parameters that have not been read yet.
pub(crate) struct Parameters(Fields);

impl Parameters {
    /// Reads them as they came; of a name that comes twice the last counts.
    pub(crate) fn new(pairs: Vec<(String, String)>) -> Self {
        let object = pairs.into_iter().map(|(name, text)| (name, Value::String(text))).collect();
        Self(Fields::open(Value::Object(object)).expect("it is an object"))
    }

    /// Notes a mistake.
    pub(crate) fn wrong(&mut self, name: &str, detail: impl Into<String>) {
        self.0.wrong(name, detail);
    }

    /// A text; nothing when it is missing or blank.
    pub(crate) fn text(&mut self, name: &str) -> Option<String> {
        self.0.short(name)
    }

    /// Anything that is written as text.
    pub(crate) fn parse<T: FromStr<Err: Display>>(&mut self, name: &str) -> Option<T> {
        match self.text(name)?.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.wrong(name, error.to_string());
                None
            }
        }
    }

    /// One of these names.
    pub(crate) fn one_of(&mut self, name: &str, names: &[&'static str]) -> Option<&'static str> {
        let text = self.text(name)?;
        let known = names.iter().find(|known| **known == text).copied();
        if known.is_none() {
            self.wrong(name, format!("send one of {}", names.join(", ")));
        }
        known
    }

    /// A moment: an RFC 3339 time, or a day, which stands for its first moment.
    pub(crate) fn time(&mut self, name: &str, zone: &TimeZone) -> Option<Timestamp> {
        // A plus sign that was not escaped arrives as a space.
        let text = self.text(name)?.trim().replace(' ', "+");
        let day = || text.parse::<Date>().ok()?.to_zoned(zone.clone()).ok();
        let time = text.parse().ok().or_else(|| Some(day()?.timestamp()));
        if time.is_none() {
            self.wrong(name, "send a day such as 2026-09-30, or an RFC 3339 time");
        }
        time
    }

    /// Yes or no.
    pub(crate) fn flag(&mut self, name: &str) -> Option<bool> {
        self.one_of(name, &["true", "false"]).map(|text| text == "true")
    }

    /// How many rows, 1 to 200; as many as usual when nobody says so.
    pub(crate) fn limit(&mut self, usual: u16) -> u16 {
        match self.text("limit").map(|text| text.parse()) {
            None => usual,
            Some(Ok(limit @ 1..=200)) => limit,
            Some(_) => {
                self.wrong("limit", "send a number from 1 to 200");
                usual
            }
        }
    }

    /// Every mistake, if there is one; a parameter that nobody has asked for is one too.
    pub(crate) fn finish(mut self, known: &[&str]) -> Result<(), Vec<Mistake>> {
        self.0.refuse_unknown(known);
        if self.0.mistakes.is_empty() { Ok(()) } else { Err(self.0.mistakes) }
    }
}
