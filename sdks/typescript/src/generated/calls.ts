// Generated from openapi.json by tools/generate.mjs: `npm run generate` writes it anew.

import type { Answer, Args, CallOptions, OperationShape, PagedList } from "../calls.js";

/** How each call is made. */
export const OPERATIONS = {
  accept_clock: { method: "POST", path: "/v1/clock/accept", query: [], body: false, repeatable: true },
  cancel_event: { method: "POST", path: "/v1/events/{event_id}/cancel", query: [], body: true, repeatable: true },
  cancel_events: { method: "POST", path: "/v1/events/cancel", query: [], body: true, repeatable: true },
  cancel_operation: { method: "POST", path: "/v1/operations/{operation_id}/cancel", query: [], body: false, repeatable: true },
  cancel_scenario_run: { method: "POST", path: "/v1/scenario-runs/{scenario_run_id}/cancel", query: [], body: true, repeatable: false },
  change_event: { method: "PATCH", path: "/v1/events/{event_id}", query: [], body: true, repeatable: false },
  claim_events: { method: "POST", path: "/v1/engines/{engine_id}/claim", query: [], body: true, repeatable: false },
  complete_event: { method: "POST", path: "/v1/events/{event_id}/complete", query: [], body: true, repeatable: true },
  create_operation: { method: "POST", path: "/v1/operations", query: [], body: true, repeatable: false },
  create_token: { method: "POST", path: "/v1/tokens", query: [], body: true, repeatable: false },
  delete_event_type: { method: "DELETE", path: "/v1/event-types/{event_type}", query: [], body: false, repeatable: true },
  delete_queue: { method: "DELETE", path: "/v1/queues/{queue}", query: [], body: false, repeatable: true },
  deregister_engine: { method: "DELETE", path: "/v1/engines/{engine_id}", query: ["epoch"], body: false, repeatable: true },
  discard_dead_letter: { method: "DELETE", path: "/v1/dead-letters/{event_id}", query: [], body: true, repeatable: false },
  discard_dead_letters: { method: "POST", path: "/v1/dead-letters/discard", query: [], body: true, repeatable: false },
  drain_engine: { method: "POST", path: "/v1/engines/{engine_id}/drain", query: [], body: true, repeatable: true },
  enqueue_batch: { method: "POST", path: "/v1/events/batch", query: [], body: true, repeatable: false },
  enqueue_event: { method: "POST", path: "/v1/events", query: ["wait_seconds"], body: true, repeatable: false },
  exchange: { method: "POST", path: "/v1/engines/{engine_id}/exchange", query: [], body: true, repeatable: false },
  explain_engine: { method: "GET", path: "/v1/engines/{engine_id}/explain", query: [], body: false, repeatable: true },
  explain_event: { method: "GET", path: "/v1/events/{event_id}/explain", query: ["engine_id"], body: false, repeatable: true },
  extend_lock: { method: "POST", path: "/v1/events/{event_id}/extend", query: [], body: true, repeatable: true },
  fail_event: { method: "POST", path: "/v1/events/{event_id}/fail", query: [], body: true, repeatable: true },
  get_dead_letter: { method: "GET", path: "/v1/dead-letters/{event_id}", query: [], body: false, repeatable: true },
  get_engine: { method: "GET", path: "/v1/engines/{engine_id}", query: [], body: false, repeatable: true },
  get_event: { method: "GET", path: "/v1/events/{event_id}", query: ["wait_seconds"], body: false, repeatable: true },
  get_event_history: { method: "GET", path: "/v1/events/{event_id}/history", query: [], body: false, repeatable: true },
  get_event_log: { method: "GET", path: "/v1/events/{event_id}/log", query: ["attempt","follow"], body: false, repeatable: true },
  get_event_type: { method: "GET", path: "/v1/event-types/{event_type}", query: [], body: false, repeatable: true },
  get_health: { method: "GET", path: "/healthz", query: [], body: false, repeatable: true },
  get_minutes: { method: "GET", path: "/v1/stats/minutes", query: ["queue","event_type","from","to","step_seconds","group_by"], body: false, repeatable: true },
  get_operation: { method: "GET", path: "/v1/operations/{operation_id}", query: [], body: false, repeatable: true },
  get_overview: { method: "GET", path: "/v1/stats/overview", query: [], body: false, repeatable: true },
  get_queue: { method: "GET", path: "/v1/queues/{queue}", query: [], body: false, repeatable: true },
  get_readiness: { method: "GET", path: "/readyz", query: [], body: false, repeatable: true },
  get_scenario_run: { method: "GET", path: "/v1/scenario-runs/{scenario_run_id}", query: [], body: false, repeatable: true },
  get_stats: { method: "GET", path: "/v1/stats", query: [], body: false, repeatable: true },
  get_system: { method: "GET", path: "/v1/system", query: [], body: false, repeatable: true },
  get_token: { method: "GET", path: "/v1/tokens/{accessor}", query: [], body: false, repeatable: true },
  heartbeat: { method: "POST", path: "/v1/engines/{engine_id}/heartbeat", query: [], body: true, repeatable: false },
  lift_quarantine: { method: "POST", path: "/v1/engines/{engine_id}/lift", query: [], body: false, repeatable: true },
  list_audit: { method: "GET", path: "/v1/audit", query: ["principal","action","target","outcome","from","until","limit","cursor"], body: false, repeatable: true },
  list_blocked: { method: "GET", path: "/v1/blocked", query: ["queue","event_type","verdict","limit","cursor"], body: false, repeatable: true },
  list_dead_letters: { method: "GET", path: "/v1/dead-letters", query: ["event_type","queue","reason","error_code","group_id","dead_lettered_before","dead_lettered_after","filter","limit","cursor"], body: false, repeatable: true },
  list_engine_loads: { method: "GET", path: "/v1/stats/engines", query: ["status","stopped","engine_type","capability","filter","limit","cursor"], body: false, repeatable: true },
  list_engines: { method: "GET", path: "/v1/engines", query: ["status","stopped","engine_type","capability","filter","limit","cursor"], body: false, repeatable: true },
  list_event_types: { method: "GET", path: "/v1/event-types", query: ["limit","cursor"], body: false, repeatable: true },
  list_events: { method: "GET", path: "/v1/events", query: ["status","event_type","queue","scenario_run_id","engine_id","priority","label","idempotency_key","available_after","enqueued_after","enqueued_before","filter","limit","cursor"], body: false, repeatable: true },
  list_lanes: { method: "GET", path: "/v1/stats/lanes", query: ["limit","cursor"], body: false, repeatable: true },
  list_operation_conflicts: { method: "GET", path: "/v1/operations/{operation_id}/conflicts", query: ["limit","cursor"], body: false, repeatable: true },
  list_operations: { method: "GET", path: "/v1/operations", query: ["limit","cursor"], body: false, repeatable: true },
  list_queue_activity: { method: "GET", path: "/v1/stats/queues", query: [], body: false, repeatable: true },
  list_queues: { method: "GET", path: "/v1/queues", query: ["limit","cursor"], body: false, repeatable: true },
  list_scenario_runs: { method: "GET", path: "/v1/scenario-runs", query: ["limit","cursor"], body: false, repeatable: true },
  list_suspects: { method: "GET", path: "/v1/suspects", query: [], body: false, repeatable: true },
  list_tokens: { method: "GET", path: "/v1/tokens", query: ["limit","cursor"], body: false, repeatable: true },
  pause_event_type: { method: "POST", path: "/v1/event-types/{event_type}/pause", query: [], body: true, repeatable: true },
  pause_queue: { method: "POST", path: "/v1/queues/{queue}/pause", query: [], body: true, repeatable: true },
  pause_scenario_run: { method: "POST", path: "/v1/scenario-runs/{scenario_run_id}/pause", query: [], body: true, repeatable: true },
  preview_dead_letters: { method: "GET", path: "/v1/dead-letters/preview", query: ["event_type","queue","reason","error_code","group_id","dead_lettered_before","dead_lettered_after","limit"], body: false, repeatable: true },
  preview_operation: { method: "POST", path: "/v1/operations/preview", query: [], body: true, repeatable: true },
  quarantine_engine: { method: "POST", path: "/v1/engines/{engine_id}/quarantine", query: [], body: true, repeatable: true },
  read_audit_chain: { method: "GET", path: "/v1/audit/chain", query: ["after","limit"], body: false, repeatable: true },
  redrive_dead_letter: { method: "POST", path: "/v1/dead-letters/{event_id}/redrive", query: [], body: true, repeatable: false },
  redrive_dead_letters: { method: "POST", path: "/v1/dead-letters/redrive", query: [], body: true, repeatable: false },
  redrive_event: { method: "POST", path: "/v1/events/{event_id}/redrive", query: [], body: true, repeatable: false },
  register_engine: { method: "PUT", path: "/v1/engines/{engine_id}", query: [], body: true, repeatable: true },
  register_new_engine: { method: "POST", path: "/v1/engines", query: [], body: true, repeatable: false },
  release_event: { method: "POST", path: "/v1/events/{event_id}/release", query: [], body: true, repeatable: true },
  release_idempotency_key: { method: "DELETE", path: "/v1/idempotency-keys", query: ["idempotency_key"], body: false, repeatable: false },
  resume_engine: { method: "POST", path: "/v1/engines/{engine_id}/resume", query: [], body: false, repeatable: true },
  resume_event_type: { method: "POST", path: "/v1/event-types/{event_type}/resume", query: [], body: false, repeatable: true },
  resume_queue: { method: "POST", path: "/v1/queues/{queue}/resume", query: [], body: false, repeatable: true },
  resume_scenario_run: { method: "POST", path: "/v1/scenario-runs/{scenario_run_id}/resume", query: [], body: false, repeatable: true },
  retry_event: { method: "POST", path: "/v1/events/{event_id}/retry", query: [], body: false, repeatable: true },
  retry_events: { method: "POST", path: "/v1/events/retry", query: [], body: true, repeatable: true },
  revoke_token: { method: "DELETE", path: "/v1/tokens/{accessor}", query: [], body: false, repeatable: true },
  rotate_token: { method: "POST", path: "/v1/tokens/{accessor}/rotate", query: [], body: true, repeatable: false },
  set_event_type: { method: "PUT", path: "/v1/event-types/{event_type}", query: [], body: true, repeatable: true },
  set_queue: { method: "PUT", path: "/v1/queues/{queue}", query: [], body: true, repeatable: true },
  settle_events: { method: "POST", path: "/v1/events/settle", query: [], body: true, repeatable: true },
  summarize_dead_letters: { method: "GET", path: "/v1/dead-letters/summary", query: [], body: false, repeatable: true },
  whoami: { method: "GET", path: "/v1/whoami", query: [], body: false, repeatable: true },
} as const satisfies Record<string, OperationShape>;

