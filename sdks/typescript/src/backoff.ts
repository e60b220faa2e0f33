// How long to wait before a repeat.

/** Waits that double from one repeat to the next, and differ from client to client. */
export class Backoff {
  private repeats = 0;

  /** Waits of `first` milliseconds, then twice as long each time, but never more than `max`. */
  constructor(
    private readonly first: number,
    private readonly max: number,
    private readonly random: () => number = Math.random,
  ) {}

  /**
   * The next wait in milliseconds, and never less than the server asked for: between half and all of what the doubling gives, so that
   * clients that failed together do not come back together.
   */
  next(asked?: number): number {
    const whole = Math.min(this.first * 2 ** Math.min(this.repeats, 16), this.max);
    this.repeats += 1;
    const wait = whole * (0.5 + 0.5 * this.random());
    return asked === undefined ? wait : asked + Math.min(wait, asked * 0.1);
  }

  /** Begins anew: something succeeded. */
  reset(): void {
    this.repeats = 0;
  }
}
