"""Handlers in memory, and the command that runs engines."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from conftest import LIMIT, until

from enginehouse import Client, Context, Engine, EnginehouseError, Release, Retry
from enginehouse.cli import main
from enginehouse.testing import InMemoryQueue, RetryRule, start_server

START = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


def flaky() -> Engine:
    """Fails, is released, and completes."""
    engine = Engine("flaky")

    @engine.on("flaky", timeout="10s")
    async def handle(payload: dict[str, int], cx: Context) -> dict[str, Any]:
        cx.log("one\ntwo")
        cx.progress(50)
        cx.checkpoint([cx.attempt])
        if cx.attempt == 1:
            raise OSError("the disk")
        if cx.attempt == 2:
            raise Retry(after="1h")
        return {"deadline": cx.deadline, "before": cx.previous and cx.previous.checkpoint}

    @engine.on("released")
    def release(_payload: Any, cx: Context) -> None:
        if cx.previous is None:
            raise Release(delay="5s")

    return engine


def test_retries_follow_the_rule_of_the_server_by_the_clock_of_the_test() -> None:
    queue = InMemoryQueue(flaky(), now=START)
    event = queue.enqueue("flaky", {"n": 1}, delay="1m")
    assert queue.run_due() == []
    queue.advance("1m")
    (first,) = queue.run_due()
    assert (first.outcome, first.log, first.progress) == ("failed", ["one", "two"], {"percent": 50.0})
    assert first.error is not None and (first.error.code, first.error.message) == ("os", "the disk")
    assert event.available_at == START + timedelta(seconds=90) and queue.run_due() == []
    assert [attempt.outcome for attempt in queue.run_until_idle()] == ["failed", "completed"]
    assert queue.now == START + timedelta(seconds=90 + 3600)
    assert event.result == {"deadline": "2026-05-01T13:01:40Z", "before": [2]}


def test_a_release_is_no_attempt_and_a_stop_releases() -> None:
    queue = InMemoryQueue(flaky(), now=START)
    event = queue.enqueue("released")
    queue.run_until_idle()
    assert [(one.number, one.outcome) for one in event.attempts] == [(1, "released"), (1, "completed")]
    stopped = queue.enqueue("flaky", {})
    (attempt,) = queue.run_due(stop="shutting_down")
    assert (attempt.outcome, stopped.status) == ("released", "queued")


def test_what_is_refused_or_fails_too_often_is_a_dead_letter() -> None:
    queue = InMemoryQueue(flaky(), retry=RetryRule(max_retries=0))
    bad, failing = queue.enqueue("flaky", {"n": "x"}), queue.enqueue("flaky", {})
    queue.run_until_idle()
    assert (bad.status, bad.dead_letter, bad.last_error and bad.last_error.code) == ("failed", True, "invalid_payload")
    assert (failing.status, failing.dead_letter, len(failing.attempts)) == ("failed", True, 1)
    with pytest.raises(ValueError, match="no handler of other; it has flaky, released"):
        queue.enqueue("other")


def test_a_server_that_does_not_start_says_why() -> None:
    with pytest.raises(EnginehouseError, match="has ended with status 2"), start_server(arguments=["--no-such-flag"]):
        pass


MODULE = """
from enginehouse import Engine
engine = Engine("hot", engine_id="hot-1", heartbeat_interval_seconds=1)
engine.on("hot", lambda payload: "RESULT")
"""


def command(folder: Path, server_url: str, *arguments: str) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "ENGINEHOUSE_URL": server_url, "PYTHONPATH": os.pathsep.join(sys.path)}
    line = [sys.executable, "-m", "enginehouse", "run", "hot:engine", *arguments]
    return subprocess.Popen(line, cwd=folder, env=environment, stderr=subprocess.DEVNULL)


def result(client: Client) -> Any:
    return client.wait_for_event(client.enqueue("hot").event_id, LIMIT).result


def test_an_engine_of_a_module_runs_and_is_started_again_when_its_file_changes(
    tmp_path: Path, server_url: str, client: Client
) -> None:
    module = tmp_path / "hot.py"
    module.write_text(MODULE)
    process = command(tmp_path, server_url, "--reload")
    try:
        assert result(client) == "RESULT"
        module.write_text(MODULE.replace("RESULT", "another result"))
        until(lambda: result(client) == "another result", "the changed file is in use")
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT) == 0
        assert client.get_engine("hot-1").status == "stopped"
    finally:
        process.kill()
        process.wait()


PATIENT = """
from enginehouse import Engine
engine = Engine("patient", engine_id="patient-1", grace="1h")

@engine.on("hot")
def wait(payload, cx):
    cx.wait()
    cx.check()
"""


def test_a_second_signal_reaches_the_engine_of_a_reloader(tmp_path: Path, server_url: str, client: Client) -> None:
    (tmp_path / "hot.py").write_text(PATIENT)
    process = command(tmp_path, server_url, "--reload")
    try:
        event_id = client.enqueue("hot").event_id
        until(lambda: client.get_event(event_id).status == "processing", "the handler waits")
        process.send_signal(signal.SIGTERM)
        until(lambda: client.get_engine("patient-1").status == "draining", "the engine finishes what it holds")
        process.send_signal(signal.SIGTERM)
        assert process.wait(LIMIT) == 0
        assert client.get_event(event_id).status == "queued"
        client.cancel_event(event_id)
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize(
    ("target", "part"), [("hot", "has to be MODULE:ENGINE"), ("no_such_one:engine", "no module"), ("os:sep", "no Engine")]
)
def test_a_wrong_target_is_named(target: str, part: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", target]) == 2
    assert part in capsys.readouterr().err
