//! Lists of cases: newest first as everybody may filter them, and most urgent first as they want to
//! be worked.

use std::fmt::Write;

use jiff::Timestamp;
use sqlx::any::AnyArguments;
use sqlx::{Any, Arguments, AssertSqlSafe, Encode, Type};
use uuid::Uuid;

use crate::domain::{Channel, LabelId, QueueId, Reach, Tier};
use crate::store::Store;
use crate::store::cases::{Case, columns, read_case};
use crate::store::cursor::{CaseCursor, Page, QueueCursor};
use crate::store::error::Error;
use crate::store::row::Columns;

/// Which cases to list; what is not set does not matter.
#[derive(Clone, Debug, Default)]
pub struct CaseFilter {
    /// On this queue.
    pub queue: Option<QueueId>,
    /// In this status.
    pub status: Option<String>,
    /// About this.
    pub category: Option<LabelId>,
    /// This severe.
    pub severity: Option<LabelId>,
    /// Seen by executives or not.
    pub executive_review: Option<bool>,
    /// To be labelled by a person or not.
    pub needs_triage: Option<bool>,
    /// From this channel.
    pub channel: Option<Channel>,
    /// Behind this alert.
    pub alert: Option<Uuid>,
    /// Of those that the reader may see.
    pub reach: Option<Reach>,
}

/// Who owns a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Owner {
    /// This person.
    Person(String),
    /// Nobody yet.
    Nobody,
}

/// Which open cases to list, most urgent first; what is not set does not matter.
#[derive(Clone, Debug, Default)]
pub struct WorkFilter {
    /// On this queue.
    pub queue: Option<QueueId>,
    /// To be labelled by a person first.
    pub needs_triage: bool,
    /// For executives to decide, in one of these states; nothing for cases of everybody.
    pub executive: Option<Vec<&'static str>>,
    /// About this.
    pub category: Option<LabelId>,
    /// This severe.
    pub severity: Option<LabelId>,
    /// From this channel.
    pub channel: Option<Channel>,
    /// Decided here.
    pub tier: Option<Tier>,
    /// To be settled before this moment.
    pub due_before: Option<Timestamp>,
    /// Owned so.
    pub owner: Option<Owner>,
}

impl Store {
    /// Cases, newest first.
    pub async fn list_cases(
        &self,
        filter: &CaseFilter,
        after: Option<CaseCursor>,
        limit: u16,
    ) -> Result<Page<Case, CaseCursor>, Error> {
        let mut conditions = Conditions::default();
        let text = |id: &LabelId| id.as_str().to_owned();
        conditions.and("queue =", filter.queue.as_ref().map(|queue| queue.as_str().to_owned()))?;
        conditions.and("status =", filter.status.clone())?;
        conditions.and("category =", filter.category.as_ref().map(text))?;
        conditions.and("severity =", filter.severity.as_ref().map(text))?;
        conditions.flag("executive_review", filter.executive_review);
        conditions.flag("needs_triage", filter.needs_triage);
        conditions.and("channel =", filter.channel.map(|channel| channel.as_str().to_owned()))?;
        conditions.and("id <", after.map(|cursor| cursor.id.to_string()))?;
        if let Some(alert) = filter.alert {
            let behind = "id IN (SELECT case_id FROM alert_cases WHERE alert_id =";
            conditions.and(behind, Some(alert.to_string()))?;
            conditions.sql.push(')');
        }
        match &filter.reach {
            None | Some(Reach::All) => {}
            Some(Reach::Queue(queue)) => {
                conditions.and("queue =", Some(queue.as_str().to_owned()))?;
            }
            Some(Reach::Executive) => {
                conditions.sql.push_str(" AND (executive_review = 1 OR tier = 3)");
            }
            Some(Reach::ReceivedBy(actor)) => {
                let own = "1 = (SELECT COUNT(*) FROM events \
                           WHERE seq = 1 AND case_id = cases.id AND actor =";
                conditions.and(own, Some(actor.clone()))?;
                conditions.sql.push(')');
            }
        }
        let Conditions { sql, mut arguments } = conditions;
        arguments.add(i64::from(limit) + 1).map_err(sqlx::Error::Encode)?;
        let columns = columns!();
        let limit_idx = arguments.len();
        let sql = format!(
            "SELECT {columns} FROM cases WHERE 1 = 1{sql} ORDER BY id DESC LIMIT ${limit_idx}"
        );
        // Only constants above went into the text; values are arguments.
        let rows = sqlx::query_with(AssertSqlSafe(sql), arguments).fetch_all(&self.pool).await?;
        let cases = rows.iter().map(read_case).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::cut(cases, limit, |case| CaseCursor { id: case.record.id }))
    }

    /// Open cases: most urgent first, then by resolution deadline, then by age.
    pub async fn list_work(
        &self,
        filter: &WorkFilter,
        after: Option<QueueCursor>,
        limit: u16,
    ) -> Result<Page<Case, QueueCursor>, Error> {
        let mut conditions = filter.conditions()?;
        if let Some(after) = after {
            conditions.behind(&after)?;
        }
        let Conditions { sql, mut arguments } = conditions;
        arguments.add(i64::from(limit) + 1).map_err(sqlx::Error::Encode)?;
        let (columns, limit_idx) = (columns!(), arguments.len());
        // Indexes hold what the inner question asks, so that few whole cases are read.
        let sql = format!(
            "SELECT {columns} FROM cases WHERE id IN (SELECT id FROM cases WHERE is_open = 1{sql} \
             ORDER BY priority DESC, resolution_due_at, id LIMIT ${limit_idx}) \
             ORDER BY priority DESC, resolution_due_at, id"
        );
        let rows = sqlx::query_with(AssertSqlSafe(sql), arguments).fetch_all(&self.pool).await?;
        let cases = rows.iter().map(read_case).collect::<Result<Vec<_>, _>>()?;
        Ok(Page::cut(cases, limit, QueueCursor::after))
    }

    /// How many there are, counted up to `most`.
    pub async fn count_work(&self, filter: &WorkFilter, most: u32) -> Result<u64, Error> {
        let Conditions { sql, mut arguments } = filter.conditions()?;
        arguments.add(i64::from(most)).map_err(sqlx::Error::Encode)?;
        let sql = format!(
            "SELECT COUNT(*) AS n_cases FROM \
             (SELECT id FROM cases WHERE is_open = 1{sql} LIMIT ${}) AS found",
            arguments.len()
        );
        let row = sqlx::query_with(AssertSqlSafe(sql), arguments).fetch_one(&self.pool).await?;
        Columns(&row).number("n_cases")
    }

    /// How many open cases everybody owns, of this queue or of all, by name.
    pub async fn count_owners(&self, queue: Option<&QueueId>) -> Result<Vec<(String, u64)>, Error> {
        let sql = match queue {
            None => {
                "SELECT owner, COUNT(*) AS n_cases FROM cases \
                 WHERE is_open = 1 AND owner IS NOT NULL GROUP BY owner ORDER BY owner"
            }
            Some(_) => {
                "SELECT owner, COUNT(*) AS n_cases FROM cases \
                 WHERE is_open = 1 AND owner IS NOT NULL AND queue = $1 GROUP BY owner ORDER BY owner"
            }
        };
        let query = sqlx::query(sql);
        let query = match queue {
            Some(queue) => query.bind(queue.as_str()),
            None => query,
        };
        let rows = query.fetch_all(&self.pool).await?;
        let count = |row| {
            let row = Columns(row);
            Ok((row.get("owner")?, row.number("n_cases")?))
        };
        rows.iter().map(count).collect()
    }
}

