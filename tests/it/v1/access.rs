//! Who may do what: every route, with nobody, with every role and with keys, over HTTP; and what
//! each of them then sees.

use std::collections::HashSet;

use fenzhen::config::AuthMode;
use reqwest::{Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::server::{Server, Setup, problem};

const PASSWORD: &str = "correct horse battery staple";

const ROLES: [&str; 10] = [
    "intake",
    "front_line",
    "triage_lead",
    "escalation_team",
    "department_head",
    "service_director",
    "executive",
    "data_scientist",
    "administrator",
    "auditor",
];

/// What each role may, in the order of [`ROLES`]; then a key with the scope `classify`, one with
/// `intake`, one with `cases`, and one that may act for the front line.
const TABLE: &[(&str, &str, &str)] = &[
    ("POST", "/v1/classify", "yyyyyyyyyn ynnn"),
    ("POST", "/v1/classify/batch", "yyyyyyyyyn ynnn"),
    ("GET", "/v1/rules", "yyyyyyyyyy ynnn"),
    ("GET", "/v1/models", "yyyyyyyyyy ynnn"),
    ("POST", "/v1/cases", "yyyynnnnnn nynn"),
    ("GET", "/v1/cases", "yyyyyyyyny nyyn"),
    ("GET", "/v1/cases/{id}", "nyyyyynyny nnyn"),
    ("GET", "/v1/cases/{id}/events", "nyyyyynyny nnyn"),
    ("GET", "/v1/cases/{id}/progress", "nyyyyynyny nnyn"),
    ("GET", "/v1/cases/{id}/corrections", "nyyyyynyny nnyn"),
    ("POST", "/v1/cases/{id}/corrections", "nyyyyynnnn nnny"),
    ("POST", "/v1/cases/{id}/reroute", "nyyyyynnnn nnny"),
    ("POST", "/v1/cases/{id}/{step}", "nyyyyynnnn nnny"),
    ("POST", "/v1/cases/{id}/unmask", "nyyyyynnny nnny"),
    ("GET", "/v1/cases/{id}/messages", "nyyyyynyny nnyn"),
    ("POST", "/v1/cases/{id}/messages", "nyyyyynnnn nnny"),
    ("GET", "/v1/cases/{id}/evidence", "nyyyyynyny nnyn"),
    ("POST", "/v1/cases/{id}/evidence", "nyyyyynnnn nnny"),
    ("GET", "/v1/cases/{id}/evidence/{file}", "nyyynnnnnn nnnn"),
    ("POST", "/v1/cases/{id}/evidence/{file}/unmask", "nyyyyynnny nnny"),
    ("GET", "/v1/queues", "nyyyyyyyny nnyn"),
    ("GET", "/v1/queues/{queue}", "nyyyyynyny nnyn"),
    ("POST", "/v1/cases/{id}/joined/{submission}/separation", "nyyyyynnnn nnny"),
    ("GET", "/v1/cases/{id}/similar", "nyyyyynyny nnyn"),
    ("GET", "/v1/library", "nyyyyyyyny nnnn"),
    ("POST", "/v1/library/similar", "nyyyyyyyny nnnn"),
    ("GET", "/v1/stats", "nyyyyyyyny nnnn"),
    ("GET", "/v1/alerts", "nyyyyyyyny nnnn"),
    ("GET", "/v1/alerts/{id}", "nyyyyyyyny nnnn"),
    ("POST", "/v1/alerts/{id}", "nyyyyyynnn nnny"),
    ("GET", "/v1/improvements", "nyyyyyyyny nnnn"),
    ("POST", "/v1/improvements", "nyyyyyynnn nnny"),
    ("GET", "/v1/improvements/{id}", "nyyyyyyyny nnnn"),
    ("POST", "/v1/improvements/{id}", "nyyyyyynnn nnny"),
    ("POST", "/v1/privacy/exports", "nnnnnynnny nnnn"),
    ("POST", "/v1/privacy/erasures", "nnnnnynnnn nnnn"),
    ("GET", "/v1/audit", "nnnnnnnnyy nnnn"),
    ("GET", "/v1/keys", "nnnnnnnnyy nnnn"),
    ("POST", "/v1/keys", "nnnnnnnnyn nnnn"),
    ("POST", "/v1/keys/{id}/rotate", "nnnnnnnnyn nnnn"),
    ("DELETE", "/v1/keys/{id}", "nnnnnnnnyn nnnn"),
    ("GET", "/v1/users", "nnnnnnnnyy nnnn"),
    ("POST", "/v1/users", "nnnnnnnnyn nnnn"),
    ("PATCH", "/v1/users/{name}", "nnnnnnnnyn nnnn"),
    ("GET", "/v1/webhooks", "nnnnnnnnyn nnnn"),
    ("POST", "/v1/webhooks", "nnnnnnnnyn nnnn"),
    ("GET", "/v1/webhooks/{id}", "nnnnnnnnyn nnnn"),
    ("DELETE", "/v1/webhooks/{id}", "nnnnnnnnyn nnnn"),
    ("POST", "/v1/webhooks/{id}/rotate", "nnnnnnnnyn nnnn"),
    ("POST", "/v1/webhooks/{id}/enable", "nnnnnnnnyn nnnn"),
    ("POST", "/v1/webhooks/{id}/disable", "nnnnnnnnyn nnnn"),
    ("GET", "/v1/webhooks/{id}/dead-letters", "nnnnnnnnyn nnnn"),
    ("POST", "/v1/webhooks/{id}/dead-letters/replay", "nnnnnnnnyn nnnn"),
    ("GET", "/v1/gateways/{channel}/dead-letters", "nnnnnnnnyn nnnn"),
    ("POST", "/v1/gateways/{channel}/dead-letters/replay", "nnnnnnnnyn nnnn"),
    ("DELETE", "/v1/sessions", "yyyyyyyyyy nnnn"),
];

/// A service that lets nobody in who does not say who they are, with an administrator.
struct Guarded {
    server: Server,
    administrator: String,
}

impl Guarded {
    async fn start() -> Self {
        let mut setup = Setup::default();
        setup.http.access.auth = Some(AuthMode::Required);
        let server = Server::start_with_administrator(setup, "root.admin", PASSWORD).await;
        let administrator = log_in(&server, "root.admin").await;
        Self { server, administrator }
    }

    async fn post(&self, path: &str, token: &str, body: &Value) -> (StatusCode, Value) {
        let response = self.server.post(path).bearer_auth(token).json(body).send().await.unwrap();
        (response.status(), response.json().await.unwrap_or_default())
    }

    async fn get(&self, path: &str, token: &str) -> Value {
        let response = self.server.get(path).bearer_auth(token).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.unwrap()
    }

    /// A user with these roles, logged in.
    async fn user(&self, name: &str, roles: &[&str], queue: Option<&str>) -> String {
        let body = json!({
            "name": name, "display_name": "某人", "roles": roles, "queue": queue,
            "password": PASSWORD,
        });
        let (status, user) = self.post("/v1/users", &self.administrator, &body).await;
        assert_eq!(status, StatusCode::CREATED, "{user}");
        log_in(&self.server, name).await
    }

    async fn key(&self, name: &str, scopes: &[&str], act_as: &[&str]) -> Value {
        let body = json!({ "name": name, "scopes": scopes, "act_as": act_as });
        let (status, key) = self.post("/v1/keys", &self.administrator, &body).await;
        assert_eq!(status, StatusCode::CREATED, "{key}");
        key
    }
}

async fn log_in(server: &Server, name: &str) -> String {
    let body = json!({ "name": name, "password": PASSWORD });
    let (status, session) = server.submit("/v1/sessions", &body).await;
    assert_eq!(status, StatusCode::CREATED, "{session}");
    session["token"].as_str().unwrap().to_owned()
}

/// A request that finds nothing wrong with itself before it is asked who sends it.
fn request(server: &Server, method: &str, path: &str, case: &str) -> RequestBuilder {
    let path = path
        .replace("{id}", if path.starts_with("/v1/cases") { case } else { "0" })
        .replace("{queue}", "logistics")
        .replace("{name}", "nobody")
        .replace("{step}", "acceptance");
    let request = server.request(method.parse::<Method>().unwrap(), &path);
    if method == "POST" || method == "PATCH" { request.json(&json!({})) } else { request }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_is_for_those_of_the_table_and_for_nobody_else() {
    let guarded = Guarded::start().await;
    let server = &guarded.server;
    let intake = guarded.key("crm", &["intake"], &[]).await;
    let complaint = json!({ "text": "快递丢了，一直没收到包裹", "channel": "chat" });
    let crm = intake["key"].as_str().unwrap();
    let (_, case) = guarded.post("/v1/cases", crm, &complaint).await;
    let case = case["id"].as_str().unwrap();
    let mut wrong = Vec::new();
    let mut tokens = Vec::new();
    for role in ROLES {
        tokens.push((role, guarded.user(&role.replace('_', "."), &[role], None).await));
    }
    let other = guarded.key("other-crm", &["intake"], &[]).await;
    for (name, key) in [
        ("classify", guarded.key("k1", &["classify"], &[]).await),
        ("intake", other),
        ("cases", guarded.key("k3", &["cases"], &[]).await),
        ("for front line", guarded.key("k4", &[], &["front_line"]).await),
    ] {
        tokens.push((name, key["key"].as_str().unwrap().to_owned()));
    }
    for (method, path, expected) in TABLE {
        let nobody = request(server, method, path, case).send().await.unwrap();
        problem(nobody, StatusCode::UNAUTHORIZED).await;
        let expected: Vec<char> = expected.chars().filter(|c| *c != ' ').collect();
        for ((who, token), expected) in tokens.iter_mut().zip(expected) {
            let response =
                request(server, method, path, case).bearer_auth(&*token).send().await.unwrap();
            let status = response.status();
            let refused = [StatusCode::UNAUTHORIZED, StatusCode::FORBIDDEN].contains(&status);
            if refused == (expected == 'y') || status.is_server_error() {
                wrong.push(format!("{method} {path} as {who}: {status}"));
            }
            if (*method, *path) == ("DELETE", "/v1/sessions") && expected == 'y' {
                *token = String::new();
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn every_documented_route_is_in_the_table() {
    let server = Server::start().await;
    let document = server.get_json("/openapi.json").await;
    assert_eq!(document["security"], json!([{ "bearer": [] }]));
    let mut documented = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        documented.extend(methods.as_object().unwrap().keys().map(|it| (it.to_uppercase(), path)));
    }
    let known: HashSet<_> = TABLE.iter().map(|row| (row.0, row.1)).collect();
    let is_known =
        |(method, path): &&(String, &String)| known.contains(&(method.as_str(), path.as_str()));
    // Logging in is for everybody.
    let missing: Vec<_> =
        documented.iter().filter(|it| !is_known(it) && it.1 != "/v1/sessions").collect();
    assert!(missing.is_empty(), "no row in this table: {missing:?}");
}

#[tokio::test]
async fn a_key_is_rotated_with_an_overlap_and_revoked_at_once() {
    let guarded = Guarded::start().await;
    let old = guarded.key("crm", &["classify"], &[]).await;
    let (id, old) = (old["id"].as_str().unwrap(), old["key"].as_str().unwrap());
    let complaint = json!({ "text": "快递丢了" });
    let classify = async |token: &str| guarded.post("/v1/classify", token, &complaint).await.0;
    assert_eq!(classify(old).await, StatusCode::OK);
    let path = format!("/v1/keys/{id}/rotate");
    let (status, new) =
        guarded.post(&path, &guarded.administrator, &json!({ "overlap_s": 600 })).await;
    assert_eq!((status, &new["replaces"]), (StatusCode::CREATED, &json!(id)));
    let new_key = new["key"].as_str().unwrap();
    assert_eq!((classify(old).await, classify(new_key).await), (StatusCode::OK, StatusCode::OK));
    guarded.server.set_time("2026-11-09T09:10:01+08:00");
    assert_eq!(classify(old).await, StatusCode::UNAUTHORIZED);
    assert_eq!(classify(new_key).await, StatusCode::OK);
    let path = format!("/v1/keys/{}", new["id"].as_str().unwrap());
    let revoke = guarded.server.request(Method::DELETE, &path).bearer_auth(&guarded.administrator);
    assert_eq!(revoke.send().await.unwrap().status(), StatusCode::NO_CONTENT);
    assert_eq!(classify(new_key).await, StatusCode::UNAUTHORIZED);
    let keys = guarded.get("/v1/keys", &guarded.administrator).await;
    assert!(keys.as_array().unwrap().iter().all(|key| key["key"].is_null()), "{keys}");
    assert_eq!(keys[0]["last_used_at"], "2026-11-09T01:00:00Z");
}

#[tokio::test]
async fn who_has_logged_in_is_who_acts() {
    let guarded = Guarded::start().await;
    let agent = guarded.user("wang.fang", &["front_line", "triage_lead"], None).await;
    let complaint = json!({ "text": "快递丢了", "channel": "chat" });
    let (_, case) = guarded.post("/v1/cases", &agent, &complaint).await;
    let path = format!("/v1/cases/{}", case["id"].as_str().unwrap());
    let step = format!("{path}/acceptance");
    let by = |name: &str, role: &str| {
        let by = json!({ "name": name, "role": role });
        json!({ "version": 1, "contact_person": "王芳", "by": by })
    };
    for wrong in [by("li.lei", "front_line"), by("wang.fang", "executive")] {
        let (status, refused) = guarded.post(&step, &agent, &wrong).await;
        assert_eq!(status, StatusCode::FORBIDDEN, "{refused}");
    }
    let unsigned = json!({ "version": 1, "contact_person": "王芳" });
    let (status, accepted) = guarded.post(&step, &agent, &unsigned).await;
    assert_eq!(status, StatusCode::OK, "{accepted}");
    let system = guarded.key("desk", &["cases"], &["front_line"]).await;
    let system = system["key"].as_str().unwrap();
    let step = format!("{path}/assignment");
    let by = |role: &str| {
        let by = json!({ "name": "zhao.min", "role": role });
        json!({ "version": 2, "department": "物流合作部", "by": by })
    };
    assert_eq!(guarded.post(&step, system, &by("executive")).await.0, StatusCode::FORBIDDEN);
    assert_eq!(guarded.post(&step, system, &by("front_line")).await.0, StatusCode::OK);
    let events = guarded.get(&format!("{path}/events"), &agent).await;
    let who: Vec<_> = events
        .as_array()
        .unwrap()
        .iter()
        .map(|it| format!("{}:{}", it["role"].as_str().unwrap(), it["actor"].as_str().unwrap()))
        .collect();
    assert_eq!(who, ["triage_lead:wang.fang", "triage_lead:wang.fang", "front_line:zhao.min"]);
}

#[tokio::test]
async fn everybody_sees_the_cases_that_are_theirs() {
    let guarded = Guarded::start().await;
    let key = guarded.key("crm", &["intake"], &[]).await;
    let crm = key["key"].as_str().unwrap();
    let other = guarded.key("hotline", &["intake"], &[]).await;
    let other = other["key"].as_str().unwrap();
    let mut ids = Vec::new();
    for text in ["快递丢了，一直没收到包裹", "充电宝突然爆炸，手被烧伤了"]
    {
        let body = json!({ "text": text, "channel": "chat" });
        let (_, case) = guarded.post("/v1/cases", crm, &body).await;
        ids.push((case["id"].as_str().unwrap().to_owned(), case["queue"].clone()));
    }
    assert_eq!(ids[1].1, "executive");
    let queue = ids[0].1.as_str().unwrap();
    let of_queue = guarded.user("agent.a", &["front_line"], Some(queue)).await;
    let boss = guarded.user("boss.b", &["executive"], None).await;
    let lead = guarded.user("lead.c", &["triage_lead"], None).await;
    for (token, expected) in [
        (crm, [true, true]),
        (other, [false, false]),
        (&of_queue, [true, false]),
        (&boss, [false, true]),
        (&lead, [true, true]),
    ] {
        let page = guarded.get("/v1/cases", token).await;
        let listed = page["cases"].to_string();
        for ((id, _), expected) in ids.iter().zip(expected) {
            assert_eq!(listed.contains(id.as_str()), expected);
            let path = format!("/v1/cases/{id}/progress");
            let response = guarded.server.get(&path).bearer_auth(token).send().await.unwrap();
            assert_eq!(response.status() == StatusCode::OK, expected, "{}", response.status());
        }
    }
    let queues = guarded.get("/v1/queues", &of_queue).await;
    assert_eq!(queues["queues"].as_array().unwrap().len(), 1);
    let path = "/v1/queues/executive";
    let refused = guarded.server.get(path).bearer_auth(&of_queue).send().await.unwrap();
    problem(refused, StatusCode::FORBIDDEN).await;
}

#[tokio::test]
async fn personal_data_is_for_those_who_need_it_and_every_reading_is_noted() {
    let guarded = Guarded::start().await;
    let key = guarded.key("crm", &["intake"], &[]).await;
    let body = json!({
        "text": "我叫李雷，电话13812341234，快递丢了", "channel": "chat",
        "customer": { "id": "c-9", "name": "李雷", "contact": "li@example.cn" },
    });
    let (_, case) = guarded.post("/v1/cases", key["key"].as_str().unwrap(), &body).await;
    let path = format!("/v1/cases/{}", case["id"].as_str().unwrap());
    assert_eq!(
        case["elements"]["customer_name"], "李*",
        "a key sees names with a scope of its own"
    );
    let agent = guarded.user("agent", &["front_line"], None).await;
    let scientist = guarded.user("scientist", &["data_scientist"], None).await;
    let auditor = guarded.user("auditor", &["auditor"], None).await;
    let clear = guarded.get(&path, &agent).await;
    assert_eq!(clear["elements"]["customer_contact"], "li@example.cn");
    for token in [&scientist, &auditor] {
        let masked = guarded.get(&path, token).await;
        assert_eq!(masked["text"], "我叫李*，电话138****1234，快递丢了");
        assert!(!masked.to_string().contains("李雷"), "{masked}");
    }
    let unmask = format!("{path}/unmask");
    let reason = json!({ "reason": "核查13812341234的投诉" });
    assert_eq!(guarded.post(&unmask, &scientist, &reason).await.0, StatusCode::FORBIDDEN);
    let (status, _) = guarded.post(&unmask, &auditor, &json!({})).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "there must be a reason");
    let (status, clear) = guarded.post(&unmask, &auditor, &reason).await;
    assert_eq!((status, &clear["text"]), (StatusCode::OK, &body["text"]));
    let events = guarded.get(&format!("{path}/events"), &auditor).await;
    assert_eq!(events[1]["kind"], "case.unmasked");
    assert_eq!(events[1]["data"]["reason"], "核查138****1234的投诉");
    let id = case["id"].as_str().unwrap();
    let log = guarded.get(&format!("/v1/audit?subject={id}"), &auditor).await;
    let rows: Vec<_> = log["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| (row["actor"].as_str().unwrap(), row["action"].as_str().unwrap()))
        .collect();
    assert_eq!(rows, [("agent", "personal_data.read"), ("auditor", "personal_data.unmasked")]);
    assert!(!guarded.get("/v1/audit?limit=200", &auditor).await.to_string().contains("李雷"));
    let progress = guarded.get(&format!("{path}/progress"), &agent).await;
    assert_eq!(progress["stage"], "received", "an unmasking leaves the case where it is");
}

#[tokio::test]
async fn log_ins_are_throttled_and_sessions_end() {
    let guarded = Guarded::start().await;
    let server = &guarded.server;
    let token = guarded.user("li.lei", &["front_line"], None).await;
    let wrong = json!({ "name": "li.lei", "password": "wrong horse battery" });
    for _ in 0..5 {
        let response = server.post("/v1/sessions").json(&wrong).send().await.unwrap();
        problem(response, StatusCode::UNAUTHORIZED).await;
    }
    let right = json!({ "name": "li.lei", "password": PASSWORD });
    let response = server.post("/v1/sessions").json(&right).send().await.unwrap();
    assert_eq!(response.headers()["retry-after"], "31");
    problem(response, StatusCode::TOO_MANY_REQUESTS).await;
    server.set_time("2026-11-09T09:00:31+08:00");
    assert_eq!(server.submit("/v1/sessions", &right).await.0, StatusCode::CREATED);
    let get = async |token: &str| {
        server.get("/v1/queues").bearer_auth(token).send().await.unwrap().status()
    };
    assert_eq!(get(&token).await, StatusCode::OK);
    server.set_time("2026-11-09T09:31:00+08:00");
    assert_eq!(get(&token).await, StatusCode::UNAUTHORIZED, "it was idle for half an hour");
    let token = log_in(server, "li.lei").await;
    let administrator = log_in(server, "root.admin").await;
    let change = server.request(Method::PATCH, "/v1/users/li.lei").bearer_auth(&administrator);
    let changed = change.json(&json!({ "disabled": true })).send().await.unwrap();
    assert_eq!(changed.status(), StatusCode::OK);
    assert_eq!(get(&token).await, StatusCode::UNAUTHORIZED, "the user is shut out");
    assert_eq!(server.submit("/v1/sessions", &right).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn an_open_service_still_knows_those_who_say_who_they_are() {
    let server = Server::start_with_administrator(Setup::default(), "root.admin", PASSWORD).await;
    let token = log_in(&server, "root.admin").await;
    let cases = async |token: Option<&str>| {
        let request = server.get("/v1/cases");
        let request = if let Some(token) = token { request.bearer_auth(token) } else { request };
        request.send().await.unwrap().status()
    };
    assert_eq!(cases(None).await, StatusCode::OK);
    assert_eq!(cases(Some(&token)).await, StatusCode::FORBIDDEN, "an administrator reads no cases");
    assert_eq!(cases(Some("fz_nonsense")).await, StatusCode::UNAUTHORIZED);
}
