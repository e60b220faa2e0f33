//! What happens each minute, by queue and event type: what charts are made of.
//!
//! As durations are, what transactions did is counted in memory once they have committed, and goes to the store every few
//! seconds and at a shutdown, added to what is kept there of the minute, others' included. A crash loses the last seconds of it.
//! It is a hint: no rule of the queue depends on it.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use enginehouse_core::durations::DurationKind;
use enginehouse_core::ids::{EventType, LaneId, QueueName};
use enginehouse_core::limits::MAX_MINUTE_PAIRS;
use enginehouse_core::minutes::{MinuteTally, minute_of};
use enginehouse_core::time::Timestamp;
use enginehouse_store::rows::{MinuteFilter, MinuteKey, MinuteRow};

use super::effects::Effects;

/// How many rows one transaction writes: a batch with requests in it may do so.
const MAX_ROWS_WRITTEN: usize = 250;
/// How many rows that are too old are deleted with those that are written: more than come, so that they do not pile up.
pub(super) const DELETED_WITH_A_WRITE: u32 = 1_000;
/// A queue with an event type in which nothing has happened for so long makes room for another one.
const NAMED_FOR: Duration = Duration::from_secs(3_600);

/// A queue, and an event type in it.
type Pair = (QueueName, EventType);

/// What has happened and is not in the store yet. Cheap to clone.
#[derive(Clone, Default)]
pub struct Minutes(Arc<Mutex<MinuteTable>>);

#[derive(Default)]
struct MinuteTable {
    pending: BTreeMap<MinuteKey, MinuteTally>,
    named: NamedPairs,
}

/// The pairs that are told apart, each with the last minute in which something happened to it.
#[derive(Default)]
struct NamedPairs {
    last_seen: HashMap<Pair, Timestamp>,
    /// When room was last made.
    cleared_in: Option<Timestamp>,
}

impl Minutes {
    fn table(&self) -> MutexGuard<'_, MinuteTable> {
        // Nobody panics while holding it, and if somebody did, the counts are as good as before.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What has happened of late that the store does not have yet.
    pub fn pending(&self, filter: &MinuteFilter) -> Vec<MinuteRow> {
        let MinuteFilter { from, to, queue, event_type } = filter;
        let first = MinuteKey { minute: *from, pair: None };
        let is_asked = |key: &MinuteKey| {
            let of = |pair: &Pair| {
                queue.as_ref().is_none_or(|queue| *queue == pair.0)
                    && event_type.as_ref().is_none_or(|event_type| *event_type == pair.1)
            };
            key.pair.as_ref().map_or(queue.is_none() && event_type.is_none(), of)
        };
        let table = self.table();
        let in_time = table.pending.range(first..).take_while(|(key, _)| key.minute < *to);
        let rows = in_time.filter(|(key, _)| is_asked(key));
        rows.map(|(key, tally)| MinuteRow { key: key.clone(), tally: tally.clone() }).collect()
    }

    /// Counts what a transaction has done that has committed. Answers whether there was anything.
    pub(super) fn record(&self, effects: &Effects, now: Timestamp, pair_of: impl Fn(LaneId) -> Option<Pair>) -> bool {
        let Effects { enqueued, claimed, attempts, durations, .. } = effects;
        if enqueued.is_empty() && claimed.is_empty() && attempts.is_empty() && durations.is_empty() {
            return false;
        }
        let minute = minute_of(now);
        let mut table = self.table();
        // A lane that was deleted meanwhile has no name to count by.
        let mut count = |lane_id: LaneId, add: &mut dyn FnMut(&mut MinuteTally)| {
            if let Some(pair) = pair_of(lane_id) {
                add(table.tally(pair, minute));
            }
        };
        for (lane_id, events) in enqueued {
            count(*lane_id, &mut |tally| tally.enqueued += events);
        }
        for (lane_id, events) in claimed {
            count(*lane_id, &mut |tally| tally.claimed += events);
        }
        for (lane_id, ended) in attempts {
            count(*lane_id, &mut |tally| {
                tally.completed += ended.completed;
                tally.failed += ended.failed;
                tally.lost += ended.lost;
                tally.dead_lettered += ended.dead_lettered;
            });
        }
        for samples in durations.chunk_by(|one, other| one.lane_id == other.lane_id) {
            let Some(first) = samples.first() else { continue };
            count(first.lane_id, &mut |tally| {
                for sample in samples {
                    match sample.kind {
                        DurationKind::Waiting => tally.waiting.record(sample.duration),
                        DurationKind::Processing => tally.processing.record(sample.duration),
                    }
                }
            });
        }
        true
    }

    /// Takes some of what the store does not have yet, and whether there is more.
    pub(super) fn take_unwritten(&self) -> (UnwrittenMinutes, bool) {
        let mut table = self.table();
        let rest = table.pending.keys().nth(MAX_ROWS_WRITTEN).cloned();
        let rest = rest.map(|key| table.pending.split_off(&key)).unwrap_or_default();
        let taken = std::mem::replace(&mut table.pending, rest);
        let has_more = !table.pending.is_empty();
        (UnwrittenMinutes { taken, minutes: self.clone() }, has_more)
    }
}

