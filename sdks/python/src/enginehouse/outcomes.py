"""How a handler ends: by its return value, or by one of these exceptions."""

from __future__ import annotations

from typing import Any

from ._durations import Duration, seconds
from ._errors import EnginehouseError


class Retry(EnginehouseError):
    """Raised by a handler: the attempt has failed, and another one may help.

    Args:
        message: What went wrong.
        after: How long to wait before the next attempt, instead of the delay of the event's retry policy.
        code: What went wrong, as a word for programs; `retry` if left out.
        details: Anything more, as JSON of at most 16 KiB.
    """

    def __init__(
        self, message: str | None = None, *, after: Duration | None = None, code: str | None = None, details: Any = None
    ) -> None:
        super().__init__(message or "the handler asked for another attempt")
        self.after_seconds = None if after is None else seconds(after)
        self.code = code or "retry"
        self.details = details


class Reject(EnginehouseError):
    """Raised by a handler: the event has failed for good, and no further attempt would help.

    Args:
        message: What is wrong with the event.
        code: The same as a word for programs; `rejected` if left out.
        details: Anything more, as JSON of at most 16 KiB.
        dead_letter: Whether a person should look at it.
    """

    def __init__(
        self, message: str, *, code: str | None = None, details: Any = None, dead_letter: bool = True
    ) -> None:
        super().__init__(message)
        self.code = code or "rejected"
        self.details = details
        self.dead_letter = dead_letter


class Release(EnginehouseError):
    """Raised by a handler: the event goes back to its queue, and the attempt is not counted.

    Args:
        delay: How long nobody may claim it.
    """

    def __init__(self, *, delay: Duration | None = None) -> None:
        super().__init__("the handler released the event")
        self.delay_seconds = None if delay is None else seconds(delay)


class Stopped(EnginehouseError):
    """Raised by `Context.check` once the handler should stop. If it leaves the handler, the event is released."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the handler should stop: {reason}")
        self.reason = reason


class Superseded(EnginehouseError):
    """Another process has registered as this engine; what this one held is lost."""

    def __init__(self, engine_id: str) -> None:
        super().__init__(f"another process has registered as engine {engine_id}: give each process an engine_id of its own")
        self.engine_id = engine_id
