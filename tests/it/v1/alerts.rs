//! `/v1/alerts`, `/v1/improvements` and `fenzhen alerts`: a cluster is seen, told, answered, and
//! followed until something is better.

use fenzhen::config::WorkConfig;
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::cli::fenzhen;
use crate::receiver::Receiver;
use crate::server::{Server, Setup, eventually, problem};

/// A service that looks for clusters often and may call this machine.
fn watching() -> Setup {
    let mut setup = Setup::default();
    setup.http.work = WorkConfig {
        work_ms: 10,
        outbound_networks: vec!["127.0.0.1".parse().unwrap()],
        outbound_timeout_s: 5,
        ..WorkConfig::default()
    };
    setup
}

fn lead(name: &str) -> Value {
    json!({ "name": name, "role": "triage_lead" })
}

/// Texts that are not alike, so that what one customer sends is not joined.
const TEXTS: [&str; 3] =
    ["用了两天就坏了，要求换货", "打了三次客服电话都没有人接", "退货申请提交以后一直没有审核结果"];

async fn complain(
    server: &Server,
    (product, text): (&str, &str),
    customer: &str,
    received_at: &str,
) -> String {
    let body = json!({
        "text": text, "customer": { "id": customer }, "object": { "product": product },
        "received_at": received_at,
    });
    let (status, case) = server.submit("/v1/cases", &body).await;
    assert_eq!(status, StatusCode::CREATED, "{case}");
    case["id"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_is_seen_told_and_answered_on_sqlite() {
    seen_told_and_answered(Server::start_with(watching()).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_is_seen_told_and_answered_on_postgresql() {
    if let Some(server) = Server::start_on_postgres_with(watching()).await {
        seen_told_and_answered(server).await;
    }
}

/// Three quiet weeks, then seven customers in a night, one of them three times; their cases. As
/// many complain about blankets, as they do every year.
async fn break_out(server: &Server) -> Vec<String> {
    for day in 11..=31 {
        let at = format!("2026-10-{day}T12:00:00+08:00");
        complain(server, ("电饭煲", TEXTS[0]), &format!("old-{day}"), &at).await;
    }
    // Blankets have had their season a year ago, and have it again.
    for day in 11..=31 {
        let at = format!("2025-10-{day}T12:00:00+08:00");
        complain(server, ("电饭煲", TEXTS[0]), &format!("older-{day}"), &at).await;
    }
    for (day, number) in (6..=12).flat_map(|day| (0..4).map(move |number| (day, number))) {
        let at = format!("2025-11-{day:02}T0{number}:00:00+08:00");
        complain(server, ("电热毯", TEXTS[0]), &format!("cold-{day}-{number}"), &at).await;
    }
    let mut cases = Vec::new();
    for number in 0..9 {
        let customer = format!("new-{}", if number < 3 { 0 } else { number });
        let at = format!("2026-11-09T0{number}:00:00+08:00");
        cases.push(complain(server, ("喵呜机", TEXTS[number % 3]), &customer, &at).await);
        let (product, customer) = (format!("杂货{number}"), format!("other-{number}"));
        complain(server, (&product, TEXTS[0]), &customer, &at).await;
        complain(server, ("电热毯", TEXTS[0]), &format!("cold-{number}"), &at).await;
    }
    cases
}

async fn seen_told_and_answered(server: Server) {
    let receiver = Receiver::start().await;
    let kinds = ["alert.opened", "alert.acknowledged", "alert.closed"];
    let hook = json!({ "url": receiver.url, "kinds": kinds });
    assert_eq!(server.submit("/v1/webhooks", &hook).await.0, StatusCode::CREATED);
    let mut cases = break_out(&server).await;
    server.set_time("2026-11-09T09:20:00+08:00");
    eventually("the cluster is seen", async || {
        let open = server.get_json("/v1/alerts?state=open").await;
        open["alerts"].as_array().unwrap().iter().any(|it| it["kind"] == "product")
    })
    .await;
    let alerts = server.get_json("/v1/alerts").await;
    let of_product = |it: &&Value| it["kind"] == "product";
    let alerts: Vec<_> = alerts["alerts"].as_array().unwrap().iter().filter(of_product).collect();
    assert_eq!(alerts.len(), 1, "one product alone: {alerts:?}");
    let path = format!("/v1/alerts/{}", alerts[0]["id"].as_str().unwrap());
    let alert = server.get_json(&path).await;
    assert_eq!((&alert["subject"], &alert["count"]), (&json!("喵呜机"), &json!(7)));
    assert!(alert["baseline"].as_f64().unwrap() < 1.0, "{alert}");
    let mut behind: Vec<_> =
        alert["cases"].as_array().unwrap().iter().map(|it| it.as_str().unwrap()).collect();
    behind.sort_unstable();
    cases.sort_unstable();
    assert_eq!(behind, cases);

    let refused = json!({ "version": 1, "by": lead("li.lei"), "state": "closed" });
    let response = server.post(&path).json(&refused).send().await.unwrap();
    let found = problem(response, StatusCode::UNPROCESSABLE_ENTITY).await;
    assert_eq!(found["errors"][0]["pointer"], "/note", "who closes says why");
    let seen = json!({ "version": 1, "by": lead("li.lei"), "state": "acknowledged" });
    let (status, answer) = server.submit(&path, &seen).await;
    assert_eq!((status, &answer["state"]), (StatusCode::OK, &json!("acknowledged")));
    problem(server.post(&path).json(&seen).send().await.unwrap(), StatusCode::CONFLICT).await;
    let note = "同一批次电机缺陷，已停售";
    let close = json!({ "version": 2, "by": lead("li.lei"), "state": "closed", "note": note });
    let (status, closed) = server.submit(&path, &close).await;
    assert_eq!(status, StatusCode::OK, "{closed}");
    assert_eq!(closed["steps"][2]["note"], note);
    let again = json!({ "version": 3, "by": lead("li.lei"), "state": "acknowledged" });
    problem(server.post(&path).json(&again).send().await.unwrap(), StatusCode::CONFLICT).await;

    let told = || {
        let calls = receiver.calls();
        let of_alert = calls.iter().filter(|it| it.json()["data"]["alert_id"] == alert["id"]);
        of_alert.map(crate::receiver::Call::kind).collect::<Vec<_>>()
    };
    eventually("other systems are told", async || told() == kinds).await;
    let bodies: Vec<_> = receiver.calls().iter().map(crate::receiver::Call::json).collect();
    let opened = bodies.iter().find(|it| it["data"]["subject"] == "喵呜机").unwrap();
    assert_eq!((&opened["data"]["kind"], &opened["data"]["count"]), (&json!("product"), &json!(7)));
    assert!(!format!("{bodies:?}").contains(note), "words are for those who asked for them");
    improved(&server, alert["id"].as_str().unwrap()).await;
}

/// What follows from an alert is tracked until it is done.
async fn improved(server: &Server, alert: &str) {
    let body = json!({
        "title": "更换电机供应商", "department": "商家管理部", "owner": "zhao.min",
        "due_on": "2026-11-30", "alert_id": alert, "by": lead("li.lei"),
    });
    let (status, improvement) = server.submit("/v1/improvements", &body).await;
    assert_eq!((status, &improvement["state"]), (StatusCode::CREATED, &json!("open")));
    let path = format!("/v1/improvements/{}", improvement["id"].as_str().unwrap());
    let begin = json!({ "version": 1, "by": lead("zhao.min"), "state": "in_progress" });
    assert_eq!(server.submit(&path, &begin).await.0, StatusCode::OK);
    server.set_time("2026-12-01T00:00:01+08:00");
    let overdue = server.get_json("/v1/improvements?state=in_progress").await;
    assert_eq!(overdue["improvements"][0]["overdue"], true);
    let done = json!({
        "version": 2, "by": lead("zhao.min"), "state": "done", "note": "新批次抽检合格",
    });
    let (_, answer) = server.submit(&path, &done).await;
    assert_eq!((&answer["state"], &answer["overdue"]), (&json!("done"), &json!(false)));
    let steps: Vec<_> =
        answer["steps"].as_array().unwrap().iter().map(|it| it["state"].clone()).collect();
    assert_eq!(steps, ["open", "in_progress", "done"]);
    let nothing = server.get_json("/v1/improvements?state=open").await;
    assert_eq!(nothing["improvements"], json!([]));
    let wrong = json!({ "due_on": "soon", "alert_id": alert, "by": lead("li.lei"), "x": 1 });
    let response = server.post("/v1/improvements").json(&wrong).send().await.unwrap();
    let found = problem(response, StatusCode::UNPROCESSABLE_ENTITY).await;
    assert_eq!(found["errors"].as_array().unwrap().len(), 5, "{found}");
}

#[test]
fn a_replay_states_how_often_it_is_wrong() {
    let output = fenzhen(&["alerts", "replay", "--format", "json"], b"");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let findings: Value = serde_json::from_slice(&output.stdout).unwrap();
    let sum = |name: &str| {
        findings.as_array().unwrap().iter().map(|it| it[name].as_u64().unwrap()).sum::<u64>()
    };
    assert_eq!(sum("judged"), 365 * (12 + 100 + 400));
    assert!(sum("alerts") <= 24, "two false alerts a month at most: {findings}");
    for kind in &findings.as_array().unwrap()[1..] {
        assert!(kind["detection"]["median_window"].as_u64().unwrap() <= 2, "{kind}");
    }
}

#[tokio::test]
async fn the_past_of_the_database_can_be_replayed() {
    let server = Server::start().await;
    complain(&server, ("喵呜机", TEXTS[0]), "c-1", "2026-11-09T08:00:00+08:00").await;
    let arguments = ["alerts", "replay", "--stored", "--windows", "30", "--format", "json"];
    let output = fenzhen(&[&arguments[..], &["--database", server.database()]].concat(), b"");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let findings: Value = serde_json::from_slice(&output.stdout).unwrap();
    let products = &findings[1];
    assert_eq!((&products["kind"], &products["subjects"]), (&json!("product"), &json!(1)));
    assert_eq!((&products["judged"], &products["alarms"]), (&json!(30), &json!(0)));
}
