//! Counts and ages of everything in the store.

use std::collections::BTreeMap;

use axum::extract::{Extension, State};
use axum::http::StatusCode;
use enginehouse_api::engines::EngineCounts;
use enginehouse_api::page::{ListKind, PageQuery};
use enginehouse_api::stats::{EventTypeStats, LaneStatsPage, Stats};
use enginehouse_core::access::principal::Principal;
use enginehouse_core::access::role::Permission;
use enginehouse_core::access::selector::Selectors;
use enginehouse_core::ids::{EventType, QueueName};
use enginehouse_core::time::Timestamp;
use enginehouse_store::rows::{LaneCounts, ResultPage, SettingsRows, StatusCounts};
use enginehouse_store::{STATUSES, StoreError};

use super::app::App;
use super::json::Json;
use super::params::{Query, listed};
use super::problem::{ListProblems, ProblemResponse, WriteProblems};
use super::wire;
use crate::dispatcher::actor::Actor;
use crate::dispatcher::retention::AcceptClock;
use crate::telemetry::StoreStats;

/// How many sums by queue and event type one answer holds.
const MAX_SUMS: usize = 1_000;

/// Count events, engines and dead letters, in all and by queue and event type. Takes time in proportion to the lanes, not to
/// the events.
#[utoipa::path(get, path = "/v1/stats", tag = "house", extensions(("x-permission" = json!({ "any_of": [Permission::StatsRead.name()], "selectors": true }))),
    responses((status = 200, description = "What is in the store now.", body = Stats), ListProblems))]
pub(super) async fn get_stats(
    State(app): State<App>,
    Extension(principal): Extension<Principal>,
) -> Result<Json<Stats>, ProblemResponse> {
    let stats = StoreStats::read(app.store(), &principal.reach()).await?;
    let StoreStats { lanes, engines: engine_counts, dead_letters, .. } = stats;
    let settings = app.store().settings().await?;
    let (mut events, mut engines) = (StatusCounts::default(), EngineCounts::default());
    for (status, count) in engine_counts {
        *engines.of(status) = count;
    }
    for row in &lanes {
        add(&mut events, &row.counts);
    }
    let sums = sums(&lanes);
    let event_types_left_out = sums.len().saturating_sub(MAX_SUMS) as u64;
    let event_types = largest(sums).into_iter().map(|sum| shown(sum, &settings)).collect();
    Ok(Json(Stats {
        now: app.metrics().store_now(),
        pruning_held_until: app.metrics().pruning_held_until(),
        events: wire::counts(events),
        event_types,
        event_types_left_out,
        lanes: lanes.len() as u64,
        engines,
        dead_letters,
        waiting_claims: app.metrics().waiting_claims(),
    }))
}

/// List lanes in the order in which they were made, each with its counts.
#[utoipa::path(get, path = "/v1/stats/lanes", tag = "house", extensions(("x-permission" = json!({ "any_of": [Permission::StatsRead.name()], "selectors": true }))), params(PageQuery),
    responses((status = 200, description = "A page of lanes.", body = LaneStatsPage), ListProblems))]
pub(super) async fn list_lanes(
    State(app): State<App>,
    Extension(principal): Extension<Principal>,
    query: Query,
) -> Result<Json<LaneStatsPage>, ProblemResponse> {
    let page = query.read(|value| PageQuery::read(value, ListKind::Lanes))?;
    let settings = app.store().settings().await?;
    let after = page.after.as_deref().and_then(|place| place.parse::<i64>().ok());
    let mut items = app.store().lane_counts().await?;
    let is_behind = |row: &LaneCounts| after.is_none_or(|after| row.lane.lane_id.0 > after);
    items.retain(|row| is_behind(row) && principal.admits_lane(&row.lane.key));
    let has_more = items.len() > page.limit as usize;
    items.truncate(page.limit as usize);
    let next = items.last().filter(|_| has_more).map(|row| row.lane.lane_id.0.to_string());
    Ok(Json(listed(ListKind::Lanes, ResultPage { items, next }, |row| {
        let paused = is_paused(&settings, &row.lane.key.queue, &row.lane.key.event_type)
            || settings.paused_run(row.lane.key.suspended_run.as_ref()).is_some();
        wire::lane(row, paused)
    })))
}

/// Say that the clock is right after it has leapt ahead: finished events are deleted again when their retention ends.
#[utoipa::path(post, path = "/v1/clock/accept", tag = "house", extensions(("x-permission" = json!({ "any_of": [Permission::SettingsWrite.name()], "selectors": false }))),
    responses((status = 204, description = "Nothing is held back any more."), WriteProblems))]
