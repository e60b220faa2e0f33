//! What event types and queues set, as lists.

use std::collections::BTreeMap;

use enginehouse_core::ids::{EventType, QueueName};
use enginehouse_store::rows::{PageRequest, ResultPage, SettingsRow};

use super::app::App;
use super::problem::ProblemResponse;

/// Every event type that has settings or events.
pub(super) async fn known_event_types(app: &App) -> Result<BTreeMap<EventType, SettingsRow>, ProblemResponse> {
    let set = app.store().settings().await?;
    let row = |name: &EventType| Some((name.clone(), set.event_type(name)?));
    let mut known: BTreeMap<_, _> = set.event_types.keys().filter_map(row).collect();
    for row in app.store().lane_counts().await? {
        known.entry(row.lane.key.event_type).or_default();
    }
    Ok(known)
}

/// Every queue that has settings or events.
pub(super) async fn known_queues(app: &App) -> Result<BTreeMap<QueueName, SettingsRow>, ProblemResponse> {
    let set = app.store().settings().await?;
    let row = |name: &QueueName| Some((name.clone(), set.queue(name)?));
    let mut known: BTreeMap<_, _> = set.queues.keys().filter_map(row).collect();
    for row in app.store().lane_counts().await? {
        known.entry(row.lane.key.queue).or_default();
    }
    Ok(known)
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
