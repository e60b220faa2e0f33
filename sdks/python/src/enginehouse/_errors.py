"""Why a call has no answer, or not the one that was asked for."""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from .models import FieldError

#: Whether a call that failed has changed something all the same.
Applied: TypeAlias = Literal["no", "unknown"]


class EnginehouseError(Exception):
    """What every error of this package is."""


class ConfigurationError(EnginehouseError, ValueError):
    """A setting, of an argument or of the environment, that cannot be right."""


class CallError(EnginehouseError):
    """Why a call failed."""

    #: The problem's code, or `unreachable` or `unexpected_answer`.
    code: str
    #: Whether it may have changed something all the same: `no` or `unknown`.
    applied: Applied
    #: How long the server asks to wait before a repeat, in seconds.
    retry_after_seconds: float | None = None

    @property
    def is_passing(self) -> bool:
        """Whether the same call may well succeed later, with no change on either side."""
        return False


class Unreachable(CallError):
    """No answer came from the server."""

    code = "unreachable"

    def __init__(self, url: str, reason: str, applied: Applied, timed_out: bool = False) -> None:
        super().__init__(f"no answer from {url}: {reason}")
        self.url = url
        self.reason = reason
        self.applied = applied
        self.timed_out = timed_out

    @property
    def is_passing(self) -> bool:
        return True


class UnexpectedAnswer(CallError):
    """Something answered, but not as an Enginehouse server does."""

    code = "unexpected_answer"

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(f"unexpected answer with status {status}: {reason}")
        self.status = status
        self.applied = "unknown" if status >= 500 or status < 300 else "no"

    @property
    def is_passing(self) -> bool:
        # A proxy that stands in for a server which is away.
        return self.status == 429 or 502 <= self.status <= 504


class Problem(CallError):
    """The server refused a call, and says why. Each code has a subclass in `enginehouse.problems`."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self.code = str(document.get("code", ""))
        self.status = int(document.get("status", 0))
        self.title = str(document.get("title", ""))
        self.detail = str(document.get("detail", ""))
        errors: list[dict[str, Any]] = document.get("errors") or []
        self.errors = [FieldError(pointer=str(one.get("pointer")), detail=str(one.get("detail"))) for one in errors]
        self.retry_after_seconds = document.get("retry_after_seconds")
        self.request_id: str | None = document.get("request_id")
        self.event_id: str | None = document.get("event_id")
        self.event_status: str | None = document.get("event_status")
        #: The permission that the token does not have, what it would have to be on, and the quota that is used up.
        self.missing: str | None = document.get("missing")
        self.on: str | None = document.get("on")
        self.quota: str | None = document.get("quota")
        said = document.get("applied")
        unknown = self.status >= 500 if said is None else said == "unknown"
        self.applied = "unknown" if unknown else "no"
        super().__init__(f"{self.code} ({self.status}): {self.detail or self.title}")

    @property
    def is_passing(self) -> bool:
        return self.status in (408, 429, 503)

    def __reduce__(self) -> tuple[type[Problem], tuple[dict[str, Any]]]:
        return type(self), (self.document,)


def problem_of(document: dict[str, Any]) -> Problem:
    """The exception of a problem document."""
    from .problems import BY_CODE

    return BY_CODE.get(str(document.get("code")), Problem)(document)
