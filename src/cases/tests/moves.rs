//! The table of moves.

use std::collections::HashSet;

use crate::cases::{Move, Stage};
use crate::domain::{StaffRole, Tier};

const TIERS: [Tier; 3] = [Tier::FrontLine, Tier::EscalationTeam, Tier::Executive];

#[test]
fn every_stage_but_the_first_can_be_left_and_every_move_has_a_stage() {
    for stage in Stage::ALL {
        let n_moves = Move::ALL.iter().filter(|it| it.stages().contains(&stage)).count();
        assert!(0 < n_moves, "nothing can be done at {}", stage.as_str());
    }
    assert!(Move::ALL.iter().all(|it| !it.stages().is_empty()));
    let names: HashSet<_> = Move::ALL.map(Move::as_str).into();
    assert_eq!(names.len(), Move::ALL.len());
}

#[test]
fn those_who_only_look_on_move_nothing() {
    let onlookers =
        [StaffRole::DataScientist, StaffRole::Auditor, StaffRole::Administrator, StaffRole::System];
    for tier in TIERS {
        for it in Move::ALL {
            let allowed = it.roles(tier);
            assert!(!allowed.is_empty(), "{it} is nobody's at tier {tier:?}");
            assert!(!onlookers.iter().any(|role| allowed.contains(role)), "{it}");
        }
    }
}

/// The whole table in one sight, for the moves that are not everybody's.
#[test]
fn least_privilege_is_a_table() {
    let mut lines = Vec::new();
    for it in Move::ALL {
        let roles = TIERS.map(|tier| it.roles(tier).first().expect("it is somebody's").as_str());
        if roles != ["intake"; 3] {
            lines.push(format!("{it}: {} / {} / {}", roles[0], roles[1], roles[2]));
        }
    }
    let expected = [
        "review: triage_lead / triage_lead / triage_lead",
        "investigate: front_line / front_line / front_line",
        "conclude: front_line / escalation_team / executive",
        "propose: front_line / escalation_team / executive",
        "choose: front_line / front_line / front_line",
        "revise: front_line / front_line / front_line",
        "answer_finally: escalation_team / escalation_team / executive",
        "approve: triage_lead / department_head / executive",
        "refuse_approval: triage_lead / department_head / executive",
        "execute: front_line / front_line / front_line",
        "archive: front_line / front_line / front_line",
        "send_back: escalation_team / escalation_team / executive",
    ];
    assert_eq!(lines, expected);
}
