// Time, as far as it is waited for. Tests of handlers have a clock of their own.

/** Says the time, and wakes up whoever waits for it. */
export interface Clock {
  /** Milliseconds since 1970, as `Date.now()`. */
  now(): number;
  /** Milliseconds that only ever rise: for spans of time. */
  monotonic(): number;
  /** Calls `wake` after so many milliseconds, unless the function that it answers is called before. */
  after(milliseconds: number, wake: () => void): () => void;
}

/** The longest wait of a timer of the language; a longer one would end at once. */
const MAX_TIMER = 2 ** 31 - 1;

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(milliseconds, wake) {
    let timer: ReturnType<typeof setTimeout>;
    let left = milliseconds;
    const wait = () => {
      const span = Math.min(Math.max(left, 0), MAX_TIMER);
      left -= span;
      timer = setTimeout(left > 0 ? wait : wake, span);
    };
    wait();
    return () => clearTimeout(timer);
  },
};

/** Waits so long, or until one of the signals is aborted. */
export function pause(clock: Clock, milliseconds: number, ...signals: (AbortSignal | undefined)[]): Promise<void> {
  return new Promise((resolve) => {
    const given = signals.filter((signal) => signal !== undefined);
    const end = () => {
      cancel();
      for (const signal of given) signal.removeEventListener("abort", end);
      resolve();
    };
    const cancel = clock.after(milliseconds, end);
    for (const signal of given) signal.addEventListener("abort", end, { once: true });
    if (given.some((signal) => signal.aborted)) end();
  });
}