pub(super) async fn accept_clock(State(app): State<App>, by: Actor) -> Result<StatusCode, ProblemResponse> {
    app.dispatcher().execute_for(&by, AcceptClock).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What is in each queue by event type, of those with the most events, and how many are left out.
pub(super) async fn queue_stats(app: &App, within: &Selectors) -> Result<(Vec<EventTypeStats>, u64), StoreError> {
    let settings = app.store().settings().await?;
    let mut lanes = app.store().lane_counts().await?;
    lanes.retain(|row| within.admit_lane(&row.lane.key));
    let sums = sums(&lanes);
    let left_out = sums.len().saturating_sub(MAX_SUMS) as u64;
    Ok((largest(sums).into_iter().map(|sum| shown(sum, &settings)).collect(), left_out))
}

/// The lanes of one queue and event type, added up.
type Sum<'a> = ((&'a QueueName, &'a EventType), SumOfLanes);

#[derive(Default)]
struct SumOfLanes {
    lanes: u64,
    counts: StatusCounts,
    oldest_available_at: Option<Timestamp>,
}

fn sums(lanes: &[LaneCounts]) -> Vec<Sum<'_>> {
    let mut sums: BTreeMap<_, SumOfLanes> = BTreeMap::new();
    for row in lanes {
        let sum = sums.entry((&row.lane.key.queue, &row.lane.key.event_type)).or_default();
        sum.lanes += 1;
        add(&mut sum.counts, &row.counts);
        sum.oldest_available_at = sum.oldest_available_at.into_iter().chain(row.oldest_available_at).min();
    }
    sums.into_iter().collect()
}

/// Those with the most events, in the order of their names.
fn largest(mut sums: Vec<Sum<'_>>) -> Vec<Sum<'_>> {
    let events = |sum: &SumOfLanes| STATUSES.iter().map(|status| sum.counts.of(*status)).sum::<u64>();
    if sums.len() > MAX_SUMS {
        sums.sort_by_key(|(_, sum)| std::cmp::Reverse(events(sum)));
        sums.truncate(MAX_SUMS);
        sums.sort_by_key(|(names, _)| *names);
    }
    sums
}

fn shown(((queue, event_type), sum): Sum<'_>, settings: &SettingsRows) -> EventTypeStats {
    let SumOfLanes { lanes, counts, oldest_available_at } = sum;
    let StatusCounts { queued, processing, completed, failed, cancelled } = counts;
    EventTypeStats {
        queue: queue.clone(),
        event_type: event_type.clone(),
        paused: is_paused(settings, queue, event_type),
        lanes,
        queued,
        processing,
        completed,
        failed,
        cancelled,
        oldest_available_at,
    }
}

fn is_paused(settings: &SettingsRows, queue: &QueueName, event_type: &EventType) -> bool {
    settings.queues.get(queue).is_some_and(|set| set.paused)
        || settings.event_types.get(event_type).is_some_and(|set| set.paused)
}

pub(super) fn add(counts: &mut StatusCounts, more: &StatusCounts) {
    for status in STATUSES {
        *counts.of_mut(status) += more.of(status);
    }
}

#[cfg(test)]
mod tests {
    use enginehouse_core::ids::LaneId;
    use enginehouse_core::lane::{Lane, LaneKey};

    use super::*;

    fn lane(number: i64, events: u64) -> LaneCounts {
        let key = LaneKey {
            queue: "default".parse().unwrap(),
            event_type: format!("type-{:05}", number / 2).parse().unwrap(),
            priority: u8::from(number % 2 == 1),
            required_capabilities: [].into(),
            required_memory_mb: None,
            engine_version: None,
            suspended_run: None,
        };
        let counts = StatusCounts { queued: events, ..StatusCounts::default() };
        LaneCounts { lane: Lane { lane_id: LaneId(number), key }, counts, oldest_available_at: None }
    }

    #[test]
    fn an_answer_is_bounded_and_names_the_largest() {
        let lanes: Vec<_> = (0..10_000).map(|number| lane(number, number.unsigned_abs())).collect();
        let sums = sums(&lanes);
        assert_eq!((sums.len(), sums[0].1.lanes), (5_000, 2));
        let shown = largest(sums);
        assert_eq!(shown.len(), MAX_SUMS);
        assert_eq!((shown[0].0.1.as_str(), shown[999].0.1.as_str()), ("type-04000", "type-04999"));
        assert_eq!(shown[999].1.counts.queued, 9_998 + 9_999);
    }
}
