//! What holds for PostgreSQL alone.

mod clock;
mod commits;
mod compaction;
mod errors;
mod heartbeats;
mod inspections;
mod lanes;
mod locks;
mod plans;
mod reads;
mod schema;
mod xid_rebase;

use std::ops::Deref;
use std::time::{Duration, Instant};

use enginehouse_cluster::{SharedServer, shared};

use super::{PostgresOptions, PostgresStore};
use crate::Durability;

/// A fresh store. Its database is dropped with it, unless the test has failed.
pub(crate) struct Fresh {
    store: PostgresStore,
    url: String,
}

impl Deref for Fresh {
    type Target = PostgresStore;

    fn deref(&self) -> &PostgresStore {
        &self.store
    }
}

impl Drop for Fresh {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            server().drop_database(&self.url);
        }
    }
}

impl Fresh {
    /// A connection of another program.
    async fn connect(&self) -> tokio_postgres::Client {
        let (client, connection) = tokio_postgres::connect(&self.url, tokio_postgres::NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }
}

fn server() -> &'static SharedServer {
    shared()
}

fn options(url: &str) -> PostgresOptions {
    PostgresOptions { durability: Durability::Relaxed, ..PostgresOptions::new(url) }
}

/// An empty store, with the database's clock.
pub(crate) async fn open_fresh() -> Fresh {
    open_fresh_with(|options| options).await
}

async fn open_fresh_with(change: impl FnOnce(PostgresOptions) -> PostgresOptions) -> Fresh {
    let url = server().fresh_database();
    let (client, connection) = tokio_postgres::connect(&url, tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(connection);
    let text = include_str!("../../migrations/postgres/0001_engines_and_events.sql");
    for statement in text.split("\n-- statement\n").skip(1) {
        client.batch_execute(statement).await.unwrap();
    }
    Fresh { store: PostgresStore::open(change(options(&url))).await.unwrap(), url }
}

/// Waits until `look` answers something.
#[expect(clippy::disallowed_methods, reason = "a limit on a wait for a condition that gives no signal")]
async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let begin = Instant::now();
    let mut looks = tokio::time::interval(Duration::from_millis(10));
    loop {
        looks.tick().await;
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(begin.elapsed() < Duration::from_secs(60), "not within a minute: {what}");
    }
}