/** The name of a call, as in openapi.json. */
export type OperationId = keyof typeof OPERATIONS;

/** One method for each call of the HTTP API. */
export abstract class GeneratedCalls {
  /** Makes a call. */
  protected abstract call<O extends OperationId>(id: O, args: Args<O>, options?: CallOptions): Promise<Answer<O>>;
  /** Makes a call that answers a page of a list. */
  protected abstract list<O extends OperationId>(id: O, args: Args<O>, options?: CallOptions): PagedList<Answer<O>>;

  /**
   * Say that the clock is right after it has leapt ahead: finished events are deleted again when their retention ends.
   *
   * Needs the permission `settings:write`.
   */
  acceptClock(args: Args<"accept_clock"> = {}, options?: CallOptions): Promise<Answer<"accept_clock">> {
    return this.call("accept_clock", args, options);
  }

  /**
   * Cancel an event.
   *
   * A queued one is cancelled at once. Of one that is being processed, the engine is told at its next heartbeat; if it
   * settles it nevertheless, that counts. With `force` its lock is taken away at once. The body may be left out.
   *
   * Needs the permission `events:control`.
   */
  cancelEvent(args: Args<"cancel_event">, options?: CallOptions): Promise<Answer<"cancel_event">> {
    return this.call("cancel_event", args, options);
  }

