//! What callers prove themselves with.

use enginehouse_core::access::token::TokenRecord;
use tokio_postgres::Row;

use super::columns::{Arrays, PgColumns, params, sql};
use super::row_reader::RowReader;
use crate::postgres::shared::state::PgState;
use crate::postgres::wire::error::{PgError, PgResult};
use crate::postgres::wire::session::Session;
use crate::postgres::wire::statement::EncodedStatement;
use crate::rows::{TokenRows, TokenUse};
use crate::table::{TokenColumns, TokenUseColumns};
use crate::unreadable::UnreadableRows;

/// The version is read first: a change in between is read again.
pub(crate) async fn of(shared: &PgState) -> PgResult<TokenRows> {
    let session = shared.readers.session().await?;
    let version = version_in(&session).await?;
    let rows = session.query(sql!("tokens"), params![]).await?;
    Ok(TokenRows { version, tokens: read(&shared.unreadable, &rows)?, exist: !rows.is_empty() })
}

pub(crate) async fn version(shared: &PgState) -> PgResult<i64> {
    version_in(&shared.readers.session().await?).await
}

async fn version_in(session: &Session) -> PgResult<i64> {
    let rows = session.query(sql!("tokens_version"), params![]).await?;
    let row = rows.first().ok_or_else(|| PgError::Row("there is no version of the tokens".to_owned()))?;
    PgColumns::of(row).read()
}

pub(crate) async fn all(session: &Session, unreadable: &UnreadableRows) -> PgResult<Vec<TokenRecord>> {
    read(unreadable, &session.query(sql!("tokens"), params![]).await?)
}

fn read(unreadable: &UnreadableRows, rows: &[Row]) -> PgResult<Vec<TokenRecord>> {
    let token = |columns: &mut PgColumns<'_>| Ok(columns.group::<TokenColumns<'_>>()?.into_token()?);
    RowReader::new(unreadable).all("tokens", rows, token)
}

pub(crate) async fn write(session: &Session, token: &TokenRecord) -> PgResult<()> {
    let columns = [TokenColumns::of(token)];
    session.execute(sql!("write_token"), Arrays::of(&columns).parameters()).await?;
    Ok(())
}

pub(crate) fn note_uses(uses: &[TokenUse]) -> PgResult<EncodedStatement> {
    let columns: Vec<_> = uses.iter().map(TokenUseColumns::of).collect();
    EncodedStatement::new(sql!("note_token_uses"), Arrays::of(&columns).parameters())
}
