//! The rows of each tab: what they show, in which order, and what can be done to them.

use std::cmp::Reverse;
use std::time::Duration;

use enginehouse_api::engines::Engine;
use enginehouse_api::overview::QueueActivity;
use enginehouse_api::scenario_runs::ScenarioRun;
use enginehouse_core::engine::EngineStatus;
use enginehouse_core::ids::{EngineId, EventType, QueueName, ScenarioRunId};
use enginehouse_core::time::Timestamp;
use enginehouse_core::verdict::WaitingVerdict;

use super::super::terminal_text::one_line;
use super::super::times::short;
use super::snapshot::TopSnapshot;

/// A list on the screen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Tab {
    #[default]
    Engines,
    Queues,
    Runs,
    Attention,
}

impl Tab {
    pub(super) const ALL: [Self; 4] = [Self::Engines, Self::Queues, Self::Runs, Self::Attention];

    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Engines => "Engines",
            Self::Queues => "Queues",
            Self::Runs => "Runs",
            Self::Attention => "Attention",
        }
    }

    /// The columns, each with the width that it has; the last one takes what is left.
    pub(super) const fn columns(self) -> &'static [(&'static str, u16)] {
        match self {
            Self::Engines => {
                &[("ENGINE", 20), ("STATE", 11), ("SLOTS", 12), ("CPU", 11), ("MEMORY", 11), ("SEEN", 7), ("RUN", 0)]
            }
            Self::Queues => &[
                ("QUEUE / TYPE", 26),
                ("WAITING", 9),
                ("PROC", 6),
                ("OLDEST", 8),
                ("DONE/S", 8),
                ("FAIL/S", 8),
                ("VERDICT", 0),
            ],
            Self::Runs => &[
                ("SCENARIO RUN", 24),
                ("QUEUED", 8),
                ("PROC", 6),
                ("DONE", 9),
                ("FAILED", 8),
                ("ENDS/S", 8),
                ("STATE", 0),
            ],
            Self::Attention => &[("WHAT NEEDS A PERSON", 0)],
        }
    }
}

/// What a row is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum RowSubject {
    Engine {
        engine_id: EngineId,
    },
    /// Of one event type, if it is about one.
    Queue {
        queue: QueueName,
        event_type: Option<EventType>,
    },
    Run {
        scenario_run_id: ScenarioRunId,
    },
    Nothing,
}

/// How much a row matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Urgency {
    Normal,
    Quiet,
    Warning,
    Alarm,
}

/// One row: its cells are safe to show.
#[derive(Clone, Debug)]
pub(super) struct TopRow {
    /// What it is chosen by: it stays the same while the cells change.
    pub(super) key: String,
    pub(super) subject: RowSubject,
    pub(super) cells: Vec<String>,
    pub(super) urgency: Urgency,
    /// What it is sorted by, column by column: the largest first where it is a number.
    order: Vec<RowOrder>,
}

#[derive(Clone, Debug, PartialEq, PartialOrd)]
enum RowOrder {
    Number(Reverse<f64>),
    Text(String),
}

/// The rows of a tab that have the text in one of their cells, sorted by a column.
pub(super) fn rows(snapshot: &TopSnapshot, tab: Tab, wanted: &str, sorted_by: usize) -> Vec<TopRow> {
    let now = snapshot.as_of.unwrap_or(Timestamp::MIN);
    let mut rows: Vec<TopRow> = match tab {
        Tab::Engines => snapshot.engines.values().map(|engine| engine_row(engine, now)).collect(),
        Tab::Queues => snapshot.queues.values().map(|queue| queue_row(queue, now)).collect(),
        Tab::Runs => snapshot.runs.values().map(run_row).collect(),
        Tab::Attention => {
            snapshot.overview.iter().flat_map(|overview| &overview.attention).map(attention_row).collect()
        }
    };
    let wanted = wanted.to_lowercase();
    rows.retain(|row| row.cells.iter().any(|cell| cell.to_lowercase().contains(&wanted)));
    if tab != Tab::Attention {
        rows.sort_by(|a, b| {
            let (a, b) = (a.order.get(sorted_by), b.order.get(sorted_by));
            a.partial_cmp(&b).unwrap_or(std::cmp::Ordering::Equal)
        });
    }
    rows
}

fn text(text: &str) -> RowOrder {
    RowOrder::Text(text.to_owned())
}

fn number(number: f64) -> RowOrder {
    RowOrder::Number(Reverse(number))
}

