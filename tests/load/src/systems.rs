//! The systems that are measured, and how each is started.

mod beanstalkd;
mod constant;
mod credentials;
mod engine;
mod enginehouse;
mod http;
mod redis;
mod sql;

use anyhow::Result;
use clap::ValueEnum;
use enginehouse_cluster::Cluster;

pub(crate) use self::constant::serve as serve_constant;
use self::credentials::ServerLock;
pub(crate) use self::engine::{EngineSpec, LoadEngine};
pub(crate) use self::enginehouse::Enginehouse;
pub(crate) use self::http::HttpConnection;
use crate::queue::QueueSystem;

/// A system that is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum SystemName {
    /// Enginehouse, its events in a file
    Sqlite,
    /// Enginehouse, its events in PostgreSQL
    Postgres,
    /// Enginehouse, its events in a file, with an access token
    #[value(name = "sqlite+token")]
    SqliteToken,
    /// The same, and over TLS
    #[value(name = "sqlite+tls")]
    SqliteTls,
    /// Redis Streams, each command on the disk before its answer
    Redis,
    /// A table, a partial index, `for update skip locked`, rows kept
    SkipLocked,
    /// The tables and functions that pgmq has
    Pgmq,
    /// beanstalkd, each command on the disk before its answer
    Beanstalkd,
    /// No queue: an HTTP server that answers a constant
    Constant,
}

impl SystemName {
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        Self::value_variants().iter().copied()
    }

    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Sqlite => "Enginehouse, SQLite",
            Self::Postgres => "Enginehouse, PostgreSQL",
            Self::SqliteToken => "Enginehouse, SQLite, token",
            Self::SqliteTls => "Enginehouse, SQLite, token and TLS",
            Self::Redis => "Redis Streams",
            Self::SkipLocked => "SKIP LOCKED",
            Self::Pgmq => "pgmq's shape",
            Self::Beanstalkd => "beanstalkd",
            Self::Constant => "bare hyper",
        }
    }

    /// How it is set, beyond its defaults.
    pub(crate) fn settings(self) -> &'static str {
        match self {
            Self::Sqlite | Self::Postgres => "its defaults: `--durability full`",
            Self::SqliteToken => "the same, every call with the token of an admin",
            Self::SqliteTls => "the same, and TLS 1.3 with a certificate of P-256, by connections that stay",
            Self::Redis => "`--appendonly yes --appendfsync always --save ''`; XADD, XREADGROUP, XACK and XDEL",
            Self::SkipLocked => "prepared statements; completed rows stay",
            Self::Pgmq => "pgmq's tables and functions as this suite writes them, not its extension",
            Self::Beanstalkd => "`-b FOLDER -f0`; its claims are not durable",
            Self::Constant => "answers as many bytes as an enqueue does",
        }
    }

    /// Whether its rows are on the PostgreSQL server of the suite.
    pub(crate) fn needs_postgres(self) -> bool {
        matches!(self, Self::Postgres | Self::SkipLocked | Self::Pgmq)
    }

    pub(crate) fn is_ours(self) -> bool {
        matches!(self, Self::Sqlite | Self::SqliteToken | Self::SqliteTls | Self::Postgres)
    }

    /// Whether it takes part where nobody names systems.
    pub(crate) fn is_usual(self) -> bool {
        !matches!(self, Self::SqliteToken | Self::SqliteTls)
    }

    /// Starts it with nothing in it. With `reports`, engines of ours report on each event.
    pub(crate) async fn start(self, cluster: Option<&Cluster>, reports: bool) -> Result<Box<dyn QueueSystem>> {
        let postgres = || cluster.ok_or_else(|| anyhow::anyhow!("the suite's PostgreSQL does not run"));
        let locked = async |how| -> Result<_> {
            Ok(Box::new(enginehouse::Enginehouse::locked_on_sqlite(how, &[]).await?.reporting(reports)))
        };
        Ok(match self {
            Self::Sqlite => Box::new(enginehouse::Enginehouse::on_sqlite(&[]).await?.reporting(reports)),
            Self::SqliteToken => locked(ServerLock::Token).await?,
            Self::SqliteTls => locked(ServerLock::TokenAndTls).await?,
            Self::Postgres => {
                Box::new(enginehouse::Enginehouse::on_postgres(postgres()?, &[]).await?.reporting(reports))
            }
            Self::Redis => Box::new(redis::Redis::start().await?),
            Self::SkipLocked => Box::new(sql::SqlQueue::skip_locked(postgres()?).await?),
            Self::Pgmq => Box::new(sql::SqlQueue::pgmq(postgres()?).await?),
            Self::Beanstalkd => Box::new(beanstalkd::Beanstalkd::start().await?),
            Self::Constant => Box::new(constant::Constant::start().await?),
        })
    }
}
