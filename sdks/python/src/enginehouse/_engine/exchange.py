"""Sends the results of handlers: one call settles all that have gathered, and claims events for the room they made."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from .._backoff import Backoff
from .._errors import CallError, Problem, UnexpectedAnswer
from ..models import ExchangeResponse, SettlementResult, SettleResponse
from ..models import Problem as ProblemDocument
from .call import call
from .outcome import Kind, invalid_result
from .report_buffer import weight as report_weight
from .running import Finished, RunningEngine

_log = logging.getLogger("enginehouse")

#: Most settlements of one call.
MAX_SETTLEMENTS = 200
#: Most bytes of results in one call, below the limit of a body.
MAX_BYTES = 512 * 1024
#: How often the server may fail over one settlement, not for want of reach, before it is dropped.
MAX_SERVER_ERRORS = 5
#: What refuses whatever this epoch of the engine asks for. Nothing of the exchange was carried out.
_REFUSES_THE_ENGINE = ("engine_lost", "engine_not_registered", "engine_superseded")


async def exchange_results(engine: RunningEngine) -> None:
    """Sends results for as long as there may be some."""
    while True:
        batch = [await engine.finished.get()]
        # Handlers that end in the same moment share a call.
        await asyncio.sleep(0)
        size = _weight(batch[0])
        while len(batch) < MAX_SETTLEMENTS and size < MAX_BYTES and not engine.finished.empty():
            batch.append(engine.finished.get_nowait())
            size += _weight(batch[-1])
        await _deliver(engine, batch)


async def _deliver(engine: RunningEngine, batch: list[Finished]) -> None:
    """Repeats a batch for as long as the server is away."""
    backoff, as_engine = Backoff(0.2, 5.0), True
    while batch:
        try:
            await (_exchange(engine, batch) if as_engine else _settle(engine, batch))
        except CallError as error:
            if error.is_passing:
                _log.warning("could not settle; trying again: %s", error)
            elif as_engine and error.code in _REFUSES_THE_ENGINE:
                # The engine is refused, and its heartbeat finds out what to do. Its results still count as far as their locks do,
                # which a settle by itself is answered with.
                engine.heartbeats.send_now()
                as_engine = False
                continue
            else:
                # Nothing of it was carried out. It is the fault of one settlement, so each goes by itself.
                _log.warning("a batch of settlements was refused; sending them one by one: %s", error)
                for finished in batch:
                    await _deliver_alone(engine, finished)
                return
        if batch:
            await asyncio.sleep(backoff.next())


async def _exchange(engine: RunningEngine, batch: list[Finished]) -> None:
    """Settles, claims, and heartbeats if that is due, in one call. The undecided ones stay in `batch`."""
    session = engine.session.now
    may_claim = session.end is None and not session.draining and not engine.shutdown.is_set()
    claims = may_claim and not engine.claiming.locked()
    if claims:
        # It is free, so this does not wait.
        await engine.claiming.acquire()
    slots = engine.slots.take_all() if claims else 0
    try:
        heartbeat = engine.heartbeats.part_if_due()
        reported = [] if heartbeat is None else [report["lock_token"] for report in heartbeat["reports"]]
        arguments: dict[str, Any] = {"epoch": session.epoch, "settlements": [one.settlement() for one in batch]}
        if heartbeat is not None:
            arguments["heartbeat"] = heartbeat
        if claims:
            arguments["claim"] = engine.settings.claim(slots + sum(one.slots for one in batch), 0.0)
        try:
            answer = await call(engine, "exchange", arguments, ExchangeResponse)
        except CallError:
            if heartbeat is not None:
                engine.held.reports_ended(reported, None)
                engine.heartbeats.part_failed()
            raise
        engine.held.reports_ended(reported, answer.heartbeat)
        try:
            slots += _answer_each(engine, batch, answer.settlements)
        finally:
            if answer.heartbeat is not None:
                engine.heartbeats.answered(answer.heartbeat)
            taken, slots = slots, 0
            engine.handle([] if answer.claim is None else answer.claim.events, taken)
    finally:
        engine.slots.give_back(slots)
        if claims:
            engine.claiming.release()


async def _settle(engine: RunningEngine, batch: list[Finished]) -> None:
    """Settles without being the engine of an epoch: the token of each lock counts, and the session."""
    arguments = {"settlements": [one.settlement() for one in batch], "session": engine.session.now.token}
    answer = await engine.client.call_typed("settle_events", arguments, SettleResponse)
    engine.slots.give_back(_answer_each(engine, batch, answer.results))


async def _deliver_alone(engine: RunningEngine, finished: Finished) -> None:
    backoff, server_errors, one = Backoff(0.2, 5.0), 0, [finished]
    while one:
        try:
            await _settle(engine, one)
        except CallError as error:
            if error.is_passing:
                pass
            elif error.code in ("invalid_request", "too_large") and not finished.outcome.is_invalid_result:
                # Alone, it is larger than a whole body may be.
                _refuse_result(finished, error)
                continue
            elif server_errors < MAX_SERVER_ERRORS and error.applied == "unknown":
                server_errors += 1
            else:
                _log.error("event %s: a settlement was dropped: %s", finished.event_id, error)
                engine.held.settled(finished.token, None)
                engine.slots.give_back(finished.slots)
                return
        if one:
            await asyncio.sleep(backoff.next())


def _answer_each(engine: RunningEngine, batch: list[Finished], answers: list[SettlementResult]) -> int:
    """Takes those that the server has decided on out of `batch`, and answers how many slots they had."""
    if [answer.event_id for answer in answers] != [finished.event_id for finished in batch]:
        raise UnexpectedAnswer(200, "the answers do not match the settlements")
    slots = 0
    undecided: list[Finished] = []
    for finished, answer in zip(batch, answers, strict=True):
        problem = answer.error
        settled: Kind | None = finished.outcome.kind
        if problem is not None:
            if problem.status in (408, 429, 503):
                undecided.append(finished)
                continue
            if problem.code in ("invalid_request", "too_large") and not finished.outcome.is_invalid_result:
                # The result can't be stored: that is a failure of the attempt.
                _refuse_result(finished, problem)
                undecided.append(finished)
                continue
            held = engine.held.locks.get(finished.token)
            if problem.code == "lock_lost" and held is not None and held.has_timed_out():
                held.time_out()
                settled = "fail"
            else:
                _log.warning("event %s: a settlement was refused: %s: %s", finished.event_id, problem.code, problem.detail)
                settled = None
        engine.held.settled(finished.token, settled)
        slots += finished.slots
    batch[:] = undecided
    return slots


def _refuse_result(finished: Finished, why: CallError | ProblemDocument) -> None:
    reason = why.detail if isinstance(why, Problem | ProblemDocument) else str(why)
    finished.outcome = invalid_result(f"the server refused the engine's result: {reason}")
    finished.report = {}


def _weight(finished: Finished) -> int:
    fields = finished.outcome.fields
    result, error = fields.get("result"), fields.get("error", {})
    details = error.get("details", b"")
    size = len(bytes(result)) if result is not None else 0
    size += len(error.get("message", "")) + (len(bytes(details)) if not isinstance(details, dict) else 200)
    return 200 + size + report_weight(finished.report)
