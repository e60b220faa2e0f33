//! How long events wait and take: what estimates are made of.
//!
//! Transactions that commit are counted here, in memory; nothing is written for it beside them. What has gathered goes to the
//! store every few seconds, added to what is kept there of the day, others' included, and at a shutdown. A crash loses the
//! last seconds of it. It is a hint: no rule of the queue depends on it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use enginehouse_core::durations::{DurationHistogram, DurationKind, DurationSummary};
use enginehouse_core::ids::{EngineId, EventType, LaneId};
use enginehouse_core::limits::{MAX_DURATION_TYPES, MAX_DURATION_VERSIONS, MAX_VERSION_LENGTH};
use enginehouse_core::time::Timestamp;
use enginehouse_store::rows::DurationRow;
use enginehouse_store::{Store, StoreError};

/// How long what was counted stays in memory alone.
pub(super) const WRITE_INTERVAL: Duration = Duration::from_secs(10);
/// How long what was written waits for the rest, if there is more than one transaction writes.
pub(super) const NEXT_WRITE: Duration = Duration::from_millis(100);
/// How many histograms one transaction writes: a batch with requests in it may do so.
const MAX_ROWS_WRITTEN: usize = 500;
/// How many milliseconds a day has.
const DAY_MS: i64 = 86_400_000;
/// What stands for all versions beyond those that are told apart.
const OTHER_VERSIONS: &str = "*";

/// What engines call their version; none if they declare none.
pub type EngineVersion = Option<Arc<str>>;

/// A duration that a transaction has seen the end of.
#[derive(Clone, Debug)]
pub struct DurationSample {
    pub(super) lane_id: LaneId,
    pub(super) engine_id: EngineId,
    pub kind: DurationKind,
    pub duration: Duration,
}

/// The durations seen, by event type and by version of the engines. Cheap to clone.
#[derive(Clone, Default)]
pub struct Durations(Arc<Mutex<DurationTable>>);

#[derive(Default)]
struct DurationTable {
    /// What the store has, as of the last look and what was written since.
    stored: HashMap<EventType, SeenOfType>,
    /// What the store does not have yet.
    pending: BTreeMap<DayKey, SeenPair>,
    /// Of which day the versions are that are told apart.
    day: Option<Timestamp>,
    versions: HashMap<EventType, Vec<EngineVersion>>,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct DayKey {
    event_type: EventType,
    engine_version: EngineVersion,
    day: Timestamp,
}

/// Both kinds of durations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeenPair {
    waiting: DurationHistogram,
    processing: DurationHistogram,
}

impl SeenPair {
    fn of_mut(&mut self, kind: DurationKind) -> &mut DurationHistogram {
        match kind {
            DurationKind::Waiting => &mut self.waiting,
            DurationKind::Processing => &mut self.processing,
        }
    }

    /// From when events were available to their claims; nothing if none was claimed.
    pub fn waiting(&self) -> Option<DurationSummary> {
        self.waiting.summary()
    }

    /// From claims to the ends of the attempts; nothing if none has ended.
    pub fn processing(&self) -> Option<DurationSummary> {
        self.processing.summary()
    }

    fn merge(&mut self, other: &Self) {
        self.waiting.merge(&other.waiting);
        self.processing.merge(&other.processing);
    }
}

/// What was seen of one event type.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SeenOfType {
    pub all: SeenPair,
    pub by_version: BTreeMap<EngineVersion, SeenPair>,
}

impl SeenOfType {
    fn add(&mut self, engine_version: &EngineVersion, kind: DurationKind, histogram: &DurationHistogram) {
        self.all.of_mut(kind).merge(histogram);
        self.by_version.entry(engine_version.clone()).or_default().of_mut(kind).merge(histogram);
    }
}

impl Durations {
    fn table(&self) -> MutexGuard<'_, DurationTable> {
        // Nobody panics while holding it, and if somebody did, the counts are as good as before.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was seen of an event type on the days that are kept, this server's last seconds included.
    pub fn of(&self, event_type: &EventType) -> SeenOfType {
        let table = self.table();
        let mut seen = table.stored.get(event_type).cloned().unwrap_or_default();
        table.add_pending(event_type, &mut seen);
        seen
    }

    /// How long attempts at events of a type take.
    pub fn processing(&self, event_type: &EventType) -> Option<DurationSummary> {
        let table = self.table();
        let stored = table.stored.get(event_type).map(|seen| &seen.all.processing);
        let mut all = stored.cloned().unwrap_or_default();
        table.pending_of(event_type).for_each(|(_, pair)| all.merge(&pair.processing));
        all.summary()
    }

