// How a handler ends: by its value, or by what it throws.

import type { Schemas } from "../calls.js";
import { type Duration, seconds } from "../duration.js";
import { JsonError, RawJson, stringifyJson } from "../json.js";

/** An attempt's end, as the server takes it. */
export type Settlement = Schemas["Settlement"];
/** What is reported of an attempt. */
export type AttemptReport = Pick<Settlement, "usage" | "progress" | "checkpoint" | "log" | "log_url">;

/** Most bytes of a result. */
const MAX_RESULT_BYTES = 256 * 1024;
/** Most characters of a stack that go along with a failure. */
const MAX_STACK = 4 * 1024;
const MAX_CODE = 100;

/** How a failure says more than its message. */
export interface FailureOptions {
  /** A stable word for programs, such as `"rate_limited"`: failures are grouped by it. */
  code?: string;
  /** Anything more, as JSON of at most 16 KiB. Never a secret: whoever may read the event reads it. */
  details?: unknown;
  /** What it comes from: its message and its class name are used where none are given. */
  cause?: unknown;
}

/**
 * Thrown by a handler: the attempt failed, and another one may help. By how long it waits, and how many there are, is a setting of the
 * event type on the server, unless `after` says how long.
 *
 * ```ts
 * throw new Retry({ after: "30s", cause: error });
 * ```
 */
export class Retry extends Error {
  override readonly name = "Retry";
  /** How long to wait before the next attempt, in seconds. */
  readonly afterSeconds: number | undefined;
  /** A stable word for programs. */
  readonly code: string | undefined;
  /** Anything more, as JSON. */
  readonly details: unknown;

  /** Takes a message, options, or both. */
  constructor(message?: string | (FailureOptions & { after?: Duration }), options: FailureOptions & { after?: Duration } = {}) {
    const given = typeof message === "object" ? message : options;
    super(typeof message === "string" ? message : causeMessage(given.cause, "the handler asked for another attempt"), given);
    this.afterSeconds = given.after === undefined ? undefined : seconds(given.after, "after");
    this.code = given.code ?? (given.cause === undefined ? undefined : codeOf(given.cause));
    this.details = given.details;
  }
}

/** Thrown by a handler: the attempt failed, and no other one would do better. The event is a dead letter unless `deadLetter` is false. */
export class Reject extends Error {
  override readonly name = "Reject";
  /** A stable word for programs. */
  readonly code: string | undefined;
  /** Anything more, as JSON. */
  readonly details: unknown;
  /** Whether a person should look at the event. */
  readonly deadLetter: boolean;

  /** Says why. */
  constructor(message: string, options: FailureOptions & { deadLetter?: boolean } = {}) {
    super(message, options);
    this.code = options.code ?? (options.cause === undefined ? undefined : codeOf(options.cause));
    this.details = options.details;
    this.deadLetter = options.deadLetter ?? true;
  }
}

/** Thrown by a handler: the event goes back to its place in the queue, and the attempt is not counted. */
export class Release extends Error {
  override readonly name = "Release";
  /** How long nobody may claim it, in seconds. */
  readonly delaySeconds: number | undefined;

  /** With a delay if one is given. */
  constructor(options: { delay?: Duration } = {}) {
    super("the handler released the event");
    this.delaySeconds = options.delay === undefined ? undefined : seconds(options.delay, "delay");
  }
}

/** How a handler has ended, as plain data that threads can pass on. JSON is text. */
export type HandlerOutcome =
  | { kind: "complete"; result: string | undefined }
  | {
      kind: "fail";
      code: string | undefined;
      message: string;
      details: string | undefined;
      retryable: boolean;
      retryAfterSeconds: number | undefined;
      deadLetter: boolean;
    }
  | { kind: "release"; delaySeconds: number | undefined };

/** A failure that may be retried. */
export function failed(code: string | undefined, message: string): HandlerOutcome & { kind: "fail" } {
  return { kind: "fail", code, message, details: undefined, retryable: true, retryAfterSeconds: undefined, deadLetter: false };
}

/** A failure of which another attempt would be the same. */
export function rejected(code: string, message: string): HandlerOutcome {
  return { ...failed(code, message), retryable: false, deadLetter: true };
}

