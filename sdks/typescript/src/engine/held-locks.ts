// The locks that an engine holds, from the claim's answer to the settle's.

import type { Schemas } from "../calls.js";
import type { Clock } from "../clock.js";
import type { Logger } from "../logger.js";
import type { ClaimedEvent, Context, StopReason } from "./context.js";
import { type ReportBuffer, reportWeight } from "./report-buffer.js";

/** How many events an engine has settled, and how. */
export interface EngineSummary {
  /** Events whose result the server has. */
  completed: number;
  /** Attempts that failed: those that took too long, and those that will be retried, too. */
  failed: number;
  /** Events that are back in their queues. */
  released: number;
  /** Events whose lock it lost, or whose settle the server refused. */
  lost: number;
}

/** How long the answer of a claim may have been on its way: an attempt is as much older than this engine knows. */
const CLAIM_ANSWER = 2_000;
/** Most bytes of reports in one heartbeat, below the limit of a body. */
const MAX_REPORT_BYTES = 512 * 1024;

interface RunningHandler {
  readonly event: ClaimedEvent;
  readonly context: Context;
  readonly reports: ReportBuffer;
  /** When the server will have failed the attempt, if it ever does. */
  readonly timesOutAt: number | undefined;
  /** It has returned, and its result is on the way to the server. */
  settling: boolean;
}

/** Shared by claims, exchanges and heartbeats. */
export class HeldLocks {
  private readonly locks = new Map<string, RunningHandler>();
  readonly summary: EngineSummary = { completed: 0, failed: 0, released: 0, lost: 0 };

  constructor(
    private readonly clock: Clock,
    private readonly logger: Logger,
  ) {}

  get size(): number {
    return this.locks.size;
  }

  /** What a heartbeat lists: settling ones too, for their settle may take long to arrive. */
  get tokens(): string[] {
    return [...this.locks.keys()];
  }

  add(token: string, event: ClaimedEvent, context: Context, reports: ReportBuffer): void {
    const limit = timeLimit(event);
    const timesOutAt = limit === undefined ? undefined : this.clock.monotonic() + limit;
    this.locks.set(token, { event, context, reports, timesOutAt, settling: false });
  }

  isSettling(token: string): void {
    const handler = this.locks.get(token);
    if (handler) handler.settling = true;
  }

  /** The server has answered the settle of this lock, or the lock was lost. */
  settled(token: string, as: keyof EngineSummary): void {
    if (this.locks.delete(token)) this.summary[as] += 1;
  }

  /**
   * What handlers have reported and the server does not have yet, as much as one body has room for. It is under way until
   * {@link HeldLocks.reportsEnded}.
   */
  beginReports(): Schemas["LockReport"][] {
    let room = MAX_REPORT_BYTES;
    const reports: Schemas["LockReport"][] = [];
    for (const [lock_token, handler] of this.locks) {
      if (handler.settling) continue;
      const report = handler.reports.begin();
      if (!report) continue;
      const weight = reportWeight(report);
      if (weight > room) {
        // It has its turn with the next heartbeat.
        handler.reports.failed();
        continue;
      }
      room -= weight;
      reports.push({ lock_token, ...report });
    }
    return reports;
  }

  /** The heartbeat that took these reports along is answered; without an answer, they are sent again. */
  reportsEnded(sent: readonly string[], answer: Schemas["HeartbeatResponse"] | undefined | null): void {
    for (const [index, token] of sent.entries()) {
      const handler = this.locks.get(token);
      if (!handler) continue;
      const refused = answer?.errors?.find((error) => error.pointer.startsWith(`/reports/${index}/`));
      if (refused) this.logger.warn("a report was refused", { event_id: handler.event.event_id, why: refused.detail });
      if (answer?.renewed.includes(token)) handler.reports.arrived();
      else handler.reports.failed();
    }
  }

  /**
   * The server says that this lock is lost. If it is settling, the settle's own answer decides: it may be lost because that settle was
   * accepted.
   */
  lose(token: string): void {
    const handler = this.locks.get(token);
    if (!handler || handler.settling) return;
    if (this.hasTimedOut(token)) {
      this.timeOut(token);
    } else if (!handler.context.stopped) {
      this.logger.warn("the lock is lost", { event_id: handler.event.event_id });
      handler.context.stop("lock_lost");
    }
  }

  /** The attempt has taken as long as the server lets it: it has failed it, or is about to. */
  timeOut(token: string): void {
    const handler = this.locks.get(token);
    if (!handler || handler.context.stopped) return;
    this.logger.warn("the attempt has failed: it took longer than max_processing_seconds", { event_id: handler.event.event_id });
    handler.context.stop("timed_out");
  }

  /** Whether a lock that the server does not know any more ended because its attempt took too long. */
  hasTimedOut(token: string): boolean {
    const end = this.locks.get(token)?.timesOutAt;
    return end !== undefined && end <= this.clock.monotonic() + CLAIM_ANSWER;
  }

  cancel(eventId: string): void {
    for (const { event, context } of this.locks.values()) {
      if (event.event_id === eventId) context.stop("cancelled");
    }
  }

  stopAll(reason: StopReason): void {
    for (const { context } of this.locks.values()) context.stop(reason);
  }
}

/** How many milliseconds the attempt may take from its claim on; undefined if it may take as long as it likes. */
export function timeLimit(event: ClaimedEvent): number | undefined {
  const end = event.lock?.times_out_at;
  return event.lock && end ? Date.parse(end) - Date.parse(event.lock.claimed_at) : undefined;
}
