import assert from "node:assert/strict";
import { test } from "node:test";
import { context, trace } from "@opentelemetry/api";
import { Client, consoleLogger, Engine, Reject, Retry } from "enginehouse";
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

test("the span that enqueues an event is linked by every attempt at it", async (t) => {
  const links = [];
  const startActiveSpan = (_name, options, run) => {
    links.push(...options.links);
    return run({ setAttribute() {}, setStatus() {}, end() {} });
  };
  trace.setGlobalTracerProvider({ getTracer: () => ({ startActiveSpan }) });
  const producer = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7", traceFlags: 1 };
  const current = trace.setSpanContext(context.active(), producer);
  const runIn = (_context, run, self, ...rest) => run.call(self, ...rest);
  context.setGlobalContextManager({ active: () => current, with: runIn, disable() {} });
  t.after(() => [trace, context].forEach((api) => api.disable()));
  const server = await TestServer.start();
  t.after(() => server.stop());
  const engine = new Engine("test", { url: server.url, logger: consoleLogger("silent") });
  engine.on("flaky", (_payload, attempt) => {
    if (attempt.attempt === 1) throw new Retry({ after: 0 });
  });
  const stop = new AbortController();
  const ended = engine.runAsync(stop.signal);
  const client = new Client({ url: server.url });
  const event = await client.enqueueAndWait("flaky", {}, "20s");
  const own = { traceparent: "00-4bf92f3577b34da6a3ce929d0e0e4736-1111111111111111-00" };
  const batch = await client.enqueueMany([{ event_type: "other" }, { event_type: "other", ...own }]);
  const single = await client.enqueue("other", {}, { queue: "q" });
  stop.abort();
  await ended;
  const traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  assert.equal(event.traceparent, traceparent);
  assert.deepEqual(links, [0, 1].map(() => ({ context: { ...producer, isRemote: true } })));
  const kept = [];
  for (const { event_id } of [...batch.events, single]) kept.push((await client.getEvent({ event_id })).traceparent);
  assert.deepEqual(kept, [traceparent, own.traceparent, traceparent]);
});
