"""What calls take, as types of dictionaries.

Generated from openapi.json by tools/generate.py: change that, not this.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Literal, Required, TypeAlias, TypedDict

if TYPE_CHECKING:
    Affinity: TypeAlias = Literal["prefer", "require", "none"]
    AuditOutcome: TypeAlias = Literal["done", "denied"]
    BlockedAction: TypeAlias = Literal["alert", "dead_letter", "cancel"]
    DeadLetterReason: TypeAlias = Literal["retries_exhausted", "rejected", "requested", "lost_too_often", "blocked"]
    EngineStatus: TypeAlias = Literal["active", "draining", "lost", "stopped"]
    EventStatus: TypeAlias = Literal["queued", "processing", "completed", "failed", "cancelled"]
    OperationAction: TypeAlias = Literal["cancel_events", "retry_events", "redrive_events", "redrive_dead_letters", "discard_dead_letters", "drain_engines", "resume_engines", "deregister_engines", "quarantine_engines", "lift_quarantines"]
    QuarantineMode: TypeAlias = Literal["off", "advise", "enforce"]
    RetryElsewhere: TypeAlias = Literal["prefer", "require", "off"]
    Role: TypeAlias = Literal["metrics", "viewer", "producer", "engine", "operator", "admin"]
    SettleOutcome: TypeAlias = Literal["complete", "fail", "release", "extend"]
    WaitingVerdict: TypeAlias = Literal["impossible", "blocked", "waiting", "runnable"]
else:
    # What a newer server answers must not be refused here.
    Affinity = str
    AuditOutcome = str
    BlockedAction = str
    DeadLetterReason = str
    EngineStatus = str
    EventStatus = str
    OperationAction = str
    QuarantineMode = str
    RetryElsewhere = str
    Role = str
    SettleOutcome = str
    WaitingVerdict = str


class AttemptError(TypedDict, total=False):
    """What went wrong in one attempt."""

    code: str | None
    """A stable word for programs, such as `timed_out`."""

    details: Any
    """Anything more, as JSON of at most 16 KiB."""

    message: Required[str]
    """A sentence for people, or what a program has printed. Of one that is longer than 8 KiB, the beginning and
    the end are kept.
    """


class AttemptProgress(TypedDict, total=False):
    """How far an attempt is."""

    message: str | None
    """In words; cut after 500 characters."""

    percent: float | None
    """From 0 to 100, kept to the hundredth."""


class AttemptUsage(TypedDict, total=False):
    """What an attempt has used."""

    cpu_seconds: float | None
    """Processor time in seconds, kept to the millisecond."""

    gpu_seconds: float | None
    """Time on graphics processors in seconds, kept to the millisecond."""

    max_memory_mb: float | None
    """The most memory it has had at once, in MiB, kept to the KiB."""


class BatchRequest(TypedDict, total=False):
    """Up to 10,000 events: all or nothing, or each by itself."""

    atomic: bool | None
    """Whether one event that is refused refuses all; true if absent. If false, each has its own answer."""

    events: Required[Sequence[EnqueueRequest]]
    """The events: 1 to 10,000."""


class BulkCancelRequest(TypedDict, total=False):
    """Cancel all events that match and can be cancelled, newest first: the queued ones, then those that are
    processing.
    """

    all: bool
    """Says that every event is meant. Not together with a filter."""

    cursor: str | None
    """The `next_cursor` of the call before."""

    dry_run: bool
    """Whether to say what would be done, and do nothing."""

    filter: EventFilter
    """Which ones. One that matches all is refused unless `all` is true."""

    force: bool
    """Whether to take the locks away from engines that work on them, instead of asking these to stop."""

    limit: int | None
    """How many events this call is about at most; 1 to 10,000, 1,000 if absent."""


class BulkDiscardRequest(TypedDict, total=False):
    """Somebody gives up on all dead letters that match."""

    all: bool
    """Says that every dead letter is meant. Not together with a filter."""

    filter: DeadLetterFilter
    """Which ones. One that matches all is refused unless `all` is true."""

    reason: str | None
    """Why, for the history: at most 256 characters."""


class BulkRedriveRequest(TypedDict, total=False):
    """All dead letters that match go back in their queues."""

    all: bool
    """Says that every dead letter is meant. Not together with a filter."""

    filter: DeadLetterFilter
    """Which ones. One that matches all is refused unless `all` is true."""

    limit: int | None
    """How many at most, oldest first; 1 or more. No limit if absent."""

    rate_per_second: float | None
    """How many become available per second; 0.001 to 10,000. At once if absent."""


class BulkRetryRequest(TypedDict, total=False):
    """Make all queued events that match, and that wait for their time, available now, newest first."""

    all: bool
    """Says that every event is meant. Not together with a filter."""

    cursor: str | None
    """The `next_cursor` of the call before."""

    dry_run: bool
    """Whether to say what would be done, and do nothing."""

    filter: EventFilter
    """Which ones. One that matches all is refused unless `all` is true."""

    limit: int | None
    """How many events this call is about at most; 1 to 10,000, 1,000 if absent."""


class CancelRequest(TypedDict, total=False):
    """How to cancel an event. The body may be left out."""

    force: bool
    """Whether to take the lock away from an engine that works on it, instead of asking it to stop. It is told at
    its next heartbeat that the lock is lost, and what it settles is refused.
    """


class ChangeRequest(TypedDict, total=False):
    """A JSON merge patch (RFC 7396) of what a producer sets: a field that is absent stays as it is, and one that
    is null is as if the producer had left it out.
    """

    delay_seconds: float | None
    """Not to be claimed before so many seconds from now; 0 to 31,622,400; null for now."""

    engine_version: str | None
    """"""

    expires_after_seconds: int | None
    """How long after it comes due it is cancelled if it is queued then; 1 to 31,622,400; null for never. A
    redrive without it ends the expiry that the event had.
    """

    labels: Mapping[str, str | None] | None
    """"""

    max_processing_seconds: int | None
    """How long one attempt may take, renewals included; 1 to 2,592,000; null for what its type or queue says."""

    payload: Any
    """Replaces the payload, as a whole: any JSON of at most 256 KiB, null too."""

    priority: int | None
    """0 (first) to 9 (last); null for 5."""

    progress_timeout_seconds: int | None
    """How long one attempt may go on without reporting progress; 1 to 2,592,000; null for what its type or queue
    says.
    """

    queue: str | None
    """Another queue; null for `default`."""

    required_capabilities: Sequence[str] | None
    """All that the engine must be capable of: at most 64 names; null for nothing."""

    required_memory_mb: int | None
    """Memory that the engine must have free, in MiB; 1 to 2^30; null for none."""

    retry_policy: RetryPolicyPatch | None
    """Overrides single fields of the retry policy; one that is null is overridden no longer, and null overrides
    none.
    """

    run_at: datetime | str | None
    """Not to be claimed before this moment; null for now. At most one of `run_at` and `delay_seconds`."""

    visibility_timeout_seconds: int | None
    """How long a lock on it lasts unless extended; 1 to 604,800; null for what its type or queue says."""


class ClaimPart(TypedDict, total=False):
    """The claim of an exchange: as one by itself, without the epoch."""

    affinity: Affinity
    """Whether events of the engine's current scenario run come first; `prefer` if absent."""

    event_types: Sequence[str]
    """Only events of these types; of all if absent or empty. At most 200."""

    limit: int | None
    """How many events at most; 1 to 1,000, 3 if absent."""

    queues: Sequence[str]
    """Only events of these queues; of all if absent or empty. At most 200."""

    visibility_timeout_seconds: int | None
    """How long the locks last unless extended, over every policy; 1 to 604,800."""

    wait_seconds: float | None
    """How long to wait for a first event; 0 to 60, 0 if absent."""


