//! Improvements: what shall become better, who does it by when, and how far it is.

use jiff::{Timestamp, civil::Date};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::domain::LabelId;
use crate::store::{Improvement, ImprovementChange, NewStep, Revised};
use crate::triage::fields::{Fields, mistake};
use crate::triage::review::{ReviewList, ReviewStep, StepAnswer, read_step};
use crate::triage::{Desk, DeskError, Mistake};

/// An improvement to write down.
#[derive(Clone, Debug)]
pub struct ImprovementRequest {
    improvement: Improvement,
    step: NewStep,
}

impl ImprovementRequest {
    /// Reads a body, or lists every mistake.
    pub fn parse(value: Value, id: Uuid, now: Timestamp) -> Result<Self, Vec<Mistake>> {
        let Some(mut fields) = Fields::open(value) else {
            return Err(vec![mistake("", "send a JSON object")]);
        };
        let due = "send a day such as 2026-12-31";
        let due_on = fields.required("due_on", due).parse::<Date>();
        if due_on.is_err() && !fields.mistakes.iter().any(|it| it.pointer == "/due_on") {
            fields.wrong("due_on", due);
        }
        let improvement = Improvement {
            id,
            title: fields.required("title", "say what shall become better"),
            department: fields.required("department", "name the department that does it"),
            owner: fields.required("owner", "name the person who answers for it"),
            due_on: due_on.unwrap_or_default(),
            state: "open".to_owned(),
            alert_id: fields.read("alert_id", "send the id of an alert"),
            category: fields.read("category", "send the name of a category"),
            version: 1,
        };
        let step = read_step(&mut fields, "open".to_owned(), now);
        fields.refuse_unknown(&[
            "title",
            "department",
            "owner",
            "due_on",
            "alert_id",
            "category",
            "by",
            "note",
        ]);
        if fields.mistakes.is_empty() {
            Ok(Self { improvement, step })
        } else {
            Err(fields.mistakes)
        }
    }
}

/// Something that shall become better.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImprovementAnswer {
    /// Its id.
    pub id: String,
    /// What shall become better.
    pub title: String,
    /// The department that does it.
    pub department: String,
    /// The person who answers for it.
    pub owner: String,
    /// By when.
    #[schema(value_type = String)]
    pub due_on: Date,
    /// Whether that day is over and it is not done.
    pub overdue: bool,
    /// `open`, `in_progress`, `done` or `dropped`.
    pub state: String,
    /// The alert that led to it.
    pub alert_id: Option<String>,
    /// The category that it is about.
    pub category: Option<String>,
    /// Its version; who writes it names the one that they have read.
    pub version: u32,
    /// Who did what, the oldest first; in the answer for one improvement alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<Vec<StepAnswer>>,
}

/// A page of improvements.
#[derive(Debug, Serialize, ToSchema)]
pub struct ImprovementsAnswer {
    /// The newest first.
    pub improvements: Vec<ImprovementAnswer>,
    /// Send it as `cursor` for the next page; null on the last one.
    pub next_cursor: Option<String>,
}

impl ImprovementAnswer {
    fn new(it: Improvement, today: Date) -> Self {
        let ended = ["done", "dropped"].contains(&it.state.as_str());
        Self {
            id: it.id.to_string(),
            title: it.title,
            department: it.department,
            owner: it.owner,
            due_on: it.due_on,
            overdue: !ended && it.due_on < today,
            state: it.state,
            alert_id: it.alert_id.map(|id| id.to_string()),
            category: it.category.as_ref().map(LabelId::to_string),
            version: it.version,
            steps: None,
        }
    }
}

impl Desk {
    /// Writes an improvement down.
    pub async fn add_improvement(
        &self,
        request: ImprovementRequest,
    ) -> Result<ImprovementAnswer, DeskError> {
        let ImprovementRequest { improvement, step } = request;
        if !step.actor.role.works_cases() {
            return Err(DeskError::NotAllowed(step.actor.role));
        }
        if let Some(alert_id) = improvement.alert_id
            && self.store.find_alert(alert_id).await?.is_none()
        {
            return Err(DeskError::Missing("alert"));
        }
        let (id, now) = (improvement.id, step.at);
        self.store.write_improvement(ImprovementChange::New(improvement, step)).await?;
        self.find_improvement(id, now).await
    }

    /// An improvement with what was done.
    pub async fn find_improvement(
        &self,
        id: Uuid,
        now: Timestamp,
    ) -> Result<ImprovementAnswer, DeskError> {
        let found = self.store.find_improvement(id).await?;
        let found = found.ok_or(DeskError::Missing("improvement"))?;
        let steps = self.store.list_steps(id).await?;
        Ok(ImprovementAnswer {
            steps: Some(steps.into_iter().map(StepAnswer::new).collect()),
            ..ImprovementAnswer::new(found, self.today(now))
        })
    }

    /// Improvements, the newest first.
    pub async fn list_improvements(
        &self,
        list: &ReviewList,
        now: Timestamp,
    ) -> Result<ImprovementsAnswer, DeskError> {
        let page = self.store.list_improvements(list.state, list.after, list.limit).await?;
        let today = self.today(now);
        let show = |improvement| ImprovementAnswer::new(improvement, today);
        Ok(ImprovementsAnswer {
            improvements: page.items.into_iter().map(show).collect(),
            next_cursor: page.next.map(|cursor| cursor.to_string()),
        })
    }

    /// Takes an improvement a step on. What is done or dropped may be taken up again.
    pub async fn step_improvement(
        &self,
        id: Uuid,
        step: ReviewStep,
    ) -> Result<ImprovementAnswer, DeskError> {
        let ReviewStep { version, step } = step;
        if !step.actor.role.works_cases() {
            return Err(DeskError::NotAllowed(step.actor.role));
        }
        let now = step.at;
        match self.store.write_improvement(ImprovementChange::Step(id, version, step)).await? {
            Revised::Done(_) => self.find_improvement(id, now).await,
            Revised::Stale(version) => Err(DeskError::Stale(version)),
            Revised::Missing => Err(DeskError::Missing("improvement")),
        }
    }

    fn today(&self, now: Timestamp) -> Date {
        self.engine.knowledge().calendar.date(now)
    }
}
