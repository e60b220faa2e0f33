"""A server on the PostgreSQL database that ENGINEHOUSE_TEST_DATABASE names."""

from __future__ import annotations

import os
from collections.abc import Iterator

import psycopg
import pytest

from enginehouse import Client
from enginehouse.testing import start_server


@pytest.fixture(scope="session")
def database() -> str:
    """The URL of an empty database."""
    return os.environ["ENGINEHOUSE_TEST_DATABASE"]


@pytest.fixture(scope="session")
def client(database: str) -> Iterator[Client]:
    """A client of a server that keeps its data there, beside a table of an application."""
    with start_server(store=database, arguments=["--durability", "relaxed"]) as server, server.client() as client:
        with psycopg.connect(database) as connection:
            connection.execute("create table orders (order_id bigint primary key)")
        yield client
