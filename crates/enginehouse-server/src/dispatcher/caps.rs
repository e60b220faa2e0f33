//! Bounds of what callers can make grow: past one of them, what would add more is refused, and told which field to look at.

use std::collections::{HashMap, HashSet};

use enginehouse_core::event::NewEvent;
use enginehouse_core::ids::{EngineId, QueueName};
use enginehouse_core::lane::LaneKey;
use enginehouse_core::limits::MAX_SETTINGS;
use enginehouse_store::StoreError;

use super::context::TransactionContext;
use super::reply::{OperationResult, Refusal};

/// What is left for the enqueues of one batch.
pub(super) struct EnqueueAllowance<'a> {
    lanes: usize,
    new_lanes: HashSet<&'a LaneKey>,
    /// How many events are queued in each queue, if that has a bound.
    queued: HashMap<&'a QueueName, u64>,
}

impl<'a> EnqueueAllowance<'a> {
    /// Finds out how much there is.
    pub(super) async fn of(
        context: &mut TransactionContext<'_>,
        requests: &'a [Vec<NewEvent>],
    ) -> Result<Self, StoreError> {
        let queued = match context.config.caps.max_queued_per_queue {
            Some(_) => count_queued(context, requests.iter().flatten().map(|event| &event.lane.queue)).await?,
            None => HashMap::new(),
        };
        Ok(Self { lanes: context.registry.active_lanes(), new_lanes: HashSet::new(), queued })
    }

    /// Takes the room that the events of a request need, if there is enough.
    pub(super) fn take(&mut self, context: &TransactionContext<'_>, request: &'a [NewEvent]) -> Result<(), Refusal> {
        let caps = &context.config.caps;
        let keys = request.iter().map(|event| &event.lane);
        let new: HashSet<_> =
            keys.filter(|key| !self.new_lanes.contains(key) && !context.registry.has_lane(key)).collect();
        if !new.is_empty() && self.lanes + self.new_lanes.len() + new.len() > caps.max_lanes {
            return Err(no_more_lanes(context));
        }
        if let Some(most) = caps.max_queued_per_queue {
            let mut more: HashMap<&QueueName, u64> = HashMap::new();
            for event in request {
                *more.entry(&event.lane.queue).or_default() += 1;
            }
            let is_over = |(queue, more): &(&&QueueName, &u64)| self.queued.get(**queue).unwrap_or(&0) + **more > most;
            if let Some((queue, _)) = more.iter().find(is_over) {
                return Err(Refusal::QueueFull { queue: (*queue).clone(), most });
            }
            for (queue, more) in more {
                *self.queued.entry(queue).or_default() += more;
            }
        }
        self.new_lanes.extend(new);
        Ok(())
    }
}

/// How many events are queued in each of these queues.
async fn count_queued<'a>(
    context: &mut TransactionContext<'_>,
    queues: impl Iterator<Item = &'a QueueName>,
) -> Result<HashMap<&'a QueueName, u64>, StoreError> {
    let mut queued: HashMap<&QueueName, u64> = queues.map(|queue| (queue, 0)).collect();
    let lanes = context.registry.lanes();
    for (lane_id, events) in context.transaction.queued_events(&lanes).await? {
        let lane = context.registry.lane(lane_id)?;
        if let Some(count) = queued.get_mut(&lane.queue) {
            *count += events;
        }
    }
    Ok(queued)
}

fn no_more_lanes(context: &TransactionContext<'_>) -> Refusal {
    let (field, values) = context.registry.most_varied();
    Refusal::NoMoreLanes { most: context.config.caps.max_lanes, field, values }
}

/// Whether one event may go from a lane to another.
pub(super) async fn check_move(
    context: &mut TransactionContext<'_>,
    from: &LaneKey,
    to: &LaneKey,
) -> OperationResult<()> {
    let is_new = !context.registry.has_lane(to);
    if is_new && context.registry.active_lanes() >= context.config.caps.max_lanes {
        return Ok(Err(no_more_lanes(context)));
    }
    if let Some(most) = context.config.caps.max_queued_per_queue
        && from.queue != to.queue
    {
        let queued = count_queued(context, std::iter::once(&to.queue)).await?;
        if queued.get(&to.queue).is_some_and(|queued| *queued >= most) {
            return Ok(Err(Refusal::QueueFull { queue: to.queue.clone(), most }));
        }
    }
    Ok(Ok(()))
}

/// Whether an engine that is not known yet may register.
pub(super) fn check_engine(context: &TransactionContext<'_>, engine_id: &EngineId) -> Result<(), Refusal> {
    let most = context.config.caps.max_engines;
    match context.registry.known_engines(engine_id) >= most {
        true => Err(Refusal::NoMoreEngines { most }),
        false => Ok(()),
    }
}

/// Whether one more event type or queue may have settings, which `field` names.
pub(super) fn check_settings(field: &'static str, known: usize) -> Result<(), Refusal> {
    if known >= MAX_SETTINGS { Err(Refusal::NoMoreSettings { most: MAX_SETTINGS, field }) } else { Ok(()) }
}
