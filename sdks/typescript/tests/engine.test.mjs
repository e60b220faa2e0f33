import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Client, consoleLogger, Engine, HandlerError, Reject, Release, Retry, Stopped, Superseded } from "enginehouse";
import { TestServer } from "enginehouse/testing";
import { signal, until } from "./until.mjs";

let server;
let client;
before(async () => {
  server = await TestServer.start();
  client = new Client({ url: server.url });
});
after(() => server?.stop());

let engines = 0;

/** Starts an engine with these handlers, and answers how to stop it. Each has event types of its own. */
function started(t, handlers, options = {}) {
  const stop = new AbortController();
  const hurry = new AbortController();
  engines += 1;
  const engine = new Engine("test", { url: server.url, engineId: `test-${engines}`, logger: consoleLogger("silent"), heartbeatIntervalSeconds: 1, ...options });
  for (const [type, given] of Object.entries(handlers)) {
    const [first, second] = Array.isArray(given) ? given : [given];
    if (second) engine.on(type, first, second);
    else engine.on(type, first);
  }
  const ended = engine.runAsync(stop.signal, hurry.signal);
  ended.catch(() => {});
  t.after(async () => {
    stop.abort();
    hurry.abort();
    await ended.catch(() => {});
  });
  return { engine, ended, stop: () => (stop.abort(), ended), hurry: () => hurry.abort() };
}

const ended = async (eventId) => {
  const event = await client.waitForEvent(eventId, "20s");
  assert.notEqual(event.status, "processing", "it has ended in time");
  return event;
};
const enqueued = async (type, payload, fields) => (await client.enqueue(type, payload, fields)).event_id;
const noDelay = { retry_policy: { retry_delay: { initial: 0, jitter: 0 } } };

test("what a handler returns is the result, exact to the last digit", async (t) => {
  const { stop } = started(t, { "a.value": ({ n }) => ({ twice: n * 2n, text: "é" }), "a.nothing": () => undefined });
  const event = await ended(await enqueued("a.value", { n: 12345678901234567890n }));
  assert.deepEqual([event.status, event.result], ["completed", { twice: 24691357802469135780n, text: "é" }]);
  assert.equal((await ended(await enqueued("a.nothing"))).status, "completed");
  assert.deepEqual(await stop(), { completed: 2, failed: 0, released: 0, lost: 0 });
});

test("what a handler throws says how the attempt failed", async (t) => {
  class PaymentDeclinedError extends Error {}
  const attempts = { "b.retry": [], "b.plain": [] };
  started(t, {
    "b.retry": (_, { attempt, previous }) => {
      attempts["b.retry"].push([attempt, previous?.error?.code, previous?.error?.message]);
      if (attempt === 1) throw new Retry("later", { after: 0, code: "not_yet", details: { n: 1n } });
      if (attempt === 2) throw new Retry({ after: "0s", cause: new PaymentDeclinedError("no money") });
      return attempt;
    },
    "b.plain": (_, { attempt, previous }) => {
      attempts["b.plain"].push(previous?.error ?? undefined);
      if (attempt === 1) throw new PaymentDeclinedError("no money");
    },
    "b.reject": () => {
      throw new Reject("no such sku", { code: "unknown_sku" });
    },
    "b.answer": () => {
      throw new Reject("no", { deadLetter: false });
    },
  });
  const retried = await ended(await enqueued("b.retry", {}));
  assert.deepEqual([retried.status, retried.result, retried.failures], ["completed", 3, 2]);
  assert.deepEqual(attempts["b.retry"], [
    [1, undefined, undefined],
    [2, "not_yet", "later"],
    [3, "payment_declined", "no money"],
  ]);
  await ended(await enqueued("b.plain", {}, noDelay));
  const [, { code, message, details }] = attempts["b.plain"];
  assert.deepEqual([code, message], ["payment_declined", "no money"]);
  assert.match(details.stack, /engine\.test\.mjs/);
  const rejected = await ended(await enqueued("b.reject", {}));
  assert.deepEqual([rejected.status, rejected.attempt, rejected.dead_letter !== null, rejected.last_error.code], ["failed", 1, true, "unknown_sku"]);
  const answered = await ended(await enqueued("b.answer", {}));
  assert.deepEqual([answered.status, answered.dead_letter], ["failed", null]);
});

test("a released event is back at once or after its delay, and its attempt does not count", async (t) => {
  let times = 0;
  started(t, {
    "c.release": (_, { attempt }) => {
      times += 1;
      if (times < 3) throw new Release(times === 1 ? {} : { delay: "1ms" });
      return attempt;
    },
  });
  assert.equal((await ended(await enqueued("c.release"))).result, 1);
});

