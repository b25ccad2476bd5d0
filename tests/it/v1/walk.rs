//! A case that is walked through its life over HTTP, with everything that happens around it: other
//! customers who complain of the same, files that prove something, messages that go out.

use fenzhen::config::WorkConfig;
use jiff::{SignedDuration, Timestamp};
use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::receiver::Receiver;
use crate::server::{Server, Setup, eventually, problem};

pub(super) const AGENT: (&str, &str) = ("wang.fang", "front_line");
pub(super) const LEAD: (&str, &str) = ("li.lei", "triage_lead");
pub(super) const TEAM: (&str, &str) = ("zhao.min", "escalation_team");
pub(super) const HEAD: (&str, &str) = ("chen.jie", "department_head");

/// What the case and the others around it are about.
const PRODUCT: &str = "同城急送";
/// Texts that are not alike.
const TEXTS: [&str; 3] =
    ["用了两天就坏了，要求换货", "打了三次客服电话都没有人接", "退货申请提交以后一直没有审核结果"];

/// A service whose text messages go to this gateway, and which does nothing by itself.
pub(super) fn with_gateway(gateway: &Receiver) -> Setup {
    let mut setup = Setup::default();
    setup.http.work = WorkConfig {
        outbound_networks: vec!["127.0.0.1".parse().unwrap()],
        gateways: vec![format!("sms={}", gateway.url).parse().unwrap()],
        gateway_secret: Some("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".parse().unwrap()),
        ..setup.http.work
    };
    setup
}

/// A case that is walked from step to step.
pub(super) struct Walk {
    pub(super) server: Server,
    pub(super) path: String,
    pub(super) version: Value,
    now: Timestamp,
}

impl Walk {
    pub(super) async fn start(server: Server, now: &str, text: &str) -> Self {
        server.set_time(now);
        let customer = json!({ "name": "王女士", "contact": "13800001111" });
        let object = json!({ "product": PRODUCT });
        let body =
            json!({ "text": text, "channel": "hotline", "customer": customer, "object": object });
        let (status, case) = server.submit("/v1/cases", &body).await;
        assert_eq!(status, StatusCode::CREATED, "{case}");
        let path = format!("/v1/cases/{}", case["id"].as_str().unwrap());
        let now = now.parse().unwrap();
        Self { server, path, version: case["version"].clone(), now }
    }

    fn body(&self, who: (&str, &str), fields: &Value) -> Value {
        let mut body = json!({ "version": self.version, "by": { "name": who.0, "role": who.1 } });
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        body
    }

    /// Takes a step that must be possible.
    pub(super) async fn step(&mut self, who: (&str, &str), step: &str, fields: Value) -> Value {
        let path = format!("{}/{step}", self.path);
        let (status, answer) = self.server.submit(&path, &self.body(who, &fields)).await;
        assert_eq!(status, StatusCode::OK, "{step}: {answer}");
        self.version = answer["version"].clone();
        answer
    }

    /// Tries a step that must be refused.
    pub(super) async fn refused(
        &self,
        who: (&str, &str),
        step: &str,
        fields: Value,
        status: StatusCode,
    ) -> Value {
        let path = format!("{}/{step}", self.path);
        let response = self.server.post(&path).json(&self.body(who, &fields)).send().await.unwrap();
        problem(response, status).await
    }

    pub(super) async fn label(&mut self, category: &str, severity: &str) -> Value {
        let labels = json!({ "category": category, "severity": severity });
        self.step(LEAD, "corrections", json!({ "labels": labels, "reason": "核对了订单" })).await
    }

    /// From acceptance to the conclusion, for a parcel of ¥399 that never came.
    pub(super) async fn investigate(&mut self, decider: (&str, &str)) -> Value {
        let departments = json!({ "lead": "赵敏", "departments": ["物流合作部", "客户服务中心"] });
        self.step(AGENT, "investigation", departments).await;
        for (who, department) in [(HEAD, "物流合作部"), (AGENT, "客户服务中心")] {
            let opinion = json!({ "department": department, "opinion": "中转站遗失" });
            self.step(who, "opinions", opinion).await;
        }
        self.step(AGENT, "evidence", json!({ "item": "面单与中转记录" })).await;
        let claim = json!({ "grounds": ["not_delivered"], "price": 399 });
        let conclusion =
            json!({ "liability": "third_party", "findings": "承运商遗失", "claim": claim });
        self.step(decider, "conclusion", conclusion).await
    }

    pub(super) async fn check_archived(&self, queue: &str) {
        let case = self.server.get_json(&self.path).await;
        assert_eq!(case["status"], "archived");
        let queue = self.server.get_json(&format!("/v1/queues/{queue}")).await;
        let mut listed = queue["cases"].as_array().unwrap().iter();
        assert!(!listed.any(|it| it["id"] == case["id"]), "a closed case is on no list");
        let events = self.server.get_json(&format!("{}/events", self.path)).await;
        let events = events.as_array().unwrap();
        assert_eq!(case["version"], events.len());
        assert!(events.iter().skip(1).all(|it| it["role"] != "system" && it["actor"] != ""));
        let corrections = self.server.get_json(&format!("{}/corrections", self.path)).await;
        let last = corrections.as_array().unwrap().last().unwrap();
        assert_eq!((&last["source"], &last["sure"]), (&json!("archive"), &json!(2)));
    }

