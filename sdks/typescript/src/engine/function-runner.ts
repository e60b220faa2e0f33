// Runs handlers that are functions, on the engine's own thread.

import type { ClaimedEvent, Context } from "./context.js";
import { type HandlerOutcome, outcomeOfError, outcomeOfValue } from "./outcome.js";
import type { HandlerRunner, Invocation } from "./settings.js";
import { checkedPayload, type StandardSchema } from "./standard-schema.js";

/** A handler: what it returns is the event's result, and what it throws says how the attempt failed. */
export type Handler<Payload = unknown> = (payload: Payload, context: Context) => unknown;

/** Goes around every invocation, such as to trace it. */
export type Around = (event: ClaimedEvent, invoke: () => Promise<HandlerOutcome>) => Promise<HandlerOutcome>;

export class FunctionRunner implements HandlerRunner {
  constructor(
    private readonly handler: Handler<never>,
    private readonly schema: StandardSchema | undefined,
    readonly timeout: number | undefined,
    private readonly around: Around,
  ) {}

  invoke(event: ClaimedEvent, context: Context): Invocation {
    const outcome = this.around(event, () => invokeHandler(this.handler, this.schema, event, context));
    // A function cannot be ended from outside: it goes on, and its result is dropped.
    return { outcome, abandon: () => undefined };
  }
}

/** Checks the payload and runs the handler. It never rejects. */
export async function invokeHandler(
  handler: Handler<never>,
  schema: StandardSchema | undefined,
  event: ClaimedEvent,
  context: Context,
): Promise<HandlerOutcome> {
  const checked = await checkedPayload(event, schema);
  if ("outcome" in checked) return checked.outcome;
  try {
    return outcomeOfValue(await handler(checked.payload as never, context));
  } catch (error) {
    return outcomeOfError(error);
  }
}
