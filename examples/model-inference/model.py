"""A small model: logistic regression, fitted by gradient descent."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

Array = np.ndarray[Any, np.dtype[np.float64]]


def points(seed: int, number: int) -> tuple[Array, Array]:
    """Points of two classes."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 2, number).astype(np.float64)
    return rng.normal(size=(number, 8)) + labels[:, np.newaxis], labels


@cache
def weights() -> Array:
    """The fitted model: made with the first event of a process, and kept."""
    inputs, labels = points(seed=1, number=2000)
    inputs = np.column_stack([inputs, np.ones(len(inputs))])
    fitted = np.zeros(inputs.shape[1])
    for _ in range(300):
        fitted -= 0.5 * inputs.T @ (probability(inputs, fitted) - labels) / len(labels)
    return fitted


def probability(inputs: Array, fitted: Array) -> Array:
    """How likely each point is of the second class."""
    result: Array = 1 / (1 + np.exp(-inputs @ fitted))
    return result


def predict(batch: list[list[float]]) -> list[float]:
    """The probabilities of a batch."""
    inputs = np.column_stack([np.asarray(batch), np.ones(len(batch))])
    return [float(one) for one in probability(inputs, weights())]
