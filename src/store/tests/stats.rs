//! Figures: whatever happens to cases, and whenever days are added up, the sums are those of a
//! count from scratch.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::json;

use crate::domain::{Actor, Certainty, LabelId, Labels, Money, RouteChoice, StaffRole, Tier};
use crate::store::row::Columns;
use crate::store::tests::{case, id, insert, intake, minutes_later, on_both_engines};
use crate::store::{
    Archived, ArchivedCount, Erasure, LabelSource, LibraryChange, NewAudit, NewCorrection,
    NewEntry, NewEvent, Progress, ReceivedCount, Revised, Revision, StatsFilter, Store,
};

on_both_engines!(
    figures_are_those_of_a_count_from_scratch_after_random_steps,
    a_day_is_added_up_right_while_others_write,
);

const CATEGORIES: [Option<&str>; 3] = [None, Some("logistics"), Some("城乡建设")];
const DEPARTMENTS: [&str; 3] = ["物流合作部", "财务部", ""];
const LIABILITIES: [Option<&str>; 3] = [None, Some("company"), Some("mixed")];
const DAY_MIN: i64 = 24 * 60;

/// Something that happens, with numbers that choose what it happens to and how.
#[derive(Clone, Debug)]
enum Turn {
    Receive { minutes: i64, choice: usize },
    Correct { case: usize, choice: usize },
    Archive { case: usize, minutes: i64, choice: usize },
    Reopen { case: usize },
    Erase { case: usize },
    AddUp { minutes: i64, limit: usize },
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let minutes = || -2 * DAY_MIN..8 * DAY_MIN;
    let number = any::<usize>;
    let turn = prop_oneof![
        4 => (minutes(), number()).prop_map(|(minutes, choice)| Turn::Receive { minutes, choice }),
        3 => (number(), number()).prop_map(|(case, choice)| Turn::Correct { case, choice }),
        4 => (number(), minutes(), number())
            .prop_map(|(case, minutes, choice)| Turn::Archive { case, minutes, choice }),
        1 => number().prop_map(|case| Turn::Reopen { case }),
        1 => number().prop_map(|case| Turn::Erase { case }),
        1 => (minutes(), 1..9_usize).prop_map(|(minutes, limit)| Turn::AddUp { minutes, limit }),
    ];
    prop::collection::vec(turn, 250)
}

/// Cases of a test with the version that each has, and whether it is archived.
struct World {
    store: Store,
    cases: Vec<(u32, bool)>,
}

impl World {
    async fn play(&mut self, turn: &Turn) {
        let n_cases = self.cases.len();
        let pick = |case: usize| (0 < n_cases).then(|| case % n_cases);
        match *turn {
            Turn::Receive { minutes, choice } => {
                let mut case = case(n_cases as u64);
                case.complaint.received_at = minutes_later(minutes);
                case.triage.category = category(choice);
                case.triage.department = DEPARTMENTS[choice % 7 % 3].to_owned();
                insert(&self.store, case).await;
                self.cases.push((1, false));
            }
            Turn::Correct { case, choice } => {
                let Some(case_idx) = pick(case) else { return };
                self.correct(case_idx, choice).await;
            }
            Turn::Archive { case, minutes, choice } => {
                let Some(case_idx) = pick(case) else { return };
                let entry =
                    NewEntry { archived: archived(case_idx, minutes, choice), terms: vec![] };
                let library = LibraryChange::Put(Box::new(entry));
                self.advance(case_idx, "archived", library).await;
            }
            Turn::Reopen { case } => {
                let Some(case_idx) = pick(case) else { return };
                self.advance(case_idx, "investigation", LibraryChange::Remove).await;
            }
            Turn::Erase { case } => {
                let Some(case_idx) = pick(case) else { return };
                self.erase(case_idx).await;
            }
            Turn::AddUp { minutes, limit } => {
                let n_days = self.store.roll_up(minutes_later(minutes), limit).await;
                assert!(n_days.expect("days are added up") <= limit);
            }
        }
    }

    async fn correct(&mut self, case_idx: usize, choice: usize) {
        let (version, _) = self.cases[case_idx];
        let mut triage = case(case_idx as u64).triage;
        triage.category = category(choice);
        triage.department = DEPARTMENTS[choice % 5 % 3].to_owned();
        let correction = NewCorrection {
            at: minutes_later(0),
            actor: Actor { name: "li.lei".to_owned(), role: StaffRole::TriageLead },
            source: LabelSource::Correction,
            certainty: Certainty::Clear,
            reason: "核对".to_owned(),
            labels: Labels::default(),
            route: RouteChoice::default(),
        };
        let revision = Revision {
            case_id: id(case_idx as u64),
            version,
            correction,
            triage,
            alarm_at: None,
            event: event("case.corrected"),
            library: LibraryChange::None,
        };
        let revised = self.store.revise_case(revision).await.expect("it is current");
        self.done(case_idx, revised);
    }