  /**
   * Cancel all events that match, newest first: the queued ones, then those that are processing.
   *
   * It is about at most `limit` events: repeat it with its `next_cursor` until that is null. To repeat a call is safe.
   * With `dry_run` it says which events it would be about, in its order, and does nothing. Events that come to match later
   * are left alone.
   *
   * Needs the permission `events:control`.
   */
  cancelEvents(args: Args<"cancel_events">, options?: CallOptions): Promise<Answer<"cancel_events">> {
    return this.call("cancel_events", args, options);
  }

  /**
   * Cancel an operation: no further member has its turn. What was done stays done. One that has ended stays as it is.
   *
   * Needs the permission `events:control` or `engines:control`.
   */
  cancelOperation(args: Args<"cancel_operation">, options?: CallOptions): Promise<Answer<"cancel_operation">> {
    return this.call("cancel_operation", args, options);
  }

  /**
   * Cancel the events of a scenario run that are queued or processing at this moment: an operation, which goes on by
   * itself.
   *
   * Engines that work on them are asked to stop; with `force`, their locks are taken away. Events that are enqueued into
   * the run later are not cancelled. The operation is `cancel_events` with the filter `run:ID`: see `POST /v1/operations`.
   * The body may be left out.
   *
   * Needs the permission `events:control`.
   */
  cancelScenarioRun(args: Args<"cancel_scenario_run">, options?: CallOptions): Promise<Answer<"cancel_scenario_run">> {
    return this.call("cancel_scenario_run", args, options);
  }

  /**
   * Change an event that waits: its payload, priority, queue, requirements, time, labels or policy.
   *
   * The body is a JSON merge patch: a field that is absent stays as it is, and one that is null is as if it had been left
   * out at the enqueue. An event that waits for a retry is queued, too. Of any other, the status is answered.
   *
   * Needs the permission `events:control`.
   */
  changeEvent(args: Args<"change_event">, options?: CallOptions): Promise<Answer<"change_event">> {
    return this.call("change_event", args, options);
  }

  /**
   * Claim up to `limit` events that the engine may process, each under a lock.
   *
   * Needs the permission `engines:work`.
   */
  claimEvents(args: Args<"claim_events">, options?: CallOptions): Promise<Answer<"claim_events">> {
    return this.call("claim_events", args, options);
  }

  /**
   * Report that an event is done.
   *
   * A repeat with the same token answers the same.
   *
   * Needs the permission `engines:work` or `attempts:settle`.
   */
  completeEvent(args: Args<"complete_event">, options?: CallOptions): Promise<Answer<"complete_event">> {
    return this.call("complete_event", args, options);
  }

  /**
   * Create an operation, which goes on by itself from then on.
   *
   * All that match are written down, a page at a time, and then have their turns in the order in which they were found:
   * events newest first, dead letters oldest first, engines by id. Those that come to match later are left alone. One that
   * has moved on when it is its turn is a conflict: it stays as it is, is counted, and is listed with why. The operation
   * goes on across restarts and on any server, with the selectors that the token had; when that is revoked, it ends.
   *
   * Needs the permission `events:control` or `engines:control`.
   */
  createOperation(args: Args<"create_operation">, options?: CallOptions): Promise<Answer<"create_operation">> {
    return this.call("create_operation", args, options);
  }

