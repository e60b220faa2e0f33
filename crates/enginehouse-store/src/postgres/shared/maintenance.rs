//! Maintenance of the store: a task that runs every few seconds, on every server at once.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Weak};
use std::time::Duration;

use enginehouse_core::ids::LaneId;
use enginehouse_core::time::Timestamp;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

use super::audit_chain::link_audit;
use super::change_feed::CHANGES_KEPT_FOR;
use super::compaction::{MAX_COMPACTED, compact_lane_changes};
use super::health::VacuumChange;
use super::state::PgState;
use super::vacuum::holders;
use crate::StoreError;
use crate::clock::{NOTE_AGE, TimeNote};
use crate::postgres::tx::columns::{Moment, PgColumns, Xid, millis, params, sql};
use crate::postgres::tx::snapshot::{begin_chore, end_chore};
use crate::postgres::wire::error::{PgResult, both};

/// How often what has to be done now and then is done. A note of the time is twice as old at most.
const EVERY: Duration = Duration::from_secs(NOTE_AGE.as_secs() / 2);
/// The shortest pause between two full scans, and the pause as a multiple of the time that the last scan took: dead rows that
/// cannot be vacuumed make it slow, and it must not take a noticeable share of the database.
const SCAN_PAUSE: Duration = Duration::from_secs(5);
const SCAN_PAUSE_FACTOR: u32 = 100;
/// How long vacuum must be held back before it counts in the metrics.
const REPORT_AFTER: Duration = Duration::from_secs(30);
const CHECK_VACUUM_EVERY: Duration = Duration::from_secs(30);
/// How often the lanes in memory are compared with the table: nobody reports the lanes that other servers delete.
const PRUNE_LANES_EVERY: Duration = Duration::from_secs(600);

/// Ends the task when dropped.
pub(crate) struct Maintenance(JoinHandle<()>);

impl Maintenance {
    pub(crate) fn start(shared: &Arc<PgState>) -> Self {
        Self(tokio::spawn(run(Arc::downgrade(shared))))
    }
}

