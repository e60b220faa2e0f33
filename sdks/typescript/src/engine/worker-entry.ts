// The program of a worker's thread: it loads the module of a handler, and runs it for one event after the other.

import { parentPort, workerData } from "node:worker_threads";
import { parseJson } from "../json.js";
import type { LogFields, Logger } from "../logger.js";
import { type ClaimedEvent, Context } from "./context.js";
import { type Handler, invokeHandler } from "./function-runner.js";
import { type HandlerOutcome, messageOf } from "./outcome.js";
import type { ReportSink } from "./report-buffer.js";
import { type FromWorker, stopReasonOf, type ToWorker } from "./worker-messages.js";

const port = parentPort;
if (!port) throw new Error("this module is the program of a worker's thread");
const send = (message: FromWorker) => port.postMessage(message);

/** Where what concerns one event goes. After its end that is nowhere: what a handler has left running would be taken for the next event's. */
class EventPort {
  private hasEnded = false;
  readonly reports: ReportSink = {
    progress: (percent, message) => this.send({ kind: "progress", percent, message }),
    checkpoint: (text) => this.send({ kind: "checkpoint", text }),
    log: (text) => this.send({ kind: "log", text }),
    logUrl: (url) => this.send({ kind: "logUrl", url }),
    usage: (usage) => this.send({ kind: "usage", usage }),
  };
  readonly logger: Logger = { debug: this.logs("debug"), info: this.logs("info"), warn: this.logs("warn"), error: this.logs("error") };

  end(outcome: HandlerOutcome): void {
    this.send({ kind: "ended", outcome });
    this.hasEnded = true;
  }

  private send(message: FromWorker): void {
    if (!this.hasEnded) send(message);
  }

  private logs(level: keyof Logger) {
    return (text: string, fields?: LogFields) => this.send({ kind: "logger", level, text, fields });
  }
}

let current: Context | undefined;

port.on("message", (message: ToWorker | { kind: "stop" }) => {
  // Reading the reason stops the context.
  if (message.kind === "stop") void current?.stopReason;
  else void run(message);
});

async function run(message: ToWorker): Promise<void> {
  const { module } = workerData as { module: string };
  let handler: Handler<never>;
  try {
    const loaded = (await import(module)) as { default?: unknown };
    if (typeof loaded.default !== "function") throw new Error("its default export is no function");
    handler = loaded.default as Handler<never>;
  } catch (error) {
    send({ kind: "broken", why: `${module}: ${messageOf(error)}` });
    return;
  }
  const event = { ...(parseJson(message.event) as object), payload: parseJson(message.payload, message.numbers) } as ClaimedEvent;
  const own = new EventPort();
  const context = new Context({
    event,
    deadline: message.deadline === undefined ? undefined : new Date(message.deadline),
    eventToken: message.eventToken,
    logger: own.logger,
    reports: own.reports,
    poll: () => stopReasonOf(Atomics.load(message.stop, 0)),
  });
  current = context;
  own.end(await invokeHandler(handler, undefined, event, context));
  if (current === context) current = undefined;
}
