"""Has a film rendered: enqueues its frames, and says how far it is.

    python film.py [FILM] [NUMBER OF FRAMES]
"""

from __future__ import annotations

import sys

from enginehouse import Client


def main(film: str, frames: int) -> int:
    with Client() as client:
        enqueued = client.enqueue_many(
            {
                "event_type": "frame.render",
                "payload": {"film": film, "frame": number},
                "required_capabilities": ["render"],
                "required_memory_mb": 200,
                "scenario_run_id": film,
                "idempotency_key": f"{film}/{number}",
                # The first frames first, for whoever looks at them.
                "priority": 2 if number < 3 else 5,
            }
            for number in range(frames)
        )
        failed = 0
        for one in enqueued.events:
            assert one.event_id is not None
            event = client.wait_for_event(one.event_id, "15m")
            failed += event.status != "completed"
            print(event.result["file"] if event.status == "completed" else f"frame {event.payload['frame']}: {event.status}")
    return 1 if failed else 0


if __name__ == "__main__":
    arguments = [*sys.argv[1:], *["zoom", "24"][len(sys.argv) - 1 :]]
    raise SystemExit(main(arguments[0], int(arguments[1])))
