//! An open transaction of the PostgreSQL store: how it begins, runs statements, and ends when it is dropped.
//!
//! *READ COMMITTED*, with every row that is to be changed locked when it is read, and the write guarded nevertheless. What
//! many transactions want at once (ready events, expired locks, silent engines) is taken with `skip locked`: two servers
//! share the work instead of waiting for each other.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use enginehouse_core::generation::Generation;
use enginehouse_core::ids::{EngineId, EventId, LaneId};
use enginehouse_core::time::Timestamp;
use tokio_postgres::Row;

use super::columns::{PgColumns, Xid};
use super::opening::{FirstRows, Opening, OpeningError};
use super::row_reader::RowReader;
use crate::clock::Reading;
use crate::error::{HeldResource, StoreError};
use crate::postgres::shared::lane_changes::LaneChanges;
use crate::postgres::shared::state::PgState;
use crate::postgres::wire::error::PgResult;
use crate::postgres::wire::session::{Param, Session};
use crate::postgres::wire::statement::{EncodedStatement, StatementQueue};
use crate::store::FirstReads;
use crate::unreadable::UnreadableRow;

/// One transaction on one connection, and what it remembers until it ends.
pub(crate) struct PostgresTransaction {
    /// Taken when it ends.
    pub(super) session: Option<Session>,
    pub(super) shared: Arc<PgState>,
    pub(super) reading: Reading,
    pub(super) registry_version: i64,
    pub(super) store_generation: Generation,
    /// Whether it has read the lanes, or only knows those that were there before somebody locked their table.
    knows_lanes: bool,
    /// The versions that the database may have given before it came back.
    pub(super) versions_before: i64,
    /// Every transaction before this one had ended when this one began.
    pub(super) xmin: Xid,
    /// No transaction from this one on had ended.
    pub(super) xmax: Xid,
    /// The generation of the scan positions when this began.
    pub(super) generation: u64,
    /// What was read as it began, and the rows of that, until they are asked for or something is written.
    first: FirstReads,
    first_rows: FirstRows,
    /// What is sent with the next statement, or with the commit.
    pub(super) queue: StatementQueue,
    pub(super) changes: LaneChanges,
    /// When the first of the queued events that it writes expires.
    pub(super) first_expiry: Option<Timestamp>,
    /// Ready events that nobody else can lock before this transaction ends, and that were not written.
    pub(super) locked: HashMap<EventId, (LaneId, Timestamp)>,
    /// From where on there may be more of them in a lane, which were not answered.
    pub(super) locked_behind: HashSet<(LaneId, Timestamp)>,
    /// Engines that were there when they were read.
    pub(super) known_engines: HashSet<EngineId>,
    /// Lanes that are not there any more once this has committed.
    pub(super) gone_lanes: Vec<LaneId>,
    /// Whether something was changed, or read that an answer may vouch for; locks alone count for nothing.
    pub(super) must_last: bool,
    /// Rows that were to be read and could not be.
    pub(super) unreadable: Vec<UnreadableRow>,
    /// What ended it before its commit.
    pub(super) error: Option<StoreError>,
}

impl PostgresTransaction {
    pub(crate) async fn begin(shared: &Arc<PgState>, first: FirstReads) -> Result<Self, StoreError> {
        shared.wait_for_rollbacks().await;
        let generation = shared.scan_positions().generation();
        let opening = loop {
            match Opening::read(shared, shared.registry_reads(), &first).await {
                Ok(opening) => break opening,
                // Somebody has locked a table that is read at the beginning. What this server knows of it is as good as any:
                // nobody else changes it meanwhile. There are two such tables, so this comes to an end.
                Err(OpeningError { failure, held: Some(table) }) if failure.is_held() && shared.knows_registry() => {
                    shared.note_held(table);
                }
                Err(OpeningError { failure, .. }) => return Err(failure.into()),
            }
        };
        Ok(Self {
            reading: shared.read_time(opening.now),
            session: Some(opening.session.into_session()),
            shared: Arc::clone(shared),
            registry_version: opening.registry_version,
            store_generation: opening.store_generation,
            versions_before: opening.versions_before,
            knows_lanes: opening.knows_lanes,
            xmin: opening.xmin,
            xmax: opening.xmax,
            generation,
            first,
            first_rows: opening.first_rows,
            queue: StatementQueue::default(),
            changes: LaneChanges::default(),
            first_expiry: None,
            locked: HashMap::new(),
            locked_behind: HashSet::new(),
            known_engines: HashSet::new(),
            gone_lanes: Vec::new(),
            must_last: false,
            unreadable: Vec::new(),
            error: None,
        })
    }

    /// Refuses to put events into lanes that were not read: one of them may be about to be deleted.
    pub(super) fn require_lanes(&self) -> Result<(), StoreError> {
        if self.knows_lanes {
            return Ok(());
        }
        Err(StoreError::Held { what: HeldResource::Rows, reason: "somebody has locked the table of lanes".to_owned() })
    }

    /// To change something with, or to read what an answer may vouch for.
    pub(super) async fn session(&mut self) -> Result<&Session, StoreError> {
        self.must_last = true;
        self.first_rows = FirstRows::default();
        self.reader().await
    }

    /// The rows of engines that were read as the transaction began, if these are they.
    pub(super) fn first_engines(&mut self, ids: &[EngineId]) -> Option<Vec<Row>> {
        self.first_rows.engines.take_if(|_| self.first.engines == ids)
    }

