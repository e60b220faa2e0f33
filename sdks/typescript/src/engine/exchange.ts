// Sends the results of handlers: one call settles all that have gathered, and claims events for the room they made.

import { Backoff } from "../backoff.js";
import type { Schemas } from "../calls.js";
import { pause } from "../clock.js";
import { RawJson } from "../json.js";
import { CallError, UnexpectedAnswer } from "../problem.js";
import { problemOf } from "../generated/problems.js";
import type { EngineSummary } from "./held-locks.js";
import type { Settlement } from "./outcome.js";
import { reportWeight } from "./report-buffer.js";
import type { RunningEngine } from "./running.js";

/** Most settlements of one call. */
const MAX_SETTLEMENTS = 200;
/** Most bytes of results in one call, below the limit of a body. */
const MAX_BYTES = 512 * 1024;
/** How often the server may fail over one settlement, not for want of reach, before it is dropped. */
const MAX_SERVER_ERRORS = 5;

const OUTCOMES = { complete: "completed", fail: "failed", release: "released", extend: "released" } as const;

/** Sends results until the engine is done. */
export async function exchangeResults(engine: RunningEngine, done: AbortSignal): Promise<void> {
  while (!done.aborted) {
    await engine.results.until((results) => results.length > 0, done);
    if (done.aborted) return;
    try {
      await deliver(engine, takeBatch(engine), done);
    } catch (error) {
      if (!done.aborted) throw error;
    }
  }
}

function takeBatch(engine: RunningEngine): Settlement[] {
  const waiting = engine.results.value;
  let count = 0;
  let bytes = 0;
  while (count < waiting.length && count < MAX_SETTLEMENTS && bytes < MAX_BYTES) {
    bytes += weight(waiting[count] as Settlement);
    count += 1;
  }
  const batch = waiting.slice(0, count);
  engine.results.set(waiting.slice(count));
  return batch;
}

/** Repeats a batch for as long as the server is away. */
async function deliver(engine: RunningEngine, batch: Settlement[], done: AbortSignal): Promise<void> {
  const { clock, logger } = engine.settings;
  const backoff = new Backoff(200, 5_000);
  let asEngine = true;
  let left = batch;
  while (left.length > 0 && !done.aborted) {
    try {
      left = asEngine ? await exchange(engine, left, done) : await settle(engine, left, done);
    } catch (error) {
      if (done.aborted || !(error instanceof CallError)) throw error;
      if (error.isPassing) {
        logger.warn("could not settle; trying again", { error: error.message });
      } else if (asEngine && refusesTheEngine(error)) {
        // The engine is refused, and its heartbeat finds out what to do. Its results still count as far as their locks do, which a
        // settle by itself is answered with.
        engine.heartbeats.sendNow();
        asEngine = false;
        continue;
      } else {
        // Nothing of it was carried out. It is the fault of one settlement, so each goes by itself.
        logger.warn("a batch of settlements was refused; sending them one by one", { error: error.message });
        for (const settlement of left) await deliverAlone(engine, settlement, done);
        return;
      }
    }
    if (left.length > 0) await pause(clock, backoff.next(), done);
  }
}

/** Settles, claims, and heartbeats if that is due, in one call. Answers those that are undecided. */
async function exchange(engine: RunningEngine, batch: Settlement[], done: AbortSignal): Promise<Settlement[]> {
  const { settings, heartbeats, held } = engine;
  const { client, draining, end, epoch } = engine.session.value;
  const mayClaim = end === undefined && !draining && !engine.shutdown.aborted && !engine.claiming.value;
  const slots = mayClaim ? engine.takeFreeSlots() : 0;
  if (mayClaim) engine.claiming.set(true);
  const heartbeat = heartbeats.partIfDue();
  const reported = (heartbeat?.reports ?? []).map((report) => report.lock_token);
  const request = {
    engine_id: settings.engineId,
    epoch,
    settlements: batch,
    ...(heartbeat ? { heartbeat } : {}),
    ...(mayClaim ? { claim: settings.claim(slots + batch.length, 0) } : {}),
  };
  let left = slots;
  try {
    const answer = await client.exchange(request, { signal: done }).catch((error: unknown) => {
      if (heartbeat) {
        held.reportsEnded(reported, undefined);
        heartbeats.partFailed();
      }
      throw error;
    });
    held.reportsEnded(reported, answer.heartbeat);
    const undecided = answerEach(engine, batch, answer.settlements);
    left += batch.length - undecided.length;
    if (answer.heartbeat) heartbeats.answered(answer.heartbeat);
    left -= engine.handle(answer.claim?.events ?? []);
    return undecided;
  } finally {
    if (mayClaim) engine.claiming.set(false);
    engine.giveSlots(left);
  }
}

