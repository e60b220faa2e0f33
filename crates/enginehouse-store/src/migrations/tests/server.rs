//! A PostgreSQL for tests, and a database of its own for each of them.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio_postgres::{Client, Config, NoTls};

/// Where the server is.
fn server() -> Config {
    enginehouse_cluster::shared().url().parse().expect("a URL")
}

/// Connects, and drives the connection in the background.
pub(super) async fn connect(config: &Config) -> Client {
    let (client, connection) = config.connect(NoTls).await.expect("the server can be reached");
    // It ends with an error where a test ends it: the client learns of it too.
    tokio::spawn(async { connection.await.ok() });
    client
}

/// An empty database, dropped with it.
pub(super) struct Database {
    name: String,
}

impl Database {
    pub(super) async fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("enginehouse_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let client = connect(&server()).await;
        client.batch_execute(&format!("drop database if exists {name} with (force)")).await.unwrap();
        client.batch_execute(&format!("create database {name}")).await.unwrap();
        Self { name }
    }

    pub(super) async fn connect(&self) -> Client {
        connect(server().dbname(&self.name)).await
    }

    pub(super) async fn connect_as(&self, role: &str) -> Client {
        connect(server().dbname(&self.name).user(role)).await
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let drop = format!("drop database if exists {} with (force)", self.name);
        // The runtime of the test may have only one thread, and that one is here.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async { connect(&server()).await.batch_execute(&drop).await.ok() });
        });
        dropping.join().ok();
    }
}
