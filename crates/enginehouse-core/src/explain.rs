//! Why an event does not run, in words and as data.
//!
//! The same table of gates that a claim stops at is asked whole here, of the event's lane and of every engine of the
//! [`Fleet`]; so an explanation and a claim cannot disagree. What is no gate is told too: the time from which the event may
//! be claimed, and whether engines ask at all.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr};

use crate::change::ChangeStep;
use crate::error_group::last_line;
use crate::event::EventStatus;
use crate::fleet::{ENGINE_GATES, Fleet, LaneFit, Reach};
use crate::gates::{Gate, LaneFacts};
use crate::miss::capability_names;
use crate::pause::Pause;
use crate::time::{Timestamp, in_words};
use crate::transition::{EXPIRED, EventState};
pub use crate::verdict::Verdict;

/// From how long ago on a claim counts as none: an engine that waits asks once a minute.
pub const ASKS_WITHIN: Duration = Duration::from_secs(90);

/// One gate, as the events of a lane meet it.
#[derive(Clone, Debug, PartialEq)]
pub struct GateState {
    /// The gate's name; `available_at` for the time, which is no engine's gate.
    pub gate: &'static str,
    pub passage: Passage,
    pub detail: String,
    /// When it opens by itself, where that is known.
    pub opens_at: Option<Timestamp>,
}

/// Whether a gate lets an event through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr)]
#[serde(rename_all = "snake_case")]
#[strum(serialize_all = "snake_case")]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Passage {
    /// It does, to one engine at least.
    Open,
    Closed,
    /// No engine passes those before it.
    NotReached,
}

/// Why the events of a lane wait.
#[derive(Clone, Debug, PartialEq)]
pub struct LaneExplanation {
    pub verdict: Verdict,
    /// One sentence that a person can act on.
    pub summary: String,
    /// Every gate, in the order in which they are asked.
    pub gates: Vec<GateState>,
    /// How far they get with the fleet.
    pub fit: LaneFit,
    /// What would let the first of them run now; nothing, where an engine may claim it.
    pub smallest_change: Vec<ChangeStep>,
}

/// When the first event of a lane may be claimed, and why then.
#[derive(Clone, Debug, PartialEq)]
pub struct Availability<'a> {
    pub now: Timestamp,
    pub available_at: Timestamp,
    /// The event's state, where one event is explained: a time that is to come is that of a retry, or of its producer.
    pub state: Option<&'a EventState>,
}

/// Explains why the events of a lane wait. The facts of the lane are those of the event in question.
pub fn explain_lane(lane: &LaneFacts<'_>, due: &Availability<'_>, fleet: &Fleet) -> LaneExplanation {
    let fit = fleet.fit(lane);
    let reach =
        Reach { any_fits: fit.fit_when_empty > 0, any_active: fit.fit_and_active > 0, any_free: fit.fit_now > 0 };
    let verdict = verdict_of(lane, due, reach);
    let summary = summary(verdict, lane, due, &fit);
    let smallest_change = smallest_change(lane, due, &fit);
    LaneExplanation { verdict, summary, gates: gates(lane, due, &fit), fit, smallest_change }
}

/// The verdict alone, given how far the events get with the fleet.
pub fn verdict_of(lane: &LaneFacts<'_>, due: &Availability<'_>, reach: Reach) -> Verdict {
    match reach {
        Reach { any_fits: false, .. } => Verdict::Impossible,
        Reach { any_active: false, .. } => Verdict::Blocked,
        _ if lane.is_paused() => Verdict::Blocked,
        Reach { any_free: false, .. } => Verdict::Waiting,
        _ if due.available_at > due.now => Verdict::Waiting,
        _ => Verdict::Runnable,
    }
}

