"""For tests of engines: handlers run in memory by a clock that the test sets, or against a real server of their own.

    def test_a_slow_quote_is_asked_for_again():
        queue = InMemoryQueue(engine)
        event = queue.enqueue("order.created", {"sku": "tea", "qty": 3})
        queue.run_due()
        assert event.status == "queued"
        queue.advance("30s")
        queue.run_due()
        assert event.result == {"total": 36}
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal, TypeAlias

from ._durations import Duration, seconds
from ._engine.handlers import invoke
from ._engine.outcome import Outcome
from ._engine.report_buffer import ReportBuffer
from ._errors import EnginehouseError
from ._json import RawJson, decode, encode
from ._tracing import current_traceparent
from .client import Client
from .context import Context, StopReason, StopSignal
from .engine import Engine
from .models import AttemptError, ClaimedEvent, ClaimedLock, PreviousAttempt

Status: TypeAlias = Literal["queued", "completed", "failed"]


@dataclass(frozen=True)
class RetryRule:
    """The retry rule of the server, without chance and without lost locks; its defaults are the server's."""

    max_retries: int = 3
    initial: float = 30.0
    multiplier: float = 2.0
    longest: float = 300.0
    #: How many failures make an event that is rejected a dead letter, whether or not the handler asked for it.
    dead_letter_threshold: int = 3

    def wait_before(self, retry: int) -> float:
        """How long to wait before this retry, from 1, in seconds."""
        return min(self.initial * self.multiplier ** (retry - 1), self.longest)


@dataclass
class RunAttempt:
    """What one attempt of a handler has come to."""

    number: int
    outcome: Literal["completed", "failed", "released"]
    error: AttemptError | None
    #: What the handler has reported.
    progress: dict[str, Any] | None
    log: list[str]


@dataclass
class InMemoryEvent:
    """An event of an `InMemoryQueue`."""

    event_id: str
    event_type: str
    payload_json: RawJson
    available_at: datetime
    labels: dict[str, str]
    scenario_run_id: str | None
    traceparent: str | None
    status: Status = "queued"
    result_json: RawJson | None = None
    #: Whether a person would have to look at it.
    dead_letter: bool = False
    attempts: list[RunAttempt] = field(default_factory=list[RunAttempt])
    checkpoint_json: RawJson = field(default_factory=lambda: RawJson(b"null"))

    @property
    def result(self) -> Any:
        """What the handler has returned, as it is read from JSON."""
        return None if self.result_json is None else decode(self.result_json)

    @property
    def checkpoint(self) -> Any:
        """The newest checkpoint."""
        return decode(self.checkpoint_json)

    @property
    def last_error(self) -> AttemptError | None:
        """What went wrong last."""
        return next((one.error for one in reversed(self.attempts) if one.error is not None), None)


