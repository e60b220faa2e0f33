"""What the server answers, as objects with typed fields. Fields that this version does not know are left out.

Generated from openapi.json by tools/generate.py: change that, not this.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import msgspec

from ._json import RawJson, decode

if TYPE_CHECKING:
    AttemptOutcome: TypeAlias = Literal["completed", "failed", "timed_out", "stuck", "lost", "released"]
    AttentionKind: TypeAlias = Literal["store_damaged", "disk_low", "lane_impossible", "lane_blocked", "engine_lost", "locks_lost", "dead_letters_grow", "suspect", "events_wait", "pruning_held"]
    AuditOutcome: TypeAlias = Literal["done", "denied"]
    BlockedAction: TypeAlias = Literal["alert", "dead_letter", "cancel"]
    ChangeAction: TypeAlias = Literal["resume_queue", "resume_event_type", "resume_scenario_run", "make_available", "resume_engine", "lift_quarantine", "retry_here", "start_engine", "raise_max_concurrent_events", "raise_memory_limit", "add_capabilities", "change_version", "empty_engine", "run_first", "lower_cpu", "register_engine"]
    Code: TypeAlias = Literal["invalid_request", "not_found", "method_not_allowed", "too_large", "unsupported_media_type", "idempotency_conflict", "lock_lost", "wrong_status", "engine_superseded", "engine_lost", "engine_not_registered", "engine_alive", "unauthenticated", "forbidden", "wrong_session", "cross_origin", "misdirected_request", "unsupported_transfer_coding", "overloaded", "quota_exceeded", "limit_reached", "store_unavailable", "shutting_down", "timeout", "unreadable", "internal"]
    DeadLetterReason: TypeAlias = Literal["retries_exhausted", "rejected", "requested", "lost_too_often", "blocked"]
    EngineStatus: TypeAlias = Literal["active", "draining", "lost", "stopped"]
    EventStatus: TypeAlias = Literal["queued", "processing", "completed", "failed", "cancelled"]
    InstanceColor: TypeAlias = Literal["red", "orange", "yellow", "green", "teal", "blue", "purple", "pink"]
    MemberOutcome: TypeAlias = Literal["conflict", "failed"]
    OperationAction: TypeAlias = Literal["cancel_events", "retry_events", "redrive_events", "redrive_dead_letters", "discard_dead_letters", "drain_engines", "resume_engines", "deregister_engines", "quarantine_engines", "lift_quarantines"]
    OperationStatus: TypeAlias = Literal["collecting", "running", "completed", "cancelled", "failed"]
    Passage: TypeAlias = Literal["open", "closed", "not_reached"]
    QuarantineMode: TypeAlias = Literal["off", "advise", "enforce"]
    RetryElsewhere: TypeAlias = Literal["prefer", "require", "off"]
    Role: TypeAlias = Literal["metrics", "viewer", "producer", "engine", "operator", "admin"]
    SuspectKind: TypeAlias = Literal["engine", "engine_at_type", "version_at_type"]
    TokenStatus: TypeAlias = Literal["active", "waiting", "expired", "revoked"]
    Verdict: TypeAlias = Literal["impossible", "blocked", "waiting", "runnable", "running", "finished"]
    WaitingVerdict: TypeAlias = Literal["impossible", "blocked", "waiting", "runnable"]
    WarningCode: TypeAlias = Literal["no_engine_fits", "unreadable_version"]
else:
    # What a newer server answers must not be refused here.
    AttemptOutcome = str
    AttentionKind = str
    AuditOutcome = str
    BlockedAction = str
    ChangeAction = str
    Code = str
    DeadLetterReason = str
    EngineStatus = str
    EventStatus = str
    InstanceColor = str
    MemberOutcome = str
    OperationAction = str
    OperationStatus = str
    Passage = str
    QuarantineMode = str
    RetryElsewhere = str
    Role = str
    SuspectKind = str
    TokenStatus = str
    Verdict = str
    WaitingVerdict = str
    WarningCode = str


class Action(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Something that a person did to an event."""

    action: str
    """What: `cancel`, `retry`, `change`, `redrive`, `discard`, `release_key`; or `expire`, which time did."""

    at: datetime
    """When."""

    by: str
    """Who: the accessor of a token, `anyone` where there are no tokens, or `server` for what it does by itself."""

    detail: str | None
    """Anything more about it."""


class ActivityRates(msgspec.Struct, kw_only=True, omit_defaults=True):
    """How fast the work goes: of the last whole minute, and the one that has begun."""

    claimed_per_second: float
    """Events that were given to engines."""

    completed_per_second: float
    """Attempts that completed their events."""

    enqueued_per_second: float
    """Events that were enqueued."""

    failed_per_second: float
    """Attempts that failed or took too long."""

    lost_per_second: float
    """Attempts that ended because their locks were lost."""

    processing: DurationFigures | None
    """From a claim to the end of the attempt; null if none has ended."""

    waiting: DurationFigures | None
    """From when an event could be claimed to its claim; null if none was claimed."""


