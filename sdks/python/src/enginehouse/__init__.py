"""Enginehouse: engines that work on events, and clients that enqueue them.

`Engine` runs handlers, `Client` and `AsyncClient` make every call of the API, and `enginehouse.testing` runs handlers without a server.
"""

from __future__ import annotations

from . import models, params, problems
from ._durations import Duration
from ._errors import CallError, ConfigurationError, EnginehouseError, Problem, UnexpectedAnswer, Unreachable
from ._json import RawJson
from ._streams import StreamPart
from ._version import VERSION as __version__
from .client import AsyncClient, Client, Limits
from .context import Context, StopReason
from .engine import Engine, EngineSummary
from .outcomes import Reject, Release, Retry, Stopped, Superseded

__all__ = [
    "AsyncClient",
    "CallError",
    "Client",
    "ConfigurationError",
    "Context",
    "Duration",
    "Engine",
    "EngineSummary",
    "EnginehouseError",
    "Limits",
    "Problem",
    "RawJson",
    "Reject",
    "Release",
    "Retry",
    "StopReason",
    "Stopped",
    "StreamPart",
    "Superseded",
    "UnexpectedAnswer",
    "Unreachable",
    "__version__",
    "models",
    "params",
    "problems",
]
