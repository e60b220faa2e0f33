//! What is in the queues, by event type, and how fast it goes there.

use std::collections::HashMap;
use std::time::Duration;

use axum::extract::{Extension, State};
use enginehouse_api::overview::{ActivityRates, QueueActivity, QueueActivityList};
use enginehouse_core::access::principal::Principal;
use enginehouse_core::access::role::Permission;
use enginehouse_core::access::selector::Selectors;
use enginehouse_core::ids::{EventType, QueueName};
use enginehouse_core::minutes::{MinuteTally, minute_of};
use enginehouse_core::time::Timestamp;
use enginehouse_core::verdict::{Verdict, WaitingVerdict};
use enginehouse_store::StoreError;
use enginehouse_store::rows::MinuteFilter;

use super::app::App;
use super::json::Json;
use super::minutes::each_row;
use super::problem::{ListProblems, ProblemResponse};
use super::stats::queue_stats;

/// The minutes that rates are of: the one that has begun, and so long before it.
pub(super) const RATES_OVER: Duration = Duration::from_secs(60);

/// Show what is in every queue by event type, how fast it goes, and whether engines serve it.
///
/// Takes time in proportion to the lanes, not to the events.
#[utoipa::path(get, path = "/v1/stats/queues", tag = "house", extensions(("x-permission" = json!({ "any_of": [Permission::StatsRead.name()], "selectors": true }))),
    responses((status = 200, description = "What is there now.", body = QueueActivityList), ListProblems))]
pub(super) async fn list_queue_activity(
    State(app): State<App>,
    Extension(principal): Extension<Principal>,
) -> Result<Json<QueueActivityList>, ProblemResponse> {
    let asking = app.clone();
    app.at_low_priority(async move { read(&asking, &principal).await }).await.map(Json)
}

/// The same, for whoever is at a low priority already.
pub(super) async fn read(app: &App, principal: &Principal) -> Result<QueueActivityList, ProblemResponse> {
    let (now, within) = (app.metrics().store_now(), principal.reach());
    let (stats, left_out) = queue_stats(app, &within).await?;
    let verdicts = verdicts(app, now).await?;
    let mut tallies: HashMap<(QueueName, EventType), MinuteTally> = HashMap::new();
    let from = begin_of_rates(now);
    each_row(app, &since(from), &within, |row| {
        if let Some(pair) = row.key.pair {
            tallies.entry(pair).or_default().merge(&row.tally);
        }
        true
    })
    .await?;
    let seconds = now.since(from).as_secs_f64();
    let shown = |stats: enginehouse_api::stats::EventTypeStats| {
        let pair = (stats.queue.clone(), stats.event_type.clone());
        let rates = tallies.get(&pair).map(|tally| ActivityRates::new(tally, seconds)).unwrap_or_default();
        QueueActivity::new(stats, verdicts.get(&pair).copied(), rates)
    };
    Ok(QueueActivityList { as_of: now, queues: stats.into_iter().map(shown).collect(), left_out })
}

/// The worst verdict on what waits in each queue and event type.
async fn verdicts(app: &App, now: Timestamp) -> Result<HashMap<(QueueName, EventType), WaitingVerdict>, StoreError> {
    let view = app.explainer().snapshot(now).await?;
    let mut worst = HashMap::new();
    for (verdict, key) in view.verdicts() {
        let verdict = match verdict {
            Verdict::Impossible => WaitingVerdict::Impossible,
            Verdict::Blocked => WaitingVerdict::Blocked,
            Verdict::Waiting => WaitingVerdict::Waiting,
            // Of what waits, there is no other one.
            Verdict::Runnable | Verdict::Running | Verdict::Finished => WaitingVerdict::Runnable,
        };
        // The worst come first.
        worst.entry((key.queue.clone(), key.event_type.clone())).or_insert(verdict);
    }
    Ok(worst)
}

/// Since when events are counted for rates.
pub(super) fn begin_of_rates(now: Timestamp) -> Timestamp {
    minute_of(now) - RATES_OVER
}

/// All minutes from a moment on.
pub(super) fn since(from: Timestamp) -> MinuteFilter {
    MinuteFilter { from, to: Timestamp::MAX, queue: None, event_type: None }
}

/// What has happened since a moment, and since a later one, to all that selectors reach.
pub(super) async fn recent(
    app: &App,
    within: &Selectors,
    from: Timestamp,
    later: Timestamp,
) -> Result<(MinuteTally, MinuteTally), StoreError> {
    let (mut all, mut last) = (MinuteTally::default(), MinuteTally::default());
    each_row(app, &since(from), within, |row| {
        all.merge(&row.tally);
        if row.key.minute >= later {
            last.merge(&row.tally);
        }
        true
    })
    .await?;
    Ok((all, last))
}