    async fn advance(&mut self, case_idx: usize, status: &str, library: LibraryChange) {
        let (version, _) = self.cases[case_idx];
        let is_open = status != "archived";
        let progress = Progress {
            case_id: id(case_idx as u64),
            version,
            status: status.to_owned(),
            is_open,
            tier: Tier::FrontLine,
            owner: None,
            first_due_at: minutes_later(0),
            resolution_due_at: minutes_later(0),
            alarm_at: None,
            events: vec![event("case.moved")],
            final_labels: None,
            library,
        };
        let revised = self.store.advance_case(progress).await.expect("it is current");
        self.done(case_idx, revised);
        self.cases[case_idx].1 = !is_open;
    }

    async fn erase(&mut self, case_idx: usize) {
        let (version, is_archived) = self.cases[case_idx];
        let erasure = Erasure {
            case_id: id(case_idx as u64),
            version,
            blank: "（已删除）",
            events: Vec::new(),
            event: event("case.erased"),
            audit: NewAudit {
                at: minutes_later(0),
                actor: "zhao.min".to_owned(),
                role: StaffRole::ServiceDirector,
                action: "personal_data.erased".to_owned(),
                subject: id(case_idx as u64).to_string(),
                data: json!({}),
            },
        };
        let erased = self.store.erase_case(erasure).await.expect("it is answered");
        if is_archived && matches!(erased, Revised::Done(_)) {
            self.done(case_idx, erased);
        }
    }

    fn done(&mut self, case_idx: usize, revised: Revised) {
        let Revised::Done(version) = revised else { panic!("case {case_idx}: {revised:?}") };
        self.cases[case_idx].0 = version;
    }

    /// Compares every figure of many periods with a count from scratch.
    async fn check(&self) {
        let periods = [(-3 * DAY_MIN, 9 * DAY_MIN), (-100, 4 * DAY_MIN + 7), (720, 720 + DAY_MIN)];
        for (from, until) in periods {
            for department in [None, Some("财务部"), Some("")] {
                for category in [None, Some("城乡建设")] {
                    let filter = StatsFilter {
                        from: minutes_later(from),
                        until: minutes_later(until),
                        department: department.map(ToOwned::to_owned),
                        category: category.map(|it| it.parse().expect("a name")),
                    };
                    self.check_received(&filter).await;
                    self.check_archived(&filter).await;
                }
            }
        }
    }

    async fn check_received(&self, filter: &StatsFilter) {
        let sql = "SELECT received_at AS at, department, category FROM cases";
        let rows = sqlx::query(sql).fetch_all(&self.store.pool).await.expect("they are read");
        // Shanghai, a place whose hours begin at half past, and one behind UTC.
        for offset_s in [8 * 3600, 5 * 3600 + 1800, -3 * 3600] {
            let mut expected: BTreeMap<(Option<LabelId>, u32), u64> = BTreeMap::new();
            for row in rows.iter().map(Columns).filter(|row| holds(filter, *row)) {
                let at: i64 = row.get("at").expect("a moment");
                let hour = (at + i64::from(offset_s) * 1_000_000) / 3_600_000_000 % (7 * 24);
                let category = row.find("category").expect("a name");
                *expected.entry((category, hour as u32)).or_default() += 1;
            }
            let count = |((category, hour_of_week), n_cases)| ReceivedCount {
                category,
                hour_of_week,
                n_cases,
            };
            let expected: Vec<_> = expected.into_iter().map(count).collect();
            let found = self.store.count_received(filter, offset_s).await.expect("counted");
            assert_eq!(found, expected, "{filter:?} {offset_s}");
        }
    }

    async fn check_archived(&self, filter: &StatsFilter) {
        let sql = "SELECT *, archived_at AS at FROM archive";
        let rows = sqlx::query(sql).fetch_all(&self.store.pool).await.expect("they are read");
        let mut expected: BTreeMap<(Option<LabelId>, Option<String>), ArchivedCount> =
            BTreeMap::new();
        let mut settled_us: BTreeMap<(Option<LabelId>, Option<String>), i64> = BTreeMap::new();
        for row in rows.iter().map(Columns).filter(|row| holds(filter, *row)) {
            let number = |column| row.get::<Option<i64>>(column).expect("a number");
            let key = (row.find("category").expect("a name"), row.get("liability").expect("text"));
            let count = expected.entry(key.clone()).or_insert_with(|| ArchivedCount {
                category: key.0.clone(),
                liability: key.1.clone(),
                n_cases: 0,
                n_settled: 0,
                settled_hours: 0.0,
                n_within: [0; 3],
                satisfaction: (0, 0),
                n_reopened: 0,
                compensation: Money::default(),
                refund: Money::default(),
                category_right: (0, 0),
                severity_right: (0, 0),
            });
            count.n_cases += 1;
            if let Some(settled_at) = number("settled_at") {
                let us = settled_at - number("received_at").expect("it is never null");
                *settled_us.entry(key.clone()).or_default() += us;
                count.n_settled += 1;
                for (n_within, hours) in count.n_within.iter_mut().zip([24, 72, 168]) {
                    *n_within += u64::from(us <= hours * 3_600_000_000);
                }
            }
            let add = |sum: &mut (u64, u64), value: Option<i64>| {
                sum.0 += u64::from(value.is_some());
                sum.1 += value.unwrap_or_default() as u64;
            };
            add(&mut count.satisfaction, number("satisfaction"));
            add(&mut count.category_right, number("category_right"));
            add(&mut count.severity_right, number("severity_right"));
            count.n_reopened += u64::from(number("n_reopened") != Some(0));
            let fen = |column| number(column).expect("it is never null");
            let money = |sum: Money, column| Money::from_fen(sum.fen() + fen(column));
            count.compensation = money(count.compensation, "compensation_fen");
            count.refund = money(count.refund, "refund_fen");
        }
        for (key, us) in settled_us {
            let count = expected.get_mut(&key).expect("it was counted");
            count.settled_hours = us as f64 / 3.6e9;
        }
        let expected: Vec<_> = expected.into_values().collect();
        let found = self.store.count_archived(filter).await.expect("counted");
        assert_eq!(found, expected, "{filter:?}");
    }
}

