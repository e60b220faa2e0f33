//! A database of its own for each test.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures_util::StreamExt;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_postgres::{AsyncMessage, Client, NoTls};

const ENGINES_AND_EVENTS: &str = include_str!("../../migrations/postgres/0001_engines_and_events.sql");
pub(crate) const ENQUEUE_IN_SQL: &str = include_str!("../../migrations/postgres/0002_enqueue_in_sql.sql");
pub(crate) const ENQUEUE_IN_SQL_DOWN: &str = include_str!("../../migrations/postgres/0002_enqueue_in_sql.down.sql");

/// Counts the databases of this process.
static MADE: AtomicU32 = AtomicU32::new(0);

/// A database that is dropped with this.
pub(crate) struct Database {
    server: String,
    name: String,
    schema: String,
}

impl Database {
    /// One with the tables, and enqueue in SQL.
    pub(crate) async fn migrated() -> Self {
        Self::migrated_in("enginehouse").await
    }

    /// The same in another schema.
    pub(crate) async fn migrated_in(schema: &str) -> Self {
        let server = server();
        let name = format!("enqueue_in_sql_{}_{}", std::process::id(), MADE.fetch_add(1, Ordering::Relaxed));
        let database = Self { server, name, schema: schema.to_owned() };
        let client = connect(&database.server).await;
        client
            .batch_execute(&format!("create database {} template template0 encoding 'UTF8'", database.name))
            .await
            .unwrap();
        let client = database.connect().await;
        database.apply(&client, ENGINES_AND_EVENTS).await;
        database.apply(&client, ENQUEUE_IN_SQL).await;
        database
    }

    /// Sends each statement of a migration.
    pub(crate) async fn apply(&self, client: &Client, migration: &str) {
        let migration = migration
            .replace("enginehouse.", &format!("{}.", self.schema))
            .replace("schema if not exists enginehouse", &format!("schema if not exists {}", self.schema));
        for statement in migration.split("-- statement\n") {
            client.batch_execute(statement).await.unwrap_or_else(|error| panic!("{error:?}\n{statement}"));
        }
    }

    /// A connection.
    pub(crate) async fn connect(&self) -> Client {
        connect(&self.url()).await
    }

    /// A connection that listens, and the channels of what it hears.
    pub(crate) async fn listen(&self, channel: &str) -> (Client, UnboundedReceiver<String>) {
        let (client, mut connection) = tokio_postgres::connect(&self.url(), NoTls).await.unwrap();
        let (heard, notified) = unbounded_channel();
        tokio::spawn(async move {
            let mut messages = futures_util::stream::poll_fn(move |context| connection.poll_message(context));
            while let Some(Ok(message)) = messages.next().await {
                if let AsyncMessage::Notification(notification) = message {
                    // Nobody listens once the test is over.
                    let _ = heard.send(notification.channel().to_owned());
                }
            }
        });
        client.batch_execute(&format!("listen \"{channel}\"")).await.unwrap();
        (client, notified)
    }

    /// A role that may do nothing, dropped with this.
    pub(crate) async fn role(&self) -> String {
        let client = connect(&self.server).await;
        client.batch_execute(&format!("create role {}", self.name)).await.unwrap();
        self.name.clone()
    }

    fn url(&self) -> String {
        let (server, _) = self.server.rsplit_once('/').expect("a URL that ends with a database");
        format!("{server}/{}", self.name)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        let (server, name) = (self.server.clone(), self.name.clone());
        let dropping = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let client = connect(&server).await;
                client.batch_execute(&format!("drop database {name} with (force)")).await.unwrap();
                client.batch_execute(&format!("drop role if exists {name}")).await.unwrap();
            });
        });
        // A test that has failed already says why.
        let _ = dropping.join();
    }
}

/// Waiting, with a limit.
pub(crate) struct Wait;

impl Wait {
    /// Until a connection of this database waits for another one.
    pub(crate) async fn until_somebody_waits_for_a_lock(client: &Client) {
        let waiting = "select count(*) from pg_stat_activity
            where datname = current_database() and wait_event_type = 'Lock'";
        let seen = async {
            while client.query_one(waiting, &[]).await.unwrap().get::<_, i64>(0) == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), seen).await.expect("nobody waits for a lock");
    }

    /// For the next of them.
    pub(crate) async fn next(notified: &mut UnboundedReceiver<String>) -> String {
        tokio::time::timeout(Duration::from_secs(20), notified.recv()).await.expect("no notification").unwrap()
    }
}

#[expect(clippy::disallowed_methods, reason = "where the tests find their server is no setting of the product")]
fn server() -> String {
    std::env::var("ENGINEHOUSE_TEST_POSTGRES")
        .expect("ENGINEHOUSE_TEST_POSTGRES: the URL of a PostgreSQL server on which tests may create databases")
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.expect(url);
    tokio::spawn(connection);
    client
}
