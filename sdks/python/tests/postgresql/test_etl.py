"""The example of an ETL, on the database of its server."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import psycopg

from enginehouse import Client

ETL = Path(__file__).resolve().parents[4] / "examples" / "etl"
LIMIT = 20.0


def test_rows_and_the_next_step_are_there_together(client: Client, database: str, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("day,amount\n2026-05-01,1.50\n2026-05-01,2.25\n2026-05-02,10\n")
    bad.write_text("day,amount\n2026-05-03,1\n2026-05-03,a lot\n")
    given = {**os.environ, "ENGINEHOUSE_URL": client.url, "DATABASE_URL": database, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "pipeline.py"], cwd=ETL, env=given)
    try:
        loaded = client.wait_for_event(client.enqueue("sales.load", {"path": str(good)}).event_id, LIMIT)
        assert loaded.result == {"rows": 3, "days": 2}
        again = client.wait_for_event(client.enqueue("sales.load", {"path": str(good)}).event_id, LIMIT)
        assert again.status == "completed"
        refused = client.wait_for_event(client.enqueue("sales.load", {"path": str(bad)}).event_id, LIMIT)
        assert refused.last_error is not None
        assert (refused.dead_letter, refused.last_error.code) == ("requested", "bad_line")
        assert refused.last_error.message.startswith("bad.csv, line 3: ")
        sums = [client.wait_for_event(one.event_id, LIMIT) for one in client.iter_events(event_type="sales.sum")]
        assert [one.status for one in sums] == ["completed", "completed"]
    finally:
        process.terminate()
        assert process.wait(LIMIT) == 0
    with psycopg.connect(database) as connection:
        assert connection.execute("select amount_cents from sales_by_day order by day").fetchall() == [(375,), (1000,)]
        assert connection.execute("select count(*) from sales").fetchone() == (3,)
