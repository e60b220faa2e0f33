//! One connection of a pool, and how the pool makes and reuses it.

use std::collections::HashMap;
use std::ops::Deref;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use deadpool::managed::{self, Metrics, RecycleError, RecycleResult};
use tokio::task::JoinHandle;
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Error, Statement};

use super::endpoint::Endpoint;
use super::error::{PgError, PgResult};

/// A client with the statements that it has prepared.
pub(crate) struct Connection {
    client: Client,
    /// Reads from the socket.
    task: JoinHandle<()>,
    statements: Mutex<HashMap<Arc<str>, Statement>>,
    /// Whether an answer did not come in time: it may still come, and everything behind it waits for it.
    is_stuck: AtomicBool,
}

impl Connection {
    /// Gives up waiting for an answer: whoever uses the connection next must not wait for it either.
    pub(crate) fn give_up(&self) {
        self.is_stuck.store(true, Ordering::Relaxed);
    }

    /// Prepares a statement, or finds it prepared. A text always has the same types.
    pub(crate) async fn prepare(&self, text: &str, types: &[Type]) -> Result<Statement, Error> {
        let statements = || self.statements.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(statement) = statements().get(text) {
            return Ok(statement.clone());
        }
        let statement = self.client.prepare_typed(text, types).await?;
        statements().insert(text.into(), statement.clone());
        Ok(statement)
    }
}

impl Deref for Connection {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // Otherwise a connection that is closed because its server does not answer would wait for the answers.
        self.task.abort();
    }
}

/// Makes connections for a pool.
pub(crate) struct Connector(pub(crate) Arc<Endpoint>);

impl managed::Manager for Connector {
    type Type = Connection;
    type Error = PgError;

    async fn create(&self) -> PgResult<Connection> {
        let (client, task) = self.0.connect(|_| {}).await?;
        Ok(Connection { client, task, statements: Mutex::default(), is_stuck: AtomicBool::new(false) })
    }

    /// A connection comes back outside of a transaction only, so that there is nothing to clean up.
    async fn recycle(&self, connection: &mut Connection, _: &Metrics) -> RecycleResult<PgError> {
        let is_usable = !connection.is_closed() && !connection.is_stuck.load(Ordering::Relaxed);
        if is_usable { Ok(()) } else { Err(RecycleError::message("closed, or still waiting for an answer")) }
    }
}