/// Whether a row is in the period and about what was asked.
fn holds(filter: &StatsFilter, row: Columns<'_>) -> bool {
    let at = Timestamp::from_microsecond(row.get("at").expect("a moment")).expect("a moment");
    let department: String = row.get("department").expect("text");
    let category: Option<LabelId> = row.find("category").expect("a name");
    filter.from <= at
        && at < filter.until
        && filter.department.as_ref().is_none_or(|it| *it == department)
        && filter.category.as_ref().is_none_or(|it| Some(it) == category.as_ref())
}

fn category(choice: usize) -> Option<LabelId> {
    CATEGORIES[choice % 3].map(|it| it.parse().expect("a name"))
}

fn event(kind: &str) -> NewEvent {
    NewEvent { kind: kind.to_owned(), ..intake(case(1)).event }
}

/// An entry of the library that differs with the choice in all that is counted.
fn archived(case_idx: usize, minutes: i64, choice: usize) -> Archived {
    let small = |choice: usize, below: usize| (choice % below).cast_signed() as i64;
    let flag = |of: usize| [None, Some(false), Some(true)][of % 3];
    Archived {
        case_id: id(case_idx as u64),
        archived_at: minutes_later(minutes),
        received_at: minutes_later(0),
        settled_at: (!choice.is_multiple_of(4)).then(|| minutes_later(small(choice, 11) * 1000)),
        category: category(choice / 3),
        severity: "normal".parse().expect("a name"),
        department: DEPARTMENTS[choice % 11 % 3].to_owned(),
        liability: LIABILITIES[choice % 13 % 3].map(ToOwned::to_owned),
        outcome: Vec::new(),
        compensation: Money::from_fen(small(choice, 17) * 100),
        refund: Money::from_fen(small(choice, 19) * 100),
        satisfaction: (!choice.is_multiple_of(6)).then_some((choice % 6) as u8),
        n_reopened: (choice % 2) as u32,
        category_right: flag(choice % 23),
        severity_right: flag(choice % 29),
        summary: "已退款".to_owned(),
    }
}

async fn figures_are_those_of_a_count_from_scratch_after_random_steps(store: Store) {
    let mut runner = TestRunner::deterministic();
    let tree = turns().new_tree(&mut runner).expect("turns can be made");
    let mut world = World { store, cases: Vec::new() };
    let mut n_rolled = 0;
    for (turn_idx, turn) in tree.current().iter().enumerate() {
        world.play(turn).await;
        if turn_idx % 25 == 24 {
            world.check().await;
            let sql = "SELECT COUNT(*) FROM rolled_days";
            let n: i64 = sqlx::query_scalar(sql).fetch_one(&world.store.pool).await.expect("read");
            n_rolled += n;
        }
    }
    assert!(50 < n_rolled, "sums were read: {n_rolled}");
    while 0 < world.store.roll_up(minutes_later(9 * DAY_MIN), 4).await.expect("added up") {}
    world.check().await;
    // What is added up stays so while nothing of the day changes.
    let erased = Turn::Erase { case: 0 };
    world.play(&erased).await;
    let n_days = world.store.roll_up(minutes_later(9 * DAY_MIN), 99).await.expect("added up");
    assert_eq!(n_days, 0, "an erasure changes no figure");
}

async fn a_day_is_added_up_right_while_others_write(store: Store) {
    const N_WRITERS: u64 = 4;
    const N_CASES: u64 = 40;
    let store = Arc::new(store);
    let writers = (0..N_WRITERS).map(|writer| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            for number in 0..N_CASES {
                insert(&store, case(writer * N_CASES + number)).await;
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    let tomorrow = minutes_later(DAY_MIN);
    while !writers.iter().all(tokio::task::JoinHandle::is_finished) {
        store.roll_up(tomorrow, 9).await.expect("added up");
    }
    for writer in writers {
        writer.await.expect("it does not panic");
    }
    store.roll_up(tomorrow, 9).await.expect("added up");
    let filter = StatsFilter {
        from: minutes_later(-12 * 60),
        until: minutes_later(DAY_MIN),
        department: None,
        category: None,
    };
    let counts = store.count_received(&filter, 0).await.expect("counted");
    assert_eq!(counts.iter().map(|it| it.n_cases).sum::<u64>(), N_WRITERS * N_CASES);
}
