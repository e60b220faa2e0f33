"""Enqueue inside a transaction, by each library."""

from __future__ import annotations

import asyncio
from typing import Any

import asyncpg
import django
import psycopg
import pytest
import sqlalchemy
from django.conf import settings
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import DictRow, dict_row
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.orm import Session

from enginehouse import Client, RawJson, transactions


def payloads(client: Client, event_type: str) -> list[Any]:
    return [event.payload for event in client.list_events(event_type=event_type).items][::-1]


def test_psycopg_has_an_event_with_the_commit_and_none_without(client: Client, database: str) -> None:
    with psycopg.Connection[DictRow].connect(database, row_factory=dict_row) as connection:
        with connection.transaction():
            connection.execute("insert into orders values (1)")
            first = transactions.enqueue(connection, "tx.psycopg", {"n": 2**70}, idempotency_key="psycopg", delay_seconds=0.5)
        with connection.transaction(), connection.cursor() as cursor:
            again = transactions.enqueue(cursor, "tx.psycopg", {"n": 2**70}, idempotency_key="psycopg", delay_seconds=0.5)
        assert (again.event_id, first.duplicate, again.duplicate) == (first.event_id, False, True)
        with pytest.raises(RuntimeError), connection.transaction():
            transactions.enqueue(connection, "tx.psycopg", {"n": 2})
            raise RuntimeError
    assert payloads(client, "tx.psycopg") == [{"n": 2**70}]


def test_what_is_refused_ends_the_transaction_with_its_sqlstate(client: Client, database: str) -> None:
    with psycopg.connect(database) as connection, pytest.raises(psycopg.Error, match="/priority: must be") as refused:
        transactions.enqueue(connection, "tx.refused", priority=12)
    assert refused.value.sqlstate == "22023"
    with pytest.raises(TypeError, match=r"builtins\.object is no connection"):
        transactions.enqueue(object(), "tx.refused")
    with pytest.raises(ValueError, match="a schema is named"):
        transactions.enqueue(object(), "tx.refused", schema='x"; drop table orders')


def test_sqlalchemy_takes_sessions_and_connections(client: Client, database: str) -> None:
    engine = sqlalchemy.create_engine(database.replace("postgres://", "postgresql+psycopg://", 1))
    with Session(engine) as session, session.begin():
        session.execute(sqlalchemy.text("insert into orders values (2)"))
        exact = transactions.enqueue(session, "tx.sqlalchemy", RawJson(b'{"n": 1.0, "a": 1e2}'))
    with engine.begin() as connection:
        events = [{"event_type": "tx.sqlalchemy", "payload": {"n": n}} for n in (2, 3)]
        many = transactions.enqueue_many(connection, events)  # type: ignore[arg-type]
    assert [client.get_event(one.event_id).payload for one in many] == [{"n": 2}, {"n": 3}]
    assert bytes(client.get_event(exact.event_id).payload_json) == b'{"n": 1.0, "a": 1e2}'
    with Session(engine) as session:
        transactions.enqueue(session, "tx.sqlalchemy", {"n": 4})
        session.rollback()
    assert payloads(client, "tx.sqlalchemy") == [{"n": 1.0, "a": 100.0}, {"n": 2}, {"n": 3}]
    engine.dispose()


def test_django_takes_its_connections(client: Client, database: str) -> None:
    parts = conninfo_to_dict(database)
    default = {"ENGINE": "django.db.backends.postgresql", "NAME": parts["dbname"], "USER": parts["user"], "HOST": parts["host"], "PORT": parts.get("port", "")}
    settings.configure(DATABASES={"default": default})
    django.setup()
    from django.db import connection
    from django.db.transaction import atomic

    with atomic():  # pyright: ignore[reportGeneralTypeIssues]
        transactions.enqueue(connection, "tx.django", {"n": 1})
    with pytest.raises(RuntimeError), atomic():  # pyright: ignore[reportGeneralTypeIssues]
        transactions.enqueue(connection, "tx.django", {"n": 2})
        raise RuntimeError
    assert payloads(client, "tx.django") == [{"n": 1}]
    connection.close()


def test_asyncio_has_asyncpg_psycopg_and_sqlalchemy(client: Client, database: str) -> None:
    async def enqueue() -> None:
        connection = await asyncpg.connect(database)
        async with connection.transaction():
            await transactions.enqueue_async(connection, "tx.async", {"n": 1})
        await connection.close()
        async with await psycopg.AsyncConnection.connect(database) as other:
            await transactions.enqueue_many_async(other, [{"event_type": "tx.async", "payload": {"n": 2}}])
        engine = create_async_engine(database.replace("postgres://", "postgresql+asyncpg://", 1))
        async with AsyncSession(engine) as session, session.begin():
            await transactions.enqueue_async(session, "tx.async", {"n": 3})
        await engine.dispose()
        async with await psycopg.AsyncConnection.connect(database) as other:
            with pytest.raises(TypeError, match="enqueue_async does"):
                transactions.enqueue(other, "tx.async")

    asyncio.run(enqueue())
    assert payloads(client, "tx.async") == [{"n": 1}, {"n": 2}, {"n": 3}]
