//! How long what is about a person is kept 保存期限: what the law demands, what the firm wants, and
//! when a case may be erased. Holding a [`Retention`] means that its file had no mistake.

use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use serde::{Deserialize, Serialize};

/// The shortest period that a policy may name, and the law that says so. It is no figure of the
/// firm, so it is none of the file's.
const LEAST_MONTHS: u16 = 36;
const LEAST_BASIS: &str = "《电子商务法》第三十一条";
/// Longer than anybody keeps anything.
const MOST_MONTHS: u16 = 1_200;

/// How long archived cases keep what is about a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retention {
    legal_months: u16,
    keep_months: u16,
    basis: String,
}

/// Why a policy is refused.
#[derive(Debug, thiserror::Error)]
pub enum RetentionError {
    /// It is not TOML, or not of this shape.
    #[error("the privacy policy cannot be read")]
    Syntax(#[from] toml::de::Error),
    /// Everything that is wrong with what it says.
    #[error("the privacy policy has mistakes: {}", .0.join("; "))]
    Mistakes(Vec<String>),
}

/// The file as written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RetentionSource {
    archived_cases: ArchivedSource,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ArchivedSource {
    legal_months: u16,
    basis: String,
    keep_months: u16,
}

/// On what ground a person's data goes: those of 《个人信息保护法》第四十七条.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ErasureGround {
    /// What it was taken for is reached, or cannot be reached any more.
    PurposeAchieved,
    /// The time for which it is kept is over.
    RetentionOver,
    /// The person no longer agrees.
    ConsentWithdrawn,
    /// It was handled against the law or what was agreed on.
    Unlawful,
    /// Another law says so.
    OtherLaw,
}

impl ErasureGround {
    /// Every ground.
    pub const ALL: [Self; 5] = [
        Self::PurposeAchieved,
        Self::RetentionOver,
        Self::ConsentWithdrawn,
        Self::Unlawful,
        Self::OtherLaw,
    ];

    /// The identifier in data and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::PurposeAchieved => "purpose_achieved",
            Self::RetentionOver => "retention_over",
            Self::ConsentWithdrawn => "consent_withdrawn",
            Self::Unlawful => "unlawful",
            Self::OtherLaw => "other_law",
        }
    }
}

impl Retention {
    /// The file that ships with the service.
    pub const DEFAULT: &str = include_str!("../../datasets/privacy.toml");

    /// Reads and checks a policy, listing every mistake.
    pub fn parse(text: &str) -> Result<Self, RetentionError> {
        let source: RetentionSource = toml::from_str(text)?;
        let ArchivedSource { legal_months, basis, keep_months } = source.archived_cases;
        let mut mistakes = Vec::new();
        if legal_months < LEAST_MONTHS {
            mistakes.push(format!(
                "`archived_cases.legal_months` is {legal_months}, but {LEAST_BASIS} wants records \
                 of a transaction kept for three years: {LEAST_MONTHS} at least"
            ));
        }
        if keep_months < legal_months {
            mistakes.push(format!(
                "`archived_cases.keep_months` is {keep_months}, but until {legal_months} months \
                 are over {basis} demands that cases are kept"
            ));
        }
        if MOST_MONTHS < keep_months.max(legal_months) {
            mistakes.push(format!("`archived_cases` names {MOST_MONTHS} months at most"));
        }
        if basis.trim().is_empty() {
            mistakes.push("`archived_cases.basis` names the law: people are told why".to_owned());
        }
        if mistakes.is_empty() {
            Ok(Self { legal_months, keep_months, basis })
        } else {
            Err(RetentionError::Mistakes(mistakes))
        }
    }

    /// Until when the law demands a case that was archived then.
    pub fn legal_until(&self, archived_at: Timestamp, zone: &TimeZone) -> Timestamp {
        moved(archived_at, i64::from(self.legal_months), zone)
    }

    /// Cases that were archived before this moment may be erased when somebody asks.
    pub fn erasable_before(&self, now: Timestamp, zone: &TimeZone) -> Timestamp {
        moved(now, -i64::from(self.legal_months), zone)
    }

    /// Cases that were archived before this moment are erased by themselves.
    pub fn over_before(&self, now: Timestamp, zone: &TimeZone) -> Timestamp {
        moved(now, -i64::from(self.keep_months), zone)
    }

    /// The law that demands it.
    pub fn basis(&self) -> &str {
        &self.basis
    }
}

/// So many calendar months away, where people live.
fn moved(at: Timestamp, months: i64, zone: &TimeZone) -> Timestamp {
    let far = if months < 0 { Timestamp::MIN } else { Timestamp::MAX };
    let away = at.to_zoned(zone.clone()).checked_add(Span::new().months(months));
    away.map_or(far, |away| away.timestamp())
}