impl MinuteTable {
    fn tally(&mut self, pair: Pair, minute: Timestamp) -> &mut MinuteTally {
        let pair = self.named.is_named(&pair, minute).then_some(pair);
        self.pending.entry(MinuteKey { minute, pair }).or_default()
    }
}

impl NamedPairs {
    /// Whether a pair is told apart from others in this minute: as many are as were there first, and are in use.
    fn is_named(&mut self, pair: &Pair, minute: Timestamp) -> bool {
        if let Some(last_seen) = self.last_seen.get_mut(pair) {
            *last_seen = minute;
            return true;
        }
        if self.last_seen.len() >= MAX_MINUTE_PAIRS && self.cleared_in != Some(minute) {
            self.cleared_in = Some(minute);
            self.last_seen.retain(|_, last_seen| minute.since(*last_seen) < NAMED_FOR);
        }
        let has_room = self.last_seen.len() < MAX_MINUTE_PAIRS;
        if has_room {
            self.last_seen.insert(pair.clone(), minute);
        }
        has_room
    }
}

/// What a transaction adds to the minutes that the store has. Dropped without [`UnwrittenMinutes::written`], it goes back to where
/// it came from.
pub(super) struct UnwrittenMinutes {
    taken: BTreeMap<MinuteKey, MinuteTally>,
    minutes: Minutes,
}

impl UnwrittenMinutes {
    /// In the order of their keys, by which servers that write the same wait for each other in line.
    pub(super) fn rows(&self) -> Vec<MinuteRow> {
        self.taken.iter().map(|(key, tally)| MinuteRow { key: key.clone(), tally: tally.clone() }).collect()
    }

    /// The store has it.
    pub(super) fn written(mut self) {
        self.taken.clear();
    }
}

impl Drop for UnwrittenMinutes {
    fn drop(&mut self) {
        if !self.taken.is_empty() {
            let mut table = self.minutes.table();
            for (key, tally) in std::mem::take(&mut self.taken) {
                table.pending.entry(key).or_default().merge(&tally);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(number: usize) -> Pair {
        ("default".parse().unwrap(), format!("type-{number}").parse().unwrap())
    }

    /// Names are free, and there may be many: the rest is one row, and none of it is lost.
    #[test]
    fn only_so_many_pairs_are_told_apart_and_those_in_use_stay() {
        let minutes = Minutes::default();
        let at = Timestamp::from_millis(1_800_000_000_000);
        let enqueue = |number: usize, at| {
            let effects = Effects { enqueued: [(LaneId(1), 1)].into(), ..Effects::default() };
            minutes.record(&effects, at, |_| Some(pair(number)));
        };
        let shown = |at: Timestamp| {
            let filter = MinuteFilter { from: at, to: at + Duration::from_secs(60), queue: None, event_type: None };
            minutes.pending(&filter)
        };
        (0..MAX_MINUTE_PAIRS + 7).for_each(|number| enqueue(number, at));
        let rows = shown(at);
        assert_eq!((rows.len(), rows[0].key.pair.as_ref(), rows[0].tally.enqueued), (MAX_MINUTE_PAIRS + 1, None, 7));

        // An hour later all but one that is in use have made room.
        let later = at + NAMED_FOR;
        enqueue(0, later - Duration::from_secs(60));
        enqueue(MAX_MINUTE_PAIRS, later);
        enqueue(0, later);
        assert_eq!(
            shown(later).iter().map(|row| row.key.pair.clone()).collect::<Vec<_>>(),
            [Some(pair(0)), Some(pair(MAX_MINUTE_PAIRS))]
        );
        assert_eq!(minutes.table().named.last_seen.len(), 2);
    }

    #[test]
    fn what_was_not_written_is_there_again_and_a_write_is_bounded() {
        let minutes = Minutes::default();
        let at = Timestamp::from_millis(1_800_000_000_000);
        let effects = Effects { enqueued: [(LaneId(1), 2)].into(), ..Effects::default() };
        (0..MAX_ROWS_WRITTEN + 1).for_each(|number| {
            minutes.record(&effects, at, |_| Some(pair(number)));
        });
        let (unwritten, has_more) = minutes.take_unwritten();
        assert_eq!((unwritten.rows().len(), has_more), (MAX_ROWS_WRITTEN, true));
        let first = unwritten.rows().remove(0);
        // Meanwhile more of the same happens.
        minutes.record(&effects, at, |_| first.key.pair.clone());
        drop(unwritten);
        let (unwritten, _) = minutes.take_unwritten();
        assert_eq!(unwritten.rows()[0].tally.enqueued, 4);
        unwritten.written();
        let (rest, has_more) = minutes.take_unwritten();
        assert_eq!((rest.rows().len(), has_more), (1, false));
    }
}
