//! A pool of connections to one endpoint.

use std::sync::Arc;

use deadpool::Runtime;
use deadpool::managed::{Pool, PoolError, TimeoutType};

use super::connection::Connector;
use super::endpoint::{CONNECT_TIMEOUT, Endpoint};
use super::error::{PgError, PgResult};
use super::session::Session;

#[derive(Clone)]
pub(crate) struct Connections {
    pool: Pool<Connector>,
    endpoint: Arc<Endpoint>,
}

impl Connections {
    pub(crate) fn new(endpoint: &Arc<Endpoint>, size: usize) -> Self {
        let pool = Pool::builder(Connector(Arc::clone(endpoint)))
            .max_size(size)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(endpoint.deadline()))
            .create_timeout(Some(CONNECT_TIMEOUT * 3))
            .build()
            .expect("a pool with a runtime");
        Self { pool, endpoint: Arc::clone(endpoint) }
    }

    pub(crate) async fn session(&self) -> PgResult<Session> {
        let connection = self.pool.get().await.map_err(|error| match error {
            // Whatever the database says to a new connection, no statement was sent on it yet.
            PoolError::Backend(failure) => PgError::NoConnection(failure.message()),
            PoolError::Timeout(TimeoutType::Wait) => {
                PgError::NoConnection("no connection to the database is free".to_owned())
            }
            _ => PgError::NoConnection("the database does not answer".to_owned()),
        })?;
        Ok(Session::new(connection, Arc::clone(&self.endpoint)))
    }

    /// How many connections are open, and how many of them are in use.
    pub(crate) fn used(&self) -> (usize, usize) {
        let status = self.pool.status();
        (status.size, status.size.saturating_sub(status.available))
    }
}
