//! Who may do what: one row for each method and path of the API, and nobody else may. What a role
//! may do with a case at its stage stands in `src/cases/moves.rs`; this table only decides who
//! gets that far.

use std::collections::HashMap;

use crate::domain::{Scope, StaffRole};
use crate::identity::Principal;

use crate::domain::StaffRole::{
    Administrator, Auditor, DataScientist, DepartmentHead, EscalationTeam, Executive, FrontLine,
    Intake, ServiceDirector, TriageLead,
};

/// Those who work cases.
const WORKERS: &[StaffRole] =
    &[Intake, FrontLine, TriageLead, EscalationTeam, DepartmentHead, ServiceDirector, Executive];
/// Those who hand complaints in.
const RECEIVERS: &[StaffRole] = &[Intake, FrontLine, TriageLead, EscalationTeam];
/// Those who work a case rather than take it in.
const HANDLERS: &[StaffRole] = WORKERS.split_at(1).1;
/// Those who look at cases: the workers, and those who learn from them or check them.
const READERS: &[StaffRole] = &[
    Intake,
    FrontLine,
    TriageLead,
    EscalationTeam,
    DepartmentHead,
    ServiceDirector,
    Executive,
    DataScientist,
    Auditor,
];
/// The same without those who see their own cases alone.
const QUEUE_READERS: &[StaffRole] = READERS.split_at(1).1;
/// Those who may have a reason to know who a person is.
const UNMASKERS: &[StaffRole] =
    &[FrontLine, TriageLead, EscalationTeam, DepartmentHead, ServiceDirector, Executive, Auditor];
/// Those who answer a person that asks what is kept about them.
const EXPORTERS: &[StaffRole] = &[ServiceDirector, Auditor];
/// Those who answer for what is lost for good.
const ERASERS: &[StaffRole] = &[ServiceDirector];
const EVERYBODY: &[StaffRole] = &StaffRole::PEOPLE;
const JUDGES: &[StaffRole] = &[
    Intake,
    FrontLine,
    TriageLead,
    EscalationTeam,
    DepartmentHead,
    ServiceDirector,
    Executive,
    DataScientist,
    Administrator,
];
const ADMINISTRATORS: &[StaffRole] = &[Administrator];
const OVERSEERS: &[StaffRole] = &[Administrator, Auditor];

/// A row: who may use a method of a path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Permission {
    pub(super) method: &'static str,
    pub(super) path: &'static str,
    /// The people who may.
    pub(super) roles: &'static [StaffRole],
    /// The scope of a key that may.
    pub(super) scope: Option<Scope>,
    pub(super) kind: Kind,
}

/// What the layer does beside letting in or refusing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing: the answer shows nobody's personal data.
    Plain,
    /// The answer shows a case: personal data is hidden from those who need not see it, and
    /// whoever sees it is noted.
    Personal,
    /// The same, and the body says in `by` who acts; keys with `act_as` may.
    Signed,
    /// The answer is somebody's personal data and cannot be hidden: only those who see it get in,
    /// and are noted.
    Raw,
    /// Nobody is asked who they are: this is how people come in.
    Anyone,
}

const fn read(path: &'static str, roles: &'static [StaffRole], scope: Scope) -> Permission {
    Permission { method: "GET", path, roles, scope: Some(scope), kind: Kind::Plain }
}

const fn write(path: &'static str, roles: &'static [StaffRole], scope: Scope) -> Permission {
    Permission { method: "POST", path, roles, scope: Some(scope), kind: Kind::Plain }
}

/// Shows a case.
const fn case(path: &'static str, roles: &'static [StaffRole], scope: Scope) -> Permission {
    Permission { method: "GET", path, roles, scope: Some(scope), kind: Kind::Personal }
}

/// Does something with a case, for which a person answers.
const fn step(path: &'static str, roles: &'static [StaffRole]) -> Permission {
    Permission { method: "POST", path, roles, scope: None, kind: Kind::Signed }
}

