"""The state that the tasks of one engine share, and the handlers that it runs."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from ..client import AsyncClient
from ..context import Context, StopSignal
from ..models import ClaimedEvent
from .executors import Executor, Run
from .handlers import Handler
from .heartbeat import Heartbeats
from .held_locks import HeldLock, HeldLocks
from .outcome import RELEASED, Outcome, failed
from .report_buffer import ReportBuffer
from .session import SessionWatch, Slots
from .settings import EngineSettings

_log = logging.getLogger("enginehouse")


@dataclass
class Finished:
    """The result of a handler, and how many slots are free once the server has answered."""

    event_id: str
    token: str
    outcome: Outcome
    report: dict[str, Any]
    slots: int

    def settlement(self) -> dict[str, Any]:
        """What is sent."""
        fields = {"event_id": self.event_id, "lock_token": self.token, "outcome": self.outcome.kind}
        return {**fields, **self.outcome.fields, **self.report}


class RunningEngine:
    """What the tasks of one engine share. All of it belongs to the engine's own event loop."""

    def __init__(
        self,
        settings: EngineSettings,
        client: AsyncClient,
        session: SessionWatch,
        heartbeats: Heartbeats,
        held: HeldLocks,
        executor_of: Callable[[Handler], Executor],
    ) -> None:
        self.settings = settings
        self.client = client
        self.session = session
        self.heartbeats = heartbeats
        self.held = held
        self.slots = Slots(settings.concurrency)
        self.finished: asyncio.Queue[Finished] = asyncio.Queue()
        #: Held for as long as a claim is under way, so that there is one at a time.
        self.claiming = asyncio.Lock()
        self.shutdown = asyncio.Event()
        self._executor_of = executor_of
        self._tasks: set[asyncio.Task[None]] = set()

    def handle(self, events: list[ClaimedEvent], slots: int) -> None:
        """Runs the handler for each event. During a shutdown the events are released instead. Slots left over are free again."""
        for event in events:
            held = self._hold(event)
            slots -= 1
            self.settings.works_on(event.scenario_run_id)
            # Heartbeats list the lock from here on, whatever the handler does.
            self.held.add(held)
            handler = self.settings.handler_of(event.event_type)
            if self.shutdown.is_set():
                self._finish(held, RELEASED, 1)
            elif handler is None:
                # A claim names its types, so this is the server's mistake, or the event's type was changed meanwhile.
                _log.error("event %s: there is no handler of %s", event.event_id, event.event_type)
                self._finish(held, RELEASED, 1)
            else:
                task = asyncio.create_task(self._work(handler, held))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)
        self.slots.give_back(slots)

    def _hold(self, event: ClaimedEvent) -> HeldLock:
        limit = None
        if event.lock.times_out_at is not None:
            limit = max(0.0, (event.lock.times_out_at - event.lock.claimed_at).total_seconds())
        handler = self.settings.handler_of(event.event_type)
        own = None if handler is None else handler.timeout
        limits = [one for one in (limit, own) if one is not None]
        deadline = datetime.now(UTC) + timedelta(seconds=min(limits)) if limits else None
        stop, reports = StopSignal(), ReportBuffer()
        context = Context(event, reports, stop, deadline, self.session.now.event_token(event))
        times_out_at = None if limit is None else time.monotonic() + limit
        return HeldLock(event, context, stop, reports, times_out_at)

    async def _work(self, handler: Handler, held: HeldLock) -> None:
        try:
            run = self._executor_of(handler).start(handler, held.context, held.stop, held.reports)
        except Exception as error:
            # It says nothing about the event: another engine may do better.
            _log.exception("event %s: its handler could not be started", held.event.event_id)
            self._finish(held, failed("not_started", f"the handler could not be started: {error}"), 1)
            return
        outcome = await self._until_ended(handler, held, run)
        still_runs = not run.future.done()
        self._finish(held, outcome, 0 if still_runs else 1)
        if still_runs:
            # A thread that ignores that it should stop keeps its slot, so that there are never more of them than slots.
            await asyncio.wait({asyncio.wrap_future(run.future)})
            self.slots.give_back(1)

    async def _until_ended(self, handler: Handler, held: HeldLock, run: Run) -> Outcome:
        """How the handler ended. One that ignores for too long that it should stop is ended by force."""
        ended = asyncio.wrap_future(run.future)
        stopped = asyncio.ensure_future(held.stop.wait_async())
        either: set[asyncio.Future[Any]] = {ended, stopped}
        own_timeout = False
        try:
            await asyncio.wait(either, timeout=self._time_left(handler, held), return_when=asyncio.FIRST_COMPLETED)
            if not ended.done() and not stopped.done():
                if held.has_timed_out():
                    held.time_out()
                else:
                    own_timeout = True
                    held.stop.set("timed_out")
            if not ended.done():
                await asyncio.wait({ended}, timeout=self.settings.stop_wait)
        finally:
            stopped.cancel()
        if own_timeout:
            if not ended.done():
                run.abort()
            return failed("timed_out", f"the handler took longer than its timeout of {handler.timeout:g} s")
        if not ended.done():
            _log.warning("event %s: its handler has ignored that it should stop", held.event.event_id)
            if not run.abort():
                return RELEASED
            await asyncio.wait({ended}, timeout=self.settings.stop_wait)
        return _outcome(run.future, held)

    def _time_left(self, handler: Handler, held: HeldLock) -> float | None:
        own = handler.timeout
        server = None if held.times_out_at is None else max(0.0, held.times_out_at - time.monotonic())
        if own is None or server is None:
            return own if server is None else server
        return min(own, server)

    def _finish(self, held: HeldLock, outcome: Outcome, slots: int) -> None:
        """Hands over the result of a handler to be settled, unless the lock is lost."""
        reason = held.stop.reason
        if reason == "lock_lost":
            _log.warning("event %s: dropped a result: its lock is lost", held.event.event_id)
            self.held.settled(held.token, None)
            self.slots.give_back(slots)
            return
        if held.failed_by_server:
            # The server has counted the failure.
            self.held.settled(held.token, "fail")
            self.slots.give_back(slots)
            return
        if reason in ("cancelled", "shutting_down") and outcome.kind != "complete":
            # What fails because it was stopped says nothing about the event. A completion still counts.
            outcome = RELEASED
        held.settling = True
        report = held.reports.last()
        self.finished.put_nowait(Finished(held.event.event_id, held.token, outcome, report, slots))


def _outcome(future: Future[Outcome], held: HeldLock) -> Outcome:
    """What a handler has answered; one that was ended by force has answered nothing."""
    if not future.done() or future.cancelled():
        return RELEASED
    error = future.exception()
    if error is not None:
        _log.error("event %s: its handler could not be run: %s", held.event.event_id, error)
        return failed("internal", f"the handler could not be run: {error}")
    return future.result()


__all__ = ["Finished", "RunningEngine"]
