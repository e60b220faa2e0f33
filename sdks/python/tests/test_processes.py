"""Handlers in processes: what one of them does concerns no other, and none of them outlives its engine."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import LIMIT, until

from enginehouse import Client, Context, RawJson
from enginehouse._engine.handlers import handler
from enginehouse._engine.outcome import Outcome
from enginehouse._engine.processes import ProcessExecutor
from enginehouse._engine.report_buffer import ReportBuffer
from enginehouse.context import StopSignal
from enginehouse.models import ClaimedEvent, ClaimedLock

NOW = datetime(2026, 5, 1, tzinfo=UTC)
kept: list[Context] = []


def keep(_payload: Any, cx: Context) -> int:
    """Leaves its context to whatever is left running after it."""
    kept.append(cx)
    return os.getpid()


def report(_payload: Any, cx: Context) -> int:
    """Reports after the handler before it has done so once more."""
    kept[0].log("of the first")
    cx.log("of the second")
    return os.getpid()


def wait(_payload: Any, cx: Context) -> str | None:
    """Waits to be stopped."""
    cx.wait(LIMIT)
    return cx.stop_reason


def claimed() -> ClaimedEvent:
    """An event as a claim brings it."""
    lock = ClaimedLock(claimed_at=NOW, engine_id="e", expires_at=NOW, holder="processing_by_e", token="1-a")
    null = RawJson(b"null")
    return ClaimedEvent(
        attempt=1, available_at=NOW, cancel_requested=False, completed_at=None, dead_letter=None, engine_id="e", engine_version=None,
        enqueued_at=NOW, event_id="0193f2a0-7c4e-7000-8000-000000000000", event_type="a", expires_at=None, failures=0, finished_at=None,
        idempotency_key=None, idempotency_key_expires_at=None, labels={}, last_error=None, lock=lock, losses=0, max_processing_seconds=None,
        payload_json=RawJson(b"{}"), previous=None, priority=5, progress_timeout_seconds=None, queue="default", redrives=0,
        required_capabilities=[], required_memory_mb=None, result_json=null, retries=0, retry_policy=None, scenario_run_id=None,
        status="processing", traceparent=None, visibility_timeout_seconds=None,
    )  # fmt: skip


class Started:
    """A handler that runs in a process."""

    def __init__(self, executor: ProcessExecutor, function: Callable[..., Any]) -> None:
        self.stop, self.reports = StopSignal(), ReportBuffer()
        context = Context(claimed(), self.reports, self.stop, None, None)
        self.run = executor.start(handler("a", function, None), context, self.stop, self.reports)
        self.future: Future[Outcome] = self.run.future

    def result(self) -> bytes:
        """What the handler has returned, as JSON."""
        return bytes(self.future.result(LIMIT).fields["result"])


@pytest.fixture
def executor() -> Iterator[ProcessExecutor]:
    """One process."""
    executor = ProcessExecutor("e", 1)
    yield executor
    executor.close()


def test_a_handler_that_has_ended_says_and_stops_nothing_any_more(executor: ProcessExecutor) -> None:
    first = Started(executor, keep)
    pid = first.result()
    second = Started(executor, report)
    assert second.result() == pid, "they share a process"
    assert second.reports.last() == {"log": ["of the second"]}
    third = Started(executor, wait)
    # The first one is being settled, and its event is cancelled by then.
    first.stop.set("cancelled")
    assert first.run.abort()
    third.stop.set("shutting_down")
    assert third.result() == b'"shutting_down"'


def leave(_payload: Any) -> int:
    """Leaves a thread behind, for which Python would wait."""
    threading.Thread(target=forever, daemon=False).start()
    return os.getpid()


def test_a_process_that_does_not_end_by_itself_is_killed(executor: ProcessExecutor) -> None:
    pid = int(Started(executor, leave).result())
    executor.close()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


class Unreadable(ReportBuffer):
    """Does not take what a process reports."""

    def log(self, text: str) -> None:
        raise LookupError("odd")


def test_what_cannot_be_read_fails_the_attempt(executor: ProcessExecutor) -> None:
    Started(executor, keep).result()
    context = Context(claimed(), ReportBuffer(), StopSignal(), None, None)
    run = executor.start(handler("a", report, None), context, StopSignal(), Unreadable())
    assert run.future.result(LIMIT).fields["error"]["code"] == "internal"


def busy(payload: dict[str, str]) -> None:
    """Has a lock on a file for as long as its process lives, and computes for ever, in threads too."""
    file = os.open(payload["file"], os.O_RDWR)
    fcntl.flock(file, fcntl.LOCK_EX)
    threading.Thread(target=forever, daemon=False).start()
    os.write(file, b"locked")
    forever()


def forever() -> None:
    """Computes."""
    while True:
        pass


PROGRAM = """
import sys
import threading

from enginehouse import Engine
import test_processes

engine = Engine("busy", engine_id="busy-1", executor="process", takeover=True, grace=0, stop_wait=0)
engine.on("busy", test_processes.busy)
if __name__ == "__main__":
    if sys.argv[1:] == ["in a thread"]:
        threading.Thread(target=engine.run, daemon=True).start()
        sys.stdin.read()
    else:
        engine.run()
"""


def is_locked(file: Path) -> bool:
    """Whether a process has a lock on a file. One that has ended has none, even if nobody has taken note of its end."""
    with file.open() as opened:
        try:
            fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


@pytest.mark.parametrize(
    ("arguments", "is_killed"),
    [
        (["busy_engine.py"], True),
        (["-m", "enginehouse", "run", "busy_engine:engine", "--reload"], True),
        # The main thread ends, whatever the engine does.
        (["busy_engine.py", "in a thread"], False),
    ],
)
def test_nothing_outlives_an_engine(
    tmp_path: Path, server_url: str, client: Client, arguments: list[str], is_killed: bool
) -> None:
    (tmp_path / "busy_engine.py").write_text(PROGRAM)
    file = tmp_path / "lock"
    file.touch()
    path = os.pathsep.join([*sys.path, str(Path(__file__).parent)])
    environment = {**os.environ, "ENGINEHOUSE_URL": server_url, "PYTHONPATH": path}
    command = [sys.executable, *arguments]
    engine = subprocess.Popen(command, cwd=tmp_path, env=environment, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    event_id = client.enqueue("busy", {"file": str(file)}, retry_policy={"max_retries": 0}).event_id
    try:
        until(lambda: file.read_text() == "locked" and is_locked(file), "the handler computes")
        if is_killed:
            engine.send_signal(signal.SIGKILL)
        assert engine.stdin is not None
        engine.stdin.close()
        engine.wait(LIMIT)
        # Nobody has stopped it but the end of its engine.
        until(lambda: not is_locked(file), "the process of the handler has ended")
    finally:
        engine.kill()
        engine.wait()
        client.cancel_event(event_id)
