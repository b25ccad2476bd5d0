//! The console's pages and forms over HTTP, as a browser sends them.

mod contact;
mod knowledge;
pub(crate) mod reviews;
mod work;

use std::{
    fmt::Write,
    io::{BufRead, BufReader},
    process::{Command, Stdio},
};

use fenzhen::config::AuthMode;
use reqwest::{Client, Response, StatusCode, redirect::Policy};
use serde_json::{Value, json};

use crate::server::{Server, Setup, root, test_models};

const PASSWORD: &str = "correct horse battery staple";

/// Opens a page, which must be there.
async fn page(server: &Server, path: &str) -> String {
    read(server.get(path).send().await.unwrap(), path).await
}

/// A page that must be there, small, and free of what its policy forbids.
async fn read(response: Response, path: &str) -> String {
    assert_eq!(response.status(), StatusCode::OK, "{path}");
    let policy = response.headers()["content-security-policy"].to_str().unwrap().to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let html = response.text().await.unwrap();
    assert!(html.len() < 150_000, "{path} has {} bytes", html.len());
    assert!(!html.contains("style=") && !html.contains(" onclick"), "{path} has something inline");
    html
}

/// The token that the forms of a page carry.
fn csrf(html: &str) -> String {
    let after = html.split(r#"name="csrf" value=""#).nth(1).expect("a form with a token");
    after.split('"').next().unwrap().to_owned()
}

async fn send(server: &Server, path: &str, fields: &[(&str, &str)]) -> (StatusCode, String) {
    let request = server.post(path).header("content-type", "application/x-www-form-urlencoded");
    let response = request.body(encode(fields)).send().await.unwrap();
    (response.status(), response.text().await.unwrap())
}

fn encode(fields: &[(&str, &str)]) -> String {
    let pairs = fields.iter().map(|(name, value)| format!("{name}={}", percent(value)));
    pairs.collect::<Vec<_>>().join("&")
}

fn percent(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        write!(escaped, "%{byte:02X}").unwrap();
    }
    escaped
}

async fn receive(server: &Server, text: &str) -> (String, Value) {
    let body = json!({ "text": text, "channel": "chat", "customer": { "name": "王女士" } });
    let (status, case) = server.submit("/v1/cases", &body).await;
    assert_eq!(status, StatusCode::CREATED, "{case}");
    (case["id"].as_str().unwrap().to_owned(), case)
}

/// A text of which the model is unsure.
async fn unsure(server: &Server) -> String {
    for text in ["衣服买了三天快递没来，客服态度也差，钱也没退", "价格不对", "包装破了"]
    {
        let (id, case) = receive(server, text).await;
        if case["needs_triage"] == true && case["category"].is_string() {
            return id;
        }
    }
    panic!("the model is sure of everything");
}

#[tokio::test]
async fn a_lead_confirms_a_case_with_one_form_and_it_leaves_the_desk() {
    let server = Server::start().await;
    let id = unsure(&server).await;
    let review = page(&server, "/console/review").await;
    assert!(review.contains("最急的在前"), "{review}");
    let fields = [("csrf", &*csrf(&review)), ("n:version", "1"), ("back", "/console/review")];
    let (status, _) = send(&server, &format!("/console/cases/{id}/confirm"), &fields).await;
    assert_eq!(status, StatusCode::OK, "the browser follows to the next case");
    let case = server.get_json(&format!("/v1/cases/{id}")).await;
    assert_eq!(case["needs_triage"], false);
    assert_ne!(case["queue"], "triage_desk");
    let corrections = server.get_json(&format!("/v1/cases/{id}/corrections")).await;
    assert_eq!(corrections[0]["sure"], 2, "it is learning data now");
}

#[tokio::test]
async fn a_form_without_the_token_of_its_page_changes_nothing() {
    let server = Server::start().await;
    let (id, _) = receive(&server, "快递丢了").await;
    for token in ["", "0123456789abcdef0123456789abcdef"] {
        let fields = [("csrf", token), ("n:version", "1")];
        let (status, _) = send(&server, &format!("/console/cases/{id}/confirm"), &fields).await;
        assert_eq!(status, StatusCode::FORBIDDEN);
    }
    assert_eq!(server.get_json(&format!("/v1/cases/{id}")).await["version"], 1);
}

