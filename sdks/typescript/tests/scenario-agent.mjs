// An engine, or a client alone, that does what the scenarios say: see sdks/scenarios.
//
//   node scenario-agent.mjs '<options as JSON>'

import { createInterface } from "node:readline";
import { CallError, Client, Engine, parseJson, Superseded, Unreachable } from "enginehouse";
import { Gates, say, scripted } from "./scenario/script.mjs";

const options = JSON.parse(process.argv[2] ?? "{}");
const client = new Client({ numbers: "raw" });
const gates = new Gates();

const input = createInterface({ input: process.stdin });
input.on("line", (line) => {
  const { go, id, call, args } = parseJson(line);
  if (go !== undefined) gates.open(go);
  // Read as it is: numbers of a payload are passed on as they are.
  else void answer(id, call, line).catch((error) => say({ id, problem: { code: `agent: ${error?.message}` }, args }));
});

async function answer(id, call, line) {
  const method = call.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
  const args = exactArgs(line);
  try {
    let result;
    if (call === "enqueue") {
      const { event_type, payload, ...fields } = args;
      result = await client.enqueue(event_type, payload, fields);
    } else if (call === "enqueue_many") {
      result = await client.enqueueMany(args.events);
    } else {
      result = await client[method](args);
    }
    say({ id, answer: result ?? null });
  } catch (error) {
    if (!(error instanceof CallError)) throw error;
    const code = error instanceof Unreachable ? "unreachable" : (error.code ?? "unexpected");
    const { status = null, applied = null, retryAfterSeconds = null } = error;
    say({ id, problem: { code, status, applied, retry_after_seconds: retryAfterSeconds } });
  }
}

/** The fields of a call, with payloads, results and checkpoints as they are. */
function exactArgs(line) {
  const args = parseJson(line, "raw").get("args");
  const exact = (raw, value) => {
    if (raw === undefined || typeof value !== "object" || value === null || Array.isArray(value)) return value;
    const kept = (key) => ["payload", "result", "checkpoint"].includes(key);
    return Object.fromEntries(Object.keys(value).map((key) => [key, kept(key) ? raw.get(key) : value[key]]));
  };
  const value = args?.parse() ?? {};
  if (!Array.isArray(value.events)) return exact(args, value);
  return { ...value, events: value.events.map((event, at) => exact(args.get("events").get(at), event)) };
}

function engineOf() {
  const given = {
    engineId: options.engine_id,
    capabilities: options.capabilities,
    concurrency: options.concurrency,
    memoryLimitMb: options.memory_limit_mb,
    queues: options.queues,
    heartbeatIntervalSeconds: options.heartbeat_interval_seconds,
    takeover: options.takeover,
    grace: options.grace_seconds,
    stopWait: options.stop_wait_seconds,
    numbers: "raw",
  };
  const known = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined && value !== null));
  const engine = new Engine(options.engine_type ?? "agent", known);
  if (["thread", "process"].includes(options.executor)) {
    engine.on("work", { worker: new URL("./scenario/work.mjs", import.meta.url) });
  } else {
    engine.on("work", (payload, context) => scripted(payload, context, gates));
  }
  engine.on("busy", { worker: new URL("./scenario/busy.mjs", import.meta.url) });
  engine.on("order.created", { schema: order }, ({ qty }, { attempt, event: { event_id } }) => {
    say({ handler: "started", event_id, attempt });
    say({ handler: "ended", event_id });
    return { total: qty * 2 };
  });
  return engine;
}

/** `{ sku: string, qty: integer }`, as a library of schemas would have it. */
const order = {
  "~standard": {
    version: 1,
    vendor: "scenario-agent",
    validate(raw) {
      const value = raw.parse();
      const issues = [];
      if (typeof value?.sku !== "string") issues.push({ message: "must be a string", path: ["sku"] });
      if (!Number.isInteger(value?.qty)) issues.push({ message: "must be an integer", path: ["qty"] });
      return issues.length > 0 ? { issues } : { value };
    },
  },
};

if (options.engine === false) {
  input.on("close", () => process.exit(0));
} else {
  let error = null;
  let summary = { completed: 0, failed: 0, released: 0, lost: 0 };
  try {
    summary = await engineOf().run();
  } catch (thrown) {
    error = thrown instanceof Superseded ? "superseded" : (thrown.code ?? (thrown instanceof Unreachable ? "unreachable" : String(thrown.message)));
  }
  say({ engine: "ended", error, ...summary });
  process.exit(error === null ? 0 : 1);
}
