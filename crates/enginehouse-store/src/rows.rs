//! What a row holds: plain data.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use enginehouse_core::access::secret::{Accessor, SecretHash};
use enginehouse_core::access::selector::Selector;
use enginehouse_core::access::token::TokenRecord;
use enginehouse_core::audit::chain::{ChainEnds, ChainLink};
use enginehouse_core::audit::{AuditEntry, AuditFilter, AuditRecord};
use enginehouse_core::durations::{DurationHistogram, DurationKind};
use enginehouse_core::engine::RegisteredEngine;
use enginehouse_core::error_group::ErrorGroupId;
use enginehouse_core::event::{AttemptError, DeadLetterReason, EventStatus};
pub use enginehouse_core::filter::{DeadLetterFilter, DeadLetterSearch, EngineFilter, EventFilter, PageRequest};
use enginehouse_core::gates::PausedRun;
use enginehouse_core::ids::{EngineId, EventId, EventType, LaneId, QueueName, ScenarioRunId};
use enginehouse_core::json::RawJson;
use enginehouse_core::lane::{Lane, LaneKey};
use enginehouse_core::minutes::MinuteTally;
use enginehouse_core::pause::Pause;
use enginehouse_core::policy::Overrides;
use enginehouse_core::policy::Settings;
use enginehouse_core::report::{AttemptProgress, AttemptReport, AttemptUsage, LogTail};
use enginehouse_core::run_activity::RunActivity;
use enginehouse_core::time::Timestamp;
use enginehouse_core::trace_parent::TraceParent;
use enginehouse_core::transition::{AttemptEnd, EventState};

/// An event, without its payload.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRow {
    pub event_id: EventId,
    pub lane_id: LaneId,
    pub scenario_run_id: Option<ScenarioRunId>,
    /// The key that makes a repeat of its enqueue safe.
    pub idempotency_key: Option<Arc<str>>,
    /// From when on it has no claim to its key; none if it has it as long as it is kept.
    pub idempotency_key_expires_at: Option<Timestamp>,
    /// Its own part of the policy.
    pub overrides: Overrides,
    /// Words of the producer's own.
    pub labels: BTreeMap<String, String>,
    /// The span that enqueued it.
    pub trace_parent: Option<TraceParent>,
    pub enqueued_at: Timestamp,
    /// What changes during its life.
    pub state: EventState,
}

/// An event to be added.
#[derive(Clone, Debug)]
pub struct NewEventRow {
    pub event: EventRow,
    pub payload: RawJson,
    /// What tells its request from another one with the same idempotency key; some exactly if it has a key.
    pub fingerprint: Option<[u8; 16]>,
}

/// What an engine has reported of an attempt, without what may be long.
#[derive(Clone, Debug, PartialEq)]
pub struct AttemptReportRow {
    /// Of which lock.
    pub lock_serial: i64,
    /// When it reported last.
    pub reported_at: Timestamp,
    pub usage: Option<AttemptUsage>,
    /// The last progress, and when it was reported.
    pub progress: Option<(Timestamp, AttemptProgress)>,
    pub log_url: Option<String>,
}

/// A report to be written. What it does not say stays as it was reported before.
#[derive(Clone, Debug, PartialEq)]
pub struct ReportWrite {
    pub event_id: EventId,
    /// Of which lock.
    pub lock_serial: i64,
    pub reported_at: Timestamp,
    pub report: AttemptReport,
    /// The end of the log with the lines of the report; none if it has none.
    pub log: Option<LogTail>,
}

/// What engines have reported of an event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ReportSummary {
    /// What all of its attempts have used together.
    pub usage: Option<AttemptUsage>,
    /// The progress of the attempt of its newest lock, and when it was reported.
    pub progress: Option<(Timestamp, AttemptProgress)>,
}

