// What a person has chosen for this browser.

export class Stored<T extends string> {
  private current = $state() as T;

  constructor(
    private readonly name: string,
    usual: T,
    allowed: readonly T[],
  ) {
    let kept: string | null = null;
    try {
      kept = localStorage.getItem(`enginehouse.${name}`);
    } catch {
      // A browser may keep nothing: then the choice lasts as long as the page.
    }
    this.current = allowed.includes(kept as T) ? (kept as T) : usual;
  }

  get value(): T {
    return this.current;
  }

  set value(value: T) {
    this.current = value;
    try {
      localStorage.setItem(`enginehouse.${this.name}`, value);
    } catch {
      // As above.
    }
  }
}

export const stored = <T extends string>(name: string, usual: T, allowed: readonly T[]): Stored<T> => new Stored(name, usual, allowed);

export const theme = stored<'system' | 'light' | 'dark'>('theme', 'system', ['system', 'light', 'dark']);
export const clock = stored<'local' | 'utc'>('clock', 'local', ['local', 'utc']);
export const keys = stored<'on' | 'off'>('keys', 'on', ['on', 'off']);
