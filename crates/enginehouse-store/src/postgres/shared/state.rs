//! What the transactions, reads and maintenance of one server share.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use enginehouse_core::generation::Generation;
use enginehouse_core::ids::LaneId;
use enginehouse_core::time::Timestamp;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use super::generation::{self, settle_in};
use super::health::HealthProbe;
use super::lane_cache::LaneCache;
use super::scan_positions::ScanPositions;
use crate::clock::{Clock, Reading, StoreTime, TimeNote};
use crate::postgres::tx::columns::Xid;
use crate::postgres::wire::endpoint::Endpoint;
use crate::postgres::wire::error::PgResult;
use crate::postgres::wire::pool::Connections;
use crate::postgres::wire::session::Session;
use crate::rows::SettingsRows;
use crate::unreadable::UnreadableRows;

/// For how long a table that somebody has locked is not asked for again, by transactions that can do without it.
const HELD_FOR: Duration = Duration::from_millis(500);
/// How long a new transaction waits for rollbacks that are in progress.
const ROLLBACK_WAIT: Duration = Duration::from_secs(1);

pub(crate) struct PgState {
    pub(crate) endpoint: Arc<Endpoint>,
    /// Connections for transactions.
    pub(crate) writers: Connections,
    /// Connections for reads and maintenance.
    pub(crate) readers: Connections,
    /// This machine's clock, of which only the monotonic reading is used; tests also take the time from it.
    clock: Arc<dyn Clock>,
    /// Whether the time is taken from `clock` instead of the database, in tests.
    uses_own_clock: bool,
    time: Mutex<StoreTime>,
    scan_positions: Mutex<ScanPositions>,
    lanes: Mutex<LaneCache>,
    health: Mutex<HealthProbe>,
    /// Whether the database was restarted, so that it may be another one now.
    may_be_elsewhere: AtomicBool,
    settling_in: tokio::sync::Mutex<()>,
    /// How many rollbacks are in progress.
    rollbacks: watch::Sender<usize>,
    uncompacted_from: AtomicU64,
    pub(crate) unreadable: UnreadableRows,
    registry: Mutex<KnownRegistry>,
    /// Asks the change feed to notify the other servers.
    pub(crate) notify_requested: Notify,
}

/// What a transaction reads of the registry at its beginning.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RegistryReads {
    pub(crate) version: bool,
    pub(crate) lanes: bool,
}

/// A table that a transaction reads at its beginning.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RegistryTable {
    Version,
    Lanes,
}

/// The registry as it was last read, for while somebody has locked its tables.
#[derive(Debug, Default)]
struct KnownRegistry {
    version: Option<i64>,
    generation: Generation,
    /// The settings, and up to which version they are known to be the present ones.
    settings: Option<(i64, SettingsRows)>,
    /// What is added to the versions of the database, since when it came back; and the first version since.
    base: i64,
    first: i64,
    /// Until when the version, and the lanes, are not asked for again.
    version_held_until: Option<Instant>,
    lanes_held_until: Option<Instant>,
}

impl PgState {
    pub(crate) fn new(
        endpoint: Arc<Endpoint>,
        writers: Connections,
        readers: Connections,
        clock: Arc<dyn Clock>,
        uses_own_clock: bool,
        time_note: TimeNote,
    ) -> Self {
        Self {
            endpoint,
            writers,
            readers,
            time: Mutex::new(StoreTime::begin(time_note, clock.monotonic())),
            clock,
            uses_own_clock,
            scan_positions: Mutex::default(),
            lanes: Mutex::default(),
            health: Mutex::default(),
            may_be_elsewhere: AtomicBool::new(false),
            settling_in: tokio::sync::Mutex::default(),
            rollbacks: watch::Sender::default(),
            uncompacted_from: AtomicU64::new(0),
            unreadable: UnreadableRows::default(),
            registry: Mutex::default(),
            notify_requested: Notify::new(),
        }
    }

    pub(crate) fn scan_positions(&self) -> MutexGuard<'_, ScanPositions> {
        self.scan_positions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn lanes(&self) -> MutexGuard<'_, LaneCache> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn health(&self) -> MutexGuard<'_, HealthProbe> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Removes lanes that were deleted from the store.
    pub(crate) fn remove_lanes(&self, lanes: &[LaneId]) {
        self.lanes().remove(lanes, Instant::now());
        self.scan_positions().remove_lanes(lanes);
    }

    fn time(&self) -> MutexGuard<'_, StoreTime> {
        self.time.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The store's time, from the time of the database.
    pub(crate) fn read_time(&self, database_time: Timestamp) -> Reading {
        let wall = if self.uses_own_clock { self.clock.wall() } else { database_time };
        self.time().read_at(wall, self.clock.monotonic())
    }

    /// The store's time, without another look at the clock of the database: for a transaction that has waited for rows.
    pub(crate) fn read_time_on(&self) -> Timestamp {
        let mut time = self.time();
        if self.uses_own_clock {
            return self.clock.wall().max(time.last());
        }
        time.read_on(self.clock.monotonic())
    }

    /// Notes when the database was started, as each transaction reads it. After a restart or a failover it may lack the last
    /// commits, so everything that was cached of it is dropped.
    pub(crate) fn note_database_start(&self, started: i64) {
        self.endpoint.note_start(started);
        // Locked before the flag is read, so that no other transaction reads the old lanes in between.
        let mut lanes = self.lanes();
        if self.endpoint.take_restarted() {
            lanes.reset();
            self.scan_positions().reset();
            self.registry().settings = None;
            self.set_uncompacted_from(Xid::default());
            self.time().count_jump();
            self.may_be_elsewhere.store(true, Ordering::Release);
        }
    }