class InMemoryQueue:
    """Runs the handlers of an engine in this thread, without a server, by a clock that stands still until the test moves it.

    Payloads, results, errors, retries, releases and checkpoints are those of a server. Timeouts, locks, priorities and requirements are not
    looked after: test those with `start_server`.

    Args:
        engine: Whose handlers run. It need not, and is not, run itself.
        now: What the clock shows.
        retry: The retry rule; the server's default if left out.
    """

    def __init__(self, engine: Engine, *, now: datetime | None = None, retry: RetryRule = RetryRule()) -> None:
        self.now = now or datetime(2026, 1, 1, tzinfo=UTC)
        self.events: list[InMemoryEvent] = []
        self._engine = engine
        self._retry = retry

    def enqueue(
        self,
        event_type: str,
        payload: Any = None,
        *,
        delay: Duration = 0.0,
        labels: dict[str, str] | None = None,
        scenario_run_id: str | None = None,
        traceparent: str | None = None,
    ) -> InMemoryEvent:
        """Enqueues one event; `{}` is its payload if none is given, and the current span, if there is one, its `traceparent`."""
        if event_type not in self._engine.handlers and "*" not in self._engine.handlers:
            known = ", ".join(sorted(self._engine.handlers)) or "none"
            raise ValueError(f"the engine has no handler of {event_type}; it has {known}")
        text = RawJson(encode({} if payload is None else payload))
        available_at = self.now + timedelta(seconds=seconds(delay))
        span = traceparent or current_traceparent()
        event = InMemoryEvent(str(uuid.uuid4()), event_type, text, available_at, labels or {}, scenario_run_id, span)
        self.events.append(event)
        return event

    def advance(self, duration: Duration) -> None:
        """Moves the clock."""
        self.now += timedelta(seconds=seconds(duration))

    def run_due(self, *, stop: StopReason | None = None) -> list[RunAttempt]:
        """Runs one attempt of each event that is due, in the order in which they came due.

        Args:
            stop: Has the context of each handler stopped from the beginning, for this reason.
        """
        due = [event for event in self.events if event.status == "queued" and event.available_at <= self.now]
        return [self._run(event, stop) for event in sorted(due, key=lambda event: event.available_at)]

    def run_until_idle(self, *, limit: int = 1000) -> list[RunAttempt]:
        """Runs attempts and moves the clock to the next due event until none is queued; no more than `limit` attempts."""
        attempts: list[RunAttempt] = []
        while waiting := [event.available_at for event in self.events if event.status == "queued"]:
            if len(attempts) >= limit:
                raise EnginehouseError(f"{limit} attempts have not ended {len(waiting)} events")
            self.now = max(self.now, min(waiting))
            attempts += self.run_due()
        return attempts

    def _run(self, event: InMemoryEvent, stop: StopReason | None) -> RunAttempt:
        handler = self._engine.handlers.get(event.event_type) or self._engine.handlers["*"]
        number = sum(one.outcome != "released" for one in event.attempts) + 1
        signal, reports = StopSignal(), ReportBuffer()
        if stop is not None:
            signal.set(stop)
        limit = None if handler.timeout is None else self.now + timedelta(seconds=handler.timeout)
        context = Context(self._claimed(event, number), reports, signal, limit, None)
        outcome = invoke(handler, context, self._engine.engine_id)
        if stop is not None and outcome.kind != "complete":
            outcome = Outcome("release")
        report = reports.last()
        event.checkpoint_json = report.get("checkpoint", event.checkpoint_json)
        lines = [line for text in report.get("log", []) for line in text.split("\n")]
        attempt = self._settled(event, number, outcome, report.get("progress"), lines)
        event.attempts.append(attempt)
        return attempt

    def _settled(
        self, event: InMemoryEvent, number: int, outcome: Outcome, progress: dict[str, Any] | None, log: list[str]
    ) -> RunAttempt:
        fields = outcome.fields
        if outcome.kind == "complete":
            event.status, event.result_json = "completed", fields["result"]
            return RunAttempt(number, "completed", None, progress, log)
        if outcome.kind == "release":
            event.available_at = self.now + timedelta(seconds=fields.get("delay_seconds", 0.0))
            return RunAttempt(number, "released", None, progress, log)
        found = fields["error"]
        error = AttemptError(code=found["code"], message=found["message"], details_json=RawJson(encode(found.get("details"))))
        if fields["retryable"] and number <= self._retry.max_retries:
            wait = fields.get("retry_after_seconds", self._retry.wait_before(number))
            event.available_at = self.now + timedelta(seconds=wait)
        else:
            event.status = "failed"
            event.dead_letter = fields["retryable"] or fields["dead_letter"] or number >= self._retry.dead_letter_threshold
        return RunAttempt(number, "failed", error, progress, log)

    def _claimed(self, event: InMemoryEvent, number: int) -> ClaimedEvent:
        engine_id = self._engine.engine_id
        expires_at = self.now + timedelta(minutes=5)
        token = f"{number}-{'0' * 32}"
        lock = ClaimedLock(claimed_at=self.now, engine_id=engine_id, expires_at=expires_at, holder=f"processing_by_{engine_id}", token=token)
        before = PreviousAttempt(checkpoint_json=event.checkpoint_json, engine_id=engine_id, error=event.last_error)
        failures = number - 1
        return ClaimedEvent(
            attempt=number, available_at=event.available_at, cancel_requested=False, completed_at=None, dead_letter=None,
            engine_id=engine_id, engine_version=None, enqueued_at=self.now, event_id=event.event_id, event_type=event.event_type,
            expires_at=None, failures=failures, finished_at=None, idempotency_key=None, idempotency_key_expires_at=None,
            labels=event.labels, last_error=event.last_error, lock=lock, losses=0, max_processing_seconds=None,
            payload_json=event.payload_json, previous=before if event.attempts else None, priority=5, progress_timeout_seconds=None,
            queue="default", redrives=0, required_capabilities=[], required_memory_mb=None, result_json=RawJson(b"null"),
            retries=failures, retry_policy=None, scenario_run_id=event.scenario_run_id, status="processing",
            traceparent=event.traceparent, visibility_timeout_seconds=None,
        )  # fmt: skip


