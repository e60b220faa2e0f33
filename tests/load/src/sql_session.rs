//! The PostgreSQL of the suite, and sessions there.

use anyhow::{Context, Result};
use tokio_postgres::{Client, NoTls};

/// The PostgreSQL of the suite: commits are durable, and a checkpoint is rare.
pub(crate) const POSTGRES: &[(&str, &str)] = &[
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    ("shared_buffers", "1GB"),
    ("max_wal_size", "8GB"),
    ("max_connections", "300"),
];

pub(crate) async fn connect(database: &str) -> Result<Client> {
    let (client, connection) =
        tokio_postgres::connect(database, NoTls).await.context("cannot connect to PostgreSQL")?;
    tokio::spawn(connection);
    Ok(client)
}

/// A session that sees the present moment until it is dropped: nothing that dies meanwhile can be vacuumed.
pub(crate) async fn hold_snapshot(database: &str) -> Result<Client> {
    let client = connect(database).await?;
    client.batch_execute("begin isolation level repeatable read read only; select count(*) from pg_class").await?;
    Ok(client)
}
