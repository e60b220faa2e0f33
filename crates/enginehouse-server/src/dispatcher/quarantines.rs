//! The quarantines of the engines that are registered: copies of what stands in their rows, so that every server knows them.

use std::collections::{HashMap, HashSet};

use enginehouse_core::engine::RegisteredEngine;
use enginehouse_core::ids::{EngineId, EventType};
use enginehouse_core::quarantine::{AutomaticQuarantine, Quarantine};
use enginehouse_core::time::Timestamp;

/// The quarantines of the engines that are registered.
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

    /// Whether some engine is or was in an automatic quarantine.
    pub(super) fn any_automatic(&self) -> bool {
        !self.automatic.is_empty()
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
    pub(super) fn probing(
        &self,
        engine_id: &EngineId,
        event_type: &EventType,
        now: Timestamp,
    ) -> Option<&AutomaticQuarantine> {
        let mut all = self.automatic.get(engine_id)?.iter();
        all.find(|quarantine| quarantine.event_type == *event_type && quarantine.is_probing_at(now))
    }

    /// The engines that are kept from all events of a type because they are suspect.
    pub(super) fn kept_from(&self, event_type: &EventType, now: Timestamp) -> Vec<EngineId> {
        let is_kept = |all: &[AutomaticQuarantine]| {
            all.iter().any(|quarantine| quarantine.event_type == *event_type && quarantine.holds_at(now))
        };
        self.automatic.iter().filter(|(_, all)| is_kept(all)).map(|(engine_id, _)| engine_id.clone()).collect()
    }

    /// Those, those that are tried with one event at a time, and those that a person keeps from the type, without one.
    pub(super) fn taken_out(&self, event_type: &EventType, without: &EngineId) -> HashSet<&EngineId> {
        let is_kept = |all: &[AutomaticQuarantine]| {
            all.iter().any(|quarantine| quarantine.event_type == *event_type && quarantine.over_at.is_none())
        };
        let automatic = self.automatic.iter().filter(|(_, all)| is_kept(all)).map(|(engine_id, _)| engine_id);
        let by_hand = self.by_hand.iter().filter(|(_, quarantine)| quarantine.covers(event_type));
        automatic.chain(by_hand.map(|(engine_id, _)| engine_id)).filter(|engine_id| *engine_id != without).collect()
    }
}
