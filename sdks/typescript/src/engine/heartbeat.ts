// Keeps the engine and its locks alive, and learns from the answers which locks are lost, which events are cancelled and whether to
// drain.
//
// A heartbeat goes along with an exchange that is sent in the last quarter of the interval, and by itself when no exchange was sent by
// then. Two are never close together: the server releases a lock that two heartbeats do not list, and must not take a claim's answer
// that is still on its way for one that was lost.

import { Backoff } from "../backoff.js";
import type { Schemas } from "../calls.js";
import type { Client } from "../client.js";
import { pause } from "../clock.js";
import { Observed } from "../observed.js";
import { CallError } from "../problem.js";
import type { HeldLocks } from "./held-locks.js";
import type { LoopSettings } from "./settings.js";

/** How an engine ends other than by shutdown: another process has its id, or it was drained and is stopped. */
export type SessionEnd = "superseded" | "drained";

/** The engine as of the server's last answer. */
export interface EngineSession {
  readonly epoch: number;
  /** Calls as this process of the engine. */
  readonly client: Client;
  /** What it proves itself with; undefined if the server knows of no sessions. */
  readonly token: string | undefined;
  readonly draining: boolean;
  readonly end: SessionEnd | undefined;
}

/** The session that a registration has begun. */
export function sessionBegun(client: Client, engine: Schemas["Engine"]): EngineSession {
  const token = engine.session_token;
  return { epoch: engine.epoch, client: client.withSession(token), token, draining: engine.draining, end: undefined };
}

/** Shared by the task that sends heartbeats and the exchanges that take one along. */
export class Heartbeats {
  /** Zero: only when {@link Heartbeats.sendNow} asks for one. */
  private readonly interval: number;
  private lastSentAt: number;
  private readonly asked = new Observed(false);

  constructor(
    private readonly settings: LoopSettings,
    intervalSeconds: number,
    private readonly session: Observed<EngineSession>,
    private readonly held: HeldLocks,
  ) {
    this.interval = intervalSeconds * 1_000;
    this.lastSentAt = settings.clock.monotonic();
  }

  /** Asks for a heartbeat at once. */
  sendNow(): void {
    this.asked.set(true);
  }

  /** The heartbeat for an exchange that is about to be sent; undefined if it is too soon for one. */
  partIfDue(): Schemas["HeartbeatPart"] | undefined {
    if (this.interval === 0 || this.sinceLast() < this.interval * 0.75) return undefined;
    return this.part();
  }

  /** The exchange that took a heartbeat along failed: the next one is due in a quarter of the interval, unless one was sent meanwhile. */
  partFailed(): void {
    const missing = Math.max(this.interval / 4 - this.sinceLast(), 0);
    this.lastSentAt = this.settings.clock.monotonic() + missing - this.interval;
  }

  /** Does what the answer to a heartbeat says. */
  answered(answer: Schemas["HeartbeatResponse"]): void {
    for (const { pointer, detail } of answer.errors ?? []) {
      this.settings.logger.warn("a part of a heartbeat was left out", { pointer, detail });
    }
    for (const token of answer.lost) this.held.lose(token);
    for (const eventId of answer.cancel) this.held.cancel(eventId);
    const session = this.session.value;
    const end = session.end ?? (answer.status === "stopped" ? "drained" : undefined);
    if (session.draining !== answer.drain || session.end !== end) this.session.set({ ...session, draining: answer.drain, end });
  }

  /** Sends heartbeats until the engine has ended. */
  async sendWhenDue(done: AbortSignal): Promise<void> {
    const { logger } = this.settings;
    const backoff = new Backoff(250, this.interval === 0 ? 5_000 : Math.max(this.interval / 4, 250));
    let retry: number | undefined;
    while (!done.aborted && this.session.value.end === undefined) {
      await this.untilDue(retry, done);
      if (done.aborted) return;
      try {
        await this.send(done);
        backoff.reset();
        retry = undefined;
      } catch (error) {
        if (done.aborted) return;
        if (!(error instanceof CallError)) throw error;
        // Soon again: the engine is lost after a few intervals without one.
        logger.warn("the heartbeat failed; trying again", { error: error.message });
        retry = backoff.next();
      }
    }
  }

  private sinceLast(): number {
    return this.settings.clock.monotonic() - this.lastSentAt;
  }

  private part(): Schemas["HeartbeatPart"] {
    this.lastSentAt = this.settings.clock.monotonic();
    return { dynamic_state: this.settings.load(), lock_tokens: this.held.tokens, reports: this.held.beginReports() };
  }

  /** Waits until a heartbeat is due: an interval after the last one, which an exchange may have sent, or when somebody asks for it. */
  private async untilDue(retry: number | undefined, done: AbortSignal): Promise<void> {
    const wake = new AbortController();
    const asked = this.asked.until((isAsked) => isAsked, done).then(() => wake.abort());
    if (retry !== undefined) {
      await pause(this.settings.clock, retry, wake.signal);
    } else if (this.interval === 0) {
      await asked;
    } else {
      for (;;) {
        const wait = this.interval - this.sinceLast();
        if (wait <= 0 || wake.signal.aborted) break;
        await pause(this.settings.clock, wait, wake.signal);
        this.warnIfLate(wake.signal);
      }
    }
    // Whoever still waits for the asking is let go.
    this.asked.set(true);
    await asked;
    this.asked.set(false);
  }

  /** A handler that never waits keeps the whole thread, and so the heartbeats. */
  private warnIfLate(wake: AbortSignal): void {
    const late = this.sinceLast() - this.interval;
    if (wake.aborted || late < this.interval / 2) return;
    this.settings.logger.warn("a heartbeat is late, because something kept the event loop busy: give handlers that compute a worker", {
      seconds: Math.round(late / 100) / 10,
    });
  }

  private async send(done: AbortSignal): Promise<void> {
    const { client, epoch } = this.session.value;
    const { engineId } = this.settings;
    const part = this.part();
    const reported = (part.reports ?? []).map((report) => report.lock_token);
    // A later one has newer values, so none is repeated.
    const timeout = Math.min(Math.max(this.interval, 2_000), 10_000) / 1_000;
    let answer: Schemas["HeartbeatResponse"] | undefined;
    try {
      answer = await client.heartbeat({ engine_id: engineId, epoch, ...part }, { timeout, maxRepeats: 0, signal: done });
      this.answered(answer);
    } catch (error) {
      await this.refused(error);
    } finally {
      this.held.reportsEnded(reported, answer);
    }
  }

  private async refused(error: unknown): Promise<void> {
    const session = this.session.value;
    const code = error instanceof CallError ? error.code : undefined;
    if (code === "engine_superseded") {
      this.session.set({ ...session, end: "superseded" });
    } else if (code === "engine_not_registered" && session.draining) {
      // It was drained, and stopped as well: it must not register again.
      this.session.set({ ...session, end: "drained" });
    } else if (code === "engine_not_registered") {
      await this.registerAgain();
    } else {
      throw error;
    }
  }

  /** The server does not know this engine any more: it starts anew, without the locks that it had. */
  private async registerAgain(): Promise<void> {
    const { client } = this.session.value;
    const engine = await client.registerEngine({ engine_id: this.settings.engineId, ...this.settings.registration() });
    this.settings.logger.warn("the server did not know this engine: registered again", { epoch: engine.epoch });
    this.held.stopAll("lock_lost");
    this.session.set(sessionBegun(client, engine));
  }
}