  /**
   * Make a token. Its text is answered this once; what is kept of it does not tell it.
   *
   * The first token of a store cannot be made by a call: `enginehouse token create --store` makes it, for whoever has the
   * store.
   *
   * Needs the permission `tokens:write`.
   */
  createToken(args: Args<"create_token">, options?: CallOptions): Promise<Answer<"create_token">> {
    return this.call("create_token", args, options);
  }

  /**
   * Forget what an event type sets: what its queue sets holds again, or the defaults.
   *
   * Needs the permission `settings:write`.
   */
  deleteEventType(args: Args<"delete_event_type">, options?: CallOptions): Promise<Answer<"delete_event_type">> {
    return this.call("delete_event_type", args, options);
  }

  /**
   * Forget what a queue sets: the defaults hold again.
   *
   * Needs the permission `settings:write`.
   */
  deleteQueue(args: Args<"delete_queue">, options?: CallOptions): Promise<Answer<"delete_queue">> {
    return this.call("delete_queue", args, options);
  }

  /**
   * Deregister an engine, in good order.
   *
   * What it holds is back in its queue at once, as after a release: a goodbye is no loss.
   *
   * Needs the permission `engines:control` or `engines:work`.
   */
  deregisterEngine(args: Args<"deregister_engine">, options?: CallOptions): Promise<Answer<"deregister_engine">> {
    return this.call("deregister_engine", args, options);
  }

  /**
   * Give up on a dead letter. The event stays failed. The body may be left out.
   *
   * Needs the permission `events:control`.
   */
  discardDeadLetter(args: Args<"discard_dead_letter">, options?: CallOptions): Promise<Answer<"discard_dead_letter">> {
    return this.call("discard_dead_letter", args, options);
  }

  /**
   * Give up on all dead letters that match. The events stay failed.
   *
   * Those that come to be while it runs are left alone. It goes on if the caller hangs up.
   *
   * Needs the permission `events:control`.
   */
  discardDeadLetters(args: Args<"discard_dead_letters">, options?: CallOptions): Promise<Answer<"discard_dead_letters">> {
    return this.call("discard_dead_letters", args, options);
  }

  /**
   * Give an engine no new events. The body may be left out.
   *
   * Needs the permission `engines:control` or `engines:work`.
   */
  drainEngine(args: Args<"drain_engine">, options?: CallOptions): Promise<Answer<"drain_engine">> {
    return this.call("drain_engine", args, options);
  }

  /**
   * Enqueue many events.
   *
   * As `application/json`: up to 10,000 events, all or nothing; with `"atomic": false` each has its own answer. As
   * `application/x-ndjson`: one event per line, of any number; the good lines are stored and the bad ones named. If a
   * stream breaks off, what was stored stays stored, and the problem says how many lines were dealt with.
   *
   * Needs the permission `events:enqueue`.
   */
  enqueueBatch(args: Args<"enqueue_batch">, options?: CallOptions): Promise<Answer<"enqueue_batch">> {
    return this.call("enqueue_batch", args, options);
  }

  /**
   * Enqueue one event.
   *
   * With an `idempotency_key`, a repeat is safe: as long as the event is kept, the same request answers with it and
   * `duplicate: true`. The header `Idempotency-Key` is the same as the field. With `wait_seconds` the answer comes once
   * the event has completed, failed or been cancelled, or when the time is over, and has the event as it is then. It was
   * stored long before: whoever hangs up loses nothing but the answer.
   *
   * Needs the permission `events:enqueue`.
   */
  enqueueEvent(args: Args<"enqueue_event">, options?: CallOptions): Promise<Answer<"enqueue_event">> {
    return this.call("enqueue_event", args, options);
  }

  /**
   * Settle, send a heartbeat and claim, in one round trip and one transaction: an engine's whole loop.
   *
   * Every part is optional. If the epoch is over, nothing of it is done. A settlement with a bad field is refused by
   * itself.
   *
   * Needs the permission `engines:work`.
   */
  exchange(args: Args<"exchange">, options?: CallOptions): Promise<Answer<"exchange">> {
    return this.call("exchange", args, options);
  }

  /**
   * Say what an engine could claim now, what keeps it from more, and which single change would open most.
   *
   * Needs the permission `engines:read`.
   */
  explainEngine(args: Args<"explain_engine">, options?: CallOptions): Promise<Answer<"explain_engine">> {
    return this.call("explain_engine", args, options);
  }

  /**
   * Say why an event does not run now.
   *
   * Of a queued event: every gate between it and an engine, how many engines pass each, which engines nearly could run it,
   * and the smallest change that would let it run. Of any other: what has become of it.
   *
   * Needs the permission `events:read`.
   */
  explainEvent(args: Args<"explain_event">, options?: CallOptions): Promise<Answer<"explain_event">> {
    return this.call("explain_event", args, options);
  }

  /**
   * Keep a lock for so long from now.
   *
   * Needs the permission `engines:work` or `attempts:settle`.
   */
  extendLock(args: Args<"extend_lock">, options?: CallOptions): Promise<Answer<"extend_lock">> {
    return this.call("extend_lock", args, options);
  }

  /**
   * Report that an attempt failed.
   *
   * By the retry policy the event waits for another attempt, or has finally failed. A repeat with the same token answers
   * the same.
   *
   * Needs the permission `engines:work` or `attempts:settle`.
   */
  failEvent(args: Args<"fail_event">, options?: CallOptions): Promise<Answer<"fail_event">> {
    return this.call("fail_event", args, options);
  }

