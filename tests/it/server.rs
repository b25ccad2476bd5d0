//! A service of one's own for each test, on a free port, with a fixed clock.

use std::{
    collections::BTreeSet,
    io::{self, Write},
    path::PathBuf,
    process::Command,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use fenzhen::{
    app::App,
    config::{AccessConfig, DatabaseConfig, EvidenceConfig, HttpConfig, WorkConfig},
    triage::Sources,
};
use jiff::Timestamp;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tempfile::TempDir;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::cli::fenzhen;

/// Monday, the ninth of November 2026, 9:00 in Shanghai.
pub(crate) const NOW: &str = "2026-11-09T09:00:00+08:00";

/// A running service.
pub(crate) struct Server {
    address: String,
    client: Client,
    clock: Arc<Mutex<Timestamp>>,
    url: String,
    // Both end with the test: the service stops, the folder goes.
    stop: oneshot::Sender<()>,
    work: JoinHandle<()>,
    folder: Arc<TempDir>,
}

/// The models that tests answer with: the linear one alone, because a build that is made to be
/// debugged takes a hundred times as long for an encoder.
pub(crate) fn test_models() -> PathBuf {
    root().join("tests/models")
}

/// How a test's service differs from the default.
pub(crate) struct Setup {
    pub(crate) sources: Sources,
    pub(crate) http: HttpConfig,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            sources: Sources { models: test_models(), ..Sources::default() },
            http: HttpConfig {
                max_waiting: 256,
                batch_tokens: 512,
                cascade_from: None,
                listen: "127.0.0.1:0".parse().unwrap(),
                max_body_bytes: 1 << 20,
                max_batch_bytes: 64 << 20,
                max_batches: 4,
                max_in_flight: 1024,
                timeout_s: 30,
                grace_s: 5,
                reload_s: 1,
                access: AccessConfig::default(),
                // Tests that want clocks to strike or messages to go out say how often.
                work: WorkConfig { work_ms: 3_600_000, ..WorkConfig::default() },
                evidence: EvidenceConfig::default(),
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
        Self::start_at(setup, url, Arc::new(folder)).await
    }

    /// The service as it ships on PostgreSQL, in a schema of its own; nothing without a server,
    /// whose address stands in `FENZHEN_TEST_POSTGRES`.
    pub(crate) async fn start_on_postgres() -> Option<Self> {
        Self::start_on_postgres_with(Setup::default()).await
    }

    /// The same with another set-up.
    pub(crate) async fn start_on_postgres_with(setup: Setup) -> Option<Self> {
        let url = postgres_schema().await?;
        Some(Self::start_at(setup, url, Arc::new(tempfile::tempdir().unwrap())).await)
    }

    async fn start_at(setup: Setup, url: String, folder: Arc<TempDir>) -> Self {
        let clock = Arc::new(Mutex::new(NOW.parse::<Timestamp>().unwrap()));
        Self::start_by(setup, url, folder, clock).await
    }

    /// Another replica of this service: the same database and the same time.
    pub(crate) async fn replica(&self, setup: Setup) -> Self {
        let (folder, clock) = (Arc::clone(&self.folder), Arc::clone(&self.clock));
        Self::start_by(setup, self.url.clone(), folder, clock).await
    }

    async fn start_by(
        mut setup: Setup,
        url: String,
        folder: Arc<TempDir>,
        clock: Arc<Mutex<Timestamp>>,
    ) -> Self {
        let cache = folder.path().join("cache");
        setup.http.evidence.evidence = Some(folder.path().join("evidence"));
        let database = DatabaseConfig { url: url.clone(), database_connections: 4, cache };
        let hands = Arc::clone(&clock);
        let tell = Arc::new(move || *hands.lock().unwrap());
        let app = App::start_with_clock(setup.http, &database, setup.sources, tell).await.unwrap();
        // The client wants a provider of cryptography, whichever test comes first.
        drop(rustls::crypto::ring::default_provider().install_default());
        let address = format!("http://{}", app.address());
        // Nothing here is encrypted, but the client wants to know what would do it.
        drop(rustls::crypto::ring::default_provider().install_default());
        let (stop, stopped) = oneshot::channel::<()>();
        let work = tokio::spawn(async move {
            app.run_until(async { drop(stopped.await) }).await.unwrap();
        });
        Self { address, client: Client::new(), clock, url, stop, work, folder }
    }

    /// Stops the service, and waits until it does nothing any more.
    pub(crate) async fn stop(self) {
        drop(self.stop);
        self.work.await.unwrap();
    }

    /// A service with another set-up whose administrator was added on the command line.
    pub(crate) async fn start_with_administrator(setup: Setup, name: &str, password: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let url = format!("sqlite://{}/cases.sqlite", folder.path().display());
        let arguments = ["users", "create", name, "--role", "administrator", "--database", &url];
        let output = fenzhen(&arguments, format!("{password}\n").as_bytes());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self::start_at(setup, url, Arc::new(folder)).await
    }

    /// Turns the hands of the service's clock.
    pub(crate) fn set_time(&self, now: &str) {
        *self.clock.lock().unwrap() = now.parse().unwrap();
    }

    /// The address of the service's database.
    pub(crate) fn database(&self) -> &str {
        &self.url
    }

    /// The folder of the evidence files.
    pub(crate) fn evidence(&self) -> PathBuf {
        self.folder.path().join("evidence")
    }

    /// The address of a path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.address)
    }

    pub(crate) fn get(&self, path: &str) -> RequestBuilder {
        self.client.get(format!("{}{path}", self.address))
    }

    pub(crate) fn post(&self, path: &str) -> RequestBuilder {
        self.client.post(format!("{}{path}", self.address))
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.address))
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

