//! `/v1/cases/{id}/evidence`: files that prove something, and files that want to harm.

use std::sync::Arc;

use fenzhen::config::AuthMode;
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::server::{Server, Setup, eventually, problem};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06";
const BOUNDARY: &str = "----boundary7";
const PASSWORD: &str = "correct horse battery staple";

/// A part of a form: its name, the file name that some have, and the bytes.
type Part<'a> = (&'a str, &'a str, &'a [u8]);

async fn case(server: &Server) -> String {
    let (_, case) = server.submit("/v1/cases", &json!({ "text": "电视屏幕碎了" })).await;
    format!("/v1/cases/{}", case["id"].as_str().unwrap())
}

fn form(server: &Server, path: &str, parts: &[Part<'_>]) -> RequestBuilder {
    let mut body = Vec::new();
    for (name, file_name, bytes) in parts {
        let file_name = match *file_name {
            "" => String::new(),
            file_name => format!("; filename=\"{file_name}\""),
        };
        let head = format!(
            "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"{file_name}\r\n\r\n"
        );
        body.extend([head.as_bytes(), bytes, b"\r\n"].concat());
    }
    body.extend(format!("--{BOUNDARY}--\r\n").as_bytes());
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    let request = server.post(&format!("{path}/evidence")).header("content-type", content_type);
    request.body(body)
}

async fn send(server: &Server, path: &str, parts: &[Part<'_>]) -> Response {
    form(server, path, parts).send().await.unwrap()
}

async fn log_in(server: &Server, name: &str) -> String {
    let body = json!({ "name": name, "password": PASSWORD });
    let (status, session) = server.submit("/v1/sessions", &body).await;
    assert_eq!(status, StatusCode::CREATED, "{session}");
    session["token"].as_str().unwrap().to_owned()
}

const BY: Part<'static> = ("by", "", br#"{"name":"wang.fang","role":"front_line"}"#);

fn file(bytes: &[u8]) -> Part<'_> {
    ("file", "图片.png", bytes)
}

async fn add(server: &Server, path: &str, name: &str, bytes: &[u8]) -> Value {
    let response = send(server, path, &[BY, ("file", name, bytes)]).await;
    assert_eq!(response.status(), StatusCode::CREATED);
    response.json().await.unwrap()
}

#[tokio::test]
async fn a_file_is_kept_listed_and_given_out_as_an_attachment() {
    let server = Server::start().await;
    let path = case(&server).await;
    let large = [PNG, &vec![9; 3 << 20]].concat();
    let file = add(&server, &path, "../屏幕 1.png", &large).await;
    assert_eq!(
        (&file["file_name"], &file["media_type"]),
        (&json!("屏幕 1.png"), &json!("image/png"))
    );
    assert_eq!((&file["size"], &file["by"]), (&json!(large.len()), &json!("wang.fang")));
    assert_eq!(server.get_json(&format!("{path}/evidence")).await, json!([file]));
    let place = format!("{path}/evidence/{}", file["id"].as_str().unwrap());
    let response = server.get(&place).send().await.unwrap();
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "image/png");
    let expected = "attachment; filename*=UTF-8''%E5%B1%8F%E5%B9%95%201.png";
    assert_eq!(header("content-disposition"), expected);
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert!(header("content-security-policy").starts_with("default-src 'none'"));
    assert!(response.bytes().await.unwrap() == large);

    let case = server.get_json(&path).await;
    assert!(!case["missing"].as_array().unwrap().contains(&json!("evidence")));
    let events = server.get_json(&format!("{path}/events")).await;
    let (kind, actor) = (&events[1]["kind"], &events[1]["actor"]);
    assert_eq!((kind, actor), (&json!("case.file_added"), &json!("wang.fang")));
    assert_eq!(events[1]["data"]["sha256"], file["sha256"]);
    assert!(!events.to_string().contains("屏幕 1"), "names of files are personal");
    server.get_json(&format!("{path}/progress")).await;
}