class ClaimRequest(TypedDict, total=False):
    """An engine asks for events."""

    affinity: Affinity
    """Whether events of the engine's current scenario run come first; `prefer` if absent."""

    epoch: Required[int]
    """The epoch that its registration answered with."""

    event_types: Sequence[str]
    """Only events of these types; of all if absent or empty. At most 200."""

    limit: int | None
    """How many events at most; 1 to 1,000, 3 if absent."""

    queues: Sequence[str]
    """Only events of these queues; of all if absent or empty. At most 200."""

    visibility_timeout_seconds: int | None
    """How long the locks last unless extended, over every policy; 1 to 604,800."""

    wait_seconds: float | None
    """How long to wait for a first event; 0 to 60, 0 if absent."""


class CompleteRequest(TypedDict, total=False):
    """The event is done."""

    checkpoint: Any
    """What another attempt needs to continue from here: any JSON of at most 16 KiB. It replaces the one before,
    and is given to the next attempt as `previous.checkpoint`.
    """

    lock_token: Required[str]
    """The token of the claim's answer."""

    log: Sequence[str]
    """"""

    log_url: str | None
    """Where the whole log is: a URL that begins with `http://` or `https://`."""

    progress: AttemptProgress | None
    """How far the attempt is; replaces what was reported before."""

    result: Any
    """What came of it: any JSON of at most 256 KiB, kept byte for byte."""

    usage: AttemptUsage | None
    """What the attempt has used since it began. A field that is given replaces what was reported before."""


