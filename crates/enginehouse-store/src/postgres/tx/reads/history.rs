//! What happened to an event.

use enginehouse_core::ids::EventId;

use super::super::columns::{Columns, params, sql};
use super::super::snapshot::Snapshot;
use crate::postgres::shared::state::Shared;
use crate::postgres::wire::failure::Outcome;
use crate::rows::History;
use crate::table::{AttemptColumns, AuditColumns};

/// To the events of its id, in words, whether or not it is still kept.
pub(crate) async fn history(shared: &Shared, event_id: EventId) -> Outcome<History> {
    let target = event_id.to_string();
    let snapshot = Snapshot::begin(&shared.readers).await?;
    let (attempts, actions) = tokio::join!(
        snapshot.query(sql!("attempts"), params![UUID: &event_id.0]),
        snapshot.query(sql!("audit_of_target"), params![TEXT: &target]),
    );
    let (attempts, actions) = (attempts?, actions?);
    snapshot.end().await?;
    let attempts = attempts.iter().map(|row| Ok(Columns::of(row).group::<AttemptColumns<'_>>()?.into_end()?));
    let actions = actions.iter().map(|row| Ok(Columns::of(row).group::<AuditColumns<'_>>()?.into_entry()));
    Ok(History { attempts: attempts.collect::<Outcome<_>>()?, actions: actions.collect::<Outcome<_>>()? })
}
