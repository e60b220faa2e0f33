// Lengths of time, as people write them.

/** A length of time: a number of seconds, or a text such as `"500ms"`, `"30s"`, `"10m"` or `"2h"`. */
export type Duration = number | `${number}ms` | `${number}s` | `${number}m` | `${number}h`;

const UNITS: Record<string, number> = { ms: 0.001, s: 1, m: 60, h: 3_600 };

/** A length of time in seconds. Throws a `RangeError` that names `what` it should be. */
export function seconds(duration: Duration, what = "a duration"): number {
  const refuse = () => new RangeError(`${what} is a number of seconds or a text such as "30s", not ${JSON.stringify(duration)}`);
  if (typeof duration === "number") {
    if (!Number.isFinite(duration) || duration < 0) throw refuse();
    return duration;
  }
  const [, number, unit] = /^([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)$/.exec(String(duration)) ?? [];
  if (number === undefined || unit === undefined) throw refuse();
  return Number(number) * (UNITS[unit] ?? 1);
}

/** The same in milliseconds. */
export function milliseconds(duration: Duration, what?: string): number {
  return seconds(duration, what) * 1_000;
}