  /**
   * Show one dead letter.
   *
   * Needs the permission `events:read`.
   */
  getDeadLetter(args: Args<"get_dead_letter">, options?: CallOptions): Promise<Answer<"get_dead_letter">> {
    return this.call("get_dead_letter", args, options);
  }

  /**
   * Show one engine, with its locks.
   *
   * Needs the permission `engines:read`.
   */
  getEngine(args: Args<"get_engine">, options?: CallOptions): Promise<Answer<"get_engine">> {
    return this.call("get_engine", args, options);
  }

  /**
   * Show one event; with `wait_seconds`, once it has completed, failed or been cancelled, or as it is when the time is
   * over.
   *
   * Needs the permission `events:read`.
   */
  getEvent(args: Args<"get_event">, options?: CallOptions): Promise<Answer<"get_event">> {
    return this.call("get_event", args, options);
  }

  /**
   * Show every attempt of an event, and what people did to it.
   *
   * Needs the permission `events:read`.
   */
  getEventHistory(args: Args<"get_event_history">, options?: CallOptions): Promise<Answer<"get_event_history">> {
    return this.call("get_event_history", args, options);
  }

  /**
   * Show the ends of the logs of an event's attempts.
   *
   * With `follow=true` the answer is a stream of server-sent events: `log` for what there is and what is appended, until
   * the attempt ends, and `end` with its outcome. At most 100 callers follow at once.
   *
   * Needs the permission `events:read_payload`.
   */
  getEventLog(args: Args<"get_event_log">, options?: CallOptions): Promise<Answer<"get_event_log">> {
    return this.call("get_event_log", args, options);
  }

  /**
   * Show what an event type sets, and how long its events waited and took.
   *
   * Needs the permission `settings:read`.
   */
  getEventType(args: Args<"get_event_type">, options?: CallOptions): Promise<Answer<"get_event_type">> {
    return this.call("get_event_type", args, options);
  }

  /**
   * Whether the process lives: then it answers.
   */
  getHealth(args: Args<"get_health"> = {}, options?: CallOptions): Promise<Answer<"get_health">> {
    return this.call("get_health", args, options);
  }

  /**
   * Show what happened, minute by minute, of the last 72 hours.
   *
   * Each server counts in memory what it does, and adds it to the store every ten seconds: what others did shows so much
   * later, and of a server that is killed the last seconds are missing. Events that applications enqueue in SQL are not
   * counted as enqueued.
   *
   * Needs the permission `stats:read`.
   */
  getMinutes(args: Args<"get_minutes"> = {}, options?: CallOptions): Promise<Answer<"get_minutes">> {
    return this.call("get_minutes", args, options);
  }

  /**
   * Show one operation, as far as it is, with the last of its members that were not changed.
   *
   * Needs the permission `events:read` or `engines:read`.
   */
  getOperation(args: Args<"get_operation">, options?: CallOptions): Promise<Answer<"get_operation">> {
    return this.call("get_operation", args, options);
  }

  /**
   * Show the state of everything in a few numbers, and what needs a person, the most urgent first.
   *
   * Needs the permission `stats:read`.
   */
  getOverview(args: Args<"get_overview"> = {}, options?: CallOptions): Promise<Answer<"get_overview">> {
    return this.call("get_overview", args, options);
  }

  /**
   * Show what a queue sets.
   *
   * Needs the permission `settings:read`.
   */
  getQueue(args: Args<"get_queue">, options?: CallOptions): Promise<Answer<"get_queue">> {
    return this.call("get_queue", args, options);
  }

  /**
   * Whether the server is ready to serve: its store can be read and written, and it is not about to stop.
   */
  getReadiness(args: Args<"get_readiness"> = {}, options?: CallOptions): Promise<Answer<"get_readiness">> {
    return this.call("get_readiness", args, options);
  }

  /**
   * Show one scenario run, with the engines that hold locks on its events.
   *
   * Needs the permission `events:read`.
   */
  getScenarioRun(args: Args<"get_scenario_run">, options?: CallOptions): Promise<Answer<"get_scenario_run">> {
    return this.call("get_scenario_run", args, options);
  }

  /**
   * Count events, engines and dead letters, in all and by queue and event type. Takes time in proportion to the lanes, not
   * to the events.
   *
   * Needs the permission `stats:read`.
   */
  getStats(args: Args<"get_stats"> = {}, options?: CallOptions): Promise<Answer<"get_stats">> {
    return this.call("get_stats", args, options);
  }

  /**
   * Show how this server is set up, where each setting comes from, and what a person should look after.
   *
   * Advice about tokens is for those who may read tokens.
   *
   * Needs the permission `system:read`.
   */
  getSystem(args: Args<"get_system"> = {}, options?: CallOptions): Promise<Answer<"get_system">> {
    return this.call("get_system", args, options);
  }

  /**
   * Show one token.
   *
   * Needs the permission `tokens:read`.
   */
  getToken(args: Args<"get_token">, options?: CallOptions): Promise<Answer<"get_token">> {
    return this.call("get_token", args, options);
  }