    /// The rows of events that were read as the transaction began, if these are they.
    pub(super) fn first_events(&mut self, ids: &[EventId]) -> Option<Vec<Row>> {
        let rows = self.first_rows.events.take_if(|_| self.first.events == ids)?;
        // As if they were read now: an answer may vouch for them.
        self.must_last = true;
        Some(rows)
    }

    /// To look around with, and to lock what is seen.
    pub(super) async fn reader(&mut self) -> Result<&Session, StoreError> {
        self.with_queue(async |_| Ok(())).await?;
        self.require_open()
    }

    pub(super) fn require_open(&self) -> Result<&Session, StoreError> {
        match (&self.error, &self.session) {
            (Some(error), _) => Err(error.clone()),
            (None, Some(session)) => Ok(session),
            (None, None) => Err(StoreError::Bug("the transaction has ended".to_owned())),
        }
    }

    /// Changes something with the next statement that is sent, or with the commit. Only then is it known whether it could be
    /// changed: a round trip to the database costs more than most statements.
    pub(super) fn defer(
        &mut self,
        statements: PgResult<impl IntoIterator<Item = EncodedStatement>>,
    ) -> Result<(), StoreError> {
        self.require_open()?;
        let statements = self.ended(statements)?;
        self.must_last = true;
        self.first_rows = FirstRows::default();
        self.queue.push(statements);
        Ok(())
    }

    /// Sends what was deferred, and together with it one more statement, which sees it.
    async fn with_queue<T>(&mut self, last: impl AsyncFnOnce(&Session) -> PgResult<T>) -> Result<T, StoreError> {
        let queue = std::mem::take(&mut self.queue);
        let session = self.require_open()?;
        let outcome = match queue.prepare(session).await {
            Ok(()) => {
                let (sent, last) = tokio::join!(biased; queue.send(session), last(session));
                sent.and_then(|()| Ok(last?))
            }
            Err(error) => Err(error.into()),
        };
        outcome.map_err(|failure| {
            let error = failure.explained(StoreError::from);
            self.error = Some(error.clone());
            error
        })
    }

    /// Notes the error that ends the transaction: the database does nothing more in it.
    pub(super) fn ended<T>(&mut self, outcome: PgResult<T>) -> Result<T, StoreError> {
        outcome.map_err(|failure| {
            let error = StoreError::from(failure);
            self.error = Some(error.clone());
            error
        })
    }

    pub(super) async fn query(
        &mut self,
        sql: &'static str,
        params: impl AsRef<[Param<'_>]>,
    ) -> Result<Vec<Row>, StoreError> {
        self.must_last = true;
        self.first_rows = FirstRows::default();
        self.with_queue(async |session| session.query(sql, params).await).await
    }

    /// The same for a statement that changes nothing, but may lock what it reads. Nobody is told that something is so because of
    /// it alone.
    pub(super) async fn read<const N: usize>(
        &mut self,
        sql: &'static str,
        params: [Param<'_>; N],
    ) -> Result<Vec<Row>, StoreError> {
        self.with_queue(async |session| session.query(sql, params).await).await
    }

    pub(super) async fn execute<const N: usize>(
        &mut self,
        sql: &'static str,
        params: [Param<'_>; N],
    ) -> Result<u64, StoreError> {
        self.must_last = true;
        self.first_rows = FirstRows::default();
        self.with_queue(async |session| session.execute(sql, params).await).await
    }

    /// Reads rows, one value of each.
    pub(super) fn each<T>(
        &mut self,
        rows: &[Row],
        read: impl Fn(&mut PgColumns<'_>) -> PgResult<T>,
    ) -> Result<Vec<T>, StoreError> {
        let outcome = rows.iter().map(|row| read(&mut PgColumns::of(row))).collect();
        self.ended(outcome)
    }

    /// Reads the rows of a table that can be read.
    pub(super) fn readable<T>(
        &mut self,
        table: &'static str,
        rows: &[Row],
        read: impl Fn(&mut PgColumns<'_>) -> PgResult<T>,
    ) -> Result<Vec<T>, StoreError> {
        let shared = Arc::clone(&self.shared);
        let mut reader = RowReader::new(&shared.unreadable);
        let outcome = reader.all(table, rows, read);
        self.unreadable.append(&mut reader.skipped);
        self.ended(outcome)
    }

    pub(super) async fn optional_moment<const N: usize>(
        &mut self,
        sql: &'static str,
        params: [Param<'_>; N],
    ) -> Result<Option<Timestamp>, StoreError> {
        let rows = self.read(sql, params).await?;
        Ok(self.each(&rows, |columns| columns.read::<Option<Timestamp>>())?.into_iter().flatten().next())
    }

    /// Writes the changes of counts, so that statements see them.
    pub(super) async fn flush_changes(&mut self) -> Result<(), StoreError> {
        if self.changes.is_empty() {
            return Ok(());
        }
        self.must_last = true;
        let changes = std::mem::take(&mut self.changes);
        let now = self.reading.now;
        self.with_queue(async |session| changes.write(session, now).await).await?;
        self.changes = changes;
        self.changes.clear_written();
        Ok(())
    }
}

impl Drop for PostgresTransaction {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            self.shared.roll_back(session);
        }
    }
}
