import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { test } from "node:test";
import { Client, consoleLogger } from "enginehouse";
import { runHandler, TestServer } from "enginehouse/testing";
import { webhooks } from "./dist/webhooks.js";

const SECRET = "s3cret";

/** A receiver that answers with these statuses, one after the other. */
async function receiver(t, ...answers) {
  const seen = [];
  const server = createServer(async (request, response) => {
    let body = "";
    for await (const part of request) body += part;
    seen.push({ headers: request.headers, body });
    const { status, headers = {} } = answers[Math.min(seen.length, answers.length) - 1];
    response.writeHead(status, headers).end();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => server.close());
  return { url: `http://127.0.0.1:${server.address().port}/hook`, seen };
}

const quiet = { logger: consoleLogger("silent") };

test("each answer of a receiver has its outcome", async (t) => {
  const engine = webhooks(SECRET, { ...quiet, url: "127.0.0.1:1" });
  for (const [answer, outcome, code, retryable, after, deadLetter] of [
    [{ status: 204 }, "completed", undefined, false, undefined, false],
    [{ status: 503, headers: { "retry-after": "7" } }, "failed", "status_503", true, 7, false],
    [{ status: 500 }, "failed", "status_500", true, undefined, false],
    [{ status: 404 }, "failed", "status_404", false, undefined, true],
    [{ status: 410 }, "failed", "gone", false, undefined, false],
  ]) {
    const { url } = await receiver(t, answer);
    const ended = await runHandler(engine, "webhook.deliver", { url, type: "order.paid", data: {} });
    assert.deepEqual([ended.outcome, ended.error?.code, ended.retryable, ended.retryAfterSeconds, ended.deadLetter], [outcome, code, retryable, after, deadLetter]);
  }
  const nobody = await runHandler(engine, "webhook.deliver", { url: "http://127.0.0.1:1/", type: "order.paid", data: {} });
  assert.deepEqual([nobody.error.code, nobody.retryable], ["no_answer", true]);
});

test("a delivery that failed is made again, under the same id and with a signature that holds", async (t) => {
  const { url, seen } = await receiver(t, { status: 503, headers: { "retry-after": "0" } }, { status: 200 });
  const server = await TestServer.start();
  t.after(() => server.stop());
  const client = new Client({ url: server.url });
  const stop = new AbortController();
  const ended = webhooks(SECRET, { ...quiet, url: server.url }).runAsync(stop.signal);
  const event = await client.enqueueAndWait("webhook.deliver", { url, type: "order.paid", data: { amount: 12345678901234567890n } }, "20s");
  stop.abort();
  await ended;
  assert.deepEqual([event.status, event.failures, event.result], ["completed", 1, { status: 200 }]);
  assert.deepEqual(seen.map(({ headers }) => headers["webhook-id"]), [event.event_id, event.event_id]);
  const { headers, body } = seen[1];
  assert.match(body, /"amount":12345678901234567890/);
  const signed = createHmac("sha256", SECRET).update(`${event.event_id}.${headers["webhook-timestamp"]}.${body}`).digest("base64");
  assert.equal(headers["webhook-signature"], `v1,${signed}`);
});
