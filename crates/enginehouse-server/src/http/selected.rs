//! What callers with selectors are told of events: of those that the selectors reach, and of no others.

use enginehouse_api::engines::Engine;
use enginehouse_api::problem::{Code, Problem};
use enginehouse_core::access::principal::Principal;
use enginehouse_core::access::role::Permission;
use enginehouse_core::engine::RegisteredEngine;
use enginehouse_core::event::NewEvent;
use enginehouse_core::filter::{EngineFilter, PageRequest};
use enginehouse_core::ids::EventId;
use enginehouse_store::rows::{EventRecord, ResultPage};
use uuid::Uuid;

use super::app::App;
use super::problem::ProblemResponse;
use crate::dispatcher::actor::Actor;
use crate::dispatcher::event_actions::{ActOnEvent, EventAction};
use crate::dispatcher::selected_events::{ActWithin, check_lane};

/// Refuses an event that the caller may not read, before anything is said of it. Its 404 is that of an event which never was.
pub(super) async fn check_visible(app: &App, principal: &Principal, event_id: EventId) -> Result<(), ProblemResponse> {
    if principal.selectors().is_none() {
        return Ok(());
    }
    match app.store().event(event_id).await? {
        Some(record) if principal.admits_lane(&record.lane) => Ok(()),
        _ => Err(app.unseen_event(event_id)),
    }
}

/// A page of events, found newest first, whose successor begins behind no event that the caller may not see.
///
/// A search that has looked at many events in vain goes on behind the last of them, whoever's it is. To callers with selectors
/// its place is the end of the millisecond in which that one was made: what is in between is looked at again. Only if a search
/// has seen nothing but events of one millisecond it is the event itself, for otherwise it would never get on.
pub(super) fn veiled<R>(
    principal: &Principal,
    asked: &PageRequest,
    page: ResultPage<R>,
    id: impl Fn(&R) -> EventId,
) -> ResultPage<R> {
    let last_shown = page.items.last().map(id);
    let behind = page.next.as_deref().and_then(|place| place.parse::<EventId>().ok());
    let Some(behind) = behind.filter(|_| principal.selectors().is_some_and(|within| within.limit_lanes())) else {
        return page;
    };
    let of_its_millisecond = EventId(Uuid::from_u128(behind.0.as_u128() | u128::MAX >> 48));
    let veiled = last_shown.map_or(of_its_millisecond, |shown| shown.min(of_its_millisecond));
    let before = asked.after.as_deref().and_then(|place| place.parse::<EventId>().ok());
    let gets_on = before.is_none_or(|before| veiled < before);
    ResultPage { next: Some(if gets_on { veiled } else { behind }.to_string()), ..page }
}

/// Refuses an event that the caller may not enqueue.
pub(super) fn check_enqueue(principal: &Principal, event: &NewEvent) -> Result<(), ProblemResponse> {
    match principal.selectors() {
        Some(within) => Ok(check_lane(within, Permission::EventsEnqueue, &event.lane)?),
        None => Ok(()),
    }
}

/// A page of engines, each with the number of its locks, whose successor begins behind no engine that the caller may not see.
///
/// There are not so many of them that a search could not go on until it has found one.
pub(super) async fn engines_within(
    app: &App,
    filter: EngineFilter,
    mut page: PageRequest,
) -> Result<ResultPage<(RegisteredEngine, u32)>, ProblemResponse> {
    loop {
        let found = app.store().engines(&filter, &page).await?;
        match (found.next.clone(), found.items.last()) {
            (Some(_), Some((last, _))) if !filter.within.engines.is_empty() => {
                let next = Some(last.engine_id.to_string());
                return Ok(ResultPage { next, ..found });
            }
            (Some(place), None) if !filter.within.engines.is_empty() => page.after = Some(place),
            _ => return Ok(found),
        }
    }
}

/// An engine as the caller may see it: quarantined for what event types they may see, and for no others.
pub(super) fn engine_shown_to(principal: &Principal, mut engine: Engine) -> Engine {
    let within = principal.reach();
    engine.automatic_quarantines.retain(|kept| within.admit_event_type(&kept.event_type));
    engine.quarantine = engine.quarantine.take().and_then(|mut quarantine| {
        // One that names no type is for all.
        let is_for_all = quarantine.event_types.is_empty();
        quarantine.event_types.retain(|event_type| within.admit_event_type(event_type));
        (is_for_all || !quarantine.event_types.is_empty()).then_some(quarantine)
    });
    engine
}

/// Acts on an event, if the caller may.
pub(super) async fn act(
    app: &App,
    by: &Actor,
    event_id: EventId,
    action: EventAction,
) -> Result<EventRecord, ProblemResponse> {
    let act = ActOnEvent { event_id, action };
    Ok(match by.selectors() {
        Some(within) => app.dispatcher().execute_for(by, ActWithin { within: within.clone(), act }).await?,
        None => app.dispatcher().execute_for(by, act).await?,
    })
}

/// An idempotency conflict as the caller may see it: the key may be that of an event which the selectors do not reach, so with
/// selectors none is named.
pub(super) fn conflict_shown_to(principal: &Principal, problem: Problem) -> Problem {
    if problem.code != Code::IdempotencyConflict || principal.selectors().is_none() {
        return problem;
    }
    let detail = "the idempotency key belongs to an event that was enqueued with another request".to_owned();
    let errors = problem
        .errors
        .into_iter()
        .map(|error| enginehouse_core::invalid::FieldError { detail: detail.clone(), ..error });
    Problem { errors: errors.collect(), detail: detail.clone(), event_id: None, ..problem }
}
