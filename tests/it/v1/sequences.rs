//! What holds for every sequence of requests: no event is lost or changed, versions count events,
//! refused requests leave no trace, a complaint is one case, and no clock starts again. And of
//! many who write one version of a case, one wins.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::server::Server;

const ROLES: [&str; 6] =
    ["front_line", "triage_lead", "escalation_team", "department_head", "executive", "auditor"];

/// A request, or time that passes.
#[derive(Clone, Debug)]
enum Turn {
    /// A complaint, by the number that its channel gave it.
    Submit(u8),
    /// A step of a case, by somebody, for the version that it has or an older one.
    Step { case: usize, step: usize, role: usize, stale: bool },
    /// Minutes that pass.
    Wait(u16),
}

fn turns() -> impl Strategy<Value = Vec<Turn>> {
    let step = (any::<usize>(), 0..steps().len(), 0..ROLES.len(), prop::bool::weighted(0.1))
        .prop_map(|(case, step, role, stale)| Turn::Step { case, step, role, stale });
    let turn = prop_oneof![
        1 => (0..3_u8).prop_map(Turn::Submit),
        12 => step,
        2 => (0..3000_u16).prop_map(Turn::Wait),
    ];
    prop::collection::vec(turn, 10..60)
}

/// Every kind of step, in an order that makes some of them possible.
fn steps() -> Vec<(&'static str, Value)> {
    let departments = json!({ "lead": "赵敏", "departments": ["物流合作部"] });
    let claim = json!({ "grounds": ["not_delivered"], "price": 399 });
    let remedies = json!([{ "kind": "refund", "amount": 399, "words": "全额退款" }]);
    let form = json!({
        "to": 2, "customer": "王女士", "description": "遗失", "tried": "催件", "expectation": "赔偿",
    });
    let confirm = json!({ "purpose": "confirmation", "answered": false, "note": "无人接听" });
    vec![
        ("acceptance", json!({ "contact_person": "王芳" })),
        ("assignment", json!({ "department": "物流合作部" })),
        ("owner", json!({})),
        ("reviews", json!({ "finding": "无误" })),
        ("investigation", departments),
        ("opinions", json!({ "department": "物流合作部", "opinion": "遗失" })),
        ("evidence", json!({ "item": "面单" })),
        ("conclusion", json!({ "liability": "company", "findings": "遗失", "claim": claim })),
        ("proposals", json!({ "offers": [{ "remedies": remedies }] })),
        ("choices", json!({ "offer": 1 })),
        ("approvals", json!({ "granted": true })),
        ("executions", json!({ "note": "已退款" })),
        ("contacts", confirm),
        ("close", json!({ "satisfied": true, "satisfaction": 5 })),
        ("close", json!({ "satisfied": false, "reason": "少退了" })),
        ("archive", json!({ "summary": "已退款" })),
        ("reopenings", json!({ "reason": "又来了" })),
        ("escalations", form),
        ("send-backs", json!({ "reason": "一线可处理" })),
        ("pauses", json!({ "paused": true, "reason": "等面单" })),
        ("pauses", json!({ "paused": false })),
        ("corrections", json!({ "labels": { "severity": "high" }, "reason": "核对" })),
        ("corrections", json!({ "labels": { "category": "logistics" }, "reason": "核对" })),
        ("reroute", json!({ "queue": "after_sales", "reason": "转派" })),
        ("proposals", json!({ "offers": [] })),
        ("contacts", json!({ "note": 7 })),
    ]
}

/// What is known of a case from answers alone.
struct Known {
    id: String,
    version: u64,
    events: Vec<Value>,
    starts: BTreeMap<String, Value>,
}

struct World {
    server: Server,
    prefix: String,
    cases: Vec<Known>,
    now: jiff::Timestamp,
}

impl World {
    async fn play(&mut self, turn: &Turn) {
        match *turn {
            Turn::Wait(minutes) => {
                self.now += jiff::SignedDuration::from_mins(i64::from(minutes));
                self.server.set_time(&self.now.to_string());
            }
            Turn::Submit(number) => self.submit(number).await,
            Turn::Step { case, step, role, stale } if !self.cases.is_empty() => {
                let case_idx = case % self.cases.len();
                self.step(case_idx, step, ROLES[role], stale).await;
            }
            Turn::Step { .. } => {}
        }
    }

    async fn submit(&mut self, number: u8) {
        let external_id = format!("{}-{number}", self.prefix);
        let body =
            json!({ "text": "快递送晚了一天", "channel": "chat", "external_id": external_id });
        let (status, case) = self.server.submit("/v1/cases", &body).await;
        let id = case["id"].as_str().unwrap().to_owned();
        let known = self.cases.iter().any(|it| it.id == id);
        assert_eq!(status, if known { StatusCode::OK } else { StatusCode::CREATED }, "{case}");
        if !known {
            let (events, starts) = (Vec::new(), BTreeMap::new());
            self.cases.push(Known { id, version: 1, events, starts });
        }
    }

