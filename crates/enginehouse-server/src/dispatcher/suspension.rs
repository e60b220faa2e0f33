//! Events of scenario runs that are paused stand apart from others: they are **suspended**.
//!
//! A pause is one row, and holds at once. The first claim that meets an event of such a run puts it into a lane of its own, where
//! claims pass all of the run's events at once; without that, each claim would look again at all that are paused before it
//! comes to what it may have. In its lane an event keeps its place, so that a run goes on by taking the row away. Whoever claims
//! a suspended event takes it back to where it came from: a lane that is empty is forgotten.

use std::sync::Arc;

use enginehouse_core::ids::EventId;
use enginehouse_core::lane::LaneKey;
use enginehouse_store::StoreError;

use super::context::TransactionContext;
use super::unit_of_work::EventAttributes;

/// Suspends an event whose scenario run is paused. Answers whether it is suspended: the last tenth of the lanes is left to others.
pub(super) async fn suspend(context: &mut TransactionContext<'_>, event_id: EventId) -> Result<bool, StoreError> {
    let Some(event) = context.events.get(event_id) else { return Ok(false) };
    let (from, suspended_run) = (event.lane_id, event.scenario_run_id.clone());
    let key = LaneKey { suspended_run, ..LaneKey::clone(context.registry.lane(from)?) };
    let caps = &context.config.caps;
    if !context.registry.has_lane(&key) && context.registry.active_lanes() >= caps.max_lanes / 10 * 9 {
        return Ok(false);
    }
    let lanes = context.registry.intern(&mut *context.transaction, &[&key]).await?;
    let Some((lane_id, _)) = lanes.first() else { return Ok(false) };
    context.events.move_to_lane(event_id, *lane_id);
    let freed = context.hold_backs.left(from, event_id);
    context.effects.wake_ups.engines.extend(freed);
    Ok(true)
}

/// The attributes with which a suspended event stands where it came from; none for one that is not suspended.
pub(super) async fn resumed_attributes(
    context: &mut TransactionContext<'_>,
    event_id: EventId,
) -> Result<Option<EventAttributes>, StoreError> {
    let Some(event) = context.events.get(event_id) else { return Ok(None) };
    let lane = Arc::clone(context.registry.lane(event.lane_id)?);
    if lane.suspended_run.is_none() {
        return Ok(None);
    }
    let key = LaneKey { suspended_run: None, ..LaneKey::clone(&lane) };
    let lanes = context.registry.intern(&mut *context.transaction, &[&key]).await?;
    let event = context.events.get(event_id).zip(lanes.first());
    Ok(event.map(|(event, (lane_id, _))| EventAttributes::in_lane(event, *lane_id)))
}
