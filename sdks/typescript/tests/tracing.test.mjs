import assert from "node:assert/strict";
import { test } from "node:test";
import { trace } from "@opentelemetry/api";
import { Client, consoleLogger, Engine, Reject } from "enginehouse";
import { TestServer } from "enginehouse/testing";

test("each attempt has a span of its own, in workers too", async (t) => {
  const spans = [];
  const startActiveSpan = (name, options, run) => {
    const span = { name, ...options };
    return run({
      setAttribute: (key, value) => (span.attributes[key] = value),
      setStatus: (status) => (span.status = status),
      end: () => spans.push(span),
    });
  };
  trace.setGlobalTracerProvider({ getTracer: () => ({ startActiveSpan }) });
  t.after(() => trace.disable());
  const server = await TestServer.start();
  t.after(() => server.stop());
  const engine = new Engine("test", { url: server.url, logger: consoleLogger("silent") });
  engine.on("traced", () => {
    throw new Reject("no", { code: "refused" });
  });
  engine.on("task", { worker: new URL("./workers/task.mjs", import.meta.url) });
  const stop = new AbortController();
  const ended = engine.runAsync(stop.signal);
  const client = new Client({ url: server.url });
  const event = await client.enqueueAndWait("traced", {}, "20s");
  await client.enqueueAndWait("task", {}, "20s");
  stop.abort();
  await ended;
  assert.deepEqual(spans.map(({ name }) => name), ["process traced", "process task"]);
  const [{ kind, status, attributes }] = spans;
  assert.deepEqual([kind, status], [4, { code: 2, message: "no" }]);
  assert.deepEqual(attributes, {
    "messaging.system": "enginehouse",
    "messaging.operation.name": "process",
    "messaging.operation.type": "process",
    "messaging.destination.name": "default",
    "messaging.message.id": event.event_id,
    "enginehouse.event_type": "traced",
    "enginehouse.attempt": 1,
    "error.type": "refused",
  });
});