impl ReportSummary {
    /// Of the attempts of an event, whose newest lock has this serial.
    pub(crate) fn of(reports: &[AttemptReportRow], lock_serial: i64) -> Self {
        let usage = reports.iter().filter_map(|report| report.usage).reduce(AttemptUsage::plus);
        let newest = reports.iter().find(|report| report.lock_serial == lock_serial);
        Self { usage, progress: newest.and_then(|report| report.progress.clone()) }
    }
}

/// An event with its payload and the lane it is in, for people.
#[derive(Clone, Debug, PartialEq)]
pub struct EventRecord {
    pub event: EventRow,
    /// What it has in common with its lane.
    pub lane: LaneKey,
    pub payload: RawJson,
    /// What engines have reported of it, if they have.
    pub reports: Option<ReportSummary>,
}

impl EventRecord {
    /// Its place in the lists that it is in.
    pub(crate) fn place(&self) -> String {
        self.event.event_id.to_string()
    }
}

impl NewEventRow {
    /// The columns of a state have defaults, which say that nobody has claimed the event yet.
    ///
    /// # Errors
    /// If its state says something else.
    pub(crate) fn check(&self) -> Result<(), String> {
        let EventRow { event_id, state, .. } = &self.event;
        if *state == (EventState { expires_at: state.expires_at, ..EventState::enqueued(state.available_at) }) {
            return Ok(());
        }
        Err(format!("event {event_id} is new, but not as one that was just enqueued"))
    }
}

/// An event that is kept under an idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyedEvent {
    pub key: Arc<str>,
    pub event_id: EventId,
    /// What tells its request from another one.
    pub fingerprint: [u8; 16],
    /// From when on the key is free for another event.
    pub expires_at: Option<Timestamp>,
}

impl KeyedEvent {
    /// Whether the key is free for another event.
    pub fn has_expired(&self, now: Timestamp) -> bool {
        self.expires_at.is_some_and(|at| at <= now)
    }
}

/// A part of a lane to look for ready events in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadyRange {
    pub lane_id: LaneId,
    /// Behind which event it begins; at the beginning of the lane if none.
    pub after: Option<(Timestamp, EventId)>,
}

/// An event that may be claimed, with all that whoever claims it is given.
#[derive(Clone, Debug, PartialEq)]
pub struct ReadyEvent {
    pub event: EventRow,
    pub payload: RawJson,
}

impl ReadyEvent {
    /// Its place in the order in which events are claimed.
    pub fn position(&self) -> (Timestamp, EventId) {
        (self.event.state.available_at, self.event.event_id)
    }
}

/// What is written to an event.
#[derive(Clone, Copy, Debug)]
pub struct EventChange<'a> {
    /// As it is from now on.
    pub event: &'a EventRow,
    /// Its state as it was read: only in what differs from it does the row change.
    pub read: &'a EventState,
    /// A payload in place of its own.
    pub payload: Option<&'a RawJson>,
    /// The lane that it was read in, if its attributes are written too: its lane, labels and overrides.
    pub read_lane: Option<LaneId>,
}

impl EventChange<'_> {
    /// Whether a claim may find it that could not before.
    pub(crate) fn arrives(&self) -> bool {
        let (read, state) = (self.read, &self.event.state);
        let is_new_there = self.read_lane.is_some_and(|lane_id| lane_id != self.event.lane_id);
        let waited = read.status == EventStatus::Queued && read.available_at == state.available_at;
        state.status == EventStatus::Queued && (is_new_there || !waited)
    }
}

/// A place in the order of lock expiry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LockCursor {
    pub expires_at: Timestamp,
    pub event_id: EventId,
}

/// A dead letter to be added.
#[derive(Clone, Debug, PartialEq)]
pub struct NewDeadLetter {
    pub event_id: EventId,
    pub event_type: EventType,
    pub queue: QueueName,
    /// Why it waits for a person.
    pub reason: DeadLetterReason,
    pub dead_lettered_at: Timestamp,
    /// What went wrong last.
    pub error: Option<AttemptError>,
}

