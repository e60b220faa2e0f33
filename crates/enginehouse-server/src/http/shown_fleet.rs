//! What explanations tell of the fleet: of engines and events that the caller may see, and of no others by name.
//!
//! Counts are of the whole fleet, for a verdict is: whether an engine could run an event does not depend on who asks. But an
//! engine that the caller may not see is named nowhere, and neither is an event: where a sentence would, it says that it is
//! another one.

use enginehouse_api::explain::{
    ChangeView, ExplainedEngines, ExplainedGate, FailedGate, FreeEngine, HeldEvent, NearEngineView,
};
use enginehouse_core::access::selector::Selectors;
use enginehouse_core::change::ChangeStep;
use enginehouse_core::explain::{GateState, LaneExplanation};
use enginehouse_core::fleet::NearEngine;
use enginehouse_core::ids::{EngineId, EventId};

use crate::explain::{FleetSnapshot, holder_of};

/// How many of an engine's events are named.
const MAX_HELD_NAMED: usize = 5;

/// The fleet, as far as a caller may see it.
#[derive(Clone, Copy)]
pub(super) struct ShownFleet<'a> {
    pub(super) view: &'a FleetSnapshot,
    pub(super) within: &'a Selectors,
}

impl ShownFleet<'_> {
    pub(super) fn gates(&self, lane: &LaneExplanation) -> Vec<ExplainedGate> {
        let gate = |gate: &GateState| ExplainedGate {
            gate: gate.gate.to_owned(),
            state: gate.passage,
            detail: self.text(&gate.detail, None),
            opens_at: gate.opens_at,
            holder: holder_of(gate, lane).filter(|engine_id| self.within.admit_engine(engine_id)),
        };
        lane.gates.iter().map(gate).collect()
    }

    pub(super) fn engines(&self, lane: &LaneExplanation) -> ExplainedEngines {
        let fit = &lane.fit;
        let free = fit.free.iter().filter(|free| self.within.admit_engine(&free.engine_id));
        let nearest = fit.nearest.iter().filter(|near| self.within.admit_engine(&near.engine.engine_id));
        ExplainedEngines {
            registered: fit.registered,
            fit_when_empty: fit.fit_when_empty,
            fit_now: fit.fit_now,
            free: free
                .map(|free| FreeEngine { engine_id: free.engine_id.clone(), last_claim_at: free.last_claim_at })
                .collect(),
            nearest: nearest.map(|near| self.near_engine(near)).collect(),
        }
    }

    pub(super) fn near_engine(&self, near: &NearEngine) -> NearEngineView {
        let NearEngine { engine, fits_when_empty, fails, change } = near;
        let failed = fails
            .iter()
            .map(|(gate, why)| FailedGate { gate: gate.name().to_owned(), detail: self.text(&why.to_string(), None) });
        NearEngineView {
            engine_id: engine.engine_id.clone(),
            status: engine.status,
            fits_when_empty: *fits_when_empty,
            fails: failed.collect(),
            change: self.changes(change),
            holds: self.held_events(&engine.engine_id),
            last_claim_at: engine.last_claim_at,
        }
    }

    pub(super) fn held_events(&self, engine_id: &EngineId) -> Vec<HeldEvent> {
        let shown = self.view.held_by(engine_id).iter().filter_map(|held| {
            let (queue, event_type) = held.queue.as_ref().zip(held.event_type.as_ref())?;
            let is_shown = self.within.admit(queue.as_str(), event_type.as_str());
            let event_type = event_type.clone();
            is_shown.then_some(HeldEvent { event_id: held.event_id, event_type, claimed_at: held.claimed_at })
        });
        shown.take(MAX_HELD_NAMED).collect()
    }

    pub(super) fn changes(&self, steps: &[ChangeStep]) -> Vec<ChangeView> {
        steps.iter().map(|step| self.change(step)).collect()
    }

    pub(super) fn change(&self, step: &ChangeStep) -> ChangeView {
        let change = ChangeView::from(step);
        ChangeView {
            detail: self.text(&change.detail, None),
            engine_id: change.engine_id.filter(|engine_id| self.within.admit_engine(engine_id)),
            // Only that for which an engine is held back, and nothing says of which lane it is.
            event_id: change.event_id.filter(|_| !self.within.limit_lanes()),
            ..change
        }
    }

    /// A sentence, with the names of engines and events left out that the caller may not see. The event that it is about may
    /// be named.
    pub(super) fn text(&self, text: &str, about: Option<EventId>) -> String {
        if self.within.is_empty() {
            return text.to_owned();
        }
        let mut shown = String::with_capacity(text.len());
        for part in text.split_inclusive(|sign: char| !is_of_name(sign)) {
            let end = part.find(|sign| !is_of_name(sign)).unwrap_or(part.len());
            let (word, rest) = part.split_at(end);
            // What ends a sentence may stand in a name, too.
            let bare = word.trim_end_matches(['.', ':']);
            match [word, bare].into_iter().find_map(|name| self.veiled(name, about).zip(word.strip_prefix(name))) {
                Some((veiled, behind)) => shown.extend([veiled, behind, rest]),
                None => shown.push_str(part),
            }
        }
        shown
    }

    /// What is said instead of a name that the caller may not see.
    fn veiled(&self, name: &str, about: Option<EventId>) -> Option<&'static str> {
        if let Ok(event_id) = name.parse::<EventId>() {
            return (self.within.limit_lanes() && about != Some(event_id)).then_some("another event");
        }
        let engine_id = name.parse::<EngineId>().ok()?;
        let is_hidden = !self.within.admit_engine(&engine_id) && self.view.fleet().engine(&engine_id).is_some();
        is_hidden.then_some("another engine")
    }
}

/// Whether a sign may stand in the name of an engine.
fn is_of_name(sign: char) -> bool {
    sign.is_ascii_alphanumeric() || matches!(sign, '.' | '_' | ':' | '-')
}
