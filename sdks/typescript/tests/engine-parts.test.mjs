// Parts of the loop by themselves, where the whole of it would be slow or left to chance.

import assert from "node:assert/strict";
import { test } from "node:test";
import { consoleLogger, Release, Reject, Retry } from "enginehouse";
import { eventTokenOf } from "../dist/engine/event-token.js";
import { Heartbeats } from "../dist/engine/heartbeat.js";
import { HeldLocks } from "../dist/engine/held-locks.js";
import { descendants, LoadMeter, parseStat } from "../dist/engine/load.js";
import { codeOf, outcomeOfError } from "../dist/engine/outcome.js";
import { ReportBuffer } from "../dist/engine/report-buffer.js";
import { Observed } from "../dist/observed.js";

function heartbeats() {
  const time = { now: 0 };
  const clock = { now: () => time.now, monotonic: () => time.now, after: () => () => {} };
  const logger = consoleLogger("silent");
  const settings = { clock, logger, engineId: "e", load: () => ({}) };
  return { time, beats: new Heartbeats(settings, 8, new Observed({}), new HeldLocks(clock, logger)) };
}

test("an exchange takes a heartbeat along in the last quarter of the interval, and then it is early again", () => {
  const { time, beats } = heartbeats();
  time.now = 5_900;
  assert.equal(beats.partIfDue(), undefined);
  time.now = 6_000;
  assert.deepEqual(beats.partIfDue(), { dynamic_state: {}, lock_tokens: [], reports: [] });
  assert.equal(beats.partIfDue(), undefined);
});

test("after an exchange that failed, the next heartbeat is due soon but not at once", () => {
  const { time, beats } = heartbeats();
  time.now = 6_000;
  beats.partIfDue();
  beats.partFailed();
  // Due two seconds later, so that an exchange takes it along at once.
  assert.notEqual(beats.partIfDue(), undefined);
  beats.partFailed();
  time.now = 6_000 + 2_000;
  assert.equal(beats.interval - beats.sinceLast(), 0);
});

test("reports are coalesced, and what failed goes first", () => {
  const buffer = new ReportBuffer();
  assert.equal(buffer.begin(), undefined);
  buffer.progress(10, "first");
  buffer.log("one");
  buffer.progress(120, undefined);
  buffer.usage({ cpu_seconds: 1 });
  const sent = buffer.begin();
  assert.deepEqual(sent, { progress: { percent: 100 }, usage: { cpu_seconds: 1 }, log: ["one"] });
  buffer.log("two\nthree");
  buffer.usage({ gpu_seconds: 2 });
  assert.equal(buffer.begin(), undefined, "one report at a time");
  buffer.failed();
  assert.deepEqual(buffer.begin(), { progress: { percent: 100 }, usage: { cpu_seconds: 1, gpu_seconds: 2 }, log: ["one\ntwo\nthree"] });
  buffer.arrived();
  assert.deepEqual(buffer.last(), {});
});

test("the memory of a log is bounded, and its newest lines are kept", () => {
  const buffer = new ReportBuffer();
  for (let line = 0; line < 50_000; line += 1) buffer.log(`line ${line}`);
  buffer.log("é".repeat(100_000));
  buffer.log("end");
  const [log] = buffer.last().log;
  assert.ok(Buffer.byteLength(log) <= 64 * 1024, `${Buffer.byteLength(log)}`);
  assert.ok(log.endsWith("é\nend") && !log.includes("\ufffd"));
});

test("a failure that names no code has that of its class", () => {
  class HTTPStatusError extends Error {}
  class Declined extends Error {}
  const timeout = AbortSignal.abort(new DOMException("late", "TimeoutError")).reason;
  for (const [error, code] of [
    [timeout, "timeout"],
    [new TypeError("x"), "type"],
    [new HTTPStatusError("x"), "http_status"],
    [new Declined("x"), "declined"],
    [new Error("x"), "error"],
    ["a text", "error"],
  ]) {
    assert.equal(codeOf(error), code);
  }
  assert.deepEqual(outcomeOfError(null).message, "null");
  const details = outcomeOfError(Object.assign(new Error("x"), { stack: "y".repeat(10_000) })).details;
  assert.ok(details.length < 4_200);
});

test("what is thrown says what is to become of the event", () => {
  const { retryable, retryAfterSeconds, deadLetter, code } = outcomeOfError(new Retry({ after: "2m" }));
  assert.deepEqual([retryable, retryAfterSeconds, deadLetter, code], [true, 120, false, undefined]);
  const rejected = outcomeOfError(new Reject("no", { details: new Map() }));
  assert.deepEqual([rejected.retryable, rejected.deadLetter], [false, true]);
  assert.match(rejected.details, /left_out/);
  assert.deepEqual(outcomeOfError(new Release({ delay: "500ms" })), { kind: "release", delaySeconds: 0.5 });
});

test("an event token is that which the server makes of the same session", () => {
  // The secret of 32 bytes of 1, in the digits of a session token.
  let rest = BigInt(`0x${"01".repeat(32)}`);
  let secret = "";
  const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  for (; secret.length < 43; rest /= 62n) secret = digits[Number(rest % 62n)] + secret;
  const token = eventTokenOf(`ehs1_${secret}_000000`, "00000000-0000-0000-0000-000000000007", `1-${"5".padStart(32, "0")}`);
  assert.equal(token, "ehe1_00000000000000000000000000000007_vX10PR50OCB8HwSquOx2RYIdCTZVYgWRwXhZARp5XBp_1eamSW");
  assert.equal(eventTokenOf(undefined, "00000000-0000-0000-0000-000000000007", `1-${"5".padStart(32, "0")}`), undefined);
});

test("the load is that of the process and its children, over the time between two heartbeats", () => {
  const stat = "77 (a) b (c)) S 12 77 77 0 -1 4194560 9 8 0 0 100 20 3 4 20 0 1 0 5 1000 33 18446744073709551615 1";
  assert.deepEqual(parseStat(stat), { parent: 12, ticks: 127, pages: 33 });
  assert.equal(parseStat(""), undefined);
  const processes = new Map([[1, 0], [10, 1], [11, 10], [12, 11], [20, 1], [30, 31], [31, 30]].map(([pid, parent]) => [pid, { parent, ticks: 0, pages: 0 }]));
  assert.deepEqual([...descendants(processes, 10)], [10, 11, 12]);
  let used = { cpuSeconds: 1, memoryMb: 64.04 };
  const meter = new LoadMeter(() => used);
  meter.worksOn("run-1");
  assert.deepEqual(meter.state(0), { resource_utilization: { memory_usage_mb: 64 }, current_scenario_run_id: "run-1" });
  used = { cpuSeconds: 3, memoryMb: 64 };
  assert.equal(meter.state(100).resource_utilization.cpu_percent, undefined, "too short a time says nothing");
  assert.equal(meter.state(4_000).resource_utilization.cpu_percent, 50);
  used = undefined;
  assert.deepEqual(meter.state(9_000).resource_utilization, { cpu_percent: 50 });
});
