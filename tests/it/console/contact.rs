//! On a case's page: evidence files, and messages to the customer.

use fenzhen::config::WorkConfig;
use reqwest::{Response, StatusCode};
use serde_json::json;

use super::{Guarded, csrf, page, read, receive, send};
use crate::receiver::Receiver;
use crate::server::{Server, Setup, eventually};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06";

/// A form with a token and a file, as browsers send it.
fn form(token: &str, name: &str, bytes: &[u8]) -> Vec<u8> {
    let head = format!(
        "--b7\r\nContent-Disposition: form-data; name=\"csrf\"\r\n\r\n{token}\r\n--b7\r\n\
         Content-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\r\n"
    );
    [head.as_bytes(), bytes, b"\r\n--b7--\r\n"].concat()
}

async fn upload(server: &Server, case: &str, body: Vec<u8>) -> Response {
    let request = server.post(&format!("/console/cases/{case}/evidence"));
    let request = request.header("content-type", "multipart/form-data; boundary=b7");
    request.body(body).send().await.unwrap()
}

/// The path of the only file that a page links.
fn file_path(html: &str, case: &str) -> String {
    let start = format!("/console/cases/{case}/evidence/");
    let id = html.split(&start).nth(1).expect("a link to a file").split(['"', '/']).next();
    format!("{start}{}", id.unwrap())
}

#[tokio::test]
async fn a_file_is_added_listed_and_given_out_as_an_attachment() {
    let server = Server::start().await;
    let (id, _) = receive(&server, "电视屏幕碎了").await;
    let path = format!("/console/cases/{id}");
    let token = csrf(&page(&server, &path).await);
    let large = [PNG, &vec![7; 3 << 20]].concat();
    let response = upload(&server, &id, form(&token, "屏幕<b>.png", &large)).await;
    let html = read(response, &path).await;
    assert!(html.contains("屏幕&lt;b&gt;.png") && html.contains("3.0 MB"), "{html}");
    let response = server.get(&file_path(&html, &id)).send().await.unwrap();
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert!(header("content-disposition").starts_with("attachment"));
    assert!(header("content-security-policy").contains("sandbox"), "no browser runs it");
    assert!(response.bytes().await.unwrap() == large);

    for (name, bytes, expected) in [
        ("empty.png", &b""[..], "空文件不能上传"),
        ("page.html", b"<html><script>alert(1)</script></html>", "以内容为准"),
    ] {
        let html = read(upload(&server, &id, form(&token, name, bytes)).await, &path).await;
        assert!(html.contains(expected), "{name}: {html}");
    }
    for token in ["", "0123456789abcdef0123456789abcdef"] {
        let response = upload(&server, &id, form(token, "a.png", PNG)).await;
        assert_eq!(response.status(), StatusCode::FORBIDDEN);
    }
    let files = server.get_json(&format!("/v1/cases/{id}/evidence")).await;
    assert_eq!(files.as_array().unwrap().len(), 1, "{files}");
}

#[tokio::test]
async fn a_file_is_opened_by_those_alone_who_see_whose_case_it_is_or_say_why() {
    let guarded = Guarded::start().await;
    let lead = guarded.person("li.lei", "triage_lead", None).await;
    let head = guarded.person("chen.jie", "department_head", None).await;
    let case = guarded.case(&lead, &json!({ "text": "电视屏幕碎了", "channel": "chat" })).await;
    let id = case["id"].as_str().unwrap();
    let path = format!("/console/cases/{id}");
    let html = read(guarded.get(&path, &lead).await, &path).await;
    let url = guarded.server.url(&format!("{path}/evidence"));
    let request = guarded.browser.post(url).header("cookie", &lead);
    let request = request.header("content-type", "multipart/form-data; boundary=b7");
    let added = request.body(form(&csrf(&html), "王女士的屏幕.png", PNG)).send().await.unwrap();
    assert_eq!(added.status(), StatusCode::SEE_OTHER);
    let html = read(guarded.get(&path, &lead).await, &path).await;
    let file = file_path(&html, id);
    assert!(guarded.get(&file, &lead).await.bytes().await.unwrap() == PNG);

    let html = read(guarded.get(&path, &head).await, &path).await;
    assert!(html.contains("附件 1") && !html.contains("王女士的屏幕"), "{html}");
    assert_eq!(guarded.get(&file, &head).await.status(), StatusCode::FORBIDDEN);
    let unmask = format!("{file}/unmask");
    let token = csrf(&html);
    let refused = guarded.send(&unmask, &head, &[("csrf", &token), ("reason", " ")]).await;
    assert!(refused.text().await.unwrap().contains("请写明理由"));
    let fields = [("csrf", &*token), ("reason", "核对损坏程度")];
    let given = guarded.send(&unmask, &head, &fields).await;
    assert!(given.bytes().await.unwrap() == PNG);
    let html = read(guarded.get(&path, &head).await, &path).await;
    assert!(html.contains("核对损坏程度"), "it is an event of the case");
}

