// A value that others wait for to change.

/** A value, and whoever waits until it is as they need it. */
export class Observed<T> {
  private readonly watchers = new Set<() => void>();

  constructor(private current: T) {}

  get value(): T {
    return this.current;
  }

  /** Sets the value, and wakes up those who wait for it. */
  set(value: T): void {
    this.current = value;
    for (const watcher of [...this.watchers]) watcher();
  }

  /** Waits until the value is as needed, or until one of the signals is aborted. */
  until(isEnough: (value: T) => boolean, ...signals: AbortSignal[]): Promise<void> {
    return new Promise((resolve) => {
      const check = () => {
        if (!isEnough(this.current) && !signals.some((signal) => signal.aborted)) return;
        this.watchers.delete(check);
        for (const signal of signals) signal.removeEventListener("abort", check);
        resolve();
      };
      this.watchers.add(check);
      for (const signal of signals) signal.addEventListener("abort", check);
      check();
    });
  }
}
