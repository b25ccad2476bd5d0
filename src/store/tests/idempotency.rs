//! Who may answer under a key, and what happens when they crash or are slow.

use jiff::Timestamp;

use crate::store::tests::{case, id, insert, intake, minutes_later, noon, on_both_engines};
use crate::store::{
    Claim, ClaimOutcome, Completion, Error, Inserted, Intake, NewCase, Store, StoredResponse,
};

on_both_engines!(
    a_request_that_is_sent_again_gets_the_first_answer,
    one_of_many_at_once_may_answer,
    a_released_key_may_be_claimed_again,
    a_crashed_holder_blocks_a_key_for_a_minute,
    a_slow_holder_writes_nothing_once_the_key_is_taken_over,
    a_case_and_its_answer_are_stored_together,
    a_known_case_leaves_the_key_to_its_sender,
    keys_are_forgotten_after_their_time,
);

fn answer() -> StoredResponse {
    StoredResponse { status: 201, body: "{\"id\":\"1\"}".to_owned() }
}

async fn claim(store: &Store, digest: &str, now: Timestamp) -> ClaimOutcome {
    store.claim("key-1", digest, now).await.expect("the database answers")
}

async fn claimed(store: &Store, now: Timestamp) -> Claim {
    match claim(store, "d1", now).await {
        ClaimOutcome::Claimed(claim) => claim,
        other => panic!("{other:?}"),
    }
}

fn completed(claim: &Claim, number: u64) -> Intake {
    let completion = Completion { claim: claim.clone(), response: answer() };
    Intake { completion: Some(completion), ..intake(case(number)) }
}

async fn a_request_that_is_sent_again_gets_the_first_answer(store: Store) {
    let held = claimed(&store, noon()).await;
    assert_eq!(claim(&store, "d1", minutes_later(0)).await, ClaimOutcome::InFlight);
    assert_eq!(claim(&store, "d2", minutes_later(0)).await, ClaimOutcome::BodyDiffers);
    let completion = Completion { claim: held, response: answer() };
    store.finish(completion.clone()).await.expect("the key is held");
    assert_eq!(claim(&store, "d1", minutes_later(5)).await, ClaimOutcome::Replay(answer()));
    assert_eq!(claim(&store, "d2", minutes_later(5)).await, ClaimOutcome::BodyDiffers);
    assert!(matches!(store.finish(completion).await, Err(Error::ClaimLost)));
}

async fn one_of_many_at_once_may_answer(store: Store) {
    let senders: Vec<_> = (0..24)
        .map(|_| {
            let store = store.clone();
            tokio::spawn(async move { claim(&store, "d1", noon()).await })
        })
        .collect();
    let mut n_claimed = 0;
    for sender in senders {
        match sender.await.expect("it does not panic") {
            ClaimOutcome::Claimed(_) => n_claimed += 1,
            other => assert_eq!(other, ClaimOutcome::InFlight),
        }
    }
    assert_eq!(n_claimed, 1);
}

async fn a_released_key_may_be_claimed_again(store: Store) {
    let held = claimed(&store, noon()).await;
    store.release(held.clone()).await.expect("the key is held");
    let held_again = claimed(&store, minutes_later(1)).await;
    // The first holder has nothing left to release.
    store.release(held).await.expect("there is nothing to do");
    let completion = Completion { claim: held_again.clone(), response: answer() };
    store.finish(completion).await.expect("the key is held");
    store.release(held_again).await.expect("an answer stays");
    assert_eq!(claim(&store, "d1", minutes_later(2)).await, ClaimOutcome::Replay(answer()));
}

async fn a_crashed_holder_blocks_a_key_for_a_minute(store: Store) {
    claimed(&store, noon()).await;
    let almost = minutes_later(1) - jiff::SignedDuration::from_millis(1);
    assert_eq!(claim(&store, "d1", almost).await, ClaimOutcome::InFlight);
    claimed(&store, minutes_later(1)).await;
}

async fn a_slow_holder_writes_nothing_once_the_key_is_taken_over(store: Store) {
    let slow = claimed(&store, noon()).await;
    let quick = claimed(&store, minutes_later(1)).await;
    let lost = store.insert_case(completed(&slow, 1)).await;
    assert!(matches!(lost, Err(Error::ClaimLost)), "{lost:?}");
    assert_eq!(store.find_case(id(1)).await.expect("it can be asked"), None);
    let inserted = store.insert_case(completed(&quick, 2)).await.expect("the key is held");
    assert_eq!(inserted, Inserted::Created);
}

async fn a_case_and_its_answer_are_stored_together(store: Store) {
    let held = claimed(&store, noon()).await;
    let inserted = store.insert_case(completed(&held, 1)).await.expect("the key is held");
    assert_eq!(inserted, Inserted::Created);
    assert_eq!(claim(&store, "d1", minutes_later(9)).await, ClaimOutcome::Replay(answer()));
}

async fn a_known_case_leaves_the_key_to_its_sender(store: Store) {
    insert(&store, case(1)).await;
    let held = claimed(&store, noon()).await;
    let mut again = completed(&held, 1);
    again.case = NewCase { id: id(2), ..again.case };
    let inserted = store.insert_case(again).await.expect("it is known");
    assert!(matches!(inserted, Inserted::Existing(_)));
    let response = StoredResponse { status: 200, body: "{}".to_owned() };
    let completion = Completion { claim: held, response: response.clone() };
    store.finish(completion).await.expect("the key is still held");
    assert_eq!(claim(&store, "d1", noon()).await, ClaimOutcome::Replay(response));
}

async fn keys_are_forgotten_after_their_time(store: Store) {
    let held = claimed(&store, noon()).await;
    store.finish(Completion { claim: held, response: answer() }).await.expect("the key is held");
    let day = 24 * 60;
    assert_eq!(store.delete_expired(minutes_later(day - 1)).await.expect("it can be asked"), 0);
    claimed(&store, minutes_later(day)).await;
    assert_eq!(store.delete_expired(minutes_later(day)).await.expect("it can be asked"), 0);
    assert_eq!(store.delete_expired(minutes_later(2 * day)).await.expect("it can be asked"), 1);
}
