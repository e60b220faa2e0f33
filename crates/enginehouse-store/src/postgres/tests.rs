//! What holds for PostgreSQL alone.

use std::ops::Deref;

use super::{PostgresOptions, PostgresStore};
use crate::Durability;

/// A fresh store of a test.
pub(crate) struct Fresh {
    store: PostgresStore,
}

impl Deref for Fresh {
    type Target = PostgresStore;

    fn deref(&self) -> &PostgresStore {
        &self.store
    }
}

/// A store that nobody has written to, with the database's clock.
#[expect(clippy::disallowed_methods, reason = "the test cluster is named by the environment")]
pub(crate) async fn open_fresh() -> Fresh {
    let server = std::env::var("ENGINEHOUSE_TEST_POSTGRES").expect("ENGINEHOUSE_TEST_POSTGRES names a server");
    let name = format!("test_{}", uuid::Uuid::now_v7().simple());
    let (client, connection) = tokio_postgres::connect(&server, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    client.batch_execute(&format!("create database {name}")).await.unwrap();
    let url = format!("{}/{name}", server.rsplit_once('/').unwrap().0);
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let text = include_str!("../../migrations/postgres/0001_engines_and_events.sql");
    for statement in text.split("\n-- statement\n").skip(1) {
        client.batch_execute(statement).await.unwrap();
    }
    let options = PostgresOptions { durability: Durability::Relaxed, ..PostgresOptions::new(url) };
    Fresh { store: PostgresStore::open(options).await.unwrap() }
}
