//! Messages: written with their event and their place in the outbox. How they go stands in
//! `erasure`.

use serde_json::json;
use sqlx::AssertSqlSafe;

use crate::domain::{Actor, MessageChannel, MessageKind, StaffRole, Tier};
use crate::store::tests::{case, id, insert, minutes_later, on_both_engines};
use crate::store::{
    LibraryChange, Message, MessageState, NewEvent, Progress, Recipient, Revised, Sending,
    Settlement, Store, Topic,
};

on_both_engines!(
    a_message_goes_out_once_and_its_fate_is_known,
    nothing_changes_or_deletes_a_message,
);

pub(super) fn message(kind: MessageKind) -> Message {
    Message {
        kind,
        channel: MessageChannel::Sms,
        to: Recipient {
            contact: "13800001111".to_owned(),
            name: Some("王强".to_owned()),
            relation: Some("子女".to_owned()),
        },
        subject: None,
        text: "您的投诉已受理".to_owned(),
        at: minutes_later(5),
        by: Actor { name: "wang.fang".to_owned(), role: StaffRole::FrontLine },
    }
}

/// Sends a message for the case with this number, as of a version.
pub(super) async fn send(store: &Store, case: u64, version: u32, message: Message) -> Revised {
    let event = |kind: &str| NewEvent {
        at: message.at,
        actor: message.by.name.clone(),
        role: message.by.role,
        kind: kind.to_owned(),
        data: json!({}),
    };
    let progress = Progress {
        case_id: id(case),
        version,
        status: "accepted".to_owned(),
        is_open: true,
        tier: Tier::FrontLine,
        owner: None,
        first_due_at: minutes_later(30),
        resolution_due_at: minutes_later(60),
        alarm_at: None,
        events: vec![event("case.accepted"), event("case.message_sent")],
        final_labels: None,
        library: LibraryChange::None,
    };
    store.send_message(Sending { message, progress }).await.expect("it is answered")
}

async fn a_message_goes_out_once_and_its_fate_is_known(store: Store) {
    insert(&store, case(1)).await;
    let first = message(MessageKind::Acknowledgement);
    assert_eq!(send(&store, 1, 1, first.clone()).await, Revised::Done(3));
    assert_eq!(send(&store, 1, 1, first.clone()).await, Revised::Stale(3));
    assert_eq!(send(&store, 1, 3, message(MessageKind::Progress)).await, Revised::Done(5));
    let found = store.find_message(id(1), 3).await.expect("it can be read");
    assert_eq!(found, Some(first.clone()));
    assert_eq!(store.find_message(id(1), 2).await.expect("it can be read"), None);
    let target = (Topic::Message, "sms");
    let lease = async || {
        let until = minutes_later(90);
        let due = store.lease_deliveries(target, minutes_later(60), until, 9).await;
        due.expect("it can be leased")
    };
    let mut due = lease().await;
    assert_eq!(due.iter().map(|it| it.record.seq).collect::<Vec<_>>(), [3], "in order");
    store.settle(due.remove(0), Settlement::Delivered).await.expect("it is written");
    let problem = "the gateway answered 500".to_owned();
    let dead = Settlement::Dead(minutes_later(61), problem.clone());
    store.settle(lease().await.remove(0), dead).await.expect("it is written");
    let sent = store.list_messages(id(1)).await.expect("they can be read");
    let states: Vec<_> = sent.iter().map(|it| (it.seq, it.state.clone())).collect();
    assert_eq!(states, [(3, MessageState::Delivered), (5, MessageState::Failed)]);
    assert_eq!((&sent[0].message, &sent[1].problem), (&first, &Some(problem)));
}

async fn nothing_changes_or_deletes_a_message(store: Store) {
    insert(&store, case(1)).await;
    send(&store, 1, 1, message(MessageKind::Acknowledgement)).await;
    for sql in ["DELETE FROM messages", "UPDATE messages SET text = ''"] {
        let mut connection = store.write_pool.acquire().await.expect("there is a connection");
        let outcome = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await;
        let error = outcome.expect_err(sql);
        assert!(error.to_string().contains("append-only"), "{sql}: {error}");
    }
}
