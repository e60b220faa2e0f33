//! Statements that change rows: encoded at once, so that they can be sent later, together with others.

use futures_util::future::join_all;
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{IsNull, ToSql, Type, to_sql_checked};

use super::error::{PgError, PgResult, StatementFailure, both};
use super::session::{Param, Session};
use crate::error::{HeldResource, StoreError};

/// A statement of `sql/` with its parameters, of which only success is of interest.
pub(crate) struct EncodedStatement {
    sql: &'static str,
    parameters: Vec<(EncodedValue, Type)>,
    /// What somebody else holds, if it cannot have a lock.
    waits_for: HeldResource,
}

impl EncodedStatement {
    /// Encodes the parameters.
    ///
    /// # Errors
    /// A value does not fit its column.
    pub(crate) fn new<'a>(sql: &'static str, parameters: impl AsRef<[Param<'a>]>) -> PgResult<Self> {
        let encode = |(value, of): &Param<'_>| {
            let mut bytes = BytesMut::new();
            let outcome = value.to_sql_checked(of, &mut bytes).map_err(|error| PgError::Bug(error.to_string()))?;
            Ok((EncodedValue(matches!(outcome, IsNull::No).then_some(bytes)), of.clone()))
        };
        let parameters = parameters.as_ref().iter().map(encode).collect::<PgResult<_>>()?;
        Ok(Self { sql, parameters, waits_for: HeldResource::Rows })
    }

    /// The same for one that may have to wait for something else than rows.
    pub(crate) fn waiting_for(self, waits_for: HeldResource) -> Self {
        Self { waits_for, ..self }
    }

    async fn send(&self, session: &Session) -> PgResult<()> {
        let parameters: Vec<Param<'_>> =
            self.parameters.iter().map(|(value, of)| (value as &(dyn ToSql + Sync), of.clone())).collect();
        session.execute(self.sql, parameters).await.map(drop)
    }
}

/// Statements that a transaction has not sent yet, in their order.
#[derive(Default)]
pub(crate) struct StatementQueue(Vec<EncodedStatement>);

impl StatementQueue {
    pub(crate) fn push(&mut self, statements: impl IntoIterator<Item = EncodedStatement>) {
        self.0.extend(statements);
    }

    /// Prepares them, so that [`StatementQueue::send`] sends all of them at once, before whatever is sent at the same time.
    pub(crate) async fn prepare(&self, session: &Session) -> PgResult<()> {
        for statement in &self.0 {
            let types: Vec<_> = statement.parameters.iter().map(|(_, of)| of.clone()).collect();
            session.prepare(statement.sql, &types).await?;
        }
        Ok(())
    }

    /// Sends them together, in their order. If one fails, so do those behind it, and whatever follows in the same transaction.
    pub(crate) async fn send(&self, session: &Session) -> Result<(), WriteFailure> {
        let sent = join_all(self.0.iter().map(|statement| statement.send(session))).await;
        let mut failure = None;
        for (statement, outcome) in self.0.iter().zip(sent) {
            failure = match (failure, outcome) {
                (failure, Ok(())) => failure,
                (None, Err(error)) => Some(WriteFailure { error, waited_for: statement.waits_for }),
                (Some(WriteFailure { error: first, waited_for }), Err(error)) => {
                    let is_cause = first.follows_another();
                    let error = both::<(), (), _>(Err(first), Err(error)).expect_err("both have failed");
                    Some(WriteFailure { error, waited_for: if is_cause { statement.waits_for } else { waited_for } })
                }
            };
        }
        failure.map_or(Ok(()), Err)
    }
}

/// Why something could not be written.
pub(crate) struct WriteFailure {
    pub(crate) error: PgError,
    pub(crate) waited_for: HeldResource,
}

impl WriteFailure {
    /// What it means for the caller, by what the error means.
    pub(crate) fn explained(self, meaning: impl FnOnce(PgError) -> StoreError) -> StoreError {
        meaning(self.error).held_by_means_of(self.waited_for)
    }
}

impl From<PgError> for WriteFailure {
    fn from(error: PgError) -> Self {
        Self { error, waited_for: HeldResource::Rows }
    }
}

/// A parameter as it goes over the wire; none is null.
#[derive(Debug)]
struct EncodedValue(Option<BytesMut>);

impl ToSql for EncodedValue {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn std::error::Error + Sync + Send>> {
        Ok(match &self.0 {
            Some(bytes) => {
                out.extend_from_slice(bytes);
                IsNull::No
            }
            None => IsNull::Yes,
        })
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    to_sql_checked!();
}