    /// The same as [`Durations::of`], but as the store has it now: with what other servers have written since the last look.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn read(&self, store: &dyn Store, event_type: &EventType) -> Result<SeenOfType, StoreError> {
        let rows = store.durations(Some(event_type)).await?;
        let mut seen = SeenOfType::default();
        rows.iter().for_each(|row| seen.add(&row.engine_version, row.kind, &row.histogram));
        self.table().add_pending(event_type, &mut seen);
        Ok(seen)
    }

    /// Looks at what the store has: of earlier days, and of other servers.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn load(&self, store: &dyn Store) -> Result<(), StoreError> {
        let rows = store.durations(None).await?;
        let mut stored: HashMap<EventType, SeenOfType> = HashMap::new();
        let mut versions: HashMap<EventType, Vec<EngineVersion>> = HashMap::new();
        let last_day = rows.iter().map(|row| row.day).max();
        for row in rows {
            stored.entry(row.event_type.clone()).or_default().add(&row.engine_version, row.kind, &row.histogram);
            if Some(row.day) == last_day {
                let of_type = versions.entry(row.event_type).or_default();
                if !of_type.contains(&row.engine_version) {
                    of_type.push(row.engine_version);
                }
            }
        }
        let mut table = self.table();
        table.stored = stored;
        if last_day > table.day {
            (table.day, table.versions) = (last_day, versions);
        }
        Ok(())
    }

    /// Counts what a transaction has seen that has committed.
    pub(super) fn record(
        &self,
        samples: &[DurationSample],
        now: Timestamp,
        event_type_of: impl Fn(LaneId) -> Option<EventType>,
        version_of: impl Fn(&EngineId) -> EngineVersion,
    ) {
        if samples.is_empty() {
            return;
        }
        let mut table = self.table();
        table.begin_day(Timestamp::from_millis(now.as_millis() - now.as_millis() % DAY_MS));
        // What one engine was given, or has settled, stands together.
        for group in samples.chunk_by(|one, other| one.lane_id == other.lane_id && one.engine_id == other.engine_id) {
            let [first, ..] = group else { continue };
            // A lane that was deleted meanwhile has no event type to count by.
            let Some(event_type) = event_type_of(first.lane_id) else { continue };
            let Some(key) = table.key(event_type, version_of(&first.engine_id)) else { continue };
            let pair = table.pending.entry(key).or_default();
            group.iter().for_each(|sample| pair.of_mut(sample.kind).record(sample.duration));
        }
    }

    /// Takes some of what the store does not have yet, and whether there is more.
    pub(super) fn take_unwritten(&self) -> (Unwritten, bool) {
        let mut table = self.table();
        let rest = table.pending.keys().nth(MAX_ROWS_WRITTEN / 2).cloned();
        let rest = rest.map(|key| table.pending.split_off(&key)).unwrap_or_default();
        let taken = std::mem::replace(&mut table.pending, rest);
        let has_more = !table.pending.is_empty();
        (Unwritten { taken, durations: self.clone() }, has_more)
    }
}

impl DurationTable {
    fn pending_of(&self, event_type: &EventType) -> impl Iterator<Item = (&DayKey, &SeenPair)> {
        let first = DayKey { event_type: event_type.clone(), engine_version: None, day: Timestamp::MIN };
        let of_type = event_type.clone();
        self.pending.range(first..).take_while(move |(key, _)| key.event_type == of_type)
    }

    fn add_pending(&self, event_type: &EventType, seen: &mut SeenOfType) {
        for (key, pair) in self.pending_of(event_type) {
            seen.all.merge(pair);
            seen.by_version.entry(key.engine_version.clone()).or_default().merge(pair);
        }
    }

    fn begin_day(&mut self, day: Timestamp) {
        if self.day != Some(day) {
            self.day = Some(day);
            self.versions.clear();
        }
    }

    /// Under which key to count; none if too many event types were counted on this day.
    fn key(&mut self, event_type: EventType, engine_version: EngineVersion) -> Option<DayKey> {
        let types = self.versions.len();
        let of_type = match self.versions.get_mut(&event_type) {
            Some(of_type) => of_type,
            None if types >= MAX_DURATION_TYPES => return None,
            None => self.versions.entry(event_type.clone()).or_default(),
        };
        let is_short = engine_version.as_ref().is_none_or(|version| version.chars().count() <= MAX_VERSION_LENGTH);
        let known = of_type.contains(&engine_version);
        let engine_version = if is_short && (known || of_type.len() < MAX_DURATION_VERSIONS) {
            if !known {
                of_type.push(engine_version.clone());
            }
            engine_version.filter(|version| !version.is_empty())
        } else {
            Some(OTHER_VERSIONS.into())
        };
        Some(DayKey { event_type, engine_version, day: self.day? })
    }
}

/// What a transaction adds to the store. Dropped without [`Unwritten::written`], it goes back to where it came from.
pub(super) struct Unwritten {
    taken: BTreeMap<DayKey, SeenPair>,
    durations: Durations,
}

impl Unwritten {
    /// In the order of their keys, by which servers that write the same wait for each other in line.
    pub(super) fn rows(&self) -> Vec<DurationRow> {
        let row = |key: &DayKey, kind, histogram: &DurationHistogram| DurationRow {
            event_type: key.event_type.clone(),
            engine_version: key.engine_version.clone(),
            day: key.day,
            kind,
            histogram: histogram.clone(),
        };
        let rows = self.taken.iter().flat_map(|(key, SeenPair { waiting, processing })| {
            [row(key, DurationKind::Processing, processing), row(key, DurationKind::Waiting, waiting)]
        });
        rows.filter(|row| !row.histogram.is_empty()).collect()
    }

    /// The store has it.
    pub(super) fn written(mut self) {
        let taken = std::mem::take(&mut self.taken);
        let mut table = self.durations.table();
        for (DayKey { event_type, engine_version, .. }, SeenPair { waiting, processing }) in taken {
            let stored = table.stored.entry(event_type).or_default();
            stored.add(&engine_version, DurationKind::Waiting, &waiting);
            stored.add(&engine_version, DurationKind::Processing, &processing);
        }
    }
}

impl Drop for Unwritten {
    fn drop(&mut self) {
        if !self.taken.is_empty() {
            let mut table = self.durations.table();
            for (key, pair) in std::mem::take(&mut self.taken) {
                table.pending.entry(key).or_default().merge(&pair);
            }
        }
    }
}