/** The outcome of a handler that has returned. */
export function outcomeOfValue(value: unknown): HandlerOutcome {
  if (value === undefined) return { kind: "complete", result: undefined };
  let result: string;
  try {
    result = stringifyJson(value);
  } catch (error) {
    // What a value's own toJSON throws, too.
    return rejected("invalid_result", `the result is no JSON: ${messageOf(error)}`);
  }
  const bytes = Buffer.byteLength(result);
  if (bytes > MAX_RESULT_BYTES) {
    return rejected("invalid_result", `the result has ${bytes} bytes, at most ${MAX_RESULT_BYTES} are kept: store it and return where it is`);
  }
  return { kind: "complete", result };
}

/** The outcome of a handler that has thrown. */
export function outcomeOfError(error: unknown): HandlerOutcome {
  if (error instanceof Release) return { kind: "release", delaySeconds: error.delaySeconds };
  if (error instanceof Retry) {
    const { code, details, afterSeconds } = error;
    return { ...failed(code, error.message), details: detailsText(details), retryAfterSeconds: afterSeconds };
  }
  if (error instanceof Reject) {
    const failure = failed(error.code, error.message);
    return { ...failure, details: detailsText(error.details), retryable: false, deadLetter: error.deadLetter };
  }
  const stack = error instanceof Error ? error.stack : undefined;
  return { ...failed(codeOf(error), messageOf(error)), details: stack === undefined ? undefined : JSON.stringify({ stack: endOf(stack) }) };
}

/**
 * The code of a failure that names none: the class of what was thrown in snake case, without a trailing `_error`. `TimeoutError` is
 * `timeout`, `PaymentDeclined` is `payment_declined`, and a plain `Error`, or what is no error at all, is `error`.
 */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "error";
  // A class that sets no name has that of Error; its constructor knows better.
  const name = error.name === "Error" ? error.constructor.name : error.name;
  const words = String(name).replace(/([a-z0-9])([A-Z])/g, "$1_$2").replace(/([A-Z])([A-Z][a-z])/g, "$1_$2");
  const code = words.toLowerCase().replace(/[^a-z0-9_]+/g, "_").slice(0, MAX_CODE);
  return code.replace(/(?<=.)_error$/, "") || "error";
}

/** How an outcome is settled. */
export function settlementOf(lock: { event_id: string; lock_token: string }, outcome: HandlerOutcome, report: AttemptReport): Settlement {
  const base = { ...report, ...lock };
  switch (outcome.kind) {
    case "complete": {
      const { result } = outcome;
      return { ...base, outcome: "complete", ...(result === undefined ? {} : { result: RawJson.trusted(result) }) };
    }
    case "release": {
      const { delaySeconds } = outcome;
      return { ...base, outcome: "release", ...(delaySeconds === undefined ? {} : { delay_seconds: delaySeconds }) };
    }
    case "fail": {
      const { code, message, details, retryable, retryAfterSeconds, deadLetter } = outcome;
      return {
        ...base,
        outcome: "fail",
        error: { message, ...(code === undefined ? {} : { code }), ...(details === undefined ? {} : { details: RawJson.trusted(details) }) },
        retryable,
        dead_letter: deadLetter,
        ...(retryAfterSeconds === undefined ? {} : { retry_after_seconds: retryAfterSeconds }),
      };
    }
  }
}

/** What is said of something that was thrown, which may be anything. */
export function messageOf(error: unknown): string {
  if (error instanceof Error) return error.message || error.name;
  try {
    return String(error);
  } catch {
    return "something was thrown that has no text";
  }
}

function causeMessage(cause: unknown, otherwise: string): string {
  return cause === undefined ? otherwise : messageOf(cause);
}

/** What says more may not be JSON; the failure itself counts all the same. */
function detailsText(details: unknown): string | undefined {
  if (details === undefined) return undefined;
  try {
    return stringifyJson(details);
  } catch (error) {
    return JSON.stringify({ left_out: error instanceof JsonError ? error.message : "the details are no JSON" });
  }
}

function endOf(stack: string): string {
  return stack.length <= MAX_STACK ? stack : `…${stack.slice(1 - MAX_STACK)}`;
}
