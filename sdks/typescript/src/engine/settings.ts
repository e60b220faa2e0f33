// What an engine is and how it works, set before it runs.

import type { Schemas } from "../calls.js";
import type { Clock } from "../clock.js";
import type { Logger } from "../logger.js";
import type { ClaimedEvent, Context } from "./context.js";
import type { HandlerOutcome } from "./outcome.js";

/** Runs the handler of an event. It never rejects: whatever the handler throws is an outcome. */
export interface Invocation {
  /** Ends with the handler. */
  readonly outcome: Promise<HandlerOutcome>;
  /** Gives the handler up: what can be ended is ended. */
  abandon(): void;
}

/** How a handler is run, and how long an attempt of it may take by its own `timeout`. */
export interface HandlerRunner {
  readonly timeout: number | undefined;
  invoke(event: ClaimedEvent, context: Context): Invocation;
}

/** The settings of an engine's loop: times in milliseconds. */
export interface LoopSettings {
  readonly engineId: string;
  readonly concurrency: number;
  readonly claimWait: number;
  readonly grace: number;
  readonly stopWait: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Measures the engine's load, for each heartbeat. */
  readonly load: () => Schemas["DynamicState"];
  readonly registration: () => Schemas["RegisterRequest"];
  /** A claim of up to `limit` events. */
  readonly claim: (limit: number, waitSeconds: number) => Schemas["ClaimPart"];
  readonly runnerOf: (eventType: string) => HandlerRunner | undefined;
  /** An event is begun. */
  readonly worksOn: (event: ClaimedEvent) => void;
}
