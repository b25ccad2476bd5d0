//! Lists of work: filtered by their address, handed out, and counted.

use reqwest::StatusCode;
use serde_json::{Value, json};

use super::{Guarded, csrf, page, read, receive, send};
use crate::server::Server;

/// The numbers beside the navigation.
async fn badges(server: &Server) -> Value {
    let mut stream = server.get("/console/live").send().await.unwrap();
    let first = stream.chunk().await.unwrap().unwrap();
    let text = String::from_utf8(first.to_vec()).unwrap();
    let data = text.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
    serde_json::from_str(data).unwrap()
}

#[tokio::test]
async fn the_badge_counts_what_awaits_review_and_not_what_the_desk_keeps() {
    let server = Server::start().await;
    let (id, case) = receive(&server, "那个事情到底怎么说").await;
    assert_eq!((&case["needs_triage"], &case["queue"]), (&json!(true), &json!("triage_desk")));
    assert_eq!(badges(&server).await["review"], 1);
    let review = page(&server, "/console/review").await;
    let fields = [("csrf", &*csrf(&review)), ("n:version", "1")];
    send(&server, &format!("/console/cases/{id}/confirm"), &fields).await;
    let counts = badges(&server).await;
    assert_eq!((&counts["review"], &counts["open"]), (&json!(0), &json!(1)), "the desk keeps it");
}

#[tokio::test]
async fn a_queue_is_filtered_by_its_address() {
    let server = Server::start().await;
    let texts = ["快递丢了，一直没收到包裹", "快递三天没送到，物流信息不动了"];
    let mut cases = Vec::new();
    for (text, channel) in texts.into_iter().zip(["chat", "hotline"]) {
        let body = json!({ "text": text, "channel": channel });
        let (_, case) = server.submit("/v1/cases", &body).await;
        cases.push(case);
    }
    let queue = format!("/console/queues/{}", cases[0]["queue"].as_str().unwrap());
    assert_eq!(cases[0]["queue"], cases[1]["queue"]);
    let owner = json!({ "version": 1, "by": { "name": "wang.fang", "role": "front_line" } });
    let path = format!("/v1/cases/{}/owner", cases[1]["id"].as_str().unwrap());
    assert_eq!(server.submit(&path, &owner).await.0, StatusCode::OK);
    let category = cases[0]["category"].as_str().unwrap();
    let both = [true, true];
    for (query, expected) in [
        ("", both),
        ("?channel=chat", [true, false]),
        ("?channel=hotline&owner=wang.fang", [false, true]),
        ("?owner=-", [true, false]),
        (&format!("?category={category}&tier=1"), both),
        ("?tier=2", [false, false]),
        ("?due=over", [false, false]),
        ("?severity=nobody_knows", [false, false]),
        ("?channel=pigeon", [false, false]),
    ] {
        let html = page(&server, &format!("{queue}{query}")).await;
        let shown = texts.map(|text| html.contains(text));
        assert_eq!(shown, expected, "{query}");
    }
    let html = page(&server, &format!("{queue}?channel=chat")).await;
    assert!(html.contains(&format!("value=\"{queue}?channel=chat\"")), "forms come back to it");
    server.set_time("2026-12-09T09:00:00+08:00");
    let html = page(&server, &format!("{queue}?due=over")).await;
    assert_eq!(texts.map(|text| html.contains(text)), both);
}

