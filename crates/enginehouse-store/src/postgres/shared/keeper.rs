//! Chores of the store itself, every few seconds, on any number of servers at once.

use std::collections::{HashSet, VecDeque};
use std::sync::{Arc, Weak};
use std::time::Duration;

use enginehouse_core::ids::LaneId;
use enginehouse_core::time::Timestamp;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

use super::fold::{MAX_FOLDED, fold_changes};
use super::health;
use super::state::Shared;
use super::watch::KEPT_FOR_LOOKS;
use crate::StoreError;
use crate::postgres::tx::columns::{Columns, Moment, Xid, params, sql};
use crate::postgres::wire::failure::Outcome;

/// How often there is something to do.
const ROUND: Duration = Duration::from_secs(2);
/// How long at least from one look at everything to the next, and how many times as long as the last one took: dead rows that
/// cannot be vacuumed make it slow, and it must not take a share of the database that anybody notices.
const LOOK_PAUSE: Duration = Duration::from_secs(5);
const LOOK_SHARE: u32 = 100;
/// How often to look who holds back vacuum.
const LOOK_AT_HEALTH_EVERY: Duration = Duration::from_secs(30);
/// How often the lanes in memory are compared with those in the store: others forget lanes too, and nobody tells.
const COMPARE_LANES_EVERY: Duration = Duration::from_secs(600);

/// Ends the chores when dropped.
pub(crate) struct Keeper(JoinHandle<()>);

impl Keeper {
    pub(crate) fn start(shared: &Arc<Shared>) -> Self {
        Self(tokio::spawn(keep(Arc::downgrade(shared))))
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.abort();
    }
}

async fn keep(shared: Weak<Shared>) {
    let mut rounds = tokio::time::interval(ROUND);
    rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut look_at = Instant::now() + LOOK_PAUSE;
    let mut health_at = Instant::now();
    let mut compare_at = Instant::now() + COMPARE_LANES_EVERY;
    let mut seen = VecDeque::new();
    loop {
        rounds.tick().await;
        let Some(shared) = shared.upgrade() else { return };
        note(write_last_time(&shared).await);
        note(add_up(&shared, &mut seen).await);
        let began = Instant::now();
        if began >= look_at {
            note(look_at_everything(&shared).await);
            let took = began.elapsed();
            look_at = began + LOOK_PAUSE.max(took * LOOK_SHARE);
        }
        if began >= health_at {
            note(health::look(&shared).await);
            health_at = began + LOOK_AT_HEALTH_EVERY;
        }
        if began >= compare_at {
            note(forget_gone_lanes(&shared).await);
            compare_at = began + COMPARE_LANES_EVERY;
        }
    }
}

fn note(done: Outcome<()>) {
    if let Err(failure) = done {
        // The dispatcher says so loudly when the database is away.
        tracing::debug!(error = %StoreError::from(failure), "a chore of the store was not done");
    }
}

/// Adds up what has changed, once every server has had the time to see it. What a transaction leaves behind that goes on
/// for longer waits for its end.
async fn add_up(shared: &Shared, seen: &mut VecDeque<(Instant, Xid)>) -> Outcome<()> {
    let rows = shared.readers.session().await?.query(sql!("snapshot_xmin"), params![]).await?;
    let xmin: Option<Xid> = rows.first().map(|row| Columns::of(row).value()).transpose()?;
    seen.extend(xmin.map(|xmin| (Instant::now(), xmin)));
    let mut until = None;
    while let Some((_, xmin)) = seen.pop_front_if(|(at, _)| at.elapsed() >= KEPT_FOR_LOOKS) {
        until = Some(xmin);
    }
    let Some(until) = until else { return Ok(()) };
    while fold_changes(shared, Timestamp::MAX, shared.unfolded_from(), until).await? >= u64::from(MAX_FOLDED) {}
    shared.folded_until(until);
    Ok(())
}

async fn write_last_time(shared: &Shared) -> Outcome<()> {
    let now = shared.last_time().as_millis();
    shared.readers.session().await?.execute(sql!("write_last_time"), params![INT8: &now]).await?;
    Ok(())
}

/// Finds events that lie before the place at which their lane is looked at: what a server had taken that was ended in the
/// middle of its transaction, for one.
async fn look_at_everything(shared: &Shared) -> Outcome<()> {
    let (remembered, locks_from) = {
        let positions = shared.scan_positions();
        (positions.lanes(), Moment(positions.locks_from))
    };
    let lanes: Vec<_> = remembered.iter().map(|(lane, _)| lane.0).collect();
    let at: Vec<_> = remembered.iter().map(|(_, position)| Moment(position.at)).collect();
    let ids: Vec<_> = remembered.iter().map(|(_, position)| position.id).collect();
    let session = shared.readers.session().await?;
    let (rows, locks) = tokio::join!(
        session.query(sql!("ready_before"), params![INT8_ARRAY: &lanes, TIMESTAMPTZ_ARRAY: &at, UUID_ARRAY: &ids]),
        session.query(sql!("locks_before"), params![TIMESTAMPTZ: &locks_from]),
    );
    for row in &rows? {
        let mut columns = Columns::of(row);
        let (lane, at) = (LaneId(columns.value()?), columns.time()?);
        shared.scan_positions().rewind_lane(lane, at);
    }
    for row in &locks? {
        shared.scan_positions().rewind_locks(Columns::of(row).time()?);
    }
    Ok(())
}

/// Forgets the lanes that others have forgotten. What is made meanwhile is no matter: only what was known before is compared.
pub(crate) async fn forget_gone_lanes(shared: &Shared) -> Outcome<()> {
    let known = shared.lanes().numbers();
    let rows = shared.readers.session().await?.query(sql!("lane_numbers"), params![]).await?;
    let there = rows.iter().map(|row| Columns::of(row).value().map(LaneId)).collect::<Outcome<HashSet<_>>>()?;
    let gone: Vec<_> = known.into_iter().filter(|lane_id| !there.contains(lane_id)).collect();
    shared.forget_lanes(&gone);
    shared.lanes().forget_gone(Instant::now());
    Ok(())
}
