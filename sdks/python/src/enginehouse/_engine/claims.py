"""Claims events for the slots that are free, and waits on the server for the first one."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable
from typing import Any, Literal, TypeAlias, TypeVar

from .._backoff import Backoff
from .._errors import CallError
from ..models import ClaimResponse
from .call import call
from .running import RunningEngine

_log = logging.getLogger("enginehouse")

#: How long a claim that is under way at shutdown may still bring events, which are then released.
LAST_CLAIM = 0.25

#: Why the claims have ended; a server that refuses them raises its error instead.
ClaimEnd: TypeAlias = Literal["shutdown", "superseded", "drained"]
T = TypeVar("T")


class _Ended(Exception):
    def __init__(self, end: ClaimEnd) -> None:
        self.end: ClaimEnd = end


async def claim_until_the_end(engine: RunningEngine) -> ClaimEnd:
    """Claims until the engine shuts down, or its session ends."""
    backoff = Backoff(0.2, 10.0)
    while True:
        try:
            # An empty answer came before its time: the server does not want to be asked again at once.
            if not await _claim_once(engine):
                backoff.reset()
                continue
        except _Ended as ended:
            return ended.end
        except CallError as error:
            if error.code in ("engine_lost", "engine_not_registered", "engine_superseded"):
                # The heartbeat knows what to do about these; and it alone, for it alone registers.
                engine.heartbeats.send_now()
            elif error.is_passing or error.code == "internal":
                _log.warning("could not claim; trying again: %s", error)
            else:
                raise
        try:
            async with asyncio.timeout(backoff.next()):
                await engine.shutdown.wait()
            return "shutdown"
        except TimeoutError:
            continue


async def _claim_once(engine: RunningEngine) -> bool:
    """Claims events for all free slots as soon as there is one. Answers whether the server said too soon that there are none."""
    await _unless_ended(engine, _may_claim(engine))
    await _unless_ended(engine, engine.slots.wait_for_one())
    await _unless_ended(engine, engine.claiming.acquire())
    slots = 0
    try:
        slots = engine.slots.take_all()
        if not slots:
            # An exchange has taken them meanwhile.
            return False
        began = time.monotonic()
        arguments = {"epoch": engine.session.now.epoch, **engine.settings.claim(slots, engine.settings.claim_wait)}
        claim = asyncio.ensure_future(call(engine, "claim_events", arguments, ClaimResponse))
        try:
            answer = await _unless_ended(engine, asyncio.shield(claim))
        except _Ended as ended:
            if ended.end == "shutdown":
                # It may be just about to answer: what it brings is released rather than lost.
                await asyncio.wait({claim}, timeout=LAST_CLAIM)
            if claim.done() and not claim.cancelled() and claim.exception() is None:
                taken, slots = slots, 0
                engine.handle(claim.result().events, taken)
            claim.cancel()
            raise
        is_hasty = not answer.events and time.monotonic() - began < min(engine.settings.claim_wait, 1.0)
        taken, slots = slots, 0
        engine.handle(answer.events, taken)
        return is_hasty
    finally:
        engine.slots.give_back(slots)
        engine.claiming.release()


async def _may_claim(engine: RunningEngine) -> None:
    await engine.session.until(lambda session: session.end is None and not session.draining)


async def _unless_ended(engine: RunningEngine, awaited: Awaitable[T]) -> T:
    """Waits for this, unless the engine shuts down or its session ends before."""
    what: asyncio.Future[T] = asyncio.ensure_future(awaited)
    shutdown = asyncio.ensure_future(engine.shutdown.wait())
    session = asyncio.ensure_future(engine.session.until_end())
    waiting: set[asyncio.Future[Any]] = {what, shutdown, session}
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        shutdown.cancel()
        session.cancel()
    if what.done():
        return what.result()
    what.cancel()
    end: ClaimEnd = session.result() if session.done() and not session.cancelled() else "shutdown"
    raise _Ended(end)
