//! `GET /v1/rules` and `GET /v1/models`

use crate::server::Server;

#[tokio::test]
async fn the_rules_are_shown_with_their_reasons_and_owners() {
    let server = Server::start().await;
    let answer = server.get_json("/v1/rules").await;
    let rules = answer["rules"].as_array().unwrap();
    assert!(40 <= rules.len(), "{}", rules.len());
    for rule in rules {
        for field in ["id", "name", "reason", "owner", "kind"] {
            assert!(!rule[field].as_str().unwrap().is_empty(), "{rule}");
        }
    }
}

#[tokio::test]
async fn the_live_model_is_shown_with_its_digest() {
    let server = Server::start().await;
    let answer = server.get_json("/v1/models").await;
    let live = answer["live"].as_str().unwrap();
    assert!(live.contains('@'), "{answer}");
    let models = answer["models"].as_array().unwrap();
    assert!(models.iter().any(|model| live.starts_with(model["name"].as_str().unwrap())));
}
