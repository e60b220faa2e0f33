//! What the store and the dispatcher answer, in the words of the wire.

use std::collections::{HashMap, HashSet};

use enginehouse_api::dead_letters::{DeadLetter, DeadLetterGroup};
use enginehouse_api::engines::{Engine, EngineLock, HeartbeatResponse};
use enginehouse_api::enqueue::{BatchResponse, BatchedEvent, EnqueueResponse, Warning, WarningCode};
use enginehouse_api::events::{Event, EventCounts, EventLock, EventProgress};
use enginehouse_api::problem::Problem;
use enginehouse_api::scenario_runs::ScenarioRun;
use enginehouse_api::settle::{ReadSettlement, RefusedSettlement, SettlementResult};
use enginehouse_api::stats::LaneStats;
use enginehouse_core::access::principal::Principal;
use enginehouse_core::event::EventStatus;
use enginehouse_core::ids::EngineId;
use enginehouse_core::invalid::FieldError;
use enginehouse_core::json::RawJson;
use enginehouse_core::lane::LaneKey;
use enginehouse_core::miss::NearestMiss;
use enginehouse_core::pause::Pause;
use enginehouse_core::request::SettleCommand;
use enginehouse_core::time::Timestamp;
use enginehouse_core::version::VersionRequirement;
use enginehouse_store::rows::{
    self, DeadLetterRow, EventRecord, EventRow, LaneCounts, ReportSummary, ScenarioRunCounts, StatusCounts,
};

use super::problem::ProblemResponse;
use super::session::SessionHeader;
use crate::dispatcher::answers::{Claimed, Enqueued, HeartbeatAnswer, SettleResult};

pub(super) fn event(record: EventRecord) -> Event {
    let lock = record.event.state.lock.as_ref().map(EventLock::public);
    let ReportSummary { usage, progress } = record.reports.unwrap_or_default();
    // How far an attempt had come that is over says the history.
    let progress = progress.filter(|_| lock.is_some()).map(|(at, progress)| EventProgress::new(at, progress));
    Event { usage, progress, ..event_parts(record.event, &record.lane, record.payload, lock) }
}

/// A claimed event: the only answer that shows a lock's token.
pub(super) fn claimed(claimed: Claimed) -> Event {
    let lock = claimed.event.state.lock.as_ref().map(EventLock::for_claimer);
    Event { previous: claimed.previous, ..event_parts(claimed.event, &claimed.lane, claimed.payload, lock) }
}

pub(super) fn event_parts(row: EventRow, lane: &LaneKey, payload: RawJson, lock: Option<EventLock>) -> Event {
    let EventRow { event_id, scenario_run_id, overrides, labels, enqueued_at, state, .. } = row;
    Event {
        event_id,
        event_type: lane.event_type.clone(),
        queue: lane.queue.clone(),
        status: state.status,
        priority: lane.priority,
        payload,
        payload_hidden: false,
        attempt: state.attempt,
        retries: state.tally.retries,
        failures: state.tally.failures,
        losses: state.tally.losses,
        redrives: state.redrives,
        available_at: state.available_at,
        expires_at: state.expires_at,
        enqueued_at,
        finished_at: state.finished_at,
        completed_at: state.finished_at.filter(|_| state.status == EventStatus::Completed),
        result: state.result,
        last_error: state.last_error,
        dead_letter: state.dead_letter,
        lock,
        cancel_requested: state.cancel_requested,
        engine_id: state.engine_id,
        scenario_run_id,
        required_capabilities: lane.required_capabilities.iter().cloned().collect(),
        required_memory_mb: lane.required_memory_mb,
        engine_version: version(lane),
        idempotency_key: row.idempotency_key.map(|key| key.to_string()),
        idempotency_key_expires_at: row.idempotency_key_expires_at,
        retry_policy: overrides.retry_policy,
        visibility_timeout_seconds: overrides.visibility_timeout.map(|timeout| timeout.as_secs()),
        max_processing_seconds: overrides.max_processing.map(|max| max.as_secs()),
        progress_timeout_seconds: overrides.progress_timeout.map(|timeout| timeout.as_secs()),
        labels,
        traceparent: row.trace_parent,
        usage: None,
        progress: None,
        previous: None,
    }
}

fn version(lane: &LaneKey) -> Option<String> {
    lane.engine_version.as_ref().map(VersionRequirement::to_string)
}

