// Runs handlers that compute, each in a thread of its own: however long it does not wait, heartbeats go out.
//
// A thread works on one event at a time, and is kept for the next one. One that does not stop when it should is ended, which is more than
// can be done about a function of the engine's own thread.

import { Worker } from "node:worker_threads";
import { parseJson, stringifyJson } from "../json.js";
import type { Logger } from "../logger.js";
import type { ClaimedEvent, Context } from "./context.js";
import type { Around } from "./function-runner.js";
import { failed, type HandlerOutcome, messageOf } from "./outcome.js";
import type { AttemptUsage } from "./report-buffer.js";
import type { HandlerRunner, Invocation } from "./settings.js";
import { checkedPayload, type StandardSchema } from "./standard-schema.js";
import { type FromWorker, stopNumber, type ToWorker } from "./worker-messages.js";

export class WorkerRunner implements HandlerRunner {
  private readonly idle: WorkerThread[] = [];
  private readonly all = new Set<WorkerThread>();

  constructor(
    private readonly module: URL,
    private readonly schema: StandardSchema | undefined,
    readonly timeout: number | undefined,
    private readonly numbers: ToWorker["numbers"],
    private readonly logger: Logger,
    private readonly around: Around,
  ) {}

  invoke(event: ClaimedEvent, context: Context): Invocation {
    let thread: WorkerThread | undefined;
    let isAbandoned = false;
    const run = async (): Promise<HandlerOutcome> => {
      const checked = await checkedPayload(event, this.schema);
      if ("outcome" in checked) return checked.outcome;
      // A schema that waits may have taken longer than the attempt may.
      if (isAbandoned) return failed("worker_exited", "the attempt was given up before its handler began");
      const own = (thread = this.idleThread() ?? this.started());
      const outcome = await own.run(event, checked.payload, context, this.numbers);
      // From here on the thread may have another event.
      thread = undefined;
      if (own.isUsable) this.idle.push(own);
      return outcome;
    };
    const unusable = (error: unknown) => failed("worker_failed", `the worker could not be used: ${messageOf(error)}`);
    const outcome = this.around(event, () => run().catch(unusable));
    const abandon = () => {
      isAbandoned = true;
      return thread?.terminate();
    };
    return { outcome, abandon };
  }

  /** Ends all threads. */
  async close(): Promise<void> {
    await Promise.all([...this.all].map((thread) => thread.terminate()));
    this.all.clear();
    this.idle.length = 0;
  }

  /** A thread that has nothing to do. One may have ended meanwhile, by what a handler has left running. */
  private idleThread(): WorkerThread | undefined {
    for (;;) {
      const thread = this.idle.pop();
      if (thread === undefined || thread.isUsable) return thread;
    }
  }

  private started(): WorkerThread {
    const thread = new WorkerThread(this.module, this.logger, () => this.all.delete(thread));
    this.all.add(thread);
    return thread;
  }
}

/** One thread, and the event that it works on. */
class WorkerThread {
  isUsable = true;
  private readonly worker: Worker;
  private current: { context: Context; end: (outcome: HandlerOutcome) => void } | undefined;
  private lastError: string | undefined;

  constructor(module: URL, private readonly logger: Logger, ended: () => void) {
    this.worker = new Worker(new URL("./worker-entry.js", import.meta.url), { workerData: { module: module.href } });
    // Nobody waits for a thread that has nothing to do.
    this.worker.unref();
    this.worker.on("message", (message: FromWorker) => this.received(message));
    this.worker.on("error", (error) => (this.lastError = messageOf(error)));
    this.worker.on("exit", (code) => {
      this.isUsable = false;
      ended();
      const why = this.lastError ?? `it exited with ${code}`;
      if (!this.current && this.lastError !== undefined) this.logger.error("a worker that had nothing to do has ended", { why });
      this.current?.end(failed("worker_exited", `the worker ended before its handler did: ${why}`));
    });
  }

  async run(event: ClaimedEvent, payload: unknown, context: Context, numbers: ToWorker["numbers"]): Promise<HandlerOutcome> {
    const flag = new Int32Array(new SharedArrayBuffer(4));
    const stop = () => {
      Atomics.store(flag, 0, stopNumber(context.stopReason));
      this.worker.postMessage({ kind: "stop" } satisfies ToWorkerMessage);
    };
    const { payload: _, ...rest } = event;
    const message: ToWorker = {
      kind: "run",
      event: stringifyJson(rest),
      payload: stringifyJson(payload),
      numbers,
      deadline: context.deadline?.getTime(),
      eventToken: context.eventToken,
      stop: flag,
    };
    this.worker.ref();
    const ended = new Promise<HandlerOutcome>((end) => (this.current = { context, end }));
    this.worker.postMessage(message);
    if (context.stopped) stop();
    else context.signal.addEventListener("abort", stop, { once: true });
    const outcome = await ended;
    context.signal.removeEventListener("abort", stop);
    this.current = undefined;
    this.worker.unref();
    return outcome;
  }

  async terminate(): Promise<void> {
    this.isUsable = false;
    await this.worker.terminate();
  }

  private received(message: FromWorker): void {
    const { current } = this;
    if (!current) return;
    const { context } = current;
    switch (message.kind) {
      case "ended":
        current.end(message.outcome);
        break;
      case "progress":
        context.progress(message.percent, message.message);
        break;
      case "checkpoint":
        context.checkpoint(parseJson(message.text, "raw"));
        break;
      case "log":
        context.log(message.text);
        break;
      case "logUrl":
        context.logUrl(message.url);
        break;
      case "usage":
        context.usage(message.usage as AttemptUsage);
        break;
      case "logger":
        context.logger[message.level](message.text, message.fields);
        break;
      case "broken":
        this.logger.error("the module of a worker cannot be used", { why: message.why });
        current.end(failed("worker_failed", message.why));
        this.isUsable = false;
        break;
    }
  }
}

type ToWorkerMessage = ToWorker | { kind: "stop" };
