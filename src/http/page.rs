//! Query parameters that lists share.

use std::{fmt::Display, str::FromStr};

use crate::http::error::ApiError;

/// Where to go on and how far.
pub(super) struct PageParameters {
    pub(super) cursor: Option<String>,
    pub(super) limit: Option<u16>,
}

impl PageParameters {
    /// Where to go on.
    pub(super) fn cursor<T>(&self) -> Result<Option<T>, ApiError>
    where
        T: FromStr<Err: Display>,
    {
        parse_parameter("cursor", self.cursor.clone())
    }

    /// How many rows.
    pub(super) fn limit(&self) -> Result<u16, ApiError> {
        match self.limit {
            None => Ok(50),
            Some(limit @ 1..=200) => Ok(limit),
            Some(_) => Err(ApiError::Parameter("`limit` must be 1 to 200".to_owned())),
        }
    }
}

/// Reads a parameter that may be missing.
pub(super) fn parse_parameter<T>(name: &str, text: Option<String>) -> Result<Option<T>, ApiError>
where
    T: FromStr<Err: Display>,
{
    let parsed = text.map(|text| text.parse());
    parsed.transpose().map_err(|error| ApiError::Parameter(format!("`{name}`: {error}")))
}
