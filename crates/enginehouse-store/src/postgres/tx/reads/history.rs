//! What happened to an event.

use enginehouse_core::ids::EventId;

use super::super::columns::{PgColumns, params, sql};
use super::super::snapshot::Snapshot;
use crate::postgres::shared::state::PgState;
use crate::postgres::wire::error::PgResult;
use crate::rows::History;
use crate::table::{AttemptColumns, AuditColumns};

/// To the events of its id, in words, whether or not it is still kept.
pub(crate) async fn history(shared: &PgState, event_id: EventId) -> PgResult<History> {
    let target = event_id.to_string();
    let snapshot = Snapshot::begin(&shared.readers).await?;
    let (attempts, actions) = tokio::join!(
        snapshot.query(sql!("attempts"), params![UUID: &event_id.0]),
        snapshot.query(sql!("audit_of_target"), params![TEXT: &target]),
    );
    let (attempts, actions) = (attempts?, actions?);
    snapshot.end().await?;
    let attempts = attempts.iter().map(|row| Ok(PgColumns::of(row).group::<AttemptColumns<'_>>()?.into_end()?));
    let actions = actions.iter().map(|row| Ok(PgColumns::of(row).group::<AuditColumns<'_>>()?.into_entry()));
    Ok(History { attempts: attempts.collect::<PgResult<_>>()?, actions: actions.collect::<PgResult<_>>()? })
}