class CreateTokenRequest(TypedDict, total=False):
    """A token to be made. `TokenDraft`(enginehouse_core::access::token::TokenDraft) reads it."""

    allowed_addresses: Sequence[str]
    """From where it may be used: addresses and networks; from anywhere if absent. With them, it is not used by
    way of a Unix socket, unless a trusted proxy says from where.
    """

    certificate_name: str | None
    """The name in the certificates of clients, whose calls need no other token then. Such a token has no text."""

    expires_in_seconds: int | None
    """How long it is valid from then on: 30 days for an admin and 90 for all others if absent, ten years at
    most.
    """

    name: Required[str]
    """What people call it. No other token that is not revoked may have the name."""

    not_before: datetime | str | None
    """From when on it is valid; from now on if absent."""

    read_payloads: bool
    """Whether an operator may read payloads, results and error details, too. No other role takes it."""

    role: Required[Role]
    """What it is for."""

    selectors: Selectors
    """On what it may act; on everything if absent."""


class DeadLetterFilter(TypedDict, total=False):
    """Which dead letters. What is absent matches all."""

    dead_lettered_after: datetime | str | None
    """Only those that became dead letters at this moment or later."""

    dead_lettered_before: datetime | str | None
    """Only those that became dead letters before this moment."""

    error_code: str | None
    """Only those whose last error has this code."""

    event_type: str | None
    """Only those of this event type."""

    group_id: str | None
    """Only those of this group of the summary."""

    queue: str | None
    """Only those of this queue."""

    reason: DeadLetterReason | None
    """Only those with this reason."""


class DiscardRequest(TypedDict, total=False):
    """Somebody gives up on one dead letter. The body may be left out."""

    reason: str | None
    """Why, for the history: at most 256 characters."""


class DrainRequest(TypedDict, total=False):
    """No new events for the engine. The body may be left out."""

    epoch: int | None
    """Only if the engine is in this epoch: an engine that drains itself does not drain the process that has
    taken over its id. In any epoch if absent.
    """

    stop_when_drained: bool
    """Whether it becomes `stopped` by itself when its last lock is settled."""


class EnqueueRequest(TypedDict, total=False):
    """An event as a producer asks for it. Unknown fields are refused, so that a typo is not silently lost."""

    delay_seconds: float | None
    """Not to be claimed before so many seconds from now; 0 to 31,622,400."""

    engine_version: str | None
    """"""

    event_type: Required[str]
    """What kind of work it is: a name, such as `frame.render`."""

    expires_after_seconds: int | None
    """How long after it first comes due it is cancelled if it is queued then, for a retry too; 1 to 31,622,400.
    Never, if absent.
    """

    idempotency_key: str | None
    """Makes a repeat of this request safe: as long as an event has this key, the same request answers with that
    event, and another one is refused. 1 to 256 characters.
    """

    idempotency_window_seconds: int | None
    """For how long after the enqueue the event has its key; as long as the event is kept, if absent. 1 to
    31,622,400.
    """

    labels: Mapping[str, str]
    """"""

    max_processing_seconds: int | None
    """How long one attempt may take, renewals included; 1 to 2,592,000."""

    payload: Any
    """Any JSON of at most 256 KiB, nested at most 64 deep; kept byte for byte. `{}` if absent."""

    priority: int | None
    """0 (first) to 9 (last); 5 if absent."""

    progress_timeout_seconds: int | None
    """How long one attempt may go on without reporting progress; 1 to 2,592,000."""

    queue: str | None
    """The queue it waits in; `default` if absent."""

    required_capabilities: Sequence[str]
    """What the engine must be capable of: at most 64 names."""

    required_memory_mb: int | None
    """Memory that the engine must have free, in MiB; 1 to 2^30."""

    retry_policy: RetryPolicyPatch | None
    """Overrides single fields of the retry policy."""

    run_at: datetime | str | None
    """Not to be claimed before this moment. At most one of `run_at` and `delay_seconds`."""

    scenario_run_id: str | None
    """The scenario run it belongs to."""

    traceparent: str | None
    """The span that enqueues it, as W3C Trace Context writes it: engines link theirs to it. A repeat of the
    request may have another one; the first is kept.
    """

    visibility_timeout_seconds: int | None
    """How long a lock on it lasts unless extended; 1 to 604,800."""


