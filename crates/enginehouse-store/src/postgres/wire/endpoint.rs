//! Where the database is, how to connect to it, and what is checked whenever a connection is opened.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::poll_fn;
use tokio::task::JoinHandle;
use tokio_postgres::config::SslNegotiation;
use tokio_postgres::tls::MakeTlsConnect;
use tokio_postgres::{AsyncMessage, Client, Config, Connection, Notification, SimpleQueryMessage, Socket};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::error::{PgError, PgResult, message};
use super::tls::Tls;
use super::url;
use crate::migrations::SchemaName;

/// How long a connection may take to be made.
pub(crate) const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

type Stream = <MakeRustlsConnect as MakeTlsConnect<Socket>>::Stream;

async fn open(config: &Config, tls: &Tls) -> PgResult<(Client, Connection<Socket, Stream>)> {
    let is_direct = config.get_ssl_negotiation() == SslNegotiation::Direct;
    let connector = tls.connector(is_direct).map_err(PgError::NoConnection)?;
    // Several hosts may be tried one after the other, each for `CONNECT_TIMEOUT`.
    let connected = tokio::time::timeout(CONNECT_TIMEOUT * 2, config.connect(connector)).await;
    let connected = connected.map_err(|_| PgError::NoConnection("the database does not answer".to_owned()))?;
    connected.map_err(|error| PgError::NoConnection(message(&error)))
}

/// One connection that belongs to no store, under a name of its own.
pub(crate) async fn connect_as(application_name: &str, url: &str) -> Result<Client, String> {
    let (mut config, tls) = url::parse(url)?;
    config.application_name(application_name);
    config.keepalives_idle(Duration::from_secs(30));
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    let (client, connection) = open(&config, &tls).await.map_err(|failure| failure.message())?;
    // The client reports the errors of its connection.
    tokio::spawn(async { connection.await.ok() });
    Ok(client)
}

/// What all connections of a store have in common.
pub(crate) struct Endpoint {
    config: Config,
    tls: Tls,
    schema: SchemaName,
    /// Statements with the name of another schema, by the address of their original text.
    texts: Mutex<HashMap<usize, Arc<str>>>,
    /// Whether connections keep prepared statements. They must not behind a pooler in transaction mode.
    caches_statements: AtomicBool,
    /// How long any answer may take.
    deadline: Duration,
    /// Whether a server is refused whose commits do not wait for the disk.
    pub(crate) durable: bool,
    /// How many commits have returned before their synchronous standbys had them.
    unreplicated: Arc<AtomicU64>,
    /// When the database was started, in microseconds of its own clock.
    started: AtomicI64,
    /// Whether it was restarted since the last `take_restarted`.
    restarted: AtomicBool,
}

/// The version and settings of a server.
#[derive(Clone, Debug)]
pub(crate) struct ServerInfo {
    pub(crate) version: String,
    version_number: i64,
    fsync: bool,
    full_page_writes: bool,
    synchronous_commit: String,
    in_recovery: bool,
    started: i64,
}

/// The oldest version that is tested.
const OLDEST_VERSION: i64 = 140_000;