fn smallest_change(lane: &LaneFacts<'_>, due: &Availability<'_>, fit: &LaneFit) -> Vec<ChangeStep> {
    let mut steps = Vec::new();
    if lane.queue_paused {
        steps.push(ChangeStep::ResumeQueue(lane.key.queue.clone()));
    }
    if lane.event_type_paused {
        steps.push(ChangeStep::ResumeEventType(lane.key.event_type.clone()));
    }
    if let Some(paused) = lane.paused_run {
        steps.push(ChangeStep::ResumeRun(paused.scenario_run_id.clone()));
    }
    if due.available_at > due.now {
        steps.push(ChangeStep::MakeAvailable { available_at: due.available_at });
    }
    if fit.fit_now == 0 {
        match fit.nearest.first() {
            Some(nearest) => steps.extend(nearest.change.iter().cloned()),
            None => steps.push(ChangeStep::RegisterEngine {
                capabilities: lane.key.required_capabilities.iter().cloned().collect(),
                memory_limit_mb: lane.key.required_memory_mb,
                engine_version: lane.key.engine_version.as_ref().map(ToString::to_string),
            }),
        }
    }
    steps
}

fn gates(lane: &LaneFacts<'_>, due: &Availability<'_>, fit: &LaneFit) -> Vec<GateState> {
    let is_due = due.available_at <= due.now;
    let open_if = |is_open: bool| if is_open { Passage::Open } else { Passage::Closed };
    let mut gates = vec![GateState {
        gate: "available_at",
        passage: open_if(is_due),
        detail: if is_due { format!("due since {}", due.available_at) } else { not_due(due) },
        opens_at: (!is_due).then_some(due.available_at),
    }];
    for (gate, paused, running) in [
        (Gate::QueueRunning, paused_queue(lane), format!("queue {} is not paused", lane.key.queue)),
        (Gate::EventTypeRunning, paused_event_type(lane), format!("event type {} is not paused", lane.key.event_type)),
        (Gate::ScenarioRunRunning, paused_run(lane), "no scenario run of it is paused".to_owned()),
    ] {
        let passage = open_if(paused.is_none());
        gates.push(GateState { gate: gate.name(), passage, detail: paused.unwrap_or(running), opens_at: None });
    }
    let mut left = fit.registered;
    for (place, (gate, failed)) in ENGINE_GATES.into_iter().zip(fit.failed_at).enumerate() {
        let of = left;
        left -= failed;
        // Without any engine it is the first of these gates that keeps the event.
        let (passage, detail) = match of {
            0 if place > 0 => (Passage::NotReached, "no engine gets so far".to_owned()),
            _ => (open_if(left > 0), format!("{left} of {} {}", engines(of), condition(gate, lane, left == 1))),
        };
        let opens_at = lane.failed_on.filter(|_| gate == Gate::RetryElsewhere && passage == Passage::Closed);
        let opens_at = opens_at.and_then(|failed_on| failed_on.until);
        gates.push(GateState { gate: gate.name(), passage, detail, opens_at });
    }
    gates
}

/// What an engine that passes a gate does.
fn condition(gate: Gate, lane: &LaneFacts<'_>, is_one: bool) -> String {
    let verb = |one: &'static str, many: &'static str| if is_one { one } else { many };
    let key = lane.key;
    match gate {
        Gate::Capabilities if key.required_capabilities.is_empty() => {
            format!("{} what is required: nothing", verb("has", "have"))
        }
        Gate::Capabilities => {
            let names: Vec<_> = key.required_capabilities.iter().cloned().collect();
            format!("{} {}", verb("has", "have"), capability_names(&names))
        }
        Gate::Version => match &key.engine_version {
            Some(range) => format!("{} a version {range}", verb("runs", "run")),
            None => format!("{} a version that will do: any", verb("runs", "run")),
        },
        Gate::EngineActive => verb("is active", "are active").to_owned(),
        Gate::Quarantine => verb("is in no quarantine for it", "are in no quarantine for it").to_owned(),
        Gate::RetryElsewhere if lane.failed_on.is_none() => verb("may retry it", "may retry it").to_owned(),
        Gate::RetryElsewhere => verb("has not failed it", "have not failed it").to_owned(),
        Gate::Concurrency => format!("{} fewer locks than max_concurrent_events", verb("holds", "hold")),
        Gate::FinalAttempt => format!("{} no event that must be its engine's only one", verb("meets", "meet")),
        Gate::Memory => match key.required_memory_mb {
            Some(required) => format!("{} {required} MiB left of memory_limit_mb", verb("has", "have")),
            None => format!("{} enough memory left: none is required", verb("has", "have")),
        },
        Gate::MemoryPressure => format!("{} not over memory_limit_mb", verb("is", "are")),
        Gate::CpuPressure => format!("{} not over the mark for processor time", verb("is", "are")),
        Gate::HeldBack => format!("{} not held back for another event", verb("is", "are")),
        Gate::ClaimFilter | Gate::QueueRunning | Gate::EventTypeRunning | Gate::ScenarioRunRunning => {
            verb("passes", "pass").to_owned()
        }
    }
}