@dataclass(frozen=True)
class ServerProcess:
    """A server of `start_server`."""

    #: Where it is.
    url: str
    process: subprocess.Popen[bytes]

    def client(self) -> Client:
        """A client of it, without a token."""
        return Client(self.url)


@contextmanager
def start_server(
    *, binary: str | None = None, store: str | None = None, arguments: Sequence[str] = (), limit: Duration = 30.0
) -> Generator[ServerProcess, None, None]:
    """Runs a server on a free port of this machine, and ends it. It ends too when this process does.

    Args:
        binary: The program; that which `ENGINEHOUSE_BINARY` names, or else the `enginehouse` beside this Python or in the path.
        store: Where it keeps its data, as `sqlite:///PATH` or `postgres://…`; in a data file that is deleted, if left out.
        arguments: More of `enginehouse serve`.
        limit: How long it may take to start.
    """
    program = binary or os.environ.get("ENGINEHOUSE_BINARY") or _beside_python() or shutil.which("enginehouse")
    if program is None:
        raise EnginehouseError("there is no program enginehouse: install it, or name it in ENGINEHOUSE_BINARY")
    with tempfile.TemporaryDirectory(prefix="enginehouse-test-") as folder:
        log = Path(folder) / "log"
        store = store or f"sqlite://{folder}/events.db"
        command = [program, "serve", "--listen", "127.0.0.1:0", "--store", store, "--until-stdin-ends", *arguments]
        # What sets up servers and clients of this machine is not meant for it.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ENGINEHOUSE_")}
        with log.open("wb") as output:
            process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=output, env=environment)
        try:
            yield ServerProcess(_address(process, log, seconds(limit)), process)
        finally:
            process.kill()
            process.wait()
            if process.stdin is not None:
                process.stdin.close()


def _beside_python() -> str | None:
    path = Path(sys.executable).parent / "enginehouse"
    return str(path) if path.is_file() else None


def _address(process: subprocess.Popen[bytes], log: Path, limit: float) -> str:
    ends_at = time.monotonic() + limit
    while True:
        text = log.read_text("utf-8", "replace")
        found = re.search(r"listening on (\S+)", text)
        if found is not None:
            return found[1]
        if process.poll() is not None:
            raise EnginehouseError(f"the server has ended with status {process.returncode}: {text.strip()}")
        if time.monotonic() > ends_at:
            raise EnginehouseError(f"the server has not started within {limit:g} s: {text.strip()}")
        time.sleep(0.01)


__all__ = ["InMemoryEvent", "InMemoryQueue", "RetryRule", "RunAttempt", "ServerProcess", "start_server"]
