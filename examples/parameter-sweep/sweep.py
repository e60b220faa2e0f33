"""Enqueues a run for each choice of parameters, waits for all of them and says how high each epidemic rose.

    python sweep.py [NAME OF THE SWEEP]
"""

from __future__ import annotations

import itertools
import statistics
import sys
import time

from enginehouse import Client

INFECTIONS = [0.15, 0.3, 0.6]
RECOVERY_DAYS = [5.0, 10.0]
SEEDS = range(3)


def main(name: str) -> None:
    with Client() as client:
        client.enqueue_many(
            {
                "event_type": "epidemic.run",
                "payload": {"infections_per_day": infections, "recovery_days": days, "seed": seed},
                "scenario_run_id": name,
                # Started again, the sweep finds the runs that are there.
                "idempotency_key": f"{name}/{infections}/{days}/{seed}",
            }
            for infections, days, seed in itertools.product(INFECTIONS, RECOVERY_DAYS, SEEDS)
        )
        while (events := client.get_scenario_run(name).events).queued + events.processing > 0:
            time.sleep(0.2)
        peaks: dict[tuple[float, float], list[int]] = {}
        for event in client.iter_events(scenario_run_id=name, status="completed"):
            key = (event.payload["infections_per_day"], event.payload["recovery_days"])
            peaks.setdefault(key, []).append(event.result["peak"])
        for (infections, days), found in sorted(peaks.items()):
            print(f"{infections:5.2f} a day, {days:4.0f} days: peak {statistics.mean(found):7.1f} of {len(found)} runs")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "sweep-1")
