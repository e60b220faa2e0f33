//! Why events wait: of one event, of one engine, and of all lanes in which something waits.

use axum::extract::{Extension, State};
use enginehouse_api::explain::{
    BlockedFilter, BlockedLane, BlockedLanePage, BlockedQuery, EngineExplanation, EventExplanation, ExplainQuery,
    HeldBackEngine, KeptFrom, QueuePosition, StarvingEventView, WaitingLane, WouldOpen,
};
use enginehouse_api::page::{Cursor, ListKind, Page, PageQuery};
use enginehouse_core::access::principal::Principal;
use enginehouse_core::access::role::Permission;
use enginehouse_core::access::selector::Selectors;
use enginehouse_core::ids::{EngineId, EventId};
use enginehouse_core::verdict::Verdict;
use enginehouse_core::version::VersionRequirement;
use enginehouse_store::rows::LaneCounts;

use super::app::App;
use super::json::Json;
use super::params::{Path, Query};
use super::problem::{ListProblems, ProblemResponse, ReadProblems};
use super::selected::check_visible;
use super::shown_fleet::ShownFleet;
use crate::dispatcher::reply::Refusal;
use crate::explain::{ExplainedEngine, ExplainedEvent, ExplainedLane, LaneQuestion};

/// Say why an event does not run now.
///
/// Of a queued event: every gate between it and an engine, how many engines pass each, which engines nearly could run it, and
/// the smallest change that would let it run. Of any other: what has become of it.
#[utoipa::path(get, path = "/v1/events/{event_id}/explain", tag = "events", extensions(("x-permission" = json!({ "any_of": [Permission::EventsRead.name()], "selectors": true }))),
    params(("event_id" = EventId, Path, description = "The event."), ExplainQuery),
    responses((status = 200, description = "Why it does not run.", body = EventExplanation), ReadProblems))]
pub(super) async fn explain_event(
    State(app): State<App>,
    Extension(principal): Extension<Principal>,
    Path(event_id): Path<EventId>,
    query: Query,
) -> Result<Json<EventExplanation>, ProblemResponse> {
    let ExplainQuery { engine_id } = query.read(ExplainQuery::read)?;
    check_visible(&app, &principal, event_id).await?;
    if let Some(engine_id) = engine_id.as_ref().filter(|engine_id| !principal.admits_engine(engine_id)) {
        return Err(ProblemResponse::from(Refusal::EngineNotRegistered(engine_id.clone())));
    }
    let (now, within) = (app.metrics().store_now(), principal.reach());
    let answer = app.explain(move |explainer| async move {
        let Some(explained) = explainer.event(event_id, engine_id.as_ref(), now).await? else { return Ok(None) };
        let is_unknown = |waits: &crate::explain::ExplainedWait| waits.asked_engine.is_none();
        if let Some(engine_id) = engine_id
            && explained.waits.as_ref().is_some_and(is_unknown)
        {
            return Err(ProblemResponse::from(Refusal::EngineNotRegistered(engine_id)));
        }
        Ok(Some(event_explanation(explained, &within)))
    });
    match answer.await? {
        Some(explanation) => Ok(Json(explanation)),
        None => Err(app.no_event(event_id).await),
    }
}

/// Say what an engine could claim now, what keeps it from more, and which single change would open most.
#[utoipa::path(get, path = "/v1/engines/{engine_id}/explain", tag = "engines", extensions(("x-permission" = json!({ "any_of": [Permission::EnginesRead.name()], "selectors": true }))),
    params(("engine_id" = EngineId, Path, description = "The engine.")),
    responses((status = 200, description = "What it could claim.", body = EngineExplanation), ReadProblems))]
pub(super) async fn explain_engine(
    State(app): State<App>,
    Extension(principal): Extension<Principal>,
    Path(engine_id): Path<EngineId>,
) -> Result<Json<EngineExplanation>, ProblemResponse> {
    let (now, within) = (app.metrics().store_now(), principal.reach());
    let answer = app.explain(move |explainer| async move {
        let explained = explainer.engine(&engine_id, &within, now).await?;
        let answer = explained.and_then(|explained| engine_explanation(&engine_id, explained, &within));
        answer.ok_or_else(|| ProblemResponse::from(Refusal::EngineNotRegistered(engine_id)))
    });
    answer.await.map(Json)
}

/// List the lanes in which events wait, the worst first, each explained: those that no engine could ever run, then those that a
/// person has to free, then those that time frees, and last those that an engine could run now. Of each kind, the one whose
/// first event has waited longest comes first.
#[utoipa::path(get, path = "/v1/blocked", tag = "house", extensions(("x-permission" = json!({ "any_of": [Permission::EventsRead.name()], "selectors": true }))), params(BlockedFilter, PageQuery),
    responses((status = 200, description = "A page of lanes.", body = BlockedLanePage), ListProblems))]
pub(super) async fn list_blocked(
    State(app): State<App>,
    Extension(principal): Extension<Principal>,
    query: Query,
) -> Result<Json<BlockedLanePage>, ProblemResponse> {
    let (BlockedFilter { queue, event_type, verdict }, page) = query.read(BlockedQuery::read)?;
    let after = page.after.as_deref().and_then(|place| place.parse().ok());
    let verdict = verdict.map(Verdict::from);
    let within = principal.reach();
    let question = LaneQuestion { queue, event_type, verdict, after, limit: page.limit as usize, within };
    let now = app.metrics().store_now();
    let answer = app.explain(move |explainer| async move {
        let explained = explainer.lanes(&question, now).await?;
        let shown = ShownFleet { view: &explained.view, within: &question.within };
        let items = explained.lanes.into_iter().map(|lane| blocked_lane(lane, &shown)).collect();
        let cursor = |place: enginehouse_api::page::BlockedPlace| {
            Cursor { list: ListKind::Blocked, place: place.to_string() }.to_string()
        };
        Ok::<_, ProblemResponse>(Page { items, next_cursor: explained.next.map(cursor), searched_until: None })
    });
    answer.await.map(Json)
}