test("a payload that does not fit is a dead letter that names the field, and no other event suffers", async (t) => {
  const schema = {
    "~standard": {
      version: 1,
      vendor: "test",
      validate: async (value) =>
        Number.isInteger(value.items?.[0]?.qty) ? { value: value.items[0].qty } : { issues: [{ message: "must be an integer", path: ["items", { key: 0 }, "qty"] }] },
    },
  };
  started(t, { "d.typed": [{ schema }, (qty) => qty * 2] });
  const bad = await ended(await enqueued("d.typed", { items: [{ qty: "two" }] }));
  assert.deepEqual(bad.last_error, { code: "invalid_payload", message: "payload.items.0.qty: must be an integer" });
  assert.ok(bad.attempt === 1 && bad.dead_letter);
  assert.equal((await ended(await enqueued("d.typed", { items: [{ qty: 2 }] }))).result, 4);
});

test("a result that is no JSON, or too large, is a dead letter", async (t) => {
  const results = { nan: () => ({ a: [NaN] }), large: () => "x".repeat(256 * 1024), surrogate: () => "\ud800" };
  started(t, { "e.result": ({ which }) => results[which]() });
  for (const [which, part] of [
    ["nan", "/a/0 is NaN"],
    ["large", "at most 262144"],
    ["surrogate", "the server refused"],
  ]) {
    const { last_error, dead_letter, attempt } = await ended(await enqueued("e.result", { which }));
    assert.equal(last_error.code, "invalid_result");
    assert.ok(last_error.message.includes(part), last_error.message);
    assert.ok(dead_letter && attempt === 1);
  }
});

test("an attempt that takes longer than its handler's timeout has failed, and its signal is aborted", async (t) => {
  const reasons = [];
  started(t, {
    "f.slow": [
      { timeout: "50ms" },
      async (_, context) => {
        assert.ok(context.deadline - Date.now() <= 50);
        if (context.attempt === 2) return "done";
        reasons.push(await context.waitStopped(), context.signal.reason);
        context.check();
      },
    ],
  });
  const event = await ended(await enqueued("f.slow", {}, noDelay));
  assert.deepEqual([event.result, event.failures, reasons[0]], ["done", 1, "timed_out"]);
  assert.ok(reasons[1] instanceof Stopped);
  const { attempts } = await client.getEventHistory({ event_id: event.event_id });
  assert.equal(attempts.find(({ attempt }) => attempt === 1).error.code, "timed_out");
});

test("an attempt that the server has failed for its time is stopped in time, and its result is dropped", async (t) => {
  const stopped = signal();
  // No heartbeat tells it in time.
  const handlers = { "g.slow": async (_, context) => stopped.happen(await context.waitStopped()) };
  const { stop } = started(t, handlers, { heartbeatIntervalSeconds: 60 });
  const id = await enqueued("g.slow", {}, { max_processing_seconds: 1, retry_policy: { max_retries: 0 } });
  assert.equal(await stopped.happened, "timed_out");
  assert.equal((await ended(id)).last_error.code, "timed_out");
  const { failed, lost } = await stop();
  assert.deepEqual([failed, lost], [1, 0]);
});

test("a cancelled event's handler is stopped", async (t) => {
  const [began, stopped] = [signal(), signal()];
  started(t, {
    "h.long": async (_, context) => {
      began.happen();
      await context.waitStopped();
      stopped.happen([context.stopReason, context.cancelled, context.stopped]);
      context.check();
    },
  });
  const id = await enqueued("h.long");
  await began.happened;
  await client.cancelEvent({ event_id: id });
  assert.deepEqual(await stopped.happened, ["cancelled", true, true]);
  assert.equal((await ended(id)).status, "cancelled");
});

test("progress, usage, log and checkpoint reach the server while the handler runs, and the next attempt has the checkpoint", async (t) => {
  const go = signal();
  started(t, {
    "i.report": async (_, context) => {
      if (context.attempt === 2) return context.previous;
      context.progress(150, "nearly");
      context.log("one\ntwo");
      context.usage({ gpu_seconds: 2 });
      context.checkpoint({ at: 12345678901234567890n });
      assert.throws(() => context.checkpoint("x".repeat(20_000)), /at most 16384 bytes, was 20002/);
      await go.happened;
      context.log("three");
      throw new Retry({ after: 0 });
    },
  });
  const id = await enqueued("i.report");
  await until("the progress is known", async () => (await client.getEvent({ event_id: id })).progress?.percent === 100);
  go.happen();
  const event = await ended(id);
  assert.deepEqual(event.result.checkpoint, { at: 12345678901234567890n });
  assert.equal(event.usage.gpu_seconds, 2);
  const { logs } = await client.getEventLog({ event_id: id });
  assert.ok(JSON.stringify(logs).includes("two"), JSON.stringify(logs));
  assert.ok(JSON.stringify(logs).includes("three"));
});

