// Claims events for the slots that are free, and waits on the server for the first one.

import { Backoff } from "../backoff.js";
import { pause } from "../clock.js";
import { CallError } from "../problem.js";
import type { SessionEnd } from "./heartbeat.js";
import type { RunningEngine } from "./running.js";

/** How long a claim that is under way at shutdown may still bring events, which are then released. */
const LAST_CLAIM = 250;

/** Why an engine claims no more. */
export type ClaimEnd = { kind: "shutdown" } | { kind: "session"; end: SessionEnd } | { kind: "refused"; error: unknown };

/** Claims until the engine shuts down, is drained or superseded, or may not claim. */
export async function claimUntilTheEnd(engine: RunningEngine): Promise<ClaimEnd> {
  const { clock, logger } = engine.settings;
  const backoff = new Backoff(200, 10_000);
  for (;;) {
    const before = endOf(engine);
    if (before) return before;
    try {
      if (!(await claimOnce(engine))) {
        backoff.reset();
        continue;
      }
      // An empty answer came before its time: the server does not want to be asked again at once.
    } catch (error) {
      const ended = endOf(engine);
      if (ended) return ended;
      if (!(error instanceof CallError)) return { kind: "refused", error };
      if (["engine_lost", "engine_not_registered", "engine_superseded"].includes(error.code ?? "")) {
        // The heartbeat knows what to do about these; and it alone, for it alone registers.
        engine.heartbeats.sendNow();
      } else if (error.isPassing || error.code === "internal") {
        logger.warn("could not claim; trying again", { error: error.message });
      } else {
        return { kind: "refused", error };
      }
    }
    await pause(clock, backoff.next(), engine.claimsEnd.signal);
  }
}

function endOf(engine: RunningEngine): ClaimEnd | undefined {
  const { end } = engine.session.value;
  if (end !== undefined) return { kind: "session", end };
  return engine.shutdown.aborted ? { kind: "shutdown" } : undefined;
}

/** Claims events for all free slots as soon as there is one. Answers whether the server said too soon that there are none. */
async function claimOnce(engine: RunningEngine): Promise<boolean> {
  const { settings, claimsEnd } = engine;
  const { signal } = claimsEnd;
  await engine.session.until((session) => !session.draining, signal);
  await engine.free.until((free) => free > 0, signal);
  // While an exchange claims, nobody else does.
  await engine.claiming.until((claiming) => !claiming, signal);
  const { draining, client, epoch } = engine.session.value;
  if (signal.aborted || draining || engine.claiming.value) return false;
  const slots = engine.takeFreeSlots();
  if (slots === 0) return false;
  engine.claiming.set(true);
  let left = slots;
  const began = settings.clock.monotonic();
  const abandon = new AbortController();
  const stopWaiting = () => void pause(settings.clock, engine.session.value.end === undefined ? LAST_CLAIM : 0).then(() => abandon.abort());
  signal.addEventListener("abort", stopWaiting, { once: true });
  try {
    const claim = settings.claim(slots, settings.claimWait / 1_000);
    const answer = await client.claimEvents({ engine_id: settings.engineId, epoch, ...claim }, { signal: abandon.signal });
    left -= engine.handle(answer.events);
    const isHasty = answer.events.length === 0 && settings.clock.monotonic() - began < Math.min(settings.claimWait, 1_000);
    return isHasty && !signal.aborted;
  } finally {
    signal.removeEventListener("abort", stopWaiting);
    engine.claiming.set(false);
    engine.giveSlots(left);
  }
}
