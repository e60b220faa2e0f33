// An engine as its author sees it: what it can do, and a handler for each type of event.

import { randomBytes } from "node:crypto";
import { hostname } from "node:os";
import type { Schemas } from "./calls.js";
import { Client, type ClientOptions } from "./client.js";
import { systemClock } from "./clock.js";
import { type Duration, milliseconds } from "./duration.js";
import type { EngineSummary } from "./engine/held-locks.js";
import { type Around, FunctionRunner, type Handler } from "./engine/function-runner.js";
import { LoadMeter } from "./engine/load.js";
import { runLoop } from "./engine/loop.js";
import type { HandlerRunner, LoopSettings } from "./engine/settings.js";
import { onStopSignals } from "./engine/signals.js";
import type { StandardSchema } from "./engine/standard-schema.js";
import { traced, untraced } from "./tracing.js";
import { WorkerRunner } from "./engine/worker-runner.js";
import type { Numbers } from "./json.js";
import { consoleLogger, type Logger } from "./logger.js";

/** What an engine is, and how it works. What is left out has the default that is named. */
export interface EngineOptions extends ClientOptions {
  /** Names this process of the engine. ENGINEHOUSE_ENGINE_ID if absent; else made of the machine's name, the process and chance. */
  engineId?: string;
  /** What it can do: it is given no event that requires more. */
  capabilities?: readonly string[];
  /** How many events it works on at once: 1 to 1,000, 1 unless set. */
  concurrency?: number;
  /** How much memory its events may require together, in MiB. Without it, no event that requires memory is given to it. */
  memoryLimitMb?: number;
  /** Its version, for events that require a range of versions. */
  version?: string;
  /** Takes events of these queues only. */
  queues?: readonly string[];
  /** Whether events of its current scenario run come first: `"prefer"` unless set. */
  affinity?: Schemas["Affinity"];
  /** How often it heartbeats, in whole seconds; the server's default unless set. With 0, only the locks' timeouts bound it. */
  heartbeatIntervalSeconds?: number;
  /**
   * Whether it takes over the id of an engine that lives, instead of waiting until that is lost. The locks of that one end at once and
   * count for no loss: so an event that kills its engine each time is not found out as long as the engine comes back at once.
   */
  takeover?: boolean;
  /** How long its locks last without being renewed, in whole seconds, over every policy. */
  visibilityTimeoutSeconds?: number;
  /** How long it may finish what it holds once the shutdown begins: 30 seconds unless set. */
  grace?: Duration;
  /** How long a handler may take to return once it should stop: 10 seconds unless set. Then it is given up, and a worker is ended. */
  stopWait?: Duration;
  /** How long one claim waits on the server for events: 20 seconds unless set, at most 60. */
  claimWait?: Duration;
}

/** How the attempts of one handler are run. */
export interface HandlerOptions<Payload = unknown> {
  /**
   * How long an attempt may take. Then its context is stopped and the attempt has failed with the code `timed_out`, which is retried by
   * the event's policy. How often and after how long is a setting of the event type on the server: `client.setEventType`.
   */
  timeout?: Duration;
  /** What payloads have to fit, of any library that speaks Standard Schema: zod, valibot, arktype. One that does not fit is rejected. */
  schema?: StandardSchema<Payload>;
}

/** How a handler of a thread of its own is run. */
export interface WorkerOptions extends HandlerOptions {
  /** The module whose default export is the handler: `new URL("./render.js", import.meta.url)`. */
  worker: URL;
}

/** An engine's handlers are declared once, before it runs. */
export class HandlerError extends Error {
  override readonly name = "HandlerError";
}

/**
 * A worker that takes events off the server's queues.
 *
 * ```ts
 * const engine = new Engine("pricing", { capabilities: ["pricing.eu"], concurrency: 8 });
 *
 * engine.on<Order>("order.created", { timeout: "30s" }, async (order, context) => {
 *   const unit = await quote(order.sku, { signal: context.signal });
 *   return { total: unit * order.qty };
 * });
 *
 * await engine.run();
 * ```
 */
export class Engine {
  /** Groups engines that are the same program. */
  readonly engineType: string;
  /** Names this process of the engine. */
  readonly engineId: string;
  /** Calls the server that the engine works for. */
  readonly client: Client;
  private readonly handlers = new Map<string, HandlerRunner>();
  private readonly options: EngineOptions;
  private readonly logger: Logger;
  private around: Around = untraced;
  private isRunning = false;

  /** Connects when it runs. Throws what a `Client` throws, and a `RangeError` for a setting that is out of range. */
  constructor(engineType: string, options: EngineOptions = {}) {
    const { concurrency = 1 } = options;
    if (!Number.isInteger(concurrency) || concurrency < 1 || concurrency > 1_000) {
      throw new RangeError(`concurrency is a whole number from 1 to 1,000, not ${concurrency}`);
    }
    this.engineType = engineType;
    this.engineId = options.engineId ?? (process.env["ENGINEHOUSE_ENGINE_ID"] || ownName());
    this.options = options;
    this.logger = options.logger ?? consoleLogger();
    this.client = new Client(options);
  }