/// A dead letter with its event.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetterRow {
    /// Why it waits for a person.
    pub reason: DeadLetterReason,
    pub dead_lettered_at: Timestamp,
    pub record: EventRecord,
}

/// What a bulk operation on dead letters would touch.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetterPreviewRow {
    pub count: u64,
    /// The first of them, oldest event first.
    pub first: Vec<DeadLetterRow>,
}

/// Dead letters that failed alike and wait for the same reason. Those of other reasons may be of the same group.
#[derive(Clone, Debug, PartialEq)]
pub struct DeadLetterGroupRow {
    pub event_type: EventType,
    /// Why they wait.
    pub reason: DeadLetterReason,
    pub error_code: Option<String>,
    /// What the messages of their last errors have in common.
    pub message: String,
    pub count: u64,
    /// When the first of them became a dead letter.
    pub oldest_at: Timestamp,
    /// When the last one did.
    pub newest_at: Timestamp,
    /// One of them.
    pub sample_event_id: EventId,
}

impl DeadLetterGroupRow {
    pub fn id(&self) -> ErrorGroupId {
        ErrorGroupId::of(&self.event_type, self.error_code.as_deref(), &self.message)
    }
}

/// A part of a list.
#[derive(Clone, Debug, PartialEq)]
pub struct ResultPage<T> {
    pub items: Vec<T>,
    /// The place behind the last of them, if more may follow.
    pub next: Option<String>,
}

impl<T> ResultPage<T> {
    /// The same part, of what belongs to each item.
    pub fn map<U>(self, each: impl FnMut(T) -> U) -> ResultPage<U> {
        ResultPage { items: self.items.into_iter().map(each).collect(), next: self.next }
    }
}

/// How many events are in each status.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StatusCounts {
    pub queued: u64,
    pub processing: u64,
    pub completed: u64,
    pub failed: u64,
    pub cancelled: u64,
}

impl StatusCounts {
    pub fn of(&self, status: EventStatus) -> u64 {
        match status {
            EventStatus::Queued => self.queued,
            EventStatus::Processing => self.processing,
            EventStatus::Completed => self.completed,
            EventStatus::Failed => self.failed,
            EventStatus::Cancelled => self.cancelled,
        }
    }

    pub fn of_mut(&mut self, status: EventStatus) -> &mut u64 {
        match status {
            EventStatus::Queued => &mut self.queued,
            EventStatus::Processing => &mut self.processing,
            EventStatus::Completed => &mut self.completed,
            EventStatus::Failed => &mut self.failed,
            EventStatus::Cancelled => &mut self.cancelled,
        }
    }
}

/// What has changed in the set of lanes since an earlier version of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaneChangesSince {
    /// Lanes that came into use, in the order of their ids. A lane may be named again although it has not changed.
    pub active: Vec<Lane>,
    /// Lanes that went out of use. They may still have events, but a new event must not be added before the lane is
    /// interned again.
    pub retired: Vec<Lane>,
    /// Lanes that were deleted.
    pub deleted: Vec<LaneId>,
    /// Whether `active` and `retired` are all lanes that exist. The caller then drops every other lane it knows.
    pub is_complete: bool,
    /// The version of the set with these changes: where the next call begins.
    pub version: u64,
}

/// What has changed in the registry.
#[derive(Clone, Copy, Debug)]
pub enum RegistryChange<'a> {
    /// Engines were added, or changed in what others have copies of: not by a heartbeat.
    Engines(&'a [EngineId]),
    EnginesDeleted,
    Settings,
    Tokens,
}

/// The tokens of a store, as of one version of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenRows {
    /// Rises when one is made, rotated or revoked.
    pub version: i64,
    /// Those that can be read, by accessor.
    pub tokens: Vec<TokenRecord>,
    /// Whether there is any, one that cannot be read and one that is over included.
    pub exist: bool,
}