/// The address of an empty schema of PostgreSQL; nothing without a server, whose address stands in
/// `FENZHEN_TEST_POSTGRES`.
#[expect(clippy::disallowed_methods, reason = "tests alone read this variable")]
pub(crate) async fn postgres_schema() -> Option<String> {
    static SCHEMAS: AtomicU32 = AtomicU32::new(0);
    let Ok(server) = std::env::var("FENZHEN_TEST_POSTGRES") else {
        skipped("on PostgreSQL: set FENZHEN_TEST_POSTGRES to a server's address");
        return None;
    };
    let number = SCHEMAS.fetch_add(1, Ordering::Relaxed);
    let schema = format!("fenzhen_it_{}_{number}", std::process::id());
    let mut connection = PgConnection::connect(&server).await.unwrap();
    let sql = format!("DROP SCHEMA IF EXISTS {schema} CASCADE; CREATE SCHEMA {schema}");
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    let separator = if server.contains('?') { '&' } else { '?' };
    Some(format!("{server}{separator}options[search_path]={schema}"))
}

/// Says that tests were skipped and why: once, and past the harness, which shows nobody what a test
/// prints that passes.
pub(crate) fn skipped(why: &'static str) {
    static SAID: Mutex<BTreeSet<&str>> = Mutex::new(BTreeSet::new());
    if SAID.lock().unwrap().insert(why) {
        drop(writeln!(io::stderr(), "SKIPPED {why}"));
    }
}

#[test]
fn who_has_no_postgresql_is_told_once_that_tests_were_skipped() {
    let mut tests = Command::new(std::env::current_exe().unwrap());
    let tests = tests.args(["_on_postgres", "--test-threads=2"]);
    let output = tests.env_remove("FENZHEN_TEST_POSTGRES").output().unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}");
    assert_eq!(told.matches("SKIPPED on PostgreSQL").count(), 1, "{told}");
}

/// Asks again until the answer is yes, for half a minute at most.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, ask: impl Fn() -> F) {
    let asking = async {
        while !ask().await {
            tokio::task::yield_now().await;
        }
    };
    let patience = Duration::from_secs(30);
    tokio::time::timeout(patience, asking).await.unwrap_or_else(|_| panic!("never: {what}"));
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
