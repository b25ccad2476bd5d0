//! What a text states in numbers: amounts, dates, order numbers, counts of contacts and people.

mod amount;
mod count;
mod date;
mod numeral;
mod order_number;
mod scan;
mod source;
mod sum;
#[cfg(test)]
mod tests;

use jiff::civil::Date;

use crate::domain::{Money, Span};
use crate::text::normalize::Normalized;
use amount::Amount;
use numeral::SCALE;
use source::Source;

/// An amount of money that the text names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AmountFact {
    /// The amount; of `两千多` the amount that is stated at least, 2000.
    pub amount: Money,
    /// Whether the text says roughly: 多, 左右, 近, 大概.
    pub approximate: bool,
    /// Where it stands.
    pub span: Span,
}

/// A day that the text names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DateFact {
    /// The day; the year is missing when the text names none.
    pub year: Option<i16>,
    /// Month, 1 to 12.
    pub month: i8,
    /// Day of the month.
    pub day: i8,
    /// Where it stands.
    pub span: Span,
}

impl DateFact {
    /// The day as a date, when the text names the year.
    pub fn date(&self) -> Option<Date> {
        Date::new(self.year?, self.month, self.day).ok()
    }
}

/// An order, tracking or ticket number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderNumberFact {
    /// The number as it stands in the text.
    pub number: String,
    /// Where it stands.
    pub span: Span,
}

/// A count that the text states, at least.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountFact {
    /// How many.
    pub count: u32,
    /// Where it stands.
    pub span: Span,
}

/// Everything that a text states in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Amounts in the order of the text.
    pub amounts: Vec<AmountFact>,
    /// The largest sum that the text adds up: 2999元+3999元.
    pub total: Option<AmountFact>,
    /// Days in the order of the text.
    pub dates: Vec<DateFact>,
    /// Order numbers in the order of the text.
    pub order_numbers: Vec<OrderNumberFact>,
    /// How often the customer has contacted the firm before: 打了三次电话, 第二次投诉.
    pub prior_contacts: Option<CountFact>,
    /// How many people are affected: 我们三户, 全班二十多个孩子.
    pub people: Option<CountFact>,
}

impl Facts {
    /// Reads what a text states; `normalized` must come from `original`.
    pub(super) fn read(original: &str, normalized: &Normalized) -> Self {
        let found = scan::scan(Source { text: normalized.as_str(), original, normalized });
        let amount = |amount: Amount| AmountFact {
            amount: Money::from_fen(
                i64::try_from(amount.value / (SCALE / 100)).unwrap_or(i64::MAX),
            ),
            approximate: amount.approximate,
            span: normalized.span(amount.range),
        };
        let dates = found.days.into_iter().map(|day| DateFact {
            year: day.year,
            month: day.month,
            day: day.day,
            span: normalized.span(day.range),
        });
        let order_numbers = found.order_numbers.into_iter().map(|range| {
            let span = normalized.span(range);
            OrderNumberFact { number: span.slice(original).to_owned(), span }
        });
        let count = |(count, range)| CountFact { count, span: normalized.span(range) };
        Self {
            amounts: found.amounts.into_iter().map(amount).collect(),
            total: found.total.map(amount),
            dates: dates.collect(),
            order_numbers: order_numbers.collect(),
            prior_contacts: found.contacts.map(count),
            people: found.people.map(count),
        }
    }

    /// The largest amount that the text names or adds up.
    pub fn largest_amount(&self) -> Option<&AmountFact> {
        self.amounts.iter().chain(&self.total).max_by_key(|fact| fact.amount)
    }
}