/// That a secret was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenUse {
    pub accessor: Accessor,
    pub secret: SecretHash,
    pub at: Timestamp,
}

/// What has changed in the registry since an earlier version of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RegistryChangesSince {
    /// The settings, if they have changed.
    pub settings: Option<SettingsRows>,
    /// The engines that have changed.
    pub engines: Vec<RegisteredEngine>,
    /// Whether `engines` are all that exist. The caller then drops every other engine it knows.
    pub is_complete: bool,
}

/// Every engine, and what each holds.
#[derive(Clone, Debug, Default)]
pub struct FleetRows {
    pub engines: Vec<RegisteredEngine>,
    /// By engine.
    pub locks: Vec<LockRow>,
    /// Those of the events that engines hold which were lost before: they may be on their last chance.
    pub lost_before: Vec<EventRow>,
}

/// A lock of some engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockRow {
    pub engine_id: EngineId,
    pub event_id: EventId,
    pub lane_id: LaneId,
    pub claimed_at: Timestamp,
    /// How long the lock lasts from each renewal.
    pub visibility_timeout: Duration,
}

/// How many events of a lane are in each status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LaneCounts {
    pub lane: Lane,
    pub counts: StatusCounts,
    /// Since when its oldest queued event has been due, or from when on it will be.
    pub oldest_available_at: Option<Timestamp>,
}

/// How many events of a scenario run are in each status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioRunCounts {
    pub scenario_run_id: ScenarioRunId,
    pub first_enqueued_at: Timestamp,
    pub counts: StatusCounts,
    pub activity: RunActivity,
}

/// How many bytes of what callers have written one page of a list holds, unless a single item has more.
pub(crate) const MAX_PAGE_BYTES: usize = 8 * 1024 * 1024;

/// How many bytes an engine's metadata takes in a list.
pub(crate) fn metadata_bytes(engine: &RegisteredEngine) -> usize {
    serde_json::to_vec(&engine.metadata).map_or(0, |text| text.len())
}

/// What happened to an event.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// Attempts that did not complete it.
    pub attempts: Vec<AttemptEnd>,
    /// The event itself, if it is kept: it tells of the attempt that completed it, or is under way.
    pub event: Option<EventRow>,
    /// What engines have reported of its attempts, in the order of their locks.
    pub reports: Vec<AttemptReportRow>,
    /// What operators did to it.
    pub actions: Vec<AuditEntry>,
}

/// Entries of the audit log in the order of the chain, with its ends as of the same moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AuditChainPage {
    pub records: Vec<AuditRecord>,
    pub ends: ChainEnds,
    /// How many entries are not linked yet.
    pub unlinked: u64,
}

/// That a database role may enqueue in SQL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnqueueGrant {
    pub role_name: String,
    /// In which queues; in all if none.
    pub queue: Option<Selector>,
    /// Events of which types; of all if none.
    pub event_type: Option<Selector>,
    pub granted_at: Timestamp,
}

/// How many addresses of one token are told from each other.
pub const MAX_TOKEN_ADDRESSES: u32 = 1_000;

/// A place in the list of audit entries, the newest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct AuditPlace {
    pub(crate) at: Timestamp,
    pub(crate) audit_id: i64,
}

impl AuditPlace {
    /// The place that a page lies before; none if no page has answered it.
    pub(crate) fn before(filter: &AuditFilter, page: &PageRequest) -> Option<Self> {
        // What is from before the moment itself is before its first number.
        let end = filter.until.map_or(Self { at: Timestamp::MAX, audit_id: i64::MAX }, |at| Self { at, audit_id: 0 });
        let Some(place) = &page.after else { return Some(end) };
        let (at, audit_id) = place.split_once('-')?;
        let (at, audit_id) = (Timestamp::from_millis(at.parse().ok()?), audit_id.parse().ok()?);
        Some(if (at, audit_id) < (end.at, end.audit_id) { Self { at, audit_id } } else { end })
    }
}

