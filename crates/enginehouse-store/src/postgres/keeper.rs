//! Chores of the store itself, every few seconds, on any number of servers at once.

use std::sync::{Arc, Weak};
use std::time::Duration;

use enginehouse_core::ids::LaneId;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

use super::columns::{Columns, Moment, params, sql};
use super::failure::Outcome;
use super::shared::Shared;
use crate::StoreError;

/// How often there is something to do.
const ROUND: Duration = Duration::from_secs(2);
/// How long at least from one look at everything to the next, and how many times as long as the last one took: dead rows that
/// cannot be vacuumed make it slow, and it must not take a share of the database that anybody notices.
const LOOK_PAUSE: Duration = Duration::from_secs(5);
const LOOK_SHARE: u32 = 100;

/// Ends the chores when dropped.
pub(super) struct Keeper(JoinHandle<()>);

impl Keeper {
    pub(super) fn start(shared: &Arc<Shared>) -> Self {
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
    loop {
        rounds.tick().await;
        let Some(shared) = shared.upgrade() else { return };
        note(write_last_time(&shared).await);
        let began = Instant::now();
        if began >= look_at {
            note(look_at_everything(&shared).await);
            let took = began.elapsed();
            look_at = began + LOOK_PAUSE.max(took * LOOK_SHARE);
        }
    }
}

fn note(done: Outcome<()>) {
    if let Err(failure) = done {
        // The dispatcher says so loudly when the database is away.
        tracing::debug!(error = %StoreError::from(failure), "a chore of the store was not done");
    }
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
        let places = shared.places();
        (places.lanes(), Moment(places.locks_from))
    };
    let lanes: Vec<_> = remembered.iter().map(|(lane, _)| lane.0).collect();
    let at: Vec<_> = remembered.iter().map(|(_, place)| Moment(place.at)).collect();
    let ids: Vec<_> = remembered.iter().map(|(_, place)| place.id).collect();
    let session = shared.readers.session().await?;
    let (rows, locks) = tokio::join!(
        session.query(sql!("ready_before"), params![INT8_ARRAY: &lanes, TIMESTAMPTZ_ARRAY: &at, UUID_ARRAY: &ids]),
        session.query(sql!("locks_before"), params![TIMESTAMPTZ: &locks_from]),
    );
    for row in &rows? {
        let mut columns = Columns::of(row);
        let (lane, at) = (LaneId(columns.value()?), columns.time()?);
        shared.places().arrived(lane, at);
    }
    for row in &locks? {
        shared.places().lock_found(Columns::of(row).time()?);
    }
    Ok(())
}