    /// After a restart of the database, which may have been another one's promotion: begins a new generation if so. No
    /// transaction goes on before that is done.
    pub(crate) async fn settle_in_again(&self) -> PgResult<()> {
        if !self.may_be_elsewhere.load(Ordering::Acquire) {
            return Ok(());
        }
        let _one_at_a_time = self.settling_in.lock().await;
        if self.may_be_elsewhere.load(Ordering::Acquire) {
            settle_in(&self.readers).await?;
            self.note_generation(generation::read(&self.readers).await?.map(Generation::from_number));
            self.may_be_elsewhere.store(false, Ordering::Release);
        }
        Ok(())
    }

    /// Notes the generation of the store, if it was read. It never falls, so a late answer takes nothing back.
    pub(crate) fn note_generation(&self, generation: Option<Generation>) {
        let mut registry = self.registry();
        registry.generation = generation.into_iter().fold(registry.generation, Generation::max);
    }

    /// The generation of the store, as it was last read.
    pub(crate) fn generation(&self) -> Generation {
        self.registry().generation
    }

    /// The store's time as it was last read.
    pub(crate) fn last_time(&self) -> Timestamp {
        self.time().last()
    }

    /// What is to be noted of the time, once it was read.
    pub(crate) fn time_note(&self) -> Option<TimeNote> {
        self.time().note()
    }

    /// The settings in memory, if they are those of this version.
    pub(crate) fn settings(&self, version: i64) -> Option<SettingsRows> {
        self.registry().settings.as_ref().filter(|(until, _)| version <= *until).map(|(_, settings)| settings.clone())
    }

    /// Keeps settings that are the present ones of a version.
    pub(crate) fn note_settings(&self, version: i64, settings: &SettingsRows) {
        self.registry().settings = Some((version, settings.clone()));
    }

    /// At this version, settings were last changed with an older one: those in memory may still be the present ones.
    pub(crate) fn confirm_settings(&self, changed_with: i64, version: i64) {
        if let Some((until, _)) = self.registry().settings.as_mut().filter(|(until, _)| changed_with <= *until) {
            *until = version.max(*until);
        }
    }

    fn registry(&self) -> MutexGuard<'_, KnownRegistry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a transaction that begins now should read.
    pub(crate) fn registry_reads(&self) -> RegistryReads {
        let (now, registry) = (Instant::now(), self.registry());
        let is_held = |until: Option<Instant>| until.is_some_and(|until| now < until);
        RegistryReads { version: !is_held(registry.version_held_until), lanes: !is_held(registry.lanes_held_until) }
    }

    /// Somebody has locked a table of the registry.
    pub(crate) fn note_held(&self, table: RegistryTable) {
        let until = Some(Instant::now() + HELD_FOR);
        match table {
            RegistryTable::Version => self.registry().version_held_until = until,
            RegistryTable::Lanes => self.registry().lanes_held_until = until,
        }
    }

    /// Whether the registry was ever read.
    pub(crate) fn knows_registry(&self) -> bool {
        self.registry().version.is_some()
    }

    /// Notes the version of the registry, if it was read, with `base` added. Answers the last one that is known.
    pub(crate) fn note_registry_version(&self, version: Option<i64>, base: i64) -> i64 {
        let mut registry = self.registry();
        if let Some(version) = version.filter(|_| registry.base != base) {
            (registry.base, registry.first) = (base, version);
        }
        registry.version = registry.version.max(version);
        version.or(registry.version).unwrap_or_default()
    }

    /// Whether a version was read since the database came back without its last commits.
    pub(crate) fn is_of_this_database(&self, version: i64) -> bool {
        version >= self.registry().first
    }

    /// The first transaction whose changes of counts may not be compacted yet.
    pub(crate) fn uncompacted_from(&self) -> Xid {
        Xid(self.uncompacted_from.load(Ordering::Acquire))
    }

    /// Says that the changes of every transaction before this one are compacted.
    pub(crate) fn set_uncompacted_from(&self, xid: Xid) {
        self.uncompacted_from.store(xid.0, Ordering::Release);
    }

    /// Rolls back a transaction that was dropped, in the background. Its locks hide ready events from the scans of other
    /// transactions until then, so the scan positions are reset once before, and once after.
    pub(crate) fn roll_back(self: &Arc<Self>, session: Session) {
        self.scan_positions().reset();
        let Ok(runtime) = tokio::runtime::Handle::try_current() else {
            session.close();
            return;
        };
        self.rollbacks.send_modify(|count| *count += 1);
        let shared = Arc::clone(self);
        runtime.spawn(async move {
            session.roll_back().await;
            shared.scan_positions().reset();
            shared.rollbacks.send_modify(|count| *count -= 1);
        });
    }

    /// Waits for the rollbacks in progress, for a limited time.
    pub(crate) async fn wait_for_rollbacks(&self) {
        let mut rollbacks = self.rollbacks.subscribe();
        let ended = rollbacks.wait_for(|count| *count == 0);
        // A rollback that takes longer is no reason not to begin.
        let _ = tokio::time::timeout(ROLLBACK_WAIT, ended).await;
    }

    /// Notifies the other servers soon that there are new events.
    pub(crate) fn notify_others(&self) {
        self.notify_requested.notify_one();
    }
}
