//! `/v1/library`

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::server::{Server, problem};

const AGENT: (&str, &str) = ("wang.fang", "front_line");
const LEAD: (&str, &str) = ("li.lei", "triage_lead");

/// Walks a complaint from its intake to the archive, and answers its path and version.
pub(crate) async fn archive(server: &Server, body: &Value, refund: f64) -> (String, Value) {
    let (status, case) = server.submit("/v1/cases", body).await;
    assert_eq!(status, StatusCode::CREATED, "{case}");
    walk(server, &case, refund).await
}

/// Walks a case to the archive, and answers its path and version.
pub(crate) async fn walk(server: &Server, case: &Value, refund: f64) -> (String, Value) {
    let path = format!("/v1/cases/{}", case["id"].as_str().unwrap());
    let mut version = case["version"].clone();
    let labels = json!({ "category": "logistics", "severity": "normal" });
    let remedies = json!([
        { "kind": "refund", "amount": refund, "words": "全额退款" },
        { "kind": "voucher", "amount": 50, "words": "代金券" }
    ]);
    let steps = [
        (LEAD, "corrections", json!({ "labels": labels, "reason": "核对了订单" })),
        (AGENT, "acceptance", json!({ "contact_person": "王芳" })),
        (AGENT, "assignment", json!({ "department": "物流合作部" })),
        (AGENT, "investigation", json!({ "lead": "赵敏", "departments": ["物流合作部"] })),
        (AGENT, "opinions", json!({ "department": "物流合作部", "opinion": "中转站遗失" })),
        (
            AGENT,
            "conclusion",
            json!({ "liability": "third_party", "findings": "承运商遗失", "claim": { "grounds": ["not_delivered"], "price": refund + 50.0 } }),
        ),
        (AGENT, "proposals", json!({ "offers": [{ "remedies": remedies }] })),
        (AGENT, "choices", json!({ "offer": 1 })),
        (LEAD, "approvals", json!({ "granted": true })),
        (AGENT, "executions", json!({ "note": "已退款" })),
        (AGENT, "close", json!({ "satisfied": true, "satisfaction": 4 })),
        (AGENT, "archive", json!({ "summary": "承运商遗失，已全额退款，回访13812341234" })),
    ];
    for (who, step, fields) in steps {
        let mut body = json!({ "version": version, "by": { "name": who.0, "role": who.1 } });
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let (status, answer) = server.submit(&format!("{path}/{step}"), &body).await;
        assert_eq!(status, StatusCode::OK, "{step}: {answer}");
        version = answer["version"].clone();
    }
    (path, version)
}

#[tokio::test]
async fn an_archived_case_is_found_by_its_words_with_its_resolution_on_sqlite() {
    archived_case_is_found(Server::start().await).await;
}

#[tokio::test]
async fn an_archived_case_is_found_by_its_words_with_its_resolution_on_postgresql() {
    if let Some(server) = Server::start_on_postgres().await {
        archived_case_is_found(server).await;
    }
}

async fn archived_case_is_found(server: Server) {
    let text = "我叫王小明，电话13812341234，買的喵呜機快递丢了，没人管";
    let object = json!({ "product": "喵呜机", "shop": "喵呜旗舰店" });
    let body = json!({ "text": text, "object": object });
    let (path, version) = archive(&server, &body, 399.0).await;
    let found = server.get_json("/v1/library?q=丢 喵呜机&outcome=voucher&category=logistics").await;
    assert_eq!(found["total"], json!({ "value": 1, "exact": true }));
    let case = &found["cases"][0];
    assert_eq!(path, format!("/v1/cases/{}", case["id"].as_str().unwrap()));
    let shown: Vec<char> = case["text"].as_str().unwrap().chars().collect();
    assert!(!shown.iter().collect::<String>().contains("13812341234"), "{case}");
    let places = case["highlights"].as_array().unwrap().iter().map(|place| {
        let at = |name: &str| usize::try_from(place[name].as_u64().unwrap()).unwrap();
        shown[at("start")..at("end")].iter().collect::<String>()
    });
    assert_eq!(places.collect::<Vec<_>>(), ["喵呜機", "丢"]);
    assert_eq!(case["resolution"], "承运商遗失，已全额退款，回访138****1234");
    assert_eq!(case["outcome"], json!(["refund", "voucher"]));
    assert_eq!((&case["compensation"], &case["refund"]), (&json!(50.0), &json!(399.0)));
    assert_eq!((&case["satisfaction"], &case["liability"]), (&json!(4), &json!("third_party")));
    for nothing in ["q=13812341234", "q=丢&outcome=repair", "q=丢&until=2026-11-09", "q=手机"] {
        let found = server.get_json(&format!("/v1/library?{nothing}")).await;
        assert_eq!(found["cases"], json!([]), "{nothing}");
    }
    let by = json!({ "name": LEAD.0, "role": LEAD.1 });
    let again = json!({ "version": version, "by": by, "reason": "又丢了" });
    let (status, answer) = server.submit(&format!("{path}/reopenings"), &again).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let found = server.get_json("/v1/library?q=丢").await;
    assert_eq!(found["cases"], json!([]), "an open case is not archived");
}

/// Asks until the shelf has been tended, which happens every second.
async fn until<T>(mut ask: impl AsyncFnMut() -> Option<T>) -> T {
    let started = std::time::Instant::now();
    while started.elapsed().as_secs() < 60 {
        if let Some(answer) = ask().await {
            return answer;
        }
    }
    panic!("the shelf is not tended");
}

