// A clock that stands still until a test moves it.

import type { Clock } from "../clock.js";
import { type Duration, milliseconds } from "../duration.js";

interface Alarm {
  readonly at: number;
  readonly wake: () => void;
}

/** A clock that stands still until a test moves it: a handler's timeout and deadline are told by it. */
export class TestClock implements Clock {
  private readonly alarms = new Set<Alarm>();
  private time: number;

  /** Begins at a time: 2026-01-01T00:00:00Z unless given. */
  constructor(start: Date | string = "2026-01-01T00:00:00Z") {
    this.time = new Date(start).getTime();
    if (Number.isNaN(this.time)) throw new RangeError(`${String(start)} is no time`);
  }

  /** Milliseconds since 1970. */
  now(): number {
    return this.time;
  }

  /** The same, for spans of time. */
  monotonic(): number {
    return this.time;
  }

  /** Calls `wake` once the clock has been moved so far, unless the function that it answers is called before. */
  after(span: number, wake: () => void): () => void {
    const alarm = { at: this.time + span, wake };
    this.alarms.add(alarm);
    return () => this.alarms.delete(alarm);
  }

  /** Moves it on. Whoever waits for a time in between is woken up in order; what follows from that has happened when the promise is kept. */
  async advance(span: Duration): Promise<void> {
    const end = this.time + milliseconds(span, "span");
    for (;;) {
      const due = [...this.alarms].filter(({ at }) => at <= end).sort((one, other) => one.at - other.at)[0];
      if (!due) break;
      this.time = Math.max(this.time, due.at);
      this.alarms.delete(due);
      due.wake();
      await settled();
    }
    this.time = end;
    await settled();
  }
}

/** Lets everything run that has nothing to wait for. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
