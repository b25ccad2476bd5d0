//! Cases: received exactly once, found again, listed in the order in which they want to be worked.

use jiff::Timestamp;
use uuid::Uuid;

use crate::cases::Refusal;
use crate::domain::{Actor, DeadlineKind, Labels, MessageChannel, QueueId, Role, StaffRole};
use crate::evidence::{self, Vault};
use crate::store::{
    self, Case, CaseCursor, CaseFilter, Claim, ClaimOutcome, Completion, Event, Page, QueueCount,
    QueueCursor, Store, StoredResponse, Triage,
};
use crate::triage::arrival::to_json;
use crate::triage::{Busy, Classification, Engine, Gateways, Mistake, Shelf, Submission};

/// The use cases that need the store beside the engine.
#[derive(Debug)]
pub struct Desk {
    pub(super) engine: Engine,
    pub(super) store: Store,
    pub(super) shelf: Shelf,
    pub(super) vault: Vault,
    pub(super) gateways: Gateways,
}

/// Why a use case failed.
#[derive(Debug, thiserror::Error)]
pub enum DeskError {
    /// The idempotency key was used for another body.
    #[error("the idempotency key belongs to a request with another body")]
    KeyBodyDiffers,
    /// The first request with this idempotency key is still in work.
    #[error("a request with this idempotency key is still in work")]
    KeyInFlight,
    /// The channel has used the external id for this case, which says something else.
    #[error("the external id belongs to case {0}, which says something else")]
    OtherComplaint(Uuid),
    /// There is no such alert or improvement.
    #[error("there is no such {0}")]
    Missing(&'static str),
    /// It is over: nothing can be done with it any more.
    #[error("the {0} is closed")]
    Ended(&'static str),
    /// There is no such case.
    #[error("there is no such case")]
    NoCase,
    /// No such submission is joined to the case.
    #[error("no such submission is joined to the case")]
    NoSubmission,
    /// Somebody has written the case since it was read.
    #[error("the case has version {0} by now")]
    Stale(u32),
    /// The case's words are gone, and nobody can work it any more.
    #[error("the case was erased")]
    Erased,
    /// The case is not where this is possible.
    #[error(transparent)]
    Refused(#[from] Box<Refusal>),
    /// The role may not do this.
    #[error("the role `{}` may not do this", .0.as_str())]
    NotAllowed(StaffRole),
    /// Too much waits for the model.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// There are no vectors to compare: no model is live, or it has read nothing yet.
    #[error("no model that compares texts is live")]
    NoVectors,
    /// The file of vectors cannot be used.
    #[error("the file of vectors cannot be used")]
    Shelf(#[source] std::io::Error),
    /// There is no gateway for the channel.
    #[error("there is no gateway for `{}`", .0.as_str())]
    NoGateway(MessageChannel),
    /// What was asked has mistakes that only the case shows.
    #[error("the request has mistakes")]
    Mistakes(Vec<Mistake>),
    /// An evidence file is refused, or not there.
    #[error(transparent)]
    Evidence(#[from] evidence::Error),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// A submission to receive, with what the edge knows about the request.
pub struct Receipt {
    /// The complaint.
    pub submission: Submission,
    /// Who hands it in.
    pub by: Actor,
    /// The idempotency key and the digest of the body it came with.
    pub key: Option<(String, String)>,
    /// The id that the case gets if it is new.
    pub id: Uuid,
    /// The request, for the event.
    pub request_id: Option<String>,
    /// Now.
    pub now: Timestamp,
}

impl Desk {
    /// A desk that judges with `engine`, keeps cases in `store`, their vectors on `shelf` and their
    /// files in `vault`.
    pub fn new(engine: Engine, store: Store, shelf: Shelf, vault: Vault) -> Self {
        Self { engine, store, shelf, vault, gateways: Gateways::default() }
    }

    /// The same with gateways, without which no message goes to a customer.
    #[must_use]
    pub fn with_gateways(self, gateways: Gateways) -> Self {
        Self { gateways, ..self }
    }

    /// What judges complaints.
    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), DeskError> {
        Ok(self.store.ping().await?)
    }

    /// Lets the database finish its work and closes it.
    pub async fn close(&self) {
        self.store.close().await;
    }

    /// Makes a complaint a case, exactly once for an idempotency key and for an external id of a
    /// channel. Answers 201 with the new case, or 200 with the one that is there or that it is joined to.
    /// Another complaint under an external id that is taken is refused: it would be lost.
    pub async fn receive(&self, receipt: Receipt) -> Result<StoredResponse, DeskError> {
        let claim = match &receipt.key {
            None => None,
            Some((key, digest)) => match self.store.claim(key, digest, receipt.now).await? {
                ClaimOutcome::Claimed(claim) => Some(claim),
                ClaimOutcome::Replay(response) => return Ok(response),
                ClaimOutcome::BodyDiffers => return Err(DeskError::KeyBodyDiffers),
                ClaimOutcome::InFlight => return Err(DeskError::KeyInFlight),
            },
        };
        let outcome = self.take_in(&receipt, claim.as_ref()).await;
        match (outcome, claim) {
            (Ok(response), claim) if response.status == 201 => {
                let moved = self.send_owed(receipt.id, receipt.now).await;
                let renewed = if moved { self.renewed(receipt.id, claim).await } else { None };
                Ok(renewed.unwrap_or(response))
            }
            (Err(error), Some(claim)) => {
                // Nothing was written, so the request may be sent again at once. If even this
                // fails, the claim goes stale by itself.
                drop(self.store.release(claim).await);
                Err(error)
            }
            (outcome, _) => outcome,
        }
    }

    /// What is told of a new case that a rule has moved at once: how it stands now, and the same
    /// when the request is sent again. Nothing when that cannot be read, and what was to be told
    /// of the case as it came in is told.
    async fn renewed(&self, id: Uuid, claim: Option<Claim>) -> Option<StoredResponse> {
        let told = async {
            let case = self.store.find_case(id).await?.ok_or(DeskError::NoCase)?;
            let body = to_json(&case, &self.find_matter(id).await?);
            let response = StoredResponse { status: 201, body };
            if let Some(claim) = claim {
                self.store.amend(Completion { claim, response: response.clone() }).await?;
            }
            Ok::<_, DeskError>(response)
        };
        told.await
            .inspect_err(|error| {
                let error: &dyn std::error::Error = error;
                tracing::warn!(error, case = %id, "how the new case stands cannot be told");
            })
            .ok()
    }

    /// The case with this id.
    pub async fn find_case(&self, id: Uuid) -> Result<Option<Case>, DeskError> {
        Ok(self.store.find_case(id).await?)
    }

    /// What happened to a case, oldest first.
    pub async fn list_events(&self, id: Uuid) -> Result<Vec<Event>, DeskError> {
        Ok(self.store.list_events(id).await?)
    }

    /// Cases, newest first.
    pub async fn list_cases(
        &self,
        filter: &CaseFilter,
        after: Option<CaseCursor>,
        limit: u16,
    ) -> Result<Page<Case, CaseCursor>, DeskError> {
        Ok(self.store.list_cases(filter, after, limit).await?)
    }

    /// The open cases of a queue, most urgent first.
    pub async fn list_queue(
        &self,
        queue: &QueueId,
        after: Option<QueueCursor>,
        limit: u16,
    ) -> Result<Page<Case, QueueCursor>, DeskError> {
        Ok(self.store.list_queue(queue, after, limit).await?)
    }

    /// How the queues that have open cases stand.
    pub async fn count_queues(&self, now: Timestamp) -> Result<Vec<QueueCount>, DeskError> {
        Ok(self.store.count_queues(now).await?)
    }

    /// Forgets idempotency keys whose time is over.
    pub async fn forget_keys(&self, now: Timestamp) -> Result<u64, DeskError> {
        Ok(self.store.delete_expired(now).await?)
    }
}

/// What lists filter and sort by.
pub(super) fn columns(classification: &Classification, labels: Labels, answer: String) -> Triage {
    let Classification { knowledge, decision, .. } = classification;
    let due = |kind: DeadlineKind| {
        decision.deadlines.iter().filter(move |it| it.kind == kind).map(|it| it.due_at).min()
    };
    let first_due_at = decision.deadlines.iter().map(|it| it.due_at).min();
    let severity = &decision.severity.label;
    let severity_rank = knowledge
        .taxonomy
        .role(Role::Severity)
        .and_then(|(_, head)| head.label_idx(severity.as_str()));
    Triage {
        queue: decision.queue.clone(),
        department: decision.department.clone(),
        tier: decision.tier,
        category: decision.category.clone(),
        severity: severity.clone(),
        severity_rank: severity_rank.unwrap_or_default() as u16,
        sentiment: labels.role(Role::Sentiment).cloned(),
        executive_review: decision.executive_review,
        needs_triage: decision.needs_triage,
        priority: decision.priority.score(),
        first_due_at: first_due_at.unwrap_or(Timestamp::MAX),
        resolution_due_at: due(DeadlineKind::Resolution).or(first_due_at).unwrap_or(Timestamp::MAX),
        model_version: classification.model_version().map(ToOwned::to_owned),
        rules_version: knowledge.rules.version().to_owned(),
        fallback: classification.is_fallback(),
        model_labels: classification.model_labels(),
        labels,
        answer,
    }
}