impl fmt::Display for AuditPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.at.as_millis(), self.audit_id)
    }
}

/// The last of the oldest linked entries up to which each is from before a moment. They go in the order of the chain, so that what
/// is left of it is whole.
pub(crate) fn linked_before(oldest: &[AuditRecord], before: Timestamp) -> Option<ChainLink> {
    oldest.iter().take_while(|record| record.entry.at < before).last()?.link
}

/// How long events of one type waited, or took, on one day, with engines of one version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DurationRow {
    pub event_type: EventType,
    /// What the engines call their version; none if they declare none.
    pub engine_version: Option<Arc<str>>,
    /// The beginning of the day, in UTC.
    pub day: Timestamp,
    pub kind: DurationKind,
    pub histogram: DurationHistogram,
}

/// What happened within one minute to events of a type in a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MinuteRow {
    pub key: MinuteKey,
    pub tally: MinuteTally,
}

/// Of which minute, and of which events. In the order in which they are read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MinuteKey {
    /// The beginning of the minute.
    pub minute: Timestamp,
    /// The queue and the event type; none for all that were not told apart.
    pub pair: Option<(QueueName, EventType)>,
}

impl MinuteKey {
    /// As the stores keep them: empty where there are none.
    pub(crate) fn names(&self) -> (&str, &str) {
        self.pair.as_ref().map_or(("", ""), |(queue, event_type)| (queue.as_str(), event_type.as_str()))
    }
}

/// Which minutes to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MinuteFilter {
    /// From this one on.
    pub from: Timestamp,
    /// Before this one.
    pub to: Timestamp,
    /// Of this queue; with what was not told apart, if neither is named.
    pub queue: Option<QueueName>,
    /// Of this event type.
    pub event_type: Option<EventType>,
}

impl MinuteFilter {
    /// Behind which place to begin: behind `after`, or before the first minute.
    pub(crate) fn place(&self, after: Option<MinuteKey>) -> MinuteKey {
        // Minutes are whole: no key is at such a moment.
        let before = Timestamp::from_millis(self.from.as_millis() - 1);
        after.unwrap_or(MinuteKey { minute: before, pair: None })
    }
}

/// What is set for event types and queues, by name, and which scenario runs are paused.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SettingsRows {
    pub event_types: BTreeMap<EventType, Settings>,
    pub queues: BTreeMap<QueueName, Settings>,
    pub pauses: Pauses,
}

impl SettingsRows {
    /// What is set for an event type.
    pub fn event_type(&self, event_type: &EventType) -> Option<SettingsRow> {
        let pause = self.pauses.event_types.get(event_type).cloned();
        self.event_types.get(event_type).map(|settings| SettingsRow { settings: *settings, pause })
    }

    /// What is set for a queue.
    pub fn queue(&self, queue: &QueueName) -> Option<SettingsRow> {
        let pause = self.pauses.queues.get(queue).cloned();
        self.queues.get(queue).map(|settings| SettingsRow { settings: *settings, pause })
    }

    /// A scenario run, if it is paused.
    pub fn paused_run(&self, run: Option<&ScenarioRunId>) -> Option<PausedRun<'_>> {
        let (scenario_run_id, pause) = self.pauses.scenario_runs.get_key_value(run?)?;
        Some(PausedRun { scenario_run_id, pause })
    }
}

/// Since when and why what is paused is. Of settings that nobody can read, nothing is known.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pauses {
    pub event_types: BTreeMap<EventType, Pause>,
    pub queues: BTreeMap<QueueName, Pause>,
    /// Of a pause that nobody can read, the run alone is known: it is paused.
    pub scenario_runs: BTreeMap<ScenarioRunId, Pause>,
}

/// What is set for an event type or a queue. It is paused exactly if there is a pause.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SettingsRow {
    pub settings: Settings,
    pub pause: Option<Pause>,
}