test("at the stop, what is nearly done is completed, the rest is released, and nothing more is claimed", async (t) => {
  const [first, second, go] = [signal(), signal(), signal()];
  const { engine, stop, hurry } = started(
    t,
    {
      "j.done": async (_, context) => (first.happen(), await go.happened, context.stopped ? "stopped" : "done"),
      "j.long": async (_, context) => (second.happen(), await context.waitStopped(), context.check()),
    },
    { concurrency: 2 },
  );
  const [done, long] = [await enqueued("j.done"), await enqueued("j.long")];
  await Promise.all([first.happened, second.happened]);
  const summary = stop();
  await until("it drains", async () => (await client.getEngine({ engine_id: engine.engineId })).status === "draining");
  go.happen();
  assert.equal((await ended(done)).result, "done");
  hurry();
  assert.deepEqual(await summary, { completed: 1, failed: 0, released: 1, lost: 0 });
  const released = await client.getEvent({ event_id: long });
  assert.deepEqual([released.status, released.attempt, released.losses], ["queued", 0, 0]);
});

test("a handler that does not stop is given up after the wait", async (t) => {
  const began = signal();
  const { stop, hurry } = started(t, { "k.deaf": () => (began.happen(), new Promise(() => {})) }, { stopWait: "50ms" });
  const id = await enqueued("k.deaf");
  await began.happened;
  hurry();
  assert.equal((await stop()).released, 1);
  assert.equal((await client.getEvent({ event_id: id })).status, "queued");
});

test("an engine that is drained finishes what it holds, takes no more, and ends by itself", async (t) => {
  const [began, go] = [signal(), signal()];
  // No heartbeat tells it: its last settle is answered before.
  const options = { concurrency: 2, heartbeatIntervalSeconds: 60 };
  const { engine, ended: end } = started(t, { "l.any": async () => (began.happen(), await go.happened) }, options);
  await enqueued("l.any");
  await began.happened;
  await client.drainEngine({ engine_id: engine.engineId, stop_when_drained: true });
  const next = await enqueued("l.any");
  go.happen();
  assert.equal((await end).completed, 1);
  assert.equal((await client.getEvent({ event_id: next })).status, "queued");
  assert.equal((await client.getEngine({ engine_id: engine.engineId })).status, "stopped");
});

test("an engine whose id another process takes over ends, and its handlers are stopped", async (t) => {
  const [began, stopped] = [signal(), signal()];
  const handlers = { "m.long": async (_, context) => (began.happen(), stopped.happen(await context.waitStopped())) };
  const { engine, ended: end } = started(t, handlers);
  await enqueued("m.long");
  await began.happened;
  started(t, { "m.other": () => 1 }, { engineId: engine.engineId, takeover: true });
  await assert.rejects(end, (error) => error instanceof Superseded && error.engineId === engine.engineId);
  assert.equal(await stopped.happened, "lock_lost");
});

test("a handler of every type has what no other one has", async (t) => {
  started(t, { "*": (_, { event }) => `any ${event.event_type}`, "n.own": () => "own" }, { queues: ["n"] });
  assert.equal((await ended(await enqueued("n.own", {}, { queue: "n" }))).result, "own");
  assert.equal((await ended(await enqueued("n.else", {}, { queue: "n" }))).result, "any n.else");
});

test("an event token is one that the server takes", async (t) => {
  started(t, {
    "o.token": async (_, context) => {
      const own = new Client({ url: server.url, token: context.eventToken });
      await own.completeEvent({ event_id: context.event.event_id, lock_token: context.event.lock.token, result: "by token" });
      return "by engine";
    },
  });
  assert.equal((await ended(await enqueued("o.token"))).result, "by token");
});

test("mistakes in the declaration of handlers are found before anything runs", async () => {
  const engine = new Engine("x", { url: server.url });
  await assert.rejects(engine.run(), HandlerError);
  engine.on("a", () => 1);
  assert.throws(() => engine.on("a", () => 2), HandlerError);
  assert.throws(() => engine.on("b", { timeout: "1s" }), HandlerError);
  assert.throws(() => engine.on("b", { timeout: "1 second" }, () => 1), RangeError);
  assert.throws(() => new Engine("x", { concurrency: 0 }), RangeError);
});
