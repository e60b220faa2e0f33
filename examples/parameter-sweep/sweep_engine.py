"""The engine of the sweep: each run is an event, simulated in a process of its own."""

from __future__ import annotations

import os
from typing import Any

from enginehouse import Context, Engine
from simulator import Epidemic, Parameters

engine = Engine("epidemic", concurrency=os.cpu_count() or 1, executor="process", version="1.0.0")

#: Every so many days a checkpoint is left for the next attempt, should this one be lost.
CHECKPOINT_DAYS = 25


@engine.on("epidemic.run", timeout="10m")
def run(parameters: Parameters, cx: Context) -> dict[str, Any]:
    """Simulates one run, and goes on from the checkpoint of an attempt before."""
    epidemic = Epidemic(parameters)
    if cx.previous is not None and cx.previous.checkpoint is not None:
        epidemic.go_on_from(cx.previous.checkpoint)
    while not epidemic.is_over:
        cx.check()
        epidemic.step()
        if epidemic.day % CHECKPOINT_DAYS == 0:
            cx.checkpoint(epidemic.state())
            cx.progress(100 * epidemic.day / parameters.days, f"day {epidemic.day}")
    return {"peak": epidemic.peak, "recovered": epidemic.recovered, "days": epidemic.day}


if __name__ == "__main__":
    engine.run()
