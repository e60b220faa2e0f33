"""What becomes of an attempt, and the settlement that says so."""

from __future__ import annotations

import re
import traceback
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from .._json import RawJson, encode, well_formed
from ..outcomes import Reject, Release, Retry

MAX_RESULT_BYTES = 256 * 1024
MAX_CODE_LENGTH = 100
MAX_MESSAGE_LENGTH = 2000
MAX_TRACEBACK_BYTES = 4096
MAX_DETAILS_BYTES = 16 * 1024

Kind: TypeAlias = Literal["complete", "fail", "release"]


@dataclass(frozen=True)
class Outcome:
    """How a handler has ended: the fields of its settlement."""

    kind: Kind
    fields: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def is_invalid_result(self) -> bool:
        """Whether it is the failure that takes the place of a result which cannot be stored."""
        error: dict[str, Any] = self.fields.get("error", {})
        return error.get("code") == "invalid_result"


RELEASED = Outcome("release")


def failed(
    code: str,
    message: str,
    *,
    details: Any = None,
    retryable: bool = True,
    dead_letter: bool = False,
    retry_after_seconds: float | None = None,
) -> Outcome:
    """A failure of the attempt."""
    error = {"code": well_formed(code[:MAX_CODE_LENGTH]), "message": well_formed(message[:MAX_MESSAGE_LENGTH])}
    fields: dict[str, Any] = {"error": error, "retryable": retryable, "dead_letter": dead_letter}
    if details is not None:
        fields["error"] = {**error, "details": _kept(details)}
    if retry_after_seconds is not None:
        fields["retry_after_seconds"] = retry_after_seconds
    return Outcome("fail", fields)


def _kept(details: Any) -> Any:
    """Details as the server keeps them; a handler's own mistake in them must not hide what went wrong."""
    try:
        text = encode(details)
    except Exception as error:
        return {"left_out": f"the details have no form in JSON: {error}"}
    return RawJson(text) if len(text) <= MAX_DETAILS_BYTES else {"left_out": f"the details have {len(text)} bytes"}


def completed(result: object) -> Outcome:
    """The completion with this result, or the failure that takes its place if it cannot be stored."""
    try:
        text = encode(result)
    except Exception as error:
        # What its own types raise as they become JSON, too.
        return invalid_result(f"the result is no JSON: {error}")
    if len(text) > MAX_RESULT_BYTES:
        return invalid_result(f"the result has {len(text)} bytes of JSON, more than the {MAX_RESULT_BYTES} that are kept")
    return Outcome("complete", {"result": RawJson(text)})


def invalid_result(message: str) -> Outcome:
    """A result that nobody can store: another attempt would not help."""
    return failed("invalid_result", message, retryable=False, dead_letter=True)


def invalid_payload(message: str) -> Outcome:
    """A payload that the handler does not take: another attempt would not help."""
    return failed("invalid_payload", message, retryable=False, dead_letter=True)


def of_exception(error: BaseException) -> Outcome:
    """What an exception that left the handler means."""
    if isinstance(error, Retry):
        return failed(error.code, str(error), details=error.details, retry_after_seconds=error.after_seconds)
    if isinstance(error, Reject):
        return failed(error.code, str(error), details=error.details, retryable=False, dead_letter=error.dead_letter)
    if isinstance(error, Release):
        return Outcome("release", {} if error.delay_seconds is None else {"delay_seconds": error.delay_seconds})
    lines = "".join(traceback.format_exception(error)).encode("utf-8", "replace")
    end = lines[-MAX_TRACEBACK_BYTES:].decode("utf-8", "ignore")
    return failed(code_of(error), str(error) or type(error).__name__, details={"traceback": end})


def code_of(error: BaseException) -> str:
    """The code of an exception: the name of its class in snake_case, without `_error` at its end."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", type(error).__name__).lower()
    return name.removesuffix("_error") or name
