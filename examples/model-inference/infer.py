"""The engine that has the model: an event is a batch of inputs, its result their probabilities."""

from __future__ import annotations

import os
from dataclasses import dataclass

from enginehouse import Context, Engine, Reject
from model import predict, weights

#: What all batches that an engine has at once may need together.
MEMORY_MB = int(os.environ.get("MODEL_MEMORY_MB", "1024"))

engine = Engine("classifier", capabilities=["model:classifier-1"], concurrency=4, memory_limit_mb=MEMORY_MB, executor="process")


@dataclass
class Batch:
    """What one event asks for."""

    inputs: list[list[float]]


@engine.on("model.predict", timeout="1m")
def infer(batch: Batch, cx: Context) -> list[float]:
    """Answers a batch. One that is no input of the model has failed for good."""
    length = len(weights()) - 1
    for number, one in enumerate(batch.inputs):
        if len(one) != length:
            raise Reject(f"input {number} has {len(one)} numbers, and the model takes {length}", code="wrong_length")
    result = predict(batch.inputs)
    cx.progress(100, f"{len(result)} predicted")
    return result


if __name__ == "__main__":
    engine.run()
