// The signals by which a process is asked to end.

import type { Logger } from "../logger.js";

const SIGNALS = ["SIGTERM", "SIGINT"] as const;

/** The first signal stops, the second one hurries; then the process is as if nobody listened, and a third one ends it. */
export function onStopSignals(logger: Logger): { stop: AbortSignal; hurry: AbortSignal; remove: () => void } {
  const [stop, hurry] = [new AbortController(), new AbortController()];
  const listener = (signal: string) => {
    if (!stop.signal.aborted) {
      logger.info(`${signal}: claims no more and finishes what it holds; a second signal ends the grace`);
      stop.abort();
    } else {
      logger.info(`${signal}: stops its handlers now`);
      remove();
      hurry.abort();
    }
  };
  const remove = () => {
    for (const signal of SIGNALS) process.removeListener(signal, listener);
  };
  for (const signal of SIGNALS) process.on(signal, listener);
  return { stop: stop.signal, hurry: hurry.signal, remove };
}
