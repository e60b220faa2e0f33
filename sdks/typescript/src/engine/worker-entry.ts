// The program of a worker's thread: it loads the module of a handler, and runs it for one event after the other.

import { parentPort, workerData } from "node:worker_threads";
import { parseJson } from "../json.js";
import type { LogFields, Logger } from "../logger.js";
import { type ClaimedEvent, Context } from "./context.js";
import { type Handler, invokeHandler } from "./function-runner.js";
import { messageOf } from "./outcome.js";
import type { ReportSink } from "./report-buffer.js";
import { type FromWorker, stopReasonOf, type ToWorker } from "./worker-messages.js";

const port = parentPort;
if (!port) throw new Error("this module is the program of a worker's thread");
const send = (message: FromWorker) => port.postMessage(message);

const reports: ReportSink = {
  progress: (percent, message) => send({ kind: "progress", percent, message }),
  checkpoint: (text) => send({ kind: "checkpoint", text }),
  log: (text) => send({ kind: "log", text }),
  logUrl: (url) => send({ kind: "logUrl", url }),
  usage: (usage) => send({ kind: "usage", usage }),
};

const say = (level: keyof Logger) => (text: string, fields?: LogFields) => send({ kind: "logger", level, text, fields });
const logger: Logger = { debug: say("debug"), info: say("info"), warn: say("warn"), error: say("error") };

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
  const context = new Context({
    event,
    deadline: message.deadline === undefined ? undefined : new Date(message.deadline),
    eventToken: message.eventToken,
    logger,
    reports,
    poll: () => stopReasonOf(Atomics.load(message.stop, 0)),
  });
  current = context;
  send({ kind: "ended", outcome: await invokeHandler(handler, undefined, event, context) });
  current = undefined;
}
