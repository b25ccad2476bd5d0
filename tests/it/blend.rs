//! A service whose model has an encoder: answers come through a queue with threads of its own.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use fenzhen::inference::{
    ENCODER_CONFIG_FILE, ENCODER_FILE, EncoderConfig, EncoderHeads, EncoderTokenizer, Parameters,
    TOKENIZER_FILE, n_outputs, pack,
};
use fenzhen::registry::{Blend, BlendWeights, BundleWriter, Cascade, Kind, Live, Registry};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::hot_swap::go_live;
use crate::server::{Server, Setup, test_models};

const VOCAB: &str = "[PAD]\n[UNK]\n[CLS]\n[SEP]\n快\n递\n退\n款\n电\n烧\n客\n服";
const CONFIG: &str = r#"{
  "model_type": "bert", "vocab_size": 12, "hidden_size": 48, "num_hidden_layers": 2,
  "num_attention_heads": 3, "intermediate_size": 64, "max_position_embeddings": 64
}"#;

/// The shipped model with a small encoder of invented weights beside it, whose word counts for
/// little.
pub(crate) fn write_blend(models: &Path, name: &str) -> Live {
    let shipped = Registry::open(&test_models()).unwrap().live().unwrap();
    let mut manifest = shipped.manifest().clone();
    let heads = manifest.taxonomy.heads();
    let ids = heads.iter().map(|head| head.id.to_string());
    let weights = ids.map(|id| (id, BlendWeights { linear: 1.0, encoder: 0.01 })).collect();
    let cascade = Cascade {
        easy_from: BTreeMap::from([("category".to_owned(), 0.3)]),
        decisions: manifest.decisions.clone(),
    };
    let n_outputs: usize = heads.iter().map(n_outputs).sum();
    manifest.kind = Kind::Blend;
    manifest.blend = Some(Blend { weights, encoder: None, cascade: Some(cascade) });
    let mut writer = BundleWriter::create(&models.join(name)).unwrap();
    for file in &shipped.manifest().files {
        writer.add(&file.name, &shipped.read(&file.name).unwrap()).unwrap();
    }
    let config = EncoderConfig::parse(CONFIG.as_bytes(), Path::new("config.json")).unwrap();
    let hidden = config.hidden_size;
    let noise = |n: usize| (0..n).map(|idx| (idx * 7919 % 101) as f32 / 100.0 - 0.5).collect();
    let parameters = Parameters::new(&config, |name| {
        noise(match name {
            "embeddings.word_embeddings.weight" => 12 * hidden,
            "embeddings.position_embeddings.weight" => 64 * hidden,
            name if name.ends_with("intermediate.dense.bias") => 64,
            name if name.ends_with("bias") || name.contains("LayerNorm") => hidden,
            "embeddings.token_type_embeddings.weight" => config.n_segments * hidden,
            name if name.contains("attention") => hidden * hidden,
            _ => 64 * hidden,
        })
    });
    let heads = EncoderHeads {
        means: vec![0.0; hidden],
        deviations: vec![1.0; hidden],
        weights: noise(n_outputs * hidden),
        biases: vec![0.0; n_outputs],
    };
    let tokenizer = EncoderTokenizer::from_vocab(VOCAB, true, config.max_tokens).unwrap();
    writer.add(ENCODER_FILE, &pack(&config, &parameters, &heads)).unwrap();
    writer.add(ENCODER_CONFIG_FILE, &serde_json::to_vec(&config).unwrap()).unwrap();
    writer.add(TOKENIZER_FILE, tokenizer.to_json().unwrap().as_bytes()).unwrap();
    Live::of(&writer.finish(manifest).unwrap())
}

/// A service with a blend, which differs from others by `change`.
async fn start(change: impl Fn(&mut Setup)) -> Server {
    let models = tempfile::tempdir().unwrap();
    let blend = write_blend(models.path(), "blend");
    go_live(&Registry::open(models.path()).unwrap(), &blend);
    let mut setup = Setup::default();
    setup.sources.models = models.path().to_owned();
    change(&mut setup);
    Server::start_with(setup).await
}

/// What a meter of the process stands at.
async fn meter(server: &Server, name: &str) -> f64 {
    let meters = server.get("/metrics").send().await.unwrap().text().await.unwrap();
    let found = meters.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    found.map_or(0.0, |value| value.parse().unwrap())
}

fn complaint() -> Value {
    json!({ "text": "快递五天没送到，客服也不回，要求退款" })
}

