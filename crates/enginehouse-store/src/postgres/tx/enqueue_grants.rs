//! What database roles may enqueue in SQL.

use enginehouse_core::access::selector::Selector;

use super::columns::{Moment, PgColumns, params, sql};
use crate::postgres::wire::error::{PgError, PgResult};
use crate::postgres::wire::session::Session;
use crate::rows::EnqueueGrant;

pub(crate) async fn all(session: &Session) -> PgResult<Vec<(EnqueueGrant, bool)>> {
    let rows = session.query(sql!("enqueue_grants"), params![]).await?;
    let read = |row| {
        let mut columns = PgColumns::of(row);
        let role_name = columns.read()?;
        let (queue, event_type) = (selector(columns.read()?)?, selector(columns.read()?)?);
        let granted_at = columns.read()?;
        Ok((EnqueueGrant { role_name, queue, event_type, granted_at }, columns.read()?))
    };
    rows.iter().map(read).collect()
}

/// In a column: all of them are an asterisk.
fn text(selector: Option<&Selector>) -> String {
    selector.map_or_else(|| "*".to_owned(), Selector::to_string)
}

fn selector(text: &str) -> PgResult<Option<Selector>> {
    let parsed = (text != "*").then(|| text.parse()).transpose();
    parsed.map_err(|_| PgError::Row("a grant is for something that is no name".to_owned()))
}

/// Answers whether there is the role.
pub(crate) async fn write(session: &Session, grant: &EnqueueGrant) -> PgResult<bool> {
    let EnqueueGrant { role_name, queue, event_type, granted_at } = grant;
    let (queue, event_type) = (text(queue.as_ref()), text(event_type.as_ref()));
    let parameters = params![TEXT: role_name, TEXT: &queue, TEXT: &event_type, TIMESTAMPTZ: &Moment(*granted_at)];
    Ok(session.execute(sql!("write_enqueue_grant"), parameters).await? > 0)
}

/// Answers whether there was the grant.
pub(crate) async fn delete(session: &Session, grant: &EnqueueGrant) -> PgResult<bool> {
    let EnqueueGrant { role_name, queue, event_type, .. } = grant;
    let (queue, event_type) = (text(queue.as_ref()), text(event_type.as_ref()));
    let parameters = params![TEXT: role_name, TEXT: &queue, TEXT: &event_type];
    Ok(session.execute(sql!("delete_enqueue_grant"), parameters).await? > 0)
}
