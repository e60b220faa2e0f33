// Spans of handlers, where OpenTelemetry's API is installed.

import type { Around } from "./function-runner.js";
import { VERSION } from "../version.js";

/** Runs a handler as it is. */
export const untraced: Around = (_event, invoke) => invoke();

/**
 * Runs each handler in a span of its own, which is the parent of what it does. Without `@opentelemetry/api`, nothing is imported and
 * handlers run as they are; without an SDK behind the API, its spans are nobody's.
 */
export async function traced(): Promise<Around> {
  const api = await import("@opentelemetry/api").catch(() => undefined);
  if (!api) return untraced;
  const tracer = api.trace.getTracer("enginehouse", VERSION);
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
    return tracer.startActiveSpan(`process ${event.event_type}`, { kind: api.SpanKind.CONSUMER, attributes }, async (span) => {
      try {
        const outcome = await invoke();
        if (outcome.kind === "fail") {
          span.setAttribute("error.type", outcome.code ?? "_OTHER");
          span.setStatus({ code: api.SpanStatusCode.ERROR, message: outcome.message });
        }
        return outcome;
      } finally {
        span.end();
      }
    });
  };
}
