"""Fixtures for pytest: `pytest_plugins = ["enginehouse.pytest_plugin"]` in `conftest.py` has them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .client import Client
from .testing import ServerProcess, start_server


@pytest.fixture(scope="session")
def enginehouse_server() -> Iterator[ServerProcess]:
    """A real server for all tests of the session, with a data file of its own."""
    with start_server() as server:
        yield server


@pytest.fixture
def enginehouse_client(enginehouse_server: ServerProcess) -> Iterator[Client]:
    """A client of that server."""
    with enginehouse_server.client() as client:
        yield client
