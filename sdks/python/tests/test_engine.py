"""The engine, against a real server."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
import pytest
from conftest import LIMIT, until

from enginehouse import Client, ConfigurationError, Context, Engine, EngineSummary, RawJson, Reject, Release, Retry, Superseded, models


@contextmanager
def running(engine: Engine) -> Generator[Callable[[], EngineSummary]]:
    """Runs an engine in a thread; what is yielded waits for its end."""
    ended: list[Any] = []

    def run() -> None:
        try:
            ended.append(engine.run())
        except Exception as error:
            ended.append(error)

    thread = threading.Thread(target=run)
    thread.start()

    def end() -> EngineSummary:
        thread.join(LIMIT)
        assert ended, "the engine has not ended"
        if isinstance(ended[0], Exception):
            raise ended[0]
        summary: EngineSummary = ended[0]
        return summary

    try:
        yield end
    finally:
        engine.stop()
        engine.stop()
        thread.join(LIMIT)


def ended(client: Client, event_id: str) -> models.Event:
    event = client.wait_for_event(event_id, LIMIT)
    assert event.status in ("completed", "failed", "cancelled"), event.status
    return event


def error_of(client: Client, event_id: str) -> models.AttemptError:
    """The error of the first attempt that has failed."""
    until(lambda: client.get_event(event_id).last_error is not None, "an attempt has failed")
    error = client.get_event(event_id).last_error
    assert error is not None
    return error


@dataclass
class Order:
    sku: str
    qty: int


def test_typed_payloads_and_results_and_what_does_not_fit(server_url: str, client: Client) -> None:
    engine = Engine("typed", url=server_url, concurrency=4)

    @engine.on("typed.order")
    def order(order: Order, cx: Context) -> dict[str, int]:
        return {"total": order.qty * 2, "attempt": cx.attempt}

    @engine.on("typed.async")
    async def total(payload: dict[str, int]) -> int:
        await asyncio.sleep(0)
        return payload["big"]

    @engine.on("typed.raw")
    def raw(payload: RawJson) -> RawJson:
        return payload

    @engine.on("typed.nan")
    def nan(_payload: Any) -> list[float | None]:
        return [None, float("nan")]

    @engine.on("typed.large")
    def large(_payload: Any) -> str:
        return "x" * 256 * 1024

    with running(engine):
        good = client.enqueue("typed.order", {"sku": "a", "qty": 3}).event_id
        bad = client.enqueue("typed.order", {"sku": "a", "qty": "three, secret"}).event_id
        big = client.enqueue("typed.async", {"big": 2**80}).event_id
        exact = client.enqueue("typed.raw", RawJson(b"[1.00, 1e2]")).event_id
        refused = [client.enqueue(one).event_id for one in ("typed.nan", "typed.large")]
        assert ended(client, good).result == {"total": 6, "attempt": 1}
        assert ended(client, big).result == 2**80
        assert bytes(ended(client, exact).result_json) == b"[1.00, 1e2]"
        failed = ended(client, bad)
        assert failed.last_error is not None and failed.dead_letter == "requested"
        assert failed.last_error.code == "invalid_payload"
        assert "$.qty" in failed.last_error.message and "secret" not in failed.last_error.message
        for one in refused:
            failed = ended(client, one)
            assert failed.last_error is not None and failed.last_error.code == "invalid_result", failed.last_error


class QuotaError(Exception):
    """Something of a team's own."""


