//! Jobs: of many replicas one has a job, and a lease that is not kept is lost.

use crate::store::tests::{minutes_later, noon, on_both_engines};
use crate::store::{Job, Store};

on_both_engines!(a_job_is_leased_by_one_and_comes_round_again);

async fn a_job_is_leased_by_one_and_comes_round_again(store: Store) {
    let lease = async |now, until| {
        let leased = store.lease_job(Job::Erasure, minutes_later(now), minutes_later(until)).await;
        leased.expect("it is answered")
    };
    let replicas = (0..8).map(|_| {
        let store = store.clone();
        tokio::spawn(async move {
            let leased = store.lease_job(Job::Erasure, noon(), minutes_later(10)).await;
            leased.expect("it is answered")
        })
    });
    let mut n_leased = 0;
    for replica in replicas.collect::<Vec<_>>() {
        n_leased += u32::from(replica.await.expect("it does not panic"));
    }
    assert_eq!(n_leased, 1);
    assert!(!lease(9, 20).await, "somebody has it");
    assert!(lease(10, 20).await, "its holder is gone");
    // Who comes back after the lease was lost settles nothing.
    store.finish_job(Job::Erasure, minutes_later(10), minutes_later(11)).await.expect("answered");
    assert!(!lease(12, 30).await);
    store.finish_job(Job::Erasure, minutes_later(20), minutes_later(15)).await.expect("answered");
    assert!(!lease(14, 30).await, "it is not time yet");
    assert!(lease(15, 30).await);
}
