//! What the transactions, reads and chores of a store share.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use enginehouse_core::ids::LaneId;
use enginehouse_core::time::Timestamp;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::health::Health;
use super::lanes::LaneLog;
use super::scan_positions::ScanPositions;
use crate::clock::{Clock, Reading, StoreTime};
use crate::postgres::tx::columns::Xid;
use crate::postgres::wire::endpoint::Endpoint;
use crate::postgres::wire::pool::Connections;
use crate::postgres::wire::session::Session;

/// How long a transaction waits for others to end that were dropped.
const PATIENCE: Duration = Duration::from_secs(1);

pub(crate) struct Shared {
    pub(crate) endpoint: Arc<Endpoint>,
    /// Connections for transactions.
    pub(crate) writers: Connections,
    /// Connections for reads and chores.
    pub(crate) readers: Connections,
    /// This machine's clock, of which only the running counts; in tests, the one that tells the time too.
    clock: Arc<dyn Clock>,
    /// Whether the clock above tells the time, and not the database.
    is_clock_told: bool,
    time: Mutex<Time>,
    scan_positions: Mutex<ScanPositions>,
    lanes: Mutex<LaneLog>,
    health: Mutex<Health>,
    /// How many transactions were dropped that the database has not ended yet.
    ending: watch::Sender<usize>,
    unfolded_from: AtomicU64,
    /// Rings when others should look what is new.
    pub(crate) bell: Notify,
}

struct Time {
    store: StoreTime,
    /// A jump that no committed transaction has seen.
    jumped: bool,
}

impl Shared {
    pub(crate) fn new(
        endpoint: Arc<Endpoint>,
        writers: Connections,
        readers: Connections,
        clock: Arc<dyn Clock>,
        is_clock_told: bool,
        last_time: Timestamp,
    ) -> Self {
        let store = StoreTime::begin(last_time, clock.monotonic());
        Self {
            endpoint,
            writers,
            readers,
            clock,
            is_clock_told,
            time: Mutex::new(Time { store, jumped: false }),
            scan_positions: Mutex::default(),
            lanes: Mutex::default(),
            health: Mutex::default(),
            ending: watch::Sender::default(),
            unfolded_from: AtomicU64::new(0),
            bell: Notify::new(),
        }
    }

    pub(crate) fn scan_positions(&self) -> MutexGuard<'_, ScanPositions> {
        self.scan_positions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn lanes(&self) -> MutexGuard<'_, LaneLog> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// These lanes are not in the store any more.
    pub(crate) fn forget_lanes(&self, lanes: &[LaneId]) {
        self.lanes().forget(lanes, Instant::now());
        self.scan_positions().remove_lanes(lanes);
    }

    fn time(&self) -> MutexGuard<'_, Time> {
        self.time.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The store's time, now that the database has told its own.
    pub(crate) fn read_time(&self, told: Timestamp) -> Reading {
        let wall = if self.is_clock_told { self.clock.wall() } else { told };
        let mut time = self.time();
        let reading = time.store.read_at(wall, self.clock.monotonic());
        time.jumped |= reading.jumped;
        Reading { now: reading.now, jumped: time.jumped }
    }

    /// Takes in when the database was started, as a transaction on it was told. One that was away may have come back
    /// without the last commits: what is remembered of it may not be so any more.
    pub(crate) fn saw_start(&self, started: i64) {
        self.endpoint.saw_start(started);
        // Nobody reads lanes in between.
        let mut lanes = self.lanes();
        if self.endpoint.came_back() {
            lanes.forget_all();
            self.scan_positions().reset();
            self.folded_until(Xid::default());
            self.time().jumped = true;
        }
    }

    /// The store's time as it was last told.
    pub(crate) fn last_time(&self) -> Timestamp {
        self.time().store.last()
    }

    /// A transaction that knew of the jump has committed.
    pub(crate) fn jump_was_seen(&self) {
        self.time().jumped = false;
    }

    /// The first transaction whose changes of counts may not be added up yet.
    pub(crate) fn unfolded_from(&self) -> Xid {
        Xid(self.unfolded_from.load(Ordering::Acquire))
    }

    /// The changes of every transaction before this one are added up.
    pub(crate) fn folded_until(&self, until: Xid) {
        self.unfolded_from.store(until.0, Ordering::Release);
    }

    /// Rolls back a transaction that was dropped. What it had taken is ready again once it has ended, and whoever has looked
    /// meanwhile has not seen it.
    pub(crate) fn give_up(self: &Arc<Self>, session: Session) {
        self.scan_positions().reset();
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            session.close();
            return;
        };
        self.ending.send_modify(|count| *count += 1);
        let shared = Arc::clone(self);
        runtime.spawn(async move {
            session.roll_back().await;
            shared.scan_positions().reset();
            shared.ending.send_modify(|count| *count -= 1);
        });
    }

    /// Waits until transactions that were dropped here have ended, but not for one that does not end.
    pub(crate) async fn all_ended(&self) {
        let mut ending = self.ending.subscribe();
        let ended = ending.wait_for(|count| *count == 0);
        // Whether they have ended or not, it goes on.
        let _ = tokio::time::timeout(PATIENCE, ended).await;
    }

    /// Tells others that something is new, soon.
    pub(crate) fn ring(&self) {
        self.bell.notify_one();
    }
}
