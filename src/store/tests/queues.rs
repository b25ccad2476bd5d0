//! The order of a queue, its pages and its counts.

use crate::domain::QueueId;
use crate::store::tests::{case, id, insert, minutes_later, noon, on_both_engines};
use crate::store::{CursorError, NewCase, QueueCount, QueueCursor, Store};

on_both_engines!(
    the_most_urgent_case_comes_first,
    pages_of_a_queue_neither_repeat_nor_miss_cases,
    queues_are_counted,
);

fn logistics() -> QueueId {
    "logistics".parse().expect("it is a name")
}

fn urgent(number: u64, priority: f64, due_in: i64) -> NewCase {
    let mut case = case(number);
    case.triage.priority = priority;
    case.triage.resolution_due_at = minutes_later(due_in);
    case
}

async fn the_most_urgent_case_comes_first(store: Store) {
    let mut elsewhere = urgent(9, 999.0, 1);
    elsewhere.triage.queue = "after_sales".parse().expect("it is a name");
    let cases =
        [urgent(1, 100.0, 50), urgent(2, 300.5, 90), urgent(3, 100.0, 20), urgent(4, 100.0, 20)];
    for case in cases.into_iter().chain([elsewhere]) {
        insert(&store, case).await;
    }
    let page = store.list_queue(&logistics(), None, 10).await.expect("it can be listed");
    let ids: Vec<_> = page.items.iter().map(|case| case.record.id).collect();
    assert_eq!(ids, [2, 3, 4, 1].map(id));
}

async fn pages_of_a_queue_neither_repeat_nor_miss_cases(store: Store) {
    for number in 0..30 {
        let priority = f64::from(u32::try_from(number % 3).expect("it is small")) / 3.0;
        insert(&store, urgent(number, priority, i64::try_from(number % 5).expect("it is small")))
            .await;
    }
    let mut seen: Vec<u128> = Vec::new();
    let mut after = None;
    loop {
        let page = store.list_queue(&logistics(), after, 7).await.expect("it can be listed");
        assert!(page.items.is_sorted_by(|one, other| {
            other.record.triage.priority <= one.record.triage.priority
        }));
        seen.extend(page.items.iter().map(|case| case.record.id.as_u128()));
        insert(&store, urgent(100 + seen.len() as u64, 9.0, 0)).await;
        let Some(next) = page.next else { break };
        after = Some(next.to_string().parse::<QueueCursor>().expect("a cursor reads back"));
    }
    seen.sort_unstable();
    assert_eq!(seen, (0..30).map(|number| id(number).as_u128()).collect::<Vec<_>>());
}

async fn queues_are_counted(store: Store) {
    let mut review = urgent(3, 300.0, 5);
    review.triage.executive_review = true;
    for case in [urgent(1, 100.0, -5), urgent(2, 100.0, 0), review] {
        insert(&store, case).await;
    }
    let counts = store.count_queues(noon()).await.expect("they can be counted");
    let logistics = QueueCount {
        queue: logistics(),
        open: 3,
        overdue: 1,
        executive: 1,
        earliest_due_at: minutes_later(-5),
    };
    assert_eq!(counts, [logistics]);
}

#[test]
fn a_cursor_that_no_queue_has_given_out_is_refused() {
    let cursor = QueueCursor { priority: 321.125, due_at: minutes_later(-1), id: id(7) };
    let text = cursor.to_string();
    assert_eq!(text.parse(), Ok(cursor));
    let wrong =
        ["", "7", "三", &text[1..], &text.replacen('4', "z", 1), &format!("7ff8{}", &text[4..])];
    for text in wrong {
        assert_eq!(text.parse::<QueueCursor>(), Err(CursorError), "`{text}`");
    }
}
