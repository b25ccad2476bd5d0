//! Alarms: whoever leases a case has it alone, and a lease that is not kept is lost.

use jiff::{SignedDuration, Timestamp};

use crate::store::tests::{case, id, intake, minutes_later, noon, on_both_engines};
use crate::store::{Intake, Store};

on_both_engines!(
    what_is_due_is_leased_once_the_oldest_first,
    a_lost_lease_is_due_again_and_a_kept_one_is_not,
    a_new_timetable_makes_open_cases_due_once,
);

async fn insert_due(store: &Store, number: u64, alarm_at: Option<Timestamp>) {
    let intake = Intake { alarm_at, ..intake(case(number)) };
    store.insert_case(intake).await.expect("the case is correct");
}

async fn what_is_due_is_leased_once_the_oldest_first(store: Store) {
    for number in 1..=60_u64 {
        // The later it came, the earlier it strikes; every sixth has no clock.
        let alarm_at = (number % 6 != 0).then(|| minutes_later(100 - number.cast_signed()));
        insert_due(&store, number, alarm_at).await;
    }
    insert_due(&store, 61, Some(minutes_later(101))).await;
    let (now, until) = (minutes_later(100), minutes_later(101));
    let lessees: Vec<_> = (0..8)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut ours = Vec::new();
                for _ in 0..30 {
                    let leased = store.lease_alarms(now, until, 3).await.expect("it is answered");
                    assert!(leased.is_sorted_by(|a, b| a > b), "the oldest alarm first");
                    ours.extend(leased);
                }
                ours
            })
        })
        .collect();
    let mut all = Vec::new();
    for lessee in lessees {
        all.extend(lessee.await.expect("it does not panic"));
    }
    all.sort_unstable();
    let expected: Vec<_> = (1..=60).filter(|number| number % 6 != 0).map(id).collect();
    assert_eq!(all, expected, "each once, and none that is not due");
}

async fn a_lost_lease_is_due_again_and_a_kept_one_is_not(store: Store) {
    insert_due(&store, 1, Some(noon())).await;
    insert_due(&store, 2, Some(noon())).await;
    let now = minutes_later(1);
    let leased = store.lease_alarms(now, minutes_later(2), 10).await.expect("it is answered");
    assert_eq!(leased, [id(1), id(2)]);
    let next = minutes_later(60);
    store.set_alarm(id(1), 1, Some(next), None).await.expect("it is written");
    // A version that nobody has read any more changes nothing.
    store.set_alarm(id(2), 7, None, None).await.expect("it is answered");
    let just_before = minutes_later(2) - SignedDuration::from_micros(1);
    let none = store.lease_alarms(just_before, minutes_later(3), 10).await.expect("answered");
    assert!(none.is_empty(), "a lease holds until it ends");
    let again = store.lease_alarms(minutes_later(2), minutes_later(3), 10).await.expect("answered");
    assert_eq!(again, [id(2)], "whoever had it has died");
    assert_eq!(store.count_due_alarms(next).await.expect("counted"), (2, Some(minutes_later(3))));
}

async fn a_new_timetable_makes_open_cases_due_once(store: Store) {
    insert_due(&store, 1, None).await;
    insert_due(&store, 2, Some(minutes_later(60))).await;
    assert_eq!(store.look_again("2026", noon()).await.expect("it is written"), 2);
    assert_eq!(store.look_again("2026", minutes_later(1)).await.expect("it is answered"), 0);
    assert_eq!(store.count_due_alarms(noon()).await.expect("counted"), (2, Some(noon())));
}
