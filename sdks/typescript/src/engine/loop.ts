// An engine's whole life: register, claim, run a handler for each event, settle, shut down in good order.
//
// Three tasks do the talking:
//
// - `exchange` sends the results of handlers. One call settles all that have gathered, and claims as many events as that makes room for:
//   with a backlog, an engine with one slot makes one call per event. A heartbeat that is due goes along.
// - `claims` has the slots that no result made room for. When nothing is ready, it waits on the server for the first event.
// - `heartbeat` keeps the engine and its locks alive by a call of its own whenever no exchange has done so in time: beside a handler that
//   runs for an hour, and beside a claim that waits for a minute.
//
// Only claims wait. The server answers a whole exchange at once or, if it contains a claim that waits, when that wait is over. So a result
// or a heartbeat never shares a call with a wait, or the engine would learn only a minute later that its result was refused or its lock
// was lost. To cancel the wait instead would be wrong: its answer may be on the way, with locks that the engine would not know of.
//
// One claim at a time. While a claim waits, an exchange claims nothing: whatever became ready went to the waiting claim. At shutdown,
// events that a claim under way still brings are released, not lost.
//
// What is repeated. A settle is repeated until the server has answered it, which is safe: the lock's token makes a second one the same as
// the first. If the answer to a claim is lost, nothing here knows its locks; no heartbeat lists them, so the server releases them after
// two. A server that is away stops none of the tasks: handlers work on, and the server decides afterwards whether a lock was lost.

import { Backoff } from "../backoff.js";
import type { Schemas } from "../calls.js";
import type { Client } from "../client.js";
import { pause } from "../clock.js";
import { EngineAlive, EngineSuperseded } from "../generated/problems.js";
import { Observed } from "../observed.js";
import { CallError } from "../problem.js";
import { type ClaimEnd, claimUntilTheEnd } from "./claims.js";
import { exchangeResults } from "./exchange.js";
import { sessionBegun } from "./heartbeat.js";
import type { EngineSummary } from "./held-locks.js";
import { RunningEngine } from "./running.js";
import type { LoopSettings } from "./settings.js";

/** How long the last settles and the deregistration may take at the very end. */
const LAST_CALLS = 5_000;

/** Another process has registered under the engine's id; this one's locks are lost. Give each process an id of its own. */
export class Superseded extends Error {
  override readonly name = "Superseded";

  /** @internal */
  constructor(
    /** The id. */
    readonly engineId: string,
  ) {
    super(`another process has registered as engine ${engineId}`);
  }
}

/**
 * Registers and works until `shutdown` is aborted, the engine is drained to its end, or it cannot go on. At shutdown it claims no more,
 * finishes what it holds within the grace, which `hurry` cuts short, then stops the handlers, releases their events and deregisters.
 */
export async function runLoop(client: Client, settings: LoopSettings, shutdown: AbortSignal, hurry: AbortSignal): Promise<EngineSummary> {
  const { logger } = settings;
  const registered = await register(client, settings, shutdown);
  if (!registered) return { completed: 0, failed: 0, released: 0, lost: 0 };
  logger.info("registered", { engine_id: settings.engineId, epoch: registered.epoch });
  for (const warning of registered.warnings ?? []) logger.warn(warning.detail);
  const session = new Observed(sessionBegun(client, registered));
  const engine = new RunningEngine(settings, session, registered.heartbeat_interval_seconds, shutdown);
  const done = new AbortController();
  const tasks = [engine.heartbeats.sendWhenDue(done.signal), exchangeResults(engine, done.signal)];
  // A mistake in one of them ends the engine, rather than leave it half alive.
  const broken = Promise.all(tasks).then(() => new Promise<never>(() => {}));
  try {
    const end = await Promise.race([claimUntilTheEnd(engine), broken]);
    // Whatever ended the claims, an exchange that is under way may bring events yet: they are released.
    engine.claimsEnd.abort();
    await Promise.race([finish(engine, end, hurry), broken]);
    if (end.kind === "refused") throw end.error;
    if (end.kind === "session" && end.end === "superseded") throw new Superseded(settings.engineId);
    return engine.held.summary;
  } finally {
    engine.claimsEnd.abort();
    engine.held.stopAll("shutting_down");
    done.abort();
    await Promise.allSettled(tasks);
  }
}

/**
 * Registers. If another process has the id and lives, that may be this engine's own process of before: it waits until that one is lost.
 * Undefined if it is to shut down by then.
 */
async function register(client: Client, settings: LoopSettings, shutdown: AbortSignal): Promise<Schemas["Engine"] | undefined> {
  const backoff = new Backoff(500, 5_000);
  let waits = false;
  while (!shutdown.aborted) {
    try {
      return await client.registerEngine({ engine_id: settings.engineId, ...settings.registration() });
    } catch (error) {
      if (!(error instanceof EngineAlive)) throw error;
      if (!waits) settings.logger.warn("waiting for the engine's id", { error: error.message });
      waits = true;
    }
    await pause(settings.clock, backoff.next(), shutdown);
  }
  return undefined;
}

/** Brings what is held to an end, and deregisters. */
async function finish(engine: RunningEngine, end: ClaimEnd, hurry: AbortSignal): Promise<void> {
  const { settings, held, session, free } = engine;
  const { clock, logger, engineId } = settings;
  const allDone = (...signals: AbortSignal[]) => free.until((slots) => slots >= settings.concurrency, ...signals);
  const within = async (milliseconds: number, ...signals: AbortSignal[]) => {
    const over = new AbortController();
    const cancel = clock.after(milliseconds, () => over.abort());
    await allDone(over.signal, ...signals);
    cancel();
  };
  const isSuperseded = end.kind === "session" && end.end === "superseded";
  const { client } = session.value;
  // Another process may have taken over the id without this one knowing: neither call is meant for that one.
  const self = () => ({ engine_id: engineId, epoch: session.value.epoch });
  if (isSuperseded) {
    held.stopAll("lock_lost");
  } else {
    logger.info("finishing what is held", { held: held.size });
    const over = new AbortController();
    if (held.size > 0) {
      // So that the list of engines says why it takes no events. Its answer changes nothing here.
      client.drainEngine(self(), { signal: over.signal }).catch(() => undefined);
    }
    await within(settings.grace, hurry);
    over.abort();
    held.stopAll("shutting_down");
  }
  await within(settings.stopWait + LAST_CALLS);
  if (isSuperseded || (end.kind === "session" && end.end === "drained")) return;
  try {
    await session.value.client.deregisterEngine(self(), { signal: AbortSignal.timeout(LAST_CALLS) });
    logger.info("deregistered");
  } catch (error) {
    if (error instanceof EngineSuperseded) logger.info("another process has taken over the engine's id");
    else if (error instanceof CallError) logger.warn("could not deregister", { error: error.message });
    else logger.warn("could not deregister in time");
  }
}