#[tokio::test]
async fn what_is_no_evidence_is_refused_with_the_reason() {
    let mut setup = Setup::default();
    setup.http.evidence.max_evidence_bytes = 1_000;
    setup.http.evidence.max_case_evidence_bytes = 1_500;
    let server = Server::start_with(setup).await;
    let path = case(&server).await;
    let image = [PNG, &[7; 800]].concat();
    let too_large = vec![b'a'; 1_001];
    let auditor: Part<'_> = ("by", "", br#"{"name":"zhou","role":"auditor"}"#);
    let nobody: Part<'_> = ("by", "", br#"{"role":"boss"}"#);
    let endless = vec![b' '; 5_000];
    let endless: Part<'_> = ("by", "", &endless);
    let cases: [(&[Part<'_>], StatusCode); 8] = [
        (&[BY, file(b"MZ\x90\0\x03\0\0\0\x04\0\0\0\xff\xff")], StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (&[BY, file(b"<!DOCTYPE html><script>1</script>")], StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (&[BY, file(&too_large)], StatusCode::PAYLOAD_TOO_LARGE),
        (&[BY, file(b"")], StatusCode::UNPROCESSABLE_ENTITY),
        (&[auditor, file(&image)], StatusCode::FORBIDDEN),
        (&[nobody, file(&image)], StatusCode::UNPROCESSABLE_ENTITY),
        (&[endless, file(&image)], StatusCode::PAYLOAD_TOO_LARGE),
        (&[BY], StatusCode::UNPROCESSABLE_ENTITY),
    ];
    for (parts, status) in cases {
        problem(send(&server, &path, parts).await, status).await;
    }
    let nowhere = "/v1/cases/018f2b6e-0000-7000-8000-000000000000";
    problem(send(&server, nowhere, &[BY, file(&image)]).await, StatusCode::NOT_FOUND).await;
    assert_eq!(server.get_json(&format!("{path}/evidence")).await, json!([]));
    add(&server, &path, "一.png", &image).await;
    let full = send(&server, &path, &[BY, file(&image)]).await;
    problem(full, StatusCode::PAYLOAD_TOO_LARGE).await;
}

#[tokio::test]
async fn files_of_other_cases_and_of_other_places_are_not_found() {
    let server = Server::start().await;
    let (path, other) = (case(&server).await, case(&server).await);
    let file = add(&server, &path, "一.png", PNG).await;
    let id = file["id"].as_str().unwrap();
    for wrong in [
        format!("{other}/evidence/{id}"),
        format!("{path}/evidence/..%2f..%2fcases.sqlite"),
        format!("{path}/evidence/{}", file["sha256"].as_str().unwrap()),
    ] {
        problem(server.get(&wrong).send().await.unwrap(), StatusCode::NOT_FOUND).await;
    }
}

/// An upload that ends in the middle leaves nothing behind: no row, no object.
#[tokio::test]
async fn what_breaks_off_is_not_kept() {
    let server = Server::start().await;
    let path = case(&server).await;
    let head = format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; \
         filename=\"a.png\"\r\n\r\n"
    );
    let body = [head.as_bytes(), PNG, &vec![9; 2 << 20]].concat();
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    let request = server.post(&format!("{path}/evidence")).header("content-type", content_type);
    let response = request.body(body).send().await.unwrap();
    problem(response, StatusCode::UNPROCESSABLE_ENTITY).await;
    assert_eq!(server.get_json(&format!("{path}/evidence")).await, json!([]));
    eventually("half a file is gone", async || {
        let incoming = std::fs::read_dir(server.evidence().join("incoming"));
        incoming.map_or(0, Iterator::count) == 0
    })
    .await;
    assert!(!server.evidence().join("files").exists());
}

/// Bytes cannot be masked, so they are for those who see personal data, and each look is noted.
#[tokio::test]
async fn files_are_for_those_who_may_see_them() {
    let mut setup = Setup::default();
    setup.http.access.auth = Some(AuthMode::Required);
    let server = Server::start_with_administrator(setup, "root.admin", PASSWORD).await;
    let root = log_in(&server, "root.admin").await;
    let post = async |path: &str, token: &str, body: &Value| {
        server.post(path).bearer_auth(token).json(body).send().await.unwrap()
    };
    let key = json!({ "name": "crm", "scopes": ["intake"], "act_as": [] });
    let key: Value = post("/v1/keys", &root, &key).await.json().await.unwrap();
    let crm = key["key"].as_str().unwrap();
    let complaint = json!({ "text": "电视屏幕碎了", "channel": "chat" });
    let case: Value = post("/v1/cases", crm, &complaint).await.json().await.unwrap();
    let path = format!("/v1/cases/{}", case["id"].as_str().unwrap());
    // The system that handed the complaint in adds its files; it says for nobody that it acts.
    let parts: [Part<'_>; 1] = [("file", "王小明.png", PNG)];
    let response = form(&server, &path, &parts).bearer_auth(crm).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::CREATED);
    let file: Value = response.json().await.unwrap();
    assert_eq!((&file["by"], &file["file_name"]), (&json!("key:crm"), &json!("***")));
    let place = format!("{path}/evidence/{}", file["id"].as_str().unwrap());
    for (name, role) in [("agent", "front_line"), ("boss", "department_head")] {
        let user = json!({
            "name": name, "display_name": "某人", "roles": [role], "password": PASSWORD,
        });
        assert_eq!(post("/v1/users", &root, &user).await.status(), StatusCode::CREATED);
    }
    let (agent, boss) = (log_in(&server, "agent").await, log_in(&server, "boss").await);
    let get =
        async |path: &str, token: &str| server.get(path).bearer_auth(token).send().await.unwrap();
    assert_eq!(get(&place, &agent).await.bytes().await.unwrap(), PNG);
    for token in [crm, &boss] {
        problem(get(&place, token).await, StatusCode::FORBIDDEN).await;
        let listed = get(&format!("{path}/evidence"), token).await.text().await.unwrap();
        assert!(!listed.contains("王小明"), "{listed}");
    }
    let unmask = format!("{place}/unmask");
    problem(post(&unmask, &boss, &json!({})).await, StatusCode::UNPROCESSABLE_ENTITY).await;
    let shown = post(&unmask, &boss, &json!({ "reason": "核对损坏程度" })).await;
    assert_eq!(shown.headers()["x-content-type-options"], "nosniff");
    assert_eq!(shown.bytes().await.unwrap(), PNG);
    let events: Value = get(&format!("{path}/events"), &boss).await.json().await.unwrap();
    assert_eq!(
        (&events[2]["kind"], &events[2]["actor"]),
        (&json!("case.unmasked"), &json!("boss"))
    );
    assert_eq!(events[2]["data"]["file"], file["id"]);
    let log: Value = get("/v1/audit?limit=200", &root).await.json().await.unwrap();
    let rows = log["rows"].as_array().unwrap().iter();
    let who = |action: &str| {
        rows.clone().filter(|it| it["action"] == action).map(|it| it["actor"].clone()).collect()
    };
    let (read, unmasked): (Vec<Value>, Vec<Value>) =
        (who("personal_data.read"), who("personal_data.unmasked"));
    assert_eq!((read, unmasked), (vec![json!("agent")], vec![json!("boss")]));
}

async fn many_files_at_once(server: Server) {
    let path = case(&server).await;
    let files: Vec<Vec<u8>> = (0..6).map(|number| [PNG, &[number]].concat()).collect();
    let mut pending = tokio::task::JoinSet::new();
    let server = Arc::new(server);
    for bytes in files {
        let (server, path) = (Arc::clone(&server), path.clone());
        pending.spawn(async move { add(&server, &path, "图.png", &bytes).await });
    }
    pending.join_all().await;
    let case = server.get_json(&path).await;
    let files = server.get_json(&format!("{path}/evidence")).await;
    assert_eq!((&case["version"], files.as_array().unwrap().len()), (&json!(7), 6));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_come_at_once_are_all_kept_on_sqlite() {
    many_files_at_once(Server::start().await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_that_come_at_once_are_all_kept_on_postgres() {
    if let Some(server) = Server::start_on_postgres().await {
        many_files_at_once(server).await;
    }
}
