//! What a person should know at a glance: what needs somebody first, and how fast the work goes.

use std::time::Duration;

use axum::extract::{Extension, State};
use enginehouse_api::engines::EngineCounts;
use enginehouse_api::overview::{ActivityRates, AttentionItem, AttentionKind, OldestEvent, Overview};
use enginehouse_core::access::principal::Principal;
use enginehouse_core::access::role::Permission;
use enginehouse_core::engine::EngineStatus;
use enginehouse_core::filter::EngineFilter;
use enginehouse_core::minutes::{MinuteTally, minute_of};
use enginehouse_core::time::{Timestamp, in_words};
use enginehouse_core::verdict::Verdict;
use enginehouse_store::rows::{LaneCounts, PageRequest, StatusCounts};
use enginehouse_store::{DiskSpace, StoreHealth};

use super::activity::{begin_of_rates, recent};
use super::app::App;
use super::json::Json;
use super::problem::{ListProblems, ProblemResponse};
use super::shown_fleet::ShownFleet;
use super::stats::add;
use super::suspects::is_within;
use super::wire;
use crate::explain::LaneQuestion;
use crate::telemetry::StoreStats;

/// How many things are named that need a person.
const MAX_ATTENTION: usize = 50;
/// How many of one kind are.
const MAX_OF_A_KIND: usize = 20;
/// For how long something that has happened is worth a look.
const RECENT: Duration = Duration::from_secs(900);
/// How long events that could run wait until that is worth a look.
const LONG_WAIT: Duration = Duration::from_secs(600);

/// Show the state of everything in a few numbers, and what needs a person, the most urgent first.
#[utoipa::path(get, path = "/v1/stats/overview", tag = "house", extensions(("x-permission" = json!({ "any_of": [Permission::StatsRead.name()], "selectors": true }))),
    responses((status = 200, description = "How it is now.", body = Overview), ListProblems))]
pub(super) async fn get_overview(
    State(app): State<App>,
    Extension(principal): Extension<Principal>,
) -> Result<Json<Overview>, ProblemResponse> {
    let asking = app.clone();
    app.at_low_priority(async move { read(&asking, &principal).await }).await.map(Json)
}

/// The same, for whoever is at a low priority already.
pub(super) async fn read(app: &App, principal: &Principal) -> Result<Overview, ProblemResponse> {
    let (now, within) = (app.metrics().store_now(), principal.reach());
    let StoreStats { lanes, engines: engine_counts, dead_letters, health } =
        StoreStats::read(app.store(), &within).await?;
    let (mut events, mut engines) = (StatusCounts::default(), EngineCounts::default());
    lanes.iter().for_each(|row| add(&mut events, &row.counts));
    for (status, count) in &engine_counts {
        *engines.of(*status) = *count;
    }
    let from = begin_of_rates(now);
    let (quarter, last) = recent(app, &within, minute_of(now) - RECENT, from).await?;
    let oldest = oldest(&lanes);
    let mut attention = Vec::new();
    if within.is_empty() {
        attention.extend(findings(app, &health));
    }
    if principal.may(Permission::EventsRead) {
        attention.extend(blocked(app, principal, now).await?);
    }
    if principal.may(Permission::EnginesRead) {
        if engine_counts.iter().any(|(status, count)| *status == EngineStatus::Lost && *count > 0) {
            attention.extend(lost_engines(app, principal, now).await?);
        }
        attention.extend(suspects(app, principal, now));
    }
    attention.extend(happened(&quarter, dead_letters));
    let waits_long = oldest.as_ref().filter(|oldest| now.since(oldest.available_at) >= LONG_WAIT);
    attention.extend(waits_long.map(|oldest| waiting(oldest, now, events.queued)));
    attention.extend(app.metrics().pruning_held_until().map(|until| AttentionItem {
        since: None,
        ..AttentionItem::new(
            AttentionKind::PruningHeld,
            format!(
                "the clock has leapt ahead: no finished event is deleted until {until}; if it is right, say so with \
                 `enginehouse accept-clock`"
            ),
            1,
        )
    }));
    // Within a kind, they are in their order already.
    attention.sort_by_key(|item| item.kind);
    attention.truncate(MAX_ATTENTION);
    Ok(Overview {
        attention,
        events: wire::counts(events),
        engines,
        dead_letters,
        waiting_claims: app.metrics().waiting_claims(),
        oldest,
        rates: ActivityRates::new(&last, now.since(from).as_secs_f64()),
    })
}

