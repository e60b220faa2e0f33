// What the engine's thread and those of its workers say to each other.

import type { Numbers } from "../json.js";
import type { LogFields } from "../logger.js";
import type { StopReason } from "./context.js";
import type { HandlerOutcome } from "./outcome.js";
import type { AttemptUsage } from "./report-buffer.js";

/** An event to work on. JSON is text, so that no number changes on its way. */
export interface ToWorker {
  kind: "run";
  event: string;
  payload: string;
  numbers: Numbers;
  deadline: number | undefined;
  eventToken: string | undefined;
  /** Holds the number of the reason to stop, zero as long as there is none: a thread that never waits can read it. */
  stop: Int32Array;
}

/** What a worker reports of its event, and how it ends. */
export type FromWorker =
  | { kind: "ended"; outcome: HandlerOutcome }
  | { kind: "progress"; percent: number | undefined; message: string | undefined }
  | { kind: "checkpoint"; text: string }
  | { kind: "log"; text: string }
  | { kind: "logUrl"; url: string }
  | { kind: "usage"; usage: AttemptUsage }
  | { kind: "logger"; level: "debug" | "info" | "warn" | "error"; text: string; fields: LogFields | undefined }
  | { kind: "broken"; why: string };

const REASONS: readonly (StopReason | undefined)[] = [undefined, "timed_out", "lock_lost", "cancelled", "shutting_down"];

/** A reason to stop as a number. */
export function stopNumber(reason: StopReason | undefined): number {
  return REASONS.indexOf(reason);
}

/** The reason that a number stands for. */
export function stopReasonOf(number: number): StopReason | undefined {
  return REASONS[number];
}
