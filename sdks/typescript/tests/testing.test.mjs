import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { test } from "node:test";
import { Client, consoleLogger, Engine, Reject, Release, Retry, Unreachable } from "enginehouse";
import { runHandler, startAttempt, TestClock, TestServer, TestServerError } from "enginehouse/testing";
import { until } from "./until.mjs";

const engine = new Engine("test", { url: "127.0.0.1:1", logger: consoleLogger("silent"), stopWait: "10s" });
engine.on("price", { timeout: "30s" }, async ({ sku, qty }, context) => {
  context.log(`asks for ${sku}`);
  context.progress(50, "asked");
  context.checkpoint({ sku });
  if (sku === "slow" || sku === "checks") await context.waitStopped();
  if (sku === "checks") context.check();
  if (sku === "deaf") await new Promise(() => {});
  if (sku === "busy") throw new Retry({ after: "30s", cause: new TypeError("no answer") });
  if (sku === "none") throw new Reject("no such sku", { code: "unknown_sku" });
  if (sku === "later") throw new Release({ delay: "1m" });
  return { total: qty * 2, from: context.previous?.checkpoint?.at, attempt: context.attempt, label: context.event.labels.tier };
});

test("a handler is run in memory, and what it reports is there", async () => {
  const options = { attempt: 2, checkpoint: { at: 7 }, event: { labels: { tier: "gold" } } };
  const ended = await runHandler(engine, "price", { sku: "A-1", qty: 2 }, options);
  assert.deepEqual([ended.outcome, ended.result], ["completed", { total: 4, from: 7, attempt: 2, label: "gold" }]);
  assert.deepEqual([ended.progress, ended.checkpoint, ended.log], [{ percent: 50, message: "asked" }, { sku: "A-1" }, ["asks for A-1"]]);
});

test("what it throws is what the server would be told", async () => {
  const retried = await runHandler(engine, "price", { sku: "busy" });
  assert.deepEqual([retried.outcome, retried.retryable, retried.retryAfterSeconds], ["failed", true, 30]);
  assert.deepEqual([retried.error.code, retried.error.message], ["type", "no answer"]);
  const rejected = await runHandler(engine, "price", { sku: "none" });
  assert.deepEqual([rejected.error.code, rejected.retryable, rejected.deadLetter], ["unknown_sku", false, true]);
  const released = await runHandler(engine, "price", { sku: "later" });
  assert.deepEqual([released.outcome, released.delaySeconds], ["released", 60]);
  assert.throws(() => startAttempt(engine, "other"), /no handler for other/);
});

test("the clock stands still until it is moved, and then a handler times out", async () => {
  for (const [sku, wait] of [
    ["slow", "30s"],
    ["deaf", "40s"],
  ]) {
    const clock = new TestClock("2026-05-01T00:00:00Z");
    const attempt = startAttempt(engine, "price", { sku }, { clock });
    assert.equal(attempt.context.deadline.toISOString(), "2026-05-01T00:00:30.000Z");
    let isOver = false;
    void attempt.ended.then(() => (isOver = true));
    await clock.advance("29s");
    assert.equal(attempt.context.stopReason, undefined);
    await clock.advance("1s");
    assert.deepEqual([attempt.context.stopReason, isOver], ["timed_out", sku === "slow"]);
    await clock.advance(wait === "40s" ? 10 : 0);
    const { outcome, error } = await attempt.ended;
    assert.deepEqual([outcome, error.code, error.message], ["failed", "timed_out", "the handler took longer than 30 s"]);
  }
});

test("a handler is stopped as an engine would stop it", async () => {
  for (const [reason, sku, outcome] of [
    ["cancelled", "slow", "completed"],
    ["cancelled", "checks", "released"],
    ["shutting_down", "slow", "completed"],
    ["shutting_down", "checks", "released"],
    ["lock_lost", "slow", "dropped"],
    ["timed_out", "slow", "dropped"],
  ]) {
    const attempt = startAttempt(engine, "price", { sku, qty: 1 }, { clock: new TestClock() });
    attempt.stop(reason);
    assert.equal((await attempt.ended).outcome, outcome, `${reason} ${sku}`);
  }
});

test("a server that cannot start says why", async () => {
  await assert.rejects(TestServer.start({ binary: "/nonexistent/enginehouse" }), (error) => error instanceof TestServerError && error.message.includes("ENGINEHOUSE_BINARY"));
  await assert.rejects(TestServer.start({ store: "nothing://" }), (error) => error instanceof TestServerError && error.message.includes("did not start"));
});

test("a server ends with the process that has started it, however that ends", async () => {
  const program = `
    import { TestServer } from "enginehouse/testing";
    console.log((await TestServer.start()).url);
  `;
  const child = spawn(process.execPath, ["--input-type=module", "--eval", program], { cwd: new URL("..", import.meta.url), stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(child.stdout, "data");
  const client = new Client({ url: String(line).trim(), maxRepeats: 0 });
  await client.getHealth();
  child.kill("SIGKILL");
  await until("the server is away", () => client.getHealth().then(() => false, (error) => error instanceof Unreachable));
});
