//! Which engines are kept from events without being stopped: by a person, or because they are suspect.
//!
//! What keeps an engine stands in its row, so every server knows it. A transaction begins with those that have become suspect since
//! the last one ([`quarantine_suspects`]), before anything is claimed in it. What an engine is tried with afterwards is judged in the
//! transaction in which that attempt ends ([`judge_probes`]).
//!
//! A quarantine never takes the last engine that fits, nor more than a fifth of those that do: of the active engines that could be
//! given the events of each of the lanes for which it would hold. If so many others are lost later that none is left, it does not hold.

use std::collections::{BTreeMap, HashMap, HashSet};

use enginehouse_core::blame::Ending;
use enginehouse_core::engine::{EngineStatus, RegisteredEngine};
use enginehouse_core::ids::{EngineId, EventType};
use enginehouse_core::lane::LaneKey;
use enginehouse_core::quarantine::{AutomaticQuarantine, ONE_OF, Quarantine};
use enginehouse_core::time::Timestamp;
use enginehouse_store::StoreError;

use super::context::TransactionContext;
use super::deadlines::bring_forward;
use super::engines::write;
use super::registry::Registry;

/// How many different requirements of an event type's lanes are looked at. With more of them, an engine is left to advice.
const MAX_REQUIREMENTS: usize = 256;

/// The quarantines of the engines that are registered, copied from their rows.
#[derive(Debug, Default)]
pub(super) struct Quarantines {
    /// As far as they are not known to be over.
    by_hand: HashMap<EngineId, Quarantine>,
    automatic: HashMap<EngineId, Vec<AutomaticQuarantine>>,
    /// As of when they were last looked at.
    now: Option<Timestamp>,
}

/// What keeps an engine from events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct KeptBy<'a> {
    by_hand: Option<&'a Quarantine>,
    automatic: &'a [AutomaticQuarantine],
    now: Option<Timestamp>,
}

impl KeptBy<'_> {
    /// Whether it is kept from all events of a type. What is kept only because it is suspect may be taken where that is not
    /// enforced.
    pub(super) fn keeps_from(&self, event_type: &EventType, enforced: impl FnOnce() -> bool) -> bool {
        let Self { by_hand, automatic, now } = self;
        let holds = |quarantine: &AutomaticQuarantine| now.is_some_and(|now| quarantine.holds_at(now));
        by_hand.is_some_and(|quarantine| quarantine.covers(event_type))
            || automatic.iter().any(|quarantine| quarantine.event_type == *event_type && holds(quarantine))
                && enforced()
    }
}

impl Quarantines {
    /// Keeps what is in an engine's row.
    pub(super) fn keep(&mut self, engine: &RegisteredEngine) {
        let id = &engine.engine_id;
        match &engine.quarantine {
            Some(quarantine) => _ = self.by_hand.insert(id.clone(), quarantine.clone()),
            None => _ = self.by_hand.remove(id),
        }
        match engine.automatic_quarantines.is_empty() {
            true => _ = self.automatic.remove(id),
            false => _ = self.automatic.insert(id.clone(), engine.automatic_quarantines.clone()),
        }
    }

    pub(super) fn remove(&mut self, engine_id: &EngineId) {
        self.by_hand.remove(engine_id);
        self.automatic.remove(engine_id);
    }

    /// Forgets those that are over. Answers when the next one ends by itself.
    pub(super) fn end(&mut self, now: Timestamp) -> Option<Timestamp> {
        self.now = Some(now);
        self.by_hand.retain(|_, quarantine| quarantine.holds_at(now));
        let automatic = self.automatic.values().flatten().filter(|quarantine| quarantine.holds_at(now));
        let ends = self.by_hand.values().filter_map(|quarantine| quarantine.until);
        ends.chain(automatic.map(|quarantine| quarantine.until)).min()
    }

    /// What keeps an engine from events; nothing, if nothing does.
    pub(super) fn of(&self, engine_id: &EngineId) -> Option<KeptBy<'_>> {
        let by_hand = self.by_hand.get(engine_id);
        let automatic = self.automatic.get(engine_id).map_or(&[][..], |all| all);
        (by_hand.is_some() || !automatic.is_empty()).then_some(KeptBy { by_hand, automatic, now: self.now })
    }

    /// The engine's automatic quarantine for a type while it is tried with one event at a time.
    fn probing(&self, engine_id: &EngineId, event_type: &EventType, now: Timestamp) -> Option<&AutomaticQuarantine> {
        let mut all = self.automatic.get(engine_id)?.iter();
        all.find(|quarantine| quarantine.event_type == *event_type && quarantine.is_probing_at(now))
    }

    /// The engines that are kept from all events of a type because they are suspect.
    fn kept_from(&self, event_type: &EventType, now: Timestamp) -> Vec<EngineId> {
        let is_kept = |all: &[AutomaticQuarantine]| {
            all.iter().any(|quarantine| quarantine.event_type == *event_type && quarantine.holds_at(now))
        };
        self.automatic.iter().filter(|(_, all)| is_kept(all)).map(|(engine_id, _)| engine_id.clone()).collect()
    }

    /// Those, those that are tried with one event at a time, and those that a person keeps from the type, without one.
    fn taken_out(&self, event_type: &EventType, without: &EngineId) -> HashSet<&EngineId> {
        let is_kept = |all: &[AutomaticQuarantine]| {
            all.iter().any(|quarantine| quarantine.event_type == *event_type && quarantine.over_at.is_none())
        };
        let automatic = self.automatic.iter().filter(|(_, all)| is_kept(all)).map(|(engine_id, _)| engine_id);
        let by_hand = self.by_hand.iter().filter(|(_, quarantine)| quarantine.covers(event_type));
        automatic.chain(by_hand.map(|(engine_id, _)| engine_id)).filter(|engine_id| *engine_id != without).collect()
    }
}

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
