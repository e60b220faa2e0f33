//! A database of its own for each test.

use std::time::Duration;

use enginehouse_cluster::shared;
use enginehouse_store::migrations::{SchemaName, migrate_postgres};
use futures_util::StreamExt;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_postgres::{AsyncMessage, Client, NoTls};

/// A database that is dropped with this, unless the test has failed.
pub(crate) struct Database {
    url: String,
}

impl Database {
    /// One with everything that the migrations make.
    pub(crate) async fn migrated() -> Self {
        Self::migrated_in(&SchemaName::default()).await
    }

    /// The same in another schema.
    pub(crate) async fn migrated_in(schema: &SchemaName) -> Self {
        let database = Self { url: shared().fresh_database() };
        migrate_postgres(&mut database.connect().await, schema).await.unwrap();
        database
    }

    /// A connection.
    pub(crate) async fn connect(&self) -> Client {
        let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await.expect(&self.url);
        tokio::spawn(connection);
        client
    }

    /// A connection as another role.
    #[allow(dead_code, reason = "not every suite needs it")]
    pub(crate) async fn connect_as(&self, role: &str) -> Client {
        let mut config: tokio_postgres::Config = self.url.parse().unwrap();
        let (client, connection) = config.user(role).connect(NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// A connection that listens, and the channels of what it hears.
    pub(crate) async fn listen(&self, channel: &str) -> (Client, UnboundedReceiver<String>) {
        let (client, mut connection) = tokio_postgres::connect(&self.url, NoTls).await.unwrap();
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
        client.batch_execute(&format!("listen \"{}\"", channel.replace('"', "\"\""))).await.unwrap();
        (client, notified)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            shared().drop_database(&self.url);
        }
    }
}

/// Waiting, with a limit.
pub(crate) struct Wait;

impl Wait {
    /// Until a connection of this database waits for another one.
    pub(crate) async fn until_somebody_waits_for_a_lock(client: &Client) {
        Self::until_somebody_waits(client, "wait_event_type = 'Lock'").await;
    }

    /// Until a connection of this database waits for what a condition on `pg_stat_activity` says.
    pub(crate) async fn until_somebody_waits(client: &Client, condition: &str) {
        let waiting =
            format!("select count(*) from pg_stat_activity where datname = current_database() and {condition}");
        let seen = async {
            while client.query_one(&waiting, &[]).await.unwrap().get::<_, i64>(0) == 0 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), seen).await.expect("nobody waits");
    }

    /// For the next of them.
    pub(crate) async fn next(notified: &mut UnboundedReceiver<String>) -> String {
        tokio::time::timeout(Duration::from_secs(20), notified.recv()).await.expect("no notification").unwrap()
    }
}
