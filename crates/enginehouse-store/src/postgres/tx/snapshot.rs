//! An answer from several statements that all see the same moment.

use std::ops::Deref;
use std::time::Duration;

use super::columns::{params, sql};
use super::opening::IDLE_LIMIT;
use crate::postgres::wire::error::PgResult;
use crate::postgres::wire::pool::Connections;
use crate::postgres::wire::session::{Session, TransactionGuard};

/// How long a look at everything may take. While it does, nothing that dies can be vacuumed.
const PATIENCE: Duration = Duration::from_secs(4 * 3_600);

/// Begins a transaction of which no statement takes longer than the session allows.
pub(crate) async fn begin(
    session: Session,
    how: &str,
    settings: &'static str,
    idle_limit: Duration,
) -> PgResult<TransactionGuard> {
    let session = TransactionGuard::new(session);
    let limit = format!("{}ms", session.deadline().as_millis());
    let idle_limit = format!("{}ms", idle_limit.as_millis());
    // Sent together: one round trip.
    let (begun, set) = tokio::join!(
        biased;
        session.run(how),
        session.query(settings, params![TEXT: &limit, TEXT: &idle_limit]),
    );
    begun.and(set)?;
    Ok(session)
}

/// A transaction for a chore: what it needs and somebody else holds is left for another time.
pub(crate) async fn begin_chore(connections: &Connections) -> PgResult<TransactionGuard> {
    begin(connections.session().await?, "begin isolation level read committed", sql!("reading"), IDLE_LIMIT).await
}

/// Keeps what a chore has done.
pub(crate) async fn end_chore(session: TransactionGuard) -> PgResult<()> {
    session.run("commit").await?;
    drop(session.into_session());
    Ok(())
}

/// A session that sees one moment and changes nothing. Dropped before its end, it is rolled back.
pub(crate) struct Snapshot(TransactionGuard);

impl Snapshot {
    pub(crate) async fn begin(connections: &Connections) -> PgResult<Self> {
        Self::begin_with(connections.session().await?, sql!("reading"), IDLE_LIMIT).await
    }

    /// The same for a look at everything, which may take long.
    pub(crate) async fn begin_long(connections: &Connections) -> PgResult<Self> {
        Self::begin_with(connections.session().await?.with_limit(PATIENCE), sql!("reading_all"), PATIENCE).await
    }

    async fn begin_with(session: Session, settings: &'static str, idle_limit: Duration) -> PgResult<Self> {
        Ok(Self(begin(session, "begin isolation level repeatable read read only", settings, idle_limit).await?))
    }

    /// Gives the connection back.
    pub(crate) async fn end(self) -> PgResult<()> {
        self.0.run("commit").await?;
        drop(self.0.into_session());
        Ok(())
    }
}

impl Deref for Snapshot {
    type Target = Session;

    fn deref(&self) -> &Session {
        &self.0
    }
}
