// Spans of handlers, and where in a trace an event was enqueued, where OpenTelemetry's API is installed.

import type { Link } from "@opentelemetry/api";
import type { Around } from "./engine/function-runner.js";
import { VERSION } from "./version.js";

type Api = typeof import("@opentelemetry/api");

let loading: Promise<Api | undefined> | undefined;

/** OpenTelemetry's API, if it is installed: it is looked for once. */
function api(): Promise<Api | undefined> {
  loading ??= import("@opentelemetry/api").catch(() => undefined);
  return loading;
}

/** Runs a handler as it is. */
export const untraced: Around = (_event, invoke) => invoke();

/** The fields of an event with the current span as its `traceparent` (W3C Trace Context), unless they name one themselves. */
export async function withTraceparent<E extends { traceparent?: string | null }>(event: E): Promise<E> {
  const installed = event.traceparent === undefined ? await api() : undefined;
  const span = installed?.trace.getActiveSpan()?.spanContext();
  if (!installed || !span || !installed.isSpanContextValid(span)) return event;
  return { ...event, traceparent: `00-${span.traceId}-${span.spanId}-${span.traceFlags.toString(16).padStart(2, "0")}` };
}

/**
 * Runs each handler in a span of its own, which is the parent of what it does. It is linked to the span that enqueued the event: each
 * attempt is, a retry as well as the first. Without `@opentelemetry/api`, nothing is imported and handlers run as they are; without an
 * SDK behind the API, its spans are nobody's.
 */
export async function traced(): Promise<Around> {
  const installed = await api();
  if (!installed) return untraced;
  const { SpanKind, SpanStatusCode, trace } = installed;
  const tracer = trace.getTracer("enginehouse", VERSION);
  return (event, invoke) => {
    const attributes = {
      "messaging.system": "enginehouse",
      "messaging.operation.name": "process",
      "messaging.operation.type": "process",
      "messaging.destination.name": event.queue,
      "messaging.message.id": event.event_id,
      "enginehouse.event_type": event.event_type,
      "enginehouse.attempt": event.attempt,
    };
    const options = { kind: SpanKind.CONSUMER, attributes, links: linksOf(event.traceparent) };
    return tracer.startActiveSpan(`process ${event.event_type}`, options, async (span) => {
      try {
        const outcome = await invoke();
        if (outcome.kind === "fail") {
          span.setAttribute("error.type", outcome.code ?? "_OTHER");
          span.setStatus({ code: SpanStatusCode.ERROR, message: outcome.message });
        }
        return outcome;
      } finally {
        span.end();
      }
    });
  };
}

/** A link to the span that a `traceparent` names. A server has checked it. */
function linksOf(traceparent: string | null): Link[] {
  const [, traceId, spanId, flags] = traceparent?.split("-") ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return [];
  return [{ context: { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true } }];
}
