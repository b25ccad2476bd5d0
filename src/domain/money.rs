//! Amounts of Chinese yuan.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// An amount of yuan, held in fen (1/100 yuan) so that sums are exact.
///
/// ```
/// use fenzhen::domain::Money;
///
/// assert_eq!("399.5".parse(), Ok(Money::from_fen(39_950)));
/// assert_eq!(Money::from_yuan(10_000).to_string(), "10000.00");
/// assert!("-3".parse::<Money>().is_err());
/// ```
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(try_from = "MoneySource", into = "f64")]
pub struct Money {
    fen: i64,
}

/// The largest amount we accept, a trillion yuan: anything above is a typing error.
const MAX_FEN: i64 = 100_000_000_000_000;

impl Money {
    /// An amount in fen; negative values become zero.
    pub const fn from_fen(fen: i64) -> Self {
        Self { fen: if fen < 0 { 0 } else { fen } }
    }

    /// An amount in whole yuan.
    pub const fn from_yuan(yuan: i64) -> Self {
        Self::from_fen(yuan.saturating_mul(100))
    }

    /// The amount in fen.
    pub const fn fen(self) -> i64 {
        self.fen
    }

    /// The amount in yuan, for comparisons and display.
    pub fn yuan(self) -> f64 {
        self.fen as f64 / 100.0
    }
}

/// Why a text is not an amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an amount is a number of yuan between 0 and 1000000000000, such as `399.50`")]
pub struct MoneyError;

impl FromStr for Money {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.trim().parse::<f64>().map_err(|_| MoneyError).and_then(Self::try_from)
    }
}

impl TryFrom<f64> for Money {
    type Error = MoneyError;

    fn try_from(yuan: f64) -> Result<Self, Self::Error> {
        let fen = (yuan * 100.0).round();
        if 0.0 <= fen && fen <= MAX_FEN as f64 {
            Ok(Self { fen: fen as i64 })
        } else {
            Err(MoneyError)
        }
    }
}

impl From<Money> for f64 {
    fn from(money: Money) -> Self {
        money.yuan()
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.fen / 100, self.fen % 100)
    }
}

/// Systems send amounts as numbers or, to keep the cents, as text.
#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "an amount is a number of yuan between 0 and 1000000000000, such as `399.50`"
)]
enum MoneySource {
    Number(f64),
    Text(String),
}

impl TryFrom<MoneySource> for Money {
    type Error = MoneyError;

    fn try_from(source: MoneySource) -> Result<Self, Self::Error> {
        match source {
            MoneySource::Number(yuan) => Self::try_from(yuan),
            MoneySource::Text(text) => text.parse(),
        }
    }
}