#[tokio::test]
async fn archived_cases_like_another_are_shown_with_what_was_done_on_sqlite() {
    similar_cases(Server::start().await).await;
}

#[tokio::test]
async fn archived_cases_like_another_are_shown_with_what_was_done_on_postgresql() {
    if let Some(server) = Server::start_on_postgres().await {
        similar_cases(server).await;
    }
}

async fn similar_cases(server: Server) {
    let texts = ["快递三天没有动静，打客服也没人管", "快递丢了没人管", "包裹被压扁了，盒子都烂了"];
    let mut paths = Vec::new();
    for text in texts {
        paths.push(archive(&server, &json!({ "text": text }), 99.0).await.0);
    }
    let wanted = json!({ "text": "快递五天了没有动静，客服没人管", "limit": 2 });
    let found = until(async || {
        let (status, found) = server.submit("/v1/library/similar", &wanted).await;
        (status == StatusCode::OK && found["n_compared"] == 3).then_some(found)
    });
    let found = found.await;
    let first = &found["cases"][0];
    assert_eq!(paths[0], format!("/v1/cases/{}", first["id"].as_str().unwrap()));
    assert!(0.5 < first["similarity"].as_f64().unwrap(), "{found}");
    assert_eq!((&first["refund"], &first["satisfaction"]), (&json!(99.0), &json!(4)));
    let own = server.get_json(&format!("{}/similar?limit=9", paths[0])).await;
    let own = own["cases"].as_array().unwrap();
    assert!(
        own.iter().all(|case| paths[0] != format!("/v1/cases/{}", case["id"].as_str().unwrap()))
    );
    let body = json!({ "text": " ", "limit": 51, "colour": "red" });
    let response = server.post("/v1/library/similar").json(&body).send().await.unwrap();
    let found = problem(response, StatusCode::UNPROCESSABLE_ENTITY).await;
    assert_eq!(found["errors"].as_array().unwrap().len(), 3, "{found}");
}

#[tokio::test]
async fn the_figures_of_a_period_are_those_of_its_cases_on_sqlite() {
    figures(Server::start().await).await;
}

#[tokio::test]
async fn the_figures_of_a_period_are_those_of_its_cases_on_postgresql() {
    if let Some(server) = Server::start_on_postgres().await {
        figures(server).await;
    }
}

async fn figures(server: Server) {
    for text in ["快递丢了没人管", "快递三天没有动静"] {
        archive(&server, &json!({ "text": text }), 100.0).await;
    }
    let (created, _) = server.submit("/v1/cases", &json!({ "text": "酸奶坏了" })).await;
    assert_eq!(created, StatusCode::CREATED);
    server.set_time("2026-11-10T09:00:00+08:00");
    let stats = server.get_json("/v1/stats?from=2026-11-09&until=2026-11-10").await;
    assert_eq!(stats["received"]["total"], 3);
    assert_eq!(stats["received"]["by_hour"][9], 3, "at nine in Shanghai: {stats}");
    assert_eq!(stats["received"]["by_weekday"], json!([3, 0, 0, 0, 0, 0, 0]), "on a Monday");
    assert_eq!(stats["received"]["peak_hours"], json!([9]));
    assert_eq!(stats["received"]["categories"][0]["name"], "logistics");
    let archived = &stats["archived"];
    assert_eq!((&archived["total"], &archived["n_rated"]), (&json!(2), &json!(2)));
    assert_eq!((&archived["refund"], &archived["compensation"]), (&json!(200.0), &json!(100.0)));
    assert_eq!(
        (&archived["satisfaction"], &archived["reopened_share"]),
        (&json!(4.0), &json!(0.0))
    );
    assert_eq!(archived["liability"], json!([{ "name": "third_party", "count": 2, "share": 1.0 }]));
    assert_eq!(archived["hours_to_settle"]["within_24_hours"], 1.0);
    assert_eq!(archived["model_agreement"]["n_category"], 2);
    assert_eq!(stats["archived_by_category"][0]["category"], "logistics");
    let other = server.get_json("/v1/stats?department=财务部&from=2026-11-09").await;
    assert_eq!(
        (&other["archived"]["total"], &other["archived"]["satisfaction"]),
        (&json!(0), &Value::Null)
    );
    let response =
        server.get("/v1/stats?from=2026-11-09&until=2026-11-09&x=1").send().await.unwrap();
    let found = problem(response, StatusCode::UNPROCESSABLE_ENTITY).await;
    assert_eq!(found["errors"].as_array().unwrap().len(), 2, "{found}");
}

#[tokio::test]
async fn every_mistake_of_a_search_is_listed() {
    let server = Server::start().await;
    let wrong = "/v1/library?q=！&outcome=gold&from=soon&limit=0&cursor=x&colour=red&category=a b";
    let response = server.get(wrong).send().await.unwrap();
    let found = problem(response, StatusCode::UNPROCESSABLE_ENTITY).await;
    let pointers = found["errors"].as_array().unwrap().iter();
    let mut pointers: Vec<_> = pointers.map(|it| it["pointer"].as_str().unwrap()).collect();
    pointers.sort_unstable();
    let expected = ["/category", "/colour", "/cursor", "/from", "/limit", "/outcome", "/q"];
    assert_eq!(pointers, expected);
}
