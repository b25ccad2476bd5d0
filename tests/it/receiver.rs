//! A system of the firm that hears of events: a real HTTP server on a free port.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU16, Ordering},
};

use axum::{Router, body::Bytes, extract::State, http::HeaderMap, http::StatusCode};
use fenzhen::outbound::Secret;
use jiff::Timestamp;
use serde_json::Value;
use tokio::net::TcpListener;

/// A call as it came in.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) headers: HeaderMap,
    pub(crate) bytes: Bytes,
}

/// The server; it ends with the test.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    calls: Arc<Mutex<Vec<Call>>>,
    status: Arc<AtomicU16>,
}

impl Receiver {
    /// Listens, and answers 204.
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self {
            url: format!("http://{}/hooks", listener.local_addr().unwrap()),
            calls: Arc::default(),
            status: Arc::new(AtomicU16::new(204)),
        };
        let router = Router::new().fallback(take).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    /// Answers this status from now on; 302 leads back here.
    pub(crate) fn answer(&self, status: u16) {
        self.status.store(status, Ordering::SeqCst);
    }

    /// Every call so far.
    pub(crate) fn calls(&self) -> Vec<Call> {
        self.calls.lock().unwrap().clone()
    }
}

async fn take(
    State(receiver): State<Receiver>,
    headers: HeaderMap,
    bytes: Bytes,
) -> (StatusCode, [(&'static str, String); 1]) {
    receiver.calls.lock().unwrap().push(Call { headers, bytes });
    let status = StatusCode::from_u16(receiver.status.load(Ordering::SeqCst)).unwrap();
    (status, [("location", format!("{}/redirected", receiver.url))])
}

impl Call {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }

    /// The kind of the event.
    pub(crate) fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }

    /// Whether one of the signatures is that of this secret.
    pub(crate) fn is_signed_by(&self, secret: &str) -> bool {
        let secret: Secret = secret.parse().unwrap();
        let second = self.header("webhook-timestamp").parse().unwrap();
        let at = Timestamp::from_second(second).unwrap();
        let expected = secret.sign(self.header("webhook-id"), at, &self.bytes);
        self.header("webhook-signature").split(' ').any(|it| it == expected)
    }
}