impl Drop for Maintenance {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn run(shared: Weak<PgState>) {
    let mut rounds = tokio::time::interval(EVERY);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut scan_at = Instant::now() + SCAN_PAUSE;
    let mut check_vacuum_at = Instant::now();
    let mut prune_lanes_at = Instant::now() + PRUNE_LANES_EVERY;
    let mut past_xmins = VecDeque::new();
    loop {
        rounds.tick().await;
        let Some(shared) = shared.upgrade() else { return };
        log_failure(write_last_time(&shared).await);
        log_failure(compact(&shared, &mut past_xmins).await);
        log_failure(link_audit(&shared).await.map(|_| ()));
        let began = Instant::now();
        if began >= scan_at {
            log_failure(scan_everything(&shared).await);
            let took = began.elapsed();
            scan_at = began + SCAN_PAUSE.max(took * SCAN_PAUSE_FACTOR);
        }
        if began >= check_vacuum_at {
            log_failure(check_vacuum(&shared).await);
            check_vacuum_at = began + CHECK_VACUUM_EVERY;
        }
        if began >= prune_lanes_at {
            log_failure(prune_deleted_lanes(&shared).await);
            prune_lanes_at = began + PRUNE_LANES_EVERY;
        }
    }
}

fn log_failure(done: PgResult<()>) {
    if let Err(failure) = done {
        // Only for debugging: the dispatcher logs a warning when the database is away.
        tracing::debug!(error = %StoreError::from(failure), "maintenance of the store failed");
    }
}

/// Compacts changes that every server has had the time to read. Those of a transaction that is still in progress wait for
/// its end.
async fn compact(shared: &PgState, past_xmins: &mut VecDeque<(Instant, Xid)>) -> PgResult<()> {
    let rows = shared.readers.session().await?.query(sql!("snapshot_xmin"), params![]).await?;
    let xmin: Option<Xid> = rows.first().map(|row| PgColumns::of(row).value()).transpose()?;
    past_xmins.extend(xmin.map(|xmin| (Instant::now(), xmin)));
    let mut until = None;
    while let Some((_, xmin)) = past_xmins.pop_front_if(|(at, _)| at.elapsed() >= CHANGES_KEPT_FOR) {
        until = Some(xmin);
    }
    let Some(until) = until else { return Ok(()) };
    let most = u64::from(MAX_COMPACTED);
    while compact_lane_changes(shared, Timestamp::MAX, shared.uncompacted_from(), until).await? >= most {}
    shared.set_uncompacted_from(until);
    Ok(())
}

async fn write_last_time(shared: &PgState) -> PgResult<()> {
    let Some(TimeNote { at, lead }) = shared.time_note() else { return Ok(()) };
    let session = begin_chore(&shared.readers).await?;
    session.execute(sql!("write_last_time"), params![INT8: &at.as_millis(), INT8: &millis(lead)]).await?;
    end_chore(session).await
}

/// Finds rows before the scan positions that nobody has reported, such as events that a server had locked when it was killed.
async fn scan_everything(shared: &PgState) -> PgResult<()> {
    let (lane_positions, locks_from, expiries_from) = {
        let positions = shared.scan_positions();
        let lanes = positions.unscanned(shared.last_time());
        (lanes, Moment(positions.locks_from), Moment(positions.expiries_from))
    };
    let lanes: Vec<_> = lane_positions.iter().map(|(lane, _)| lane.0).collect();
    let at: Vec<_> = lane_positions.iter().map(|(_, position)| Moment(position.at)).collect();
    let ids: Vec<_> = lane_positions.iter().map(|(_, position)| position.id).collect();
    let session = begin_chore(&shared.readers).await?;
    let (rows, locks, expiries) = tokio::join!(
        session.query(sql!("ready_before"), params![INT8_ARRAY: &lanes, TIMESTAMPTZ_ARRAY: &at, UUID_ARRAY: &ids]),
        session.query(sql!("locks_before"), params![TIMESTAMPTZ: &locks_from]),
        session.query(sql!("expiries_before"), params![TIMESTAMPTZ: &expiries_from]),
    );
    let ((rows, locks), expiries) = both(both(rows, locks), expiries)?;
    for row in &rows {
        let mut columns = PgColumns::of(row);
        let (lane, at) = (LaneId(columns.value()?), columns.read()?);
        shared.scan_positions().rewind_lane(lane, at);
    }
    for row in &locks {
        shared.scan_positions().rewind_locks(PgColumns::of(row).read()?);
    }
    for row in &expiries {
        shared.scan_positions().rewind_expiries(PgColumns::of(row).read()?);
    }
    end_chore(session).await
}

/// Finds what holds back vacuum, for the metrics and the log.
async fn check_vacuum(shared: &PgState) -> PgResult<()> {
    let session = shared.readers.session().await?;
    let found = holders(&session, REPORT_AFTER).await?;
    let rows = session.query(sql!("dead_rows"), params![]).await?;
    drop(session);
    let dead_rows = rows.first().map(|row| PgColumns::of(row).read()).transpose()?;
    let changes = shared.health().update(found, dead_rows, Instant::now());
    for change in changes {
        match change {
            VacuumChange::HeldBack { holder, seconds } => tracing::warn!(
                holder,
                seconds,
                "vacuum is held back: dead rows stay, and everything becomes slower until the holder ends"
            ),
            VacuumChange::Released { holder, seconds } => {
                tracing::info!(holder, seconds, "vacuum is not held back any more");
            }
        }
    }
    Ok(())
}

/// Removes the lanes from memory that other servers have deleted. A lane that is made meanwhile is not affected, because only
/// the lanes known before the query are compared.
pub(crate) async fn prune_deleted_lanes(shared: &PgState) -> PgResult<()> {
    let known = shared.lanes().ids();
    let session = begin_chore(&shared.readers).await?;
    let rows = session.query(sql!("all_lane_ids"), params![]).await?;
    end_chore(session).await?;
    let existing = rows.iter().map(|row| PgColumns::of(row).value().map(LaneId)).collect::<PgResult<HashSet<_>>>()?;
    let deleted: Vec<_> = known.into_iter().filter(|lane_id| !existing.contains(lane_id)).collect();
    shared.remove_lanes(&deleted);
    shared.lanes().prune_tombstones(Instant::now());
    Ok(())
}
