// The state that the tasks of one engine share, and the handlers that it runs.

import { loggerWith } from "../logger.js";
import { Observed } from "../observed.js";
import { deadlineOf, outcomeAfterStop, runAttempt } from "./attempt.js";
import { type ClaimedEvent, Context } from "./context.js";
import { eventTokenOf } from "./event-token.js";
import { type EngineSession, Heartbeats } from "./heartbeat.js";
import { HeldLocks, timeLimit } from "./held-locks.js";
import { type HandlerOutcome, type Settlement, settlementOf } from "./outcome.js";
import { ReportBuffer } from "./report-buffer.js";
import type { LoopSettings } from "./settings.js";

/** What the tasks of one engine share. */
export class RunningEngine {
  /** How many events more it may work on now. An event has its slot until its settle is answered. */
  readonly free: Observed<number>;
  readonly heartbeats: Heartbeats;
  readonly held: HeldLocks;
  /** What handlers have ended with, to be sent: as many as there are slots at most. */
  readonly results = new Observed<Settlement[]>([]);
  /** Whether a claim is under way, so that there is one at a time. */
  readonly claiming = new Observed(false);
  /** Aborted when no more events are to be claimed, whatever the reason. */
  readonly claimsEnd = new AbortController();

  constructor(
    readonly settings: LoopSettings,
    readonly session: Observed<EngineSession>,
    heartbeatIntervalSeconds: number,
    /** Aborted when the engine is to shut down. */
    readonly shutdown: AbortSignal,
  ) {
    this.free = new Observed(settings.concurrency);
    this.held = new HeldLocks(settings.clock, settings.logger);
    this.heartbeats = new Heartbeats(settings, heartbeatIntervalSeconds, session, this.held);
    const end = () => this.claimsEnd.abort();
    if (shutdown.aborted) end();
    else shutdown.addEventListener("abort", end, { once: true });
    void session.until((now) => now.end !== undefined, shutdown).then(end);
  }

  /** Takes the slots that are free now; maybe none. */
  takeFreeSlots(): number {
    const slots = Math.max(this.free.value, 0);
    this.free.set(this.free.value - slots);
    return slots;
  }

  giveSlots(slots: number): void {
    if (slots !== 0) this.free.set(this.free.value + slots);
  }

  /** Runs the handler for each event. Once no more are to be claimed, the events are released instead. Answers how many slots that takes. */
  handle(events: ClaimedEvent[]): number {
    let taken = 0;
    for (const event of events) {
      const token = event.lock?.token;
      if (token === undefined || token === null) {
        // The server releases it by itself, because no heartbeat lists its lock.
        this.settings.logger.error("a claimed event came without its lock token", { event_id: event.event_id });
        continue;
      }
      taken += 1;
      this.begin(token, event);
    }
    return taken;
  }

  private begin(token: string, event: ClaimedEvent): void {
    const { clock, logger, runnerOf } = this.settings;
    const runner = runnerOf(event.event_type);
    const reports = new ReportBuffer();
    const context = new Context({
      event,
      reports,
      deadline: deadlineOf(event, runner?.timeout, clock),
      eventToken: eventTokenOf(this.session.value.token, event.event_id, token),
      logger: loggerWith(logger, { event_id: event.event_id, event_type: event.event_type, attempt: event.attempt }),
    });
    // Heartbeats list the lock from here on, whatever the handler does.
    this.held.add(token, event, context, reports);
    if (this.claimsEnd.signal.aborted || !runner) {
      this.finishEvent(token, event, context, reports, { kind: "release", delaySeconds: undefined });
      return;
    }
    this.settings.worksOn(event);
    // Not left to the next heartbeat: somebody else may be given the event by then.
    const limit = timeLimit(event);
    const noLimit = limit === undefined ? undefined : clock.after(limit, () => this.held.timeOut(token));
    void runAttempt(this.settings, context, runner).then((outcome) => {
      noLimit?.();
      this.finishEvent(token, event, context, reports, outcome);
    });
  }

  /** Hands over the result of a handler to be settled, unless the lock is lost. */
  private finishEvent(token: string, event: ClaimedEvent, context: Context, reports: ReportBuffer, given: HandlerOutcome): void {
    const { logger } = this.settings;
    const reason = context.stopReason;
    if (reason === "lock_lost") {
      logger.warn("dropped a result: its lock is lost", { event_id: event.event_id });
      this.held.settled(token, "lost");
      this.giveSlots(1);
      return;
    }
    if (reason === "timed_out" && !(given.kind === "fail" && given.code === "timed_out")) {
      // The server has counted the failure.
      this.held.settled(token, "failed");
      this.giveSlots(1);
      return;
    }
    this.held.isSettling(token);
    const settlement = settlementOf({ event_id: event.event_id, lock_token: token }, outcomeAfterStop(context, given), reports.last());
    this.results.set([...this.results.value, settlement]);
  }
}