def test_each_way_to_fail_is_what_the_server_is_sent(server_url: str, client: Client) -> None:
    engine = Engine("failing", url=server_url, concurrency=4)

    @engine.on("failing")
    def fail(payload: dict[str, str], cx: Context) -> None:
        if cx.attempt > 1:
            return
        match payload["how"]:
            case "retry":
                raise Retry("busy", after="1ms", code="busy", details={"n": 2**70})
            case "reject":
                raise Reject("no such order", code="no_order")
            case "timeout":
                raise TimeoutError("too slow")
            case _:
                raise QuotaError("none left")

    with running(engine):
        by = {how: client.enqueue("failing", {"how": how, "private": "s3cret"}).event_id for how in ("retry", "reject", "timeout", "own")}
        assert ended(client, by["retry"]).status == "completed"
        retried = client.get_event_history(by["retry"]).attempts[0].error
        assert retried is not None and (retried.code, retried.message) == ("busy", "busy")
        rejected = ended(client, by["reject"])
        assert rejected.last_error is not None
        assert (rejected.status, rejected.dead_letter, rejected.last_error.code) == ("failed", "requested", "no_order")
        assert error_of(client, by["timeout"]).code == "timeout"
        own = error_of(client, by["own"])
        assert (own.code, own.message) == ("quota", "none left")
        assert "QuotaError: none left" in own.details["traceback"] and "s3cret" not in own.details["traceback"]


def test_what_json_has_no_room_for_ends_nothing(server_url: str, client: Client) -> None:
    engine, go_on = Engine("half", url=server_url, concurrency=2, heartbeat_interval_seconds=1), threading.Event()
    # The name of a file that is not in UTF-8.
    name = os.fsdecode(b"a\xff")

    @engine.on("half.report")
    def report(_payload: Any, cx: Context) -> None:
        cx.progress(1, name)
        cx.log(name)
        cx.log_url(f"http://127.0.0.1/{name}")
        cx.usage(cpu_seconds=float("nan"), gpu_seconds=1)
        assert go_on.wait(LIMIT)

    @engine.on("half.fail")
    def fail(_payload: Any) -> None:
        raise Reject(name, code=name, details={name: 1})

    with running(engine) as end:
        reporting, failing = client.enqueue("half.report").event_id, client.enqueue("half.fail").event_id
        until(lambda: client.get_event(reporting).progress is not None, "a heartbeat brought the progress")
        progress, error = client.get_event(reporting).progress, error_of(client, failing)
        assert progress is not None and progress.message == "a?"
        assert error.message == "a?"
        go_on.set()
        assert ended(client, reporting).status == "completed"
        engine.stop()
        assert end().completed == 1


def test_a_released_event_comes_back_as_the_same_attempt(server_url: str, client: Client) -> None:
    engine, attempts = Engine("releasing", url=server_url), list[int]()

    @engine.on("releasing")
    async def release(_payload: Any, cx: Context) -> None:
        attempts.append(cx.attempt)
        if len(attempts) == 1:
            raise Release

    with running(engine):
        event_id = client.enqueue("releasing").event_id
        assert ended(client, event_id).status == "completed"
        assert attempts == [1, 1]


def test_reports_go_along_and_the_next_attempt_has_the_checkpoint(server_url: str, client: Client) -> None:
    engine, found = Engine("reporting", url=server_url, heartbeat_interval_seconds=1), list[Any]()
    go_on = threading.Event()

    @engine.on("reporting")
    def report(_payload: Any, cx: Context) -> None:
        found.append(None if cx.previous is None else cx.previous.checkpoint)
        cx.progress(150, "half")
        cx.checkpoint({"frame": 2**70})
        cx.log("one\ntwo")
        cx.usage(cpu_seconds=1.5)
        assert go_on.wait(LIMIT)
        if cx.attempt == 1:
            raise Retry(after=0)

    with running(engine):
        event_id = client.enqueue("reporting").event_id

        def progress() -> models.EventProgress | None:
            return client.get_event(event_id).progress

        until(lambda: progress() is not None, "a heartbeat brought the progress")
        reported = progress()
        assert reported is not None and (reported.percent, reported.message) == (100.0, "half")
        go_on.set()
        assert ended(client, event_id).status == "completed"
    assert found == [None, {"frame": 2**70}]
    logs = client.get_event_log(event_id).logs
    assert [line for log in logs for line in log.text.splitlines()] == ["one", "two"] * 2


