"""How a call of the API becomes a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal, TypeAlias
from urllib.parse import quote, urlencode

from msgspec import UNSET

from ._json import encode

Repeat: TypeAlias = Literal["always", "if_not_applied", "if_keyed"]

#: Twice is the same as once: repeated after any passing failure.
ALWAYS: Final = "always"
#: Repeated only if the failed one certainly changed nothing.
IF_NOT_APPLIED: Final = "if_not_applied"
#: The first with an idempotency key of each event, or without a claim; the second otherwise.
IF_KEYED: Final = "if_keyed"

#: How much longer than what it waits for a call may take, in seconds.
WAIT_MARGIN = 10.0


@dataclass(frozen=True)
class Request:
    """What is sent."""

    method: str
    #: Path and query, from `/v1` on.
    path: str
    body: bytes | None
    session: str | None
    repeat_always: bool
    #: How long the server may wait before it answers, in seconds.
    wait: float
    content_type: str = "application/json"


@dataclass(frozen=True)
class Operation:
    """One call of the API: its method and path, and what is named how in them."""

    id: str
    method: str
    path: str
    query: tuple[tuple[str, str], ...]
    body: tuple[tuple[str, str], ...]
    has_body: bool
    has_session: bool
    repeat: Repeat

    def request(self, arguments: Mapping[str, Any]) -> Request:
        """The request that these arguments make."""
        path = self.path.format_map({name: quote(str(value), safe="") for name, value in arguments.items()})
        query = [(key, _in_query(arguments[name])) for name, key in self.query if arguments.get(name) is not None]
        if query:
            path = f"{path}?{urlencode(query)}"
        body = {key: arguments[name] for name, key in self.body if arguments.get(name, UNSET) is not UNSET}
        claim: Mapping[str, Any] = body.get("claim") or {}
        waits: Any = arguments.get("wait_seconds") or claim.get("wait_seconds")
        return Request(
            self.method,
            path,
            encode(body) if self.has_body else None,
            arguments.get("session"),
            self.repeat == ALWAYS or (self.repeat == IF_KEYED and self._is_keyed(body)),
            float(waits) if isinstance(waits, int | float) else 0.0,
        )

    def _is_keyed(self, body: Mapping[str, Any]) -> bool:
        if self.id == "exchange":
            return body.get("claim") is None
        return all(event.get("idempotency_key") is not None for event in body.get("events", [body]))


def _in_query(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value)
