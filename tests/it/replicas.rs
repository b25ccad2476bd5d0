//! Clocks of several replicas on one database: every alarm rings once, whoever dies, and a service
//! that was down for days makes up for it when it comes back.

use std::collections::HashSet;

use fenzhen::config::WorkConfig;
use fenzhen::store::{Store, StoreOptions};
use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::server::{Server, Setup, eventually};

const N_CASES: usize = 100;

/// A service whose clocks strike often.
fn striking() -> Setup {
    let mut setup = Setup::default();
    setup.http.work = WorkConfig { work_ms: 5, ..WorkConfig::default() };
    setup
}

async fn submit(server: &Server, n_cases: usize) -> Vec<String> {
    let mut ids = Vec::new();
    for number in 0..n_cases {
        let body = json!({ "text": format!("第{number}单快递送晚了一天"), "channel": "chat" });
        let (status, case) = server.submit("/v1/cases", &body).await;
        assert_eq!(status, StatusCode::CREATED, "{case}");
        ids.push(case["id"].as_str().unwrap().to_owned());
    }
    ids
}

async fn open(server: &Server) -> Store {
    Store::connect(server.database(), StoreOptions::default()).await.unwrap()
}

/// Waits until nothing is due at this time, then for those who were faster.
async fn settled(store: &Store, now: &str) {
    let now: Timestamp = now.parse().unwrap();
    eventually("nothing is due", async || {
        // What is leased is due soon: a lease lasts a minute.
        let soon = now + SignedDuration::from_mins(2);
        store.count_due_alarms(soon).await.unwrap().0 == 0
    })
    .await;
}

/// What the clocks have done to a case, such as `acceptance 100` and `to 2`.
async fn struck(server: &Server, id: &str) -> Vec<String> {
    let events = server.get_json(&format!("/v1/cases/{id}/events")).await;
    let events = events.as_array().unwrap();
    let seqs: Vec<_> = events.iter().map(|it| it["seq"].as_u64().unwrap()).collect();
    assert!(seqs.iter().copied().eq(1..=seqs.len() as u64), "no event is lost: {seqs:?}");
    let mut alarms = HashSet::new();
    let show = |event: &Value| {
        let data = &event["data"];
        if event["kind"] == "case.escalated" {
            return format!("to {}", data["to"]);
        }
        assert!(alarms.insert(data["alarm"].to_string()), "an alarm rang twice: {events:?}");
        format!("{} {}", data["alarm"]["clock"].as_str().unwrap(), data["alarm"]["percent"])
    };
    events.iter().skip(1).map(show).collect()
}

async fn every_alarm_rings_once(first: Server) {
    let ids = submit(&first, N_CASES).await;
    let store = open(&first).await;
    let replicas = [first.replica(striking()).await, first.replica(striking()).await];
    let times = [
        ("2026-11-09T10:00:00+08:00", "acceptance 50"),
        ("2026-11-09T10:36:00+08:00", "acceptance 80"),
    ];
    let mut expected = Vec::new();
    for (now, alarm) in times {
        first.set_time(now);
        settled(&store, now).await;
        expected.push(alarm.to_owned());
    }
    // One of three dies with a third of the cases in its hands.
    let breach = "2026-11-09T11:00:01+08:00";
    let at: Timestamp = breach.parse().unwrap();
    let lost = store.lease_alarms(at, at + SignedDuration::from_mins(1), 33).await.unwrap();
    assert_eq!(lost.len(), 33);
    first.set_time(breach);
    eventually("the others strike", async || {
        store.count_due_alarms(at + SignedDuration::from_mins(2)).await.unwrap().0 <= 33
    })
    .await;
    for id in &lost {
        assert_eq!(struck(&first, &id.to_string()).await, expected, "nobody else may strike yet");
    }
    let later = "2026-11-09T11:01:05+08:00";
    first.set_time(later);
    settled(&store, later).await;
    expected.extend(["acceptance 100".to_owned(), "to 2".to_owned()]);
    for id in &ids {
        assert_eq!(struck(&first, id).await, expected);
    }
    drop(replicas);
}

async fn what_fell_due_meanwhile_strikes_afterwards(first: Server) {
    let ids = submit(&first, 20).await;
    let store = open(&first).await;
    // Ten days later; `first` has no working clock, so nobody has struck.
    let now = "2026-11-19T09:00:00+08:00";
    first.set_time(now);
    assert_eq!(store.count_due_alarms(now.parse().unwrap()).await.unwrap().0, 20);
    let replicas = [first.replica(striking()).await, first.replica(striking()).await];
    settled(&store, now).await;
    for id in &ids {
        let struck = struck(&first, id).await;
        // In the order in which they fell due: two hours, a day, three working days.
        let breaches = ["acceptance 100", "to 2", "first_response 100", "to 3", "resolution 100"];
        assert_eq!(struck[..5], breaches);
        assert_eq!(struck.iter().filter(|it| it.starts_with("to ")).count(), 2, "{struck:?}");
        let progress = first.get_json(&format!("/v1/cases/{id}/progress")).await;
        assert_eq!(progress["tier"], 3);
    }
    drop(replicas);
}

macro_rules! on_both_engines {
    ($($test:ident: $sqlite:ident, $postgres:ident;)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $sqlite() {
            $test(Server::start().await).await;
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $postgres() {
            if let Some(server) = Server::start_on_postgres().await {
                $test(server).await;
            }
        }
    )+};
}

on_both_engines!(
    every_alarm_rings_once: replicas_on_sqlite_strike_once, replicas_on_postgresql_strike_once;
    what_fell_due_meanwhile_strikes_afterwards: days_of_downtime_on_sqlite_are_made_up_for, days_of_downtime_on_postgresql_are_made_up_for;
);
