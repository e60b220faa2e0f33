//! What each topic shows, to whom, and how often it is looked at.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use enginehouse_api::engines::Engine;
use enginehouse_api::problem::Problem;
use enginehouse_api::stream::StreamTopic;
use enginehouse_core::access::principal::Principal;
use enginehouse_core::access::role::Permission;
use enginehouse_core::filter::EngineFilter;
use enginehouse_core::ids::EventId;
use enginehouse_store::rows::PageRequest;
use serde::Serialize;

use super::super::activity;
use super::super::app::App;
use super::super::hiding::Hide;
use super::super::overview;
use super::super::problem::ProblemResponse;
use super::super::selected::{check_visible, engine_shown_to, engines_within};
use super::super::wire;
use crate::stream_hub::{TopicRows, ViewKey};
use crate::timers::{Timer, pause};

/// How often a view is made anew, if that takes no time.
const INTERVAL: Duration = Duration::from_secs(1);
/// How many times as long as it took to make a view it is left alone: so none of them takes more than a twentieth of a processor.
const REST: u32 = 19;
/// How many rows of a topic are told of.
const MAX_ROWS: usize = 5_000;
/// How many rows are read at once.
const ROWS_AT_ONCE: u32 = 1_000;

/// Refuses a topic that the caller may not see.
pub(super) async fn check_permission(
    app: &App,
    principal: &Principal,
    topic: &StreamTopic,
) -> Result<(), ProblemResponse> {
    let needed = match topic {
        StreamTopic::Overview | StreamTopic::Queues => Permission::StatsRead,
        StreamTopic::Engines => Permission::EnginesRead,
        StreamTopic::Runs | StreamTopic::Event(_) => Permission::EventsRead,
    };
    let on = match topic {
        _ if !principal.may(needed) => Some(format!("topic {}", topic.name())),
        // A run has events of all kinds.
        StreamTopic::Runs if principal.selectors().is_some() => {
            Some("everything, which the topic runs tells of: the token has selectors".to_owned())
        }
        _ => None,
    };
    match (on, topic) {
        (Some(on), _) => {
            app.metrics().access_refused("forbidden");
            Err(Problem::forbidden(needed, Some(on)).into())
        }
        (None, StreamTopic::Event(event_id)) => check_visible(app, principal, *event_id).await,
        (None, _) => Ok(()),
    }
}

/// The view of a topic that callers share who see the same of it.
pub(super) fn view_key(principal: &Principal, topic: &StreamTopic) -> ViewKey {
    let may = [Permission::EventsRead, Permission::EnginesRead, Permission::EventsReadPayload]
        .map(|permission| principal.may(permission));
    let selectors = serde_json::to_string(&*principal.reach()).unwrap_or_default();
    ViewKey { topic: topic.to_string(), name: topic.name(), reach: format!("{may:?} {selectors}") }
}

/// Makes a view anew again and again, until nobody wants it any more.
pub(super) async fn keep_current(app: App, key: ViewKey, topic: StreamTopic, principal: Principal) {
    let mut shown = app.streams().shown(&key);
    loop {
        let began = Timer::now();
        match rows(&app, &topic, &principal).await {
            Ok(rows) => shown = app.streams().update(&key, shown.as_ref(), rows),
            Err(problem) => {
                let why = problem.cause().unwrap_or_default();
                tracing::debug!(topic = %key.topic, why, "nobody can look at what a stream tells of");
            }
        }
        let took = Timer::now().saturating_duration_since(began);
        pause(INTERVAL.max(took * REST)).await;
    }
}

async fn rows(app: &App, topic: &StreamTopic, principal: &Principal) -> Result<TopicRows, ProblemResponse> {
    match topic {
        StreamTopic::Overview => {
            let overview = overview::read(app, principal).await?;
            Ok(TopicRows { rows: [row("overview".to_owned(), &overview)].into(), ..none(app) })
        }
        StreamTopic::Engines => engines(app, principal).await,
        StreamTopic::Queues => {
            let activity = activity::read(app, principal).await?;
            let key = |of: &enginehouse_api::overview::QueueActivity| format!("{}/{}", of.queue, of.event_type);
            let rows = activity.queues.iter().map(|of| row(key(of), of)).collect();
            Ok(TopicRows { rows, more: activity.left_out > 0, ..none(app) })
        }
        StreamTopic::Runs => runs(app).await,
        StreamTopic::Event(event_id) => event(app, principal, *event_id).await,
    }
}

/// Nothing, as of now.
fn none(app: &App) -> TopicRows {
    TopicRows { as_of: app.metrics().store_now(), rows: BTreeMap::new(), more: false }
}

fn row(key: String, value: &impl Serialize) -> (String, Arc<str>) {
    // What answers are made of holds nothing that JSON cannot say.
    (key, serde_json::to_string(value).unwrap_or_default().into())
}

async fn engines(app: &App, principal: &Principal) -> Result<TopicRows, ProblemResponse> {
    let mut shown = none(app);
    let mut page = PageRequest { limit: ROWS_AT_ONCE, after: None };
    loop {
        let filter = EngineFilter { within: principal.reach(), ..EngineFilter::default() };
        let found = engines_within(app, filter, page.clone()).await?;
        for (engine, locks_held) in found.items {
            let engine = engine_shown_to(principal, Engine::new(&engine, locks_held, shown.as_of));
            shown.rows.extend([row(engine.engine_id.to_string(), &engine)]);
        }
        page.after = found.next;
        if page.after.is_none() || shown.rows.len() >= MAX_ROWS {
            shown.more = page.after.is_some();
            return Ok(shown);
        }
    }
}

async fn runs(app: &App) -> Result<TopicRows, ProblemResponse> {
    let mut shown = none(app);
    let now = shown.as_of;
    let pauses = app.store().settings().await?.pauses.scenario_runs;
    let mut page = PageRequest { limit: ROWS_AT_ONCE, after: None };
    loop {
        let found = app.store().scenario_runs(&page).await?;
        let rows = found.items.into_iter().map(|run| {
            let pause = pauses.get(&run.scenario_run_id);
            let run = wire::scenario_run(run, pause, None, now);
            row(run.scenario_run_id.to_string(), &run)
        });
        shown.rows.extend(rows);
        page.after = found.next;
        if page.after.is_none() || shown.rows.len() >= MAX_ROWS {
            shown.more = page.after.is_some();
            return Ok(shown);
        }
    }
}

async fn event(app: &App, principal: &Principal, event_id: EventId) -> Result<TopicRows, ProblemResponse> {
    let found = app.store().event(event_id).await?;
    // It may have been changed into a lane that the caller does not see.
    let found = found.filter(|record| principal.admits_lane(&record.lane));
    let event = found.map(|record| wire::event(record).shown_to(principal));
    let rows = event.iter().map(|event| row(event_id.to_string(), event)).collect();
    Ok(TopicRows { rows, ..none(app) })
}