  /**
   * Send a heartbeat: stay alive, keep locks, learn what has changed.
   *
   * It counts even if `dynamic_state` or a lock token is wrong: that is left out, and `errors` says why.
   *
   * Needs the permission `engines:work`.
   */
  heartbeat(args: Args<"heartbeat">, options?: CallOptions): Promise<Answer<"heartbeat">> {
    return this.call("heartbeat", args, options);
  }

  /**
   * Lift the quarantine of an engine. If it is in none, nothing happens.
   *
   * Needs the permission `engines:control`.
   */
  liftQuarantine(args: Args<"lift_quarantine">, options?: CallOptions): Promise<Answer<"lift_quarantine">> {
    return this.call("lift_quarantine", args, options);
  }

  /**
   * List what people did, and what they were kept from, newest first.
   *
   * Changes that engines make as they work are not in it: metrics and the histories of events have those.
   *
   * Needs the permission `audit:read`.
   */
  listAudit(args: Args<"list_audit"> = {}, options?: CallOptions): PagedList<Answer<"list_audit">> {
    return this.list("list_audit", args, options);
  }

  /**
   * List the lanes in which events wait, the worst first, each explained: those that no engine could ever run, then those
   * that a person has to free, then those that time frees, and last those that an engine could run now. Of each kind, the
   * one whose first event has waited longest comes first.
   *
   * Needs the permission `events:read`.
   */
  listBlocked(args: Args<"list_blocked"> = {}, options?: CallOptions): PagedList<Answer<"list_blocked">> {
    return this.list("list_blocked", args, options);
  }

  /**
   * List dead letters, newest event first.
   *
   * Needs the permission `events:read`.
   */
  listDeadLetters(args: Args<"list_dead_letters"> = {}, options?: CallOptions): PagedList<Answer<"list_dead_letters">> {
    return this.list("list_dead_letters", args, options);
  }

  /**
   * List what engines said of their load, minute by minute, in the last quarter of an hour.
   *
   * The engines are those that the list of engines has for the same filter and page. A server notes the load each minute,
   * in memory: one that was started lately has less.
   *
   * Needs the permission `engines:read`.
   */
  listEngineLoads(args: Args<"list_engine_loads"> = {}, options?: CallOptions): PagedList<Answer<"list_engine_loads">> {
    return this.list("list_engine_loads", args, options);
  }

  /**
   * List engines by id.
   *
   * Needs the permission `engines:read`.
   */
  listEngines(args: Args<"list_engines"> = {}, options?: CallOptions): PagedList<Answer<"list_engines">> {
    return this.list("list_engines", args, options);
  }

  /**
   * List the event types that have settings or events, by name.
   *
   * Needs the permission `settings:read`.
   */
  listEventTypes(args: Args<"list_event_types"> = {}, options?: CallOptions): PagedList<Answer<"list_event_types">> {
    return this.list("list_event_types", args, options);
  }

  /**
   * List events, newest first.
   *
   * Needs the permission `events:read`.
   */
  listEvents(args: Args<"list_events"> = {}, options?: CallOptions): PagedList<Answer<"list_events">> {
    return this.list("list_events", args, options);
  }

  /**
   * List lanes in the order in which they were made, each with its counts.
   *
   * Needs the permission `stats:read`.
   */
  listLanes(args: Args<"list_lanes"> = {}, options?: CallOptions): PagedList<Answer<"list_lanes">> {
    return this.list("list_lanes", args, options);
  }

  /**
   * List the members of an operation that had their turn and were not changed, in its order, each with why.
   *
   * Needs the permission `events:read` or `engines:read`.
   */
  listOperationConflicts(args: Args<"list_operation_conflicts">, options?: CallOptions): PagedList<Answer<"list_operation_conflicts">> {
    return this.list("list_operation_conflicts", args, options);
  }

  /**
   * List operations, newest first: those that go on, and those that have ended within the last 30 days. A token with
   * selectors is shown its own.
   *
   * Needs the permission `events:read` or `engines:read`.
   */
  listOperations(args: Args<"list_operations"> = {}, options?: CallOptions): PagedList<Answer<"list_operations">> {
    return this.list("list_operations", args, options);
  }

  /**
   * Show what is in every queue by event type, how fast it goes, and whether engines serve it.
   *
   * Takes time in proportion to the lanes, not to the events.
   *
   * Needs the permission `stats:read`.
   */
  listQueueActivity(args: Args<"list_queue_activity"> = {}, options?: CallOptions): Promise<Answer<"list_queue_activity">> {
    return this.call("list_queue_activity", args, options);
  }

  /**
   * List the queues that have settings or events, by name.
   *
   * Needs the permission `settings:read`.
   */
  listQueues(args: Args<"list_queues"> = {}, options?: CallOptions): PagedList<Answer<"list_queues">> {
    return this.list("list_queues", args, options);
  }

  /**
   * List scenario runs by id, each with its counts.
   *
   * Needs the permission `events:read`.
   */
  listScenarioRuns(args: Args<"list_scenario_runs"> = {}, options?: CallOptions): PagedList<Answer<"list_scenario_runs">> {
    return this.list("list_scenario_runs", args, options);
  }