class Attempt(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One attempt."""

    attempt: int
    """Its number, counted from 1."""

    claimed_at: datetime
    """When it began."""

    ended_at: datetime | None
    """When it ended; null while it is under way."""

    engine_id: str
    """Who made it."""

    engine_software_version: str | None
    """The version of the engine's software, as it was registered when it claimed the event."""

    error: AttemptError | None
    """What went wrong."""

    log_url: str | None
    """Where its whole log is, if its engine has said so; else null."""

    outcome: AttemptOutcome | None
    """How it ended; null while it is under way."""

    progress: EventProgress | None
    """How far it has come, as its engine has reported it; null if it has not."""

    usage: AttemptUsage | None
    """What it has used, as far as its engine has reported it; null if it has not."""

    waited_seconds: float
    """How long the event had been available before."""


class AttemptError(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What went wrong in one attempt."""

    code: str | None = None
    """A stable word for programs, such as `timed_out`."""

    details_json: RawJson = msgspec.field(name="details", default=RawJson(b"null"))
    """Anything more, as JSON of at most 16 KiB. This is its exact text."""

    message: str
    """A sentence for people, or what a program has printed. Of one that is longer than 8 KiB, the beginning and
    the end are kept.
    """

    @property
    def details(self) -> Any:
        """Anything more, as JSON of at most 16 KiB."""
        return decode(self.details_json)


class AttemptLog(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The end of the log of one attempt."""

    attempt: int
    """The attempt's number."""

    engine_id: str
    """Who made it."""

    outcome: AttemptOutcome | None
    """How it ended; null while it is under way."""

    text: str
    """Its last lines, each with its end."""

    total_bytes: int
    """How many bytes the log has had in all. If that is more than there are here, its beginning was not kept."""


class AttemptUsage(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What an attempt has used."""

    cpu_seconds: float | None = None
    """Processor time in seconds, kept to the millisecond."""

    gpu_seconds: float | None = None
    """Time on graphics processors in seconds, kept to the millisecond."""

    max_memory_mb: float | None = None
    """The most memory it has had at once, in MiB, kept to the KiB."""


class AttentionItem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Something that needs a person."""

    count: int
    """How many events, locks, engines or dead letters it is about."""

    engine_id: str | None
    """The engine that it is about; null if it is about none."""

    event_id: str | None
    """An event that shows it; null if there is none."""

    event_type: str | None
    """The event type that it is about; null if it is about none, or several."""

    kind: AttentionKind
    """What kind of thing it is."""

    queue: str | None
    """The queue that it is about; null if it is about none."""

    since: datetime | None
    """Since when; null if that is not known."""

    summary: str
    """One sentence that a person can act on."""


class AuditChain(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Entries of the audit log in the order of the chain, with what the store says of its ends."""

    deleted: AuditLink | None
    """The newest that was deleted because its retention was over: from it the chain goes on. Null if none was."""

    head: AuditLink | None
    """The newest entry that is linked; null if there never was one. Keep a copy of its hash where nobody who may
    write to the store can change it.
    """

    items: list[AuditItem]
    """Entries from behind `after` on. Once they reach `head`, no more follow."""

    unlinked: int
    """How many entries are not linked yet."""


class AuditItem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Something that somebody did, or was kept from."""

    action: str
    """What, such as `queue.pause`; of a call that was denied, the permission that is missing."""

    address: str | None
    """From which address the request came."""

    at: datetime
    """When."""

    audit_id: int
    """The number that it was given when it was written."""

    detail_json: RawJson = msgspec.field(name="detail")
    """Anything more, as an object: of settings, what they were before and are after. Never a payload or a
    secret. This is its exact text.
    """

    hash: str | None
    """Its hash, over what it says and the hash of the entry before it."""

    outcome: AuditOutcome
    """Whether it was done."""

    position: int | None
    """Its place in the chain, from 1; null until it is linked, which follows within a few seconds."""

    principal: str
    """Who: the accessor of a token, `anyone` where there are no tokens, `store` for whoever has opened the store
    itself, or `server` for what it does by itself.
    """

    request_id: str | None
    """The id of the request, as the access log has it; null if nobody has sent one."""

    target: str
    """To which event, engine, event type, queue or token, by its id or name; of something that was denied, the
    call.
    """

    @property
    def detail(self) -> Any:
        """Anything more, as an object: of settings, what they were before and are after. Never a payload or a
        secret.
        """
        return decode(self.detail_json)


class AuditItemPage(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One page of a list."""

    items: list[AuditItem]
    """At most `limit` items, in the order of the list."""

    next_cursor: str | None
    """Send it as `cursor` to get the next page; null on the last one. Opaque."""


class AuditLink(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A place in the chain of the audit log."""

    hash: str
    """The hash of the entry there."""

    position: int
    """Counts from 1, without a gap."""


class AutomaticQuarantine(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A suspect engine is kept from events of one type for a while, and then tried with one."""

    event_type: str
    """Says what kind of work an event is."""

    over_at: datetime | None
    """When it has completed an event again; null while it has not."""

    reason: str
    """What speaks against the engine."""

    since: datetime
    """Since when."""

    times: int
    """How often it was quarantined for this type in a row. Each time is twice as long as the one before: from 1
    to 60 minutes.
    """

    until: datetime
    """From when on the engine is given one event of the type at a time, until it completes one."""


class BatchResponse(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What became of a batch."""

    duplicates: int
    """How many were there before, by their idempotency keys."""

    enqueued: int
    """How many events are new."""

    events: list[BatchedEvent]
    """One for each event of the request, in its order."""

    rejected: int
    """How many were refused: none of a batch that is all or nothing."""

    warnings: list[RequestWarning]
    """What the producer should know, each thing once."""


class BatchedEvent(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One event of a batch."""

    duplicate: bool
    """Whether the event was there before this request."""

    error: Problem | None = None
    """Why it was refused; absent if it was not."""

    event_id: str | None
    """The event: the new one, or the one that has the same idempotency key; null if it was refused."""


class BlockedLane(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A lane in which something waits, and why."""

    as_of: datetime
    """As of when, by the store's clock. A large fleet is looked at anew every few seconds."""

    engine_version: str | None
    """The range that an engine's version must lie in."""

    engines: ExplainedEngines
    """How far it gets with the fleet."""

    event_type: str
    """The kind of work."""

    first_event_id: str | None
    """The first of them; null if it was claimed meanwhile."""

    gates: list[ExplainedGate]
    """Every gate, in the order in which they are asked."""

    oldest_available_at: datetime | None
    """Since when that has been due, or from when on it will be."""

    priority: int
    """0 (first) to 9 (last)."""

    queue: str
    """The queue."""

    queued: int
    """How many events wait there, due or not."""

    required_capabilities: list[str]
    """What an engine must be capable of."""

    required_memory_mb: int | None
    """Memory that an engine must have free, in MiB."""

    smallest_change: list[ChangeView]
    """What would let it run now, step by step; empty if nothing has to change."""

    summary: str
    """One sentence that a person can act on."""

    verdict: Verdict
    """What holds it, in one word."""


class BlockedLanePage(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One page of a list."""

    items: list[BlockedLane]
    """At most `limit` items, in the order of the list."""

    next_cursor: str | None
    """Send it as `cursor` to get the next page; null on the last one. Opaque."""


class BulkDiscardResponse(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What became of a bulk discard."""

    discarded: int
    """How many dead letters are resolved."""


class BulkEventsResponse(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What one call of a bulk action has done."""

    asked_to_stop: int
    """How many of them are cancelled as soon as their engines stop, which are asked to with their next
    heartbeat.
    """

    changed: int
    """How many of them are cancelled, or available, now; 0 in a dry run."""

    event_ids: list[str]
    """The events that matched, in the order in which they were acted on; in a dry run, those that would be."""

    next_cursor: str | None
    """Send it as `cursor`, with the same filter, to go on; null when all that match have had their turn. A call
    may be about fewer events than its limit, or none, and still have a successor: it looks at a bounded
    number of events.
    """

    unchanged: int
    """How many of them had moved on when it was their turn, or were asked to stop before; 0 in a dry run."""


class BulkOperation(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An operation, as far as it is."""

    action: OperationAction
    """What an operation does to each of its members."""

    changed: int
    """How many were changed."""

    conflicts: int
    """How many had moved on when it was their turn, were gone, or were held by somebody else."""

    created_at: datetime
    """A moment between 1970 and 9999 (RFC 3339). Answers are in UTC, with milliseconds."""

    created_by: str
    """Who has created it: the accessor of a token, or `anyone`."""

    estimated_end_at: datetime | None
    """When it will have ended, as fast as it goes now; null if that is not known."""

    event_types: list[str]
    """Of a quarantine: the event types that it is for; all if there are none."""

    failed: int
    """How many could not be acted on."""

    failure: str | None
    """Why it could not go on, if its status is `failed`."""

    filter: str
    """What it is about, in the language of filters; empty if that is everything."""

    finished_at: datetime | None
    """A moment between 1970 and 9999 (RFC 3339). Answers are in UTC, with milliseconds."""

    force: bool
    """"""

    last_conflicts: list[UnchangedItem] | None = None
    """The last members that were not changed, the last one first; not in lists."""

    limit: int | None
    """How many it is about at most."""

    operation_id: str
    """Names one operation: a UUID of version 7 (RFC 9562)."""

    rate_per_second: float | None
    """"""

    reason: str | None
    """Why, by the word of whoever has created it."""

    remaining: int
    """How many had no turn yet; when it has ended, how many had none."""

    started_at: datetime | None
    """When the first member had its turn."""

    status: OperationStatus
    """How far an operation is."""

    stop_when_drained: bool
    """"""

    total: int
    """How many members it has. It is final once the status is not `collecting` any more."""

    until: datetime | None
    """Of a quarantine: when it ends by itself; null if never."""


class BulkOperationPage(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One page of a list."""

    items: list[BulkOperation]
    """At most `limit` items, in the order of the list."""

    next_cursor: str | None
    """Send it as `cursor` to get the next page; null on the last one. Opaque."""


class BulkRedriveResponse(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What became of a bulk redrive."""

    redriven: int
    """How many dead letters went back."""


class ChangeView(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One thing to do."""

    action: ChangeAction
    """What kind of thing."""

    capabilities: list[str] | None = None
    """The capabilities that the engine has to have too."""

    detail: str
    """The same in words."""

    engine_id: str | None = None
    """The engine that it is done to."""

    engine_version: str | None = None
    """The range that the engine's version has to lie in."""

    event_id: str | None = None
    """The event that it is about."""

    event_type: str | None = None
    """The event type that it is done to."""

    queue: str | None = None
    """The queue that it is done to."""

    scenario_run_id: str | None = None
    """The scenario run that it is done to."""

    to: float | None = None
    """The new value of a limit."""


class ClaimResponse(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What an engine got: events under locks whose tokens it is shown."""

    events: list[ClaimedEvent]
    """Best priority first, then oldest. Empty if there was nothing."""


class ClaimedEvent(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An event under the lock of the engine that claimed it."""

    attempt: int
    """The number of the present attempt, or of the last one; 0 before the first."""

    available_at: datetime
    """From when on it may be claimed, while queued."""

    cancel_requested: bool
    """Whether it is cancelled as soon as its lock ends."""

    completed_at: datetime | None
    """`finished_at`, if it is completed."""

    dead_letter: DeadLetterReason | None
    """Why it is a dead letter; null if it is none."""

    engine_id: str | None
    """The engine that claimed it last."""

    engine_version: str | None
    """The range that the engine's version must lie in."""

    enqueued_at: datetime
    """When it was enqueued."""

    event_id: str
    """Names it: a UUID of version 7."""

    event_type: str
    """What kind of work it is."""

    expires_at: datetime | None
    """When it is cancelled if it is queued then, for a retry too; null if never."""

    failures: int
    """Failed attempts over its whole life."""

    finished_at: datetime | None
    """When it was completed or cancelled, or finally failed."""

    idempotency_key: str | None
    """What makes a repeat of its enqueue safe; null if it has none, or none any more."""

    idempotency_key_expires_at: datetime | None
    """From when on the same key makes a new event; null if it has its key as long as it is kept."""

    labels: dict[str, str]
    """The producer's own words."""

    last_error: AttemptError | None
    """What went wrong last."""

    lock: ClaimedLock
    """Its lock, with the token that settles it."""

    losses: int
    """Locks lost since the enqueue or the last redrive."""

    max_processing_seconds: int | None
    """How long one attempt may take, in seconds; null if it sets none itself."""

    payload_json: RawJson = msgspec.field(name="payload")
    """The work itself, byte for byte as it was sent. This is its exact text."""

    payload_hidden: bool | None = None
    """Whether payload, result and the details of errors are left out, because the caller may not read them."""

    previous: PreviousAttempt | None = None
    """What the attempts before have left; absent if there were none."""

    priority: int
    """0 (first) to 9 (last)."""

    progress: EventProgress | None = None
    """How far the attempt is that is under way, as its engine has reported it; absent as `usage` is."""

    progress_timeout_seconds: int | None
    """How long one attempt may go on without reporting progress, in seconds; null if it sets none itself."""

    queue: str
    """The queue it waits in."""

    redrives: int
    """How often it was redriven."""

    required_capabilities: list[str]
    """What the engine must be capable of."""

    required_memory_mb: int | None
    """Memory that the engine must have free, in MiB."""

    result_json: RawJson = msgspec.field(name="result")
    """What its completion brought, byte for byte. This is its exact text."""

    retries: int
    """Retries spent since the enqueue or the last redrive."""

    retry_policy: RetryPolicyPatch | None
    """The event's own part of the retry policy."""

    scenario_run_id: str | None
    """The scenario run it belongs to."""

    status: EventStatus
    """Where it is in its life."""

    traceparent: str | None
    """The span that enqueued it, as W3C Trace Context writes it."""

    usage: AttemptUsage | None = None
    """What its attempts have used together, as far as engines have reported it: times added up, and the most
    memory. Absent where nothing was reported, and in answers to other calls than those that look at events.
    """

    visibility_timeout_seconds: int | None
    """How long a lock on it lasts unless extended, in seconds; null if it sets none itself."""

    @property
    def payload(self) -> Any:
        """The work itself, byte for byte as it was sent."""
        return decode(self.payload_json)

    @property
    def result(self) -> Any:
        """What its completion brought, byte for byte."""
        return decode(self.result_json)


class ClaimedLock(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The exclusive, time-limited right of one engine to process an event."""

    claimed_at: datetime
    """When the attempt began."""

    engine_id: str
    """The engine."""

    expires_at: datetime
    """When it is lost unless renewed."""

    holder: str
    """`processing_by_` and the engine's id."""

    progress_due_at: datetime | None = None
    """When the attempt fails as stuck unless progress is reported before; absent if it needs to report none."""

    times_out_at: datetime | None = None
    """When the attempt fails whatever its holder does; absent if it may take as long as it likes."""

    token: str
    """Proves that its bearer holds the lock. Only the answer to the claim has it."""


class DeadLetter(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A finally failed event that waits for a person."""

    dead_lettered_at: datetime
    """When it became a dead letter."""

    engine_id: str | None
    """The engine that claimed it last; null if none has."""

    engine_software_version: str | None
    """The version of that engine's software then; null if it has not said."""

    event_id: str
    """The event."""

    event_type: str
    """What kind of work it is."""

    failures: int
    """Failed attempts over its whole life."""

    last_error: AttemptError | None
    """What went wrong last."""

    losses: int
    """Locks lost since the enqueue or the last redrive."""

    payload_json: RawJson = msgspec.field(name="payload")
    """The work itself, byte for byte as it was sent. This is its exact text."""

    payload_hidden: bool | None = None
    """Whether payload and the details of errors are left out, because the caller may not read them."""

    queue: str
    """The queue it would go back to."""

    reason: DeadLetterReason
    """Why it is a dead letter."""

    redrives: int
    """How often it was redriven."""

    @property
    def payload(self) -> Any:
        """The work itself, byte for byte as it was sent."""
        return decode(self.payload_json)


class DeadLetterGroup(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Dead letters with one event type, error code and kind of message."""

    count: int
    """How many they are."""

    error_code: str | None
    """The code of their last error."""

    event_type: str
    """What kind of work they are."""

    group_id: str
    """What filters call the group: the same for the same failure, on every server, before it is a dead letter
    and after a redrive.
    """

    message: str | None
    """The last line of the message of their last error, with `#` for each number, id, path and quoted text; a
    code such as `550` stays.
    """

    newest_at: datetime
    """When the last became a dead letter."""

    oldest_at: datetime
    """When the first became a dead letter."""

    reason: DeadLetterReason
    """Why most of them are dead letters."""

    reasons: list[DeadLetterReason]
    """Why they are dead letters: each reason that some of them have, once."""

    sample_event_id: str
    """One of them."""


class DeadLetterPage(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One page of a list."""

    items: list[DeadLetter]
    """At most `limit` items, in the order of the list."""

    next_cursor: str | None
    """Send it as `cursor` to get the next page; null on the last one. Opaque."""

    searched_until: datetime | None = None
    """How far back the list was searched, if the page ended before it was full: a page looks at so many rows at
    most. What is older may be on the next page. Absent from full pages and the last one.
    """


class DeadLetterPreview(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What a bulk operation on dead letters would touch, in its order."""

    count: int
    """How many."""

    dead_lettered_before: datetime
    """Send it in the filter of the operation, and what becomes a dead letter after this answer is left alone."""

    first: list[DeadLetter]
    """The first of them, at most 10: oldest event first."""


class DeadLetterSummary(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Dead letters, grouped by what they have in common."""

    groups: list[DeadLetterGroup]
    """Largest first."""


class DiskRoom(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The room on a disk."""

    free_bytes: int
    """What may still be written, in bytes."""

    total_bytes: int
    """What fits in all, in bytes."""


class DurationFigures(msgspec.Struct, kw_only=True, omit_defaults=True):
    """How long something took, in seconds."""

    count: int
    """How often it was seen."""

    mean_seconds: float
    """The mean."""

    p50_seconds: float
    """Half of them took at most so long, within 3.2 %."""

    p95_seconds: float
    """95 of a hundred took at most so long, within 3.2 %."""

    p99_seconds: float
    """99 of a hundred took at most so long, within 3.2 %."""


class Engine(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A registered instance of a worker."""

    automatic_quarantines: list[AutomaticQuarantine]
    """Those that it was put in because it failed events of a type more than others do, where that is enforced."""

    draining: bool
    """Whether it is to get no new events, even after it was lost and came back."""

    engine_id: str
    """Names it."""

    engine_type: str
    """Groups it."""

    epoch: int
    """How often this id has registered; to be sent with heartbeats and claims."""

    heartbeat_interval_seconds: int
    """How often it must send a heartbeat, in seconds; 0 if never."""

    last_heartbeat_at: datetime
    """When its last heartbeat arrived, or its registration."""

    locks: list[EngineLock] | None = None
    """The locks it holds; only where one engine is asked for."""

    locks_held: int
    """How many locks it holds."""

    lost_after_seconds: int | None
    """After how many seconds of silence it is lost; null if never."""

    metadata: dict[str, Any]
    """What it says about itself."""

    quarantine: Quarantine | None
    """What keeps it from events now, though it is active; null if nothing does."""

    registered_at: datetime
    """When this epoch began."""

    session_token: str | None = None
    """What its process sends from now on, as the header `Enginehouse-Session`; only in the answer to its
    registration. Nobody can show it again, and the next registration ends it.
    """

    status: EngineStatus
    """Where it is in its life."""

    warnings: list[RequestWarning] | None = None
    """What whoever runs it should know."""


class EngineCounts(msgspec.Struct, kw_only=True, omit_defaults=True):
    """How many engines there are, by status."""

    active: int
    """May claim events."""

    draining: int
    """Get no new events."""

    lost: int
    """Missed their heartbeats."""

    stopped: int
    """Deregistered, or drained to the end."""


class EngineExplanation(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What an engine could claim, and what keeps it from more."""

    as_of: datetime
    """As of when, by the store's clock. A large fleet is looked at anew every few seconds."""

    claimable: list[WaitingLane]
    """Where those are: the best priority first; at most 20 lanes."""

    could_claim: int
    """How many events it could be given now, one at a time."""

    engine_id: str
    """The engine."""

    held: int
    """How many locks it holds."""

    held_back_for: StarvingEventView | None
    """The event for which it is held back from what would delay that; null if there is none."""

    held_memory_mb: int
    """The memory that what it holds requires, in MiB."""

    holds: list[HeldEvent]
    """What it holds, the longest held first; at most 5."""

    kept_from: list[KeptFrom]
    """What keeps it from the others, the gate with the most events first."""

    last_claim_at: datetime | None
    """When it last asked this server for events; null if it has not, since the server was started."""

    max_concurrent_events: int
    """The most that it may hold."""

    memory_limit_mb: int | None
    """The memory that it declares, in MiB."""

    status: EngineStatus
    """Where it is in its life."""

    summary: str
    """One sentence that a person can act on."""

    would_open: list[WouldOpen]
    """Single changes that would open something, the one that opens most first; at most 10."""


class EngineLoad(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What an engine said of its load in the last quarter of an hour, as far as the server that answers has run
    for so long.

    The lists go together: what stands at one place of each was noted at the same moment, once a minute.
    """

    at: list[datetime]
    """When it was noted, oldest first; at most 15. Nothing is noted of an engine while it is lost."""

    cpu_percent: list[float | None]
    """Processor time of the engine, in percent of one core, at its last heartbeat; null where it did not say."""

    engine_id: str
    """Which engine."""

    locks_held: list[int]
    """How many locks it held."""

    memory_usage_mb: list[float | None]
    """Memory in use, in MiB, at its last heartbeat; null where it did not say."""


class EngineLoadPage(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One page of a list."""

    items: list[EngineLoad]
    """At most `limit` items, in the order of the list."""

    next_cursor: str | None
    """Send it as `cursor` to get the next page; null on the last one. Opaque."""


class EngineLock(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A lock that an engine holds."""

    attempt: int
    """Which attempt it is, counted from 1."""

    cancel_requested: bool
    """Whether the event is cancelled as soon as the lock ends."""

    claimed_at: datetime
    """When the attempt began."""

    event_id: str
    """On which event."""

    event_type: str
    """What kind of work it is."""

    expires_at: datetime
    """When it is lost unless renewed."""


class EnginePage(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One page of a list."""

    items: list[Engine]
    """At most `limit` items, in the order of the list."""

    next_cursor: str | None
    """Send it as `cursor` to get the next page; null on the last one. Opaque."""


class EnqueueResponse(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What became of an enqueue."""

    available_at: datetime
    """From when on it may be claimed."""

    duplicate: bool
    """Whether the event was there before this request."""

    event: Event | None = None
    """With `wait_seconds`, the event as it was when the wait was over; `status` is its status then. Absent if it
    could not be read: it is stored nevertheless.
    """

    event_id: str
    """The event: the new one, or the live one that has the same idempotency key."""

    event_type: str
    """What kind of work it is."""

    queue: str
    """The queue it waits in."""

    status: EventStatus
    """Where it is in its life."""

    warnings: list[RequestWarning]
    """What the producer should know. Never a reason to send the event again."""


class Event(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One unit of work, as it stands."""

    attempt: int
    """The number of the present attempt, or of the last one; 0 before the first."""

    available_at: datetime
    """From when on it may be claimed, while queued."""

    cancel_requested: bool
    """Whether it is cancelled as soon as its lock ends."""

    completed_at: datetime | None
    """`finished_at`, if it is completed."""

    dead_letter: DeadLetterReason | None
    """Why it is a dead letter; null if it is none."""

    engine_id: str | None
    """The engine that claimed it last."""

    engine_version: str | None
    """The range that the engine's version must lie in."""

    enqueued_at: datetime
    """When it was enqueued."""

    event_id: str
    """Names it: a UUID of version 7."""

    event_type: str
    """What kind of work it is."""

    expires_at: datetime | None
    """When it is cancelled if it is queued then, for a retry too; null if never."""

    failures: int
    """Failed attempts over its whole life."""

    finished_at: datetime | None
    """When it was completed or cancelled, or finally failed."""

    idempotency_key: str | None
    """What makes a repeat of its enqueue safe; null if it has none, or none any more."""

    idempotency_key_expires_at: datetime | None
    """From when on the same key makes a new event; null if it has its key as long as it is kept."""

    labels: dict[str, str]
    """The producer's own words."""

    last_error: AttemptError | None
    """What went wrong last."""

    lock: EventLock | None
    """Its lock; null unless processing."""

    losses: int
    """Locks lost since the enqueue or the last redrive."""

    max_processing_seconds: int | None
    """How long one attempt may take, in seconds; null if it sets none itself."""

    payload_json: RawJson = msgspec.field(name="payload")
    """The work itself, byte for byte as it was sent. This is its exact text."""

    payload_hidden: bool | None = None
    """Whether payload, result and the details of errors are left out, because the caller may not read them."""

    priority: int
    """0 (first) to 9 (last)."""

    progress: EventProgress | None = None
    """How far the attempt is that is under way, as its engine has reported it; absent as `usage` is."""

    progress_timeout_seconds: int | None
    """How long one attempt may go on without reporting progress, in seconds; null if it sets none itself."""

    queue: str
    """The queue it waits in."""

    redrives: int
    """How often it was redriven."""

    required_capabilities: list[str]
    """What the engine must be capable of."""

    required_memory_mb: int | None
    """Memory that the engine must have free, in MiB."""

    result_json: RawJson = msgspec.field(name="result")
    """What its completion brought, byte for byte. This is its exact text."""

    retries: int
    """Retries spent since the enqueue or the last redrive."""

    retry_policy: RetryPolicyPatch | None
    """The event's own part of the retry policy."""

    scenario_run_id: str | None
    """The scenario run it belongs to."""

    status: EventStatus
    """Where it is in its life."""

    traceparent: str | None
    """The span that enqueued it, as W3C Trace Context writes it."""

    usage: AttemptUsage | None = None
    """What its attempts have used together, as far as engines have reported it: times added up, and the most
    memory. Absent where nothing was reported, and in answers to other calls than those that look at events.
    """

    visibility_timeout_seconds: int | None
    """How long a lock on it lasts unless extended, in seconds; null if it sets none itself."""

    @property
    def payload(self) -> Any:
        """The work itself, byte for byte as it was sent."""
        return decode(self.payload_json)

    @property
    def result(self) -> Any:
        """What its completion brought, byte for byte."""
        return decode(self.result_json)


class EventCounts(msgspec.Struct, kw_only=True, omit_defaults=True):
    """How many events there are, by status."""

    cancelled: int
    """Cancelled."""

    completed: int
    """Done."""

    failed: int
    """Finally failed."""

    processing: int
    """Held by an engine."""

    queued: int
    """Waiting to be claimed, now or later."""


class EventExplanation(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Why an event does not run now, or what has become of it."""

    as_of: datetime
    """As of when, by the store's clock. A large fleet is looked at anew every few seconds."""

    asked_engine: NearEngineView | None
    """The engine that was asked about; null if none was, or unless the event is queued."""

    engines: ExplainedEngines | None
    """How far it gets with the fleet; null unless it is queued."""

    event_id: str
    """The event."""

    event_type: str
    """The kind of work."""

    gates: list[ExplainedGate]
    """Every gate between it and an engine, in the order in which they are asked; empty unless it is queued."""

    held_back_engine: HeldBackEngine | None
    """The engine that is held back for it, so that nothing passes it any more; null if none is."""

    position: QueuePosition | None
    """Which events are claimed before it; null unless it is queued."""

    queue: str
    """The queue."""

    since: datetime | None
    """Since when it has been due, running or finished; null while it is not due."""

    smallest_change: list[ChangeView]
    """What would let it run now, step by step; empty if nothing has to change, or unless it is queued."""

    status: EventStatus
    """Where it is in its life."""

    summary: str
    """One sentence that a person can act on."""

    verdict: Verdict
    """What holds it, in one word."""


class EventLock(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The exclusive, time-limited right of one engine to process an event."""

    claimed_at: datetime
    """When the attempt began."""

    engine_id: str
    """The engine."""

    expires_at: datetime
    """When it is lost unless renewed."""

    holder: str
    """`processing_by_` and the engine's id."""

    progress_due_at: datetime | None = None
    """When the attempt fails as stuck unless progress is reported before; absent if it needs to report none."""

    times_out_at: datetime | None = None
    """When the attempt fails whatever its holder does; absent if it may take as long as it likes."""


class EventPage(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One page of a list."""

    items: list[Event]
    """At most `limit` items, in the order of the list."""

    next_cursor: str | None
    """Send it as `cursor` to get the next page; null on the last one. Opaque."""

    searched_until: datetime | None = None
    """How far back the list was searched, if the page ended before it was full: a page looks at so many rows at
    most. What is older may be on the next page. Absent from full pages and the last one.
    """


class EventProgress(msgspec.Struct, kw_only=True, omit_defaults=True):
    """How far an attempt is."""

    message: str | None
    """In words."""

    percent: float | None
    """From 0 to 100."""

    reported_at: datetime
    """When it was reported."""


class EventTypeDurations(msgspec.Struct, kw_only=True, omit_defaults=True):
    """How long events of a type waited and took: those of the last 30 days, as far as any were claimed."""

    by_version: list[VersionDurations]
    """The same by version of the engines. Each day, up to ten versions are told apart."""

    processing: DurationFigures | None = None
    """From a claim to the end of the attempt: completed, failed or timed out, but not lost or released; absent
    if none has ended.
    """

    waiting: DurationFigures | None = None
    """From when an event could be claimed to its claim; absent if none was claimed."""


class EventTypeSettings(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What an event type sets for its events; what is absent comes from the queue, or from the defaults."""

    durations: EventTypeDurations | None = None
    """How long its events waited and took, where one event type is shown and any were claimed."""

    event_type: str
    """The event type."""

    hold_back_after_seconds: int | None = None
    """After how many seconds in which an event waits and others pass it an engine is held back for it; 0 to
    2,592,000, and 0 for never.
    """

    max_processing_seconds: int | None = None
    """How long one attempt may take, renewals included; 1 to 2,592,000. No limit if absent."""

    pause_reason: str | None = None
    """Why it is paused; absent if nobody has said."""

    paused: bool
    """Whether its events are kept from being claimed."""

    paused_at: datetime | None = None
    """Since when it is paused; absent if it is not."""

    priority_aging_seconds: int | None = None
    """How many seconds make the priority of an event that waits one step better; 0 to 2,592,000, and 0 for
    never.
    """

    progress_timeout_seconds: int | None = None
    """How long an attempt may go on without reporting progress; 1 to 2,592,000. No limit if absent."""

    quarantine: QuarantineMode | None = None
    """What is done about engines that fail its events more than others do."""

    retry_policy: RetryPolicyPatch | None = None
    """Overrides single fields of the retry policy."""

    visibility_timeout_seconds: int | None = None
    """How long a lock lasts unless extended; 1 to 604,800."""

    when_blocked: WhenBlocked | None = None
    """What is done about its events that nobody can run for a while; nothing, if absent."""


class EventTypeSettingsPage(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One page of a list."""

    items: list[EventTypeSettings]
    """At most `limit` items, in the order of the list."""

    next_cursor: str | None
    """Send it as `cursor` to get the next page; null on the last one. Opaque."""


class EventTypeStats(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What is in one queue of one event type."""

    cancelled: int
    """Cancelled."""

    completed: int
    """Done."""

    event_type: str
    """The kind of work."""

    failed: int
    """Finally failed."""

    lanes: int
    """How many lanes its events are in."""

    oldest_available_at: datetime | None
    """Since when the first of its waiting events may be claimed, or from when on; null if none waits."""

    paused: bool
    """Whether its queue or its event type is paused."""

    processing: int
    """Held by an engine."""

    queue: str
    """The queue."""

    queued: int
    """Waiting to be claimed, now or later."""


class ExchangeResponse(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The answers to an exchange."""

    claim: ClaimResponse | None = None
    """The answer to the claim, if there was one."""

    heartbeat: HeartbeatResponse | None = None
    """The answer to the heartbeat, if there was one."""

    settlements: list[SettlementResult]
    """One for each settlement, in the order of the request."""


class ExplainedEngines(msgspec.Struct, kw_only=True, omit_defaults=True):
    """How far an event gets with the fleet."""

    fit_now: int
    """Those that have room for it now."""

    fit_when_empty: int
    """Those that could run it when they are idle and at their best."""

    free: list[FreeEngine]
    """Some of those that have room for it now: those that asked for events last come first."""

    nearest: list[NearEngineView]
    """Some of the others: those for which least would have to change come first."""

    registered: int
    """All engines that are registered and have not stopped."""


class ExplainedGate(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A gate, as an event meets it."""

    detail: str
    """What it asks, and how many engines pass that passed those before."""

    gate: str
    """Its name. `available_at` is the time; all others are those of a claim."""

    holder: str | None
    """The engine that is nearest to passing; null where the gate is open, or no engine's."""

    opens_at: datetime | None
    """When it opens by itself; null where that is not known, and where it is open."""

    state: Passage
    """Whether it lets the event through."""


class FailedGate(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A gate that an engine does not pass."""

    detail: str
    """How it fails, and by how much."""

    gate: str
    """Its name."""


class FieldError(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One bad field of a request."""

    detail: str
    """What is wrong with it, and what would be right."""

    pointer: str
    """Where the field is: a JSON pointer (RFC 6901); empty for the whole body. In a query, `/` and the
    parameter's name.
    """


class FreeEngine(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An engine that has room for an event."""

    engine_id: str
    """The engine."""

    last_claim_at: datetime | None
    """When it last asked this server for events; null if it has not, since the server was started."""


class HealthResponse(msgspec.Struct, kw_only=True, omit_defaults=True):
    """How the server is."""

    status: str
    """`alive` or `ready`."""


class HeartbeatResponse(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What the server has to tell an engine."""

    cancel: list[str]
    """The events that are to be cancelled: stop working on them."""

    drain: bool
    """Whether the engine is to take no new events."""

    errors: list[FieldError] | None = None
    """What was wrong with `dynamic_state`, `lock_tokens` or `reports`, and so was left out: the heartbeat counts
    nevertheless.
    """

    lost: list[str]
    """Those of them that are lost: stop working on their events."""

    renewed: list[str]
    """The locks that were listed or reported on and are renewed."""

    status: EngineStatus
    """Where the engine is in its life."""


class HeldBackEngine(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An engine that is held back for an event."""

    engine_id: str
    """The engine."""

    opens_at: datetime
    """When it is expected to have room for the event."""

    since: datetime
    """Since when."""


class HeldEvent(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An event that an engine holds."""

    claimed_at: datetime
    """Since when it holds it."""

    event_id: str
    """The event."""

    event_type: str
    """The kind of work."""


class HistoryResponse(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Everything that happened to an event."""

    actions: list[Action]
    """What people did to it, oldest first."""

    attempts: list[Attempt]
    """Its attempts, oldest first; the one that completed it and the one that is under way included."""

    event_id: str
    """The event."""

    usage: AttemptUsage | None
    """What its attempts have used together, as far as engines have reported it: times added up, and the most
    memory; null if they have reported none.
    """


class KeptFrom(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Events that one gate keeps an engine from, those that several do counted with the first."""

    detail: str
    """How it fails for the first of them."""

    events: int
    """How many events."""

    gate: str
    """The gate. `available_at` is the time."""


class LaneStats(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What is in one lane: events that no engine could tell apart for dispatch."""

    cancelled: int
    """Cancelled."""

    completed: int
    """Done."""

    engine_version: str | None
    """The range that the engine's version must lie in."""

    event_type: str
    """The kind of work."""

    failed: int
    """Finally failed."""

    oldest_available_at: datetime | None
    """Since when the first of its waiting events may be claimed, or from when on; null if none waits."""

    paused: bool
    """Whether its queue, its event type or its scenario run is paused."""

    priority: int
    """0 (first) to 9 (last)."""

    processing: int
    """Held by an engine."""

    queue: str
    """The queue."""

    queued: int
    """Waiting to be claimed, now or later."""

    required_capabilities: list[str]
    """What the engine must be capable of."""

    required_memory_mb: int | None
    """Memory that the engine must have free, in MiB."""

    scenario_run_id: str | None
    """The scenario run whose events these are, if that was paused while they waited: they stand apart until they
    are claimed.
    """


class LaneStatsPage(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One page of a list."""

    items: list[LaneStats]
    """At most `limit` items, in the order of the list."""

    next_cursor: str | None
    """Send it as `cursor` to get the next page; null on the last one. Opaque."""


class LineError(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One bad field of one line."""

    detail: str
    """What is wrong, and what would be right."""

    line: int
    """The line, counted from 1; empty lines count."""

    pointer: str
    """Where in the line's record: a JSON pointer (RFC 6901); empty for the whole line."""


class LogResponse(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The ends of the logs of an event's attempts."""

    event_id: str
    """The event."""

    logs: list[AttemptLog]
    """Those of the last 16 attempts of which there is one, oldest first."""


class MinutePoint(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What happened within one step."""

    at: datetime
    """When the step begins."""

    claimed: int
    """Events that were given to engines."""

    completed: int
    """Attempts that completed their events."""

    dead_lettered: int
    """Events that became dead letters."""

    enqueued: int
    """Events that were enqueued."""

    failed: int
    """Attempts that failed or took too long, whether or not they are repeated."""

    lost: int
    """Attempts that ended because their locks were lost."""

    processing: DurationFigures | None = None
    """From a claim to the end of the attempt: completed, failed or timed out; absent if none has ended."""

    waiting: DurationFigures | None = None
    """From when an event could be claimed to its claim; absent if none was claimed."""


class MinuteSeries(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What happened to some of the events."""

    event_type: str | None
    """Of which event type; null if it is not of one."""

    points: list[MinutePoint]
    """Oldest first. A step in which nothing happened has none."""

    queue: str | None
    """Of which queue; null if it is not of one. Where series are of queues and event types, the one that has
    neither is of all that were not told apart: a server tells 500 queues with an event type apart.
    """


class MinutesResponse(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What happened, step by step."""

    from_: datetime = msgspec.field(name="from")
    """When the first step begins."""

    series: list[MinuteSeries]
    """In the order of their names."""

    step_seconds: int
    """How long each step is."""

    to: datetime
    """When the last step ends."""


class NdjsonResponse(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What became of a stream of `application/x-ndjson`: the good lines are stored."""

    duplicates: int
    """How many were there before, by their idempotency keys."""

    enqueued: int
    """How many events are new."""

    errors: list[LineError]
    """What is wrong with them: the first 1,000."""

    rejected: int
    """How many lines were refused."""

    warnings: list[RequestWarning]
    """What the producer should know, each thing once."""


class NearEngineView(msgspec.Struct, kw_only=True, omit_defaults=True):
    """An engine beside an event."""

    change: list[ChangeView]
    """What would let it run the event, if the event's queue and time do; empty if nothing has to change."""

    engine_id: str
    """The engine."""

    fails: list[FailedGate]
    """Every gate that keeps it from the event; empty if none does."""

    fits_when_empty: bool
    """Whether it could run the event when it is idle and at its best."""

    holds: list[HeldEvent]
    """What it holds, the longest held first; at most 5."""

    last_claim_at: datetime | None
    """When it last asked this server for events; null if it has not, since the server was started."""

    status: EngineStatus
    """Where it is in its life."""


class NewToken(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A token with its text, which is shown this once."""

    kept: TokenView
    """What is kept of it."""

    token: str | None
    """What its bearer sends, as `Authorization: Bearer`. Nobody can show it again. Null if certificates open it."""


class OldestEvent(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Since when the oldest event has waited."""

    available_at: datetime
    """Since when it could be claimed."""

    event_type: str
    """Its type."""

    queue: str
    """Its queue."""


class OperationPreview(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What an operation would be about at this moment. Nothing is changed."""

    action: OperationAction
    """What an operation does to each of its members."""

    count: int
    """How many it would be about."""

    count_is_exact: bool
    """Whether there are so many; if not, there are at least so many, and counting stopped there."""

    effect: str
    """What it would do, in words: `Cancels 12 events`."""

    samples: list[OperationSample]
    """The first of them, in the order in which they would have their turns."""


class OperationSample(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Something that an operation would be about."""

    id: str
    """The id of the event, or of the engine."""

    kind: str
    """What kind of event or engine it is."""

    queue: str | None
    """The queue of the event; null of an engine."""

    status: str
    """The status of the event, or of the engine."""


class Overview(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The state of everything in a few numbers, and what needs a person."""

    attention: list[AttentionItem]
    """What needs a person, the most urgent first; at most 50."""

    dead_letters: int
    """How many dead letters nobody has resolved."""

    engines: EngineCounts
    """How many engines there are, by status."""

    events: EventCounts
    """How many events there are, by status."""

    oldest: OldestEvent | None
    """The event that has waited longest of those that could be claimed; null if none waits."""

    rates: ActivityRates
    """How fast the work goes."""

    waiting_claims: int
    """How many claims wait for events, at this server."""


class PreviousAttempt(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What the attempts before have left for the one that begins."""

    checkpoint_json: RawJson = msgspec.field(name="checkpoint")
    """The newest checkpoint, of whichever attempt it is; null if there is none. This is its exact text."""

    engine_id: str | None
    """The engine that had claimed the event before."""

    error: AttemptError | None
    """What went wrong last; null if nothing has."""

    @property
    def checkpoint(self) -> Any:
        """The newest checkpoint, of whichever attempt it is; null if there is none."""
        return decode(self.checkpoint_json)


class Problem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What went wrong, for programs and for people: `application/problem+json`."""

    applied: bool | str | None = None
    """Whether the request has changed anything: `false`, or `"unknown"`. Absent where it goes without saying."""

    code: Code
    """What went wrong, as a stable word for programs."""

    detail: str
    """What went wrong this time, in a sentence."""

    errors: list[FieldError] | None = None
    """Every bad field of the request."""

    event_id: str | None = None
    """The event that is concerned."""

    event_status: EventStatus | None = None
    """Where that event is in its life."""

    missing: str | None = None
    """The permission that the token does not have."""

    on: str | None = None
    """What the permission would have to be on, such as `queue eu.render`; absent if it is missing altogether."""

    quota: str | None = None
    """What the token has its share of, such as `events_per_second`."""

    request_id: str | None = None
    """Names the request in the server's log."""

    retry_after_seconds: int | None = None
    """How long to wait before a repeat, in seconds; also in the `Retry-After` header."""

    status: int
    """The HTTP status."""

    title: str
    """What went wrong, in a few words."""

    type: str
    """A relative URI of the page that explains the code: `/problems/<code>`."""


class Quarantine(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What keeps an engine from events, and until when. What it holds when it begins, it may finish."""

    event_types: list[str]
    """The event types that it is for; all if there are none."""

    reason: str
    """Why, in the words of whoever did it."""

    since: datetime
    """Since when."""

    until: datetime | None
    """When it ends by itself; null if somebody has to lift it."""


class QueueActivity(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What is in one queue of one event type, and how fast it goes there."""

    cancelled: int
    """Cancelled."""

    completed: int
    """Done."""

    event_type: str
    """The kind of work."""

    failed: int
    """Finally failed."""

    lanes: int
    """How many lanes its events are in."""

    oldest_available_at: datetime | None
    """Since when the first of its waiting events may be claimed, or from when on; null if none waits."""

    paused: bool
    """Whether its queue or its event type is paused."""

    processing: int
    """Held by an engine."""

    queue: str
    """The queue."""

    queued: int
    """Waiting to be claimed, now or later."""

    rates: ActivityRates
    """How fast it goes."""

    verdict: WaitingVerdict | None
    """The worst verdict on what waits there: `impossible` and `blocked` say that no engine serves some of it;
    null if nothing waits. Of a large fleet, it is looked for every few seconds.
    """


class QueueActivityList(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What is in every queue, by event type."""

    as_of: datetime
    """As of when, by the store's clock."""

    left_out: int
    """How many queues with an event type are left out."""

    queues: list[QueueActivity]
    """Those with the most events, at most 1,000, in the order of their names."""


class QueuePosition(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Which events are claimed before an event, as far as engines that could run it claim them."""

    ahead_by_priority: int
    """Queued events of better priorities that engines which could run this one could run too."""

    ahead_in_lane: int
    """Events of the same queue, event type, priority and requirements that became available before it; at most
    10,000.
    """


class QueueSettings(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What a queue sets for its events; what is absent comes from the defaults."""

    hold_back_after_seconds: int | None = None
    """After how many seconds in which an event waits and others pass it an engine is held back for it; 0 to
    2,592,000, and 0 for never.
    """

    max_processing_seconds: int | None = None
    """How long one attempt may take, renewals included; 1 to 2,592,000. No limit if absent."""

    pause_reason: str | None = None
    """Why it is paused; absent if nobody has said."""

    paused: bool
    """Whether its events are kept from being claimed."""

    paused_at: datetime | None = None
    """Since when it is paused; absent if it is not."""

    priority_aging_seconds: int | None = None
    """How many seconds make the priority of an event that waits one step better; 0 to 2,592,000, and 0 for
    never.
    """

    progress_timeout_seconds: int | None = None
    """How long an attempt may go on without reporting progress; 1 to 2,592,000. No limit if absent."""

    quarantine: QuarantineMode | None = None
    """What is done about engines that fail its events more than others do."""

    queue: str
    """The queue."""

    retry_policy: RetryPolicyPatch | None = None
    """Overrides single fields of the retry policy."""

    visibility_timeout_seconds: int | None = None
    """How long a lock lasts unless extended; 1 to 604,800."""

    when_blocked: WhenBlocked | None = None
    """What is done about its events that nobody can run for a while; nothing, if absent."""


class QueueSettingsPage(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One page of a list."""

    items: list[QueueSettings]
    """At most `limit` items, in the order of the list."""

    next_cursor: str | None
    """Send it as `cursor` to get the next page; null on the last one. Opaque."""


class ReleasedKey(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A key that was released."""

    event_id: str
    """The event that had it. It stays as it is."""

    idempotency_key: str
    """The key: the next enqueue with it makes a new event."""


class RequestWarning(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Something that a caller should know about what was accepted."""

    code: WarningCode
    """A stable word for programs."""

    detail: str
    """A sentence for people."""

    event_id: str | None = None
    """The first event that it is about; absent if it is about none."""


class RetryDelayPatch(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Some fields of a `RetryDelay`."""

    initial: float | None = None
    """Seconds before the first retry; 0 to 2,592,000, and at most `max` where both are given."""

    jitter: float | None = None
    """The largest part that chance adds; 0 to 1."""

    max: float | None = None
    """The longest wait in seconds, jitter aside; 0 to 2,592,000."""

    multiplier: float | None = None
    """How much longer each retry waits than the one before; 1 to 1,000."""


class RetryPolicyPatch(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Some fields of a `RetryPolicy`."""

    dead_letter_threshold: int | None = None
    """How many failures make an event that an engine rejects (`retryable: false`) a dead letter; 1 to 1,000. One
    whose retries are exhausted always is.
    """

    max_losses: int | None = None
    """How many lost locks are forgiven; 0 to 1,000."""

    max_retries: int | None = None
    """How many failed attempts are retried; 0 to 1,000."""

    retry_delay: RetryDelayPatch | None = None
    """How long to wait before a retry."""

    retry_elsewhere: RetryElsewhere | None = None
    """Whether another engine is to retry what one has failed."""


class ScenarioRun(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A group of events with one `scenario_run_id`."""

    ends_per_second: float
    """How many of its events end each second: an average in which an end counts less the longer ago it is, by a
    factor of *e* after 5 minutes.
    """

    engines: list[str] | None = None
    """The engines that are on it; only where one run is asked for."""

    estimated_end_at: datetime | None = None
    """When the events that are queued and processing now will have ended, if they go on to end as fast; absent
    if none are left, none ends, or the run is paused.
    """

    events: EventCounts
    """How many of its events there are, by status."""

    first_enqueued_at: datetime
    """When the first of its events that are kept was enqueued."""

    last_activity_at: datetime
    """When one of its events was enqueued or changed its status last."""

    pause_reason: str | None = None
    """Why it is paused; absent if nobody has said."""

    paused_at: datetime | None = None
    """Since when it is paused; absent if it is not."""

    scenario_run_id: str
    """Names it."""


class ScenarioRunPage(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One page of a list."""

    items: list[ScenarioRun]
    """At most `limit` items, in the order of the list."""

    next_cursor: str | None
    """Send it as `cursor` to get the next page; null on the last one. Opaque."""


class Selectors(msgspec.Struct, kw_only=True, omit_defaults=True):
    """On what a token may act. An empty list is no limit."""

    capabilities: list[str] | None = None
    """What an engine may say that it is capable of; anything if absent."""

    engines: list[str] | None = None
    """The engines, by their ids; all if absent."""

    event_types: list[str] | None = None
    """The types of events; all if absent."""

    queues: list[str] | None = None
    """The queues of events; all if absent."""


class SettingInForce(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A setting of a server, as it is in force."""

    about: str
    """What it is for, with unit and range, in Markdown."""

    from_: str = msgspec.field(name="from")
    """Where the value comes from: `default`, `file PATH`, `variable NAME` or `flag NAME`."""

    setting: str
    """Its key in the file of settings."""

    value: str
    """The value; empty if there is none. No password is in it."""


class SettleResponse(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What became of a batch of settlements, in the order of the request."""

    results: list[SettlementResult]
    """One for each settlement."""


class SettlementResult(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What became of one settlement."""

    error: Problem | None = None
    """Why the settlement was refused; absent if it was not."""

    event_id: str | None
    """Which event; null if what was sent is no event's id."""

    status: EventStatus | None
    """Where it is now; null if it is not known."""


class StarvingEventView(msgspec.Struct, kw_only=True, omit_defaults=True):
    """The event for which an engine is held back."""

    event_id: str
    """The event."""

    opens_at: datetime
    """When the engine is expected to have room for it."""

    since: datetime
    """Since when."""


class Stats(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What is in the store at one moment."""

    dead_letters: int
    """How many dead letters nobody has resolved."""

    engines: EngineCounts
    """How many engines there are, by status."""

    event_types: list[EventTypeStats]
    """The same, by queue and event type: those with the most events, at most 1,000, in the order of their names."""

    event_types_left_out: int
    """How many queues with an event type are left out above."""

    events: EventCounts
    """How many events there are, by status."""

    lanes: int
    """How many lanes there are: `/v1/stats/lanes` lists them."""

    now: datetime
    """The moment, by the store's clock."""

    pruning_held_until: datetime | None
    """Until when no finished event is deleted, because the clock has leapt ahead; null if it has not."""

    waiting_claims: int
    """How many claims are waiting for events."""


class SuspectList(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Who fails more than others do at the same work."""

    as_of: datetime
    """As of when, by the store's clock."""

    left_out: int
    """How many more there are."""

    suspects: list[SuspectView]
    """The surest first; at most 100."""


class SuspectView(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Somebody who fails more than others do, and what speaks for that."""

    automatic_quarantines: list[AutomaticQuarantine]
    """Those that the server has put the engine in because of this, and that are not over."""

    completed: int
    """How many of them it has completed."""

    completed_elsewhere: int
    """How many others have completed."""

    engine_id: str | None
    """The engine; null if it is a version."""

    engine_version: str | None
    """The version of engines' software; null if it is an engine."""

    event_types: list[str]
    """What it fails at."""

    evidence: list[str]
    """The last events that count against it; at most 5."""

    failed: int
    """How many events it has failed or lost since then, of those that it was the first to try."""

    failed_elsewhere: int
    """How many events of these types others have failed or lost in the same time."""

    kind: SuspectKind
    """What it is."""

    last_at: datetime
    """When it last ended an attempt."""

    lost: int
    """How many of these it has lost: what an engine loses at one moment counts once."""

    probability: float
    """How probable it is that it fails more than others do, if one in a thousand goes bad."""

    quarantine: Quarantine | None
    """What the engine is kept from meanwhile, why and until when; null if it is in no quarantine, and if the
    suspect is a version.
    """

    since: datetime
    """Its first failure that counts."""

    summary: str
    """One sentence that says it all."""


class SystemInfo(msgspec.Struct, kw_only=True, omit_defaults=True):
    """How a server is set up and how it does: what one looks at before one changes anything about it.

    Each server answers of itself. Others on the same database may be set up in other ways.
    """

    advice: list[str]
    """What a person should look after, though nothing is wrong yet: tokens and certificates near their end, and
    listeners that can be overheard.
    """

    disk: DiskRoom | None
    """The room on the disk of the data file; null for a database, which keeps that to itself."""

    findings: list[str]
    """What is wrong, as far as a server sees it that runs. `enginehouse doctor` reads every row besides."""

    instance_name: str | None
    """What people call this installation, as `instance_name` says; null if nobody has named it."""

    now: datetime
    """The present, by the store's clock."""

    server_version: str
    """The version of the server."""

    settings: list[SettingInForce]
    """Every setting, in the order of the page that documents them."""

    store: str
    """The kind of the store, its version, the version of its schema and where it is, without a password."""

    uptime_seconds: int
    """For how long this server has run, in seconds."""


class TokenView(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What is kept of a token: nothing of its secret."""

    accessor: str
    """Names it: the part of the token behind `eh1_`, which is no secret."""

    allowed_addresses: list[str]
    """From where it may be used; from anywhere if empty."""

    certificate_name: str | None
    """The name in the certificates that open it instead of a text."""

    created_at: datetime
    """When it was made."""

    created_by: str
    """Who made it: the accessor of a token, or `store` for whoever had the store itself."""

    expires_at: datetime
    """Until when it is valid."""

    last_used_at: datetime | None
    """When its secret was last used, a minute more or less."""

    name: str
    """What people call it."""

    not_before: datetime | None
    """From when on it is valid."""

    previous_secret_until: datetime | None
    """Until when the secret from before that is taken, too."""

    previous_secret_used_at: datetime | None
    """When that one was last used: null once nobody does any more."""

    read_payloads: bool
    """Whether it is an operator's that may read payloads, results and error details, too."""

    revoked_at: datetime | None
    """When it was revoked."""

    revoked_by: str | None
    """Who revoked it."""

    role: Role
    """What it is for."""

    rotated_at: datetime | None
    """When it was last given a new secret."""

    selectors: Selectors
    """On what it may act."""

    status: TokenStatus
    """Whether it opens anything now."""


class TokenViewPage(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One page of a list."""

    items: list[TokenView]
    """At most `limit` items, in the order of the list."""

    next_cursor: str | None
    """Send it as `cursor` to get the next page; null on the last one. Opaque."""


class UnchangedItem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A member of an operation that had its turn and was not changed."""

    id: str
    """The id of the event, or of the engine."""

    outcome: MemberOutcome
    """What became of a member that was not changed."""

    why: str
    """"""


class UnchangedItemPage(msgspec.Struct, kw_only=True, omit_defaults=True):
    """One page of a list."""

    items: list[UnchangedItem]
    """At most `limit` items, in the order of the list."""

    next_cursor: str | None
    """Send it as `cursor` to get the next page; null on the last one. Opaque."""


class VersionDurations(msgspec.Struct, kw_only=True, omit_defaults=True):
    """How long events of a type waited and took with engines of one version."""

    engine_version: str | None
    """The version that the engines declare (`engine_software_version`); null for those that declare none, and
    `*` for all that were not told apart.
    """

    processing: DurationFigures | None = None
    """From a claim to the end of the attempt."""

    waiting: DurationFigures | None = None
    """From when an event could be claimed to its claim."""


class WaitingLane(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Events that wait and that no engine could tell apart."""

    engine_version: str | None
    """The range that an engine's version must lie in."""

    event_type: str
    """The kind of work."""

    oldest_available_at: datetime | None
    """Since when the first of them has been due, or from when on it will be."""

    priority: int
    """0 (first) to 9 (last)."""

    queue: str
    """The queue."""

    queued: int
    """How many events wait there, due or not."""

    required_capabilities: list[str]
    """What an engine must be capable of."""

    required_memory_mb: int | None
    """Memory that an engine must have free, in MiB."""


class WhenBlocked(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What an event type or a queue wants done about events that nobody can run for a while."""

    action: BlockedAction
    """What is done."""

    after_seconds: int
    """After how many seconds in which an event was due and its verdict was one of these; 1 to 2,592,000."""

    verdicts: list[WaitingVerdict] | None = None
    """With which verdicts; `impossible` and `blocked` if absent."""


class WhoAmI(msgspec.Struct, kw_only=True, omit_defaults=True):
    """Who makes a call, and what the server permits them: what a user interface offers, and what it leaves out."""

    accessor: str | None
    """The token's accessor; null as long as the server has no token, so that everybody may do everything."""

    instance_color: InstanceColor | None
    """The colour by which they tell it from others; null if it has none."""

    instance_name: str | None
    """What people call this installation; null if nobody has named it."""

    name: str | None
    """What people call the token."""

    permissions: list[str]
    """All that the caller may do, as the `x-permission` of calls names it."""

    role: Role | None
    """What the token is for."""

    selectors: Selectors
    """On what the caller may do it; on everything if empty."""

    server_version: str
    """The version of the server that answers."""


class WouldOpen(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A change, and how much it would open."""

    change: ChangeView
    """The change."""

    events: int
    """How many events the engine could be given then, one at a time, beside those that it could be given now."""


__all__ = [
    "Action",
    "ActivityRates",
    "Attempt",
    "AttemptError",
    "AttemptLog",
    "AttemptOutcome",
    "AttemptUsage",
    "AttentionItem",
    "AttentionKind",
    "AuditChain",
    "AuditItem",
    "AuditItemPage",
    "AuditLink",
    "AuditOutcome",
    "AutomaticQuarantine",
    "BatchResponse",
    "BatchedEvent",
    "BlockedAction",
    "BlockedLane",
    "BlockedLanePage",
    "BulkDiscardResponse",
    "BulkEventsResponse",
    "BulkOperation",
    "BulkOperationPage",
    "BulkRedriveResponse",
    "ChangeAction",
    "ChangeView",
    "ClaimResponse",
    "ClaimedEvent",
    "ClaimedLock",
    "Code",
    "DeadLetter",
    "DeadLetterGroup",
    "DeadLetterPage",
    "DeadLetterPreview",
    "DeadLetterReason",
    "DeadLetterSummary",
    "DiskRoom",
    "DurationFigures",
    "Engine",
    "EngineCounts",
    "EngineExplanation",
    "EngineLoad",
    "EngineLoadPage",
    "EngineLock",
    "EnginePage",
    "EngineStatus",
    "EnqueueResponse",
    "Event",
    "EventCounts",
    "EventExplanation",
    "EventLock",
    "EventPage",
    "EventProgress",
    "EventStatus",
    "EventTypeDurations",
    "EventTypeSettings",
    "EventTypeSettingsPage",
    "EventTypeStats",
    "ExchangeResponse",
    "ExplainedEngines",
    "ExplainedGate",
    "FailedGate",
    "FieldError",
    "FreeEngine",
    "HealthResponse",
    "HeartbeatResponse",
    "HeldBackEngine",
    "HeldEvent",
    "HistoryResponse",
    "InstanceColor",
    "KeptFrom",
    "LaneStats",
    "LaneStatsPage",
    "LineError",
    "LogResponse",
    "MemberOutcome",
    "MinutePoint",
    "MinuteSeries",
    "MinutesResponse",
    "NdjsonResponse",
    "NearEngineView",
    "NewToken",
    "OldestEvent",
    "OperationAction",
    "OperationPreview",
    "OperationSample",
    "OperationStatus",
    "Overview",
    "Passage",
    "PreviousAttempt",
    "Problem",
    "Quarantine",
    "QuarantineMode",
    "QueueActivity",
    "QueueActivityList",
    "QueuePosition",
    "QueueSettings",
    "QueueSettingsPage",
    "ReleasedKey",
    "RequestWarning",
    "RetryDelayPatch",
    "RetryElsewhere",
    "RetryPolicyPatch",
    "Role",
    "ScenarioRun",
    "ScenarioRunPage",
    "Selectors",
    "SettingInForce",
    "SettleResponse",
    "SettlementResult",
    "StarvingEventView",
    "Stats",
    "SuspectKind",
    "SuspectList",
    "SuspectView",
    "SystemInfo",
    "TokenStatus",
    "TokenView",
    "TokenViewPage",
    "UnchangedItem",
    "UnchangedItemPage",
    "Verdict",
    "VersionDurations",
    "WaitingLane",
    "WaitingVerdict",
    "WarningCode",
    "WhenBlocked",
    "WhoAmI",
    "WouldOpen"
]
