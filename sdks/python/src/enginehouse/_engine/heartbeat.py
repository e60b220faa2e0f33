"""Keeps the engine and its locks alive, and learns from the answers which locks are lost, which events are cancelled and whether to drain.

A heartbeat goes along with an exchange that is sent in the last quarter of the interval, and by itself when no exchange was sent by then.
Two are never close together: the server releases a lock that two heartbeats do not list, and must not take a claim's answer that is still
on its way for one that was lost.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from .._backoff import Backoff
from .._errors import CallError
from ..models import Engine, HeartbeatResponse
from .held_locks import HeldLocks
from .session import EngineSession, SessionWatch

_log = logging.getLogger("enginehouse")

Call = Callable[..., Awaitable[Any]]


class Heartbeats:
    """Shared by the task that sends heartbeats and the exchanges that take one along."""

    def __init__(
        self,
        call: Call,
        register: Callable[[], Awaitable[Engine]],
        load: Callable[[], dict[str, Any]],
        interval: float,
        held: HeldLocks,
        session: SessionWatch,
    ) -> None:
        self._call = call
        self._register = register
        self._load = load
        #: Zero: only when `send_now` asks for one.
        self._interval = interval
        self._held = held
        self._session = session
        self._last_sent_at = time.monotonic()
        self._now = asyncio.Event()

    def send_now(self) -> None:
        """Asks for a heartbeat at once."""
        self._now.set()

    def part_if_due(self) -> dict[str, Any] | None:
        """The heartbeat for an exchange that is about to be sent; none if it is too soon for one."""
        if not self._interval or time.monotonic() - self._last_sent_at < self._interval * 0.75:
            return None
        self._last_sent_at = time.monotonic()
        return self._part()

    def part_failed(self) -> None:
        """The exchange that took a heartbeat along failed: the next one is due in a quarter of the interval."""
        since = time.monotonic() - self._last_sent_at
        missing = max(0.0, self._interval / 4 - since)
        self._last_sent_at = time.monotonic() + missing - self._interval

    def answered(self, answer: HeartbeatResponse) -> None:
        """Does what the answer to a heartbeat says."""
        for error in answer.errors or []:
            _log.warning("a part of a heartbeat was left out: %s: %s", error.pointer, error.detail)
        for token in answer.lost:
            self._held.lose(token)
        for event_id in answer.cancel:
            self._held.cancel(event_id)
        if self._session.now.draining != answer.drain:
            self._session.now.draining = answer.drain
            self._session.notify()
        if answer.status == "stopped":
            self._session.end("drained")

    async def send_when_due(self) -> None:
        """Sends heartbeats until the session is over."""
        longest = max(self._interval / 4, 0.25) if self._interval else 5.0
        backoff = Backoff(0.25, longest)
        retry_in: float | None = None
        while self._session.now.end is None:
            await self._wait(retry_in)
            self._now.clear()
            try:
                await self._send()
            except CallError as error:
                # Soon again: the engine is lost after a few intervals without one.
                _log.warning("the heartbeat failed; trying again: %s", error)
                retry_in = backoff.next()
            else:
                backoff.reset()
                retry_in = None

    async def _wait(self, retry_in: float | None) -> None:
        """Waits until a heartbeat is due: an exchange may have sent one meanwhile."""
        if retry_in is None and not self._interval:
            await self._now.wait()
            return
        due_at = time.monotonic() + retry_in if retry_in is not None else self._last_sent_at + self._interval
        while (wait := due_at - time.monotonic()) > 0:
            try:
                async with asyncio.timeout(wait):
                    await self._now.wait()
                return
            except TimeoutError:
                if retry_in is None:
                    due_at = self._last_sent_at + self._interval

    def _part(self) -> dict[str, Any]:
        return {
            "dynamic_state": self._load(),
            "lock_tokens": self._held.tokens(),
            "reports": self._held.begin_reports(),
        }

    async def _send(self) -> None:
        self._last_sent_at = time.monotonic()
        part = self._part()
        reported = [report["lock_token"] for report in part["reports"]]
        timeout = min(max(self._interval, 2.0), 10.0)
        arguments = {"epoch": self._session.now.epoch, **part}
        try:
            answer = await self._call("heartbeat", arguments, HeartbeatResponse, timeout)
        except CallError as error:
            self._held.reports_ended(reported, None)
            if error.code == "engine_superseded":
                self._session.end("superseded")
            elif error.code == "engine_not_registered" and self._session.now.draining:
                # It was drained, and stopped as well: it must not register again.
                self._session.end("drained")
            elif error.code == "engine_not_registered":
                await self._register_again()
            else:
                raise
            return
        self._held.reports_ended(reported, answer)
        self.answered(answer)

    async def _register_again(self) -> None:
        """The server does not know this engine any more: it starts anew, without the locks that it had."""
        engine = await self._register()
        _log.warning("the server did not know this engine: registered again, epoch %s", engine.epoch)
        self._held.stop_all("lock_lost")
        self._session.replace(EngineSession.begun(engine))