impl Endpoint {
    pub(crate) fn new(
        url: &str,
        schema: SchemaName,
        caches_statements: bool,
        deadline: Duration,
        durable: bool,
    ) -> Result<Self, String> {
        let (mut config, tls) = url::parse(url)?;
        if config.get_application_name().is_none() {
            config.application_name("enginehouse");
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT_TIMEOUT);
        }
        if config.get_tcp_user_timeout().is_none() {
            // So that a lost peer is noticed even while no statement waits for an answer.
            config.tcp_user_timeout(deadline);
        }
        config.keepalives_idle(Duration::from_secs(30));
        Ok(Self {
            config,
            tls,
            schema,
            texts: Mutex::default(),
            caches_statements: AtomicBool::new(caches_statements),
            deadline,
            durable,
            unreplicated: Arc::default(),
            started: AtomicI64::new(0),
            restarted: AtomicBool::new(false),
        })
    }

    pub(crate) fn schema(&self) -> &SchemaName {
        &self.schema
    }

    /// The channel on which servers notify each other.
    pub(crate) fn channel(&self) -> String {
        format!("enginehouse:{}", self.schema.as_str())
    }

    pub(crate) fn deadline(&self) -> Duration {
        self.deadline
    }

    pub(crate) fn caches_statements(&self) -> bool {
        self.caches_statements.load(Ordering::Relaxed)
    }

    pub(crate) fn disable_statement_cache(&self) {
        self.caches_statements.store(false, Ordering::Relaxed);
    }

    /// A statement, with the name of the schema if that is not the default.
    pub(crate) fn text(&self, sql: &'static str) -> Cow<'static, str> {
        if self.schema.is_default() {
            return Cow::Borrowed(sql);
        }
        let mut texts = self.texts.lock().unwrap_or_else(PoisonError::into_inner);
        let text = texts.entry(sql.as_ptr().addr()).or_insert_with(|| self.schema.replace_in(sql).into());
        Cow::Owned(text.to_string())
    }

    /// The hosts, the database and the schema, without a password.
    pub(crate) fn describe(&self) -> String {
        url::describe(&self.config, &self.schema)
    }

    /// How many commits have returned before their synchronous standbys had them.
    pub(crate) fn unreplicated(&self) -> u64 {
        self.unreplicated.load(Ordering::Acquire)
    }

    /// Notes when the database was started. Behind a pooler it may restart without breaking our connections.
    pub(crate) fn note_start(&self, started: i64) {
        let before = self.started.swap(started, Ordering::AcqRel);
        if before != 0 && before != started {
            self.restarted.store(true, Ordering::Release);
        }
    }

    /// Whether the database was restarted since the last call.
    pub(crate) fn take_restarted(&self) -> bool {
        self.restarted.swap(false, Ordering::AcqRel)
    }

    /// Makes a connection and checks the server. `on_notification` is called for what `listen` brings.
    pub(crate) async fn connect(
        &self,
        on_notification: impl Fn(Notification) + Send + 'static,
    ) -> PgResult<(Client, JoinHandle<()>)> {
        let (client, connection) = self.connect_unchecked(on_notification).await?;
        self.check_server(&client).await.map_err(PgError::NoConnection)?;
        Ok((client, connection))
    }

    async fn connect_unchecked(
        &self,
        on_notification: impl Fn(Notification) + Send + 'static,
    ) -> PgResult<(Client, JoinHandle<()>)> {
        let (client, mut connection) = open(&self.config, &self.tls).await?;
        let unreplicated = Arc::clone(&self.unreplicated);
        let task = tokio::spawn(async move {
            let mut messages = poll_fn(move |cx| connection.poll_message(cx));
            while let Some(received) = messages.next().await {
                match received {
                    Ok(AsyncMessage::Notice(notice)) => {
                        // A commit was cancelled while it waited for its standbys: it is on the disk of the primary only.
                        if notice.code().code() == "01000" && notice.message().contains("synchronous replication") {
                            unreplicated.fetch_add(1, Ordering::AcqRel);
                        }
                        tracing::debug!(
                            severity = notice.severity(),
                            notice = notice.message(),
                            "notice from the database"
                        );
                    }
                    Ok(AsyncMessage::Notification(notification)) => on_notification(notification),
                    Ok(_) => {}
                    Err(error) => {
                        tracing::debug!(error = message(&error), "a connection to the database has ended");
                        break;
                    }
                }
            }
        });
        Ok((client, task))
    }

    /// Reads what a server is, and refuses one that cannot be written to or does not keep what was committed.
    async fn check_server(&self, client: &Client) -> Result<ServerInfo, String> {
        const QUERY: &str = "select current_setting('server_version'), current_setting('server_version_num'), \
             current_setting('fsync'), current_setting('full_page_writes'), current_setting('synchronous_commit'), \
             pg_is_in_recovery(), (extract(epoch from pg_postmaster_start_time()) * 1000000)::bigint";
        let asked = tokio::time::timeout(CONNECT_TIMEOUT, client.simple_query(QUERY)).await;
        let rows = asked.map_err(|_| "the database does not answer".to_owned())?.map_err(|error| message(&error))?;
        let row = rows.iter().find_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(row),
            _ => None,
        });
        let text = |place: usize| row.and_then(|row| row.get(place)).unwrap_or_default();
        let server = ServerInfo {
            version: text(0).to_owned(),
            version_number: text(1).parse().unwrap_or(0),
            fsync: text(2) == "on",
            full_page_writes: text(3) == "on",
            synchronous_commit: text(4).to_owned(),
            in_recovery: text(5) == "t",
            started: text(6).parse().unwrap_or(0),
        };
        server.check(self.durable)?;
        self.note_start(server.started);
        Ok(server)
    }

    /// Connects once, to check the server.
    pub(crate) async fn server_info(&self) -> PgResult<ServerInfo> {
        let (client, _connection) = self.connect_unchecked(|_| {}).await?;
        self.check_server(&client).await.map_err(PgError::NoConnection)
    }

    /// Whether a pooler in transaction mode stands in between, which gives a connection another session for each transaction.
    /// Without one, a connection always has the same session, and two connections never have the same.
    pub(crate) async fn is_pooled(&self) -> PgResult<bool> {
        let (one, _one) = self.connect_unchecked(|_| {}).await?;
        let (two, _two) = self.connect_unchecked(|_| {}).await?;
        let mut seen: [Option<String>; 2] = [None, None];
        for turn in [0, 1, 1, 0, 0, 1] {
            let client = if turn == 0 { &one } else { &two };
            let asked = tokio::time::timeout(CONNECT_TIMEOUT, client.simple_query("select pg_backend_pid()")).await;
            let rows = asked.map_err(|_| PgError::TooSlow(CONNECT_TIMEOUT))??;
            let pid = rows.iter().find_map(|message| match message {
                SimpleQueryMessage::Row(row) => row.get(0).map(str::to_owned),
                _ => None,
            });
            if seen[turn].is_some() && seen[turn] != pid || seen[1 - turn] == pid {
                return Ok(true);
            }
            seen[turn] = pid;
        }
        Ok(false)
    }
}

impl ServerInfo {
    fn check(&self, durable: bool) -> Result<(), String> {
        if self.version_number < OLDEST_VERSION {
            return Err(format!("this is PostgreSQL {}: 14 or newer is needed", self.version));
        }
        if self.in_recovery {
            return Err(
                "this is a standby, which cannot be written to: name the primary too, and add target_session_attrs=read-write"
                    .to_owned(),
            );
        }
        let off: Vec<_> = [
            ("fsync", self.fsync),
            ("full_page_writes", self.full_page_writes),
            ("synchronous_commit", self.synchronous_commit != "off"),
        ]
        .iter()
        .filter(|(_, on)| !on)
        .map(|(name, _)| *name)
        .collect();
        if durable && !off.is_empty() {
            return Err(format!(
                "durability is full, but the database has {} off, so that a power cut may take back what was answered: \
                 turn it on, or set durability to relaxed",
                off.join(" and ")
            ));
        }
        Ok(())
    }
}
