"""Lengths of time, as callers write them."""

from __future__ import annotations

import math
import re
from datetime import timedelta
from typing import TypeAlias

#: A number of seconds, a text such as "500ms", "30s", "10m", "2h" or "1d", or a timedelta.
Duration: TypeAlias = float | str | timedelta

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_TEXT = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*(ms|s|m|h|d)\s*")


def seconds(duration: Duration) -> float:
    """A length of time in seconds.

    Raises:
        ValueError: It is negative, endless, or a text that is none.
    """
    if isinstance(duration, timedelta):
        value = duration.total_seconds()
    elif isinstance(duration, str):
        found = _TEXT.fullmatch(duration)
        if found is None:
            raise ValueError(f'{duration!r} is no length of time: write it as "500ms", "30s", "10m" or "2h", or as seconds')
        value = float(found[1]) * _UNITS[found[2]]
    else:
        value = float(duration)
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"a length of time is 0 or more seconds, was {value}")
    return value