/** Settles without being the engine of an epoch: the token of each lock counts, and the session. */
async function settle(engine: RunningEngine, batch: Settlement[], done: AbortSignal): Promise<Settlement[]> {
  const answer = await engine.session.value.client.settleEvents({ settlements: batch }, { signal: done });
  const undecided = answerEach(engine, batch, answer.results);
  engine.giveSlots(batch.length - undecided.length);
  return undecided;
}

async function deliverAlone(engine: RunningEngine, settlement: Settlement, done: AbortSignal): Promise<void> {
  const { clock, logger } = engine.settings;
  const backoff = new Backoff(200, 5_000);
  let serverErrors = 0;
  let left = [settlement];
  while (!done.aborted) {
    try {
      left = await settle(engine, left, done);
    } catch (error) {
      if (done.aborted || !(error instanceof CallError)) throw error;
      const one = left[0] ?? settlement;
      if (isRefusedContent(error.code) && !isPlainFailure(one)) {
        // Alone, it is larger than a whole body may be.
        left = [refusedResult(one, error)];
        continue;
      }
      if (!error.isPassing && serverErrors < MAX_SERVER_ERRORS && error.maybeApplied) {
        serverErrors += 1;
      } else if (!error.isPassing) {
        logger.error("a settlement was dropped", { event_id: one.event_id, error: error.message });
        engine.held.settled(one.lock_token, "lost");
        engine.giveSlots(1);
        return;
      }
    }
    if (left.length === 0) return;
    await pause(clock, backoff.next(), done);
  }
}

/** Notes what the server has decided. Answers those that are undecided. */
function answerEach(engine: RunningEngine, batch: Settlement[], answers: Schemas["SettlementResult"][]): Settlement[] {
  const { held, settings } = engine;
  const inOrder = answers.length === batch.length && answers.every((answer, at) => answer.event_id === batch[at]?.event_id);
  if (!inOrder) throw new UnexpectedAnswer(200, "the answers do not match the settlements");
  const undecided: Settlement[] = [];
  for (const [at, { error }] of answers.entries()) {
    const settlement = batch[at] as Settlement;
    const problem = error && problemOf(error);
    let as: keyof EngineSummary = "lost";
    if (!problem) {
      as = OUTCOMES[settlement.outcome];
    } else if (problem.isPassing) {
      undecided.push(settlement);
      continue;
    } else if (isRefusedContent(problem.code) && !isPlainFailure(settlement)) {
      // The result can't be stored: that is a failure of the attempt.
      undecided.push(refusedResult(settlement, problem));
      continue;
    } else if (problem.code === "lock_lost" && held.hasTimedOut(settlement.lock_token)) {
      held.timeOut(settlement.lock_token);
      as = "failed";
    } else {
      settings.logger.warn("a settlement was refused", { event_id: settlement.event_id, error: problem.message });
    }
    held.settled(settlement.lock_token, as);
  }
  return undecided;
}

/** Whether the server refuses whatever this epoch of the engine asks for. Nothing of the exchange was carried out. */
function refusesTheEngine(error: CallError): boolean {
  return ["engine_lost", "engine_not_registered", "engine_superseded"].includes(error.code ?? "");
}

function isRefusedContent(code: string | undefined): boolean {
  return code === "invalid_request" || code === "too_large";
}

function isPlainFailure(settlement: Settlement): boolean {
  return settlement.error?.code === "invalid_result";
}

/** The failure that takes the place of a result which the server cannot store. */
function refusedResult({ event_id, lock_token }: Settlement, why: Error): Settlement {
  const message = `the server refused the engine's result: ${why.message}`;
  return { event_id, lock_token, outcome: "fail", error: { code: "invalid_result", message }, retryable: false, dead_letter: true };
}

function weight(settlement: Settlement): number {
  const length = (value: unknown) => (value instanceof RawJson ? Buffer.byteLength(value.text) : 0);
  const error = Buffer.byteLength(settlement.error?.message ?? "") + length(settlement.error?.details);
  return 200 + length(settlement.result) + error + reportWeight(settlement);
}
