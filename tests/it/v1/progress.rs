//! The steps of a case's life: one real-looking case of each tier from intake to archive, with a
//! clock that crosses 国庆 2026 and its make-up Saturday, on both engines: with the early warning
//! that it is part of, the files that prove it, and everything that the customer is told.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::receiver::Receiver;
use crate::server::Server;
use crate::v1::walk::{AGENT, HEAD, LEAD, TEAM, Walk, with_gateway};

const DIRECTOR: (&str, &str) = ("sun.li", "service_director");
const BOSS: (&str, &str) = ("zhou.yi", "executive");
const OTHER_BOSS: (&str, &str) = ("wu.jing", "executive");

/// When a clock is due, as the answer shows it.
fn due<'a>(answer: &'a Value, clock: &str) -> &'a Value {
    let clocks = answer["clocks"].as_array().unwrap();
    let found = clocks.iter().find(|it| it["clock"] == clock);
    &found.unwrap_or_else(|| panic!("`{clock}` has not started: {answer}"))["due_at"]
}

fn refund(yuan: f64, special_case: Option<&str>) -> Value {
    let words = "全额退款";
    let remedies = json!([{ "kind": "refund", "amount": yuan, "words": words }]);
    json!({ "remedies": remedies, "special_case": special_case })
}

fn archive() -> Value {
    let labels = json!({ "category": "logistics", "severity": "normal", "signals": [] });
    json!({ "summary": "已退款", "labels": labels, "sure": 2 })
}

async fn front_line(server: Server, gateway: Receiver) {
    // The last working day before 国庆; three working days end with Saturday 10-10, worked.
    let mut walk =
        Walk::start(server, "2026-09-30T10:00:00+08:00", "快递丢了，一直没收到包裹").await;
    let alert = walk.raise_alert(&gateway).await;
    let corrected = walk.label("logistics", "normal").await;
    assert_eq!((&corrected["tier"], &corrected["queue"]), (&json!(1), &json!("logistics")));
    assert_eq!(corrected["resolution_due_at"], "2026-10-10T16:00:00Z");
    walk.server.set_time("2026-09-30T10:20:00+08:00");
    let told = walk.tell(AGENT, "acknowledgement", json!({ "contact_person": "王芳" })).await;
    assert!(told.contains("10月10日24时") && told.contains("联系人：王芳"), "{told}");
    let accepted = walk.progress().await;
    assert_eq!((&accepted["owner"], &accepted["stage"]), (&json!("wang.fang"), &json!("accepted")));
    assert_eq!(due(&accepted, "acceptance"), "2026-09-30T04:00:00Z");
    walk.step(AGENT, "assignment", json!({ "department": "物流合作部" })).await;
    let contact = json!({ "purpose": "progress", "answered": true, "note": "请客户提供面单" });
    walk.step(AGENT, "contacts", contact).await;
    walk.step(AGENT, "pauses", json!({ "paused": true, "reason": "等客户提供面单" })).await;
    // The holiday costs nothing; of the waiting only Thursday's first twelve hours count.
    walk.server.set_time("2026-10-08T12:00:00+08:00");
    let resumed = walk.step(AGENT, "pauses", json!({ "paused": false })).await;
    assert_eq!(due(&resumed, "resolution"), "2026-10-12T04:00:00Z");
    let again = walk.label("logistics", "normal").await;
    assert_eq!(again["resolution_due_at"], "2026-10-12T04:00:00Z", "a correction resets nothing");

    walk.prove(AGENT, "面单.png").await;
    let concluded = walk.investigate(AGENT).await;
    assert_eq!(concluded["drafts"][0]["remedies"][0]["amount"], 399.0);
    assert_eq!(concluded["drafts"][0]["remedies"][0]["basis"], "企业履约标准");
    let dear = json!({ "offers": [refund(520.0, Some("老客户"))] });
    let above = walk.refused(AGENT, "proposals", dear, StatusCode::CONFLICT).await;
    assert!(above["detail"].as_str().unwrap().contains("518.70"), "{above}");
    walk.step(AGENT, "proposals", json!({ "offers": [refund(399.0, None)] })).await;
    assert!(walk.tell(AGENT, "proposal", json!({})).await.contains("全额退款"));
    walk.server.set_time("2026-10-08T15:00:00+08:00");
    let chosen = walk.step(AGENT, "choices", json!({ "offer": 1 })).await;
    assert_eq!(due(&chosen, "execution"), "2026-10-09T07:00:00Z");
    let granted = json!({ "granted": true });
    walk.refused(AGENT, "approvals", granted.clone(), StatusCode::FORBIDDEN).await;
    walk.step(LEAD, "approvals", granted).await;
    walk.server.set_time("2026-10-09T10:00:00+08:00");
    let executed = walk.step(AGENT, "executions", json!({ "note": "原路退款" })).await;
    assert_eq!(due(&executed, "report"), "2026-10-10T16:00:00Z", "Saturday 10-10 is worked");
    walk.server.set_time("2026-10-10T11:00:00+08:00");
    walk.tell(AGENT, "result", json!({})).await;
    walk.tell(AGENT, "satisfaction", json!({})).await;
    let early = walk.refused(AGENT, "archive", archive(), StatusCode::CONFLICT).await;
    assert!(early["moves"].as_array().unwrap().contains(&json!("confirm")), "{early}");
    let closed = walk.step(AGENT, "close", json!({ "satisfied": true, "satisfaction": 5 })).await;
    assert_eq!(closed["satisfaction"], 5);
    let archived = walk.step(AGENT, "archive", archive()).await;
    assert!(archived["clocks"].as_array().unwrap().iter().all(|it| it["breached"] == false));
    assert_eq!(archived["moves"], json!(["reopen"]));
    walk.check_archived("logistics").await;
    walk.close_alert(&alert).await;
    walk.check_told(&gateway, &["acknowledgement", "proposal", "result", "satisfaction"]).await;
}

