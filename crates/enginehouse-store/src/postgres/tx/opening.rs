//! How a transaction begins: it reads the time, and what this server keeps copies of, if that has changed.
//!
//! Every transaction reads two tables at its beginning: the version of the registry, and the lanes that are new. If somebody has
//! locked one of them, the copies that are there must do for a while, so that heartbeats and settles go on.

use std::sync::Arc;
use std::time::Duration;

use enginehouse_core::generation::Generation;
use enginehouse_core::ids::EngineId;
use enginehouse_core::time::Timestamp;
use tokio_postgres::Row;

use super::columns::{PgColumns, Xid, params, sql, uuids};
use crate::postgres::shared::state::{PgState, RegistryReads, RegistryTable};
use crate::postgres::wire::error::{PgError, PgResult, StatementFailure, both};
use crate::postgres::wire::session::TransactionGuard;
use crate::store::FirstReads;

/// Begins a transaction. A statement waits so long at most for what another transaction holds: many requests share a transaction,
/// and whoever waits, waits with all of them.
pub(crate) const BEGIN: &str = "begin isolation level read committed; set local lock_timeout = '50ms'";
/// How long a server may do nothing inside a transaction. One that was stopped, or that cannot be reached, must lose its locks
/// well before the engines are lost whose rows it has locked.
pub(crate) const IDLE_LIMIT: Duration = Duration::from_secs(5);

/// A transaction that has begun, and what it has read.
pub(super) struct Opening {
    pub(super) session: TransactionGuard,
    pub(super) now: Timestamp,
    pub(super) registry_version: i64,
    /// The versions that the database may have given before it came back.
    pub(super) versions_before: i64,
    pub(super) store_generation: Generation,
    pub(super) knows_lanes: bool,
    pub(super) xmin: Xid,
    pub(super) xmax: Xid,
    pub(super) first_rows: FirstRows,
}

/// The rows that were wanted first, none where nothing was. They are as they were read until this transaction writes.
#[derive(Default)]
pub(super) struct FirstRows {
    pub(super) engines: Option<Vec<Row>>,
    pub(super) events: Option<Vec<Row>>,
}

/// Why a transaction has not begun.
pub(super) struct OpeningError {
    pub(super) failure: PgError,
    /// The table that could not be read.
    pub(super) held: Option<RegistryTable>,
}

impl StatementFailure for OpeningError {
    fn follows_another(&self) -> bool {
        self.failure.follows_another()
    }
}

impl From<PgError> for OpeningError {
    fn from(failure: PgError) -> Self {
        Self { failure, held: None }
    }
}

impl Opening {
    /// Begins a transaction, and reads of the registry what is asked for, and the rows that are wanted first.
    pub(super) async fn read(
        shared: &Arc<PgState>,
        reads: RegistryReads,
        first: &FirstReads,
    ) -> Result<Self, OpeningError> {
        let session = TransactionGuard::new(shared.writers.session().await?);
        let update = shared.lanes().begin_update();
        let limit = format!("{}ms", session.deadline().as_millis());
        let idle_limit = format!("{}ms", IDLE_LIMIT.as_millis());
        let commit = if shared.endpoint.durable { None } else { Some("off") };
        let version = async {
            match reads.version {
                true => session.query(sql!("registry_version"), params![]).await.map(Some),
                false => Ok(None),
            }
        };
        let changed_lanes = async {
            match reads.lanes {
                true => session.query(sql!("changed_lanes"), params![XID8: &update.from]).await.map(Some),
                false => Ok(None),
            }
        };
        let names: Vec<_> = first.engines.iter().map(EngineId::as_str).collect();
        let engines = async {
            match names.is_empty() {
                true => Ok(None),
                false => session.query(sql!("engines_by_id"), params![TEXT_ARRAY: &names]).await.map(Some),
            }
        };
        let ids = uuids(&first.events);
        let events = async {
            match ids.is_empty() {
                true => Ok(None),
                false => session.query(sql!("events_by_id"), params![UUID_ARRAY: &ids]).await.map(Some),
            }
        };
        // Sent together, in this order: one round trip.
        let (begun, opened, version, changed_lanes, engines, events) = tokio::join!(
            biased;
            session.run(BEGIN),
            session.query(sql!("opening"), params![TEXT: &limit, TEXT: &idle_limit, TEXT: &commit]),
            version,
            changed_lanes,
            engines,
            events,
        );
        let held = |table| move |failure| OpeningError { failure, held: Some(table) };
        let first_rows = both(engines, events).map(|(engines, events)| FirstRows { engines, events });
        // On a new connection each of them is prepared before it runs, and the last may fail first.
        let registry =
            both(version.map_err(held(RegistryTable::Version)), changed_lanes.map_err(held(RegistryTable::Lanes)));
        let first = both(registry, first_rows.map_err(OpeningError::from));
        let (opened, ((version, changed_lanes), first_rows)) =
            both(begun.and(opened).map_err(OpeningError::from), first)?;
        let row = opened.first().ok_or_else(|| PgError::Bug("the database does not tell the time".to_owned()))?;
        let mut columns = PgColumns::of(row);
        let now = columns.read()?;
        let (xmin, xmax) = (columns.value::<Xid>()?, columns.value::<Xid>()?);
        shared.note_database_start(columns.read()?);
        let version = match version {
            Some(rows) => Some(read_version(&rows)?),
            None => None,
        };
        shared.note_generation(version.map(|(_, generation)| generation));
        shared.settle_in_again().await?;
        let changed_lanes = match changed_lanes {
            // The cache was reset, and this transaction needs all lanes.
            Some(_) if shared.lanes().is_stale(update) => {
                let update = shared.lanes().begin_update();
                let rows = session.query(sql!("changed_lanes"), params![XID8: &update.from]).await;
                Some((update, rows.map_err(held(RegistryTable::Lanes))?))
            }
            read => read.map(|rows| (update, rows)),
        };
        let mut lanes = shared.lanes();
        let knows_lanes = changed_lanes.is_some();
        if let Some((update, rows)) = changed_lanes {
            lanes.apply(update, &rows, xmin, &shared.unreadable)?;
        }
        let versions_before = lanes.registry_version_base();
        drop(lanes);
        let registry_version =
            shared.note_registry_version(version.map(|(version, _)| versions_before + version), versions_before);
        let store_generation = shared.generation();
        Ok(Self {
            session,
            now,
            registry_version,
            versions_before,
            store_generation,
            knows_lanes,
            xmin,
            xmax,
            first_rows,
        })
    }
}

fn read_version(rows: &[Row]) -> PgResult<(i64, Generation)> {
    let missing = || PgError::Row("there is no registry version, or no generation".to_owned());
    let mut columns = PgColumns::of(rows.first().ok_or_else(missing)?);
    let (version, generation) = (columns.read::<Option<i64>>()?, columns.read::<Option<i64>>()?);
    Ok((version.ok_or_else(missing)?, Generation::from_number(generation.ok_or_else(missing)?)))
}
