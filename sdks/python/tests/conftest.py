"""A real server for the tests, of the binary that ENGINEHOUSE_BINARY names."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from enginehouse import Client

LIMIT = 20.0


def until(condition: Callable[[], object], what: str) -> None:
    """Waits until something holds, and fails if it does not in time."""
    ends_at = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < ends_at, f"waited {LIMIT} s for: {what}"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def server_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server on a free port, with a data file of its own."""
    folder: Path = tmp_path_factory.mktemp("server")
    log = folder / "log"
    binary = os.environ.get("ENGINEHOUSE_BINARY", "enginehouse")
    command = [binary, "serve", "--listen", "127.0.0.1:0", "--store", f"sqlite://{folder}/events.db", "--until-stdin-ends"]
    with log.open("w") as output:
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=output)
    try:
        until(lambda: process.poll() is not None or "listening on" in log.read_text(), "the server listens")
        found = re.search(r"listening on (\S+)", log.read_text())
        assert found, log.read_text()
        yield found[1]
    finally:
        process.kill()
        process.wait(LIMIT)


@pytest.fixture
def client(server_url: str) -> Iterator[Client]:
    """A client of that server."""
    with Client(server_url) as client:
        yield client
