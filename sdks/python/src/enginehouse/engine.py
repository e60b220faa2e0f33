"""An engine: handlers of events, and what runs them."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from typing import Any, TypeVar, overload

from ._connection import Connection
from ._durations import Duration
from ._engine.executors import AsyncExecutor, Executor, ThreadExecutor
from ._engine.handlers import Executor as ExecutorName
from ._engine.handlers import Handler, handler
from ._engine.held_locks import EngineSummary
from ._engine.load import LoadMeter
from ._engine.loop import EngineLoop
from ._engine.processes import ProcessExecutor
from ._engine.settings import Affinity, EngineSettings, length, names, own_id
from ._errors import ConfigurationError
from .client import AsyncClient, Limits

_log = logging.getLogger("enginehouse")

F = TypeVar("F", bound=Callable[..., Any])


class Engine:
    """Claims events of the types that it has handlers for, and runs these.

        engine = Engine("pricing", concurrency=8)

        @engine.on("order.created", timeout="30s")
        def price(order: Order, cx: Context) -> dict[str, int]:
            return {"total": quote(order.sku) * order.qty}

        engine.run()

    Making one makes no connection, starts no thread and reads nothing but the environment.

    Args:
        engine_type: Groups engines that are the same program.
        engine_id: Names this one, for each process another name. `ENGINEHOUSE_ENGINE_ID`, or else one made of the machine's name, the process and
            a random number.
        url: Where the server is, as for `Client`.
        token: The access token, as for `Client`.
        capabilities: What it can do, for events that require it.
        concurrency: How many events it works on at once: 1 to 1,000.
        memory_limit_mb: Its memory in MiB, for events that require some; without it, it gets none of those.
        version: The version of its software, for events that require one.
        queues: Takes events of these queues only.
        affinity: Whether events of its current scenario run come first.
        heartbeat_interval_seconds: How often it heartbeats; the server's default if left out. With 0, only its locks' timeouts bound it.
        takeover: Whether it takes over the id of an engine that lives, instead of waiting until that one is lost.
        visibility_timeout_seconds: How long its locks last without being renewed, over every policy.
        grace: How long it may finish what it holds once it is stopped.
        stop_wait: How long a handler may take to end once its context has stopped. Then an async handler is cancelled, and a process killed; a
            thread cannot be ended, so its event is settled without it.
        executor: Where sync handlers run: `"thread"`, or `"process"` for what computes, async ones too. Handlers of processes are functions of a
            module, and their module is imported in each process.
        claim_wait: How long one claim waits for events, at most 60 s.
        metadata: The team's own keys, shown with the engine.
        limits: Timeouts and repeats of its calls.
    """

    def __init__(
        self,
        engine_type: str,
        *,
        engine_id: str | None = None,
        url: str | None = None,
        token: str | None = None,
        capabilities: Sequence[str] = (),
        concurrency: int = 1,
        memory_limit_mb: int | None = None,
        version: str | None = None,
        queues: Sequence[str] = (),
        affinity: Affinity = "prefer",
        heartbeat_interval_seconds: int | None = None,
        takeover: bool = False,
        visibility_timeout_seconds: int | None = None,
        grace: Duration = 30.0,
        stop_wait: Duration = 10.0,
        executor: ExecutorName = "thread",
        claim_wait: Duration = 20.0,
        metadata: Mapping[str, Any] | None = None,
        limits: Limits = Limits(),
    ) -> None:
        if executor not in ("thread", "process"):
            raise ConfigurationError(f'executor is "thread" or "process", was {executor!r}')
        # Refused here if it cannot be right, and read again when it runs: files of a token or a certificate may be others by then.
        Connection.of(url, token).tls()
        self._url, self._token, self._limits = url, token, limits
        self._executor_name = executor
        self._load = LoadMeter()
        self._settings = EngineSettings(
            engine_type=engine_type,
            engine_id=engine_id or own_id(),
            capabilities=names(capabilities, "capabilities"),
            concurrency=concurrency,
            memory_limit_mb=memory_limit_mb,
            version=version,
            queues=names(queues, "queues"),
            affinity=affinity,
            heartbeat_interval_seconds=heartbeat_interval_seconds,
            takeover=takeover,
            visibility_timeout_seconds=visibility_timeout_seconds,
            grace=length(grace, "grace"),
            stop_wait=length(stop_wait, "stop_wait"),
            claim_wait=min(length(claim_wait, "claim_wait"), 60.0),
            load=self._load.state,
            works_on=self._load.works_on,
            metadata=dict(metadata or {}),
        )
        # A signal handler may stop the engine while this thread holds it.
        self._guard = threading.RLock()
        self._running: tuple[asyncio.AbstractEventLoop, EngineLoop] | None = None
        self._stops = 0

    @property
    def engine_id(self) -> str:
        """Names this engine."""
        return self._settings.engine_id

    @property
    def engine_type(self) -> str:
        """Groups engines that are the same program."""
        return self._settings.engine_type

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """Its handlers, by the type of their events."""
        return self._settings.handlers

    @overload
    def on(self, event_type: str, *, timeout: Duration | None = None) -> Callable[[F], F]: ...
    @overload
    def on(self, event_type: str, function: F, *, timeout: Duration | None = None) -> F: ...

    def on(self, event_type: str, function: Any = None, *, timeout: Duration | None = None) -> Any:
        """Declares the handler of a type of event; `"*"` is every type that has no handler of its own.

        A handler takes `(payload, context)`, or `(payload)` alone. The payload is read into the type that it is annotated with: a dataclass, a
        msgspec struct, a pydantic model, a TypedDict, `RawJson`; plain JSON without one. An event whose payload does not fit has failed with
        the code `invalid_payload`. What the handler returns is the event's result. `Retry`, `Reject` and `Release` say otherwise, and
        every other exception has the attempt fail, to be retried by the event's policy: that is a setting of the event type on the
        server (`Client.set_event_type`), for which an engine has no permission.

        Args:
            event_type: The type of events.
            function: The handler; left out where this is a decorator.
            timeout: How long it may take. Then its context stops, and the attempt has failed with the code `timed_out`.
        """

        def declare(declared: F) -> F:
            limit = None if timeout is None else length(timeout, "timeout")
            if limit == 0:
                raise ConfigurationError("a timeout is more than 0 seconds")
            self._settings.add(handler(event_type, declared, limit))
            return declared

        return declare if function is None else declare(function)

    def run(self) -> EngineSummary:
        """Works until SIGTERM or SIGINT, until it is drained to its end, or until it cannot go on.

        The first signal ends its claims and leaves its handlers `grace`; the second one ends that.

        Raises:
            Superseded: Another process has registered under its id.
            CallError: The server refused to register it, or to let it claim.
        """
        with self._signals():
            return asyncio.run(self.run_async())

    async def run_async(self, stop: asyncio.Event | None = None) -> EngineSummary:
        """The same in an event loop that runs already, and without signals. Async handlers run in this loop, all else beside it.

        Args:
            stop: Stops the engine when it is set, as `stop()` does.
        """
        if not self._settings.handlers:
            raise ConfigurationError(f'engine {self.engine_type} has no handler: declare one with @engine.on("event.type")')
        ended: Future[EngineSummary] = Future()
        with self._guard:
            if self._running is not None:
                raise RuntimeError(f"engine {self.engine_id} runs already")
            self._stops = 0
        handlers_loop = asyncio.get_running_loop()
        thread = threading.Thread(target=self._run_in_thread, args=(handlers_loop, ended), name="enginehouse", daemon=True)
        thread.start()
        watch = None if stop is None else asyncio.create_task(self._stop_when(stop))
        try:
            return await asyncio.shield(asyncio.wrap_future(ended))
        except asyncio.CancelledError:
            self._hurry()
            await asyncio.wait([asyncio.wrap_future(ended)])
            raise
        finally:
            if watch is not None:
                watch.cancel()

    def stop(self) -> None:
        """Stops it, from any thread or signal handler: the first call leaves its handlers `grace`, and the second one ends that."""
        with self._guard:
            self._stops += 1
            if self._running is not None:
                loop, engine = self._running
                loop.call_soon_threadsafe(engine.stop)

    def _hurry(self) -> None:
        self.stop()
        self.stop()

    async def _stop_when(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self.stop()

    def _run_in_thread(self, handlers_loop: asyncio.AbstractEventLoop, ended: Future[EngineSummary]) -> None:
        """The thread of the engine's own event loop: nothing that a handler does can keep its heartbeats waiting."""
        try:
            summary = asyncio.run(self._run_loop(handlers_loop))
        except BaseException as error:
            ended.set_exception(error)
        else:
            ended.set_result(summary)

    async def _run_loop(self, handlers_loop: asyncio.AbstractEventLoop) -> EngineSummary:
        executors: dict[str, Executor] = {}

        def executor_of(one: Handler) -> Executor:
            name = self._executor_name if self._executor_name == "process" or not one.is_async else "async"
            if name not in executors:
                executors[name] = self._executor(name, handlers_loop)
            return executors[name]

        async with AsyncClient(self._url, token=self._token, limits=self._limits) as client:
            engine = EngineLoop(self._settings, client, executor_of)
            with self._guard:
                self._running = (asyncio.get_running_loop(), engine)
                # It may have been stopped before it ran.
                for _ in range(self._stops):
                    engine.stop()
            try:
                return await engine.run()
            finally:
                with self._guard:
                    self._running = None
                for executor in executors.values():
                    executor.close()

    def _executor(self, name: str, handlers_loop: asyncio.AbstractEventLoop) -> Executor:
        if name == "process":
            return ProcessExecutor(self.engine_id, self._settings.concurrency)
        if name == "thread":
            return ThreadExecutor(self.engine_id)
        return AsyncExecutor(handlers_loop, self.engine_id)

    @contextmanager
    def _signals(self) -> Generator[None, None, None]:
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def stop(number: int, _frame: object) -> None:
            self.stop()

        before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            yield
        finally:
            for number, previous in before.items():
                signal.signal(number, previous)


__all__ = ["Engine", "EngineSummary"]