def test_a_timeout_stops_the_handler_and_fails_the_attempt(server_url: str, client: Client) -> None:
    engine, reasons, cancelled = Engine("slow", url=server_url, concurrency=2, stop_wait=0.05), list[str | None](), threading.Event()

    @engine.on("slow.kind", timeout="50ms")
    def kind(_payload: Any, cx: Context) -> None:
        cx.wait(LIMIT)
        reasons.append(cx.stop_reason)

    @engine.on("slow.deaf", timeout="50ms")
    async def deaf(_payload: Any) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    with running(engine):
        for event_type in ("slow.kind", "slow.deaf"):
            assert error_of(client, client.enqueue(event_type).event_id).code == "timed_out"
        assert cancelled.wait(LIMIT), "what ignores its timeout is ended"
    assert reasons == ["timed_out"]


def test_a_cancelled_event_stops_its_handler(server_url: str, client: Client) -> None:
    engine, started = Engine("cancelling", url=server_url, heartbeat_interval_seconds=1), threading.Event()

    @engine.on("cancelling")
    async def wait(_payload: Any, cx: Context) -> None:
        started.set()
        assert await cx.wait_stopped() == "cancelled"
        cx.check()

    with running(engine):
        event_id = client.enqueue("cancelling").event_id
        assert started.wait(LIMIT)
        client.cancel_event(event_id)
        assert ended(client, event_id).status == "cancelled"


def test_a_stop_lets_the_handler_finish_and_takes_no_more(server_url: str, client: Client) -> None:
    engine, started, go_on = Engine("stopping", url=server_url), threading.Event(), threading.Event()

    @engine.on("stopping")
    def wait(_payload: Any) -> str:
        started.set()
        assert go_on.wait(LIMIT)
        return "done"

    with running(engine) as end:
        first = client.enqueue("stopping").event_id
        assert started.wait(LIMIT)
        second = client.enqueue("stopping").event_id
        engine.stop()
        until(lambda: client.get_engine(engine.engine_id).status == "draining", "the engine says that it drains")
        go_on.set()
        assert end().completed == 1
    assert ended(client, first).result == "done"
    assert client.get_event(second).status == "queued"
    assert client.get_engine(engine.engine_id).status == "stopped"


def test_a_second_stop_releases_what_ignores_the_first_or_fails_by_it(server_url: str, client: Client) -> None:
    engine, started = Engine("hurrying", url=server_url, concurrency=2, stop_wait=0.05), list[str]()

    @engine.on("hurrying.ignore")
    async def ignore(_payload: Any, cx: Context) -> None:
        started.append(cx.event.event_id)
        await asyncio.sleep(LIMIT)

    @engine.on("hurrying.fail")
    def fail(_payload: Any, cx: Context) -> None:
        started.append(cx.event.event_id)
        cx.wait(LIMIT)
        raise OSError("broken off")

    with running(engine) as end:
        ids = [client.enqueue("hurrying.ignore").event_id, client.enqueue("hurrying.fail").event_id]
        until(lambda: len(started) == 2, "both work")
        engine.stop()
        engine.stop()
        assert end().released == 2
    assert [(client.get_event(one).status, client.get_event(one).failures) for one in ids] == [("queued", 0)] * 2


def test_an_engine_whose_id_is_taken_over_ends(server_url: str, client: Client) -> None:
    engine = Engine("taken", url=server_url, engine_id="taken-1", heartbeat_interval_seconds=1)
    engine.on("taken", lambda payload: payload)
    with running(engine) as end:
        until(lambda: any(one.status == "active" for one in client.iter_engines(engine_type="taken")), "it is registered")
        client.register_engine("taken-1", engine_type="taken", takeover=True)
        with pytest.raises(Superseded, match="taken-1"):
            end()
    # While it lives, the retries of other tests are left to it for a while.
    client.deregister_engine("taken-1")