fn engine_row(engine: &Engine, now: Timestamp) -> TopRow {
    let limits = &engine.metadata.static_config.resource_limits;
    let load = &engine.metadata.dynamic_state.resource_utilization;
    let run = engine.metadata.dynamic_state.current_scenario_run_id.as_deref().unwrap_or("-");
    let quarantined = engine.quarantine.is_some();
    let state = if quarantined && engine.status == EngineStatus::Active { "quarantine" } else { engine.status.name() };
    let held = f64::from(engine.locks_held);
    let slots = limits.max_concurrent_events.map(|most| most as f64);
    let memory = load.memory_usage_mb.unwrap_or(0.0);
    let memory_limit = limits.memory_limit_mb.map(|limit| limit as f64);
    let silent = now.since(engine.last_heartbeat_at);
    let cells = vec![
        one_line(engine.engine_id.as_str()).into_owned(),
        state.to_owned(),
        match slots {
            Some(most) => format!("{} {held}/{most}", bar(held / most)),
            None => held.to_string(),
        },
        load.cpu_percent.map_or_else(|| "-".to_owned(), |percent| format!("{} {percent:.0}%", bar(percent / 100.0))),
        match (load.memory_usage_mb, memory_limit) {
            (None, _) => "-".to_owned(),
            (Some(used), Some(limit)) => format!("{} {:.0}%", bar(used / limit), used / limit * 100.0),
            (Some(used), None) => format!("{used:.0}M"),
        },
        short(silent),
        one_line(run).into_owned(),
    ];
    let urgency = match engine.status {
        EngineStatus::Lost => Urgency::Alarm,
        EngineStatus::Stopped => Urgency::Quiet,
        EngineStatus::Draining => Urgency::Warning,
        EngineStatus::Active if quarantined => Urgency::Warning,
        EngineStatus::Active => Urgency::Normal,
    };
    let order = vec![
        text(engine.engine_id.as_str()),
        text(state),
        number(held / slots.unwrap_or(1_000.0)),
        number(load.cpu_percent.unwrap_or(-1.0)),
        number(memory_limit.map_or(memory / 1e12, |limit| memory / limit)),
        number(silent.as_secs_f64()),
        text(run),
    ];
    let (key, subject) = (engine.engine_id.to_string(), RowSubject::Engine { engine_id: engine.engine_id.clone() });
    TopRow { key, subject, cells, urgency, order }
}

fn queue_row(queue: &QueueActivity, now: Timestamp) -> TopRow {
    let name = format!("{} / {}", queue.queue, queue.event_type);
    let waited = queue.oldest_available_at.map_or(Duration::ZERO, |at| now.since(at));
    let verdict = match (queue.paused, queue.verdict) {
        (true, _) => "paused",
        (false, Some(verdict)) => verdict.name(),
        (false, None) => "-",
    };
    let urgency = match queue.verdict {
        Some(WaitingVerdict::Impossible) => Urgency::Alarm,
        Some(WaitingVerdict::Blocked) => Urgency::Warning,
        _ if queue.paused => Urgency::Warning,
        None => Urgency::Quiet,
        Some(WaitingVerdict::Waiting | WaitingVerdict::Runnable) => Urgency::Normal,
    };
    let rates = &queue.rates;
    let cells = vec![
        one_line(&name).into_owned(),
        queue.queued.to_string(),
        queue.processing.to_string(),
        queue.oldest_available_at.map_or_else(|| "-".to_owned(), |_| short(waited)),
        format!("{:.1}", rates.completed_per_second),
        format!("{:.1}", rates.failed_per_second),
        verdict.to_owned(),
    ];
    let order = vec![
        text(&name),
        number(queue.queued as f64),
        number(queue.processing as f64),
        number(waited.as_secs_f64()),
        number(rates.completed_per_second),
        number(rates.failed_per_second),
        text(verdict),
    ];
    let subject = RowSubject::Queue { queue: queue.queue.clone(), event_type: Some(queue.event_type.clone()) };
    TopRow { key: name, subject, cells, urgency, order }
}

fn run_row(run: &ScenarioRun) -> TopRow {
    let id = run.scenario_run_id.to_string();
    let events = &run.events;
    let paused = run.paused_at.is_some();
    let is_over = events.queued + events.processing == 0;
    let state = match (paused, run.estimated_end_at) {
        (true, _) => "paused".to_owned(),
        (false, _) if is_over => "ended".to_owned(),
        (false, Some(at)) => format!("ends {}", &at.to_string()[11..19]),
        (false, None) => "-".to_owned(),
    };
    let urgency = match (paused, is_over) {
        (true, _) => Urgency::Warning,
        (false, true) => Urgency::Quiet,
        (false, false) => Urgency::Normal,
    };
    let counts = [events.queued, events.processing, events.completed, events.failed];
    let mut cells = vec![one_line(&id).into_owned()];
    cells.extend(counts.iter().map(ToString::to_string));
    cells.extend([format!("{:.1}", run.ends_per_second), state.clone()]);
    let mut order = vec![text(&id)];
    order.extend(counts.iter().map(|count| number(*count as f64)));
    order.extend([number(run.ends_per_second), text(&state)]);
    let subject = RowSubject::Run { scenario_run_id: run.scenario_run_id.clone() };
    TopRow { key: id, subject, cells, urgency, order }
}

fn attention_row(item: &enginehouse_api::overview::AttentionItem) -> TopRow {
    let subject = match (&item.engine_id, &item.queue) {
        (Some(engine_id), _) => RowSubject::Engine { engine_id: engine_id.clone() },
        (None, Some(queue)) => RowSubject::Queue { queue: queue.clone(), event_type: item.event_type.clone() },
        (None, None) => RowSubject::Nothing,
    };
    // Its sentence tells for how long, and so is another one each second.
    let key = format!("{:?} {subject:?} {:?}", item.kind, item.event_id);
    let cells = vec![one_line(&item.summary).into_owned()];
    TopRow { key, subject, cells, urgency: Urgency::Warning, order: Vec::new() }
}

/// A share as four cells.
fn bar(share: f64) -> String {
    const WIDTH: usize = 4;
    // A float that is too large or no number becomes the nearest count.
    let full = ((share * WIDTH as f64).round().max(0.0) as usize).min(WIDTH);
    format!("{}{}", "█".repeat(full), "░".repeat(WIDTH - full))
}