class EventFilter(TypedDict, total=False):
    """Which events. What is absent matches all."""

    available_after: datetime | str | None
    """Only those that may be claimed from this moment on or later."""

    engine_id: str | None
    """Only those that this engine claimed last."""

    enqueued_after: datetime | str | None
    """Only those enqueued at this moment or later."""

    enqueued_before: datetime | str | None
    """Only those enqueued before this moment."""

    event_type: str | None
    """Only those of this event type."""

    idempotency_key: str | None
    """Only the one that has this idempotency key."""

    label: str | None
    """Only those with this label and value: `KEY=VALUE`. Looks at every event that the rest of the filter
    leaves.
    """

    priority: int | None
    """Only those of this priority."""

    queue: str | None
    """Only those of this queue."""

    scenario_run_id: str | None
    """Only those of this scenario run."""

    status: EventStatus | None
    """Only those with this status."""


class ExchangeRequest(TypedDict, total=False):
    """An engine's whole loop: settle, heartbeat, claim, in this order and in one transaction."""

    claim: ClaimPart | None
    """What it can take."""

    epoch: Required[int]
    """The epoch that its registration answered with."""

    heartbeat: HeartbeatPart | None
    """How it is doing."""

    settlements: Sequence[Settlement]
    """What it is done with; at most 10,000."""


class ExtendRequest(TypedDict, total=False):
    """The engine needs more time."""

    checkpoint: Any
    """What another attempt needs to continue from here: any JSON of at most 16 KiB. It replaces the one before,
    and is given to the next attempt as `previous.checkpoint`.
    """

    lock_token: Required[str]
    """The token of the claim's answer."""

    log: Sequence[str]
    """"""

    log_url: str | None
    """Where the whole log is: a URL that begins with `http://` or `https://`."""

    progress: AttemptProgress | None
    """How far the attempt is; replaces what was reported before."""

    usage: AttemptUsage | None
    """What the attempt has used since it began. A field that is given replaces what was reported before."""

    visibility_timeout_seconds: Required[int]
    """How long from now the lock is to last; 1 to 604,800."""


class FailRequest(TypedDict, total=False):
    """The attempt failed."""

    checkpoint: Any
    """What another attempt needs to continue from here: any JSON of at most 16 KiB. It replaces the one before,
    and is given to the next attempt as `previous.checkpoint`.
    """

    dead_letter: bool | None
    """Whether a person should look if this was the last attempt."""

    error: Required[AttemptError]
    """What went wrong."""

    lock_token: Required[str]
    """The token of the claim's answer."""

    log: Sequence[str]
    """"""

    log_url: str | None
    """Where the whole log is: a URL that begins with `http://` or `https://`."""

    progress: AttemptProgress | None
    """How far the attempt is; replaces what was reported before."""

    retry_after_seconds: float | None
    """How long to wait before it, in seconds, instead of the policy's delay; 0 to 31,622,400."""

    retryable: bool | None
    """Whether another attempt may help; true if absent."""

    usage: AttemptUsage | None
    """What the attempt has used since it began. A field that is given replaces what was reported before."""


class HeartbeatPart(TypedDict, total=False):
    """The heartbeat of an exchange: as one by itself, without the epoch."""

    dynamic_state: Mapping[str, Any] | None
    """How it is doing; replaces what was known. Absent: as before."""

    lock_tokens: Sequence[str] | None
    """The locks it still works on. Absent says nothing about any lock; an empty list says that it works on none."""

    reports: Sequence[LockReport]
    """What it reports of its attempts; at most 1,000. A report counts if its lock is among the `renewed` of the
    answer; one that is wrong, or too large, is left out, and `errors` says why.
    """