impl WorkFilter {
    fn conditions(&self) -> Result<Conditions, Error> {
        let mut conditions = Conditions::default();
        let text = |id: &LabelId| id.as_str().to_owned();
        conditions.and("queue =", self.queue.as_ref().map(|queue| queue.as_str().to_owned()))?;
        conditions.flag("needs_triage", self.needs_triage.then_some(true));
        if let Some(states) = &self.executive {
            conditions.sql.push_str(" AND (executive_review = 1 OR tier = 3)");
            conditions.one_of("status", states)?;
        }
        conditions.and("category =", self.category.as_ref().map(text))?;
        conditions.and("severity =", self.severity.as_ref().map(text))?;
        conditions.and("channel =", self.channel.map(|channel| channel.as_str().to_owned()))?;
        conditions.and("tier =", self.tier.map(|tier| i64::from(u8::from(tier))))?;
        conditions.and("resolution_due_at <", self.due_before.map(Timestamp::as_microsecond))?;
        match &self.owner {
            None => {}
            Some(Owner::Person(name)) => conditions.and("owner =", Some(name.clone()))?,
            Some(Owner::Nobody) => conditions.sql.push_str(" AND owner IS NULL"),
        }
        Ok(conditions)
    }
}

/// Conditions that are there only when they have a value.
#[derive(Default)]
struct Conditions {
    sql: String,
    arguments: AnyArguments,
}

impl Conditions {
    /// A flag stands in the text, where the planner sees which index is about it.
    fn flag(&mut self, column: &'static str, value: Option<bool>) {
        let Some(value) = value else { return };
        self.sql.extend([" AND ", column, if value { " = 1" } else { " = 0" }]);
    }

    fn and<'v, T>(&mut self, condition: &'static str, value: Option<T>) -> Result<(), Error>
    where
        T: Encode<'v, Any> + Type<Any>,
    {
        let Some(value) = value else { return Ok(()) };
        self.arguments.add(value).map_err(sqlx::Error::Encode)?;
        self.sql.extend([" AND ", condition, " $", &self.arguments.len().to_string()]);
        Ok(())
    }

    /// The column has one of these values.
    fn one_of(&mut self, column: &'static str, values: &[&'static str]) -> Result<(), Error> {
        let mut places = Vec::with_capacity(values.len());
        for value in values {
            self.arguments.add(*value).map_err(sqlx::Error::Encode)?;
            places.push(format!("${}", self.arguments.len()));
        }
        self.sql.extend([" AND ", column, " IN (", &places.join(", "), ")"]);
        Ok(())
    }

    /// Only what comes after this place. The first bound on the priority says nothing new, but an
    /// index can start from it.
    fn behind(&mut self, place: &QueueCursor) -> Result<(), Error> {
        let first = self.arguments.len() + 1;
        let add = |error| Error::from(sqlx::Error::Encode(error));
        self.arguments.add(place.priority).map_err(add)?;
        self.arguments.add(place.due_at.as_microsecond()).map_err(add)?;
        self.arguments.add(place.id.to_string()).map_err(add)?;
        let (due, id) = (first + 1, first + 2);
        write!(
            self.sql,
            " AND priority <= ${first} AND (priority < ${first} OR resolution_due_at > ${due} \
             OR (resolution_due_at = ${due} AND id > ${id}))"
        )
        .expect("text takes everything");
        Ok(())
    }
}
