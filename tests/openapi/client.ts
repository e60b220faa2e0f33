// Types that openapi-typescript has made, and openapi-fetch on top: works off an event. tsc checks this file strictly.
import assert from "node:assert/strict";
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type Problem = components["schemas"]["Problem"];

const [, , baseUrl] = process.argv;
assert(baseUrl);
const client = createClient<paths>({ baseUrl });

const engine_id = "typescript-1";
const engine = await client.PUT("/v1/engines/{engine_id}", {
  params: { path: { engine_id } },
  body: { engine_type: "generated" },
});
assert(engine.data, JSON.stringify(engine.error));

const enqueued = await client.POST("/v1/events", { body: { event_type: "generated.typescript", payload: { n: 1 } } });
assert(enqueued.data, JSON.stringify(enqueued.error));

const claimed = await client.POST("/v1/engines/{engine_id}/claim", {
  params: { path: { engine_id } },
  body: { epoch: engine.data.epoch, event_types: ["generated.typescript"], wait_seconds: 5 },
});
assert(claimed.data, JSON.stringify(claimed.error));
const [event] = claimed.data.events;
assert(event);
assert.equal(event.event_id, enqueued.data.event_id);
assert.deepEqual(event.payload, { n: 1 });
// The lock and its token are there: nothing to check first.
const lock_token: string = event.lock.token;
const path = { event_id: event.event_id };

// Refused: the error is a problem with a code, not nothing.
const stale = lock_token.slice(0, -1) + (lock_token.endsWith("0") ? "1" : "0");
const refused = await client.POST("/v1/events/{event_id}/complete", { params: { path }, body: { lock_token: stale } });
assert.equal(refused.response.status, 409);
const problem: Problem | undefined = refused.error;
assert(problem);
assert.equal(problem.code, "lock_lost");
assert.equal(problem.event_status, "processing");

const invalid = await client.POST("/v1/events", { body: { event_type: "no name", priority: 12 } });
assert.deepEqual(invalid.error?.errors?.map((error) => error.pointer), ["/event_type", "/priority"]);

const done = await client.POST("/v1/events/{event_id}/complete", {
  params: { path },
  body: { lock_token, result: { ok: true } },
});
assert.equal(done.data?.status, "completed");
assert.equal(done.data?.lock, null);

const page = await client.GET("/v1/events", {
  params: { query: { event_type: "generated.typescript", status: "completed" } },
});
assert.deepEqual(page.data?.items.map((listed) => listed.event_id), [event.event_id]);
assert.equal(page.data?.next_cursor, null);

console.log("registered, enqueued, claimed, refused, completed, listed");
