//! What event types and queues set, as lists.

use std::collections::BTreeMap;

use enginehouse_api::problem::Problem;
use enginehouse_core::access::principal::Principal;
use enginehouse_core::access::role::Permission;
use enginehouse_core::access::selector::Selectors;
use enginehouse_core::ids::{EventType, QueueName};
use enginehouse_store::rows::{LaneCounts, PageRequest, ResultPage, SettingsRow};

use super::app::App;
use super::problem::ProblemResponse;
use crate::dispatcher::settings::SettingsChange;

/// Every event type that has settings or events which selectors reach.
pub(super) async fn known_event_types(
    app: &App,
    within: &Selectors,
) -> Result<BTreeMap<EventType, SettingsRow>, ProblemResponse> {
    let set = app.store().settings().await?;
    let row = |name: &EventType| Some((name.clone(), set.event_type(name)?));
    let names = set.event_types.keys().filter(|name| within.admit_event_type(name));
    let mut known: BTreeMap<_, _> = names.filter_map(row).collect();
    for row in lanes_within(app, within).await? {
        known.entry(row.lane.key.event_type).or_default();
    }
    Ok(known)
}

/// Every queue that has settings or events which selectors reach.
pub(super) async fn known_queues(
    app: &App,
    within: &Selectors,
) -> Result<BTreeMap<QueueName, SettingsRow>, ProblemResponse> {
    let set = app.store().settings().await?;
    let row = |name: &QueueName| Some((name.clone(), set.queue(name)?));
    let names = set.queues.keys().filter(|name| within.admit_queue(name));
    let mut known: BTreeMap<_, _> = names.filter_map(row).collect();
    for row in lanes_within(app, within).await? {
        known.entry(row.lane.key.queue).or_default();
    }
    Ok(known)
}

async fn lanes_within(app: &App, within: &Selectors) -> Result<Vec<LaneCounts>, ProblemResponse> {
    let mut lanes = app.store().lane_counts().await?;
    lanes.retain(|row| within.admit_lane(&row.lane.key));
    Ok(lanes)
}

/// Refuses to change what an event type sets to whoever may not act on all its events: it holds in every queue.
pub(super) fn check_event_type(
    by: &Principal,
    event_type: &EventType,
    change: &SettingsChange,
) -> Result<(), ProblemResponse> {
    let within = by.reach();
    check(within.admit_event_type(event_type), within.queues.is_empty(), change, || {
        (format!("event type {event_type}"), "in all queues")
    })
}

/// Refuses to change what a queue sets to whoever may not act on all its events: it holds for every event type.
pub(super) fn check_queue(by: &Principal, queue: &QueueName, change: &SettingsChange) -> Result<(), ProblemResponse> {
    let within = by.reach();
    check(within.admit_queue(queue), within.event_types.is_empty(), change, || {
        (format!("queue {queue}"), "for all event types")
    })
}

fn check(
    is_reached: bool,
    is_reached_whole: bool,
    change: &SettingsChange,
    on: impl FnOnce() -> (String, &'static str),
) -> Result<(), ProblemResponse> {
    if is_reached && is_reached_whole {
        return Ok(());
    }
    let missing = match change {
        SettingsChange::Replace(_) | SettingsChange::Delete => Permission::SettingsWrite,
        SettingsChange::Pause { .. } | SettingsChange::Resume => Permission::SettingsPause,
    };
    let (name, everywhere) = on();
    let on = if is_reached { format!("{name} {everywhere}") } else { name };
    Err(Problem::forbidden(missing.name(), Some(on)).into())
}

/// A page of what is known, by name.
pub(super) fn page_of<N, V>(
    known: BTreeMap<N, V>,
    page: &PageRequest,
    name: impl Fn(&N) -> &str,
) -> ResultPage<(N, V)> {
    let is_behind = |item: &(N, V)| page.after.as_deref().is_none_or(|after| name(&item.0) > after);
    let limit = page.limit as usize;
    let mut items: Vec<_> = known.into_iter().filter(is_behind).take(limit + 1).collect();
    let has_more = items.len() > limit;
    items.truncate(limit);
    let next = items.last().filter(|_| has_more).map(|(last, _)| name(last).to_owned());
    ResultPage { items, next }
}
