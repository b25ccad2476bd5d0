//! Early warnings: how many complain about what, the alerts that followed, and the cases behind
//! them.

use jiff::{SignedDuration, Timestamp};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, AssertSqlSafe};
use uuid::Uuid;

use crate::store::Store;
use crate::store::corrections::Revised;
use crate::store::cursor::{CaseCursor, Page};
use crate::store::endpoints::announce;
use crate::store::error::Error;
use crate::store::reviews::{NewStep, insert_step};
use crate::store::row::Columns;
use crate::store::writer::Write;

/// What complaints can cluster about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertKind {
    /// A category.
    Category,
    /// A product or service.
    Product,
    /// A shop or branch.
    Shop,
}

impl AlertKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Category, Self::Product, Self::Shop];

    /// The identifier in data and the API, which is the column of cases.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Category => "category",
            Self::Product => "product",
            Self::Shop => "shop",
        }
    }
}

/// Distinct complainants about a subject within one window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ComplainantCount {
    /// The category, product or shop; nothing for all cases together.
    pub subject: Option<String>,
    /// How many windows ago; 0 is the last one.
    pub window_idx: u32,
    /// How many.
    pub n_complainants: u32,
}

/// A cluster that was seen.
#[derive(Clone, Debug, PartialEq)]
pub struct Cluster {
    /// The id that the alert gets if there is none about this subject.
    pub id: Uuid,
    /// What kind of thing it is about.
    pub kind: AlertKind,
    /// Which.
    pub subject: String,
    /// When it was seen.
    pub seen_at: Timestamp,
    /// How long its window is.
    pub window: SignedDuration,
    /// How many complained.
    pub n_complainants: u32,
    /// How many were to be expected.
    pub expected: f64,
    /// From how many on it is an alarm.
    pub threshold: u32,
    /// For how long a subject stays quiet after its last alert was closed.
    pub quiet: SignedDuration,
}

/// An alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// Its id.
    pub id: Uuid,
    /// What kind of thing it is about.
    pub kind: AlertKind,
    /// Which.
    pub subject: String,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When the cluster was last seen, or the alert closed.
    pub seen_at: Timestamp,
    /// The most that complained within a window so far.
    pub n_complainants: u32,
    /// How many were to be expected.
    pub expected: f64,
    /// From how many on it is an alarm.
    pub threshold: u32,
    /// `open`, `acknowledged` or `closed`.
    pub state: String,
    /// The number of its last step.
    pub version: u32,
}

/// The state of an alert that nobody has answered yet.
const OPEN: &str = "open";

impl Alert {
    /// What other systems are told of alerts, by kind.
    pub const EVENTS: [&str; 3] = ["alert.opened", "alert.acknowledged", "alert.closed"];

    /// What they are told of a step to this state.
    pub fn event_of(state: &str) -> &'static str {
        match state {
            OPEN => Self::EVENTS[0],
            "closed" => Self::EVENTS[2],
            _ => Self::EVENTS[1],
        }
    }
}

/// A step that changes an alert's state.
#[derive(Clone, Debug)]
pub struct AlertStep {
    /// The alert.
    pub id: Uuid,
    /// The version that was read.
    pub version: u32,
    /// Who does what, when and why.
    pub step: NewStep,
}

const COLUMNS: &str =
    "id, kind, subject, opened_at, seen_at, n_complainants, expected, threshold, state, version";