/// Every row. A path that is not here is nobody's.
pub(super) const PERMISSIONS: &[Permission] = &[
    write("/v1/classify", JUDGES, Scope::Classify),
    write("/v1/classify/batch", JUDGES, Scope::Classify),
    read("/v1/rules", EVERYBODY, Scope::Classify),
    read("/v1/models", EVERYBODY, Scope::Classify),
    Permission { kind: Kind::Personal, ..write("/v1/cases", RECEIVERS, Scope::Intake) },
    read("/v1/cases", READERS, Scope::Cases),
    case("/v1/cases/{id}", READERS, Scope::Cases),
    case("/v1/cases/{id}/events", READERS, Scope::Cases),
    case("/v1/cases/{id}/progress", READERS, Scope::Cases),
    case("/v1/cases/{id}/corrections", READERS, Scope::Cases),
    step("/v1/cases/{id}/corrections", HANDLERS),
    step("/v1/cases/{id}/reroute", HANDLERS),
    step("/v1/cases/{id}/{step}", WORKERS),
    step("/v1/cases/{id}/unmask", UNMASKERS),
    case("/v1/cases/{id}/messages", READERS, Scope::Cases),
    step("/v1/cases/{id}/messages", WORKERS),
    case("/v1/cases/{id}/evidence", READERS, Scope::Cases),
    // A system that hands complaints in hands in their files as well.
    Permission { scope: Some(Scope::Intake), ..step("/v1/cases/{id}/evidence", WORKERS) },
    Permission { kind: Kind::Raw, ..case("/v1/cases/{id}/evidence/{file}", READERS, Scope::Cases) },
    step("/v1/cases/{id}/evidence/{file}/unmask", UNMASKERS),
    read("/v1/queues", QUEUE_READERS, Scope::Cases),
    read("/v1/queues/{queue}", QUEUE_READERS, Scope::Cases),
    step("/v1/cases/{id}/joined/{submission}/separation", HANDLERS),
    // What the library shows is masked for everybody.
    read("/v1/cases/{id}/similar", QUEUE_READERS, Scope::Cases),
    read("/v1/library", QUEUE_READERS, Scope::Statistics),
    write("/v1/library/similar", QUEUE_READERS, Scope::Statistics),
    read("/v1/stats", QUEUE_READERS, Scope::Statistics),
    read("/v1/alerts", QUEUE_READERS, Scope::Statistics),
    read("/v1/alerts/{id}", QUEUE_READERS, Scope::Statistics),
    step("/v1/alerts/{id}", HANDLERS),
    read("/v1/improvements", QUEUE_READERS, Scope::Statistics),
    step("/v1/improvements", HANDLERS),
    read("/v1/improvements/{id}", QUEUE_READERS, Scope::Statistics),
    step("/v1/improvements/{id}", HANDLERS),
    step("/v1/privacy/exports", EXPORTERS),
    step("/v1/privacy/erasures", ERASERS),
    read("/v1/audit", OVERSEERS, Scope::Audit),
    read("/v1/keys", OVERSEERS, Scope::Administration),
    write("/v1/keys", ADMINISTRATORS, Scope::Administration),
    write("/v1/keys/{id}/rotate", ADMINISTRATORS, Scope::Administration),
    Permission {
        method: "DELETE",
        ..write("/v1/keys/{id}", ADMINISTRATORS, Scope::Administration)
    },
    read("/v1/users", OVERSEERS, Scope::Administration),
    write("/v1/users", ADMINISTRATORS, Scope::Administration),
    Permission {
        method: "PATCH",
        ..write("/v1/users/{name}", ADMINISTRATORS, Scope::Administration)
    },
    read("/v1/webhooks", ADMINISTRATORS, Scope::Administration),
    write("/v1/webhooks", ADMINISTRATORS, Scope::Administration),
    read("/v1/webhooks/{id}", ADMINISTRATORS, Scope::Administration),
    Permission {
        method: "DELETE",
        ..write("/v1/webhooks/{id}", ADMINISTRATORS, Scope::Administration)
    },
    write("/v1/webhooks/{id}/rotate", ADMINISTRATORS, Scope::Administration),
    write("/v1/webhooks/{id}/enable", ADMINISTRATORS, Scope::Administration),
    write("/v1/webhooks/{id}/disable", ADMINISTRATORS, Scope::Administration),
    read("/v1/webhooks/{id}/dead-letters", ADMINISTRATORS, Scope::Administration),
    write("/v1/webhooks/{id}/dead-letters/replay", ADMINISTRATORS, Scope::Administration),
    read("/v1/gateways/{channel}/dead-letters", ADMINISTRATORS, Scope::Administration),
    write("/v1/gateways/{channel}/dead-letters/replay", ADMINISTRATORS, Scope::Administration),
    Permission {
        method: "POST",
        path: "/v1/sessions",
        roles: EVERYBODY,
        scope: None,
        kind: Kind::Anyone,
    },
    Permission {
        method: "DELETE",
        path: "/v1/sessions",
        roles: EVERYBODY,
        scope: None,
        kind: Kind::Plain,
    },
];

/// The table, found by method and path.
#[derive(Clone, Debug)]
pub(super) struct Permissions(HashMap<(&'static str, &'static str), &'static Permission>);

impl Permissions {
    pub(super) fn new() -> Self {
        Self(PERMISSIONS.iter().map(|row| ((row.method, row.path), row)).collect())
    }

    /// The row of a route; a HEAD is a GET without its body.
    pub(super) fn find(&self, method: &str, path: &str) -> Option<&'static Permission> {
        let method = if method == "HEAD" { "GET" } else { method };
        self.0.get(&(method, path)).copied()
    }
}

impl Permission {
    /// Whether somebody gets in.
    pub(super) fn permits(&self, principal: &Principal) -> bool {
        let has_role = || principal.roles().iter().any(|role| self.roles.contains(role));
        match principal {
            Principal::Open => true,
            Principal::User(_) => has_role(),
            Principal::Key(_) => {
                let by_scope = self.scope.is_some_and(|scope| principal.has_scope(scope));
                // A key that hands cases in sees what became of them.
                let own = self.scope == Some(Scope::Cases)
                    && !self.path.starts_with("/v1/queues")
                    && principal.has_scope(Scope::Intake);
                by_scope || own || (self.kind == Kind::Signed && has_role())
            }
        }
    }

    /// Who may, in words.
    pub(super) fn allowed(&self) -> String {
        let roles = self.roles.iter().map(|role| role.as_str()).collect::<Vec<_>>().join(", ");
        match (self.scope, self.kind) {
            (Some(scope), _) => format!("{roles}, or a key with the scope {scope}"),
            (None, Kind::Signed) => format!("{roles}, or a key that may act for one of them"),
            (None, _) => roles,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_has_one_row_at_most() {
        assert_eq!(Permissions::new().0.len(), PERMISSIONS.len());
    }

    #[test]
    fn auditors_and_data_scientists_change_nothing() {
        let changes = PERMISSIONS.iter().filter(|row| row.method != "GET");
        for row in changes.filter(|row| row.path.starts_with("/v1/cases")) {
            let may_read_names = row.path.ends_with("/unmask");
            assert!(may_read_names || !row.roles.contains(&Auditor), "{}", row.path);
            assert!(!row.roles.contains(&DataScientist), "{}", row.path);
            assert!(!row.roles.contains(&Administrator), "{}", row.path);
        }
    }
}
