//! Where a list goes on: the sort key of its last row, so that rows which come in between neither
//! repeat nor hide others. Opaque to clients.

use std::{fmt, str::FromStr};

use jiff::Timestamp;
use uuid::Uuid;

/// Why a text is no cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the cursor was not given out by this list: start again without one")]
pub struct CursorError;

/// One page of a list.
#[derive(Clone, Debug)]
pub struct Page<T, C> {
    /// The rows.
    pub items: Vec<T>,
    /// Where the next page starts; nothing after the last one.
    pub next: Option<C>,
}

impl<T, C> Page<T, C> {
    /// Cuts off the row that was read only to learn whether there is a next page.
    pub(super) fn cut(mut items: Vec<T>, limit: u16, cursor: impl Fn(&T) -> C) -> Self {
        let more = usize::from(limit) < items.len();
        items.truncate(usize::from(limit));
        let next = items.last().filter(|_| more).map(cursor);
        Self { items, next }
    }
}

/// Goes on in a list of cases by the time at which they came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaseCursor {
    pub(super) id: Uuid,
}

/// Goes on in a queue, most urgent first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct QueueCursor {
    pub(super) priority: f64,
    pub(super) due_at: Timestamp,
    pub(super) id: Uuid,
}

impl fmt::Display for CaseCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.id.simple())
    }
}

impl FromStr for CaseCursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let id = Uuid::try_parse(text).map_err(|_| CursorError)?;
        Ok(Self { id })
    }
}

impl fmt::Display for QueueCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let due_at = self.due_at.as_microsecond();
        write!(f, "{:016x}{due_at:016x}{}", self.priority.to_bits(), self.id.simple())
    }
}

impl FromStr for QueueCursor {
    type Err = CursorError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let part = |from: usize, to: usize| text.get(from..to).ok_or(CursorError);
        let number = |text| u64::from_str_radix(text, 16).map_err(|_| CursorError);
        let priority = f64::from_bits(number(part(0, 16)?)?);
        let due_at = number(part(16, 32)?)?.cast_signed();
        let due_at = Timestamp::from_microsecond(due_at).map_err(|_| CursorError)?;
        let id = Uuid::try_parse(part(32, text.len())?).map_err(|_| CursorError)?;
        if priority.is_finite() { Ok(Self { priority, due_at, id }) } else { Err(CursorError) }
    }
}
