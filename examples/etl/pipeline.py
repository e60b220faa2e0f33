"""An engine that loads files into PostgreSQL. Rows and the event of the next step are one transaction: both or neither.

The database is the one that the server keeps its events in; `DATABASE_URL` names it.
"""

from __future__ import annotations

import csv
import os
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg

from enginehouse import Context, Engine, Reject, transactions

engine = Engine("etl", concurrency=4)

SCHEMA = """
create table if not exists sales (file text, line integer, day date, amount_cents bigint, primary key (file, line));
create table if not exists sales_by_day (day date primary key, amount_cents bigint not null);
"""


def connect() -> psycopg.Connection[tuple[Any, ...]]:
    """A connection to the database of the application."""
    return psycopg.connect(os.environ["DATABASE_URL"])


@dataclass
class SalesFile:
    """A file that has come."""

    path: str


@dataclass
class Day:
    """A day whose sum has changed."""

    day: date


@engine.on("sales.load", timeout="10m")
def load(file: SalesFile, cx: Context) -> dict[str, Any]:
    """Loads a file. Loaded again after a lost attempt, it changes nothing: a line is a row once."""
    rows = [(file.path, number, *row) for number, row in enumerate(read(Path(file.path)), start=2)]
    days = sorted({day for _, _, day, _ in rows})
    with connect() as connection, connection.transaction():
        with connection.cursor() as cursor:
            cursor.executemany("insert into sales values (%s, %s, %s, %s) on conflict do nothing", rows)
        cx.check()
        # Last, and in the same transaction: the next step is there if and only if the rows are.
        transactions.enqueue_many(
            connection,
            [
                {
                    "event_type": "sales.sum",
                    "payload": {"day": day.isoformat()},
                    "idempotency_key": f"sum/{file.path}/{day}",
                }
                for day in days
            ],
        )
    return {"rows": len(rows), "days": len(days)}


@engine.on("sales.sum", timeout="1m")
def add_up(event: Day) -> dict[str, int]:
    """Adds up a day anew, from all rows that are there."""
    with connect() as connection, connection.transaction():
        row = connection.execute(
            "insert into sales_by_day select %(day)s, coalesce(sum(amount_cents), 0) from sales where day = %(day)s "
            "on conflict (day) do update set amount_cents = excluded.amount_cents returning amount_cents",
            {"day": event.day},
        ).fetchone()
    assert row is not None
    return {"amount_cents": row[0]}


def read(path: Path) -> list[tuple[date, int]]:
    """The rows of a file. One bad line refuses the file, and says which it is."""
    rows: list[tuple[date, int]] = []
    with path.open(newline="", encoding="utf-8") as file:
        for number, row in enumerate(csv.DictReader(file), start=2):
            try:
                rows.append((date.fromisoformat(row["day"]), round(float(row["amount"]) * 100)))
            except (KeyError, ValueError) as error:
                raise Reject(f"{path.name}, line {number}: {error}", code="bad_line") from error
    return rows


if __name__ == "__main__":
    with connect() as connection:
        connection.execute(SCHEMA)
    engine.run()
