// Attempts of handlers in memory: no server, no queue, and a clock that the test sets.

import { type Clock, systemClock } from "../clock.js";
import type { Engine } from "../engine.js";
import { deadlineOf, outcomeAfterStop, runAttempt } from "../engine/attempt.js";
import { type ClaimedEvent, Context, type StopReason } from "../engine/context.js";
import type { HandlerOutcome } from "../engine/outcome.js";
import { ReportBuffer } from "../engine/report-buffer.js";
import { parseJson, RawJson, stringifyJson } from "../json.js";

/** What an attempt is of. */
export interface AttemptOptions {
  /** Fields of the event besides its type and payload: `labels`, `scenario_run_id`, `previous` and so on. */
  event?: Partial<Omit<ClaimedEvent, "event_type" | "payload" | "attempt">>;
  /** The number of the attempt: 1 unless set. */
  attempt?: number;
  /** What the attempt before has left as its checkpoint. */
  checkpoint?: unknown;
  /** What tells the time: that of the machine unless set. */
  clock?: Clock;
}

/** How an attempt has ended, and what it has reported. */
export interface AttemptResult {
  /** What becomes of the event. With `dropped`, the engine would say nothing, because it is not its event any more. */
  outcome: "completed" | "failed" | "released" | "dropped";
  /** What the handler has returned, as the server would keep it. */
  result: unknown;
  /** Why it failed. */
  error: { code: string | undefined; message: string; details: unknown } | undefined;
  /** Whether another attempt would be made, if the event's policy has one left. */
  retryable: boolean;
  /** How long that would wait, if the handler has said so. */
  retryAfterSeconds: number | undefined;
  /** Whether the handler asked for a dead letter. */
  deadLetter: boolean;
  /** How long nobody could claim the released event. */
  delaySeconds: number | undefined;
  /** The newest progress. */
  progress: { percent?: number | null; message?: string | null } | undefined;
  /** The newest checkpoint. */
  checkpoint: unknown;
  /** The lines of its log. */
  log: string[];
  /** What it says that it has used. */
  usage: Record<string, unknown> | undefined;
}

/** An attempt that runs. */
export interface RunningAttempt {
  /** What the handler is given. */
  readonly context: Context;
  /** How it ends. */
  readonly ended: Promise<AttemptResult>;
  /** Tells the handler to stop, as the engine would. */
  stop(reason: StopReason): void;
}

let attempts = 0;

/**
 * Begins an attempt of the engine's handler for an event, in memory. The payload goes through JSON, is checked and is read as if it came
 * from the server.
 *
 * ```ts
 * const clock = new TestClock();
 * const attempt = startAttempt(engine, "order.created", { sku: "A-1", qty: 2 }, { clock });
 * await clock.advance("30s");
 * assert.equal((await attempt.ended).error?.code, "timed_out");
 * ```
 */
export function startAttempt(engine: Engine, eventType: string, payload: unknown = {}, options: AttemptOptions = {}): RunningAttempt {
  const runner = engine.runnerOf(eventType);
  if (!runner) throw new Error(`the engine has no handler for ${eventType}`);
  const { clock = systemClock } = options;
  const { logger, numbers, stopWait } = engine.attemptSettings();
  const event = eventOf(engine, eventType, parseJson(stringifyJson(payload), numbers), options, clock);
  const reports = new ReportBuffer();
  const context = new Context({ event, reports, logger, deadline: deadlineOf(event, runner.timeout, clock), eventToken: undefined });
  const ended = runAttempt({ clock, logger, stopWait }, context, runner).then((outcome) => resultOf(context, outcome, reports));
  return { context, ended, stop: (reason) => context.stop(reason) };
}

/** Runs an attempt to its end: see {@link startAttempt}. */
export function runHandler(engine: Engine, eventType: string, payload: unknown = {}, options: AttemptOptions = {}): Promise<AttemptResult> {
  return startAttempt(engine, eventType, payload, options).ended;
}

function eventOf(engine: Engine, eventType: string, payload: unknown, options: AttemptOptions, clock: Clock): ClaimedEvent {
  attempts += 1;
  const now = new Date(clock.now()).toISOString();
  const expires = new Date(clock.now() + 300_000).toISOString();
  const { attempt = 1, checkpoint } = options;
  const previous = { checkpoint: checkpoint === undefined ? null : parseJson(stringifyJson(checkpoint)), error: null, engine_id: null };
  const event: ClaimedEvent = {
    event_id: `01900000-0000-7000-8000-${attempts.toString(16).padStart(12, "0")}`,
    event_type: eventType,
    payload,
    attempt,
    queue: "default",
    status: "processing",
    priority: 5,
    retries: attempt - 1,
    failures: attempt - 1,
    losses: 0,
    redrives: 0,
    available_at: now,
    enqueued_at: now,
    expires_at: null,
    finished_at: null,
    completed_at: null,
    result: null,
    last_error: null,
    dead_letter: null,
    cancel_requested: false,
    engine_id: engine.engineId,
    scenario_run_id: null,
    required_capabilities: [],
    required_memory_mb: null,
    engine_version: null,
    idempotency_key: null,
    idempotency_key_expires_at: null,
    retry_policy: null,
    visibility_timeout_seconds: null,
    max_processing_seconds: null,
    progress_timeout_seconds: null,
    labels: {},
    traceparent: null,
    lock: {
      holder: `processing_by_${engine.engineId}`,
      engine_id: engine.engineId,
      token: `1-${attempts.toString(16).padStart(32, "0")}`,
      claimed_at: now,
      expires_at: expires,
    },
    ...(attempt > 1 || checkpoint !== undefined ? { previous } : {}),
    ...options.event,
  };
  return event;
}

function resultOf(context: Context, given: HandlerOutcome, reports: ReportBuffer): AttemptResult {
  const outcome = outcomeAfterStop(context, given);
  const report = reports.last();
  const isDropped = context.stopReason === "lock_lost" || (context.stopReason === "timed_out" && !isTimeout(outcome));
  const failure = outcome.kind === "fail" ? outcome : undefined;
  const kinds = { complete: "completed", fail: "failed", release: "released" } as const;
  return {
    outcome: isDropped ? "dropped" : kinds[outcome.kind],
    result: outcome.kind === "complete" && outcome.result !== undefined ? parseJson(outcome.result) : undefined,
    error: failure && {
      code: failure.code,
      message: failure.message,
      details: failure.details === undefined ? undefined : parseJson(failure.details),
    },
    retryable: failure?.retryable ?? false,
    retryAfterSeconds: failure?.retryAfterSeconds,
    deadLetter: failure?.deadLetter ?? false,
    delaySeconds: outcome.kind === "release" ? outcome.delaySeconds : undefined,
    progress: report.progress ?? undefined,
    checkpoint: report.checkpoint instanceof RawJson ? report.checkpoint.parse() : undefined,
    log: (report.log ?? []).flatMap((text) => text.split("\n")),
    usage: report.usage ?? undefined,
  };
}

function isTimeout(outcome: HandlerOutcome): boolean {
  return outcome.kind === "fail" && outcome.code === "timed_out";
}
