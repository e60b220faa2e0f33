"""Traces, where OpenTelemetry's API is installed: whoever enqueues an event has a trace, and its handler runs in a span linked to it."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .models import ClaimedEvent


@cache
def is_installed() -> bool:
    """Whether OpenTelemetry's API is there; nothing of it is imported where it is not."""
    return find_spec("opentelemetry") is not None and find_spec("opentelemetry.trace") is not None


def current_traceparent() -> str | None:
    """The current span as a W3C `traceparent`; none if there is no trace."""
    if not is_installed():
        return None
    from opentelemetry import trace

    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return None
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{int(context.trace_flags):02x}"


def traced(event: Mapping[str, Any]) -> dict[str, Any]:
    """The request of an event with the current span, unless it names one itself."""
    traceparent = None if "traceparent" in event else current_traceparent()
    return {**event, "traceparent": traceparent} if traceparent else dict(event)


@contextmanager
def handler_span(event: ClaimedEvent, engine_id: str) -> Generator[Any, None, None]:
    """A span around a handler, linked to the span that enqueued the event. Each attempt has its own, all with the same link."""
    if not is_installed():
        yield None
        return
    from opentelemetry import trace
    from opentelemetry.trace import Link, SpanKind
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    links: list[Link] = []
    if event.traceparent is not None:
        carrier = TraceContextTextMapPropagator().extract({"traceparent": event.traceparent})
        context = trace.get_current_span(carrier).get_span_context()
        if context.is_valid:
            links.append(Link(context))
    attributes: dict[str, str | int] = {
        "messaging.system": "enginehouse",
        "messaging.operation.type": "process",
        "messaging.operation.name": "process",
        "messaging.destination.name": event.queue,
        "messaging.message.id": event.event_id,
        "messaging.client.id": engine_id,
        "enginehouse.event_type": event.event_type,
        "enginehouse.attempt": event.attempt,
    }
    tracer = trace.get_tracer("enginehouse")
    with tracer.start_as_current_span(
        f"process {event.event_type}", kind=SpanKind.CONSUMER, attributes=attributes, links=links
    ) as span:
        yield span