#[tokio::test]
async fn an_escalation_that_lacks_an_element_says_which_in_chinese() {
    let server = Server::start().await;
    let (id, _) = receive(&server, "快递丢了，一直没收到包裹").await;
    let html = page(&server, &format!("/console/cases/{id}")).await;
    let token = csrf(&html);
    let path = format!("/console/cases/{id}/steps/escalations");
    let mut fields = vec![
        ("csrf", &*token),
        ("n:version", "1"),
        ("n:to", "2"),
        ("customer", "王女士"),
        ("description", "包裹遗失"),
        ("tried", ""),
        ("expectation", "退款"),
    ];
    let (status, html) = send(&server, &path, &fields).await;
    assert_eq!(status, StatusCode::OK);
    assert!(html.contains("还缺：已做处理及结果"), "{html}");
    fields[5].1 = "催件无果";
    let (_, html) = send(&server, &path, &fields).await;
    assert!(!html.contains(r#"role="alert""#), "{html}");
    assert_eq!(server.get_json(&format!("/v1/cases/{id}")).await["tier"], 2);
}

#[tokio::test]
async fn who_has_read_an_old_version_is_shown_the_new_one() {
    let server = Server::start().await;
    let (id, _) = receive(&server, "快递丢了").await;
    let token = csrf(&page(&server, &format!("/console/cases/{id}")).await);
    let path = format!("/console/cases/{id}/steps/acceptance");
    let fields = [("csrf", &*token), ("n:version", "1"), ("contact_person", "王芳")];
    send(&server, &path, &fields).await;
    let (_, html) = send(&server, &path, &fields).await;
    assert!(html.contains("刚被他人更新"), "{html}");
}

#[tokio::test]
async fn hostile_texts_are_harmless_on_every_page() {
    let server = Server::start().await;
    let long = "退".repeat(33_000);
    let texts = [
        "<script>alert(1)</script><img src=x onerror=alert(2)>\"'&",
        "\u{202e}}退款\u{2066}\u{7}\u{1b}[31m 商品坏了",
        "😡👨‍👩‍👧‍👦🏴‍☠️ 商品坏了 😡😡😡",
        &long,
    ];
    for text in texts {
        let (id, case) = receive(&server, text).await;
        let queue = case["queue"].as_str().unwrap().to_owned();
        for path in [
            "/console/review".to_owned(),
            "/console/queues".to_owned(),
            "/console/executive".to_owned(),
            format!("/console/queues/{queue}"),
            format!("/console/cases/{id}"),
        ] {
            let html = page(&server, &path).await;
            assert!(!html.contains("<script>alert") && !html.contains("<img"), "{path}");
            assert!(!html.contains(['\u{202e}', '\u{2066}', '\0', '\u{1b}']), "{path}");
        }
    }
}

#[tokio::test]
async fn chosen_cases_go_to_another_queue_together() {
    let server = Server::start().await;
    let (one, case) = receive(&server, "快递丢了，一直没收到包裹").await;
    let (other, _) = receive(&server, "快递三天没送到，物流信息不动了").await;
    let path = format!("/console/queues/{}", case["queue"].as_str().unwrap());
    let token = csrf(&page(&server, &path).await);
    let (one_version, other_version) = (format!("{one}:1"), format!("{other}:1"));
    let fields = [
        ("csrf", &*token),
        ("case", &*one_version),
        ("case", &*other_version),
        ("queue", "customer_service"),
        ("reason", "客服先联系"),
    ];
    let (status, _) = send(&server, "/console/queues/reroute", &fields).await;
    assert_eq!(status, StatusCode::OK);
    for id in [one, other] {
        let case = server.get_json(&format!("/v1/cases/{id}")).await;
        assert_eq!(case["queue"], "customer_service");
    }
}

#[tokio::test]
async fn files_of_the_console_are_kept_by_browsers_and_pages_are_not() {
    let server = Server::start().await;
    let html = page(&server, "/console/queues").await;
    let style = html.split(r#"rel="stylesheet" href=""#).nth(1).unwrap();
    let style = style.split('"').next().unwrap();
    let file = server.get(style).send().await.unwrap();
    assert!(file.headers()["cache-control"].to_str().unwrap().contains("immutable"));
    let page = server.get("/console/queues").send().await.unwrap();
    assert_eq!(page.headers()["cache-control"], "no-store");
}

#[tokio::test]
async fn a_text_is_tried_on_model_and_rules_and_not_kept() {
    let server = Server::start().await;
    let token = csrf(&page(&server, "/console/models").await);
    let fields = [("csrf", &*token), ("text", "充电宝突然爆炸，手被烧伤了")];
    let (status, html) = send(&server, "/console/models/try", &fields).await;
    assert_eq!(status, StatusCode::OK);
    assert!(html.contains("须高层评审"), "{html}");
    assert_eq!(server.get_json("/v1/cases").await["cases"], json!([]));
}

/// A service with a log-in, and a browser that keeps its cookie and follows nothing by itself.
struct Guarded {
    server: Server,
    browser: Client,
    administrator: String,
}

impl Guarded {
    async fn start() -> Self {
        let mut setup = Setup::default();
        setup.http.access.auth = Some(AuthMode::Required);
        let server = Server::start_with_administrator(setup, "root.admin", PASSWORD).await;
        let browser = Client::builder().redirect(Policy::none()).build().unwrap();
        let mut guarded = Self { server, browser, administrator: String::new() };
        guarded.administrator = guarded.log_in("root.admin").await;
        guarded
    }

    /// The cookie of a session.
    async fn log_in(&self, name: &str) -> String {
        let fields = [("name", name), ("password", PASSWORD)];
        let response = self.send("/console/login", "", &fields).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        let cookie = response.headers()["set-cookie"].to_str().unwrap();
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Strict"), "{cookie}");
        cookie.split(';').next().unwrap().to_owned()
    }

    /// The cookie of somebody new.
    async fn person(&self, name: &str, role: &str, queue: Option<&str>) -> String {
        let body = json!({
            "name": name, "display_name": "某人", "roles": [role], "queue": queue,
            "password": PASSWORD,
        });
        let token = self.administrator.split_once('=').unwrap().1;
        let response = self.server.post("/v1/users").bearer_auth(token).json(&body).send().await;
        assert_eq!(response.unwrap().status(), StatusCode::CREATED);
        self.log_in(name).await
    }

    async fn get(&self, path: &str, cookie: &str) -> Response {
        let url = self.server.url(path);
        self.browser.get(url).header("cookie", cookie).send().await.unwrap()
    }

    async fn send(&self, path: &str, cookie: &str, fields: &[(&str, &str)]) -> Response {
        let request = self.browser.post(self.server.url(path)).header("cookie", cookie);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.body(encode(fields)).send().await.unwrap()
    }

    /// A case that somebody has handed in.
    async fn case(&self, cookie: &str, body: &Value) -> Value {
        let token = cookie.split_once('=').unwrap().1;
        let request = self.server.post("/v1/cases").bearer_auth(token).json(body);
        request.send().await.unwrap().json().await.unwrap()
    }
}

#[tokio::test]
async fn who_has_not_logged_in_sees_the_log_in_and_a_wrong_password_opens_nothing() {
    let guarded = Guarded::start().await;
    for path in ["/console", "/console/queues", "/console/review", "/console/live"] {
        let response = guarded.get(path, "").await;
        assert_eq!(response.headers()["location"], "/console/login", "{path}");
    }
    let fields = [("name", "root.admin"), ("password", "correct horse battery stable")];
    let response = guarded.send("/console/login", "", &fields).await;
    assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    assert!(!response.headers().contains_key("set-cookie"));
    assert!(response.text().await.unwrap().contains("用户名或密码不对"));
}

#[tokio::test]
async fn who_has_logged_out_is_out() {
    let guarded = Guarded::start().await;
    let cookie = guarded.person("li.lei", "triage_lead", None).await;
    let html = read(guarded.get("/console/queues", &cookie).await, "/console/queues").await;
    guarded.send("/console/logout", &cookie, &[("csrf", &csrf(&html))]).await;
    let response = guarded.get("/console/queues", &cookie).await;
    assert_eq!(response.headers()["location"], "/console/login");
}

#[tokio::test]
async fn what_another_site_sends_is_refused_even_with_the_right_token() {
    let guarded = Guarded::start().await;
    let cookie = guarded.person("li.lei", "triage_lead", None).await;
    let html = read(guarded.get("/console/queues", &cookie).await, "/console/queues").await;
    let url = guarded.server.url("/console/logout");
    let request = guarded.browser.post(url).header("cookie", &cookie);
    let request = request.header("sec-fetch-site", "cross-site");
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let response = request.body(encode(&[("csrf", &csrf(&html))])).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    assert_eq!(guarded.get("/console/queues", &cookie).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn pages_are_for_those_whose_they_are() {
    let guarded = Guarded::start().await;
    let lead = guarded.person("li.lei", "triage_lead", None).await;
    let body = json!({ "text": "快递丢了，一直没收到包裹", "channel": "chat" });
    let case = guarded.case(&lead, &body).await;
    let (id, queue) = (case["id"].as_str().unwrap(), case["queue"].as_str().unwrap());
    let case_page = format!("/console/cases/{id}");
    let queue_page = format!("/console/queues/{queue}");
    // Lead, front line of another queue, executive, administrator, auditor.
    let table = [
        ("/console/review", [true, false, false, false, true]),
        ("/console/queues", [true, true, true, false, true]),
        (&queue_page, [true, false, false, false, true]),
        ("/console/executive", [true, false, true, false, true]),
        (&case_page, [true, false, false, false, true]),
        ("/console/models", [true, true, true, true, true]),
    ];
    let people = [
        lead,
        guarded.person("wang.fang", "front_line", Some("finance_pricing")).await,
        guarded.person("zhou.yi", "executive", None).await,
        guarded.administrator.clone(),
        guarded.person("xu.ning", "auditor", None).await,
    ];
    for (path, expected) in table {
        for (cookie, expected) in people.iter().zip(expected) {
            let status = guarded.get(path, cookie).await.status();
            let wanted = if expected { StatusCode::OK } else { StatusCode::FORBIDDEN };
            assert_eq!(status, wanted, "{path} for {cookie}");
        }
    }
    let auditor = people.last().unwrap();
    let html = read(guarded.get(&case_page, auditor).await, &case_page).await;
    let fields = [("csrf", &*csrf(&html)), ("n:version", "1")];
    let response = guarded.send(&format!("{case_page}/confirm"), auditor, &fields).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN, "auditors change nothing");
}

#[tokio::test]
async fn whose_case_it_is_stays_hidden_until_somebody_says_why_they_must_know() {
    let guarded = Guarded::start().await;
    let lead = guarded.person("li.lei", "triage_lead", None).await;
    let head = guarded.person("chen.jie", "department_head", None).await;
    let body = json!({
        "text": "我叫王小明，快递丢了，请联系王小明13812341234", "channel": "chat",
        "customer": { "name": "王小明", "contact": "13812341234" },
    });
    let case = guarded.case(&lead, &body).await;
    let path = format!("/console/cases/{}", case["id"].as_str().unwrap());
    let clear = read(guarded.get(&path, &lead).await, &path).await;
    assert!(clear.contains("13812341234") && clear.contains("王小明"));
    let masked = read(guarded.get(&path, &head).await, &path).await;
    assert!(!masked.contains("13812341234") && !masked.contains("王小明"), "{masked}");
    let token = csrf(&masked);
    let unmask = format!("{path}/unmask");
    let without = guarded.send(&unmask, &head, &[("csrf", &token), ("reason", "")]).await;
    assert!(!without.text().await.unwrap().contains("13812341234"));
    let fields = [("csrf", &*token), ("reason", "需要回电核实")];
    let shown = guarded.send(&unmask, &head, &fields).await.text().await.unwrap();
    assert!(shown.contains("13812341234"));
    assert!(shown.contains("查看个人信息") && shown.contains("需要回电核实"), "it is an event");
    let audit = guarded.server.get("/v1/audit?limit=200");
    let audit = audit.bearer_auth(guarded.administrator.split_once('=').unwrap().1);
    let audit = audit.send().await.unwrap().text().await.unwrap();
    for action in ["personal_data.read", "personal_data.unmasked"] {
        assert!(audit.contains(action), "{action}: {audit}");
    }
}

#[tokio::test]
async fn a_first_start_tells_a_password_that_is_good_for_nothing_but_to_choose_another() {
    let folder = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}/cases.sqlite", folder.path().display());
    let mut service = Command::new(env!("CARGO_BIN_EXE_fenzhen"))
        .env("FENZHEN_MODELS", test_models())
        .args(["serve", "--listen", "127.0.0.1:0", "--auth", "required", "--log", "off"])
        .args(["--database", &database])
        .current_dir(root())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(service.stderr.take().unwrap()).lines();
    let mut line = || lines.next().unwrap().unwrap();
    let address = line().strip_prefix("fenzhen listens on ").unwrap().to_owned();
    let told = std::iter::repeat_with(line).take(2).last().unwrap();
    let quoted: Vec<&str> = told.split('`').collect();
    let (name, password) = (quoted[1], quoted[3]);
    // Nothing here is encrypted, but the client wants to know what would do it.
    drop(rustls::crypto::ring::default_provider().install_default());
    let browser = Client::builder().redirect(Policy::none()).build().unwrap();
    let post = async |path: &str, cookie: &str, fields: &[(&str, &str)]| {
        let request = browser.post(format!("{address}{path}")).header("cookie", cookie);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.body(encode(fields)).send().await.unwrap()
    };
    let get = async |path: &str, cookie: &str| {
        browser.get(format!("{address}{path}")).header("cookie", cookie).send().await.unwrap()
    };
    let entered = post("/console/login", "", &[("name", name), ("password", password)]).await;
    let cookie = entered.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap();
    let elsewhere = get("/console/models", cookie).await;
    assert_eq!(elsewhere.headers()["location"], "/console/password");
    let token = cookie.split_once('=').unwrap().1;
    let api = browser.get(format!("{address}/v1/users")).bearer_auth(token).send().await.unwrap();
    assert_eq!(api.status(), StatusCode::FORBIDDEN);
    let html = get("/console/password", cookie).await.text().await.unwrap();
    let fields = [("csrf", &*csrf(&html)), ("password", PASSWORD), ("again", PASSWORD)];
    assert_eq!(post("/console/password", cookie, &fields).await.status(), StatusCode::SEE_OTHER);
    let again = post("/console/login", "", &[("name", name), ("password", PASSWORD)]).await;
    let cookie = again.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap();
    assert_eq!(get("/console/models", cookie).await.status(), StatusCode::OK);
    service.kill().unwrap();
    service.wait().unwrap();
}

#[tokio::test]
async fn what_was_reviewed_and_stays_with_the_desk_is_not_reviewed_again() {
    let server = Server::start().await;
    let (id, case) = receive(&server, "那个事情到底怎么说").await;
    assert_eq!((&case["category"], &case["queue"]), (&json!("other"), &json!("triage_desk")));
    let review = page(&server, "/console/review").await;
    let fields = [("csrf", &*csrf(&review)), ("n:version", "1"), ("back", "/console/review")];
    let (_, next) = send(&server, &format!("/console/cases/{id}/confirm"), &fields).await;
    assert_eq!(server.get_json(&format!("/v1/cases/{id}")).await["queue"], "triage_desk");
    assert!(next.contains("都复核完了"), "{next}");
}