class HeartbeatRequest(TypedDict, total=False):
    """An engine says that it is alive."""

    dynamic_state: Mapping[str, Any] | None
    """How it is doing; replaces what was known. Absent: as before."""

    epoch: Required[int]
    """The epoch that its registration answered with."""

    lock_tokens: Sequence[str] | None
    """The locks it still works on: they are renewed, and one left out twice is released. At most 1,000. Absent
    says nothing about any lock; an empty list says that it works on none.
    """

    reports: Sequence[LockReport]
    """What it reports of its attempts; at most 1,000. A report counts if its lock is among the `renewed` of the
    answer; one that is wrong, or too large, is left out, and `errors` says why.
    """


class LockReport(TypedDict, total=False):
    """What an engine reports of one of its attempts, by the attempt's lock."""

    checkpoint: Any
    """What another attempt needs to continue from here: any JSON of at most 16 KiB. It replaces the one before,
    and is given to the next attempt as `previous.checkpoint`.
    """

    lock_token: Required[str]
    """The token of the claim's answer. A lock that is reported on is renewed, as one that is listed."""

    log: Sequence[str]
    """"""

    log_url: str | None
    """Where the whole log is: a URL that begins with `http://` or `https://`."""

    progress: AttemptProgress | None
    """How far the attempt is; replaces what was reported before."""

    usage: AttemptUsage | None
    """What the attempt has used since it began. A field that is given replaces what was reported before."""


class OperationRequest(TypedDict, total=False):
    """Act on all that match: everything that matches at this moment is written down, and has its turn then."""

    action: Required[OperationAction]
    """What to do."""

    all: bool
    """Says that all of them are meant. Not together with a filter."""

    event_types: Sequence[str]
    """Of `quarantine_engines`: the event types that it is for, at most 100; all if absent or empty."""

    filter: str | None
    """On which ones, in the language of filters. One that matches all is refused unless `all` is true."""

    force: bool
    """Of `cancel_events`: whether to take the locks away from engines that work on them, instead of asking these
    to stop.
    """

    limit: int | None
    """How many at most, the first in the operation's order; 1 to 1,000,000. Without one, more than 1,000,000 are
    refused.
    """

    rate_per_second: float | None
    """How many have their turn each second at most; as many as the server can do if absent."""

    reason: str | None
    """Why, for the history: at most 256 characters."""

    stop_when_drained: bool
    """Of `drain_engines`: whether the engines are to stop once their last lock is settled."""

    until: datetime | str | None
    """Of `quarantine_engines`: when the quarantine ends by itself; never if absent."""


class PauseRequest(TypedDict, total=False):
    """Why something is to be paused."""

    reason: str | None
    """Why; at most 256 characters."""


class QuarantineRequest(TypedDict, total=False):
    """No events for the engine, or none of some types, until a time or until somebody lifts it."""

    event_types: Sequence[str]
    """The event types that it is for, at most 100; all if absent or empty."""

    reason: Required[str]
    """Why; at most 256 characters."""

    until: datetime | str | None
    """When it ends by itself; never if absent."""


class RegisterRequest(TypedDict, total=False):
    """An engine introduces itself, for the first time or again."""

    engine_type: Required[str]
    """Groups engines that are the same program: a name."""

    heartbeat_interval_seconds: int | None
    """How often it will send a heartbeat, in seconds: 0 (never), or 1 to 300; 10 if absent."""

    metadata: Mapping[str, Any]
    """What it says about itself; at most 64 KiB."""

    takeover: bool
    """Whether it takes over the id of an engine that lives, with the token that this one was registered with.
    Its locks end at once, and count for no loss.
    """


class ReleaseRequest(TypedDict, total=False):
    """The engine releases the event; the attempt is not counted."""

    checkpoint: Any
    """What another attempt needs to continue from here: any JSON of at most 16 KiB. It replaces the one before,
    and is given to the next attempt as `previous.checkpoint`.
    """

    delay_seconds: float | None
    """How long nobody may claim it, in seconds; 0 to 31,622,400, 0 if absent."""

    lock_token: Required[str]
    """The token of the claim's answer."""

    log: Sequence[str]
    """"""

    log_url: str | None
    """Where the whole log is: a URL that begins with `http://` or `https://`."""

    progress: AttemptProgress | None
    """How far the attempt is; replaces what was reported before."""

    usage: AttemptUsage | None
    """What the attempt has used since it began. A field that is given replaces what was reported before."""