  /**
   * List engines and versions that fail more than others do at the same work, the surest first.
   *
   * It is advice, by the attempts that this server has seen the end of since it was started.
   *
   * Needs the permission `engines:read`.
   */
  listSuspects(args: Args<"list_suspects"> = {}, options?: CallOptions): Promise<Answer<"list_suspects">> {
    return this.call("list_suspects", args, options);
  }

  /**
   * List tokens by accessor: those that are over, too, and none that reach further than your own.
   *
   * Needs the permission `tokens:read`.
   */
  listTokens(args: Args<"list_tokens"> = {}, options?: CallOptions): PagedList<Answer<"list_tokens">> {
    return this.list("list_tokens", args, options);
  }

  /**
   * Keep the events of a type from being claimed. The body may be left out.
   *
   * What is paused already goes on since then, with another reason if one is given.
   *
   * Needs the permission `settings:pause`.
   */
  pauseEventType(args: Args<"pause_event_type">, options?: CallOptions): Promise<Answer<"pause_event_type">> {
    return this.call("pause_event_type", args, options);
  }

  /**
   * Keep the events of a queue from being claimed. The body may be left out.
   *
   * What is paused already goes on since then, with another reason if one is given.
   *
   * Needs the permission `settings:pause`.
   */
  pauseQueue(args: Args<"pause_queue">, options?: CallOptions): Promise<Answer<"pause_queue">> {
    return this.call("pause_queue", args, options);
  }

  /**
   * Keep the events of a scenario run from being claimed. The body may be left out.
   *
   * What engines hold already goes on. What is paused already goes on since then, with another reason if one is given.
   * Events that are enqueued meanwhile are of the run, too, and wait.
   *
   * Needs the permission `settings:pause`.
   */
  pauseScenarioRun(args: Args<"pause_scenario_run">, options?: CallOptions): Promise<Answer<"pause_scenario_run">> {
    return this.call("pause_scenario_run", args, options);
  }

  /**
   * Show what a bulk redrive or discard would touch, in its order. Nothing is changed.
   *
   * Needs the permission `events:read`.
   */
  previewDeadLetters(args: Args<"preview_dead_letters"> = {}, options?: CallOptions): Promise<Answer<"preview_dead_letters">> {
    return this.call("preview_dead_letters", args, options);
  }

  /**
   * Say what an operation would be about at this moment: how many, and the first of them in its order. Nothing is changed.
   *
   * Needs the permission `events:control` or `engines:control`.
   */
  previewOperation(args: Args<"preview_operation">, options?: CallOptions): Promise<Answer<"preview_operation">> {
    return this.call("preview_operation", args, options);
  }

  /**
   * Keep an engine from events, or from those of some types, without stopping it; in place of a quarantine that it is in.
   *
   * It finishes what it holds. The quarantine stays when the engine registers anew, until its end or until it is lifted.
   *
   * Needs the permission `engines:control`.
   */
  quarantineEngine(args: Args<"quarantine_engine">, options?: CallOptions): Promise<Answer<"quarantine_engine">> {
    return this.call("quarantine_engine", args, options);
  }

  /**
   * Read the audit log in the order of its chain, oldest first: to keep a copy, and to verify that nobody has changed it.
   *
   * The hash of an entry covers what it says and the hash of the one before it. `enginehouse audit verify` compares them.
   *
   * Needs the permission `audit:read`.
   */
  readAuditChain(args: Args<"read_audit_chain"> = {}, options?: CallOptions): Promise<Answer<"read_audit_chain">> {
    return this.call("read_audit_chain", args, options);
  }

  /**
   * Put a dead letter back in its queue, with a fresh retry budget, and changed if the body says so. It may be left out.
   *
   * Needs the permission `events:control`.
   */
  redriveDeadLetter(args: Args<"redrive_dead_letter">, options?: CallOptions): Promise<Answer<"redrive_dead_letter">> {
    return this.call("redrive_dead_letter", args, options);
  }

  /**
   * Put all dead letters that match back in their queues, at a given rate.
   *
   * Those that come to be while it runs are left alone. It goes on if the caller hangs up.
   *
   * Needs the permission `events:control`.
   */
  redriveDeadLetters(args: Args<"redrive_dead_letters">, options?: CallOptions): Promise<Answer<"redrive_dead_letters">> {
    return this.call("redrive_dead_letters", args, options);
  }

  /**
   * Put a failed or cancelled event back in its queue, with fresh budgets of retries and losses, and changed if the body
   * says so. It may be left out.
   *
   * Needs the permission `events:control`.
   */
  redriveEvent(args: Args<"redrive_event">, options?: CallOptions): Promise<Answer<"redrive_event">> {
    return this.call("redrive_event", args, options);
  }

  /**
   * Register an engine, for the first time or again.
   *
   * Each registration begins a new epoch; the locks of the older one are lost.
   *
   * Needs the permission `engines:register`.
   */
  registerEngine(args: Args<"register_engine">, options?: CallOptions): Promise<Answer<"register_engine">> {
    return this.call("register_engine", args, options);
  }

  /**
   * Register an engine under an id that the server makes.
   *
   * A repeat registers another one.
   *
   * Needs the permission `engines:register`.
   */
  registerNewEngine(args: Args<"register_new_engine">, options?: CallOptions): Promise<Answer<"register_new_engine">> {
    return this.call("register_new_engine", args, options);
  }