fn summary(verdict: Verdict, lane: &LaneFacts<'_>, due: &Availability<'_>, fit: &LaneFit) -> String {
    match verdict {
        Verdict::Impossible => impossible(fit),
        Verdict::Blocked if lane.is_paused() => paused(lane),
        Verdict::Blocked => none_active(fit),
        Verdict::Waiting if due.available_at > due.now => not_due(due),
        Verdict::Waiting => busy(fit),
        Verdict::Runnable | Verdict::Running | Verdict::Finished => runnable(due, fit),
    }
}

fn impossible(fit: &LaneFit) -> String {
    let (Some(miss), Some(nearest)) = (&fit.miss, fit.nearest.first()) else {
        return "no engine is registered that could run it".to_owned();
    };
    let name = &nearest.engine.engine_id;
    let who = if miss.engines == 1 { name.to_string() } else { format!("{} engines, such as {name},", miss.engines) };
    format!("no registered engine could ever run it: {who} would fit but for {miss}")
}

fn paused(lane: &LaneFacts<'_>) -> String {
    let all = [paused_queue(lane), paused_event_type(lane), paused_run(lane)];
    all.into_iter().flatten().collect::<Vec<_>>().join("; ")
}

/// Since when the lane's queue is paused and why, if it is.
pub fn paused_queue(lane: &LaneFacts<'_>) -> Option<String> {
    lane.queue_paused.then(|| paused_since(format_args!("queue {}", lane.key.queue), lane.queue_pause))
}

/// Since when the lane's event type is paused and why, if it is.
pub fn paused_event_type(lane: &LaneFacts<'_>) -> Option<String> {
    lane.event_type_paused
        .then(|| paused_since(format_args!("event type {}", lane.key.event_type), lane.event_type_pause))
}

/// Since when the scenario run is paused and why, if it is.
pub fn paused_run(lane: &LaneFacts<'_>) -> Option<String> {
    let run = lane.paused_run?;
    Some(paused_since(format_args!("scenario run {}", run.scenario_run_id), Some(run.pause)))
}

fn paused_since(what: fmt::Arguments<'_>, pause: Option<&Pause>) -> String {
    match pause {
        Some(pause) => format!("{what} is paused {pause}"),
        // Settings that nobody can read pause what they are for.
        None => format!("{what} is paused"),
    }
}

fn none_active(fit: &LaneFit) -> String {
    let mut statuses: Vec<_> = fit.statuses.iter().map(|(status, count)| format!("{count} {status}")).collect();
    if fit.fit_but_quarantined > 0 {
        statuses.push(format!("{} quarantined", fit.fit_but_quarantined));
    }
    if fit.fit_but_failed_before > 0 {
        statuses.push(format!("{} that failed it before", fit.fit_but_failed_before));
    }
    let one = fit.nearest.iter().find(|near| near.fits_when_empty).map(|nearest| {
        let name = &nearest.engine.engine_id;
        match nearest.fails.first() {
            Some((Gate::Quarantine | Gate::RetryElsewhere, why)) => format!("; {name}: {why}"),
            _ => format!("; {name} was last heard at {}", nearest.engine.last_heartbeat_at),
        }
    });
    let fits = if fit.fit_when_empty == 1 { "fits" } else { "fit" };
    let none = if fit.fit_but_failed_before > 0 { "none may retry it" } else { "none is active" };
    format!("{} {fits}, and {none}: {}{}", engines(fit.fit_when_empty), statuses.join(", "), one.unwrap_or_default())
}

