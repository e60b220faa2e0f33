//! A session: a connection of the pool while it is used.
//!
//! Every wait has a limit. A connection whose answer did not come in time is closed, and one that is still inside a
//! transaction is rolled back, before it goes back to the pool.

use std::future::Future;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use deadpool::managed::Object;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Row, Statement};

use super::connection::Connector;
use super::endpoint::Endpoint;
use super::error::{PgError, PgResult};

/// A parameter with its type.
pub(crate) type Param<'a> = (&'a (dyn ToSql + Sync), Type);

pub(crate) struct Session {
    connection: Object<Connector>,
    endpoint: Arc<Endpoint>,
    /// How long an answer may take.
    limit: Duration,
}

impl Session {
    pub(crate) fn new(connection: Object<Connector>, endpoint: Arc<Endpoint>) -> Self {
        let limit = endpoint.deadline();
        Self { connection, endpoint, limit }
    }

    /// The same with another limit, for slow statements.
    pub(crate) fn with_limit(self, limit: Duration) -> Self {
        Self { limit, ..self }
    }

    /// Runs a statement of `sql/`, and answers its rows.
    pub(crate) async fn query(&self, sql: &'static str, params: impl AsRef<[Param<'_>]>) -> PgResult<Vec<Row>> {
        let (text, params) = (self.endpoint.text(sql), params.as_ref());
        self.within(async {
            match self.prepared(&text, params).await? {
                Some(statement) => self.connection.query(&statement, &values(params)).await,
                None => self.connection.query_typed(&text, params).await,
            }
        })
        .await
    }

    /// Runs a statement of `sql/`, and answers how many rows it has changed.
    pub(crate) async fn execute(&self, sql: &'static str, params: impl AsRef<[Param<'_>]>) -> PgResult<u64> {
        let (text, params) = (self.endpoint.text(sql), params.as_ref());
        self.within(async {
            match self.prepared(&text, params).await? {
                Some(statement) => self.connection.execute(&statement, &values(params)).await,
                None => self.connection.execute_typed(&text, params).await,
            }
        })
        .await
    }

    /// The prepared statement, unless connections keep none.
    async fn prepared(&self, text: &str, params: &[Param<'_>]) -> Result<Option<Statement>, tokio_postgres::Error> {
        if !self.endpoint.caches_statements() {
            return Ok(None);
        }
        let types: Vec<_> = params.iter().map(|(_, of)| of.clone()).collect();
        self.connection.prepare(text, &types).await.map(Some)
    }

    /// Prepares a statement. Without this, the first call of `execute` sends it in two steps, and a statement that is sent at
    /// the same time would be run in between.
    pub(crate) async fn prepare(&self, sql: &'static str, types: &[Type]) -> PgResult<()> {
        if self.endpoint.caches_statements() {
            let text = self.endpoint.text(sql);
            self.within(self.connection.prepare(&text, types)).await?;
        }
        Ok(())
    }

    /// Runs statements without parameters, such as `begin`.
    pub(crate) async fn run(&self, text: &str) -> PgResult<()> {
        self.within(self.connection.batch_execute(text)).await
    }

    async fn within<T>(&self, work: impl Future<Output = Result<T, tokio_postgres::Error>>) -> PgResult<T> {
        match tokio::time::timeout(self.limit, work).await {
            Ok(done) => Ok(done?),
            Err(_) => {
                self.connection.give_up();
                Err(PgError::TooSlow(self.limit))
            }
        }
    }

    /// Whether the connection is known to be closed, so that nothing that is sent now arrives.
    pub(crate) fn is_closed(&self) -> bool {
        self.connection.is_closed()
    }

    /// How long any answer may take.
    pub(crate) fn deadline(&self) -> Duration {
        self.limit
    }

    /// Closes the connection, whose state is unknown.
    pub(crate) fn close(self) {
        drop(Object::take(self.connection));
    }

    /// Rolls back the transaction and gives the connection back to the pool, or closes it if that fails.
    pub(crate) async fn roll_back(self) {
        if self.run("rollback").await.is_err() {
            self.close();
        }
    }

    /// The same in the background.
    pub(crate) fn roll_back_later(self) {
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(self.roll_back())),
            Err(_) => self.close(),
        }
    }
}

fn values<'a>(params: &[Param<'a>]) -> Vec<&'a (dyn ToSql + Sync)> {
    params.iter().map(|(value, _)| *value).collect()
}

/// A session inside a transaction. Dropped before the end, it is rolled back.
pub(crate) struct TransactionGuard(Option<Session>);

impl TransactionGuard {
    /// Created before `begin` is sent, because its answer may be lost.
    pub(crate) fn new(session: Session) -> Self {
        Self(Some(session))
    }

    /// Releases the session: its transaction has ended, or is guarded by the caller.
    pub(crate) fn into_session(mut self) -> Session {
        self.0.take().expect("taken once only, by value")
    }
}

impl Deref for TransactionGuard {
    type Target = Session;

    fn deref(&self) -> &Session {
        self.0.as_ref().expect("there until it is taken by value")
    }
}

impl Drop for TransactionGuard {
    fn drop(&mut self) {
        if let Some(session) = self.0.take() {
            session.roll_back_later();
        }
    }
}
