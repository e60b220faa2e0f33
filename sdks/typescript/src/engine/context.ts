// What a handler is given beside its payload.

import type { Schemas } from "../calls.js";
import { stringifyJson } from "../json.js";
import type { Logger } from "../logger.js";
import { type AttemptUsage, MAX_CHECKPOINT_BYTES, type ReportSink } from "./report-buffer.js";

/** An event under this engine's lock, with what the attempts before have left in `previous`. */
export type ClaimedEvent = Schemas["ClaimedEvent"];

/**
 * Why a handler should stop:
 *
 * - `timed_out`: the attempt has taken longer than it may, by the handler's `timeout` or the event's `max_processing_seconds`. It has failed.
 * - `lock_lost`: another engine may have the event. The handler's result is dropped.
 * - `cancelled`: somebody has cancelled the event. A result still counts; anything else releases the event, which ends it.
 * - `shutting_down`: the engine shuts down. A result still counts; anything else releases the event.
 */
export type StopReason = "timed_out" | "lock_lost" | "cancelled" | "shutting_down";

/** Thrown by {@link Context.check}, and the reason of the {@link Context.signal}: a handler that lets it through has stopped in good order. */
export class Stopped extends Error {
  override readonly name = "Stopped";

  /** @internal */
  constructor(
    /** Why the handler should stop. */
    readonly reason: StopReason,
  ) {
    super(`the handler was stopped: ${reason}`);
  }
}

/** A checkpoint of more bytes than the server takes. */
export class CheckpointTooLarge extends Error {
  override readonly name = "CheckpointTooLarge";
}

/** @internal What a context is made of. */
export interface ContextParts {
  readonly event: ClaimedEvent;
  readonly deadline: Date | undefined;
  readonly eventToken: string | undefined;
  readonly logger: Logger;
  readonly reports: ReportSink;
  /** Where a thread that is busy finds the reason to stop, though no message reaches it. */
  readonly poll?: () => StopReason | undefined;
}

/**
 * Says what the attempt is, tells when to stop, and takes what the handler reports.
 *
 * Reports cost no call of their own. They go along with the next heartbeat, which is sent once an interval, and the last of them with
 * the settle: of usage, progress and checkpoint the newest counts, and of the log as much is kept as the server keeps.
 */
export class Context {
  /** The whole event. */
  readonly event: ClaimedEvent;
  /** When the attempt has taken too long, if it ever does. */
  readonly deadline: Date | undefined;
  /** Says what it is given to the engine's logger, with the event's id and type, and the attempt. */
  readonly logger: Logger;
  /**
   * A token for a program that works on this event: with it, that may report on this attempt and settle it, and nothing else, as long as
   * the lock lasts. Undefined from a server that knows of no sessions.
   */
  readonly eventToken: string | undefined;
  private readonly controller = new AbortController();
  private readonly parts: ContextParts;
  private reason: StopReason | undefined;

  /** @internal */
  constructor(parts: ContextParts) {
    this.parts = parts;
    this.event = parts.event;
    this.deadline = parts.deadline;
    this.logger = parts.logger;
    this.eventToken = parts.eventToken;
  }

  /** The number of the attempt: 1 for the first. */
  get attempt(): number {
    return this.event.attempt;
  }

  /** What the attempts before have left: the newest checkpoint, the last error and the last engine. Undefined in the first one. */
  get previous(): ClaimedEvent["previous"] | undefined {
    return this.event.previous ?? undefined;
  }

  /** Is aborted when the handler should stop: give it to `fetch` and to whatever else can be ended. Its reason is a {@link Stopped}. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Why the handler should stop; undefined as long as it should not. */
  get stopReason(): StopReason | undefined {
    const polled = this.reason === undefined ? this.parts.poll?.() : undefined;
    if (polled !== undefined) this.stop(polled);
    return this.reason;
  }

  /** Whether the handler should stop. In a worker, a loop that never waits may ask as often as it likes. */
  get stopped(): boolean {
    return this.stopReason !== undefined;
  }

  /** Whether the handler should stop because the event is cancelled. */
  get cancelled(): boolean {
    return this.stopReason === "cancelled";
  }

  /** Throws {@link Stopped} if the handler should stop. */
  check(): void {
    const reason = this.stopReason;
    if (reason !== undefined) throw new Stopped(reason);
  }

  /** Waits until the handler should stop, and answers why. */
  waitStopped(): Promise<StopReason> {
    return new Promise((resolve) => {
      const end = () => resolve(this.reason ?? "shutting_down");
      if (this.stopped) end();
      else this.signal.addEventListener("abort", end, { once: true });
    });
  }

  /**
   * Reports how far the attempt is: from 0 to 100 percent, in words, or both. With `progress_timeout_seconds`, an attempt that does not
   * for so long is stuck.
   */
  progress(percent: number | undefined, message?: string): void {
    this.parts.reports.progress(percent, message);
  }

  /** Keeps what another attempt needs to continue from here, any JSON of at most 16 KiB: it finds it in {@link Context.previous}. */
  checkpoint(value: unknown): void {
    const text = stringifyJson(value);
    const bytes = Buffer.byteLength(text);
    if (bytes > MAX_CHECKPOINT_BYTES) {
      throw new CheckpointTooLarge(`a checkpoint has at most ${MAX_CHECKPOINT_BYTES} bytes, was ${bytes}`);
    }
    this.parts.reports.checkpoint(text);
  }

  /** Appends to the log of the attempt, of which the last 64 KiB are kept. */
  log(text: string): void {
    this.parts.reports.log(text);
  }

  /** Says where the whole log is: a URL that begins with `http://` or `https://`. */
  logUrl(url: string): void {
    this.parts.reports.logUrl(url);
  }

  /** Reports what the attempt has used since it began. */
  usage(usage: AttemptUsage): void {
    this.parts.reports.usage(usage);
  }

  /** @internal Tells the handler to stop. The first reason stands. */
  stop(reason: StopReason): void {
    if (this.reason !== undefined) return;
    this.reason = reason;
    this.controller.abort(new Stopped(reason));
  }
}
