"""The locks that an engine holds, from the claim's answer to the settle's."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass, field
from typing import Any

from ..context import Context, StopReason, StopSignal
from ..models import ClaimedEvent, HeartbeatResponse
from .outcome import Kind
from .report_buffer import ReportBuffer, weight

_log = logging.getLogger("enginehouse")

#: How long the answer of a claim may have been on its way, in seconds: an attempt is as much older than this engine knows.
CLAIM_ANSWER = 2.0
#: Most bytes of reports in one heartbeat, below the limit of a body.
MAX_REPORT_BYTES = 512 * 1024


@dataclass
class EngineSummary:
    """How many events an engine has settled, and how."""

    completed: int = 0
    #: Attempts that failed: those that took too long, and those that will be retried, too.
    failed: int = 0
    released: int = 0
    #: Events whose lock it lost, or whose settle the server refused.
    lost: int = 0


@dataclass
class HeldLock:
    """An event under this engine's lock, and its handler."""

    event: ClaimedEvent
    context: Context
    stop: StopSignal
    reports: ReportBuffer
    #: When the attempt has taken longer than the server lets it, by the monotonic clock, if it ever does.
    times_out_at: float | None
    #: It has returned, and its result is on the way to the server.
    settling: bool = False
    #: The server has failed the attempt, because it took too long.
    failed_by_server: bool = False

    @property
    def token(self) -> str:
        """Proves that this engine holds the lock."""
        return self.event.lock.token

    def has_timed_out(self) -> bool:
        """Whether the attempt has taken longer than the server lets it."""
        return self.times_out_at is not None and self.times_out_at <= time.monotonic() + CLAIM_ANSWER

    def time_out(self) -> None:
        """The attempt has taken as long as the server lets it: it has failed it, or is about to."""
        if self.stop.reason is None:
            _log.warning("event %s: the attempt has failed: it took longer than max_processing_seconds", self.event.event_id)
            self.failed_by_server = True
            self.stop.set("timed_out")


@dataclass
class HeldLocks:
    """Shared by claims, exchanges and heartbeats."""

    locks: dict[str, HeldLock] = field(default_factory=dict[str, HeldLock])
    summary: EngineSummary = field(default_factory=EngineSummary)

    def add(self, held: HeldLock) -> None:
        """A claim has brought it: heartbeats list it from now on."""
        self.locks[held.token] = held

    def settled(self, token: str, outcome: Kind | None) -> None:
        """The server has answered the settle of this lock: with its outcome, or with none if the lock was lost."""
        if self.locks.pop(token, None) is None:
            return
        if outcome == "complete":
            self.summary.completed += 1
        elif outcome == "fail":
            self.summary.failed += 1
        elif outcome == "release":
            self.summary.released += 1
        else:
            self.summary.lost += 1

    def tokens(self) -> list[str]:
        """What a heartbeat lists: settling ones too, for their settle may take long to arrive."""
        return list(self.locks)

    def begin_reports(self) -> list[dict[str, Any]]:
        """What handlers have reported and the server does not have yet, as much as one body has room for."""
        room = MAX_REPORT_BYTES
        reports: list[dict[str, Any]] = []
        for token, held in self.locks.items():
            report = None if held.settling else held.reports.begin()
            if report is None:
                continue
            if weight(report) > room:
                # The next heartbeat has it.
                held.reports.failed()
                continue
            room -= weight(report)
            reports.append({"lock_token": token, **report})
        return reports

    def reports_ended(self, sent: list[str], answer: HeartbeatResponse | None) -> None:
        """The server has answered which locks it has renewed, and which of the reports it has refused; or has not answered."""
        renewed: set[str] = set() if answer is None else set(answer.renewed)
        for index, token in enumerate(sent):
            held = self.locks.get(token)
            if held is None:
                continue
            for error in [] if answer is None else answer.errors or []:
                if error.pointer.startswith(f"/reports/{index}/"):
                    _log.warning("event %s: a report was refused: %s", held.event.event_id, error.detail)
            if token in renewed:
                held.reports.arrived()
            else:
                held.reports.failed()

    def lose(self, token: str) -> None:
        """The server says that this lock is lost. If it is settling, the settle's own answer decides."""
        held = self.locks.get(token)
        if held is None or held.settling:
            return
        if held.has_timed_out():
            held.time_out()
        elif held.stop.reason != "lock_lost":
            _log.warning("event %s: the lock is lost", held.event.event_id)
            held.stop.set("lock_lost")

    def cancel(self, event_id: str) -> None:
        """The event is to be cancelled."""
        for held in self.locks.values():
            if held.event.event_id == event_id:
                held.stop.set("cancelled")

    def stop_all(self, reason: StopReason) -> None:
        """All handlers should stop."""
        for held in list(self.locks.values()):
            held.stop.set(reason)