/// The first queue and event type, by their oldest event. One that is not due yet does not wait.
fn oldest(lanes: &[LaneCounts]) -> Option<OldestEvent> {
    let first = lanes.iter().filter_map(|row| Some((row.oldest_available_at?, &row.lane.key))).min_by_key(|row| row.0);
    first.map(|(available_at, key)| OldestEvent {
        queue: key.queue.clone(),
        event_type: key.event_type.clone(),
        available_at,
    })
}

/// What is wrong with the store.
pub(super) fn findings(app: &App, health: &StoreHealth) -> Vec<AttentionItem> {
    let unreadable_rows = &health.unreadable_rows;
    let rows: u64 = unreadable_rows.iter().map(|(_, rows)| rows).sum();
    let unreadable = (rows > 0).then(|| {
        let tables: Vec<_> = unreadable_rows.iter().filter(|(_, rows)| *rows > 0).map(|(table, _)| *table).collect();
        let summary = format!("rows of {} could not be read and are passed over: see the log", tables.join(", "));
        AttentionItem::new(AttentionKind::StoreDamaged, summary, rows)
    });
    let damaged = app.store().damage().map(|what| AttentionItem::new(AttentionKind::StoreDamaged, what, 1));
    damaged.into_iter().chain(unreadable).chain(health.disk.and_then(low_disk)).collect()
}

/// A disk of which less than a twentieth is free, and less than 10 GiB: a small share of a large disk lasts.
fn low_disk(disk: DiskSpace) -> Option<AttentionItem> {
    const GIB: u64 = 1 << 30;
    (disk.free < (disk.total / 20).min(10 * GIB)).then(|| {
        let (mib, percent) = (disk.free >> 20, disk.free * 100 / disk.total.max(1));
        AttentionItem::new(
            AttentionKind::DiskLow,
            format!(
                "the disk of the data file has {mib} MiB left, {percent} % of it: once it is full, nothing more can be enqueued \
                 or completed; make room, or shorten retention"
            ),
            1,
        )
    })
}

/// Lanes whose events wait for a person, with the sentence that says for what.
async fn blocked(app: &App, principal: &Principal, now: Timestamp) -> Result<Vec<AttentionItem>, ProblemResponse> {
    let within = principal.reach();
    let question = LaneQuestion { limit: MAX_OF_A_KIND, within: within.clone(), ..LaneQuestion::default() };
    let explained = app.explainer().lanes(&question, now).await?;
    let shown = ShownFleet { view: &explained.view, within: &within };
    let item = |lane: &crate::explain::ExplainedLane| {
        // What is not due yet is no trouble yet.
        lane.counts.oldest_available_at.filter(|at| *at <= now)?;
        let kind = match lane.explanation.verdict {
            Verdict::Impossible => AttentionKind::LaneImpossible,
            Verdict::Blocked => AttentionKind::LaneBlocked,
            _ => return None,
        };
        let event_id = lane.head.as_ref().map(|head| head.event_id);
        let key = &lane.counts.lane.key;
        let summary = shown.text(&lane.explanation.summary, event_id);
        Some(AttentionItem {
            since: lane.counts.oldest_available_at,
            queue: Some(key.queue.clone()),
            event_type: Some(key.event_type.clone()),
            event_id,
            ..AttentionItem::new(kind, summary, lane.counts.counts.queued)
        })
    };
    Ok(explained.lanes.iter().filter_map(item).collect())
}