async fn escalation_team(server: Server, gateway: Receiver) {
    let mut walk =
        Walk::start(server, "2026-09-29T16:00:00+08:00", "快递丢了，一直没收到包裹").await;
    let alert = walk.raise_alert(&gateway).await;
    let corrected = walk.label("logistics", "high").await;
    assert_eq!(corrected["tier"], 2);
    assert_eq!(corrected["resolution_due_at"], "2026-10-14T16:00:00Z", "seven working days");
    walk.step(AGENT, "acceptance", json!({ "contact_person": "王芳" })).await;
    walk.step(AGENT, "assignment", json!({ "department": "物流合作部" })).await;
    let form = json!({
        "to": 3, "customer": "王女士", "description": "包裹遗失", "tried": "催件无果",
        "expectation": "赔偿",
    });
    let lacking = walk.refused(AGENT, "escalations", form, StatusCode::CONFLICT).await;
    assert!(lacking["detail"].as_str().unwrap().contains("report.background"), "{lacking}");
    walk.server.set_time("2026-10-08T09:00:00+08:00");
    walk.tell(TEAM, "progress", json!({})).await;
    walk.prove(TEAM, "中转记录.png").await;
    walk.investigate(TEAM).await;
    let offers = json!({ "offers": [refund(399.0, None), refund(518.7, Some("五年老客户"))] });
    walk.refused(AGENT, "proposals", offers.clone(), StatusCode::FORBIDDEN).await;
    walk.step(TEAM, "proposals", offers).await;
    let told = walk.tell(TEAM, "proposal", json!({})).await;
    assert!(told.contains("方案1") && told.contains("方案2"), "{told}");
    walk.step(AGENT, "choices", json!({ "offer": 2 })).await;
    let granted = json!({ "granted": true });
    let order = walk.refused(DIRECTOR, "approvals", granted.clone(), StatusCode::FORBIDDEN).await;
    assert!(order["detail"].as_str().unwrap().contains("department_head"), "{order}");
    let first = walk.step(HEAD, "approvals", granted.clone()).await;
    assert_eq!(first["stage"], "approval");
    let second = walk.step(DIRECTOR, "approvals", granted).await;
    assert_eq!(second["stage"], "execution");
    walk.step(AGENT, "executions", json!({ "note": "已退款", "tracking_number": "SF1" })).await;
    assert!(walk.tell(AGENT, "result", json!({})).await.contains("SF1"));
    let objection = json!({ "satisfied": false, "reason": "少退了五元" });
    let disputed = walk.step(AGENT, "close", objection).await;
    assert_eq!(disputed["stage"], "investigation");
    let claim = json!({ "grounds": ["not_delivered"], "price": 404 });
    let conclusion = json!({ "liability": "company", "findings": "少退运费", "claim": claim });
    walk.step(TEAM, "conclusion", conclusion).await;
    walk.step(TEAM, "proposals", json!({ "offers": [refund(404.0, None)] })).await;
    walk.step(AGENT, "choices", json!({ "offer": 1 })).await;
    walk.step(HEAD, "approvals", json!({ "granted": true })).await;
    walk.step(AGENT, "executions", json!({ "note": "补退" })).await;
    walk.tell(AGENT, "result", json!({})).await;
    walk.step(AGENT, "close", json!({ "satisfied": true })).await;
    walk.step(AGENT, "archive", archive()).await;
    walk.check_archived("logistics").await;
    walk.close_alert(&alert).await;
    walk.check_told(&gateway, &["progress", "proposal", "result", "result"]).await;
}

