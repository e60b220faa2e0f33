//! Engines that are suspect are kept from events, where that is enforced.
//!
//! A transaction begins with those that have become suspect since the last one ([`quarantine_suspects`]), before anything is claimed
//! in it. What an engine is tried with afterwards is judged in the transaction in which that attempt ends ([`judge_probes`]).
//!
//! A quarantine never takes the last engine that fits, nor more than a fifth of those that do: of the active engines that could be
//! given the events of each of the lanes for which it would hold. If so many others are lost later that none is left, it does not hold.

use std::collections::{BTreeMap, HashSet};

use enginehouse_core::blame::Ending;
use enginehouse_core::engine::{EngineStatus, RegisteredEngine};
use enginehouse_core::ids::{EngineId, EventType};
use enginehouse_core::lane::LaneKey;
use enginehouse_core::quarantine::{AutomaticQuarantine, ONE_OF};
use enginehouse_core::time::Timestamp;
use enginehouse_store::StoreError;

use super::context::TransactionContext;
use super::deadlines::bring_forward;
use super::engines::write;
use super::registry::Registry;

/// How many different requirements of an event type's lanes are looked at. With more of them, an engine is left to advice.
const MAX_REQUIREMENTS: usize = 256;

impl Registry {
    /// Whether engines that are suspect at events of this lane are kept from them now: one that is not has to be left.
    pub(super) fn enforces_quarantine(&self, key: &LaneKey, now: Timestamp) -> bool {
        let kept = || self.quarantines.kept_from(&key.event_type, now);
        self.is_enforced(key) && self.any_active_beside(&kept(), key)
    }

    /// Whether one engine more may be kept from events of a type.
    fn may_quarantine(&mut self, engine: &RegisteredEngine, event_type: &EventType) -> bool {
        let mut requirements: HashSet<LaneKey> = HashSet::new();
        for lane_id in self.servable_lanes(engine).iter() {
            let Ok(key) = self.lane(*lane_id) else { continue };
            if key.event_type == *event_type && self.is_enforced(key) {
                // Priorities are nothing to an engine.
                requirements.insert(LaneKey { priority: 0, ..(**key).clone() });
            }
            if requirements.len() > MAX_REQUIREMENTS {
                return false;
            }
        }
        let taken_out = self.quarantines.taken_out(event_type, &engine.engine_id);
        let may_in = |key: &LaneKey| {
            let fits = |engine_id: &&&EngineId| self.is_active_and_fits(engine_id, key);
            self.has_active((taken_out.iter().filter(fits).count() + 1) * ONE_OF, key)
        };
        !requirements.is_empty() && requirements.iter().all(may_in)
    }
}

/// Keeps engines from events that have become suspect since the last transaction, where that is enforced.
pub(super) async fn quarantine_suspects(context: &mut TransactionContext<'_>) -> Result<(), StoreError> {
    let suspects = context.suspects.pending();
    if suspects.is_empty() {
        return Ok(());
    }
    let now = context.now;
    let ids: Vec<_> = suspects.keys().cloned().collect();
    for engine in context.transaction.free_engines_by_id(&ids).await? {
        let mut changed = engine.clone();
        for (event_type, reason) in suspects.get(&engine.engine_id).into_iter().flatten() {
            let before = changed.automatic_quarantines.iter().find(|before| before.event_type == *event_type);
            let is_kept = before.is_some_and(|before| before.over_at.is_none());
            if is_kept
                || engine.status != EngineStatus::Active
                || !context.registry.may_quarantine(&changed, event_type)
            {
                continue;
            }
            let quarantine = AutomaticQuarantine::begin(event_type.clone(), reason.clone(), before, now);
            changed = begin(context, changed, quarantine);
            context.registry.quarantines.keep(&changed);
        }
        if changed != engine {
            write(context, &changed).await?;
        }
        context.effects.judged_suspects.push(engine.engine_id);
    }
    let gone = ids.into_iter().filter(|engine_id| !context.registry.knows_engine(engine_id));
    context.effects.judged_suspects.extend(gone);
    Ok(())
}

/// Ends, or begins anew, the quarantines of engines that have settled the event that they were tried with.
pub(super) async fn judge_probes(context: &mut TransactionContext<'_>) -> Result<(), StoreError> {
    if !context.registry.quarantines.any_automatic() {
        return Ok(());
    }
    let now = context.now;
    let mut ends: BTreeMap<EngineId, BTreeMap<EventType, Ending>> = BTreeMap::new();
    for end in &context.effects.attempt_ends {
        let Ok(lane) = context.registry.lane(end.lane_id) else { continue };
        if context.registry.quarantines.probing(&end.engine_id, &lane.event_type, now).is_some() {
            ends.entry(end.engine_id.clone()).or_default().insert(lane.event_type.clone(), end.ending);
        }
    }
    if ends.is_empty() {
        return Ok(());
    }
    let ids: Vec<_> = ends.keys().cloned().collect();
    // One that another transaction works on is tried with another event.
    for engine in context.transaction.free_engines_by_id(&ids).await? {
        let mut changed = engine.clone();
        for (event_type, ending) in ends.remove(&engine.engine_id).into_iter().flatten() {
            let mut all = engine.automatic_quarantines.iter();
            let Some(quarantine) = all.find(|all| all.event_type == event_type && all.is_probing_at(now)) else {
                continue;
            };
            if ending != Ending::Completed && context.registry.may_quarantine(&engine, &event_type) {
                changed = begin(context, changed, quarantine.renewed(now));
            } else {
                let over = quarantine.clone().over(now);
                context.audit("engine.lift", &engine.engine_id, &serde_json::json!({ "automatic_quarantine": over }));
                context.effects.cleared_suspects.push((engine.engine_id.clone(), event_type));
                changed = changed.with_automatic(over, now);
            }
        }
        if changed != engine {
            write(context, &changed).await?;
        }
    }
    Ok(())
}

/// An engine with a quarantine that begins now.
fn begin(
    context: &mut TransactionContext<'_>,
    engine: RegisteredEngine,
    quarantine: AutomaticQuarantine,
) -> RegisteredEngine {
    let AutomaticQuarantine { event_type, reason, until, .. } = &quarantine;
    tracing::warn!(engine_id = %engine.engine_id, %event_type, %until, reason, "an engine is quarantined");
    context.audit("engine.quarantine", &engine.engine_id, &serde_json::json!({ "automatic_quarantine": quarantine }));
    bring_forward(&mut context.effects.deadlines.ready, Some(quarantine.until));
    context.effects.quarantined += 1;
    let now = context.now;
    engine.with_automatic(quarantine, now)
}