  /** Declares the handler of a type of events; `"*"` is every type that has none of its own. Throws a {@link HandlerError}. */
  on<Payload = unknown>(eventType: string, handler: Handler<Payload>): this;
  /** The same with options: a timeout, or a schema that payloads have to fit. */
  on<Payload = unknown>(eventType: string, options: HandlerOptions<Payload>, handler: Handler<Payload>): this;
  /** The same for a handler that computes: it runs in a thread of its own, and heartbeats go out meanwhile. */
  on(eventType: string, options: WorkerOptions): this;
  on(eventType: string, first: Handler<never> | HandlerOptions | WorkerOptions, second?: Handler<never>): this {
    if (this.isRunning) throw new HandlerError(`${eventType}: handlers are declared before the engine runs`);
    if (this.handlers.has(eventType)) throw new HandlerError(`${eventType} has a handler already`);
    const options: HandlerOptions & { worker?: URL } = typeof first === "function" ? {} : first;
    const handler = typeof first === "function" ? first : second;
    const around: Around = (event, invoke) => this.around(event, invoke);
    const timeout = options.timeout === undefined ? undefined : milliseconds(options.timeout, "timeout");
    if (options.worker !== undefined && handler === undefined) {
      const { numbers = "safe" } = this.options;
      this.handlers.set(eventType, new WorkerRunner(options.worker, options.schema, timeout, numbers, this.logger, around));
    } else if (typeof handler === "function") {
      this.handlers.set(eventType, new FunctionRunner(handler, options.schema, timeout, around));
    } else {
      throw new HandlerError(`${eventType} needs a handler: a function, or the module of a worker`);
    }
    return this;
  }

  /**
   * Works until the process is asked to end, the engine is drained to its end, or it cannot go on. The first SIGTERM or SIGINT begins the
   * shutdown: the engine claims no more, finishes what it holds within `grace`, releases the rest and deregisters. The second one ends
   * the grace, and a third one the process.
   *
   * Rejects with `Superseded` when another process has registered under its id, and with the error of a call when the server refuses
   * the registration or the claims.
   */
  async run(): Promise<EngineSummary> {
    const signals = onStopSignals(this.logger);
    try {
      return await this.runAsync(signals.stop, signals.hurry);
    } finally {
      signals.remove();
    }
  }

  /** The same without signal handlers: `stop` begins the shutdown, and `hurry` ends the grace. */
  async runAsync(stop: AbortSignal, hurry: AbortSignal = new AbortController().signal): Promise<EngineSummary> {
    if (this.handlers.size === 0) throw new HandlerError("the engine has no handler: declare one with engine.on");
    if (this.isRunning) throw new HandlerError("the engine runs already");
    this.isRunning = true;
    try {
      this.around = await traced();
      return await runLoop(this.client, this.loopSettings(), stop, hurry);
    } finally {
      this.isRunning = false;
      const workers = [...this.handlers.values()].filter((runner) => runner instanceof WorkerRunner);
      await Promise.all(workers.map((runner) => runner.close()));
      this.client.close();
    }
  }

  /** @internal The handler of a type of events. */
  runnerOf(eventType: string): HandlerRunner | undefined {
    return this.handlers.get(eventType) ?? this.handlers.get("*");
  }

  /** @internal What an attempt in memory needs to know. */
  attemptSettings(): { logger: Logger; numbers: Numbers; stopWait: number } {
    const { numbers = "safe", stopWait = 10 } = this.options;
    return { logger: this.logger, numbers, stopWait: milliseconds(stopWait, "stopWait") };
  }

  private loopSettings(): LoopSettings {
    const { options } = this;
    const load = new LoadMeter();
    const concurrency = options.concurrency ?? 1;
    const eventTypes = this.handlers.has("*") ? [] : [...this.handlers.keys()];
    return {
      engineId: this.engineId,
      concurrency,
      clock: systemClock,
      logger: this.logger,
      grace: milliseconds(options.grace ?? 30, "grace"),
      stopWait: milliseconds(options.stopWait ?? 10, "stopWait"),
      claimWait: Math.min(milliseconds(options.claimWait ?? 20, "claimWait"), 60_000),
      load: () => load.state(),
      worksOn: (event) => load.worksOn(event.scenario_run_id),
      runnerOf: (eventType) => this.runnerOf(eventType),
      registration: () => ({
        engine_type: this.engineType,
        takeover: options.takeover ?? false,
        ...(options.heartbeatIntervalSeconds === undefined ? {} : { heartbeat_interval_seconds: options.heartbeatIntervalSeconds }),
        metadata: {
          static_config: {
            capabilities: [...(options.capabilities ?? [])],
            resource_limits: {
              max_concurrent_events: concurrency,
              ...(options.memoryLimitMb === undefined ? {} : { memory_limit_mb: options.memoryLimitMb }),
            },
            ...(options.version === undefined ? {} : { engine_software_version: options.version }),
          },
          dynamic_state: load.state(),
        },
      }),
      claim: (limit, waitSeconds) => ({
        limit,
        wait_seconds: waitSeconds,
        event_types: eventTypes,
        queues: [...(options.queues ?? [])],
        ...(options.affinity === undefined ? {} : { affinity: options.affinity }),
        ...(options.visibilityTimeoutSeconds === undefined ? {} : { visibility_timeout_seconds: options.visibilityTimeoutSeconds }),
      }),
    };
  }
}

/** A name that no other process has, here or on another machine: of the machine, of the process, and a random number. */
function ownName(): string {
  const host = hostname().replace(/[^A-Za-z0-9._:-]/g, "-").replace(/^[^A-Za-z0-9]+/, "").slice(0, 100) || "engine";
  return `${host}-${process.pid}-${randomBytes(2).toString("hex")}`;
}
