// One attempt of a handler: it is run until it returns, or has not stopped for too long after it should have.

import { type Clock, pause } from "../clock.js";
import type { Logger } from "../logger.js";
import type { ClaimedEvent, Context } from "./context.js";
import { timeLimit } from "./held-locks.js";
import { failed, type HandlerOutcome } from "./outcome.js";
import type { HandlerRunner } from "./settings.js";

/** Runs a handler. By its own `timeout` it is stopped, and the attempt has failed whatever it returns then. */
export async function runAttempt(
  settings: { readonly clock: Clock; readonly logger: Logger; readonly stopWait: number },
  context: Context,
  runner: HandlerRunner,
): Promise<HandlerOutcome> {
  const { clock, logger, stopWait } = settings;
  const { timeout } = runner;
  let ranOver = false;
  const end = () => {
    ranOver = !context.stopped;
    context.stop("timed_out");
  };
  const noTimeout = timeout === undefined ? undefined : clock.after(timeout, end);
  const ended = new AbortController();
  const invocation = runner.invoke(context.event, context);
  const ignored = context.waitStopped().then(async (): Promise<HandlerOutcome> => {
    await pause(clock, stopWait, ended.signal);
    if (!ended.signal.aborted) {
      logger.warn("gave up a handler that did not stop", { event_id: context.event.event_id, reason: context.stopReason });
      invocation.abandon();
    }
    return { kind: "release", delaySeconds: undefined };
  });
  const outcome = await Promise.race([invocation.outcome, ignored]);
  ended.abort();
  noTimeout?.();
  return ranOver ? failed("timed_out", `the handler took longer than ${(timeout ?? 0) / 1_000} s`) : outcome;
}

/** What becomes of an outcome, given why the handler was stopped: what fails because it was stopped says nothing about the event. */
export function outcomeAfterStop(context: Context, outcome: HandlerOutcome): HandlerOutcome {
  const isAsked = context.stopReason === "cancelled" || context.stopReason === "shutting_down";
  return isAsked && outcome.kind !== "complete" ? { kind: "release", delaySeconds: undefined } : outcome;
}

/** When the attempt has taken too long, by the server's limit or the handler's. */
export function deadlineOf(event: ClaimedEvent, timeout: number | undefined, clock: Clock): Date | undefined {
  const limits = [timeLimit(event), timeout].filter((limit) => limit !== undefined);
  return limits.length === 0 ? undefined : new Date(clock.now() + Math.min(...limits));
}
