"""Runs an engine from its registration to its end, on the event loop of its own thread."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from .._backoff import Backoff
from .._errors import CallError
from ..client import AsyncClient
from ..models import Engine
from ..outcomes import Superseded
from .claims import ClaimEnd, claim_until_the_end
from .exchange import exchange_results
from .executors import Executor
from .handlers import Handler
from .heartbeat import Heartbeats
from .held_locks import EngineSummary, HeldLocks
from .running import RunningEngine
from .session import EngineSession, SessionWatch
from .settings import EngineSettings

_log = logging.getLogger("enginehouse")

#: How long the last settles and the deregistration may take at the very end, in seconds.
LAST_CALLS = 5.0


class EngineLoop:
    """One run of an engine."""

    def __init__(self, settings: EngineSettings, client: AsyncClient, executor_of: Callable[[Handler], Executor]) -> None:
        self._settings = settings
        self._client = client
        self._executor_of = executor_of
        self._shutdown = asyncio.Event()
        self._hurry = asyncio.Event()
        self.registered = asyncio.Event()

    def stop(self) -> None:
        """The first one ends the claims and leaves the handlers their grace, and the second one ends that."""
        if self._shutdown.is_set():
            self._hurry.set()
        self._shutdown.set()

    def hurry(self) -> None:
        """Stops without grace."""
        self._shutdown.set()
        self._hurry.set()

    async def run(self) -> EngineSummary:
        """Works until it is stopped, the engine is drained to its end, or it cannot go on."""
        engine = await self._first_registration()
        if engine is None:
            return EngineSummary()
        _log.info("registered as engine %s, epoch %s", engine.engine_id, engine.epoch)
        for warning in engine.warnings or []:
            _log.warning("%s", warning.detail)
        self.registered.set()
        session, held = SessionWatch(EngineSession.begun(engine)), HeldLocks()

        async def send(operation: str, arguments: dict[str, Any], answer: Any, timeout: float) -> Any:
            own = {"engine_id": self._settings.engine_id, "session": session.now.token, **arguments}
            return await self._client.call_typed(operation, own, answer, timeout)

        heartbeats = Heartbeats(
            send,
            lambda: self._register(session.now.token),
            self._settings.load,
            float(engine.heartbeat_interval_seconds),
            held,
            session,
        )
        running = RunningEngine(self._settings, self._client, session, heartbeats, held, self._executor_of)
        running.shutdown = self._shutdown
        # References are kept: a task that nobody holds may be collected.
        tasks = [asyncio.create_task(heartbeats.send_when_due()), asyncio.create_task(exchange_results(running))]
        claims = asyncio.create_task(claim_until_the_end(running))
        # A task that fails is a bug of this package: the engine ends instead of going on without it.
        failing = [asyncio.create_task(_only_failure(task)) for task in tasks]
        try:
            await asyncio.wait([claims, *failing], return_when=asyncio.FIRST_COMPLETED)
            end = claims.result() if claims.done() and claims.exception() is None else None
            # Whatever ended the claims, an exchange that is under way may bring events yet: they are released.
            self._shutdown.set()
            await self._finish(running, end)
            for task in (claims, *failing):
                if task.done():
                    task.result()
        finally:
            for task in (claims, *tasks, *failing):
                task.cancel()
            await asyncio.gather(claims, *tasks, *failing, return_exceptions=True)
        if end == "superseded":
            raise Superseded(self._settings.engine_id)
        return held.summary

    async def _register(self, session: str | None = None) -> Engine:
        arguments = {"engine_id": self._settings.engine_id, "session": session, **self._settings.registration()}
        return await self._client.call_typed("register_engine", arguments, Engine)

    async def _first_registration(self) -> Engine | None:
        """Registers. If another process has the id and lives, that may be this engine's own process of before: it waits until that
        one is lost. None if it is to shut down by then."""
        backoff, waits = Backoff(0.5, 5.0), False
        while not self._shutdown.is_set():
            try:
                return await self._register()
            except CallError as error:
                if error.code != "engine_alive":
                    raise
                if not waits:
                    _log.warning("waiting for the engine's id: %s", error)
                waits = True
            try:
                async with asyncio.timeout(backoff.next()):
                    await self._shutdown.wait()
            except TimeoutError:
                continue
        return None

    async def _finish(self, running: RunningEngine, end: ClaimEnd | None) -> None:
        """Brings what is held to an end, and deregisters."""
        held, slots, session = running.held, running.slots, running.session
        all_done = asyncio.create_task(slots.wait_for_all())
        if end == "superseded":
            held.stop_all("lock_lost")
        else:
            _log.info("finishing what is held: %s", len(held.locks))
            drain = asyncio.create_task(self._say_that_it_drains(session)) if held.locks else None
            hurry = asyncio.create_task(self._hurry.wait())
            await asyncio.wait([all_done, hurry], timeout=self._settings.grace, return_when=asyncio.FIRST_COMPLETED)
            hurry.cancel()
            held.stop_all("shutting_down")
            if drain is not None:
                drain.cancel()
        # Each handler that ignores its stop is ended after `stop_wait`; then its event is still to be settled.
        await asyncio.wait([all_done], timeout=self._settings.stop_wait + LAST_CALLS)
        all_done.cancel()
        if end in ("superseded", "drained"):
            return
        arguments = {"engine_id": self._settings.engine_id, "epoch": session.now.epoch, "session": session.now.token}
        try:
            async with asyncio.timeout(LAST_CALLS):
                await self._client.call_typed("deregister_engine", arguments, Engine)
            _log.info("deregistered")
        except TimeoutError:
            _log.warning("could not deregister in time")
        except CallError as error:
            _log.warning("could not deregister: %s", error)

    async def _say_that_it_drains(self, session: SessionWatch) -> None:
        """So that the list of engines says why it takes no events. Its answer changes nothing here."""
        arguments = {"engine_id": self._settings.engine_id, "epoch": session.now.epoch, "session": session.now.token}
        try:
            await self._client.call_typed("drain_engine", arguments, Engine)
        except CallError as error:
            _log.debug("could not drain: %s", error)


async def _only_failure(task: asyncio.Task[None]) -> None:
    """Ends with the error of a task; never, if it ends well."""
    await task
    await asyncio.Event().wait()
