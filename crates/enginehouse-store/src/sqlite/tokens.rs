//! What callers prove themselves with.

use enginehouse_core::access::token::TokenRecord;
use rusqlite::params;

use super::columns::{Parameters, one_value, sql};
use super::connection::SqliteConnection;
use super::failure::SqliteResult;
use crate::rows::{TokenRows, TokenUse};
use crate::table::TokenColumns;

pub(super) fn all(connection: &SqliteConnection) -> SqliteResult<TokenRows> {
    let mut statement = connection.prepare_cached(sql!("tokens"))?;
    let mut rows = statement.query([])?;
    let mut found = TokenRows { version: version(connection)?, ..TokenRows::default() };
    while let Some(row) = rows.next()? {
        found.exist = true;
        let read =
            connection.readable("tokens", row, |columns| Ok(columns.group::<TokenColumns<'_>>()?.into_token()?));
        found.tokens.extend(read?);
    }
    Ok(found)
}

pub(super) fn version(connection: &SqliteConnection) -> SqliteResult<i64> {
    one_value(connection, sql!("tokens_version"))
}

pub(super) fn write(connection: &SqliteConnection, token: &TokenRecord) -> SqliteResult<()> {
    let mut statement = connection.prepare_cached(sql!("write_token"))?;
    Parameters::of(&mut statement).group(&TokenColumns::of(token)).execute()?;
    Ok(())
}

pub(super) fn note_uses(connection: &SqliteConnection, uses: &[TokenUse]) -> SqliteResult<()> {
    let mut statement = connection.prepare_cached(sql!("note_token_uses"))?;
    for TokenUse { accessor, secret, at } in uses {
        statement.execute(params![accessor.as_str(), secret.as_bytes(), at.as_millis()])?;
    }
    Ok(())
}