impl Store {
    /// Distinct complainants of each subject and window that ended by `now`, the last window
    /// first; who gave no name, number or contact counts once for each case.
    pub async fn count_complainants(
        &self,
        kind: Option<AlertKind>,
        now: Timestamp,
        (window, n_windows): (SignedDuration, u32),
    ) -> Result<Vec<ComplainantCount>, Error> {
        let subject = kind.map_or("NULL", AlertKind::as_str);
        let having = kind.map_or("1 = 1".to_owned(), |it| format!("{} IS NOT NULL", it.as_str()));
        let sql = format!(
            "SELECT {subject} AS subject, ($1 - received_at) / $2 AS window_idx, \
             COUNT(DISTINCT COALESCE(customer_id, customer_contact, id)) AS n_complainants \
             FROM cases WHERE received_at > $3 AND received_at <= $1 AND {having} GROUP BY 1, 2"
        );
        let (now_us, window_us) = (now.as_microsecond(), window.as_micros() as i64);
        let query = sqlx::query(AssertSqlSafe(sql)).bind(now_us).bind(window_us);
        let query = query.bind(now_us - window_us * i64::from(n_windows));
        let rows = query.fetch_all(&self.pool).await?;
        let count = |row| {
            let row = Columns(row);
            Ok(ComplainantCount {
                subject: row.get("subject")?,
                window_idx: row.number("window_idx")?,
                n_complainants: row.number("n_complainants")?,
            })
        };
        rows.iter().map(count).collect()
    }

    /// Opens an alert about a cluster, or adds to the one that is open. Says whether it is new.
    pub async fn put_cluster(&self, cluster: Cluster) -> Result<bool, Error> {
        self.writer.write(cluster).await
    }

    /// Alerts in this state, or all, the newest first.
    pub async fn list_alerts(
        &self,
        state: Option<&str>,
        after: Option<CaseCursor>,
        limit: u16,
    ) -> Result<Page<Alert, CaseCursor>, Error> {
        let condition = state.map_or("", |_| "AND state = $3");
        let sql = format!(
            "SELECT {COLUMNS} FROM alerts WHERE id < $1 {condition} ORDER BY id DESC LIMIT $2"
        );
        // Every id is below this one.
        let after = after.map_or_else(|| "g".to_owned(), |cursor| cursor.id.to_string());
        let query = sqlx::query(AssertSqlSafe(sql)).bind(after).bind(i64::from(limit) + 1);
        let query = match state {
            Some(state) => query.bind(state),
            None => query,
        };
        let rows = query.fetch_all(&self.pool).await?;
        let alerts = rows.iter().map(read_alert).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::cut(alerts, limit, |alert| CaseCursor { id: alert.id }))
    }

    /// The alert with this id.
    pub async fn find_alert(&self, id: Uuid) -> Result<Option<Alert>, Error> {
        let sql = format!("SELECT {COLUMNS} FROM alerts WHERE id = $1");
        let query = sqlx::query(AssertSqlSafe(sql)).bind(id.to_string());
        query.fetch_optional(&self.pool).await?.as_ref().map(read_alert).transpose()
    }

    /// The cases behind an alert, oldest first.
    pub async fn list_alert_cases(&self, id: Uuid) -> Result<Vec<Uuid>, Error> {
        let sql = "SELECT case_id FROM alert_cases WHERE alert_id = $1 ORDER BY case_id";
        let rows = sqlx::query(sql).bind(id.to_string()).fetch_all(&self.pool).await?;
        rows.iter().map(|row| Columns(row).parse("case_id")).collect()
    }

    /// Changes an alert's state, if it still has the version that was read.
    pub async fn step_alert(&self, step: AlertStep) -> Result<Revised, Error> {
        self.writer.write(step).await
    }
}

impl Write for Cluster {
    type Output = bool;

