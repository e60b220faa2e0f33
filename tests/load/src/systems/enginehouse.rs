//! Our own server, as it is by default: the binary that lies beside this one.

use std::fmt::Write;

use anyhow::{Context, Result, bail};
use async_trait::async_trait;
use enginehouse_cluster::Cluster;
use serde::Deserialize;

use super::http::HttpConnection;
use super::sql::FreshDatabase;
use crate::measurement::payload;
use crate::queue::{Purpose, QueueConnection, QueueSystem};
use crate::throwaway::ThrowawayServer;

pub(super) struct Enginehouse {
    // Before its database, which could not be dropped under it.
    server: ThrowawayServer,
    database: Option<FreshDatabase>,
}

impl Enginehouse {
    pub(super) async fn on_sqlite() -> Result<Self> {
        let server = ThrowawayServer::start(binary()?, |folder, port| {
            serve(&format!("sqlite://{}/enginehouse.db", folder.display()), port)
        });
        Ok(Self { server: server.await?, database: None })
    }

    pub(super) async fn on_postgres(cluster: &Cluster) -> Result<Self> {
        let database = FreshDatabase::on(cluster)?;
        let server = ThrowawayServer::start(binary()?, |_, port| serve(database.url(), port)).await?;
        Ok(Self { server, database: Some(database) })
    }
}

fn binary() -> Result<std::path::PathBuf> {
    let binary = std::env::current_exe()?.with_file_name("enginehouse");
    if !binary.exists() {
        bail!("{} is not there: run `cargo xtask bench`, which builds it", binary.display());
    }
    Ok(binary)
}

fn serve(store: &str, port: u16) -> Vec<String> {
    ["serve", "--store", store, "--listen", &format!("127.0.0.1:{port}"), "--log", "warn"].map(str::to_owned).to_vec()
}

#[async_trait]
impl QueueSystem for Enginehouse {
    async fn connect(&self, purpose: Purpose) -> Result<Box<dyn QueueConnection>> {
        let mut connection = EnginehouseConnection {
            http: HttpConnection::open(self.server.port()).await?,
            event: format!(r#"{{"event_type":"load","payload":{}}}"#, payload()),
            body: String::new(),
            engine: String::new(),
            epoch: 0,
            held: Vec::new(),
        };
        if let Purpose::Claim { number, batch } = purpose {
            connection.register(number, batch).await?;
        }
        Ok(Box::new(connection))
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
    engine: String,
    epoch: i64,
    held: Vec<HeldLock>,
}

struct HeldLock {
    event_id: String,
    token: String,
}

#[derive(Deserialize)]
struct RegisterAnswer {
    epoch: i64,
}

#[derive(Deserialize)]
struct ClaimAnswer<'a> {
    #[serde(borrow)]
    events: Vec<ClaimedAnswer<'a>>,
}

#[derive(Deserialize)]
struct ClaimedAnswer<'a> {
    event_id: &'a str,
    #[serde(borrow)]
    lock: LockAnswer<'a>,
}

#[derive(Deserialize)]
struct LockAnswer<'a> {
    token: &'a str,
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
    /// Becomes an engine that may hold so many events at once, and is never lost.
    async fn register(&mut self, number: usize, batch: usize) -> Result<()> {
        self.engine = format!("/v1/engines/load-{number}");
        let body = format!(
            r#"{{"engine_type":"load","heartbeat_interval_seconds":0,"metadata":{{"static_config":{{"resource_limits":{{"max_concurrent_events":{batch}}}}}}}}}"#
        );
        let answer = self.http.call("PUT", &self.engine, &body).await?;
        self.epoch = serde_json::from_slice::<RegisterAnswer>(&answer)?.epoch;
        Ok(())
    }

    /// Writes the settlements of all that it holds, as `exchange` and `settle` take them.
    fn write_settlements(&mut self) -> Result<()> {
        for (number, held) in self.held.iter().enumerate() {
            let comma = if number == 0 { "" } else { "," };
            write!(
                self.body,
                r#"{comma}{{"event_id":"{}","lock_token":"{}","outcome":"complete"}}"#,
                held.event_id, held.token
            )?;
        }
        Ok(())
    }

    fn hold(&mut self, claimed: &ClaimAnswer<'_>) -> usize {
        let held = claimed.events.iter();
        self.held =
            held.map(|event| HeldLock { event_id: event.event_id.into(), token: event.lock.token.into() }).collect();
        self.held.len()
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
        let body = format!(r#"{{"epoch":{},"limit":{limit}}}"#, self.epoch);
        let answer = self.http.call("POST", &format!("{}/claim", self.engine), &body).await?;
        Ok(self.hold(&serde_json::from_slice(&answer)?))
    }

    async fn complete(&mut self) -> Result<()> {
        if let [held] = self.held.as_slice() {
            let path = format!("/v1/events/{}/complete", held.event_id);
            self.http.call("POST", &path, &format!(r#"{{"lock_token":"{}"}}"#, held.token)).await?;
        } else {
            self.body.clear();
            self.body.push_str(r#"{"settlements":["#);
            self.write_settlements()?;
            self.body.push_str("]}");
            let answer = self.http.call("POST", "/v1/events/settle", &self.body).await?;
            all_settled(&serde_json::from_slice::<SettleAnswer>(&answer)?.results)?;
        }
        self.held.clear();
        Ok(())
    }

    async fn exchange(&mut self, limit: usize) -> Result<usize> {
        self.body.clear();
        write!(self.body, r#"{{"epoch":{},"settlements":["#, self.epoch)?;
        self.write_settlements()?;
        write!(self.body, r#"],"claim":{{"limit":{limit}}}}}"#)?;
        let answer = self.http.call("POST", &format!("{}/exchange", self.engine), &self.body).await?;
        let exchanged: ExchangeAnswer<'_> = serde_json::from_slice(&answer).context("no answer of an exchange")?;
        all_settled(&exchanged.settlements)?;
        Ok(self.hold(&exchanged.claim))
    }
}

fn all_settled(results: &[SettledAnswer]) -> Result<()> {
    match results.iter().find_map(|settled| settled.error.as_ref()) {
        Some(error) => bail!("a lock does not settle its event: {error}"),
        None => Ok(()),
    }
}
