//! The figures of a period 复盘: what came in and when, and how what was archived had ended.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::domain::LabelId;
use crate::store::{ArchivedCount, Job, ReceivedCount, StatsFilter};
use crate::triage::parameters::Parameters;
use crate::triage::{Desk, DeskError, Knowledge, Mistake};

/// The period when nobody names one.
const USUAL_PERIOD: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Hours from Monday midnight to the Thursday on which the epoch starts.
const EPOCH_HOUR: u32 = 3 * 24;

/// How many peak hours are named.
const N_PEAK_HOURS: usize = 3;

/// How often days are added up, and how long a replica has for it.
const ADD_UP_EVERY: Duration = Duration::from_mins(1);

/// How many days are added up in one go, so that others may write in between for long enough.
const DAYS_AT_ONCE: usize = 500;

/// The figures of a period. Shares are between 0 and 1, and null where nothing was counted.
#[derive(Debug, Serialize, ToSchema)]
pub struct StatsAnswer {
    /// The first moment.
    #[schema(value_type = String)]
    pub from: Timestamp,
    /// The moment after the last.
    #[schema(value_type = String)]
    pub until: Timestamp,
    /// Cases that the firm received in the period.
    pub received: ReceivedStats,
    /// Cases that were archived in the period, whenever they came in.
    pub archived: ArchivedStats,
    /// The same for each category, the most frequent first.
    pub archived_by_category: Vec<CategoryStats>,
}

/// What came in.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReceivedStats {
    /// How many.
    pub total: u64,
    /// By what they are about, the most frequent first; null before anybody or any model said.
    pub categories: Vec<SharedCount>,
    /// By hour of the day from midnight, local time.
    pub by_hour: Vec<u64>,
    /// By weekday from Monday.
    pub by_weekday: Vec<u64>,
    /// The hours of the day in which most came in, the busiest first.
    pub peak_hours: Vec<u32>,
}

/// A name, how often it occurs, and its share of all.
#[derive(Debug, Serialize, ToSchema)]
pub struct SharedCount {
    /// The name.
    pub name: Option<String>,
    /// How often.
    pub count: u64,
    /// Its share.
    pub share: Option<f64>,
}

/// How what was archived had ended.
#[derive(Debug, Serialize, ToSchema)]
pub struct ArchivedStats {
    /// How many.
    pub total: u64,
    /// Who was liable, the most frequent first; null where no investigation said.
    pub liability: Vec<SharedCount>,
    /// Time from reception to settlement (executed, or answered finally), by the wall clock.
    pub hours_to_settle: SettleStats,
    /// The mean of the customers' ratings, 1 to 5.
    pub satisfaction: Option<f64>,
    /// How many customers rated.
    pub n_rated: u64,
    /// The share that had been opened again after being archived.
    pub reopened_share: Option<f64>,
    /// Compensation and vouchers that were granted and executed, in yuan.
    pub compensation: f64,
    /// Refunds, in yuan.
    pub refund: f64,
    /// How often the model's label was the one that a person gave in the end.
    pub model_agreement: AgreementStats,
}

/// How long it took.
#[derive(Debug, Serialize, ToSchema)]
pub struct SettleStats {
    /// How many were settled.
    pub n_settled: u64,
    /// The mean in hours.
    pub mean: Option<f64>,
    /// The share settled within a day.
    pub within_24_hours: Option<f64>,
    /// Within three days.
    pub within_72_hours: Option<f64>,
    /// Within seven days.
    pub within_168_hours: Option<f64>,
}

/// Where people agreed with the model, of the cases whose label a person gave or confirmed.
#[derive(Debug, Serialize, ToSchema)]
pub struct AgreementStats {
    /// The share for the category.
    pub category: Option<f64>,
    /// Cases whose category a person gave.
    pub n_category: u64,
    /// The share for the severity.
    pub severity: Option<f64>,
    /// Cases whose severity a person gave.
    pub n_severity: u64,
}

/// The figures of one category.
#[derive(Debug, Serialize, ToSchema)]
pub struct CategoryStats {
    /// The category.
    pub category: Option<String>,
    /// How its cases had ended.
    #[serde(flatten)]
    pub archived: ArchivedStats,
}

/// Which period, and whose cases.
#[derive(Clone, Debug)]
pub struct StatsRequest(StatsFilter);

impl StatsRequest {
    /// Reads query parameters, or lists every mistake.
    pub fn parse(
        pairs: Vec<(String, String)>,
        knowledge: &Knowledge,
        now: Timestamp,
    ) -> Result<Self, Vec<Mistake>> {
        let mut parameters = Parameters::new(pairs);
        let zone = knowledge.calendar.time_zone();
        let until = parameters.time("until", zone).unwrap_or(now);
        let usual = until.saturating_sub(USUAL_PERIOD).expect("hours are no calendar unit");
        let from = parameters.time("from", zone).unwrap_or(usual);
        if until <= from {
            parameters.wrong("until", "send a moment after `from`");
        }
        let department = parameters.text("department");
        let category = parameters.parse("category");
        parameters.finish(&["from", "until", "department", "category"])?;
        Ok(Self(StatsFilter { from, until, department, category }))
    }
}

