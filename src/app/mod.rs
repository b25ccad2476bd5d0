//! Puts the parts together and runs them: knowledge, store, HTTP, and the watch over files that
//! may change while the service runs.

mod work;

use std::{
    future::Future,
    net::SocketAddr,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};

use anyhow::Context;
use jiff::Timestamp;
use tokio::{net::TcpListener, sync::oneshot, time::MissedTickBehavior};

use crate::config::{AccessConfig, DatabaseConfig, EvidenceConfig, HttpConfig, WorkConfig};
use crate::evidence::{Place, Vault};
use crate::http::console::Live;
use crate::http::{self, Clock, Parts, Service};
use crate::identity::Identity;
use crate::outbound::Outbound;
use crate::store::{Store, StoreOptions};
use crate::telemetry;
use crate::triage::{Courier, Desk, Engine, Gateways, Knowledge, Shelf, Sources};

/// The time of this machine, to the millisecond. The edge alone asks for it.
#[expect(clippy::disallowed_methods, reason = "this is the edge that reads the clock")]
pub fn now() -> Timestamp {
    let millisecond = Timestamp::now().as_millisecond();
    Timestamp::from_millisecond(millisecond).expect("a time cut to the millisecond is a time")
}

/// The runtime of the service.
pub fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
}

/// The use cases over a database, for commands that serve nobody.
pub async fn open_desk(
    knowledge: Knowledge,
    database: &DatabaseConfig,
    evidence: &EvidenceConfig,
) -> anyhow::Result<Desk> {
    let store = open_store(database).await?;
    let shelf = Shelf::new(database.cache.clone());
    Ok(Desk::new(Engine::new(knowledge), store, shelf, open_vault(evidence, database)?))
}

/// Opens where the bytes of evidence files lie.
fn open_vault(config: &EvidenceConfig, database: &DatabaseConfig) -> anyhow::Result<Vault> {
    let place = config.place(database);
    Vault::open(&place, config.limits()).with_context(|| match &place {
        Place::Folder(folder) => format!("cannot keep evidence files in `{}`", folder.display()),
        Place::Bucket(bucket) => format!("cannot keep evidence files in bucket `{}`", bucket.name),
    })
}

/// Opens the database, makes its folder and brings it to the newest schema.
pub async fn open_store(config: &DatabaseConfig) -> anyhow::Result<Store> {
    if let Some(folder) = config.file().and_then(Path::parent) {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder `{}`", folder.display()))?;
    }
    let options =
        StoreOptions { max_connections: config.database_connections, ..StoreOptions::default() };
    let store = Store::connect(&config.url, options).await.context("cannot open the database")?;
    store.migrate().await.context("cannot bring the database to the newest schema")?;
    Ok(store)
}

/// Keys, users and sessions of a database, for commands.
pub async fn open_identity(config: &DatabaseConfig) -> anyhow::Result<Identity> {
    let lifetime = AccessConfig::default().session_lifetime();
    Ok(Identity::new(open_store(config).await?, lifetime))
}

/// The service, listening.
pub struct App {
    listener: TcpListener,
    address: SocketAddr,
    service: Service,
    config: HttpConfig,
    sources: Sources,
    seen: Vec<Option<SystemTime>>,
    first: Option<(String, String)>,
}

impl App {
    /// Loads everything and begins to listen; nothing is answered before [`App::run_until`].
    pub async fn start(
        config: HttpConfig,
        database: &DatabaseConfig,
        sources: Sources,
    ) -> anyhow::Result<Self> {
        Self::start_with_clock(config, database, sources, Arc::new(now)).await
    }