    pub(super) async fn progress(&self) -> Value {
        self.server.get_json(&format!("{}/progress", self.path)).await
    }

    /// Sends the customer the draft of this kind, and says its words.
    pub(super) async fn tell(&mut self, who: (&str, &str), kind: &str, fields: Value) -> String {
        let mut body = self.body(who, &fields);
        body["kind"] = kind.into();
        let (status, sent) = self.server.submit(&format!("{}/messages", self.path), &body).await;
        assert_eq!(status, StatusCode::CREATED, "{kind}: {sent}");
        self.version = sent["seq"].clone();
        sent["text"].as_str().unwrap().to_owned()
    }

    /// Adds a picture to the case and reads it back.
    pub(super) async fn prove(&mut self, who: (&str, &str), name: &str) {
        const PICTURE: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06";
        let by = json!({ "name": who.0, "role": who.1 });
        let part = |name: &str| format!("--edge\r\nContent-Disposition: form-data; name={name}");
        let file = format!("{}; filename=\"{name}\"\r\n\r\n", part("file"));
        let by = format!("{}\r\n\r\n{by}\r\n", part("by"));
        let body = [by.as_bytes(), file.as_bytes(), PICTURE, b"\r\n--edge--\r\n"].concat();
        let path = format!("{}/evidence", self.path);
        let request = self.server.post(&path).body(body);
        let request = request.header("content-type", "multipart/form-data; boundary=edge");
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), StatusCode::CREATED);
        let file: Value = response.json().await.unwrap();
        let place = format!("{path}/{}", file["id"].as_str().unwrap());
        let kept = self.server.get(&place).send().await.unwrap().bytes().await.unwrap();
        assert_eq!(kept, PICTURE);
        self.version = self.server.get_json(&self.path).await["version"].clone();
    }

    /// Six other customers complain of the same within a day after three quiet weeks; the alert
    /// that follows names this case, and a lead takes it on. Its path.
    pub(super) async fn raise_alert(&self, gateway: &Receiver) -> String {
        let before = |hours: i64| (self.now - SignedDuration::from_hours(hours)).to_string();
        let quiet =
            (1..=21_i64).map(|day| ("电饭煲", format!("old-{day}"), before(240 + 24 * day)));
        let loud = (1..=6).map(|hours| (PRODUCT, format!("new-{hours}"), before(hours)));
        for (number, (product, customer, received_at)) in quiet.chain(loud).enumerate() {
            let body = json!({
                "text": TEXTS[number % 3], "customer": { "id": customer },
                "object": { "product": product }, "received_at": received_at,
            });
            let (status, case) = self.server.submit("/v1/cases", &body).await;
            assert_eq!(status, StatusCode::CREATED, "{case}");
        }
        let id = self.path.rsplit('/').next().unwrap();
        let replica = self.server.replica(at_work(gateway)).await;
        eventually("the cluster is seen", async || {
            let open = self.server.get_json("/v1/alerts?state=open").await;
            open["alerts"].as_array().unwrap().iter().any(|it| it["subject"] == PRODUCT)
        })
        .await;
        replica.stop().await;
        let alerts = self.server.get_json("/v1/alerts?state=open").await;
        let mut alerts = alerts["alerts"].as_array().unwrap().iter();
        let alert = alerts.find(|it| it["subject"] == PRODUCT).unwrap();
        let path = format!("/v1/alerts/{}", alert["id"].as_str().unwrap());
        let alert = self.server.get_json(&path).await;
        assert_eq!(alert["count"], 7);
        assert!(alert["cases"].as_array().unwrap().contains(&json!(id)), "{alert}");
        self.step_alert(&path, 1, json!({ "state": "acknowledged" })).await;
        path
    }

    /// The lead closes the alert once the matter is.
    pub(super) async fn close_alert(&self, path: &str) {
        self.step_alert(path, 2, json!({ "state": "closed", "note": "中转站已整改" })).await;
    }

    async fn step_alert(&self, path: &str, version: u32, mut body: Value) {
        body["version"] = version.into();
        body["by"] = json!({ "name": LEAD.0, "role": LEAD.1 });
        let (status, alert) = self.server.submit(path, &body).await;
        assert_eq!((status, &alert["state"]), (StatusCode::OK, &body["state"]), "{alert}");
    }

    /// Lets the outbox be worked, and compares what the gateway got of this case.
    pub(super) async fn check_told(&self, gateway: &Receiver, kinds: &[&str]) {
        let replica = self.server.replica(at_work(gateway)).await;
        let path = format!("{}/messages", self.path);
        eventually("everything is delivered", async || {
            let messages = self.server.get_json(&path).await;
            messages["sent"].as_array().unwrap().iter().all(|it| it["state"] == "delivered")
        })
        .await;
        replica.stop().await;
        let calls: Vec<Value> =
            gateway.calls().iter().map(|it| it.json()["data"].clone()).collect();
        let told: Vec<_> = calls.iter().map(|it| it["kind"].as_str().unwrap()).collect();
        assert_eq!(told, kinds, "in the order of the case");
        assert!(calls.iter().all(|it| it["to"]["contact"] == "13800001111"));
    }
}

/// The same service, at work: clocks strike, messages go out, clusters are looked for.
fn at_work(gateway: &Receiver) -> Setup {
    let mut setup = with_gateway(gateway);
    setup.http.work.work_ms = 10;
    setup
}
