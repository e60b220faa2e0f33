// When attempts come after failures, as the server reckons it: initial × multiplier for each, up to a longest, and chance on top.

export interface Delay { initial: number; multiplier: number; max: number; jitter: number }
export const DEFAULT_DELAY: Delay = { initial: 30, multiplier: 2, max: 300, jitter: 0.1 };
export const DEFAULT_RETRIES = 3;

/** The waits before each retry, in seconds: without chance, and with the most of it. */
export function delays(delay: Delay, retries: number): { least: number; most: number }[] {
  return Array.from({ length: Math.max(0, Math.min(retries, 1000)) }, (_, index) => {
    // 0 times an infinite power is no number.
    const least = delay.initial === 0 ? 0 : Math.min(delay.max, delay.initial * delay.multiplier ** index);
    return { least, most: least * (1 + delay.jitter) };
  });
}
