//! Our own server, as it is by default: the binary that lies beside this one.

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use enginehouse_cluster::Cluster;
use serde::Deserialize;

use super::credentials::{self, ClientCredentials, ServerLock};
use super::engine::{ClaimAnswer, EngineSpec, HeldLock, LoadEngine};
use super::http::HttpConnection;
use super::sql::FreshDatabase;
use crate::measurement::payload;
use crate::queue::{Purpose, QueueConnection, QueueSystem};
use crate::throwaway::ThrowawayServer;

const DATA_FILE: &str = "enginehouse.db";

pub(crate) struct Enginehouse {
    // Before its database, which could not be dropped under it.
    server: ThrowawayServer,
    database: Option<FreshDatabase>,
    /// What its engines report with each event, as fields behind others; mostly nothing.
    report: &'static str,
    credentials: ClientCredentials,
}

const REPORT: &str =
    r#","usage":{"cpu_seconds":0.125,"max_memory_mb":64},"progress":{"percent":100},"log":["frame 96 of 240"]"#;

impl Enginehouse {
    /// With flags beside its defaults.
    pub(crate) async fn on_sqlite(flags: &[&str]) -> Result<Self> {
        Self::locked_on_sqlite(ServerLock::Open, flags).await
    }

    /// The same, behind a token, or a token and TLS.
    pub(crate) async fn locked_on_sqlite(how: ServerLock, flags: &[&str]) -> Result<Self> {
        let (program, mut locked) = (binary()?, None);
        let server = ThrowawayServer::start(&program, |folder, port| {
            let store = format!("sqlite://{}", folder.join(DATA_FILE).display());
            let done = credentials::lock(how, &program, &store, folder);
            let more = done.as_ref().map(|(_, flags)| flags.clone()).unwrap_or_default();
            locked = Some(done);
            serve(&store, port, flags).into_iter().chain(more).collect()
        });
        let server = server.await?;
        let (credentials, _) = locked.context("the server was not locked")??;
        Ok(Self { server, database: None, report: "", credentials })
    }

    pub(crate) async fn on_postgres(cluster: &Cluster, flags: &[&str]) -> Result<Self> {
        let database = FreshDatabase::on(cluster)?;
        let server = ThrowawayServer::start(binary()?, |_, port| serve(database.url(), port, flags)).await?;
        Ok(Self { server, database: Some(database), report: "", credentials: ClientCredentials::default() })
    }

    /// Whether its engines report on each event.
    pub(crate) fn reporting(mut self, reports: bool) -> Self {
        self.report = if reports { REPORT } else { "" };
        self
    }

    /// The server, without its database.
    pub(crate) fn server(&self) -> &ThrowawayServer {
        &self.server
    }

    pub(crate) fn server_mut(&mut self) -> &mut ThrowawayServer {
        &mut self.server
    }

    /// Its data file, if its rows are in one.
    pub(crate) fn data_file(&self) -> Option<PathBuf> {
        self.database.is_none().then(|| self.server.folder().join(DATA_FILE))
    }
}

fn binary() -> Result<PathBuf> {
    let binary = std::env::current_exe()?.with_file_name("enginehouse");
    if !binary.exists() {
        bail!("{} is not there: run `cargo xtask bench`, which builds it", binary.display());
    }
    Ok(binary)
}

fn serve(store: &str, port: u16, flags: &[&str]) -> Vec<String> {
    let listen = format!("127.0.0.1:{port}");
    let usual = ["serve", "--store", store, "--listen", &listen, "--log", "warn"];
    usual.iter().chain(flags).map(|word| (*word).to_owned()).collect()
}