class RetryDelayPatch(TypedDict, total=False):
    """Some fields of a `RetryDelay`."""

    initial: float | None
    """Seconds before the first retry; 0 to 2,592,000, and at most `max` where both are given."""

    jitter: float | None
    """The largest part that chance adds; 0 to 1."""

    max: float | None
    """The longest wait in seconds, jitter aside; 0 to 2,592,000."""

    multiplier: float | None
    """How much longer each retry waits than the one before; 1 to 1,000."""


class RetryPolicyPatch(TypedDict, total=False):
    """Some fields of a `RetryPolicy`."""

    dead_letter_threshold: int | None
    """How many failures make an event that an engine rejects (`retryable: false`) a dead letter; 1 to 1,000. One
    whose retries are exhausted always is.
    """

    max_losses: int | None
    """How many lost locks are forgiven; 0 to 1,000."""

    max_retries: int | None
    """How many failed attempts are retried; 0 to 1,000."""

    retry_delay: RetryDelayPatch | None
    """How long to wait before a retry."""

    retry_elsewhere: RetryElsewhere | None
    """Whether another engine is to retry what one has failed."""


class RotateTokenRequest(TypedDict, total=False):
    """A new secret for a token. The body may be left out."""

    expires_in_seconds: int | None
    """How long the token is valid from now on; as long as a new one of its role if absent."""

    overlap_seconds: int | None
    """For how long the present secret is taken, too; a day if absent, 90 at most, 0 for not at all."""


class RunCancelRequest(TypedDict, total=False):
    """How to cancel a scenario run. The body may be left out."""

    force: bool
    """Whether to take the locks away from engines that work on its events, instead of asking these to stop."""

    reason: str | None
    """Why, for the history: at most 256 characters."""


class Selectors(TypedDict, total=False):
    """On what a token may act. An empty list is no limit."""

    capabilities: Sequence[str]
    """What an engine may say that it is capable of; anything if absent."""

    engines: Sequence[str]
    """The engines, by their ids; all if absent."""

    event_types: Sequence[str]
    """The types of events; all if absent."""

    queues: Sequence[str]
    """The queues of events; all if absent."""


class Settings(TypedDict, total=False):
    """What an event type or a queue sets for its events."""

    hold_back_after_seconds: int | None
    """After how many seconds in which an event waits and others pass it an engine is held back for it; 0 to
    2,592,000, and 0 for never.
    """

    max_processing_seconds: int | None
    """How long one attempt may take, renewals included; 1 to 2,592,000. No limit if absent."""

    paused: bool
    """Whether its events are kept from being claimed."""

    priority_aging_seconds: int | None
    """How many seconds make the priority of an event that waits one step better; 0 to 2,592,000, and 0 for
    never.
    """

    progress_timeout_seconds: int | None
    """How long an attempt may go on without reporting progress; 1 to 2,592,000. No limit if absent."""

    quarantine: QuarantineMode | None
    """What is done about engines that fail its events more than others do."""

    retry_policy: RetryPolicyPatch | None
    """Overrides single fields of the retry policy."""

    visibility_timeout_seconds: int | None
    """How long a lock lasts unless extended; 1 to 604,800."""

    when_blocked: WhenBlocked | None
    """What is done about its events that nobody can run for a while; nothing, if absent."""


class SettleRequest(TypedDict, total=False):
    """Up to 10,000 settlements, each with its own answer. One that is wrong is refused by itself."""

    settlements: Required[Sequence[Settlement]]
    """The settlements: 1 to 10,000."""


class Settlement(TypedDict, total=False):
    """How to settle one event: an outcome, and the fields of the call of that name."""

    checkpoint: Any
    """What another attempt needs to continue from here: any JSON of at most 16 KiB. It replaces the one before,
    and is given to the next attempt as `previous.checkpoint`.
    """

    dead_letter: bool | None
    """With `fail`: whether a person should look if this was the last attempt."""

    delay_seconds: float | None
    """With `release`: how long nobody may claim it, in seconds; 0 to 31,622,400."""

    error: AttemptError | None
    """With `fail`, and required there: what went wrong."""

    event_id: Required[str]
    """Which event."""

    lock_token: Required[str]
    """The token of the claim's answer."""

    log: Sequence[str]
    """"""

    log_url: str | None
    """Where the whole log is: a URL that begins with `http://` or `https://`."""

    outcome: Required[SettleOutcome]
    """What became of the attempt."""

    progress: AttemptProgress | None
    """How far the attempt is; replaces what was reported before."""

    result: Any
    """With `complete`: any JSON of at most 256 KiB, kept byte for byte."""

    retry_after_seconds: float | None
    """With `fail`: how long to wait before the next attempt, in seconds; 0 to 31,622,400."""

    retryable: bool | None
    """With `fail`: whether another attempt may help; true if absent."""

    usage: AttemptUsage | None
    """What the attempt has used since it began. A field that is given replaces what was reported before."""

    visibility_timeout_seconds: int | None
    """With `extend`, and required there: how long from now the lock is to last; 1 to 604,800."""