def test_a_handler_that_blocks_the_event_loop_delays_no_heartbeat(server_url: str, client: Client) -> None:
    engine, started, go_on = Engine("blocking", url=server_url, heartbeat_interval_seconds=1), threading.Event(), threading.Event()

    @engine.on("blocking")
    async def block(_payload: Any) -> None:
        started.set()
        assert go_on.wait(LIMIT)

    with running(engine) as end:
        event_id = client.enqueue("blocking").event_id
        assert started.wait(LIMIT)
        first = client.get_engine(engine.engine_id).last_heartbeat_at
        until(lambda: client.get_engine(engine.engine_id).last_heartbeat_at > first, "a heartbeat came")
        go_on.set()
        assert ended(client, event_id).status == "completed"
        engine.stop()
        assert end().completed == 1


def test_a_server_that_does_not_know_the_engine_any_more_has_it_back(server_url: str, client: Client) -> None:
    engine, started = Engine("gone", url=server_url, heartbeat_interval_seconds=1), list[Context]()

    @engine.on("gone")
    def wait(_payload: Any, cx: Context) -> str:
        started.append(cx)
        if len(started) == 1:
            cx.wait(LIMIT)
        return "done"

    with running(engine) as end:
        event_id = client.enqueue("gone").event_id
        until(lambda: started, "it works")
        client.deregister_engine(engine.engine_id)
        assert ended(client, event_id).result == "done"
        assert started[0].stop_reason == "lock_lost"
        engine.stop()
        summary = end()
    assert (summary.completed, summary.lost) == (1, 1)


def burn(payload: dict[str, float], cx: Context) -> dict[str, Any]:
    """Computes without a pause, in a process."""
    cx.progress(1, "burning")
    ends_at = time.monotonic() + payload["seconds"]
    while time.monotonic() < ends_at:
        pass
    return {"pid": os.getpid(), "big": 2**70}


def die(_payload: Any, cx: Context) -> None:
    """Ends its process, the first time."""
    if cx.attempt == 1:
        os._exit(9)


def ignore(_payload: Any) -> None:
    """Ignores that it should stop."""
    time.sleep(LIMIT)


def test_handlers_in_processes_starve_nothing_and_a_death_fails_one_attempt(server_url: str, client: Client) -> None:
    engine = Engine("computing", url=server_url, executor="process", concurrency=2, heartbeat_interval_seconds=1, stop_wait=0.05)
    engine.on("computing.burn", burn)
    engine.on("computing.die", die)
    engine.on("computing.ignore", ignore, timeout="300ms")
    with running(engine):
        burnt = client.enqueue("computing.burn", {"seconds": 1.2}).event_id
        died = client.enqueue("computing.die", retry_policy={"retry_delay": {"initial": 0}}).event_id
        error = error_of(client, died)
        assert (error.code, error.message) == ("process_died", "the process of the handler has died: exit status 9")
        assert ended(client, died).status == "completed"
        result = ended(client, burnt).result
        assert result["pid"] != os.getpid() and result["big"] == 2**70
        ignored = client.enqueue("computing.ignore").event_id
        assert error_of(client, ignored).code == "timed_out"


def test_a_handler_that_cannot_be_sent_to_a_process_fails_its_attempt(server_url: str, client: Client) -> None:
    engine = Engine("local", url=server_url, executor="process")
    engine.on("local", lambda payload: payload)
    with running(engine):
        error = error_of(client, client.enqueue("local").event_id)
        assert error.code == "not_started" and "function of a module" in error.message


class Odd(msgspec.Struct):
    """Raises what nobody expects, as it is read and as it is written."""

    read: bool

    def __post_init__(self) -> None:
        if self.read:
            raise LookupError("odd")

class Unwritable:
    """Cannot be written as JSON, in a way of its own."""

    def model_dump(self, mode: str) -> None:
        raise LookupError(mode)


