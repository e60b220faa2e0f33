"""Asks the model about batches of several sizes, and says how many of its answers are right."""

from __future__ import annotations

from enginehouse import Client
from model import Array, points

#: What a batch needs: the model itself, and so much for each input.
MODEL_MB, INPUTS_PER_MB = 200, 4


def memory_of(inputs: int) -> int:
    """How much memory a batch needs, in MiB."""
    return MODEL_MB + inputs // INPUTS_PER_MB


def main() -> None:
    with Client() as client:
        asked: list[tuple[str, Array]] = []
        for seed, size in enumerate([10, 100, 1000], start=2):
            inputs, labels = points(seed, size)
            payload = {"inputs": inputs.round(6).tolist()}
            needs = ["model:classifier-1"]
            enqueued = client.enqueue("model.predict", payload, required_memory_mb=memory_of(size), required_capabilities=needs)
            asked.append((enqueued.event_id, labels))
        for event_id, labels in asked:
            event = client.wait_for_event(event_id, "2m")
            if event.status != "completed":
                print(f"{event.status}: {event.last_error and event.last_error.message}")
                continue
            right = sum((one > 0.5) == bool(label) for one, label in zip(event.result, labels, strict=True))
            print(f"{len(labels):5} inputs with {event.required_memory_mb} MiB: {100 * right / len(labels):.0f} % right")


if __name__ == "__main__":
    main()
