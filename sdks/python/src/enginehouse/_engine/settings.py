"""What an engine is and how it works, set before it runs."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from .._durations import Duration, seconds
from .._errors import ConfigurationError
from .handlers import Handler

Affinity = Literal["prefer", "require", "none"]

#: Most events at once, and most types and queues of a claim.
MAX_CONCURRENCY = 1000
MAX_NAMES = 200
ANY = "*"


@dataclass
class EngineSettings:
    """The settings of one engine, checked."""

    engine_type: str
    engine_id: str
    capabilities: tuple[str, ...]
    concurrency: int
    memory_limit_mb: int | None
    version: str | None
    queues: tuple[str, ...]
    affinity: Affinity
    heartbeat_interval_seconds: int | None
    takeover: bool
    visibility_timeout_seconds: int | None
    grace: float
    stop_wait: float
    claim_wait: float
    load: Callable[[], dict[str, Any]]
    works_on: Callable[[str | None], None]
    metadata: Mapping[str, Any]
    handlers: dict[str, Handler] = field(default_factory=dict[str, Handler])

    def __post_init__(self) -> None:
        if not 1 <= self.concurrency <= MAX_CONCURRENCY:
            raise ConfigurationError(f"concurrency is 1 to {MAX_CONCURRENCY}, was {self.concurrency}")

    def handler_of(self, event_type: str) -> Handler | None:
        """What takes events of this type."""
        return self.handlers.get(event_type) or self.handlers.get(ANY)

    def add(self, handler: Handler) -> None:
        """Takes one more handler."""
        if handler.event_type in self.handlers:
            raise ConfigurationError(f"{handler.event_type} has a handler already: an event type has one in an engine")
        self.handlers[handler.event_type] = handler

    def registration(self) -> dict[str, Any]:
        """What the engine says of itself when it registers."""
        limits: dict[str, Any] = {"max_concurrent_events": self.concurrency}
        if self.memory_limit_mb is not None:
            limits["memory_limit_mb"] = self.memory_limit_mb
        static: dict[str, Any] = {"capabilities": list(self.capabilities), "resource_limits": limits}
        if self.version is not None:
            static["engine_software_version"] = self.version
        metadata = {**self.metadata, "static_config": static, "dynamic_state": self.load()}
        request: dict[str, Any] = {"engine_type": self.engine_type, "metadata": metadata, "takeover": self.takeover}
        if self.heartbeat_interval_seconds is not None:
            request["heartbeat_interval_seconds"] = self.heartbeat_interval_seconds
        return request

    def claim(self, limit: int, wait: float) -> dict[str, Any]:
        """A claim of up to `limit` events."""
        types = [] if ANY in self.handlers else sorted(self.handlers)
        claim: dict[str, Any] = {
            "limit": min(limit, MAX_CONCURRENCY),
            "wait_seconds": wait,
            "queues": list(self.queues),
            "event_types": types,
            "affinity": self.affinity,
        }
        if self.visibility_timeout_seconds is not None:
            claim["visibility_timeout_seconds"] = self.visibility_timeout_seconds
        return claim


def own_id() -> str:
    """The id of an engine that is given none: `ENGINEHOUSE_ENGINE_ID`, or else the machine's name, the process and a random number."""
    given = os.environ.get("ENGINEHOUSE_ENGINE_ID")
    if given:
        return given
    return f"{_plain(os.uname().nodename if hasattr(os, 'uname') else 'engine')}-{os.getpid()}-{secrets.randbelow(1 << 16):04x}"


def _plain(text: str) -> str:
    kept = "".join(one if one.isascii() and (one.isalnum() or one in "._:-") else "-" for one in text)
    return kept.lstrip("._:-")[:100] or "engine"


def names(value: Sequence[str], what: str) -> tuple[str, ...]:
    """A list of names, which a single text is not."""
    if isinstance(value, str):
        raise ConfigurationError(f"{what} is a list of names, was the text {value!r}")
    return tuple(value)


def length(value: Duration, what: str) -> float:
    """A length of time of a setting."""
    try:
        return seconds(value)
    except ValueError as error:
        raise ConfigurationError(f"{what}: {error}") from error
