"""Enginehouse: `Client` and `AsyncClient` make every call of the API of a server."""

from __future__ import annotations

from . import models, params, problems
from ._durations import Duration
from ._errors import CallError, ConfigurationError, EnginehouseError, Problem, UnexpectedAnswer, Unreachable
from ._json import RawJson
from ._streams import StreamPart
from ._version import VERSION as __version__
from .client import AsyncClient, Client, Limits

__all__ = [
    "AsyncClient",
    "CallError",
    "Client",
    "ConfigurationError",
    "Duration",
    "EnginehouseError",
    "Limits",
    "Problem",
    "RawJson",
    "StreamPart",
    "UnexpectedAnswer",
    "Unreachable",
    "__version__",
    "models",
    "params",
    "problems",
]
