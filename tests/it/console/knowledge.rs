//! 模型与规则: how often people agree with the model, and what the rules are tested with.

use serde_json::json;

use super::page;
use crate::server::Server;
use crate::v1::library::archive;

#[tokio::test]
async fn agreement_is_drawn_by_week() {
    let server = Server::start().await;
    let html = page(&server, "/console/models").await;
    assert!(html.contains("还没有人确认或更正过"), "{html}");
    let body = json!({ "text": "快递丢了，一直没收到包裹" });
    archive(&server, &body, 99.0).await;
    let html = page(&server, "/console/models").await;
    let circle = html.split("<circle").nth(1).expect("a week with a case");
    assert!(circle.contains("11月9日 起一周，类别一致") && circle.contains("（1 件）"), "{circle}");
}

#[tokio::test]
async fn a_rule_shows_its_own_tests_with_their_outcome() {
    let server = Server::start().await;
    let rules = server.get_json("/v1/rules").await;
    let rule = &rules["rules"][0];
    let id = rule["id"].as_str().unwrap();
    let html = page(&server, "/console/models").await;
    assert!(html.contains(&format!("/console/models/rules/{id}")), "{html}");
    assert!(html.contains(" 通过") && !html.contains("未过"), "{html}");
    let html = page(&server, &format!("/console/models/rules/{id}")).await;
    assert!(html.contains("必须触发") && html.contains("不得触发"), "{html}");
    assert!(6 <= html.matches(">通过<").count(), "every example is there: {html}");
    let missing = server.get("/console/models/rules/nowhere").send().await.unwrap();
    assert_eq!(missing.status(), reqwest::StatusCode::NOT_FOUND);
}
