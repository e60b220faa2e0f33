"""Enqueue inside the transaction of an application that keeps its data in the same PostgreSQL database: both or neither.

    with Session(engine) as session, session.begin():
        session.add(order)
        transactions.enqueue(session, "order.ship", {"order_id": order.id}, idempotency_key=f"ship-{order.id}")

It calls the SQL function `enginehouse.enqueue_many` on the connection that it is given, which may be one of psycopg (a cursor too), of SQLAlchemy (a `Session`
too) or of Django; and for `enqueue_async` one of asyncpg, of psycopg or of SQLAlchemy's asyncio. Nothing is committed here. What the function
refuses is raised as the driver raises it, with the SQLSTATE of the document "Enqueue inside your own transaction", and ends the transaction.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Unpack

from msgspec import UNSET

from . import params
from ._json import encode
from ._tracing import traced

#: The schema that servers are configured with.
SCHEMA = "enginehouse"


@dataclass(frozen=True)
class Enqueued:
    """One event that is there once the transaction commits."""

    event_id: str
    #: Whether it was there before, under the same idempotency key.
    duplicate: bool


def enqueue(
    connection: Any, event_type: str, payload: Any = UNSET, *, schema: str = SCHEMA, **options: Unpack[params.EnqueueOptions]
) -> Enqueued:
    """Enqueues one event in the transaction of this connection.

    Args:
        connection: The connection, cursor or session whose transaction it is.
        event_type: What kind of work it is.
        payload: What goes into JSON; `{}` if left out.
        schema: The schema that servers are configured with.
        **options: The other fields of an event.
    """
    return enqueue_many(connection, [_event(event_type, payload, options)], schema=schema)[0]


def enqueue_many(connection: Any, events: Iterable[params.EnqueueRequest], *, schema: str = SCHEMA) -> list[Enqueued]:
    """Enqueues up to 10,000 events in the transaction of this connection, all or none, and answers them in their order."""
    function, text = _function(schema), encode([traced(event) for event in events]).decode()
    library = _library(connection)
    if library == "sqlalchemy":
        return _answer(connection.execute(_sqlalchemy(function), {"events": text}).fetchall())
    if library == "django":
        with connection.cursor() as cursor:
            cursor.execute(_PSYCOPG.format(function), [text])
            return _answer(cursor.fetchall())
    if library == "psycopg" and not _is_async(connection):
        return _answer(_cursor(connection).execute(_PSYCOPG.format(function), [text]).fetchall())
    raise _unknown(connection, "enqueue_async")


async def enqueue_async(
    connection: Any, event_type: str, payload: Any = UNSET, *, schema: str = SCHEMA, **options: Unpack[params.EnqueueOptions]
) -> Enqueued:
    """`enqueue` on a connection or session of asyncio."""
    return (await enqueue_many_async(connection, [_event(event_type, payload, options)], schema=schema))[0]


async def enqueue_many_async(
    connection: Any, events: Iterable[params.EnqueueRequest], *, schema: str = SCHEMA
) -> list[Enqueued]:
    """`enqueue_many` on a connection or session of asyncio."""
    function, text = _function(schema), encode([traced(event) for event in events]).decode()
    library = _library(connection)
    if library == "asyncpg":
        return _answer(await connection.fetch(_ASYNCPG.format(function), text))
    if library == "sqlalchemy" and _is_async(connection):
        return _answer((await connection.execute(_sqlalchemy(function), {"events": text})).fetchall())
    if library == "psycopg" and _is_async(connection):
        cursor = await _cursor(connection).execute(_PSYCOPG.format(function), [text])
        return _answer(await cursor.fetchall())
    raise _unknown(connection, "enqueue")


# The text is sent as json, so that big numbers are kept, and without `%` or `:` that a driver would read.
_PSYCOPG = "select place, event_id, duplicate from {}(cast(%s as json))"
_ASYNCPG = "select place, event_id, duplicate from {}(cast(cast($1 as text) as json))"


def _sqlalchemy(function: str) -> Any:
    # Whoever has such a connection has the package.
    from sqlalchemy import text

    return text(f"select place, event_id, duplicate from {function}(cast(:events as json))")


def _event(event_type: str, payload: Any, options: Mapping[str, Any]) -> Any:
    event = {"event_type": event_type, **options}
    return event if payload is UNSET else {**event, "payload": payload}


def _function(schema: str) -> str:
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,62}", schema):
        raise ValueError(f"a schema is named by letters, digits and underscores, was {json.dumps(schema)}")
    return f'"{schema}".enqueue_many'


def _library(connection: Any) -> str:
    """The package of a connection's class, or of one that it is derived from."""
    known = ("psycopg", "sqlalchemy", "asyncpg", "django")
    packages = [one.__module__.partition(".")[0] for one in type(connection).__mro__]
    return next((package for package in packages if package in known), "")


def _is_async(connection: Any) -> bool:
    return any(one.__name__.startswith("Async") or one.__name__ == "async_scoped_session" for one in type(connection).__mro__)


def _cursor(connection: Any) -> Any:
    """A cursor with rows as tuples, whatever the connection makes: rows are read by their order."""
    from psycopg.rows import tuple_row

    of = connection if hasattr(connection, "cursor") else connection.connection
    return of.cursor(row_factory=tuple_row)


def _answer(rows: Iterable[Any]) -> list[Enqueued]:
    ordered = sorted((tuple(row) for row in rows), key=lambda row: row[0])
    return [Enqueued(str(event_id), bool(duplicate)) for _, event_id, duplicate in ordered]


def _unknown(connection: Any, other: str) -> TypeError:
    kind = f"{type(connection).__module__}.{type(connection).__qualname__}"
    return TypeError(f"a {kind} is no connection, cursor or session that this function knows; for some, {other} does")


__all__ = ["Enqueued", "enqueue", "enqueue_async", "enqueue_many", "enqueue_many_async"]
