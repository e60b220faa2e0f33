import assert from "node:assert/strict";
import { test } from "node:test";
import { BadUrl, Client, InvalidRequest, LockLost, Overloaded, Problem, StoreUnavailable, UnexpectedAnswer, Unreachable } from "enginehouse";
import { messages } from "../dist/server-sent-events.js";
import { mockServer, problem } from "./mock-server.mjs";

const stored = { body: { event_id: "e-1", status: "queued" } };

test("an overloaded server is asked again, no earlier than it asked for", async (t) => {
  const server = await mockServer(t, (_request, _body, times) => (times < 3 ? problem(429, "overloaded") : stored));
  const client = new Client({ url: server.url });
  assert.equal((await client.enqueue("a")).event_id, "e-1");
  assert.equal(server.calls.length, 3);

  const slow = await mockServer(t, (_request, _body, times) => (times < 2 ? problem(429, "overloaded", { retry_after_seconds: 1 }) : stored));
  const began = performance.now();
  await new Client({ url: slow.url }).enqueue("a");
  assert.ok(performance.now() - began >= 1_000);
});

test("a wait that is too long is the caller's to decide on", async (t) => {
  const server = await mockServer(t, () => ({ ...problem(429, "overloaded"), headers: { "retry-after": "60" } }));
  await assert.rejects(new Client({ url: server.url }).enqueue("a"), (error) => error instanceof Overloaded && error.retryAfterSeconds === 60);
  assert.equal(server.calls.length, 1);
});

test("an enqueue that may have happened is repeated with a key, and not without", async (t) => {
  const server = await mockServer(t, (_request, _body, times) =>
    times % 2 === 1 ? problem(503, "store_unavailable", { applied: "unknown" }) : stored,
  );
  const client = new Client({ url: server.url });
  await assert.rejects(client.enqueue("a"), (error) => error instanceof StoreUnavailable && error.applied === "unknown");
  assert.equal(server.calls.length, 1);
  await mockServer(t, () => stored);
  await client.enqueue("a", {}, { idempotency_key: "k" });
  assert.equal(server.calls.length, 2);
  await client.enqueue("a", {}, { idempotency_key: "k" });
  assert.equal(server.calls.length, 4);
});

test("what certainly did not happen is repeated without a key", async (t) => {
  const server = await mockServer(t, (_request, _body, times) => (times < 2 ? problem(503, "store_unavailable", { applied: false }) : stored));
  await new Client({ url: server.url }).enqueue("a");
  assert.equal(server.calls.length, 2);
});

test("an answer that breaks off leaves unknown what has happened, and one that was never reached leaves nothing", async (t) => {
  const server = await mockServer(t, () => "hang up");
  const client = new Client({ url: server.url });
  await assert.rejects(client.enqueue("a"), (error) => error instanceof Unreachable && error.applied === "unknown");
  assert.equal(server.calls.length, 1);
  await assert.rejects(client.getStats({}, { maxRepeats: 2 }), Unreachable);
  assert.equal(server.calls.length, 4);
  const nobody = new Client({ url: "127.0.0.1:1", maxRepeats: 0 });
  await assert.rejects(nobody.enqueue("a"), (error) => error instanceof Unreachable && error.applied === "no" && !error.timedOut);
});

test("a call that takes too long says so, and one that is aborted has the reason of its signal", async (t) => {
  const server = await mockServer(t, () => "silence");
  const client = new Client({ url: server.url, maxRepeats: 0 });
  await assert.rejects(client.getStats({}, { timeout: "50ms" }), (error) => error instanceof Unreachable && error.timedOut);
  const reason = new Error("enough");
  const controller = new AbortController();
  const call = client.getStats({}, { signal: controller.signal });
  controller.abort(reason);
  await assert.rejects(call, reason);
  await assert.rejects(client.getStats({}, { signal: controller.signal }), reason);
});

test("a problem is of the class of its code, and one of a newer server is a problem all the same", async (t) => {
  const errors = [{ pointer: "/lock_token", detail: "must be a token" }];
  const server = await mockServer(t, (request) =>
    request.url.endsWith("/complete") ? problem(409, "lock_lost", { event_id: "e-1", event_status: "queued" }) : problem(418, "teapot", { errors }),
  );
  const client = new Client({ url: server.url });
  await assert.rejects(client.completeEvent({ event_id: "e-1", lock_token: "t" }), (error) => {
    assert.ok(error instanceof LockLost && error instanceof Problem);
    assert.deepEqual([error.name, error.code, error.status, error.eventStatus, error.isPassing], ["LockLost", "lock_lost", 409, "queued", false]);
    return true;
  });
  await assert.rejects(client.getStats(), (error) => error.name === "Problem" && error.message === "teapot: it is teapot (/lock_token: must be a token)");
});

test("an answer of something else is no problem of the server", async (t) => {
  const server = await mockServer(t, (_request, _body, times) => (times === 1 ? { body: "<html>" } : { status: 502, body: "Bad gateway" }));
  const client = new Client({ url: server.url, maxRepeats: 1 });
  await assert.rejects(client.getStats(), (error) => error instanceof UnexpectedAnswer && error.status === 200);
  await assert.rejects(client.getStats(), (error) => error.status === 502 && error.reason === "Bad gateway" && error.isPassing);
  assert.equal(server.calls.length, 3);
});

