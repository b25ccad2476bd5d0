//! Alerts: what they show, and what people do about them.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

use crate::store::{Alert, AlertStep, Revised};
use crate::triage::review::{ReviewList, ReviewStep, StepAnswer};
use crate::triage::{Desk, DeskError};

/// An alert.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlertAnswer {
    /// Its id.
    pub id: String,
    /// What it is about: `category`, `product` or `shop`.
    pub kind: &'static str,
    /// Which.
    pub subject: String,
    /// `open`, `acknowledged` or `closed`.
    pub state: String,
    /// Its version; who writes it names the one that they have read.
    pub version: u32,
    /// The most distinct complainants within a window so far.
    pub count: u32,
    /// How many were to be expected when it was opened.
    pub baseline: f64,
    /// From how many on it was an alarm.
    pub threshold: u32,
    /// When it was opened.
    #[schema(value_type = String)]
    pub opened_at: Timestamp,
    /// When the cluster was last seen, or the alert closed.
    #[schema(value_type = String)]
    pub seen_at: Timestamp,
    /// The cases behind it, the oldest first; in the answer for one alert alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cases: Option<Vec<String>>,
    /// Who did what, the oldest first; in the answer for one alert alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub steps: Option<Vec<StepAnswer>>,
}

/// A page of alerts.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlertsAnswer {
    /// The newest first.
    pub alerts: Vec<AlertAnswer>,
    /// Send it as `cursor` for the next page; null on the last one.
    pub next_cursor: Option<String>,
}

impl AlertAnswer {
    fn new(alert: Alert) -> Self {
        Self {
            id: alert.id.to_string(),
            kind: alert.kind.as_str(),
            subject: alert.subject,
            state: alert.state,
            version: alert.version,
            count: alert.n_complainants,
            baseline: alert.expected,
            threshold: alert.threshold,
            opened_at: alert.opened_at,
            seen_at: alert.seen_at,
            cases: None,
            steps: None,
        }
    }
}

impl Desk {
    /// Alerts, the newest first.
    pub async fn list_alerts(&self, list: &ReviewList) -> Result<AlertsAnswer, DeskError> {
        let page = self.store.list_alerts(list.state, list.after, list.limit).await?;
        Ok(AlertsAnswer {
            alerts: page.items.into_iter().map(AlertAnswer::new).collect(),
            next_cursor: page.next.map(|cursor| cursor.to_string()),
        })
    }

    /// An alert with the cases behind it and what was done about it.
    pub async fn find_alert(&self, id: Uuid) -> Result<AlertAnswer, DeskError> {
        let alert = self.store.find_alert(id).await?.ok_or(DeskError::Missing("alert"))?;
        let cases = self.store.list_alert_cases(id).await?;
        let steps = self.store.list_steps(id).await?;
        Ok(AlertAnswer {
            cases: Some(cases.iter().map(Uuid::to_string).collect()),
            steps: Some(steps.into_iter().map(StepAnswer::new).collect()),
            ..AlertAnswer::new(alert)
        })
    }

    /// Acknowledges or closes an alert.
    pub async fn step_alert(&self, id: Uuid, step: ReviewStep) -> Result<AlertAnswer, DeskError> {
        let ReviewStep { version, step } = step;
        if !step.actor.role.works_cases() {
            return Err(DeskError::NotAllowed(step.actor.role));
        }
        let alert = self.store.find_alert(id).await?.ok_or(DeskError::Missing("alert"))?;
        if alert.state == "closed" && alert.version == version {
            return Err(DeskError::Ended("alert"));
        }
        match self.store.step_alert(AlertStep { id, version, step }).await? {
            Revised::Done(_) => self.find_alert(id).await,
            Revised::Stale(version) => Err(DeskError::Stale(version)),
            Revised::Missing => Err(DeskError::Missing("alert")),
        }
    }
}
