// Burns processor time without ever waiting.

import { say } from "./script.mjs";

export default function busy(raw, context) {
  const { event_id } = context.event;
  say({ handler: "started", event_id, attempt: context.attempt });
  const { seconds } = raw.parse();
  const until = performance.now() + seconds * 1_000;
  while (performance.now() < until);
  say({ handler: "ended", event_id });
  return { burnt: seconds };
}
