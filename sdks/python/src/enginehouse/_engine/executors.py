"""Where handlers run: async ones in the event loop of whoever runs the engine, sync ones in threads, or either kind in processes."""

from __future__ import annotations

import asyncio
import queue
import threading
from concurrent.futures import Future
from typing import Protocol

from ..context import Context, StopSignal
from .handlers import Handler, invoke, invoke_async
from .outcome import Outcome
from .report_buffer import ReportBuffer


class Run(Protocol):
    """A handler that runs."""

    future: Future[Outcome]

    def abort(self) -> bool:
        """Ends it by force, after it has ignored that it should stop. False if that cannot be done here."""
        ...


class Executor(Protocol):
    """Where handlers run."""

    def start(self, handler: Handler, context: Context, stop: StopSignal, reports: ReportBuffer) -> Run:
        """Runs a handler."""
        ...

    def close(self) -> None:
        """Frees what it has, once no handler runs any more."""
        ...


class _AsyncRun:
    def __init__(self, future: Future[Outcome]) -> None:
        self.future = future

    def abort(self) -> bool:
        self.future.cancel()
        return True


class AsyncExecutor:
    """Runs async handlers in one event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, engine_id: str) -> None:
        self._loop = loop
        self._engine_id = engine_id

    def start(self, handler: Handler, context: Context, stop: StopSignal, reports: ReportBuffer) -> Run:
        coroutine = invoke_async(handler, context, self._engine_id)
        return _AsyncRun(asyncio.run_coroutine_threadsafe(coroutine, self._loop))

    def close(self) -> None:
        """Has nothing of its own."""


class _ThreadRun:
    def __init__(self) -> None:
        self.future: Future[Outcome] = Future()

    def abort(self) -> bool:
        # Nobody can end a thread but itself.
        return False


class ThreadExecutor:
    """Runs sync handlers in threads, which are kept. They do not keep the process from ending, whatever they do."""

    def __init__(self, engine_id: str) -> None:
        self._engine_id = engine_id
        self._work: queue.SimpleQueue[tuple[Handler, Context, _ThreadRun] | None] = queue.SimpleQueue()
        self._guard = threading.Lock()
        self._threads = 0
        self._idle = 0

    def start(self, handler: Handler, context: Context, stop: StopSignal, reports: ReportBuffer) -> Run:
        run = _ThreadRun()
        self._work.put((handler, context, run))
        with self._guard:
            if self._idle > 0:
                self._idle -= 1
                return run
            self._threads += 1
        threading.Thread(target=self._serve, name="enginehouse-handler", daemon=True).start()
        return run

    def _serve(self) -> None:
        while (taken := self._work.get()) is not None:
            handler, context, run = taken
            try:
                outcome = invoke(handler, context, self._engine_id)
            except BaseException as error:
                # A bug of this package, and not of the handler: its event must not wait for an answer for ever.
                run.future.set_exception(error)
                outcome = None
            with self._guard:
                self._idle += 1
            if outcome is not None:
                run.future.set_result(outcome)

    def close(self) -> None:
        with self._guard:
            threads, self._threads = self._threads, 0
        for _ in range(threads):
            self._work.put(None)