    async fn step(&mut self, case_idx: usize, step: usize, role: &str, stale: bool) {
        let (step, mut body) = steps().swap_remove(step);
        let Known { id, version, .. } = &self.cases[case_idx];
        let sent = if stale { version - 1 } else { *version };
        body["version"] = sent.into();
        body["by"] = json!({ "name": format!("a {role}"), "role": role });
        let (status, answer) = self.server.submit(&format!("/v1/cases/{id}/{step}"), &body).await;
        let before = *version;
        if status == StatusCode::OK {
            assert!(!stale, "an old version was written: {answer}");
            let after = answer["version"].as_u64().unwrap();
            assert!(before < after, "{answer}");
            self.cases[case_idx].version = after;
        } else {
            assert!(status.is_client_error(), "{step}: {answer}");
            if answer["version"].is_number() {
                assert_eq!((status, &answer["version"]), (StatusCode::CONFLICT, &json!(before)));
            }
        }
        self.check(case_idx).await;
    }

    /// Compares what the service says with what is known.
    async fn check(&mut self, case_idx: usize) {
        let known = &mut self.cases[case_idx];
        let path = format!("/v1/cases/{}", known.id);
        let case = self.server.get_json(&path).await;
        assert_eq!(case["version"], known.version);
        let events = self.server.get_json(&format!("{path}/events")).await;
        let events = events.as_array().unwrap().clone();
        assert_eq!(events.len() as u64, known.version, "the version counts the events");
        assert!(events.iter().zip(1..).all(|(event, seq)| event["seq"] == json!(seq)));
        assert_eq!(events[..known.events.len()], known.events, "what has happened has happened");
        let anew = events[known.events.len()..].iter().any(|it| {
            // What an escalation, another round and another agreement start does start again.
            it["kind"] != "case.corrected" && it["kind"] != "case.resumed"
        });
        known.events = events;
        let progress = self.server.get_json(&format!("{path}/progress")).await;
        let mut starts = BTreeMap::new();
        for clock in progress["clocks"].as_array().unwrap() {
            starts.insert(clock["clock"].as_str().unwrap().to_owned(), clock["started_at"].clone());
        }
        for (clock, start) in &known.starts {
            let once = clock == "acceptance" || clock == "first_response";
            let same = starts.get(clock) == Some(start);
            assert!(same || anew && !once, "`{clock}` was reset");
        }
        known.starts = starts;
    }
}

#[test]
fn no_sequence_of_requests_loses_an_event_or_resets_a_clock() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(Server::start());
    let mut world = World {
        server,
        prefix: String::new(),
        cases: Vec::new(),
        now: crate::server::NOW.parse().unwrap(),
    };
    // Every sequence works on cases of its own.
    let world = std::cell::RefCell::new(&mut world);
    let n_sequences = std::cell::Cell::new(0);
    let config =
        ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() };
    TestRunner::new(config)
        .run(&turns(), |turns| {
            let mut world = world.borrow_mut();
            n_sequences.set(n_sequences.get() + 1);
            world.prefix = n_sequences.get().to_string();
            world.cases.clear();
            runtime.block_on(async {
                for turn in &turns {
                    world.play(turn).await;
                }
            });
            Ok(())
        })
        .unwrap();
}

async fn of_many_writers_one_wins(server: Server) {
    let body = json!({ "text": "快递送晚了一天", "channel": "chat" });
    let (_, case) = server.submit("/v1/cases", &body).await;
    let path: Arc<str> = format!("/v1/cases/{}", case["id"].as_str().unwrap()).into();
    let server = Arc::new(server);
    for version in 1..=10 {
        let writers: Vec<_> = (0..8)
            .map(|writer| {
                let (server, path) = (Arc::clone(&server), Arc::clone(&path));
                tokio::spawn(async move {
                    // Different writes, so that none can pass for another.
                    let (step, mut body) = match writer % 3 {
                        0 => ("owner", json!({})),
                        1 => (
                            "corrections",
                            json!({ "labels": { "severity": "normal" }, "reason": "核对" }),
                        ),
                        _ => ("reroute", json!({ "queue": "logistics", "reason": "转派" })),
                    };
                    body["version"] = version.into();
                    body["by"] =
                        json!({ "name": format!("writer {writer}"), "role": "front_line" });
                    server.submit(&format!("{path}/{step}"), &body).await
                })
            })
            .collect();
        let mut n_winners = 0;
        for writer in writers {
            let (status, answer) = writer.await.unwrap();
            n_winners += usize::from(status == StatusCode::OK);
            let expected =
                if status == StatusCode::OK { StatusCode::OK } else { StatusCode::CONFLICT };
            assert_eq!((status, &answer["version"]), (expected, &json!(version + 1)), "{answer}");
        }
        assert_eq!(n_winners, 1);
    }
    let events = server.get_json(&format!("{path}/events")).await;
    assert_eq!(events.as_array().unwrap().len(), 11);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_writers_one_wins_on_sqlite() {
    of_many_writers_one_wins(Server::start().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_writers_one_wins_on_postgresql() {
    if let Some(server) = Server::start_on_postgres().await {
        of_many_writers_one_wins(server).await;
    }
}