test("fields go into the path, the query or the body, wherever the call has them", async (t) => {
  const server = await mockServer(t, () => ({ body: "" }));
  const client = new Client({ url: server.url, token: " s3cret\n" });
  await client.explainEvent({ event_id: "a/b", engine_id: "e 1" });
  await client.deregisterEngine({ engine_id: "e", epoch: 3 });
  await client.cancelEvent({ event_id: "e" });
  await client.withSession("ehs1_x").exchange({ engine_id: "e", epoch: 1, settlements: [] });
  const seen = server.calls.map(({ method, path, body }) => `${method} ${path} ${body}`);
  assert.deepEqual(seen, [
    "GET /v1/events/a%2Fb/explain?engine_id=e+1 ",
    "DELETE /v1/engines/e?epoch=3 ",
    "POST /v1/events/e/cancel {}",
    'POST /v1/engines/e/exchange {"epoch":1,"settlements":[]}',
  ]);
  assert.equal(server.calls[0].headers.authorization, "Bearer s3cret");
  assert.equal(server.calls[2].headers["enginehouse-session"], undefined);
  assert.equal(server.calls[3].headers["enginehouse-session"], "ehs1_x");
  await assert.rejects(client.getEvent({ event_id: "" }), TypeError);
  await assert.rejects(client.getStats({ evnt_type: "a" }), /get_stats has no field evnt_type/);
});

test("a list is a page, or everything on all of them", async (t) => {
  const server = await mockServer(t, (request) =>
    request.url.includes("cursor=2") ? { body: { items: [3], next_cursor: null } } : { body: { items: [1, 2], next_cursor: "2" } },
  );
  const client = new Client({ url: server.url });
  assert.deepEqual((await client.listEvents({ status: "failed" })).items, [1, 2]);
  const all = [];
  for await (const item of client.listEvents({ status: "failed" })) all.push(item);
  assert.deepEqual(all, [1, 2, 3]);
  assert.equal(server.calls.at(-1).path, "/v1/events?status=failed&cursor=2");
});

test("numbers of payloads are read as asked for, and those of the API are numbers", async (t) => {
  const body = '{"event_id":"e","priority":5,"payload":{"n":12345678901234567890, "m":1},"result":null,"labels":{"payload":"x"}}';
  const server = await mockServer(t, () => ({ body }));
  const read = (numbers) => new Client({ url: server.url, numbers }).getEvent({ event_id: "e" });
  assert.deepEqual((await read("safe")).payload, { n: 12345678901234567890n, m: 1 });
  assert.deepEqual((await read("bigint")).payload, { n: 12345678901234567890n, m: 1n });
  const raw = await read("raw");
  assert.equal(raw.payload.text, '{"n":12345678901234567890, "m":1}');
  assert.deepEqual([raw.priority, raw.result], [5, null]);
});

const STREAM = 'event: log\ndata: {"a":\ndata: 1}\nid: 7\n\n: still here\n\ndata: "é"\n\n';
const MESSAGES = [
  { event: "log", data: { a: 1 }, id: "7" },
  { event: "message", data: "é", id: undefined },
];

test("a stream is read message by message", async (t) => {
  const server = await mockServer(t, () => ({ headers: { "content-type": "text/event-stream" }, body: STREAM }));
  const client = new Client({ url: server.url });
  const seen = [];
  for await (const message of client.followTopics(["stats", "engines"])) seen.push(message);
  assert.deepEqual(seen, MESSAGES);
  for await (const _ of client.followLog("e-1", 2));
  assert.deepEqual(server.calls.map(({ path }) => path), ["/v1/stream?topics=stats%2Cengines", "/v1/events/e-1/log?follow=true&attempt=2"]);
});

test("a stream may be cut anywhere on its way", async () => {
  for (let length = 1; length < STREAM.length; length += 1) {
    const parts = async function* () {
      for (let at = 0; at < STREAM.length; at += length) yield STREAM.slice(at, at + length);
    };
    const seen = [];
    for await (const message of messages(parts(), JSON.parse)) seen.push(message);
    assert.deepEqual(seen, MESSAGES);
  }
});

test("an address may be written in short, and one that no server can have is refused without what may be secret", () => {
  for (const [text, shown] of [
    ["127.0.0.1:7420", "http://127.0.0.1:7420"],
    [":7421", "http://127.0.0.1:7421"],
    ["localhost", "http://localhost:7420"],
    ["localhost:80", "http://localhost"],
    ["[::1]", "http://[::1]:7420"],
    ["https://example.org/enginehouse/", "https://example.org/enginehouse"],
    ["unix:/run/enginehouse.sock", "unix:/run/enginehouse.sock"],
  ]) {
    assert.equal(new Client({ url: text }).url, shown);
  }
  for (const [text, part] of [
    [":", "HOST:PORT"],
    ["ftp://a", "http://, https:// or unix:/"],
    ["http://a/v1/events", "the server is at http://a"],
    ["unix:here", "absolute path"],
    ["http://me:s3cret@a/", "ENGINEHOUSE_TOKEN"],
    ["https://a/?token=s3cret", "a query"],
  ]) {
    assert.throws(() => new Client({ url: text }), (error) => error instanceof BadUrl && error.message.includes(part) && !error.message.includes("s3cret"));
  }
  const shows = (url) => new Client({ url, token: "t" }).showsToken;
  assert.deepEqual(["localhost", "127.0.0.9", "[::1]", "https://a", "10.0.0.1", "http://a"].map(shows), [false, false, false, false, true, true]);
});

test("a field that is not as it should be is named in the error", async (t) => {
  const errors = [{ pointer: "/priority", detail: "must be 0 to 9, was 12" }];
  const server = await mockServer(t, () => problem(422, "invalid_request", { detail: "/priority: must be 0 to 9, was 12", errors }));
  await assert.rejects(new Client({ url: server.url }).enqueue("a"), (error) => {
    assert.ok(error instanceof InvalidRequest);
    assert.equal(error.message, "invalid_request: /priority: must be 0 to 9, was 12");
    return true;
  });
});
