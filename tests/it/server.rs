//! A service of one's own for each test, on a free port, with a fixed clock.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
};

use fenzhen::{
    app::App,
    config::{DatabaseConfig, HttpConfig},
    triage::Sources,
};
use jiff::Timestamp;
use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;
use tokio::sync::oneshot;

/// Monday, the ninth of November 2026, 9:00 in Shanghai.
pub(crate) const NOW: &str = "2026-11-09T09:00:00+08:00";

/// A running service.
pub(crate) struct Server {
    address: String,
    client: Client,
    clock: Arc<Mutex<Timestamp>>,
    // Both end with the test: the service stops, the folder goes.
    _stop: oneshot::Sender<()>,
    _folder: TempDir,
}

/// How a test's service differs from the default.
pub(crate) struct Setup {
    pub(crate) sources: Sources,
    pub(crate) http: HttpConfig,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            sources: Sources { models: root().join("models"), ..Sources::default() },
            http: HttpConfig {
                listen: "127.0.0.1:0".parse().unwrap(),
                max_body_bytes: 1 << 20,
                max_batch_bytes: 64 << 20,
                max_in_flight: 1024,
                timeout_s: 30,
                grace_s: 5,
                reload_s: 1,
            },
        }
    }
}

impl Server {
    /// The service as it ships.
    pub(crate) async fn start() -> Self {
        Self::start_with(Setup::default()).await
    }

    /// A service with another set-up.
    pub(crate) async fn start_with(setup: Setup) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/cases.sqlite", folder.path().display());
        Self::start_at(setup, url, folder).await
    }

    /// The service as it ships on PostgreSQL, in a schema of its own; nothing without a server,
    /// whose address stands in `FENZHEN_TEST_POSTGRES`.
    #[expect(clippy::disallowed_methods, reason = "tests alone read this variable")]
    #[expect(clippy::print_stderr, reason = "a test that does not run says so")]
    pub(crate) async fn start_on_postgres() -> Option<Self> {
        static SCHEMAS: AtomicU32 = AtomicU32::new(0);
        let Ok(server) = std::env::var("FENZHEN_TEST_POSTGRES") else {
            eprintln!("SKIPPED on PostgreSQL: set FENZHEN_TEST_POSTGRES to a server's address");
            return None;
        };
        let number = SCHEMAS.fetch_add(1, Ordering::Relaxed);
        let schema = format!("fenzhen_it_{}_{number}", std::process::id());
        let mut connection = PgConnection::connect(&server).await.unwrap();
        let sql = format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        let separator = if server.contains('?') { '&' } else { '?' };
        let url = format!("{server}{separator}options[search_path]={schema}");
        Some(Self::start_at(Setup::default(), url, tempfile::tempdir().unwrap()).await)
    }

    async fn start_at(setup: Setup, url: String, folder: TempDir) -> Self {
        let database = DatabaseConfig { url, database_connections: 4 };
        let clock = Arc::new(Mutex::new(NOW.parse::<Timestamp>().unwrap()));
        let hands = Arc::clone(&clock);
        let tell = Arc::new(move || *hands.lock().unwrap());
        let app = App::start_with_clock(setup.http, &database, setup.sources, tell).await.unwrap();
        let address = format!("http://{}", app.address());
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(app.run_until(async { drop(stopped.await) }));
        Self { address, client: Client::new(), clock, _stop: stop, _folder: folder }
    }

    /// Turns the hands of the service's clock.
    pub(crate) fn set_time(&self, now: &str) {
        *self.clock.lock().unwrap() = now.parse().unwrap();
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.address))
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.address))
    }

    /// The JSON at a path, which must be there.
    pub(crate) async fn get_json(&self, path: &str) -> Value {
        let response = self.get(path).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.unwrap()
    }

    /// Status and JSON of a submission.
    pub(crate) async fn submit(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        let response = self.post(path).json(body).send().await.unwrap();
        (response.status(), response.json().await.unwrap())
    }
}

/// Checks that a response is a problem of this status and returns it.
pub(crate) async fn problem(response: Response, status: StatusCode) -> Value {
    assert_eq!(response.status(), status);
    assert_eq!(response.headers()["content-type"], "application/problem+json");
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["status"], status.as_u16());
    assert!(problem["detail"].is_string(), "{problem}");
    problem
}

/// The project's folder.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}