pub(super) fn enqueued(enqueued: &Enqueued) -> EnqueueResponse {
    EnqueueResponse {
        event_id: enqueued.event_id,
        event_type: enqueued.lane.event_type.clone(),
        queue: enqueued.lane.queue.clone(),
        status: enqueued.status,
        available_at: enqueued.available_at,
        duplicate: enqueued.duplicate,
        warnings: Warnings::default().of(std::slice::from_ref(enqueued)),
        event: None,
    }
}

pub(super) fn batch(answers: impl Iterator<Item = Result<Enqueued, Problem>>) -> BatchResponse {
    let mut enqueued = Vec::new();
    let mut events = Vec::new();
    for answer in answers {
        events.push(match answer {
            Ok(one) => {
                let event = BatchedEvent { event_id: Some(one.event_id), duplicate: one.duplicate, error: None };
                enqueued.push(one);
                event
            }
            Err(refused) => BatchedEvent { event_id: None, duplicate: false, error: Some(refused) },
        });
    }
    let duplicates = enqueued.iter().filter(|one| one.duplicate).count() as u64;
    BatchResponse {
        enqueued: enqueued.len() as u64 - duplicates,
        duplicates,
        rejected: (events.len() - enqueued.len()) as u64,
        events,
        warnings: Warnings::default().of(&enqueued),
    }
}

/// Most warnings of one answer.
const MAX_WARNINGS: usize = 1_000;

/// Warnings that were given already, so that each is given once.
#[derive(Default)]
pub(super) struct Warnings(HashSet<String>);

impl Warnings {
    /// What a producer should know of these events, and does not know yet.
    pub(super) fn of(&mut self, enqueued: &[Enqueued]) -> Vec<Warning> {
        let hopeless =
            enqueued.iter().filter_map(|one| Some((one.event_id, no_engine_fits(&one.lane, one.miss.as_ref()?))));
        hopeless
            .filter(|(_, detail)| self.0.len() < MAX_WARNINGS && self.0.insert(detail.clone()))
            .map(|(event_id, detail)| Warning { code: WarningCode::NoEngineFits, detail, event_id: Some(event_id) })
            .collect()
    }
}

fn no_engine_fits(lane: &LaneKey, miss: &NearestMiss) -> String {
    match miss.engines {
        0 => format!("no engine is registered that could run {}", lane.event_type),
        _ => format!("no registered engine could ever run {}: the nearest would fit but for {miss}", lane.event_type),
    }
}

/// The settlements that can be carried out, and what becomes of all.
pub(super) fn settlements(
    read: Vec<ReadSettlement>,
    principal: &Principal,
    session: SessionHeader,
) -> (Vec<SettleCommand>, SettlementResults) {
    let mut commands = Vec::with_capacity(read.len());
    let mut results = Vec::with_capacity(read.len());
    for settlement in read {
        results.push(match settlement {
            Ok(command) => {
                let event_id = Some(command.event_id);
                commands.push(SettleCommand {
                    within: principal.selectors().cloned(),
                    settler: session.settler(principal),
                    ..command
                });
                SettlementResult { event_id, status: None, error: None }
            }
            Err(RefusedSettlement { event_id, why }) => {
                SettlementResult { event_id, status: None, error: Some(Problem::from(why)) }
            }
        });
    }
    (commands, SettlementResults(results))
}

/// One result for each settlement, in their order: of those that were refused already, their problems.
pub(super) struct SettlementResults(Vec<SettlementResult>);

impl SettlementResults {
    /// All results, with the answers to those that were carried out.
    pub(super) fn with(self, answers: Vec<SettleResult>) -> Vec<SettlementResult> {
        let mut answers = answers.into_iter();
        let mut results = self.0;
        for result in results.iter_mut().filter(|result| result.error.is_none()) {
            match answers.next() {
                Some(Ok(settled)) => result.status = Some(settled.event.state.status),
                Some(Err(refusal)) => {
                    let problem = ProblemResponse::from(refusal).into_document();
                    (result.status, result.error) = (problem.event_status, Some(problem));
                }
                None => {
                    let left_out = ProblemResponse::internal("the dispatcher left a settlement out of its answer");
                    result.error = Some(left_out.into_document());
                }
            }
        }
        results
    }
}

pub(super) fn heartbeat(answer: HeartbeatAnswer, errors: Vec<FieldError>) -> HeartbeatResponse {
    let HeartbeatAnswer { status, renewed, lost, cancel, drain } = answer;
    HeartbeatResponse { status, renewed, lost, cancel, drain, errors }
}