async fn lost_engines(app: &App, principal: &Principal, now: Timestamp) -> Result<Vec<AttentionItem>, ProblemResponse> {
    let lost = EngineFilter { status: Some(EngineStatus::Lost), within: principal.reach(), ..EngineFilter::default() };
    let limit = u32::try_from(MAX_OF_A_KIND).unwrap_or(u32::MAX);
    let found = app.store().engines(&lost, &PageRequest { limit, after: None }).await?;
    let item = |(engine, locks): (enginehouse_core::engine::RegisteredEngine, u32)| {
        let silent = in_words(now.since(engine.last_heartbeat_at));
        let holds = match locks {
            0 => "holds nothing any more".to_owned(),
            1 => "holds 1 event still".to_owned(),
            locks => format!("holds {locks} events still"),
        };
        AttentionItem {
            since: Some(engine.last_heartbeat_at),
            engine_id: Some(engine.engine_id.clone()),
            ..AttentionItem::new(
                AttentionKind::EngineLost,
                format!("engine {} is lost: it has been silent for {silent}, and {holds}", engine.engine_id),
                u64::from(locks),
            )
        }
    };
    Ok(found.items.into_iter().map(item).collect())
}

/// Of what this server has seen.
fn suspects(app: &App, principal: &Principal, now: Timestamp) -> Vec<AttentionItem> {
    let within = principal.reach();
    let mut suspects = app.dispatcher().suspects().all(now);
    suspects.retain(|suspect| is_within(&within, &suspect.subject));
    let item = |suspect: enginehouse_core::blame::Suspect| {
        let view = enginehouse_api::suspects::SuspectView::from(suspect);
        let event_type = Some(&view.event_types).filter(|types| types.len() == 1).and_then(|types| types.first());
        AttentionItem {
            since: Some(view.since),
            event_type: event_type.cloned(),
            engine_id: view.engine_id.clone(),
            ..AttentionItem::new(AttentionKind::Suspect, view.summary, view.failed)
        }
    };
    suspects.into_iter().take(MAX_OF_A_KIND).map(item).collect()
}

/// What has happened within the last quarter of an hour.
fn happened(quarter: &MinuteTally, dead_letters: u64) -> Vec<AttentionItem> {
    let lost = (quarter.lost > 0).then(|| {
        let summary =
            format!("{} lost within 15 min: engines went silent or kept events for too long", locks(quarter.lost));
        AttentionItem::new(AttentionKind::LocksLost, summary, quarter.lost)
    });
    let grown = (quarter.dead_lettered > 0).then(|| {
        let summary = format!("{} within 15 min, {dead_letters} unresolved", letters(quarter.dead_lettered));
        AttentionItem::new(AttentionKind::DeadLettersGrow, summary, quarter.dead_lettered)
    });
    lost.into_iter().chain(grown).collect()
}

fn locks(count: u64) -> String {
    if count == 1 { "1 lock was".to_owned() } else { format!("{count} locks were") }
}

fn letters(count: u64) -> String {
    if count == 1 { "1 new dead letter".to_owned() } else { format!("{count} new dead letters") }
}

fn waiting(oldest: &OldestEvent, now: Timestamp, queued: u64) -> AttentionItem {
    let OldestEvent { queue, event_type, available_at } = oldest;
    let waited = in_words(now.since(*available_at));
    AttentionItem {
        since: Some(*available_at),
        queue: Some(queue.clone()),
        event_type: Some(event_type.clone()),
        ..AttentionItem::new(
            AttentionKind::EventsWait,
            format!("the oldest event that could run, of {event_type} in queue {queue}, has waited for {waited}"),
            queued,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_is_low_when_a_small_share_of_it_is_little() {
        const MIB: u64 = 1 << 20;
        for (free, total, is_low) in [
            (0, 100 * MIB, true),
            (4 * MIB, 100 * MIB, true),
            (5 * MIB, 100 * MIB, false),
            (11 * 1_024 * MIB, 1_000_000 * MIB, false),
            (9 * 1_024 * MIB, 1_000_000 * MIB, true),
            // A file system that does not say.
            (0, 0, false),
        ] {
            let found = low_disk(DiskSpace { free, total });
            assert_eq!(found.is_some(), is_low, "{free} of {total}: {found:?}");
        }
        let found = low_disk(DiskSpace { free: 4 * MIB, total: 100 * MIB }).unwrap();
        assert!(found.summary.contains("has 4 MiB left, 4 % of it"), "{}", found.summary);
    }
}
