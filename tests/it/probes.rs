//! The paths beside the API: probes, metrics, documentation.

use std::collections::BTreeSet;

use reqwest::StatusCode;
use serde_json::{Value, json};

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
async fn programs_can_be_made_from_the_documentation() {
    let server = Server::start().await;
    let document = server.get_json("/openapi.json").await;
    let mut ids = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap_or_default();
            assert!(id.contains('_') || id == "classify", "`{id}` of {method} {path} says nothing");
            assert!(ids.insert(id), "`{id}` of {method} {path} is there twice");
        }
    }
    assert!(50 < ids.len(), "{ids:?}");
    for status in ["200", "201", "400", "409", "413", "415", "422", "429"] {
        let answer = &document["paths"]["/v1/cases"]["post"]["responses"][status];
        assert!(answer.is_object(), "{status}");
    }
}

/// What a reference leads to, or the schema itself.
fn follow<'a>(document: &'a Value, schema: &'a Value) -> &'a Value {
    let reference = schema["$ref"].as_str().and_then(|it| it.strip_prefix('#'));
    reference.map_or(schema, |pointer| document.pointer(pointer).unwrap())
}

#[tokio::test]
async fn the_documentation_shows_an_item_of_a_batch_in_both_forms() {
    let server = Server::start().await;
    let document = server.get_json("/openapi.json").await;
    let batch = &document["paths"]["/v1/classify/batch"]["post"];
    for (content, item) in [
        (&batch["requestBody"]["content"], "SubmissionBody"),
        (&batch["responses"]["200"]["content"], "BatchItem"),
    ] {
        let reference = json!({ "$ref": format!("#/components/schemas/{item}") });
        assert_eq!(content["application/json"]["schema"]["items"], reference);
        assert_eq!(content["application/x-ndjson"]["schema"], reference);
    }
    let item = document["components"]["schemas"]["BatchItem"].to_string();
    for field in ["\"index\"", "\"id\"", "BatchOutcome"] {
        assert!(item.contains(field), "{item}");
    }
    let outcome = &document["components"]["schemas"]["BatchOutcome"]["oneOf"];
    let outcomes: Vec<_> =
        outcome.as_array().unwrap().iter().map(|it| follow(&document, it)).collect();
    assert!(outcomes[0]["properties"]["decision"].is_object(), "{outcomes:?}");
    assert!(outcomes[1]["properties"]["errors"].is_object(), "{outcomes:?}");
}

#[tokio::test]
async fn request_ids_are_echoed_or_made() {
    let server = Server::start().await;
    let given = server.get("/livez").header("x-request-id", "r-1").send().await.unwrap();
    assert_eq!(given.headers()["x-request-id"], "r-1");
    let made = server.get("/livez").send().await.unwrap();
    assert!(!made.headers()["x-request-id"].is_empty());
}
