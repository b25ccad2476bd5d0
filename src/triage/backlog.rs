//! The backlog: what waits to be worked, as people filter it, and handed out to those who are free.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use uuid::Uuid;

use crate::cases::{Command, Move};
use crate::domain::{Actor, Certainty, Labels, QueueId, StaffRole, Tier};
use crate::store::{Case, Owner, Page, QueueCursor, User, WorkFilter};
use crate::triage::{Desk, DeskError, StepRequest};

/// So many cases are handed out at once.
const MAX_SHARED: u16 = 200;

/// What became of cases that were to be handed out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shared {
    /// How many everybody got, by name.
    pub handed: BTreeMap<String, u32>,
    /// Cases that stay: nobody works this queue at their tier.
    pub n_left: u32,
    /// Cases that somebody else moved meanwhile.
    pub n_moved: u32,
}

/// Who can be handed cases, and how many open ones they own.
struct Staff {
    users: Vec<User>,
    n_open: HashMap<String, u64>,
}

impl Desk {
    /// Open cases, most urgent first.
    pub async fn list_work(
        &self,
        filter: &WorkFilter,
        after: Option<QueueCursor>,
        limit: u16,
    ) -> Result<Page<Case, QueueCursor>, DeskError> {
        Ok(self.store.list_work(filter, after, limit).await?)
    }

    /// How many there are, counted up to `most`.
    pub async fn count_work(&self, filter: &WorkFilter, most: u32) -> Result<u64, DeskError> {
        Ok(self.store.count_work(filter, most).await?)
    }

    /// Who owns open cases of a queue, and how many.
    pub async fn count_owners(&self, queue: &QueueId) -> Result<Vec<(String, u64)>, DeskError> {
        Ok(self.store.count_owners(Some(queue)).await?)
    }

    /// Hands cases of a queue to those who work it and own the fewest open ones, the most urgent
    /// case first: the chosen ones, or without a choice those that nobody owns.
    pub async fn share_backlog(
        &self,
        queue: &QueueId,
        chosen: &[Uuid],
        by: &Actor,
        now: Timestamp,
    ) -> Result<Shared, DeskError> {
        if !Move::Review.roles(Tier::FrontLine).contains(&by.role) {
            return Err(DeskError::NotAllowed(by.role));
        }
        let n_open = self.store.count_owners(None).await?.into_iter().collect();
        let users = self.store.list_users().await?;
        let mut staff = Staff { users, n_open };
        let mut shared = Shared::default();
        for case in self.backlog(queue, chosen).await? {
            let Some(owner) =
                staff.freest_for(queue, case.record.triage.tier, case.record.owner.as_deref())
            else {
                shared.n_left += 1;
                continue;
            };
            let request = StepRequest {
                version: case.version,
                by: by.clone(),
                command: Command::Take { owner: Some(owner.clone()) },
                labels: Labels::default(),
                certainty: Certainty::default(),
            };
            match self.act(case.record.id, request, None, now).await {
                Ok(_) => {
                    staff.hand(&owner, case.record.owner.as_deref());
                    *shared.handed.entry(owner).or_default() += 1;
                }
                Err(DeskError::Stale(_) | DeskError::NoCase | DeskError::Refused(_)) => {
                    shared.n_moved += 1;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(shared)
    }

    async fn backlog(&self, queue: &QueueId, chosen: &[Uuid]) -> Result<Vec<Case>, DeskError> {
        if chosen.is_empty() {
            let filter = WorkFilter {
                queue: Some(queue.clone()),
                owner: Some(Owner::Nobody),
                ..WorkFilter::default()
            };
            return Ok(self.store.list_work(&filter, None, MAX_SHARED).await?.items);
        }
        let mut cases = Vec::with_capacity(chosen.len());
        for id in chosen {
            let case = self.store.find_case(*id).await?;
            cases.extend(case.filter(|case| case.record.triage.queue == *queue));
        }
        Ok(cases)
    }
}

impl Staff {
    /// Who works cases of this queue at this tier and owns the fewest; of several the first
    /// by name. Whoever owns the case now gets it again only if there is nobody else.
    fn freest_for(&self, queue: &QueueId, tier: Tier, owner: Option<&str>) -> Option<String> {
        let role = match tier {
            Tier::FrontLine => StaffRole::FrontLine,
            Tier::EscalationTeam => StaffRole::EscalationTeam,
            // Executives find what they must decide on a page of their own.
            Tier::Executive => return None,
        };
        let works = |user: &&User| user.disabled_at.is_none() && user.roles.contains(&role);
        let (own, others): (Vec<&User>, Vec<&User>) =
            self.users.iter().filter(works).partition(|user| user.queue.as_ref() == Some(queue));
        // Who is bound to no queue helps where nobody is.
        let anywhere = others.into_iter().filter(|user| user.queue.is_none());
        let people: Vec<&User> = if own.is_empty() { anywhere.collect() } else { own };
        let n_open = |user: &User| self.n_open.get(&user.name).copied().unwrap_or_default();
        let order = |user: &&User| (owner == Some(&*user.name), n_open(user), user.name.clone());
        people.into_iter().min_by_key(order).map(|user| user.name.clone())
    }

    fn hand(&mut self, to: &str, from: Option<&str>) {
        if let Some(n_open) = from.and_then(|it| self.n_open.get_mut(it)) {
            *n_open = n_open.saturating_sub(1);
        }
        *self.n_open.entry(to.to_owned()).or_default() += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(name: &str, role: StaffRole, queue: Option<&str>) -> User {
        User {
            name: name.to_owned(),
            display_name: name.to_owned(),
            roles: vec![role],
            queue: queue.map(|it| it.parse().expect("it is a name")),
            password_hash: None,
            created_at: Timestamp::UNIX_EPOCH,
            disabled_at: None,
        }
    }

    #[test]
    fn the_freest_of_those_who_work_the_queue_is_found() {
        use StaffRole::{EscalationTeam, FrontLine};
        let mut gone = user("a.gone", FrontLine, Some("logistics"));
        gone.disabled_at = Some(Timestamp::UNIX_EPOCH);
        let mut staff = Staff {
            users: vec![
                gone,
                user("b.busy", FrontLine, Some("logistics")),
                user("c.free", FrontLine, Some("logistics")),
                user("d.elsewhere", FrontLine, Some("after_sales")),
                user("e.team", EscalationTeam, None),
            ],
            n_open: HashMap::from([("b.busy".to_owned(), 2), ("c.free".to_owned(), 1)]),
        };
        let queue: QueueId = "logistics".parse().expect("it is a name");
        let who = |staff: &Staff, tier, owner| staff.freest_for(&queue, tier, owner);
        assert_eq!(who(&staff, Tier::FrontLine, None).as_deref(), Some("c.free"));
        assert_eq!(who(&staff, Tier::FrontLine, Some("c.free")).as_deref(), Some("b.busy"));
        assert_eq!(who(&staff, Tier::EscalationTeam, None).as_deref(), Some("e.team"));
        assert_eq!(who(&staff, Tier::Executive, None), None);
        staff.hand("c.free", None);
        assert_eq!(who(&staff, Tier::FrontLine, None).as_deref(), Some("b.busy"), "by name");
    }
}
