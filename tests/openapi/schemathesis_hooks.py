"""What a schema does not say: values of our own formats, and which fields do not go together."""

from datetime import datetime
from typing import Any

import schemathesis
from hypothesis import strategies as st

VERSION = st.tuples(*[st.integers(0, 99)] * 3).map(lambda numbers: ".".join(map(str, numbers)))
schemathesis.openapi.format("semver-range", st.tuples(st.sampled_from(["", ">=", "<", "^", "~"]), VERSION).map("".join))
# Moments before 1970 are none.
MOMENT = st.datetimes(min_value=datetime(1970, 1, 2)).map(lambda at: at.strftime("%Y-%m-%dT%H:%M:%SZ"))
schemathesis.openapi.format("date-time", MOMENT)

schemathesis.openapi.format("label", st.sampled_from(["film=42", "owner=a", "a=b"]))
schemathesis.openapi.format("filter", st.sampled_from(["", "type:film.*", "-type:a,b age:>5m", '"019b"']))

# Calls that may move an event that is there to another time.
MOVES = ("change_event", "redrive_event", "redrive_dead_letter")

# Calls that want a filter, or the word that all are meant.
BULK = ("redrive_dead_letters", "discard_dead_letters", "cancel_events", "retry_events")


@schemathesis.serializer("application/x-ndjson")
def lines(ctx: Any, value: Any) -> bytes:
    """Schemathesis knows no lines. Whatever it makes is a text."""
    return value if isinstance(value, bytes) else str(value).encode()


@schemathesis.hook
def before_call(ctx: Any, case: Any, kwargs: Any) -> None:
    body = case.body
    # Nor does a caller who waits for the end of an event, or of a log.
    if waits(case.query.get("wait_seconds")):
        case.query["wait_seconds"] = 0.01
    if case.query.get("follow") in (True, "true"):
        case.query["follow"] = "false"
    if isinstance(body, dict):
        for claim in (body, body.get("claim")):
            # A claim that waits for a minute tells no more than one that does not wait.
            if isinstance(claim, dict) and waits(claim.get("wait_seconds")):
                claim["wait_seconds"] = 0.01
    if not case.meta or not case.meta.generation.mode.is_positive:
        return
    # Nobody can make a cursor: it is what a list has answered.
    case.query.pop("cursor", None)
    # The field of the same meaning is there beside it, and a header can hold less than a text of JSON.
    case.headers.pop("Idempotency-Key", None)
    # Nor a session: it is what the registration of an engine has answered.
    case.headers.pop("Enginehouse-Session", None)
    if case.operation.definition.raw.get("operationId") == "get_minutes":
        # It has to be before the other end, which is now if it is absent; and steps are whole minutes.
        case.query.pop("from", None)
        case.query.pop("step_seconds", None)
    if isinstance(body, dict):
        for part in (body, *(body.get("events") or [])):
            together(part)
        body.pop("cursor", None)
        # The moment until which an engine is in quarantine has to be in the future.
        body.pop("until", None)
        # Only an operator may be given it.
        if body.get("role") != "operator":
            body.pop("read_payloads", None)
        # That a network has no bits of a host is nothing that a pattern can say.
        if "allowed_addresses" in body:
            body["allowed_addresses"] = ["10.0.0.0/8", "2001:db8::1"]
        if case.operation.definition.raw.get("operationId") in MOVES:
            # It must not be after the end of the event, which an earlier call may have set.
            body.pop("run_at", None)
            body.pop("delay_seconds", None)
        if case.operation.definition.raw.get("operationId") in BULK:
            matches = body.get("filter", {})
            # What has ended is neither cancelled nor retried.
            matches.pop("status", None)
            body["all"] = not any(value is not None for value in matches.values())
        if case.operation.definition.raw.get("operationId") in ("create_operation", "preview_operation"):
            # Which fields an action has depends on the action, and so do the terms that it is found by.
            if body.get("action") != "cancel_events":
                body.pop("force", None)
            if body.get("action") != "drain_engines":
                body.pop("stop_when_drained", None)
            body.pop("until", None)
            if body.get("action") != "quarantine_engines":
                body.pop("event_types", None)
            body.pop("filter", None)
            body["all"] = True


def waits(seconds: Any) -> bool:
    """Whether it is a wait that the server takes."""
    try:
        return 0 < float(seconds) <= 60
    except (TypeError, ValueError):
        return False


def together(event: dict[str, Any]) -> None:
    """Leaves out what an event cannot have beside what it has."""
    if event.get("run_at") is not None:
        event.pop("delay_seconds", None)
    if event.get("idempotency_key") is None:
        event.pop("idempotency_window_seconds", None)
    delay = (event.get("retry_policy") or {}).get("retry_delay") or {}
    if delay.get("max") is not None:
        delay["initial"] = 0