    async fn run(&self, connection: &mut AnyConnection) -> Result<bool, Error> {
        let sql = "SELECT id FROM alerts WHERE kind = $1 AND subject = $2 AND (state <> 'closed' \
                   OR seen_at > $3) ORDER BY id DESC LIMIT 1";
        let quiet_since = self.seen_at.as_microsecond() - self.quiet.as_micros() as i64;
        let query = sqlx::query(sql).bind(self.kind.as_str()).bind(self.subject.as_str());
        let row = query.bind(quiet_since).fetch_optional(&mut *connection).await?;
        let id: Uuid = match &row {
            Some(row) => Columns(row).parse("id")?,
            None => self.id,
        };
        let n_complainants = i64::from(self.n_complainants);
        if row.is_none() {
            let sql = format!(
                "INSERT INTO alerts ({COLUMNS}) VALUES ($1, $2, $3, $4, $4, $5, $6, $7, 'open', 1) \
                 ON CONFLICT DO NOTHING"
            );
            let query = sqlx::query(AssertSqlSafe(sql)).bind(id.to_string());
            let query = query.bind(self.kind.as_str()).bind(self.subject.as_str());
            let query = query.bind(self.seen_at.as_microsecond()).bind(n_complainants);
            let query = query.bind(self.expected).bind(i64::from(self.threshold));
            if query.execute(&mut *connection).await?.rows_affected() == 0 {
                // Another replica was faster.
                return Ok(false);
            }
            insert_alert_step(connection, id, 1, &NewStep::system(self.seen_at, OPEN)).await?;
        } else {
            let sql = "UPDATE alerts SET seen_at = $1, n_complainants = \
                       CASE WHEN n_complainants < $2 THEN $2 ELSE n_complainants END \
                       WHERE id = $3 AND state <> 'closed'";
            let query = sqlx::query(sql).bind(self.seen_at.as_microsecond()).bind(n_complainants);
            let updated = query.bind(id.to_string()).execute(&mut *connection).await?;
            if updated.rows_affected() == 0 {
                return Ok(false);
            }
        }
        self.add_cases(connection, id).await?;
        Ok(row.is_none())
    }
}

impl Cluster {
    async fn add_cases(&self, connection: &mut AnyConnection, id: Uuid) -> Result<(), Error> {
        let sql = format!(
            "INSERT INTO alert_cases (alert_id, case_id) SELECT $1, id FROM cases \
             WHERE received_at > $2 AND received_at <= $3 AND {} = $4 ON CONFLICT DO NOTHING",
            self.kind.as_str()
        );
        let now = self.seen_at.as_microsecond();
        let query = sqlx::query(AssertSqlSafe(sql)).bind(id.to_string());
        let query = query.bind(now - self.window.as_micros() as i64).bind(now);
        query.bind(self.subject.as_str()).execute(connection).await?;
        Ok(())
    }
}

impl Write for AlertStep {
    type Output = Revised;

    async fn run(&self, connection: &mut AnyConnection) -> Result<Revised, Error> {
        let next = self.version.saturating_add(1);
        let sql = "UPDATE alerts SET state = $1, version = $2, seen_at = \
                   CASE WHEN seen_at < $3 THEN $3 ELSE seen_at END WHERE id = $4 AND version = $5";
        let query = sqlx::query(sql).bind(self.step.state.as_str()).bind(i64::from(next));
        let query = query.bind(self.step.at.as_microsecond()).bind(self.id.to_string());
        let done = query.bind(i64::from(self.version)).execute(&mut *connection).await?;
        if done.rows_affected() == 0 {
            let sql = "SELECT version FROM alerts WHERE id = $1";
            let query = sqlx::query(sql).bind(self.id.to_string());
            let row = query.fetch_optional(connection).await?;
            let stale = |row| Ok(Revised::Stale(Columns(row).number("version")?));
            return row.as_ref().map_or(Ok(Revised::Missing), stale);
        }
        insert_alert_step(connection, self.id, next, &self.step).await?;
        Ok(Revised::Done(next))
    }
}

/// Writes a step of an alert, and that it is to be told.
async fn insert_alert_step(
    connection: &mut AnyConnection,
    id: Uuid,
    seq: u32,
    step: &NewStep,
) -> Result<(), Error> {
    insert_step(connection, id, seq, step).await?;
    announce(connection, id, seq, (Alert::event_of(&step.state), step.at)).await
}

fn read_alert(row: &AnyRow) -> Result<Alert, Error> {
    let row = Columns(row);
    let kind: &str = row.get("kind")?;
    Ok(Alert {
        id: row.parse("id")?,
        kind: AlertKind::ALL
            .into_iter()
            .find(|known| known.as_str() == kind)
            .ok_or(Error::Corrupt("kind"))?,
        subject: row.get("subject")?,
        opened_at: row.time("opened_at")?,
        seen_at: row.time("seen_at")?,
        n_complainants: row.number("n_complainants")?,
        expected: row.get("expected")?,
        threshold: row.number("threshold")?,
        state: row.get("state")?,
        version: row.number("version")?,
    })
}