class WhenBlocked(TypedDict, total=False):
    """What an event type or a queue wants done about events that nobody can run for a while."""

    action: Required[BlockedAction]
    """What is done."""

    after_seconds: Required[int]
    """After how many seconds in which an event was due and its verdict was one of these; 1 to 2,592,000."""

    verdicts: Sequence[WaitingVerdict]
    """With which verdicts; `impossible` and `blocked` if absent."""


class EnqueueOptions(TypedDict, total=False):
    """An event as a producer asks for it. Unknown fields are refused, so that a typo is not silently lost."""

    delay_seconds: float | None
    """Not to be claimed before so many seconds from now; 0 to 31,622,400."""

    engine_version: str | None
    """"""

    expires_after_seconds: int | None
    """How long after it first comes due it is cancelled if it is queued then, for a retry too; 1 to 31,622,400.
    Never, if absent.
    """

    idempotency_key: str | None
    """Makes a repeat of this request safe: as long as an event has this key, the same request answers with that
    event, and another one is refused. 1 to 256 characters.
    """

    idempotency_window_seconds: int | None
    """For how long after the enqueue the event has its key; as long as the event is kept, if absent. 1 to
    31,622,400.
    """

    labels: Mapping[str, str]
    """"""

    max_processing_seconds: int | None
    """How long one attempt may take, renewals included; 1 to 2,592,000."""

    priority: int | None
    """0 (first) to 9 (last); 5 if absent."""

    progress_timeout_seconds: int | None
    """How long one attempt may go on without reporting progress; 1 to 2,592,000."""

    queue: str | None
    """The queue it waits in; `default` if absent."""

    required_capabilities: Sequence[str]
    """What the engine must be capable of: at most 64 names."""

    required_memory_mb: int | None
    """Memory that the engine must have free, in MiB; 1 to 2^30."""

    retry_policy: RetryPolicyPatch | None
    """Overrides single fields of the retry policy."""

    run_at: datetime | str | None
    """Not to be claimed before this moment. At most one of `run_at` and `delay_seconds`."""

    scenario_run_id: str | None
    """The scenario run it belongs to."""

    traceparent: str | None
    """The span that enqueues it, as W3C Trace Context writes it: engines link theirs to it. A repeat of the
    request may have another one; the first is kept.
    """

    visibility_timeout_seconds: int | None
    """How long a lock on it lasts unless extended; 1 to 604,800."""


__all__ = [
    "Affinity",
    "AttemptError",
    "AttemptProgress",
    "AttemptUsage",
    "AuditOutcome",
    "BatchRequest",
    "BlockedAction",
    "BulkCancelRequest",
    "BulkDiscardRequest",
    "BulkRedriveRequest",
    "BulkRetryRequest",
    "CancelRequest",
    "ChangeRequest",
    "ClaimPart",
    "ClaimRequest",
    "CompleteRequest",
    "CreateTokenRequest",
    "DeadLetterFilter",
    "DeadLetterReason",
    "DiscardRequest",
    "DrainRequest",
    "EngineStatus",
    "EnqueueOptions",
    "EnqueueRequest",
    "EventFilter",
    "EventStatus",
    "ExchangeRequest",
    "ExtendRequest",
    "FailRequest",
    "HeartbeatPart",
    "HeartbeatRequest",
    "LockReport",
    "OperationAction",
    "OperationRequest",
    "PauseRequest",
    "QuarantineMode",
    "QuarantineRequest",
    "RegisterRequest",
    "ReleaseRequest",
    "RetryDelayPatch",
    "RetryElsewhere",
    "RetryPolicyPatch",
    "Role",
    "RotateTokenRequest",
    "RunCancelRequest",
    "Selectors",
    "Settings",
    "SettleOutcome",
    "SettleRequest",
    "Settlement",
    "WaitingVerdict",
    "WhenBlocked"
]
