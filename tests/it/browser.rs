//! The console in a real browser: Chromium, driven with the keys and the clicks of people.
//! Without Debian's `chromium` and `chromium-driver` these tests say aloud that they were skipped.

use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, Stdio},
};

use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::console::reviews::{break_out, watching};
use crate::server::{Server, eventually, root, skipped};
use crate::v1::library::archive;

/// What the driver calls an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// A browser that ends with the test.
struct Browser {
    driver: Child,
    client: Client,
    session: String,
    address: String,
}

impl Drop for Browser {
    fn drop(&mut self) {
        // A driver that is killed leaves its browser behind, so the session is ended first.
        let (_, rest) = self.session.split_once("//").unwrap();
        let (host, path) = rest.split_once('/').unwrap();
        let mut stream = TcpStream::connect(host).unwrap();
        let close = format!("DELETE /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(close.as_bytes()).unwrap();
        // The answer comes when the browser is gone; the connection stays open.
        drop(stream.read(&mut [0; 1024]));
        self.driver.kill().unwrap();
        self.driver.wait().unwrap();
    }
}

impl Browser {
    /// Nothing without a driver.
    async fn start(server: &Server) -> Option<Self> {
        // The driver does not say in time which port it took, so it is given one that is free.
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let spawned = Command::new("chromedriver")
            .arg(format!("--port={port}"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(driver) = spawned else {
            skipped("in the browser: install chromium and chromium-driver");
            return None;
        };
        let status = format!("http://127.0.0.1:{port}/status");
        eventually("the driver", || async { reqwest::get(&status).await.is_ok() }).await;
        let client = Client::new();
        let options = json!({ "args": [
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--window-size=1280,800",
        ] });
        let wanted = json!({ "capabilities": { "alwaysMatch": {
            "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" },
        } } });
        let url = format!("http://127.0.0.1:{port}/session");
        let answer = client.post(&url).json(&wanted).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        let id = answer["value"]["sessionId"].as_str().unwrap_or_else(|| panic!("{answer}"));
        let session = format!("{url}/{id}");
        Some(Self { driver, client, session, address: server.url("") })
    }

    async fn call(&self, method: Method, command: &str, body: Option<Value>) -> Value {
        let value = self.ask(method, command, body).await;
        assert!(value["error"].is_null(), "{command}: {value}");
        value
    }

    async fn ask(&self, method: Method, command: &str, body: Option<Value>) -> Value {
        let mut request = self.client.request(method, format!("{}{command}", self.session));
        if let Some(body) = body {
            request = request.json(&body);
        }
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        answer["value"].clone()
    }

    async fn open(&self, path: &str) {
        let url = json!({ "url": format!("{}{path}", self.address) });
        self.call(Method::POST, "/url", Some(url)).await;
    }

    /// What a script returns.
    async fn run(&self, script: &str) -> Value {
        let body = json!({ "script": script, "args": [] });
        self.call(Method::POST, "/execute/sync", Some(body)).await
    }

    /// Presses keys wherever the cursor is.
    async fn press(&self, keys: &str) {
        let strokes = keys.chars().flat_map(|key| {
            [json!({ "type": "keyDown", "value": key }), json!({ "type": "keyUp", "value": key })]
        });
        let strokes: Vec<Value> = strokes.collect();
        self.act(&strokes).await;
    }

    /// Sends the form in which the cursor is.
    async fn press_control_enter(&self) {
        let stroke = |kind: &str, key: &str| json!({ "type": kind, "value": key });
        let (control, enter) = ("\u{e009}", "\u{e007}");
        self.act(&[
            stroke("keyDown", control),
            stroke("keyDown", enter),
            stroke("keyUp", enter),
            stroke("keyUp", control),
        ])
        .await;
    }

    async fn act(&self, strokes: &[Value]) {
        let body = json!({ "actions": [{ "type": "key", "id": "keys", "actions": strokes }] });
        self.call(Method::POST, "/actions", Some(body)).await;
    }

    async fn element(&self, css: &str) -> String {
        let body = json!({ "using": "css selector", "value": css });
        let found = self.call(Method::POST, "/element", Some(body)).await;
        found[ELEMENT].as_str().unwrap_or_else(|| panic!("no `{css}`: {found}")).to_owned()
    }

    async fn click(&self, css: &str) {
        let element = self.element(css).await;
        self.call(Method::POST, &format!("/element/{element}/click"), Some(json!({}))).await;
    }

    async fn write(&self, css: &str, text: &str) {
        let element = self.element(css).await;
        let path = format!("/element/{element}/clear");
        self.call(Method::POST, &path, Some(json!({}))).await;
        let path = format!("/element/{element}/value");
        self.call(Method::POST, &path, Some(json!({ "text": text }))).await;
    }

    /// The words that the page shows.
    async fn text(&self) -> String {
        let script = "return document.readyState === 'complete' ? document.body.innerText : ''";
        // Between two pages there is nothing to ask.
        let body = json!({ "script": script, "args": [] });
        let text = self.ask(Method::POST, "/execute/sync", Some(body)).await;
        text.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until the page shows these words.
    async fn sees(&self, words: &str) {
        eventually(words, || async { self.text().await.contains(words) }).await;
    }

    /// What the browser complained about.
    async fn complaints(&self) -> Vec<Value> {
        let log = self.call(Method::POST, "/se/log", Some(json!({ "type": "browser" }))).await;
        log.as_array().unwrap().iter().filter(|it| it["level"] != "INFO").cloned().collect()
    }
}

async fn receive(server: &Server, text: &str) -> Value {
    let body = json!({ "text": text, "channel": "chat", "customer": { "name": "王女士" } });
    server.submit("/v1/cases", &body).await.1
}

/// Texts of which the model is unsure, as many as are asked for.
async fn unsure(server: &Server, n: usize) -> Vec<String> {
    let texts = [
        "衣服买了三天快递没来，客服态度也差，钱也没退",
        "价格不对",
        "包装破了",
        "活动说好返现结果没有客服说系统问题",
    ];
    let mut ids = Vec::new();
    for text in texts {
        let case = receive(server, text).await;
        if case["needs_triage"] == true && case["category"].is_string() {
            ids.push(case["id"].as_str().unwrap().to_owned());
        }
    }
    assert!(n <= ids.len(), "the model is sure of too much");
    ids
}

#[tokio::test]
async fn cases_are_reviewed_by_keyboard_and_what_was_said_is_learned_from() {
    let server = Server::start().await;
    let Some(browser) = Browser::start(&server).await else { return };
    let waiting = unsure(&server, 3).await.len();
    let left = |n: usize| format!("还有 {n} 件");
    let corrections = async |nth: &str| {
        let href = format!("return document.querySelector('{nth}').getAttribute('href')");
        let path = browser.run(&href).await.as_str().unwrap().replace("/console", "/v1");
        server.get_json(&format!("{path}/corrections")).await
    };
    browser.open("/console/review").await;
    browser.sees(&left(waiting)).await;

    browser.press("y").await;
    browser.sees(&left(waiting - 1)).await;
    let said = corrections(".head a").await;
    assert_eq!((&said[0]["reason"], &said[0]["sure"]), (&json!("复核确认"), &json!(2)), "{said}");

    browser.press("c").await;
    browser.click("#correct input[name='labels.category'][value='logistics']").await;
    browser.write("#correct input[name=reason]", "其实是物流问题").await;
    browser.press_control_enter().await;
    browser.sees(&left(waiting - 2)).await;
    let said = corrections(".head a").await;
    assert_eq!(said[0]["labels"]["category"]["given"], json!(["logistics"]), "{said}");

    browser.press("e").await;
    browser.write("#escalate textarea[name=description]", "客户多次来电").await;
    browser.write("#escalate textarea[name=tried]", "解释无果").await;
    browser.write("#escalate textarea[name=expectation]", "退款").await;
    browser.press_control_enter().await;
    browser.sees("刚处理").await;
    assert_eq!(browser.complaints().await, Vec::<Value>::new());
}

#[tokio::test]
async fn an_escalation_that_lacks_an_element_comes_back_with_what_is_missing() {
    let server = Server::start().await;
    let Some(browser) = Browser::start(&server).await else { return };
    let case = receive(&server, "快递丢了，一直没收到包裹").await;
    browser.open(&format!("/console/cases/{}", case["id"].as_str().unwrap())).await;
    browser.press("e").await;
    browser.write("textarea[name=description]", "包裹遗失").await;
    browser.write("textarea[name=expectation]", "退款").await;
    browser.press_control_enter().await;
    browser.sees("还缺：已做处理及结果").await;
}

#[tokio::test]
async fn executives_decide_with_two_clicks() {
    let server = Server::start().await;
    let Some(browser) = Browser::start(&server).await else { return };
    let case = receive(&server, "你们卖的奶粉让我孩子住院了，医生说是食物中毒").await;
    let path = format!("/v1/cases/{}", case["id"].as_str().unwrap());
    let front = json!({ "name": "wang.fang", "role": "front_line" });
    for (version, step, mut body) in [
        (1, "acceptance", json!({ "contact_person": "王芳" })),
        (2, "assignment", json!({ "department": "安全应急部" })),
    ] {
        body["version"] = json!(version);
        body["by"] = front.clone();
        let (status, answer) = server.submit(&format!("{path}/{step}"), &body).await;
        assert!(status.is_success(), "{answer}");
    }
    browser.open("/console/executive").await;
    browser.click(".brief details.panel summary").await;
    browser.write(".brief details[open] textarea", "同意立即召回").await;
    browser.click(".brief details[open] button[type=submit]").await;
    eventually("it is decided", || async { server.get_json(&path).await["version"] != 3 }).await;
}

#[tokio::test]
async fn a_new_case_appears_without_a_reload() {
    let server = Server::start().await;
    let Some(browser) = Browser::start(&server).await else { return };
    let case = receive(&server, "快递丢了，一直没收到包裹").await;
    browser.open(&format!("/console/queues/{}", case["queue"].as_str().unwrap())).await;
    browser.run("window.same = true").await;
    browser.sees("快递丢了").await;
    receive(&server, "包裹显示签收可是我没有收到，快递员也不接电话").await;
    browser.sees("包裹显示签收").await;
    assert_eq!(browser.run("return window.same").await, true, "the page was not loaded anew");
}

#[tokio::test]
async fn an_archived_case_is_found_by_a_word_that_is_then_marked() {
    let server = Server::start().await;
    let Some(browser) = Browser::start(&server).await else { return };
    let object = json!({ "product": "喵呜机", "shop": "喵呜旗舰店" });
    let body = json!({ "text": "买的喵呜机快递丢了，没人管", "object": object });
    let (path, _) = archive(&server, &body, 399.0).await;
    browser.open("/console/library").await;
    browser.press("/").await;
    assert_eq!(browser.run("return document.activeElement.name").await, "q");
    browser.write("input[name=q]", "喵呜机").await;
    browser.press("\u{e007}").await;
    browser.sees("共 1 件").await;
    let marked = "return [...document.querySelectorAll('.entry mark')].map(it => it.textContent)";
    assert_eq!(browser.run(marked).await, json!(["喵呜机"]));
    browser.sees("全额退款").await;
    browser.click(".entry a").await;
    browser.sees("投诉内容").await;
    let place = browser.run("return location.pathname").await;
    assert_eq!(place.as_str().unwrap().replace("/console", "/v1"), path);
    assert_eq!(browser.complaints().await, Vec::<Value>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_alert_appears_without_a_reload_and_is_announced_elsewhere() {
    let server = Server::start_with(watching()).await;
    let Some(browser) = Browser::start(&server).await else { return };
    browser.open("/console/alerts").await;
    browser.run("window.same = true").await;
    browser.sees("一切正常").await;
    break_out(&server, "喵呜机").await;
    server.set_time("2026-11-09T09:20:00+08:00");
    browser.sees("喵呜机").await;
    assert_eq!(browser.run("return window.same").await, true, "the page was not loaded anew");
    browser.open("/console/models").await;
    browser.sees("现用模型").await;
    break_out(&server, "汪呜机").await;
    server.set_time("2026-11-09T09:40:00+08:00");
    browser.sees("有新的预警").await;
    browser.click("#live a").await;
    browser.sees("汪呜机").await;
    browser.click(".alert .primary").await;
    browser.sees("处理中").await;
    assert_eq!(browser.complaints().await, Vec::<Value>::new());
}

/// Every page, with a case of which there is a bit of everything.
async fn pages(server: &Server, text: &str) -> Vec<String> {
    let case = receive(server, text).await;
    let improvement = json!({
        "title": text, "department": text, "owner": text, "due_on": "2026-10-01", "note": text,
        "by": { "name": "li.lei", "role": "triage_lead" },
    });
    let (status, answer) = server.submit("/v1/improvements", &improvement).await;
    assert!(status.is_success(), "{answer}");
    let rules = server.get_json("/v1/rules").await;
    let queue = case["queue"].as_str().unwrap();
    vec![
        "/console/login".to_owned(),
        "/console/review".to_owned(),
        "/console/queues".to_owned(),
        format!("/console/queues/{queue}"),
        format!("/console/queues/{queue}?owner=-&channel=chat"),
        "/console/executive".to_owned(),
        format!("/console/cases/{}", case["id"].as_str().unwrap()),
        format!("/console/cases/{}?channel=email", case["id"].as_str().unwrap()),
        "/console/library?q=快递".to_owned(),
        "/console/statistics".to_owned(),
        "/console/alerts".to_owned(),
        "/console/improvements".to_owned(),
        "/console/models".to_owned(),
        format!("/console/models/rules/{}", rules["rules"][0]["id"].as_str().unwrap()),
        "/console/system".to_owned(),
    ]
}

#[tokio::test]
async fn no_page_makes_the_browser_complain_or_scroll_sideways() {
    let server = Server::start().await;
    let Some(browser) = Browser::start(&server).await else { return };
    let hostile = "<script>alert(1)</script><img src=x onerror=alert(2)>\u{202e}快递丢了\u{7}😡";
    let mut paths = pages(&server, hostile).await;
    paths.push("/console/nowhere".to_owned());
    for width in [1280, 390] {
        let size = json!({ "width": width, "height": 800 });
        browser.call(Method::POST, "/window/rect", Some(size)).await;
        for path in &paths {
            browser.open(path).await;
            let wide =
                browser.run("return document.documentElement.scrollWidth > innerWidth").await;
            assert_eq!(wide, false, "{path} at {width}");
            let mut complaints = browser.complaints().await;
            // That a page is not there is what the browser is told.
            complaints.retain(|it| !(path.ends_with("nowhere") && it["source"] == "network"));
            assert_eq!(complaints, Vec::<Value>::new(), "{path}");
        }
    }
}

/// axe-core from npm, when it can be had.
fn axe() -> Option<String> {
    let folder = root().join("target/axe");
    let script = folder.join("node_modules/axe-core/axe.min.js");
    if !script.exists() {
        std::fs::create_dir_all(&folder).unwrap();
        let install = Command::new("npm")
            .args(["install", "--no-audit", "--no-fund", "--silent", "--prefix"])
            .arg(&folder)
            .arg("axe-core@4")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        if !install.is_ok_and(|it| it.success()) {
            skipped("what axe-core checks: it cannot be installed here");
            return None;
        }
    }
    Some(std::fs::read_to_string(script).unwrap())
}

#[tokio::test]
async fn everybody_can_use_the_pages() {
    let server = Server::start().await;
    let Some(browser) = Browser::start(&server).await else { return };
    let Some(axe) = axe() else { return };
    unsure(&server, 1).await;
    let paths = pages(&server, "充电宝突然爆炸，手被烧伤了").await;
    let look = "return axe.run({ resultTypes: ['violations'] }).then(found => found.violations \
                .filter(it => it.impact === 'serious' || it.impact === 'critical') \
                .map(it => it.id + ': ' + it.nodes.map(node => node.html + ' ' + node.failureSummary).join('; ')))";
    for theme in ["light", "dark"] {
        let media = json!({ "cmd": "Emulation.setEmulatedMedia", "params": {
            "features": [{ "name": "prefers-color-scheme", "value": theme }],
        } });
        browser.call(Method::POST, "/goog/cdp/execute", Some(media)).await;
        for path in &paths {
            browser.open(path).await;
            browser.run(&axe).await;
            let found = browser.run(look).await;
            assert_eq!(found, json!([]), "{path} in {theme}");
        }
    }
}