@pytest.mark.parametrize("executor", ["thread", "process"])
def test_what_a_payload_or_a_result_raises_fails_its_attempt(server_url: str, client: Client, executor: Any) -> None:
    engine = Engine("odd", url=server_url, executor=executor)
    engine.on("odd", odd)
    with running(engine):
        assert error_of(client, client.enqueue("odd", {"read": True}).event_id).code == "lookup"
        assert error_of(client, client.enqueue("odd", {"read": False}).event_id).code == "invalid_result"


def odd(_payload: Odd) -> Unwritable:
    """Answers what cannot be written."""
    return Unwritable()


def test_a_stop_before_it_runs_counts_once(server_url: str, client: Client) -> None:
    engine, started = Engine("early", url=server_url), threading.Event()
    engine.on("early", lambda payload: started.set())
    stop = asyncio.Event()

    async def run() -> EngineSummary:
        stop.set()
        return await engine.run_async(stop)

    assert asyncio.run(run()) == EngineSummary()
    assert not started.is_set()


def test_what_cannot_be_right_is_refused_where_it_is_declared() -> None:
    engine = Engine("wrong")
    engine.on("twice", lambda payload: payload)
    refused: list[tuple[Callable[[], object], str]] = [
        (lambda: engine.on("twice", lambda payload: payload), "has a handler already"),
        (lambda: engine.on("none", lambda: None), "has to take"),
        (lambda: engine.on("three", lambda a, b, c: None), "has to take"),
        (lambda: engine.on("soon", lambda payload: None, timeout="soon"), "no length of time"),
        (lambda: Engine("wrong", concurrency=0), "concurrency is 1 to 1000"),
        (lambda: Engine("wrong", queues="render"), "a list of names"),
        (lambda: Engine("wrong", executor="fork"), "executor is"),  # type: ignore[arg-type]
        (lambda: Engine("none").run(), "has no handler"),
    ]
    for wrong, part in refused:
        with pytest.raises(ConfigurationError, match=part):
            wrong()


def test_nothing_is_logged_or_sent_by_an_import() -> None:
    import subprocess
    import sys

    code = "import logging, sys, threading\nimport enginehouse\nassert threading.active_count() == 1\nassert not logging.getLogger().handlers\nassert 'opentelemetry' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_pydantic_model_is_a_payload_where_it_is_installed(server_url: str, client: Client) -> None:
    pydantic = pytest.importorskip("pydantic")
    model = pydantic.create_model("Invoice", total=(int, ...))

    def invoice(payload: Any) -> Any:
        return payload

    invoice.__annotations__["payload"] = model
    engine = Engine("pydantic", url=server_url)
    engine.on("pydantic", invoice)
    with running(engine):
        good, bad = client.enqueue("pydantic", {"total": 5}).event_id, client.enqueue("pydantic", {"total": "s3cret"}).event_id
        assert ended(client, good).result == {"total": 5}
        failed = ended(client, bad).last_error
        assert failed is not None and failed.code == "invalid_payload"
        assert failed.message.startswith("the payload is no Invoice: total: ") and "s3cret" not in failed.message


def test_a_struct_is_a_payload_and_a_result(server_url: str, client: Client) -> None:
    engine = Engine("struct", url=server_url)

    class Frame(msgspec.Struct):
        frame: int

    def frame(payload: Any) -> Any:
        return payload

    frame.__annotations__["payload"] = Frame
    engine.on("struct", frame)
    with running(engine):
        assert ended(client, client.enqueue("struct", {"frame": 7}).event_id).result == {"frame": 7}


def test_each_handler_logs_with_its_event(server_url: str, client: Client, caplog: pytest.LogCaptureFixture) -> None:
    engine = Engine("logging", url=server_url)

    @engine.on("logging")
    def log(_payload: Any, cx: Context) -> None:
        cx.logger.warning("careful")

    with running(engine), caplog.at_level(logging.WARNING):
        event_id = client.enqueue("logging").event_id
        ended(client, event_id)
    records = [record for record in caplog.records if record.getMessage() == "careful"]
    assert [getattr(record, "event_id", None) for record in records] == [event_id]
