//! The values of all settings, and their defaults.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use enginehouse_api::system::InstanceColor;
use enginehouse_store::migrations::{Migrate, SchemaName};
use enginehouse_store::postgres::Pooler;
use enginehouse_store::{Durability, StoreUrl};

use crate::dispatcher::config::DispatchConfig;
use crate::http::Limits;
use crate::server::{AllowedHosts, DEFAULT_SOCKET_MODE, ListenAddress, TlsFiles};
use crate::trusted_proxies::TrustedProxies;

/// Everything that a server needs to know. Complete: every default is filled in.
#[derive(Clone, Debug)]
pub struct Config {
    /// What people call this installation.
    pub instance_name: Option<String>,
    /// By which colour they tell it from others.
    pub instance_color: Option<InstanceColor>,
    pub listen: ListenAddress,
    /// Where metrics are; none if they are where calls are.
    pub metrics_listen: Option<ListenAddress>,
    /// The permissions of a Unix socket.
    pub socket_mode: u32,
    /// Whether it may be served to other machines without TLS, and without anything.
    pub insecure_transport: bool,
    pub insecure: bool,
    /// The files of its certificate and of its key: both or none.
    pub tls_cert: Option<PathBuf>,
    pub tls_key: Option<PathBuf>,
    /// The file of the CAs of clients.
    pub tls_client_ca: Option<PathBuf>,
    /// By which names it may be called besides its addresses.
    pub allowed_hosts: AllowedHosts,
    /// Whose word is taken for who calls.
    pub trusted_proxies: TrustedProxies,
    /// Where the rows are.
    pub store: StoreUrl,
    /// The schema of the tables, in PostgreSQL.
    pub schema: SchemaName,
    /// How many transactions may be under way at once, in PostgreSQL.
    pub max_transactions: usize,
    /// What stands between the server and PostgreSQL.
    pub postgres_pooler: Pooler,
    /// Whether an answer waits for the disk.
    pub durability: Durability,
    /// The largest size of the store in bytes; none if only the disk limits it.
    pub max_store_bytes: Option<u64>,
    /// What to do about the schema of the store.
    pub migrate: Migrate,
    /// What an operator may decide about dispatch.
    pub dispatch: DispatchConfig,
    /// What requests and answers may take.
    pub limits: Limits,
    pub shutdown_timeout: Duration,
    /// What is logged, as tracing-subscriber's `Targets` reads it.
    pub log: String,
    /// Whether each request is logged.
    pub log_requests: bool,
    pub log_format: LogFormat,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            instance_name: None,
            instance_color: None,
            listen: SocketAddr::from(([127, 0, 0, 1], 7420)).into(),
            metrics_listen: None,
            socket_mode: DEFAULT_SOCKET_MODE,
            insecure_transport: false,
            insecure: false,
            tls_cert: None,
            tls_key: None,
            tls_client_ca: None,
            allowed_hosts: AllowedHosts::default(),
            trusted_proxies: TrustedProxies::default(),
            store: StoreUrl::Sqlite("enginehouse.db".into()),
            schema: SchemaName::default(),
            max_transactions: 2,
            postgres_pooler: Pooler::Auto,
            durability: Durability::Full,
            max_store_bytes: None,
            migrate: Migrate::Auto,
            dispatch: DispatchConfig::default(),
            limits: Limits::default(),
            shutdown_timeout: Duration::from_secs(10),
            log: "info".to_owned(),
            log_requests: false,
            log_format: LogFormat::Text,
        }
    }
}

impl Config {
    /// What the server speaks TLS with; none if it speaks plain HTTP.
    pub fn tls(&self) -> Option<TlsFiles> {
        let (cert, key) = self.tls_cert.clone().zip(self.tls_key.clone())?;
        Some(TlsFiles { cert, key, client_ca: self.tls_client_ca.clone() })
    }
}

/// How a log line is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}