#[async_trait]
impl QueueSystem for Enginehouse {
    async fn connect(&self, purpose: Purpose) -> Result<Box<dyn QueueConnection>> {
        let mut http = HttpConnection::open_with(&self.credentials, self.server.port()).await?;
        let engine = match purpose {
            Purpose::Enqueue => None,
            Purpose::Claim { number, batch } => {
                let name = format!("load-{number}");
                let spec = EngineSpec { name: &name, batch, heartbeat_seconds: 0, specialty: None };
                Some(LoadEngine::register(&mut http, &spec).await?)
            }
        };
        let event = format!(r#"{{"event_type":"load","payload":{}}}"#, payload());
        Ok(Box::new(EnginehouseConnection {
            http,
            event,
            body: String::new(),
            engine,
            held: Vec::new(),
            report: self.report,
        }))
    }

    fn processes(&self) -> Vec<u32> {
        let postmaster = self.database.as_ref().map(FreshDatabase::postmaster);
        [Some(self.server.pid()), postmaster].into_iter().flatten().collect()
    }

    fn database(&self) -> Option<&str> {
        self.database.as_ref().map(FreshDatabase::url)
    }
}

struct EnginehouseConnection {
    http: HttpConnection,
    event: String,
    body: String,
    engine: Option<LoadEngine>,
    held: Vec<HeldLock>,
    report: &'static str,
}

#[derive(Deserialize)]
struct SettleAnswer {
    results: Vec<SettledAnswer>,
}

#[derive(Deserialize)]
struct ExchangeAnswer<'a> {
    settlements: Vec<SettledAnswer>,
    #[serde(borrow)]
    claim: ClaimAnswer<'a>,
}

#[derive(Deserialize)]
struct SettledAnswer {
    error: Option<serde_json::Value>,
}

impl EnginehouseConnection {
    /// Writes the settlements of all that it holds, as `exchange` and `settle` take them.
    fn write_settlements(&mut self) -> Result<()> {
        for (number, held) in self.held.iter().enumerate() {
            let comma = if number == 0 { "" } else { "," };
            write!(
                self.body,
                r#"{comma}{{"event_id":"{}","lock_token":"{}","outcome":"complete"{}}}"#,
                held.event_id, held.token, self.report
            )?;
        }
        Ok(())
    }
}

#[async_trait]
impl QueueConnection for EnginehouseConnection {
    async fn enqueue(&mut self, events: usize) -> Result<()> {
        if events == 1 {
            self.http.call("POST", "/v1/events", &self.event).await?;
        } else {
            let body = format!(r#"{{"events":[{}]}}"#, vec![self.event.as_str(); events].join(","));
            self.http.call("POST", "/v1/events/batch", &body).await?;
        }
        Ok(())
    }

    async fn claim(&mut self, limit: usize) -> Result<usize> {
        let engine = self.engine.as_ref().context("this connection claims nothing")?;
        self.held = engine.claim(&mut self.http, limit, 0).await?;
        Ok(self.held.len())
    }

    async fn complete(&mut self) -> Result<()> {
        if let [held] = self.held.as_slice() {
            held.complete(&mut self.http, self.report).await?;
        } else {
            self.body.clear();
            self.body.push_str(r#"{"settlements":["#);
            self.write_settlements()?;
            self.body.push_str("]}");
            let session = self.engine.as_ref().map_or("", |engine| &*engine.session);
            let answer = self.http.call_with(session, "POST", "/v1/events/settle", &self.body).await?;
            all_settled(&serde_json::from_slice::<SettleAnswer>(&answer)?.results)?;
        }
        self.held.clear();
        Ok(())
    }

    async fn exchange(&mut self, limit: usize) -> Result<usize> {
        let LoadEngine { path, epoch, session, .. } = self.engine.as_ref().context("this connection claims nothing")?;
        let (path, session) = (format!("{path}/exchange"), Arc::clone(session));
        self.body.clear();
        write!(self.body, r#"{{"epoch":{epoch},"settlements":["#)?;
        self.write_settlements()?;
        write!(self.body, r#"],"claim":{{"limit":{limit}}}}}"#)?;
        let answer = self.http.call_with(&session, "POST", &path, &self.body).await?;
        let exchanged: ExchangeAnswer<'_> = serde_json::from_slice(&answer).context("no answer of an exchange")?;
        all_settled(&exchanged.settlements)?;
        self.held = exchanged.claim.held(&session);
        Ok(self.held.len())
    }
}

fn all_settled(results: &[SettledAnswer]) -> Result<()> {
    match results.iter().find_map(|settled| settled.error.as_ref()) {
        Some(error) => bail!("a lock does not settle its event: {error}"),
        None => Ok(()),
    }
}
