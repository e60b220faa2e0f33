"""What a handler is given beside the payload: the event, when to stop, and where to report."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable, MutableMapping
from datetime import datetime
from typing import Any, Literal, Protocol, TypeAlias

from ._engine.report_buffer import MAX_CHECKPOINT_BYTES
from ._json import encode
from .models import ClaimedEvent, PreviousAttempt
from .outcomes import Stopped

#: Why a handler should stop: the event was `cancelled`, its lock is lost (`lock_lost`), the attempt has taken too long (`timed_out`), or the
#: engine is `shutting_down`. A completion still counts after `cancelled` and `shutting_down`; after the other two the result is dropped.
StopReason: TypeAlias = Literal["cancelled", "lock_lost", "timed_out", "shutting_down"]


class Reports(Protocol):
    """Where the reports of a handler go."""

    def progress(self, percent: float | None, message: str | None) -> None: ...
    def checkpoint(self, text: bytes) -> None: ...
    def usage(self, usage: dict[str, float]) -> None: ...
    def log(self, text: str) -> None: ...
    def log_url(self, url: str) -> None: ...


class StopSignal:
    """Set once, from any thread, with the reason."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._event = threading.Event()
        self._callbacks: list[Callable[[StopReason], None]] = []
        self.reason: StopReason | None = None

    def set(self, reason: StopReason) -> None:
        """Stops the handler. The first reason stands."""
        with self._guard:
            if self.reason is not None:
                return
            self.reason = reason
            callbacks, self._callbacks = self._callbacks, []
        self._event.set()
        for callback in callbacks:
            callback(reason)

    def then(self, callback: Callable[[StopReason], None]) -> None:
        """Calls this once it is set, in the thread that sets it; at once if it is."""
        with self._guard:
            reason = self.reason
            if reason is None:
                self._callbacks.append(callback)
                return
        callback(reason)

    def wait(self, seconds: float | None) -> bool:
        """Waits until it is set; False if it is not after so long."""
        return self._event.wait(seconds)

    async def wait_async(self) -> StopReason:
        """Waits until it is set."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[StopReason] = loop.create_future()

        def deliver(reason: StopReason) -> None:
            if not future.done():
                future.set_result(reason)

        def wake(reason: StopReason) -> None:
            try:
                loop.call_soon_threadsafe(deliver, reason)
            except RuntimeError:
                # The loop of whoever waited is closed.
                return

        self.then(wake)
        return await future


class _ContextLogger(logging.LoggerAdapter[logging.Logger]):
    """Adds the event and the attempt to each record."""

    def process(self, msg: Any, kwargs: MutableMapping[str, Any]) -> tuple[Any, MutableMapping[str, Any]]:
        kwargs["extra"] = {**(self.extra or {}), **kwargs.get("extra", {})}
        return msg, kwargs


class Context:
    """The attempt that a handler works on.

    Reports (`progress`, `checkpoint`, `usage`, `log`) cost no call of their own: they go along with the next heartbeat, and the last of them
    with the settle. All methods may be called from any thread.
    """

    def __init__(
        self,
        event: ClaimedEvent,
        reports: Reports,
        stop: StopSignal,
        deadline: datetime | None,
        event_token: str | None,
    ) -> None:
        self.event = event
        """The whole event: `event_id`, `event_type`, `queue`, `labels`, `scenario_run_id`, `attempt` and the others."""
        self.deadline = deadline
        """When the attempt has taken too long, by the clock of this machine; none if it may take as long as it likes."""
        self.event_token = event_token
        """A token for another program that works on this event: with it, it may report on this attempt and settle it, and nothing else, as
        long as the lock lasts. None from a server that knows of no sessions."""
        extra = {"event_id": event.event_id, "event_type": event.event_type, "attempt": event.attempt}
        self.logger = _ContextLogger(logging.getLogger("enginehouse.handler"), extra)
        """Logs with `event_id`, `event_type` and `attempt` in each record. What is logged stays in this process: see `log`."""
        self._reports = reports
        self._stop = stop

    @property
    def attempt(self) -> int:
        """The number of the attempt, from 1."""
        return self.event.attempt

    @property
    def previous(self) -> PreviousAttempt | None:
        """What the attempts before have left: the newest `checkpoint`, the last `error` and the `engine_id`; none on the first attempt."""
        return self.event.previous

    @property
    def stop_reason(self) -> StopReason | None:
        """Why the handler should stop; none as long as it should not."""
        return self._stop.reason

    @property
    def stopped(self) -> bool:
        """Whether the handler should stop, for whatever reason."""
        return self._stop.reason is not None

    @property
    def cancelled(self) -> bool:
        """Whether the event is cancelled."""
        return self._stop.reason == "cancelled"

    def check(self) -> None:
        """Raises `Stopped` if the handler should stop. For loops: left alone, the exception releases the event."""
        if self._stop.reason is not None:
            raise Stopped(self._stop.reason)

    def wait(self, seconds: float | None = None) -> bool:
        """Waits in a sync handler as `time.sleep` does, but ends with True as soon as the handler should stop."""
        return self._stop.wait(seconds)

    async def wait_stopped(self) -> StopReason:
        """Waits in an async handler until it should stop, and answers why."""
        return await self._stop.wait_async()

    def progress(self, percent: float | None = None, message: str | None = None) -> None:
        """Reports how far the attempt is: in percent (0 to 100), in words, or both.

        With `progress_timeout_seconds`, an attempt that does not for so long is stuck.
        """
        self._reports.progress(percent, message)

    def checkpoint(self, value: Any) -> None:
        """Keeps what another attempt needs to continue from here: it finds it in `previous.checkpoint`.

        Raises:
            TypeError: It has no form in JSON.
            ValueError: It has more than 16 KiB of JSON, or a float that is no number.
        """
        text = encode(value)
        if len(text) > MAX_CHECKPOINT_BYTES:
            raise ValueError(f"a checkpoint has at most {MAX_CHECKPOINT_BYTES} bytes of JSON, was {len(text)}")
        self._reports.checkpoint(text)

    def usage(
        self,
        *,
        cpu_seconds: float | None = None,
        max_memory_mb: float | None = None,
        gpu_seconds: float | None = None,
    ) -> None:
        """Reports what the attempt has used since it began. A later report replaces the fields that it gives."""
        given = {"cpu_seconds": cpu_seconds, "max_memory_mb": max_memory_mb, "gpu_seconds": gpu_seconds}
        self._reports.usage({name: float(value) for name, value in given.items() if value is not None})

    def log(self, text: str) -> None:
        """Appends to the log of the attempt on the server, of which the last 64 KiB are kept."""
        self._reports.log(text)

    def log_url(self, url: str) -> None:
        """Says where the whole log is: a URL that begins with `http://` or `https://`."""
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"the place of a log is a URL that begins with http:// or https://, was {url!r}")
        self._reports.log_url(url)


__all__ = ["Context", "StopReason"]