fn event_explanation(explained: ExplainedEvent, within: &Selectors) -> EventExplanation {
    let ExplainedEvent { record, verdict, summary, waits, as_of } = explained;
    let state = &record.event.state;
    let since = match &waits {
        Some(_) => Some(state.available_at).filter(|at| *at <= as_of),
        None => state.lock.as_ref().map(|lock| lock.claimed_at).or(state.finished_at),
    };
    // Of one that does not wait, all that is told is of the event itself.
    let mut summary = summary;
    let waiting = waits.as_ref().map(|waits| {
        let shown = ShownFleet { view: &waits.view, within };
        let asked = waits.asked_engine.as_ref().map(|near| shown.near_engine(near));
        summary = shown.text(&summary, Some(record.event.event_id));
        (shown.gates(&waits.lane), shown.changes(&waits.lane.smallest_change), shown.engines(&waits.lane), asked)
    });
    let held_back = waits.as_ref().and_then(|waits| waits.held_back.clone());
    let held_back = held_back.filter(|held| within.admit_engine(&held.engine_id));
    let held_back_engine =
        held_back.map(|held| HeldBackEngine { engine_id: held.engine_id, since: held.since, opens_at: held.opens_at });
    let position = waits
        .as_ref()
        .map(|waits| QueuePosition { ahead_in_lane: waits.ahead_in_lane, ahead_by_priority: waits.ahead_by_priority });
    let (gates, smallest_change, engines, asked_engine) = match waiting {
        Some((gates, change, engines, asked)) => (gates, change, Some(engines), asked),
        None => (Vec::new(), Vec::new(), None, None),
    };
    EventExplanation {
        event_id: record.event.event_id,
        event_type: record.lane.event_type,
        queue: record.lane.queue,
        status: record.event.state.status,
        verdict,
        since,
        summary,
        gates,
        engines,
        asked_engine,
        held_back_engine,
        smallest_change,
        position,
        as_of,
    }
}

fn engine_explanation(
    engine_id: &EngineId,
    explained: ExplainedEngine,
    within: &Selectors,
) -> Option<EngineExplanation> {
    let ExplainedEngine { summary, could_claim, claimable, kept_from, would_open, view } = explained;
    let (class, engine) = view.fleet().engine(engine_id)?;
    let shown = ShownFleet { view: &view, within };
    let held_back_for = engine.held_back.as_ref().filter(|held_back| within.admit_lane(&held_back.lane));
    Some(EngineExplanation {
        engine_id: engine_id.clone(),
        status: engine.status,
        summary: shown.text(&summary, None),
        last_claim_at: engine.last_claim_at,
        holds: shown.held_events(engine_id),
        held_back_for: held_back_for.map(|held_back| StarvingEventView {
            event_id: held_back.event_id,
            since: held_back.since,
            opens_at: held_back.hold_back.reservation.opens_at,
        }),
        held: engine.held.locks,
        max_concurrent_events: class.abilities.max_concurrent_events,
        held_memory_mb: engine.held.memory_mb,
        memory_limit_mb: class.abilities.memory_limit_mb,
        could_claim,
        claimable: claimable.into_iter().map(waiting_lane).collect(),
        kept_from: kept_from
            .into_iter()
            .map(|(gate, kept)| KeptFrom {
                gate: gate.to_owned(),
                events: kept.events,
                detail: shown.text(&kept.detail, None),
            })
            .collect(),
        would_open: would_open
            .iter()
            .map(|(step, events)| WouldOpen { change: shown.change(step), events: *events })
            .collect(),
        as_of: view.as_of(),
    })
}

fn waiting_lane(row: LaneCounts) -> WaitingLane {
    let LaneCounts { lane, counts, oldest_available_at } = row;
    let key = lane.key;
    WaitingLane {
        queue: key.queue,
        event_type: key.event_type,
        priority: key.priority,
        required_capabilities: key.required_capabilities.into_iter().collect(),
        required_memory_mb: key.required_memory_mb,
        engine_version: key.engine_version.as_ref().map(VersionRequirement::to_string),
        queued: counts.queued,
        oldest_available_at,
    }
}

fn blocked_lane(lane: ExplainedLane, shown: &ShownFleet<'_>) -> BlockedLane {
    let ExplainedLane { counts, head, explanation } = lane;
    let waiting = waiting_lane(counts);
    let first_event_id = head.map(|head| head.event_id);
    BlockedLane {
        queue: waiting.queue,
        event_type: waiting.event_type,
        priority: waiting.priority,
        required_capabilities: waiting.required_capabilities,
        required_memory_mb: waiting.required_memory_mb,
        engine_version: waiting.engine_version,
        queued: waiting.queued,
        first_event_id,
        oldest_available_at: waiting.oldest_available_at,
        verdict: explanation.verdict,
        gates: shown.gates(&explanation),
        engines: shown.engines(&explanation),
        smallest_change: shown.changes(&explanation.smallest_change),
        summary: shown.text(&explanation.summary, first_event_id),
        as_of: shown.view.as_of(),
    }
}
