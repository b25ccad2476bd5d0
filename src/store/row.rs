//! Reading columns back into the types they were written from.

use std::str::FromStr;

use jiff::Timestamp;
use serde::Deserialize;
use sqlx::any::AnyRow;
use sqlx::{Any, Decode, Row, Type};

use crate::store::error::Error;

/// A row, read by column name.
#[derive(Clone, Copy)]
pub(super) struct Columns<'r>(pub(super) &'r AnyRow);

impl<'r> Columns<'r> {
    /// A value that the database types as it should be.
    pub(super) fn get<T: Decode<'r, Any> + Type<Any>>(
        self,
        column: &'static str,
    ) -> Result<T, Error> {
        Ok(self.0.try_get(column)?)
    }

    /// A count or rank, which is never negative.
    pub(super) fn number<T: TryFrom<i64>>(self, column: &'static str) -> Result<T, Error> {
        T::try_from(self.get(column)?).map_err(|_| Error::Corrupt(column))
    }

    /// A flag.
    pub(super) fn flag(self, column: &'static str) -> Result<bool, Error> {
        Ok(self.get::<i64>(column)? != 0)
    }

    /// A moment.
    pub(super) fn time(self, column: &'static str) -> Result<Timestamp, Error> {
        Timestamp::from_microsecond(self.get(column)?).map_err(|_| Error::Corrupt(column))
    }

    /// A moment that may be missing.
    pub(super) fn find_time(self, column: &'static str) -> Result<Option<Timestamp>, Error> {
        let microsecond: Option<i64> = self.get(column)?;
        microsecond.map(Timestamp::from_microsecond).transpose().map_err(|_| Error::Corrupt(column))
    }

    /// A value that is kept as JSON.
    pub(super) fn json<T: Deserialize<'r>>(self, column: &'static str) -> Result<T, Error> {
        serde_json::from_str(self.get(column)?).map_err(|_| Error::Corrupt(column))
    }

    /// A value that is kept as text.
    pub(super) fn parse<T: FromStr>(self, column: &'static str) -> Result<T, Error> {
        self.get::<&str>(column)?.parse().map_err(|_| Error::Corrupt(column))
    }

    /// A value that is kept as text and may be missing.
    pub(super) fn find<T: FromStr>(self, column: &'static str) -> Result<Option<T>, Error> {
        let text: Option<&str> = self.get(column)?;
        text.map(str::parse).transpose().map_err(|_| Error::Corrupt(column))
    }
}