  /**
   * Give an event back, as if it had not been claimed.
   *
   * Needs the permission `engines:work` or `attempts:settle`.
   */
  releaseEvent(args: Args<"release_event">, options?: CallOptions): Promise<Answer<"release_event">> {
    return this.call("release_event", args, options);
  }

  /**
   * Release an idempotency key.
   *
   * The event that has it stays as it is, but for its key; the next enqueue with the key makes a new event.
   *
   * Needs the permission `events:control`.
   */
  releaseIdempotencyKey(args: Args<"release_idempotency_key">, options?: CallOptions): Promise<Answer<"release_idempotency_key">> {
    return this.call("release_idempotency_key", args, options);
  }

  /**
   * Give a draining engine events again.
   *
   * Needs the permission `engines:control`.
   */
  resumeEngine(args: Args<"resume_engine">, options?: CallOptions): Promise<Answer<"resume_engine">> {
    return this.call("resume_engine", args, options);
  }

  /**
   * Let the events of a type be claimed again.
   *
   * Needs the permission `settings:pause`.
   */
  resumeEventType(args: Args<"resume_event_type">, options?: CallOptions): Promise<Answer<"resume_event_type">> {
    return this.call("resume_event_type", args, options);
  }

  /**
   * Let the events of a queue be claimed again.
   *
   * Needs the permission `settings:pause`.
   */
  resumeQueue(args: Args<"resume_queue">, options?: CallOptions): Promise<Answer<"resume_queue">> {
    return this.call("resume_queue", args, options);
  }

  /**
   * Let the events of a scenario run be claimed again.
   *
   * Needs the permission `settings:pause`.
   */
  resumeScenarioRun(args: Args<"resume_scenario_run">, options?: CallOptions): Promise<Answer<"resume_scenario_run">> {
    return this.call("resume_scenario_run", args, options);
  }

  /**
   * Make an event that waits for its retry or its time available now.
   *
   * Needs the permission `events:control`.
   */
  retryEvent(args: Args<"retry_event">, options?: CallOptions): Promise<Answer<"retry_event">> {
    return this.call("retry_event", args, options);
  }

  /**
   * Make all queued events that match, and that wait for a retry or their time, available now, newest first.
   *
   * It is about at most `limit` events: repeat it with its `next_cursor` until that is null. To repeat a call is safe.
   * With `dry_run` it says which events it would be about, in its order, and does nothing. Events that come to match later
   * are left alone.
   *
   * Needs the permission `events:control`.
   */
  retryEvents(args: Args<"retry_events">, options?: CallOptions): Promise<Answer<"retry_events">> {
    return this.call("retry_events", args, options);
  }

  /**
   * Revoke a token: within a second no server takes it any more, and its requests that wait are ended.
   *
   * Needs the permission `tokens:write`.
   */
  revokeToken(args: Args<"revoke_token">, options?: CallOptions): Promise<Answer<"revoke_token">> {
    return this.call("revoke_token", args, options);
  }

  /**
   * Give a token a new secret and a new end. The present secret is taken for a while, too.
   *
   * A repeat gives it another one.
   *
   * Needs the permission `tokens:write`.
   */
  rotateToken(args: Args<"rotate_token">, options?: CallOptions): Promise<Answer<"rotate_token">> {
    return this.call("rotate_token", args, options);
  }

  /**
   * Replace what an event type sets.
   *
   * Needs the permission `settings:write`.
   */
  setEventType(args: Args<"set_event_type">, options?: CallOptions): Promise<Answer<"set_event_type">> {
    return this.call("set_event_type", args, options);
  }

  /**
   * Replace what a queue sets.
   *
   * Needs the permission `settings:write`.
   */
  setQueue(args: Args<"set_queue">, options?: CallOptions): Promise<Answer<"set_queue">> {
    return this.call("set_queue", args, options);
  }

  /**
   * Settle many events, each with its own answer.
   *
   * A settlement with a bad field is refused by itself.
   *
   * Needs the permission `engines:work`.
   */
  settleEvents(args: Args<"settle_events">, options?: CallOptions): Promise<Answer<"settle_events">> {
    return this.call("settle_events", args, options);
  }

  /**
   * Group dead letters by event type and error, the largest group first; at most 1,000 groups.
   *
   * Needs the permission `events:read`.
   */
  summarizeDeadLetters(args: Args<"summarize_dead_letters"> = {}, options?: CallOptions): Promise<Answer<"summarize_dead_letters">> {
    return this.call("summarize_dead_letters", args, options);
  }

  /**
   * Show who you are: your token, and what it permits. Any token may ask.
   *
   * Needs the permission `stats:read` or `events:read` or `events:read_payload` or `events:enqueue` or `events:control` or
   * `engines:register` or `engines:work` or `attempts:settle` or `engines:read` or `engines:control` or `settings:read` or
   * `settings:pause` or `settings:write` or `tokens:read` or `tokens:write` or `audit:read` or `system:read`.
   */
  whoami(args: Args<"whoami"> = {}, options?: CallOptions): Promise<Answer<"whoami">> {
    return this.call("whoami", args, options);
  }
}
