// What the payload of a `work` event has its attempts do, step by step.

import { writeSync } from "node:fs";
import { isMainThread } from "node:worker_threads";
import { Reject, Release, Retry, stringifyJson } from "enginehouse";

/** Writes a line to stdout at once: whoever reads it acts on it. */
export function say(message) {
  const bytes = Buffer.from(`${stringifyJson(message)}\n`);
  for (let at = 0; at < bytes.length; ) {
    try {
      at += writeSync(1, bytes, at);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
    }
  }
}

/** What handlers wait for, in whichever thread they are. A gate that is open stays open. */
export class Gates {
  waiting = new Map();
  channel = new BroadcastChannel("gates");

  constructor() {
    this.channel.unref?.();
    this.channel.onmessage = ({ data }) => this.heard(data);
    if (!isMainThread) this.channel.postMessage({ which: "are open" });
  }

  heard({ which, open = [], exit }) {
    for (const name of open) this.gate(name).open();
    if (!isMainThread) return;
    if (which) this.channel.postMessage({ open: [...this.waiting.keys()].filter((name) => this.gate(name).isOpen) });
    if (exit !== undefined) process.exit(exit);
  }

  /** Ends the process at once. In a thread of its own, `process.exit` would end no more than that. */
  exit(status) {
    if (isMainThread) process.exit(status);
    this.channel.postMessage({ exit: status });
    return new Promise(() => {});
  }

  gate(name) {
    if (!this.waiting.has(name)) {
      const gate = {};
      gate.opened = new Promise((resolve) => {
        gate.open = () => {
          gate.isOpen = true;
          resolve();
        };
      });
      this.waiting.set(name, gate);
    }
    return this.waiting.get(name);
  }

  open(name) {
    this.gate(name).open();
    this.channel.postMessage({ open: [name] });
  }

  opened(name) {
    return this.gate(name).opened;
  }
}

/** Runs the steps of this attempt. The payload is as the server has it. */
export async function scripted(payload, context, gates) {
  const event_id = context.event.event_id;
  say({ handler: "started", event_id, attempt: context.attempt });
  try {
    const attempts = payload.get("attempts");
    const count = attempts?.parse().length ?? 0;
    const steps = attempts?.get(Math.min(context.attempt, count) - 1);
    for (let at = 0; steps?.get(at) !== undefined; at += 1) {
      const step = steps.get(at);
      const [name, value] = Object.entries(step.parse())[0];
      const ended = await perform(name, value, step.get(name), payload, context, gates);
      if (ended) return ended.with;
    }
    return null;
  } finally {
    say({ handler: "ended", event_id });
  }
}

async function perform(name, value, raw, payload, context, gates) {
  const event_id = context.event.event_id;
  switch (name) {
    case "say":
      say({ handler: "said", event_id, text: value });
      return undefined;
    case "say_previous":
      say({ handler: "said", event_id, text: stringifyJson(context.previous?.checkpoint ?? null) });
      return undefined;
    case "progress":
      context.progress(value.percent ?? undefined, value.message ?? undefined);
      return undefined;
    case "checkpoint":
      context.checkpoint(raw);
      return undefined;
    case "log":
      context.log(value);
      return undefined;
    case "wait":
      await gates.opened(value);
      return undefined;
    case "wait_stopped": {
      const reason = await context.waitStopped();
      say({ handler: "stopped", event_id, reason });
      return undefined;
    }
    case "complete":
      return { with: raw };
    case "echo":
      return { with: payload.get("value") };
    case "throw":
      throw new Error(value);
    case "retry":
      throw new Retry(value.message ?? undefined, given({ after: value.after_seconds, code: value.code }));
    case "reject":
      throw new Reject(value.message ?? "rejected", given({ code: value.code }));
    case "release":
      throw new Release(given({ delay: value?.delay_seconds }));
    case "exit":
      return gates.exit(value);
    default:
      throw new Error(`there is no step ${name}`);
  }
}

function given(options) {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined && value !== null));
}