impl Desk {
    /// The figures of a period.
    pub async fn stats(&self, request: &StatsRequest) -> Result<StatsAnswer, DeskError> {
        let StatsRequest(filter) = request;
        let knowledge = self.engine.knowledge();
        let offset_s = knowledge.calendar.time_zone().to_offset(filter.until).seconds();
        let (received, archived) = tokio::try_join!(
            self.store.count_received(filter, offset_s),
            self.store.count_archived(filter),
        )?;
        let mut by_category: BTreeMap<Option<&LabelId>, Vec<&ArchivedCount>> = BTreeMap::new();
        for count in &archived {
            by_category.entry(count.category.as_ref()).or_default().push(count);
        }
        let mut categories: Vec<CategoryStats> = by_category
            .into_iter()
            .map(|(category, counts)| CategoryStats {
                category: category.map(ToString::to_string),
                archived: ArchivedStats::of(&counts),
            })
            .collect();
        categories.sort_by_key(|it| std::cmp::Reverse(it.archived.total));
        Ok(StatsAnswer {
            from: filter.from,
            until: filter.until,
            received: ReceivedStats::of(&received),
            archived: ArchivedStats::of(&archived.iter().collect::<Vec<_>>()),
            archived_by_category: categories,
        })
    }
}

impl Desk {
    /// Lets one of the replicas add up the figures of days that are over, and says how many days;
    /// nothing when it is not time yet, or another replica does so.
    pub async fn roll_up(&self, now: Timestamp) -> Result<Option<usize>, DeskError> {
        let until = now.checked_add(ADD_UP_EVERY).unwrap_or(Timestamp::MAX);
        if !self.store.lease_job(Job::Figures, now, until).await? {
            return Ok(None);
        }
        let n_days = self.store.roll_up(now, DAYS_AT_ONCE).await?;
        let next_at = if n_days < DAYS_AT_ONCE { until } else { now };
        self.store.finish_job(Job::Figures, until, next_at).await?;
        Ok(Some(n_days))
    }
}

impl ReceivedStats {
    fn of(counts: &[ReceivedCount]) -> Self {
        let (mut by_hour, mut by_weekday) = (vec![0; 24], vec![0; 7]);
        for ReceivedCount { hour_of_week, n_cases, .. } in counts {
            let hour = (hour_of_week + EPOCH_HOUR) % (7 * 24);
            by_hour[hour as usize % 24] += n_cases;
            by_weekday[hour as usize / 24] += n_cases;
        }
        let mut peak_hours: Vec<u32> = (0..24).filter(|&hour| 0 < by_hour[hour as usize]).collect();
        peak_hours.sort_by_key(|&hour| std::cmp::Reverse(by_hour[hour as usize]));
        peak_hours.truncate(N_PEAK_HOURS);
        let categories =
            counts.iter().map(|it| (it.category.as_ref().map(LabelId::as_str), it.n_cases));
        Self {
            total: counts.iter().map(|it| it.n_cases).sum(),
            categories: shared_counts(categories),
            by_hour,
            by_weekday,
            peak_hours,
        }
    }
}

impl ArchivedStats {
    pub(super) fn of(counts: &[&ArchivedCount]) -> Self {
        let sum = |of: fn(&ArchivedCount) -> u64| counts.iter().map(|it| of(it)).sum::<u64>();
        let total = sum(|it| it.n_cases);
        let n_settled = sum(|it| it.n_settled);
        let hours: f64 = counts.iter().map(|it| it.settled_hours).sum();
        let (n_rated, ratings) = (sum(|it| it.satisfaction.0), sum(|it| it.satisfaction.1));
        let (n_category, n_severity) =
            (sum(|it| it.category_right.0), sum(|it| it.severity_right.0));
        let settle = SettleStats {
            n_settled,
            mean: (0 < n_settled).then(|| hours / n_settled as f64),
            within_24_hours: share(sum(|it| it.n_within[0]), n_settled),
            within_72_hours: share(sum(|it| it.n_within[1]), n_settled),
            within_168_hours: share(sum(|it| it.n_within[2]), n_settled),
        };
        Self {
            total,
            liability: shared_counts(counts.iter().map(|it| (it.liability.as_deref(), it.n_cases))),
            hours_to_settle: settle,
            satisfaction: share(ratings, n_rated),
            n_rated,
            reopened_share: share(sum(|it| it.n_reopened), total),
            compensation: counts.iter().map(|it| it.compensation.yuan()).sum(),
            refund: counts.iter().map(|it| it.refund.yuan()).sum(),
            model_agreement: AgreementStats {
                category: share(sum(|it| it.category_right.1), n_category),
                n_category,
                severity: share(sum(|it| it.severity_right.1), n_severity),
                n_severity,
            },
        }
    }
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (0 < whole).then(|| part as f64 / whole as f64)
}

/// Counts by name, the most frequent first.
fn shared_counts<'n>(counts: impl Iterator<Item = (Option<&'n str>, u64)>) -> Vec<SharedCount> {
    let mut sums: BTreeMap<Option<&str>, u64> = BTreeMap::new();
    counts.for_each(|(name, count)| *sums.entry(name).or_default() += count);
    let total = sums.values().sum();
    let shared = |(name, count): (Option<&str>, u64)| SharedCount {
        name: name.map(ToOwned::to_owned),
        count,
        share: share(count, total),
    };
    let mut shared: Vec<SharedCount> = sums.into_iter().map(shared).collect();
    shared.sort_by_key(|it| std::cmp::Reverse(it.count));
    shared
}
