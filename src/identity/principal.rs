//! Who sends a request.

use crate::domain::{Actor, QueueId, Reach, Scope, StaffRole};

/// Who sends a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// Whoever reaches an open service, which then believes who they say they are.
    Open,
    /// A system.
    Key(KeyHolder),
    /// A person.
    User(UserHolder),
}

/// A system with a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyHolder {
    /// The key.
    pub id: String,
    /// The system.
    pub name: String,
    /// What the key is good for.
    pub scopes: Vec<Scope>,
    /// The roles of the people for whom it may act, whom it has authenticated itself.
    pub act_as: Vec<StaffRole>,
}

/// A person with a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserHolder {
    /// The name that events carry.
    pub name: String,
    /// What they do for the firm.
    pub roles: Vec<StaffRole>,
    /// The only queue that the front line sees.
    pub queue: Option<QueueId>,
    /// The session.
    pub session_id: String,
    /// Whether they came in with a password that another made, and must choose their own first.
    pub must_choose: bool,
}

/// Those who must be able to reach the customer. They see names and contacts with each case; every
/// such reading is noted.
const SEE_PERSONAL_DATA: [StaffRole; 3] =
    [StaffRole::FrontLine, StaffRole::TriageLead, StaffRole::EscalationTeam];

/// Those whose work is with single cases; the others of [`Principal::reach`] look at all.
const LIMITED: [StaffRole; 3] = [StaffRole::Intake, StaffRole::FrontLine, StaffRole::Executive];

impl Principal {
    /// The name under which events and the audit log know them.
    pub fn actor(&self) -> String {
        match self {
            Self::Open => "open".to_owned(),
            Self::Key(key) => format!("key:{}", key.name),
            Self::User(user) => user.name.clone(),
        }
    }

    /// The role under which the audit log knows them: the highest that they have.
    pub fn role(&self) -> StaffRole {
        match self {
            Self::Open | Self::Key(_) => StaffRole::System,
            Self::User(user) => user.roles.iter().copied().max().unwrap_or(StaffRole::System),
        }
    }

    /// Whether nothing is theirs to do before they have chosen a password.
    pub const fn must_choose(&self) -> bool {
        matches!(self, Self::User(user) if user.must_choose)
    }

    /// Whether a key has this scope.
    pub fn has_scope(&self, scope: Scope) -> bool {
        matches!(self, Self::Key(key) if key.scopes.contains(&scope))
    }

    /// The roles in which they can do something for themselves or, as a system, for others.
    pub fn roles(&self) -> &[StaffRole] {
        match self {
            Self::Open => &StaffRole::PEOPLE,
            Self::Key(key) => &key.act_as,
            Self::User(user) => &user.roles,
        }
    }

    /// Whether names, contacts and numbers are shown to them as they are.
    pub fn sees_personal_data(&self) -> bool {
        match self {
            Self::Open => true,
            Self::Key(key) => key.scopes.contains(&Scope::PersonalData),
            Self::User(user) => user.roles.iter().any(|role| SEE_PERSONAL_DATA.contains(role)),
        }
    }

    /// Which cases they may see: as far as the widest of their roles goes.
    pub fn reach(&self) -> Reach {
        let has = |role: StaffRole| self.roles().contains(&role);
        match self {
            Self::Open => Reach::All,
            Self::Key(key) if key.scopes.contains(&Scope::Cases) || !key.act_as.is_empty() => {
                Reach::All
            }
            Self::Key(_) => Reach::ReceivedBy(self.actor()),
            Self::User(user) if user.roles.iter().any(|role| !LIMITED.contains(role)) => Reach::All,
            Self::User(user) => match &user.queue {
                _ if has(StaffRole::Executive) => Reach::Executive,
                Some(queue) if has(StaffRole::FrontLine) => Reach::Queue(queue.clone()),
                None if has(StaffRole::FrontLine) => Reach::All,
                _ => Reach::ReceivedBy(user.name.clone()),
            },
        }
    }

    /// Who an event names, in one of the roles that may do it. Who has several acts in the highest
    /// unless they say in which.
    pub fn sign(&self, allowed: &[StaffRole], wanted: Option<StaffRole>) -> Option<Actor> {
        let Self::User(user) = self else { return None };
        let mut roles = user.roles.iter().copied().filter(|role| allowed.contains(role));
        let role = match wanted {
            Some(wanted) => roles.find(|role| *role == wanted),
            None => roles.max(),
        };
        role.map(|role| Actor { name: user.name.clone(), role })
    }
}
