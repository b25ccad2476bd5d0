//! 预警 and 改进: clusters with the cases behind them, answered in place, and what follows from them.

use fenzhen::config::WorkConfig;
use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{csrf, page, send};
use crate::server::{Server, Setup, eventually};

/// Texts that are not alike, so that what one customer sends is not joined.
const TEXTS: [&str; 3] =
    ["用了两天就坏了，要求换货", "打了三次客服电话都没有人接", "退货申请提交以后一直没有审核结果"];

/// A service that looks for clusters often.
pub(crate) fn watching() -> Setup {
    let mut setup = Setup::default();
    setup.http.work = WorkConfig { work_ms: 10, ..WorkConfig::default() };
    setup
}

async fn complain(server: &Server, product: &str, number: usize, received_at: &str) -> String {
    let body = json!({
        "text": TEXTS[number % 3],
        "customer": { "id": format!("C-{product}-{number}") },
        "object": { "product": product },
        "received_at": received_at,
    });
    let (status, case) = server.submit("/v1/cases", &body).await;
    assert_eq!(status, StatusCode::CREATED, "{case}");
    case["id"].as_str().unwrap().to_owned()
}

/// Three quiet weeks, then seven customers in a night about one product; their cases.
pub(crate) async fn break_out(server: &Server, product: &str) -> Vec<String> {
    for day in 11..=31 {
        complain(server, &format!("{product}之前"), day, &format!("2026-10-{day}T12:00:00+08:00"))
            .await;
    }
    let mut cases = Vec::new();
    for number in 0..7 {
        let at = format!("2026-11-09T0{number}:00:00+08:00");
        cases.push(complain(server, product, number, &at).await);
        complain(server, &format!("{product}之外{number}"), number, &at).await;
    }
    cases
}

/// The alert about a product, once it is there.
async fn alert(server: &Server) -> Value {
    server.set_time("2026-11-09T09:20:00+08:00");
    let find = async || {
        let open = server.get_json("/v1/alerts").await;
        let open = open["alerts"].as_array().unwrap().clone();
        open.into_iter().find(|it| it["kind"] == "product")
    };
    eventually("the cluster is seen", async || find().await.is_some()).await;
    find().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_is_answered_in_place_and_leads_to_an_improvement() {
    let server = Server::start_with(watching()).await;
    let cases = break_out(&server, "喵呜机").await;
    let alert = alert(&server).await;
    let path = format!("/console/alerts/{}", alert["id"].as_str().unwrap());
    let list = page(&server, "/console/alerts").await;
    assert!(list.contains("喵呜机") && list.contains("人投诉，平时几乎没有"), "{list}");
    let token = csrf(&list);
    let step = format!("{path}/step");
    let fields = [("csrf", &*token), ("n:version", "1"), ("state", "acknowledged")];
    let (status, html) = send(&server, &step, &fields).await;
    assert!(status == StatusCode::OK && html.contains("处理中"), "{html}");
    let (_, html) = send(&server, &step, &fields).await;
    assert!(html.contains("刚被他人更新"), "two cannot answer the same version: {html}");

    let html = page(&server, &path).await;
    for case in &cases {
        assert!(html.contains(&format!("/console/cases/{case}")), "{case} is behind it");
    }
    let mut fields = vec![
        ("csrf", &*token),
        ("alert_id", alert["id"].as_str().unwrap()),
        ("title", "换掉有缺陷的电机"),
        ("department", "品质管理部"),
        ("owner", ""),
        ("due_on", "2026-11-08"),
    ];
    let (_, html) = send(&server, "/console/improvements/add", &fields).await;
    assert!(html.contains("负责人：请填写或更正"), "{html}");
    fields[4].1 = "chen.jie";
    let (_, html) = send(&server, "/console/improvements/add", &fields).await;
    assert!(html.contains("换掉有缺陷的电机"), "the alert names what it led to: {html}");
    let html = page(&server, "/console/improvements").await;
    assert!(html.contains("逾期") && html.contains("来自预警"), "{html}");
    let improvements = server.get_json("/v1/improvements").await;
    let id = improvements["improvements"][0]["id"].as_str().unwrap().to_owned();
    let step_on = format!("/console/improvements/{id}/step");
    let mut fields = vec![("csrf", &*token), ("n:version", "1"), ("state", "done"), ("note", "")];
    let (_, html) = send(&server, &step_on, &fields).await;
    assert!(html.contains("备注：请填写或更正"), "who ends it says what was done: {html}");
    fields[3].1 = "已换供应商，抽检合格";
    send(&server, &step_on, &fields).await;
    assert!(!page(&server, "/console/improvements").await.contains("换掉有缺陷的电机"));
    assert!(page(&server, "/console/improvements?state=ended").await.contains("抽检合格"));

    let note = "同一批次电机缺陷，已停售";
    let fields = [("csrf", &*token), ("n:version", "2"), ("state", "closed"), ("note", note)];
    send(&server, &step, &fields).await;
    assert!(!page(&server, "/console/alerts").await.contains(&path));
    assert!(page(&server, "/console/alerts?state=closed").await.contains(&path));
    assert!(page(&server, &path).await.contains(note));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_names_are_harmless_in_alerts_and_improvements() {
    let server = Server::start_with(watching()).await;
    let hostile = "<script>alert(1)</script>\u{202e}\"'&\u{7}";
    break_out(&server, hostile).await;
    let alert = alert(&server).await;
    let path = format!("/console/alerts/{}", alert["id"].as_str().unwrap());
    let token = csrf(&page(&server, "/console/alerts").await);
    let fields = [
        ("csrf", &*token),
        ("alert_id", alert["id"].as_str().unwrap()),
        ("title", hostile),
        ("department", hostile),
        ("owner", hostile),
        ("due_on", "2026-12-31"),
        ("note", hostile),
    ];
    send(&server, "/console/improvements/add", &fields).await;
    for path in ["/console/alerts", &path, "/console/improvements", "/console/statistics"] {
        let html = page(&server, path).await;
        assert!(!html.contains("<script>alert"), "{path}");
        assert!(!html.contains(['\u{202e}', '\u{7}']), "{path}");
    }
}
