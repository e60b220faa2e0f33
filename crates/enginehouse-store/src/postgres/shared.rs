//! What the transactions, reads and chores of a store share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use enginehouse_core::time::Timestamp;
use tokio::sync::Notify;

use super::columns::Xid;
use super::connect::{Connections, Endpoint};
use super::lanes::LaneLog;
use super::places::Places;
use crate::clock::{Clock, Reading, StoreTime};

pub(super) struct Shared {
    pub(super) endpoint: Arc<Endpoint>,
    /// Connections for transactions.
    pub(super) writers: Connections,
    /// Connections for reads and chores.
    pub(super) readers: Connections,
    /// This machine's clock, of which only the running counts; in tests, the one that tells the time too.
    clock: Arc<dyn Clock>,
    /// Whether the clock above tells the time, and not the database.
    is_clock_told: bool,
    time: Mutex<Time>,
    places: Mutex<Places>,
    lanes: Mutex<LaneLog>,
    /// Rings when others should look what is new.
    pub(super) bell: Notify,
}

struct Time {
    store: StoreTime,
    /// A jump that no committed transaction has seen.
    jumped: bool,
}

impl Shared {
    pub(super) fn new(
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
            places: Mutex::default(),
            lanes: Mutex::default(),
            bell: Notify::new(),
        }
    }

    pub(super) fn places(&self) -> MutexGuard<'_, Places> {
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn lanes(&self) -> MutexGuard<'_, LaneLog> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn time(&self) -> MutexGuard<'_, Time> {
        self.time.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The store's time, now that the database has told its own.
    pub(super) fn read_time(&self, told: Timestamp) -> Reading {
        let wall = if self.is_clock_told { self.clock.wall() } else { told };
        let mut time = self.time();
        let reading = time.store.read_at(wall, self.clock.monotonic());
        time.jumped |= reading.jumped | self.endpoint.came_back();
        Reading { now: reading.now, jumped: time.jumped }
    }

    /// The store's time as it was last told.
    pub(super) fn last_time(&self) -> Timestamp {
        self.time().store.last()
    }

    /// A transaction that knew of the jump has committed.
    pub(super) fn jump_was_seen(&self) {
        self.time().jumped = false;
    }

    /// The first transaction whose changes of counts may not be added up yet. For now, all are looked at.
    pub(super) fn unfolded_from(&self) -> Xid {
        Xid::default()
    }

    /// Tells others that something is new, soon.
    pub(super) fn ring(&self) {
        self.bell.notify_one();
    }
}
