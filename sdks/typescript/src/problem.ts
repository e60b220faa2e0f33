// Why a call has no answer.

import type { components } from "./generated/schema.js";

/** A problem as the server writes it: `application/problem+json`. */
export type ProblemDocument = Omit<components["schemas"]["Problem"], "code"> & { code: string };

/** A bad field of a request: where it is, as a JSON pointer, and what is wrong with it. */
export type FieldError = components["schemas"]["FieldError"];

/** Whether a call that failed has changed anything: certainly not, or nobody knows. */
export type Applied = "no" | "unknown";

/** Any of the ways in which a call ends without its answer. */
export abstract class CallError extends Error {
  /** Whether the call has changed anything; absent where it goes without saying, as for a request that was refused. */
  abstract readonly applied: Applied | undefined;
  /** Whether the same call may well succeed later, with no change on either side. */
  abstract readonly isPassing: boolean;
  /** Whether the call may have changed something although it failed. */
  abstract readonly maybeApplied: boolean;
  /** How long the server asks to wait before a repeat. */
  readonly retryAfterSeconds: number | undefined = undefined;
  /** The code of the problem, if the server has named one. */
  readonly code: string | undefined = undefined;
}

/** The server's refusal. Each code has a class of its own, such as `LockLost`, for `instanceof`. */
export class Problem extends CallError {
  override readonly name: string = "Problem";
  /** What went wrong, as a stable word for programs. */
  override readonly code: string;
  /** The HTTP status. */
  readonly status: number;
  /** What went wrong, in a few words. */
  readonly title: string;
  /** What went wrong this time, in a sentence. */
  readonly detail: string;
  /** Every bad field of the request. */
  readonly errors: readonly FieldError[];
  override readonly applied: Applied | undefined;
  override readonly retryAfterSeconds: number | undefined;
  /** The event that is concerned. */
  readonly eventId: string | undefined;
  /** Where that event is in its life. */
  readonly eventStatus: string | undefined;
  /** The permission that the token does not have. */
  readonly missing: string | undefined;
  /** What the permission would have to be on. */
  readonly on: string | undefined;
  /** What the token has its share of. */
  readonly quota: string | undefined;
  /** Names the request in the server's log. */
  readonly requestId: string | undefined;

  /** Takes the document apart. */
  constructor(document: ProblemDocument) {
    // A document with one bad field says it in its detail.
    const fields = (document.errors ?? []).filter((error) => !document.detail.includes(error.detail));
    const texts = fields.slice(0, 5).map((error) => ` (${error.pointer}: ${error.detail})`);
    super(`${document.code}: ${document.detail}${texts.join("")}`);
    this.code = document.code;
    this.status = document.status;
    this.title = document.title;
    this.detail = document.detail;
    this.errors = document.errors ?? [];
    // Whatever else a newer server may say, a caller is on the safe side with "unknown".
    const applied: unknown = document.applied;
    this.applied = applied === undefined ? undefined : applied === false ? "no" : "unknown";
    this.retryAfterSeconds = document.retry_after_seconds;
    this.eventId = document.event_id;
    this.eventStatus = document.event_status;
    this.missing = document.missing;
    this.on = document.on;
    this.quota = document.quota;
    this.requestId = document.request_id;
  }

  override get isPassing(): boolean {
    return [408, 429, 503].includes(this.status);
  }

  override get maybeApplied(): boolean {
    return this.applied === undefined ? this.status >= 500 : this.applied === "unknown";
  }
}

/** No answer came from the server. */
export class Unreachable extends CallError {
  override readonly name = "Unreachable";
  override readonly isPassing = true;

  /** @internal */
  constructor(
    /** The server's address. */
    readonly url: string,
    /** Why, in a few words. */
    readonly reason: string,
    override readonly applied: Applied,
    /** Whether it took too long. */
    readonly timedOut: boolean,
  ) {
    super(`no answer from ${url}: ${reason}`);
  }

  override get maybeApplied(): boolean {
    return this.applied === "unknown";
  }
}

/** Something answered, but not as an Enginehouse server does: a proxy, or another program. */
export class UnexpectedAnswer extends CallError {
  override readonly name = "UnexpectedAnswer";

  /** @internal */
  constructor(
    /** The HTTP status. */
    readonly status: number,
    /** What was unexpected. */
    readonly reason: string,
  ) {
    super(`unexpected answer with status ${status}: ${reason}`);
  }

  override get applied(): Applied {
    return this.maybeApplied ? "unknown" : "no";
  }

  /** A proxy that stands in for a server which is away. */
  override get isPassing(): boolean {
    return this.status === 429 || (this.status >= 502 && this.status <= 504);
  }

  override get maybeApplied(): boolean {
    return this.status >= 500 || this.status < 300;
  }
}
