import assert from "node:assert/strict";
import { test } from "node:test";
import { Client, consoleLogger, Engine } from "enginehouse";
import { TestServer } from "enginehouse/testing";
import { WorkerRunner } from "../dist/engine/worker-runner.js";
import { signal, until } from "./until.mjs";

const worker = new URL("./workers/task.mjs", import.meta.url);

test("handlers in workers", async (t) => {
  const server = await TestServer.start();
  t.after(() => server.stop());
  const client = new Client({ url: server.url });
  const stop = new AbortController();
  const errors = [];
  const logger = { ...consoleLogger("silent"), error: (message, fields) => errors.push(`${message}: ${fields?.why}`) };
  const engine = new Engine("test", { url: server.url, engineId: "w-1", concurrency: 2, heartbeatIntervalSeconds: 1, stopWait: "100ms", logger });
  engine.on("task", { worker }).on("broken", { worker: new URL("./workers/none.mjs", import.meta.url) });
  const end = engine.runAsync(stop.signal);
  end.catch(() => {});
  t.after(() => stop.abort());
  const enqueued = async (payload, type = "task") =>
    (await client.enqueue(type, payload, { retry_policy: { max_retries: 0, dead_letter_threshold: 1 } })).event_id;
  const event = (id) => client.waitForEvent(id, "20s");

  await t.test("a computation of longer than it takes to be lost is no loss", async () => {
    // Its engine is lost after three seconds without a heartbeat.
    const id = await enqueued({ what: "burn", milliseconds: 4_000, big: 12345678901234567890n });
    const { status, result, losses } = await event(id);
    assert.deepEqual([status, result, losses], ["completed", { burnt: 4_000, big: 12345678901234567890n }, 0]);
  });

  await t.test("a loop that never waits knows that it should stop", async () => {
    const id = await enqueued({ what: "until stopped" });
    await until("it reports", async () => (await client.getEvent({ event_id: id })).progress?.percent === 7);
    await client.cancelEvent({ event_id: id });
    assert.deepEqual((await event(id)).result, { reason: "cancelled", aborted: true });
  });

  await t.test("one that does not stop is ended, and the next event has a new thread", async () => {
    let lastTick = 0;
    const ticks = new BroadcastChannel("ticks");
    ticks.onmessage = () => (lastTick = performance.now());
    const id = await enqueued({ what: "for ever" });
    await until("it runs", async () => (await client.getEvent({ event_id: id })).progress?.percent === 1);
    await client.cancelEvent({ event_id: id });
    assert.equal((await event(id)).status, "cancelled");
    await until("it is quiet", () => lastTick > 0 && performance.now() - lastTick > 300);
    ticks.close();
    assert.deepEqual((await event(await enqueued({}))).result, { previous: null, token: true });
  });

  await t.test("a thread that ends, and a handler that throws, fail their attempts", async () => {
    const { last_error: exited } = await event(await enqueued({ what: "exit" }));
    assert.deepEqual([exited.code, exited.message], ["worker_exited", "the worker ended before its handler did: it exited with 5"]);
    const { last_error: thrown } = await event(await enqueued({ what: "throw" }));
    assert.deepEqual([thrown.code, thrown.message], ["type", "bad"]);
    const { last_error: missing } = await event(await enqueued({}, "broken"));
    assert.equal(missing.code, "worker_failed");
    assert.match(missing.message, /none\.mjs/);
  });

  await t.test("what a handler leaves running concerns no other event", async () => {
    await event(await enqueued({ what: "keep" }));
    const id = await enqueued({ what: "report" });
    const { result, progress } = await event(id);
    assert.deepEqual([result, progress ?? null], [true, null], "they share a thread");
    const { logs } = await client.getEventLog({ event_id: id });
    assert.deepEqual(logs.map(({ text }) => text.trim()), ["of this one"]);
    await event(await enqueued({ what: "fail later" }));
    const fail = new BroadcastChannel("fail");
    fail.postMessage("now");
    fail.close();
    await until("the thread has ended", () => errors.includes("a worker that had nothing to do has ended: too late"));
    assert.equal((await event(await enqueued({}))).status, "completed");
  });

  await t.test("at the end, no thread is left", async () => {
    stop.abort();
    const { completed, failed, released, lost } = await end;
    assert.deepEqual([completed, failed, released, lost], [7, 3, 1, 0]);
  });
});

test("an attempt that was given up while its payload was checked does not begin", async () => {
  const { happen, happened } = signal();
  const schema = { "~standard": { version: 1, vendor: "test", validate: (value) => happened.then(() => ({ value })) } };
  const runner = new WorkerRunner(worker, schema, undefined, "safe", consoleLogger("silent"), (_, invoke) => invoke());
  const { outcome, abandon } = runner.invoke({ payload: { what: "for ever" } }, undefined);
  abandon();
  happen();
  assert.equal((await outcome).code, "worker_exited");
});