/// When it is due, and why then.
fn not_due(due: &Availability<'_>) -> String {
    let Availability { now, available_at, state } = due;
    let wait = in_words(available_at.since(*now));
    match state {
        Some(state) if state.tally.failures > 0 => {
            let error =
                state.last_error.as_ref().map(|error| format!(": {}", last_line(&error.message))).unwrap_or_default();
            format!("its next attempt is due in {wait}, at {available_at}, after {}{error}", failed_attempts(state))
        }
        _ => format!("it is due in {wait}, at {available_at}"),
    }
}

fn failed_attempts(state: &EventState) -> String {
    match state.tally.failures {
        1 => "1 failed attempt".to_owned(),
        failures => format!("{failures} failed attempts"),
    }
}

fn busy(fit: &LaneFit) -> String {
    let (fits, count) = (if fit.fit_when_empty == 1 { "fits" } else { "fit" }, engines(fit.fit_when_empty));
    let nearest = fit.nearest.iter().find(|near| near.fits_when_empty).and_then(|nearest| {
        let (_, why) = nearest.fails.first()?;
        Some(format!(": {}: {why}", nearest.engine.engine_id))
    });
    format!("{count} {fits}, and none has room for it now{}", nearest.unwrap_or_default())
}

fn runnable(due: &Availability<'_>, fit: &LaneFit) -> String {
    let names: Vec<_> = fit.free.iter().map(|engine| engine.engine_id.as_str()).collect();
    let more = if fit.fit_now > names.len() as u64 { ", …" } else { "" };
    let fits = if fit.fit_now == 1 { "fits and has" } else { "fit and have" };
    let asked = match fit.free.first().and_then(|engine| engine.last_claim_at) {
        Some(at) if due.now.since(at) <= ASKS_WITHIN => String::new(),
        Some(at) => format!("; none of them has claimed for {}", in_words(due.now.since(at))),
        None => "; none of them has claimed yet, as far as this server knows".to_owned(),
    };
    format!("{} {fits} room for it: {}{more}{asked}", engines(fit.fit_now), names.join(", "))
}

fn engines(count: u64) -> String {
    if count == 1 { "1 engine".to_owned() } else { format!("{count} engines") }
}

/// What became of an event that does not wait, in one sentence.
pub fn explain_state(state: &EventState) -> Option<(Verdict, String)> {
    let at = state.finished_at.map(|at| format!(" at {at}")).unwrap_or_default();
    let text = match state.status {
        EventStatus::Queued => return None,
        EventStatus::Processing => {
            let lock = state.lock.as_ref()?;
            let cancel = if state.cancel_requested {
                "; it is to be cancelled, which its engine is told with its next heartbeat"
            } else {
                ""
            };
            let text = format!(
                "engine {} processes it since {}, as attempt {}; its lock lasts until {} unless it is renewed{cancel}",
                lock.engine_id, lock.claimed_at, state.attempt, lock.expires_at,
            );
            return Some((Verdict::Running, text));
        }
        EventStatus::Completed => format!("it completed{at}, in attempt {}", state.attempt),
        EventStatus::Failed => {
            let error =
                state.last_error.as_ref().map(|error| format!(": {}", last_line(&error.message))).unwrap_or_default();
            let next = match state.dead_letter {
                Some(reason) => {
                    format!("; it is a dead letter ({}): a redrive gives it a fresh budget of retries", reason.name())
                }
                None => "; a redrive would run it again".to_owned(),
            };
            format!("it failed{at} after {}{error}{next}", failed_attempts(state))
        }
        EventStatus::Cancelled => {
            let code = state.last_error.as_ref().and_then(|error| error.code.as_deref());
            let why = match (code, &state.last_error) {
                (Some(EXPIRED | "blocked"), Some(error)) => format!(": {}", last_line(&error.message)),
                _ => String::new(),
            };
            format!("it was cancelled{at}{why}; a redrive would run it again")
        }
    };
    Some((Verdict::Finished, text))
}

#[cfg(test)]
mod tests;
