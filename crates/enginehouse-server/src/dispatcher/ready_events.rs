//! What the claims of one batch have read of what is ready.

use std::collections::{HashMap, HashSet, VecDeque};

use enginehouse_core::ids::{EventId, LaneId, ScenarioRunId};
use enginehouse_core::json::RawJson;
use enginehouse_core::time::Timestamp;
use enginehouse_store::StoreError;
use enginehouse_store::rows::{ReadyEvent, ReadyRange};

use super::context::TransactionContext;

/// Most events to read at once, whose payloads are in memory before it is known which of them are given.
const MAX_READ: u32 = 256;
/// Most events to read at once for several claims together.
const MAX_SHARED_READ: u32 = 64;

/// The order in which events are claimed.
type Position = (Timestamp, EventId);

/// What the claims of one batch have read of what is ready. The events themselves are in the unit of work.
pub(super) struct ReadyEvents {
    /// Per lane, and apart from that per run and lane.
    lanes: HashMap<(Option<ScenarioRunId>, LaneId), LaneHead>,
    pub(super) payloads: HashMap<EventId, RawJson>,
    pub(super) taken: HashSet<EventId>,
    /// How many bytes of payloads these have.
    pub(super) bytes_taken: usize,
    /// How many more events the claims of the batch want. To read more than that would keep the rest from other
    /// transactions, for which a row that is locked is not there.
    pub(super) still_wanted: u32,
}

/// The beginning of a lane.
#[derive(Default)]
struct LaneHead {
    events: VecDeque<Position>,
    /// All ready events up to here were read.
    read_to: Option<Position>,
    exhausted: bool,
}

impl LaneHead {
    /// Whether an event that was not read yet may come before a position.
    fn may_hide_one_before(&self, position: Option<Position>) -> bool {
        !self.exhausted && (position.is_none() || self.read_to < position)
    }
}

/// Where to look for an event.
#[derive(Clone, Copy)]
pub(super) struct ReadySearch<'a> {
    /// Events of this run only.
    pub(super) run: Option<&'a ScenarioRunId>,
    pub(super) lanes: &'a [LaneId],
    /// Up to when the events of some lanes must have become available.
    pub(super) until: &'a HashMap<LaneId, Timestamp>,
    /// How many are wanted in all.
    pub(super) wanted: u32,
    /// Not these.
    pub(super) passed_over: &'a HashMap<EventId, LaneId>,
}

/// An event that nobody has taken yet.
pub(super) struct Candidate {
    pub(super) event_id: EventId,
    pub(super) lane_id: LaneId,
}

impl ReadyEvents {
    pub(super) fn new(wanted: u32) -> Self {
        Self {
            lanes: HashMap::new(),
            payloads: HashMap::new(),
            taken: HashSet::new(),
            bytes_taken: 0,
            still_wanted: wanted,
        }
    }

    pub(super) fn payload_bytes(&self, event_id: EventId) -> usize {
        self.payloads.get(&event_id).map_or(0, |payload| payload.as_str().len())
    }

    /// Takes an event. Answers how many bytes its payload has.
    pub(super) fn take(&mut self, event_id: EventId) -> usize {
        let bytes = self.payload_bytes(event_id);
        self.taken.insert(event_id);
        self.bytes_taken += bytes;
        self.still_wanted -= 1;
        bytes
    }

    /// The oldest ready event of the lanes that nobody has taken. It stays where it is.
    pub(super) async fn oldest(
        &mut self,
        context: &mut TransactionContext<'_>,
        search: ReadySearch<'_>,
    ) -> Result<Option<Candidate>, StoreError> {
        let ReadySearch { run, lanes, until, wanted, passed_over } = search;
        loop {
            let mut oldest: Option<(Position, LaneId)> = None;
            for lane_id in lanes {
                let head = self.lanes.entry((run.cloned(), *lane_id)).or_default();
                while head.events.front().is_some_and(|(_, event_id)| self.taken.contains(event_id)) {
                    head.events.pop_front();
                }
                let mut free =
                    head.events.iter().filter(|(_, id)| !passed_over.contains_key(id) && !self.taken.contains(id));
                let is_in = |(available_at, _): &Position| until.get(lane_id).is_none_or(|until| available_at <= until);
                if let Some(position) = free.next().copied().filter(is_in)
                    && oldest.is_none_or(|(first, _)| position < first)
                {
                    oldest = Some((position, *lane_id));
                }
            }
            let position = oldest.map(|(position, _)| position);
            let last_in = |lane_id: &LaneId| until.get(lane_id).map(|until| (*until, EventId(uuid::Uuid::max())));
            let before = |lane_id: &LaneId| position.into_iter().chain(last_in(lane_id)).min();
            let to_read: Vec<_> = lanes
                .iter()
                .filter_map(|lane_id| Some((*lane_id, self.lanes.get(&(run.cloned(), *lane_id))?)))
                .filter(|(lane_id, head)| head.may_hide_one_before(before(lane_id)))
                .map(|(lane_id, head)| ReadyRange { lane_id, after: head.read_to })
                .collect();
            if to_read.is_empty() {
                return Ok(oldest.map(|((_, event_id), lane_id)| Candidate { event_id, lane_id }));
            }
            let limit = wanted.max(self.still_wanted.min(MAX_SHARED_READ)).min(MAX_READ);
            self.read(context, run, &to_read, limit).await?;
        }
    }

    async fn read(
        &mut self,
        context: &mut TransactionContext<'_>,
        run: Option<&ScenarioRunId>,
        ranges: &[ReadyRange],
        limit: u32,
    ) -> Result<(), StoreError> {
        let found = match run {
            Some(run) => context.transaction.ready_events_of_run(run, ranges, limit).await?,
            None => context.transaction.ready_events(ranges, limit).await?,
        };
        let exhausted = found.len() < limit as usize;
        let last = found.last().map(ReadyEvent::position);
        let retry = |ready: &ReadyEvent| Some((ready.event.event_id, context.registry.retry(&ready.event)?));
        let retries: Vec<_> = found.iter().filter_map(retry).collect();
        for ready in found {
            let (position, lane_id) = (ready.position(), ready.event.lane_id);
            self.lanes.entry((run.cloned(), lane_id)).or_default().events.push_back(position);
            self.payloads.insert(ready.event.event_id, ready.payload);
            context.events.keep(ready.event);
        }
        context.learn_failures(retries).await?;
        for range in ranges {
            let head = self.lanes.entry((run.cloned(), range.lane_id)).or_default();
            head.exhausted = exhausted;
            head.read_to = last.or(head.read_to);
        }
        Ok(())
    }
}
