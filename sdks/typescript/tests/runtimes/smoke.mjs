// An engine on another runtime than Node: a function and a worker, exact numbers, a retry, a cancel, and an end in good order.

import { Client, Engine, Retry, Unreachable } from "enginehouse";

const client = new Client();
const engine = new Engine("smoke", { concurrency: 2, heartbeatIntervalSeconds: 1 });
const began = Promise.withResolvers?.() ?? deferred();

engine.on("smoke.value", ({ n }, { attempt }) => {
  if (attempt === 1) throw new Retry({ after: 0 });
  return { n, attempt };
});
engine.on("smoke.long", async (_, context) => {
  began.resolve();
  return context.waitStopped();
});
engine.on("smoke.worker", { worker: new URL("./smoke-worker.mjs", import.meta.url) });

const stop = new AbortController();
const ended = engine.runAsync(stop.signal);

const value = await client.enqueueAndWait("smoke.value", { n: 12345678901234567890n }, "20s");
expect("a value", value.result, { n: 12345678901234567890n, attempt: 2 });
const computed = await client.enqueueAndWait("smoke.worker", { n: 12345678901234567890n }, "20s");
expect("a worker's value", computed.result, { twice: 24691357802469135780n });
const { event_id } = await client.enqueue("smoke.long");
await began.promise;
await client.cancelEvent({ event_id });
expect("a cancelled event's result", (await client.waitForEvent(event_id, "20s")).result, "cancelled");
stop.abort();
expect("the summary", await ended, { completed: 3, failed: 1, released: 0, lost: 0 });
const nobody = await new Client({ url: "127.0.0.1:1", maxRepeats: 0 }).getStats().catch((error) => error);
expect("nobody there", [nobody instanceof Unreachable, nobody.applied], [true, "no"]);
console.log("all is well");

function expect(what, got, want) {
  const text = (value) => JSON.stringify(value, (_, one) => (typeof one === "bigint" ? `${one}n` : one));
  if (text(got) !== text(want)) throw new Error(`${what}: ${text(got)} instead of ${text(want)}`);
}

function deferred() {
  const made = {};
  made.promise = new Promise((resolve) => (made.resolve = resolve));
  return made;
}