#[tokio::test]
async fn single_answers_cases_and_batches_agree() {
    let server = start(|_| {}).await;
    let by_model = "fenzhen_classifications_total{by=\"model\"}";
    let n_before = meter(&server, by_model).await;
    let (status, single) = server.submit("/v1/classify", &complaint()).await;
    assert_eq!(status, StatusCode::OK);
    assert!(n_before + 1.0 <= meter(&server, by_model).await);
    assert_eq!(single["category"]["label"], "logistics");
    assert_eq!(single["fallback"], false);
    assert!(single["model"]["version"].as_str().unwrap().starts_with("blend@"));
    assert_eq!(single["model"]["cascade"], Value::Null);
    let (status, case) = server.submit("/v1/cases", &complaint()).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(case["classification"]["category"], single["category"]);
    let (_, batch) = server.submit("/v1/classify/batch", &json!([complaint()])).await;
    assert_eq!(batch[0]["category"], single["category"]);
    assert_eq!(batch[0]["signals"], single["signals"]);
}

#[tokio::test]
async fn many_at_once_are_all_answered_like_one() {
    let server = start(|_| {}).await;
    let (_, alone) = server.submit("/v1/classify", &complaint()).await;
    let long = json!({ "text": "电饭煲漏电，客服说等通知。".repeat(30) });
    let requests = (0..60).map(|idx| {
        let (server, long) = (&server, &long);
        async move {
            let body = if idx % 3 == 0 { long.clone() } else { complaint() };
            server.submit("/v1/classify", &body).await
        }
    });
    let answers = futures_of(requests).await;
    for (idx, (status, answer)) in answers.into_iter().enumerate() {
        assert_eq!(status, StatusCode::OK);
        if idx % 3 != 0 {
            assert_eq!(answer["category"], alone["category"]);
        }
    }
}

/// All of them at once.
async fn futures_of<T>(requests: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    let mut requests: Vec<_> = requests.map(Box::pin).collect();
    let mut answers: Vec<Option<T>> = requests.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        for (request, answer) in requests.iter_mut().zip(&mut answers) {
            if answer.is_none()
                && let std::task::Poll::Ready(value) = request.as_mut().poll(context)
            {
                *answer = Some(value);
            }
        }
        if answers.iter().all(Option::is_some) {
            std::task::Poll::Ready(())
        } else {
            std::task::Poll::Pending
        }
    })
    .await;
    answers.into_iter().flatten().collect()
}

#[tokio::test]
async fn a_full_queue_is_told_with_the_time_to_come_back() {
    let server = start(|setup| setup.http.max_waiting = 0).await;
    for path in ["/v1/classify", "/v1/cases"] {
        let response = server.post(path).json(&complaint()).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
        assert_eq!(response.headers()["retry-after"], "1");
        assert_eq!(response.headers()["content-type"], "application/problem+json");
    }
    assert!(2.0 <= meter(&server, "fenzhen_model_queue_refused_total").await);
}

#[tokio::test]
async fn who_hangs_up_is_not_computed() {
    let server = Arc::new(start(|_| {}).await);
    let long = json!({ "text": "电饭煲漏电，客服说等通知。".repeat(30) });
    let n_cancelled = || meter(&server, "fenzhen_model_queue_cancelled_total");
    let n_before = n_cancelled().await;
    // Until it happens that somebody hangs up while waiting.
    for _ in 0..100 {
        let mut callers = JoinSet::new();
        for _ in 0..100 {
            let (server, long) = (Arc::clone(&server), long.clone());
            callers.spawn(async move { server.submit("/v1/classify", &long).await });
        }
        // Asking takes long enough for them to come in.
        meter(&server, "fenzhen_model_queue_waiting").await;
        callers.shutdown().await;
        // The queue is at its end when the next one is answered.
        assert_eq!(server.submit("/v1/classify", &complaint()).await.0, StatusCode::OK);
        if n_before < n_cancelled().await {
            return;
        }
    }
    panic!("all were computed");
}

#[tokio::test]
async fn who_comes_back_after_a_refusal_is_answered() {
    let server = start(|setup| setup.http.max_waiting = 1).await;
    let long = json!({ "text": "电饭煲漏电，客服说等通知。".repeat(30) });
    let answers = futures_of((0..40).map(|_| server.submit("/v1/classify", &long))).await;
    let n_refused = answers.iter().filter(|it| it.0 == StatusCode::TOO_MANY_REQUESTS).count();
    let n_answered = answers.iter().filter(|it| it.0 == StatusCode::OK).count();
    assert!(0 < n_refused && 0 < n_answered, "{n_refused} refused, {n_answered} answered");
    assert_eq!(n_refused + n_answered, answers.len());
    assert_eq!(server.submit("/v1/classify", &long).await.0, StatusCode::OK);
}

#[tokio::test]
async fn an_easy_complaint_is_answered_by_the_fast_part_when_many_wait_and_the_answer_says_so() {
    // Everything is many, and nothing else would be taken.
    let server = start(|setup| {
        setup.http.cascade_from = Some(0);
        setup.http.max_waiting = 0;
    })
    .await;
    let (status, answer) = server.submit("/v1/classify", &complaint()).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(answer["model"]["cascade"], true);
    assert!(1.0 <= meter(&server, "fenzhen_classifications_total{by=\"cascade\"}").await);
    assert_eq!(answer["category"]["label"], "logistics");
    assert_eq!(answer["fallback"], false);
}
