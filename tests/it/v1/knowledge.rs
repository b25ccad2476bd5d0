//! `GET /v1/rules` and `GET /v1/models`

use fenzhen::triage::{Engine, Knowledge, Sources};

use crate::server::{Server, test_models};

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

#[test]
fn a_broken_file_leaves_the_old_model_and_the_old_rules_live() {
    let sources = Sources { models: test_models(), ..Sources::default() };
    let engine = Engine::new(Knowledge::load(&sources).unwrap());
    let before = engine.knowledge();
    let broken = tempfile::tempdir().unwrap();
    std::fs::write(broken.path().join("live.toml"), "name = \"nobody\"\n").unwrap();
    std::fs::write(broken.path().join("rules.toml"), "version = 1\n").unwrap();
    let no_model = Sources { models: broken.path().to_owned(), ..sources.clone() };
    let no_rules = Sources { rules: Some(broken.path().to_owned()), ..sources.clone() };
    for sources in [no_model, no_rules] {
        assert!(engine.reload(&sources).is_err());
        assert_eq!(engine.knowledge().model_version(), before.model_version());
        assert_eq!(engine.knowledge().rules.version(), before.rules.version());
    }
    assert!(engine.reload(&sources).is_ok());
}