    /// The same with a clock of one's own, for tests.
    pub async fn start_with_clock(
        config: HttpConfig,
        database: &DatabaseConfig,
        sources: Sources,
        clock: Clock,
    ) -> anyhow::Result<Self> {
        let is_closed = config.access.is_closed(config.listen);
        if !is_closed && !config.listen.ip().is_loopback() {
            anyhow::bail!(
                "`--auth open` would let the whole network in: listen on a loopback address, or \
                 leave `--auth` out and make keys with `fenzhen keys create`"
            );
        }
        let metrics = telemetry::init_metrics().context("cannot start the metrics")?;
        // Looked at before the files are read: what changes meanwhile is read again.
        let seen = newest_change(&sources);
        let knowledge = Knowledge::load(&sources).context("cannot start")?;
        if let Some(problem) = knowledge.model_problem() {
            tracing::warn!(problem, "no model is live: rules alone answer");
        }
        let store = open_store(database).await?;
        let identity = Arc::new(Identity::new(store.clone(), config.access.session_lifetime()));
        let first = if is_closed {
            identity.create_first(clock()).await.context("cannot look for users")?
        } else {
            None
        };
        let shelf = Shelf::new(database.cache.clone());
        let engine = Engine::with_options(knowledge, config.engine_options());
        let vault = open_vault(&config.evidence, database)?;
        let outbound = Outbound::new(config.work.timeout(), config.work.outbound_networks.clone())
            .context("cannot prepare calls to other systems")?;
        let WorkConfig { gateways, gateway_secret, .. } = config.work.clone();
        let gateways = Gateways::new(gateways, gateway_secret, &outbound)
            .context("cannot send messages to customers")?;
        let desk = Desk::new(engine, store, shelf, vault).with_gateways(gateways);
        let desk = Arc::new(desk);
        let listener = TcpListener::bind(config.listen)
            .await
            .with_context(|| format!("cannot listen on {}", config.listen))?;
        let address = listener.local_addr().context("cannot tell the address")?;
        let courier = Arc::new(Courier::new(Arc::clone(&desk), outbound));
        let live = Arc::new(Live::default());
        let service = Parts { desk, identity, courier, live, clock, metrics }.into();
        Ok(Self { listener, address, service, config, sources, seen, first })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Name and one-time password of the administrator whom this first start has added, if it was
    /// one.
    pub fn first_administrator(&self) -> Option<(&str, &str)> {
        self.first.as_ref().map(|(name, password)| (name.as_str(), password.as_str()))
    }

    /// Answers until `stop` is done, then lets running requests finish within the grace period.
    pub async fn run_until(self, stop: impl Future<Output = ()>) -> anyhow::Result<()> {
        let router = http::router(self.service.clone(), &self.config);
        let (finish, finished) = oneshot::channel::<()>();
        let period = Duration::from_secs(self.config.reload_s.max(1));
        let desk = Arc::clone(&self.service.desk);
        let watch = tokio::spawn(watch(desk, self.sources, self.seen, period));
        let work = work::start(&self.service, self.config.work.period());
        let shutdown = async { drop(finished.await) };
        let router = router.into_make_service_with_connect_info::<SocketAddr>();
        let server = axum::serve(self.listener, router).with_graceful_shutdown(shutdown);
        let mut server = tokio::spawn(server.into_future());
        tokio::select! {
            outcome = &mut server => outcome.context("the server died")??,
            () = stop => {
                tracing::info!("stopping: running requests may finish");
                drop(finish);
                // Streams of open pages never end by themselves.
                self.service.live.end();
                let grace = Duration::from_secs(self.config.grace_s);
                if tokio::time::timeout(grace, &mut server).await.is_err() {
                    tracing::warn!(grace_s = self.config.grace_s, "some requests were cut off");
                    server.abort();
                }
            }
        }
        watch.abort();
        drop(work);
        self.service.desk.close().await;
        Ok(())
    }
}

/// Done when the operator or the container's supervisor asks the service to stop.
pub async fn stop_signal() {
    let interrupt = async { drop(tokio::signal::ctrl_c().await) };
    let terminate = async {
        use tokio::signal::unix::{SignalKind, signal};
        match signal(SignalKind::terminate()) {
            Ok(mut signal) => drop(signal.recv().await),
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! { () = interrupt => {}, () = terminate => {} }
}

/// Loads the knowledge again whenever one of its files has changed. What cannot be loaded leaves
/// the old knowledge live.
async fn watch(
    desk: Arc<Desk>,
    sources: Sources,
    mut seen: Vec<Option<SystemTime>>,
    period: Duration,
) {
    let mut ticks = tokio::time::interval(period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let newest = newest_change(&sources);
        if newest == seen {
            continue;
        }
        seen = newest;
        let (desk, sources) = (Arc::clone(&desk), sources.clone());
        let reload = tokio::task::spawn_blocking(move || desk.engine().reload(&sources));
        match reload.await {
            Ok(Ok(knowledge)) => tracing::info!(
                model = knowledge.model_version(),
                rules = knowledge.rules.version(),
                "files have changed and are live"
            ),
            Ok(Err(error)) => tracing::error!(
                error = &error as &dyn std::error::Error,
                "files have changed but cannot be used: the old ones stay live"
            ),
            Err(_) => tracing::error!("loading the changed files panicked: the old ones stay live"),
        }
    }
}

/// When each watched file was last changed.
fn newest_change(sources: &Sources) -> Vec<Option<SystemTime>> {
    let live = sources.models.join("live.toml");
    let rules = sources.rules.as_deref();
    let rule_files = rules.and_then(|folder| std::fs::read_dir(folder).ok());
    let rule_files = rule_files.into_iter().flatten().flatten().map(|entry| entry.path());
    let Sources { routing, calendar, handbook, messages, privacy, alerts, .. } = sources;
    let Sources { taxonomy, words, .. } = sources;
    let files = [routing, calendar, handbook, messages, privacy, alerts, taxonomy, words];
    let files = files.into_iter().flatten().cloned().chain(rule_files);
    let modified = |path: &Path| std::fs::metadata(path).and_then(|it| it.modified()).ok();
    std::iter::once(live).chain(files).map(|path| modified(&path)).collect()
}
