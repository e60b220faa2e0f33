//! A PostgreSQL for tests, and a database of its own for each of them.

use std::sync::atomic::{AtomicU32, Ordering};

use tokio_postgres::types::Type;
use tokio_postgres::{Client, Config, NoTls};

/// Where the server is.
fn server() -> &'static str {
    enginehouse_cluster::shared().url()
}

async fn connect(config: &Config) -> Client {
    let (client, connection) = config.connect(NoTls).await.expect("the server can be reached");
    // It ends with an error where a test ends it: the client learns of it too.
    tokio::spawn(async { connection.await.ok() });
    client
}

/// An empty database, dropped with it.
pub struct TestDatabase {
    name: String,
}

impl TestDatabase {
    /// Makes it.
    ///
    /// # Panics
    /// There is no server, or it makes none.
    pub async fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("enginehouse_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let client = connect(&server().parse().expect("a URL")).await;
        client.batch_execute(&format!("drop database if exists {name} with (force)")).await.expect("it is ours");
        client.batch_execute(&format!("create database {name}")).await.expect("a database can be made");
        Self { name }
    }

    /// Its URL, as the server has it.
    ///
    /// # Panics
    /// The server's URL names no database.
    pub fn url(&self) -> String {
        let server = server();
        let (place, _) = server.rsplit_once('/').expect("the URL names a database");
        format!("{place}/{}", self.name)
    }

    /// A connection to it.
    ///
    /// # Panics
    /// There is none.
    pub async fn connect(&self) -> Client {
        connect(&self.url().parse().expect("a URL")).await
    }

    /// All that makes up a schema, as text that can be compared.
    ///
    /// # Panics
    /// It cannot be read.
    pub async fn catalog(&self, schema: &str) -> Vec<String> {
        let client = self.connect().await;
        client.batch_execute("set search_path = ''").await.expect("it can be set");
        let query = include_str!("../../crates/enginehouse-store/schema/postgres_catalog.sql");
        let rows = client.query_typed(query, &[(&schema, Type::TEXT)]).await.expect("catalogs can be read");
        rows.iter().map(|row| row.get(0)).collect()
    }

    /// The names of its schemas, but for PostgreSQL's own.
    ///
    /// # Panics
    /// They cannot be read.
    pub async fn schemas(&self) -> Vec<String> {
        let query = "select nspname::text from pg_namespace \
                     where nspname !~ '^pg_' and nspname <> 'information_schema' order by 1";
        let rows = self.connect().await.query_typed(query, &[]).await.expect("catalogs can be read");
        rows.iter().map(|row| row.get(0)).collect()
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        let (server, drop) = (server(), format!("drop database if exists {} with (force)", self.name));
        // The runtime of the test may have only one thread, and that one is here.
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async { connect(&server.parse().expect("a URL")).await.batch_execute(&drop).await.ok() });
        });
        dropping.join().ok();
    }
}