async fn executives(server: Server, gateway: Receiver) {
    let text = "充电宝突然爆炸，手被烧伤了";
    let mut walk = Walk::start(server, "2026-09-30T10:00:00+08:00", text).await;
    let alert = walk.raise_alert(&gateway).await;
    let progress = walk.progress().await;
    assert_eq!((&progress["tier"], &progress["stage"]), (&json!(3), &json!("received")));
    assert_eq!(due(&progress, "acceptance"), "2026-09-30T03:00:00Z", "one hour for safety");
    walk.step(AGENT, "acceptance", json!({ "contact_person": "王芳" })).await;
    walk.step(AGENT, "assignment", json!({ "department": "安全应急部" })).await;
    let early = json!({ "lead": "赵敏", "departments": ["安全应急部"] });
    let due_review = walk.refused(AGENT, "investigation", early, StatusCode::CONFLICT).await;
    assert!(due_review["moves"].as_array().unwrap().contains(&json!("review")), "{due_review}");
    let finding = json!({ "finding": "属实，立即下架" });
    walk.refused(LEAD, "reviews", finding.clone(), StatusCode::FORBIDDEN).await;
    walk.step(BOSS, "reviews", finding).await;
    walk.prove(AGENT, "烧伤诊断.png").await;
    walk.investigate(BOSS).await;
    walk.step(BOSS, "proposals", json!({ "offers": [refund(399.0, None)] })).await;
    walk.step(AGENT, "choices", json!({ "offer": 1 })).await;
    let granted = json!({ "granted": true });
    walk.refused(BOSS, "approvals", granted.clone(), StatusCode::FORBIDDEN).await;
    walk.step(OTHER_BOSS, "approvals", granted).await;
    walk.step(AGENT, "executions", json!({ "note": "已赔付" })).await;
    walk.tell(AGENT, "result", json!({})).await;
    for day in ["2026-10-08", "2026-10-09", "2026-10-10"] {
        walk.refused(AGENT, "archive", archive(), StatusCode::CONFLICT).await;
        walk.server.set_time(&format!("{day}T10:00:00+08:00"));
        let silence = json!({ "purpose": "confirmation", "answered": false, "note": "无人接听" });
        walk.step(AGENT, "contacts", silence).await;
    }
    walk.step(AGENT, "archive", archive()).await;
    walk.check_archived("executive").await;
    walk.close_alert(&alert).await;
    walk.check_told(&gateway, &["result"]).await;
}

macro_rules! on_both_engines {
    ($($walk:ident: $sqlite:ident, $postgres:ident;)+) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $sqlite() {
            let gateway = Receiver::start().await;
            $walk(Server::start_with(with_gateway(&gateway)).await, gateway).await;
        }

        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $postgres() {
            let gateway = Receiver::start().await;
            if let Some(server) = Server::start_on_postgres_with(with_gateway(&gateway)).await {
                $walk(server, gateway).await;
            }
        }
    )+};
}

on_both_engines!(
    front_line: a_case_of_the_front_line_on_sqlite, a_case_of_the_front_line_on_postgresql;
    escalation_team: a_case_of_the_team_on_sqlite, a_case_of_the_team_on_postgresql;
    executives: a_case_of_the_executives_on_sqlite, a_case_of_the_executives_on_postgresql;
);

#[tokio::test]
async fn who_has_read_an_old_version_moves_nothing() {
    let mut walk =
        Walk::start(Server::start().await, "2026-09-30T10:00:00+08:00", "快递丢了").await;
    let old = walk.version.clone();
    walk.step(AGENT, "acceptance", json!({ "contact_person": "王芳" })).await;
    walk.version = old;
    let department = json!({ "department": "物流合作部" });
    let stale = walk.refused(AGENT, "assignment", department, StatusCode::CONFLICT).await;
    assert_eq!(stale["version"], 2);
    let events = walk.server.get_json(&format!("{}/events", walk.path)).await;
    assert_eq!(events.as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn every_mistake_of_a_step_is_listed_and_unknown_steps_are_not_found() {
    let walk = Walk::start(Server::start().await, "2026-09-30T10:00:00+08:00", "快递丢了").await;
    let wrong = json!({ "note": 7, "purpose": "gossip", "colour": "red" });
    let found = walk.refused(AGENT, "contacts", wrong, StatusCode::UNPROCESSABLE_ENTITY).await;
    let pointers = found["errors"].as_array().unwrap().iter();
    let mut pointers: Vec<_> = pointers.map(|it| it["pointer"].as_str().unwrap()).collect();
    pointers.sort_unstable();
    assert_eq!(pointers, ["/answered", "/colour", "/note", "/purpose"]);
    walk.refused(AGENT, "dances", json!({}), StatusCode::NOT_FOUND).await;
}
