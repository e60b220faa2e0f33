//! Counts and ages of everything in the store.

use axum::extract::State;
use enginehouse_api::engines::EngineCounts;
use enginehouse_api::stats::Stats;
use enginehouse_store::rows::StatusCounts;

use super::app::App;
use super::json::Json;
use super::problem::{ListProblems, ProblemResponse};
use super::wire;
use crate::telemetry::StoreStats;

/// Count events, engines and dead letters. Takes time in proportion to the lanes, not to the events.
#[utoipa::path(get, path = "/v1/stats", tag = "house",
    responses((status = 200, description = "What is in the store now.", body = Stats), ListProblems))]
pub(super) async fn get_stats(State(app): State<App>) -> Result<Json<Stats>, ProblemResponse> {
    let StoreStats { lanes, engines: engine_counts, dead_letters, .. } = StoreStats::read(app.store()).await?;
    let settings = app.store().settings().await?;
    let (mut events, mut engines) = (StatusCounts::default(), EngineCounts::default());
    for (status, count) in engine_counts {
        *engines.of(status) = count;
    }
    for row in &lanes {
        for status in enginehouse_store::STATUSES {
            *events.of_mut(status) += row.counts.of(status);
        }
    }
    let lanes = lanes.into_iter().map(|row| {
        let key = &row.lane.key;
        let queue_paused = settings.queues.get(&key.queue).is_some_and(|set| set.paused);
        let paused = queue_paused || settings.event_types.get(&key.event_type).is_some_and(|set| set.paused);
        wire::lane(row, paused)
    });
    Ok(Json(Stats {
        now: app.metrics().store_now(),
        events: wire::counts(events),
        lanes: lanes.collect(),
        engines,
        dead_letters,
        waiting_claims: app.metrics().waiting_claims(),
    }))
}