/// An engine with the locks that it holds.
pub(super) fn engine_with_locks(
    engine: &enginehouse_core::engine::RegisteredEngine,
    held: &[EventRecord],
    now: Timestamp,
) -> Engine {
    let locks: Vec<_> = held.iter().filter_map(engine_lock).collect();
    let count = u32::try_from(locks.len()).unwrap_or(u32::MAX);
    Engine { locks: Some(locks), ..Engine::new(engine, count, now) }
}

fn engine_lock(record: &EventRecord) -> Option<EngineLock> {
    let state = &record.event.state;
    let lock = state.lock.as_ref()?;
    Some(EngineLock {
        event_id: record.event.event_id,
        event_type: record.lane.event_type.clone(),
        attempt: state.attempt,
        claimed_at: lock.claimed_at,
        expires_at: lock.expires_at,
        cancel_requested: state.cancel_requested,
    })
}

pub(super) fn dead_letter(row: DeadLetterRow) -> DeadLetter {
    let DeadLetterRow { reason, dead_lettered_at, record: EventRecord { event, lane, payload, .. } } = row;
    DeadLetter {
        event_id: event.event_id,
        event_type: lane.event_type,
        queue: lane.queue,
        reason,
        failures: event.state.tally.failures,
        losses: event.state.tally.losses,
        last_error: event.state.last_error,
        engine_id: event.state.engine_id,
        engine_software_version: event.state.engine_software_version.as_deref().map(str::to_owned),
        dead_lettered_at,
        redrives: event.state.redrives,
        payload,
        payload_hidden: false,
    }
}

/// Groups of dead letters. Those that wait for different reasons are one.
pub(super) fn dead_letter_groups(rows: Vec<rows::DeadLetterGroupRow>) -> Vec<DeadLetterGroup> {
    let mut groups: Vec<DeadLetterGroup> = Vec::with_capacity(rows.len());
    let mut places = HashMap::with_capacity(rows.len());
    for row in rows {
        let group_id = row.id();
        let place = *places.entry(group_id).or_insert(groups.len());
        let Some(group) = groups.get_mut(place) else {
            groups.push(DeadLetterGroup {
                group_id,
                event_type: row.event_type,
                // The largest part comes first.
                reason: row.reason,
                reasons: vec![row.reason],
                error_code: row.error_code,
                message: Some(row.message).filter(|message| !message.is_empty()),
                count: row.count,
                oldest_at: row.oldest_at,
                newest_at: row.newest_at,
                sample_event_id: row.sample_event_id,
            });
            continue;
        };
        group.reasons.push(row.reason);
        group.count += row.count;
        group.oldest_at = group.oldest_at.min(row.oldest_at);
        group.newest_at = group.newest_at.max(row.newest_at);
        group.sample_event_id = group.sample_event_id.max(row.sample_event_id);
    }
    // The parts of a group are in the order of their own sizes.
    groups.sort_by_key(|group| std::cmp::Reverse(group.count));
    groups
}

pub(super) fn scenario_run(
    run: ScenarioRunCounts,
    pause: Option<&Pause>,
    engines: Option<Vec<EngineId>>,
    now: Timestamp,
) -> ScenarioRun {
    let (activity, began) = (run.activity, run.first_enqueued_at);
    let open = run.counts.of(EventStatus::Queued) + run.counts.of(EventStatus::Processing);
    ScenarioRun {
        last_activity_at: activity.last_activity_at,
        ends_per_second: activity.ends_per_second(began, now),
        estimated_end_at: activity.estimated_end(began, open, now).filter(|_| pause.is_none()),
        paused_at: pause.map(|pause| pause.since),
        pause_reason: pause.and_then(|pause| pause.reason.clone()),
        scenario_run_id: run.scenario_run_id,
        events: counts(run.counts),
        first_enqueued_at: run.first_enqueued_at,
        engines,
    }
}

pub(super) fn lane(row: LaneCounts, paused: bool) -> LaneStats {
    let LaneCounts { lane, counts, oldest_available_at } = row;
    let engine_version = version(&lane.key);
    LaneStats {
        queue: lane.key.queue,
        event_type: lane.key.event_type,
        priority: lane.key.priority,
        required_capabilities: lane.key.required_capabilities.into_iter().collect(),
        required_memory_mb: lane.key.required_memory_mb,
        engine_version,
        scenario_run_id: lane.key.suspended_run,
        paused,
        queued: counts.queued,
        processing: counts.processing,
        completed: counts.completed,
        failed: counts.failed,
        cancelled: counts.cancelled,
        oldest_available_at,
    }
}

pub(super) fn counts(counts: StatusCounts) -> EventCounts {
    let StatusCounts { queued, processing, completed, failed, cancelled } = counts;
    EventCounts { queued, processing, completed, failed, cancelled }
}
