"""A small simulator: an epidemic of susceptible, infected and recovered people, by chance and day by day."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass
class Parameters:
    """What one run is about."""

    infections_per_day: float
    recovery_days: float
    seed: int
    people: int = 10_000
    days: int = 200


@dataclass
class Epidemic:
    """Where a run is. `state` holds all of it, so that it goes on elsewhere with the same random numbers."""

    parameters: Parameters
    day: int = 0
    infected: int = 10
    recovered: int = 0
    peak: int = 10
    rng: np.random.Generator = field(init=False)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.parameters.seed)

    @property
    def is_over(self) -> bool:
        """Whether nothing happens any more."""
        return self.infected == 0 or self.day >= self.parameters.days

    def step(self) -> None:
        """One day."""
        given = self.parameters
        susceptible = given.people - self.infected - self.recovered
        risk = -math.expm1(-given.infections_per_day * self.infected / given.people)
        ill = int(self.rng.binomial(susceptible, risk))
        well = int(self.rng.binomial(self.infected, -math.expm1(-1 / given.recovery_days)))
        self.infected += ill - well
        self.recovered += well
        self.peak = max(self.peak, self.infected)
        self.day += 1

    def state(self) -> dict[str, Any]:
        """A checkpoint; the generator has integers of 128 bits, which stay exact."""
        numbers = {"day": self.day, "infected": self.infected, "recovered": self.recovered, "peak": self.peak}
        return {**numbers, "rng": self.rng.bit_generator.state}

    def go_on_from(self, state: dict[str, Any]) -> None:
        """Goes on from a checkpoint."""
        self.day, self.infected = state["day"], state["infected"]
        self.recovered, self.peak = state["recovered"], state["peak"]
        self.rng.bit_generator.state = state["rng"]
