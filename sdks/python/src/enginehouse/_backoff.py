"""How long to wait before a repeat."""

from __future__ import annotations

import random


class Backoff:
    """Waits that double from one repeat to the next, and differ from client to client."""

    def __init__(self, first: float, longest: float) -> None:
        self._first = first
        self._longest = longest
        self._repeats = 0

    def next(self, asked: float | None = None) -> float:
        """The next wait in seconds, and never less than the server asked for.

        It is between half and all of what the doubling gives, so that clients that failed together do not come back together.
        """
        whole = min(self._first * 2.0 ** min(self._repeats, 16), self._longest)
        self._repeats += 1
        wait = whole * random.uniform(0.5, 1.0)
        return wait if asked is None else asked + min(wait, asked * 0.1)

    def reset(self) -> None:
        """Begins anew: something succeeded."""
        self._repeats = 0
