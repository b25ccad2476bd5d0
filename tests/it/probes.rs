//! The paths beside the API: probes, metrics, documentation.

use reqwest::StatusCode;
use serde_json::json;

use crate::server::Server;

#[tokio::test]
async fn the_service_is_alive_and_ready() {
    let server = Server::start().await;
    assert_eq!(server.get("/livez").send().await.unwrap().status(), StatusCode::OK);
    let ready = server.get_json("/readyz").await;
    assert_eq!(ready["status"], "ready");
    assert_eq!(ready["database"], "ok");
}

#[tokio::test]
async fn metrics_count_requests_by_route_and_hold_no_words_of_customers() {
    let server = Server::start().await;
    let (status, _) = server.submit("/v1/classify", &json!({ "text": "快递员态度恶劣" })).await;
    assert_eq!(status, StatusCode::OK);
    let metrics = server.get("/metrics").send().await.unwrap().text().await.unwrap();
    assert!(metrics.contains("fenzhen_http_request_duration_seconds_count"), "{metrics}");
    assert!(metrics.contains("route=\"/v1/classify\""), "{metrics}");
    assert!(!metrics.contains("快递"));
}

#[tokio::test]
async fn the_documentation_names_every_path_of_the_api() {
    let server = Server::start().await;
    let document = server.get_json("/openapi.json").await;
    for path in [
        "/v1/classify",
        "/v1/classify/batch",
        "/v1/cases",
        "/v1/cases/{id}",
        "/v1/cases/{id}/events",
        "/v1/cases/{id}/corrections",
        "/v1/cases/{id}/reroute",
        "/v1/cases/{id}/progress",
        "/v1/cases/{id}/{step}",
        "/v1/queues",
        "/v1/queues/{queue}",
        "/v1/rules",
        "/v1/models",
    ] {
        assert!(document["paths"][path].is_object(), "{path}");
    }
}

#[tokio::test]
async fn request_ids_are_echoed_or_made() {
    let server = Server::start().await;
    let given = server.get("/livez").header("x-request-id", "r-1").send().await.unwrap();
    assert_eq!(given.headers()["x-request-id"], "r-1");
    let made = server.get("/livez").send().await.unwrap();
    assert!(!made.headers()["x-request-id"].is_empty());
}