/// A service whose text messages go to this gateway.
fn with_gateway(gateway: &Receiver) -> Setup {
    let mut setup = Setup::default();
    setup.http.work = WorkConfig {
        work_ms: 10,
        outbound_networks: vec!["127.0.0.1".parse().unwrap()],
        gateways: vec![format!("sms={}", gateway.url).parse().unwrap()],
        gateway_secret: Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap()),
        ..WorkConfig::default()
    };
    setup
}

#[tokio::test]
async fn a_draft_is_changed_and_sent_and_its_history_stays() {
    let gateway = Receiver::start().await;
    let server = Server::start_with(with_gateway(&gateway)).await;
    let customer = json!({ "name": "王女士", "contact": "13800001111" });
    let body = json!({ "text": "快递丢了，一直没收到包裹", "customer": customer });
    let (_, case) = server.submit("/v1/cases", &body).await;
    let path = format!("/console/cases/{}", case["id"].as_str().unwrap());
    let html = page(&server, &path).await;
    assert!(html.contains("受理告知") && html.contains("13800001111"), "{html}");
    let email = page(&server, &format!("{path}?channel=email")).await;
    assert!(email.contains("还没有接通邮件网关"), "{email}");
    let token = csrf(&html);
    let long = "长".repeat(2_000);
    let mut fields = vec![
        ("csrf", &*token),
        ("n:version", "1"),
        ("kind", "acknowledgement"),
        ("channel", "sms"),
        ("contact_person", "王芳"),
        ("text", &*long),
    ];
    let messages = format!("{path}/messages");
    let (status, html) = send(&server, &messages, &fields).await;
    assert!(status == StatusCode::OK && html.contains("内容：请填写或更正"), "{html}");
    assert!(html.contains(&long), "what was written is not lost");
    fields[5].1 = "王女士您好，已受理，\r\n王芳会联系您。<b>";
    let (_, html) = send(&server, &messages, &fields).await;
    assert!(html.contains("已发送") && html.contains("王芳会联系您。&lt;b&gt;"), "{html}");
    eventually("it arrives", async || !gateway.calls().is_empty()).await;
    let text = "王女士您好，已受理，\n王芳会联系您。<b>";
    assert_eq!(gateway.calls()[0].json()["data"]["text"], text);
    let (_, html) = send(&server, &messages, &fields).await;
    assert!(html.contains("刚被他人更新"), "nothing is sent twice: {html}");
}

#[tokio::test]
async fn who_does_not_see_whose_case_it_is_sees_no_contact_in_messages() {
    let guarded = Guarded::start().await;
    let lead = guarded.person("li.lei", "triage_lead", None).await;
    let head = guarded.person("chen.jie", "department_head", None).await;
    let customer = json!({ "name": "王小明", "contact": "13812341234" });
    let body = json!({ "text": "快递丢了", "channel": "chat", "customer": customer });
    let case = guarded.case(&lead, &body).await;
    let path = format!("/console/cases/{}", case["id"].as_str().unwrap());
    let html = read(guarded.get(&path, &head).await, &path).await;
    assert!(html.contains("受理告知"), "{html}");
    assert!(!html.contains("王小明") && !html.contains("13812341234"), "{html}");
}
