"""A real server for the tests, of the binary that ENGINEHOUSE_BINARY names."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from enginehouse import Client
from enginehouse.testing import ServerProcess

pytest_plugins = ["enginehouse.pytest_plugin"]

LIMIT = 20.0


def until(condition: Callable[[], object], what: str) -> None:
    """Waits until something holds, and fails if it does not in time."""
    ends_at = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < ends_at, f"waited {LIMIT} s for: {what}"
        time.sleep(0.02)


@pytest.fixture
def server_url(enginehouse_server: ServerProcess) -> str:
    """Where the server is."""
    return enginehouse_server.url


@pytest.fixture
def client(enginehouse_client: Client) -> Client:
    """A client of that server."""
    return enginehouse_client