#[tokio::test]
async fn the_backlog_goes_to_whoever_is_free() {
    let guarded = Guarded::start().await;
    let lead = guarded.person("li.lei", "triage_lead", None).await;
    let texts = [
        "快递丢了，一直没收到包裹",
        "快递三天没送到，物流信息不动了",
        "包裹显示签收可是我没有收到，快递员也不接电话",
    ];
    let mut cases = Vec::new();
    for text in texts {
        cases.push(guarded.case(&lead, &json!({ "text": text, "channel": "chat" })).await);
    }
    let queue = cases[0]["queue"].as_str().unwrap();
    let queues: Vec<_> = cases.iter().map(|case| &case["queue"]).collect();
    assert!(queues.iter().all(|it| *it == queue), "{queues:?}");
    let queue_page = format!("/console/queues/{queue}");
    let html = read(guarded.get(&queue_page, &lead).await, &queue_page).await;
    let token = csrf(&html);
    let share = format!("{queue_page}/share");
    let told = async |fields: &[(&str, &str)]| {
        let response = guarded.send(&share, &lead, fields).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        let target = response.headers()["location"].to_str().unwrap().to_owned();
        read(guarded.get(&target, &lead).await, &target).await
    };
    let html = told(&[("csrf", &token)]).await;
    assert!(html.contains("3 件没有合适的人"), "nobody works the queue yet: {html}");

    let fang = guarded.person("wang.fang", "front_line", Some(queue)).await;
    guarded.person("han.mei", "front_line", Some(queue)).await;
    guarded.person("zhao.si", "front_line", Some("finance_pricing")).await;
    let html = told(&[("csrf", &token)]).await;
    assert!(html.contains("已分给空闲的人 <strong>3</strong> 件"), "{html}");
    for (name, expected) in [("wang.fang", 1), ("han.mei", 2)] {
        let own = format!("{queue_page}?owner={name}");
        let html = read(guarded.get(&own, &lead).await, &own).await;
        let n_own = texts.iter().filter(|text| html.contains(**text)).count();
        assert_eq!(n_own, expected, "{name}");
    }
    let html = told(&[("csrf", &token)]).await;
    assert!(html.contains("没有无人负责的案件"), "{html}");

    let ticked = format!("{}:2", cases[0]["id"].as_str().unwrap());
    let html = told(&[("csrf", &token), ("case", &ticked)]).await;
    assert!(html.contains("已分给空闲的人 <strong>1</strong> 件"), "{html}");
    let own = format!("{queue_page}?owner=-");
    let html = read(guarded.get(&own, &fang).await, &own).await;
    assert!(!html.contains("分给空闲的人"), "the front line hands out nothing");
    let fields = [("csrf", &*csrf(&html)), ("case", &*ticked)];
    let response = guarded.send(&share, &fang, &fields).await;
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_executives_must_decide_is_paged_most_urgent_first() {
    let server = Server::start().await;
    let front = json!({ "name": "wang.fang", "role": "front_line" });
    for number in 0..10 {
        let text = format!("第{number}次了，你们卖的奶粉让我孩子住院了，医生说是食物中毒");
        let (_, case) = server.submit("/v1/cases", &json!({ "text": text })).await;
        let path = format!("/v1/cases/{}", case["id"].as_str().unwrap());
        for (version, step, mut body) in [
            (1, "acceptance", json!({ "contact_person": "王芳" })),
            (2, "assignment", json!({ "department": "安全应急部" })),
        ] {
            body["version"] = json!(version);
            body["by"] = front.clone();
            let (status, answer) = server.submit(&format!("{path}/{step}"), &body).await;
            assert!(status.is_success(), "{answer}");
        }
    }
    let first = page(&server, "/console/executive").await;
    assert!(first.contains("<strong>10</strong> 件待决"), "{first}");
    assert_eq!(first.matches("<article").count(), 8);
    let next = first.split("/console/executive?cursor=").nth(1).unwrap();
    let next = next.split('"').next().unwrap();
    let second = page(&server, &format!("/console/executive?cursor={next}")).await;
    assert_eq!(second.matches("<article").count(), 2);
    assert_eq!(badges(&server).await["executive"], 10);
}

#[tokio::test]
async fn people_begin_where_they_have_something_to_see() {
    let guarded = Guarded::start().await;
    let fang = guarded.person("wang.fang", "front_line", Some("logistics")).await;
    let boss = guarded.person("zhou.yi", "executive", None).await;
    for (cookie, expected) in [(&fang, "/console/queues"), (&boss, "/console/executive")] {
        let home = guarded.get("/console", cookie).await;
        assert_eq!(home.headers()["location"], expected);
        let html = read(guarded.get(expected, cookie).await, expected).await;
        assert!(!html.contains("href=\"/console/review\""), "nobody is led where they may not go");
    }
    let html = read(guarded.get("/console/queues", &fang).await, "/console/queues").await;
    assert!(!html.contains("href=\"/console/executive\""));
}
