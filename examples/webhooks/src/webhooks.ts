// Delivers webhooks: each event is one delivery, signed as https://www.standardwebhooks.com describes.

import { createHmac } from "node:crypto";
import { type Context, Engine, type EngineOptions, Reject, Retry, stringifyJson } from "enginehouse";

/** One delivery: where to, and what of. */
export interface Delivery {
  url: string;
  type: string;
  data: unknown;
}

/** An engine that delivers. `secret` is what receivers check signatures with. */
export function webhooks(secret: string, options: EngineOptions = {}): Engine {
  const engine = new Engine("webhooks", { concurrency: 50, ...options });
  engine.on<Delivery>("webhook.deliver", { timeout: "15s" }, (delivery, context) => deliver(delivery, context, secret));
  return engine;
}

async function deliver({ url, type, data }: Delivery, context: Context, secret: string): Promise<{ status: number }> {
  // The same in each attempt: a receiver knows by it what it has had before.
  const id = context.event.event_id;
  const timestamp = Math.floor(Date.now() / 1_000);
  const body = stringifyJson({ type, timestamp: context.event.enqueued_at, data });
  const signature = createHmac("sha256", secret).update(`${id}.${timestamp}.${body}`).digest("base64");
  const headers = {
    "content-type": "application/json",
    "webhook-id": id,
    "webhook-timestamp": String(timestamp),
    "webhook-signature": `v1,${signature}`,
  };
  let response: Response;
  try {
    response = await fetch(url, { method: "POST", headers, body, redirect: "manual", signal: context.signal });
  } catch (error) {
    context.check();
    // Nobody there: again by the policy of the event type.
    throw new Retry("no answer", { code: "no_answer", cause: error });
  }
  await response.body?.cancel();
  const { status } = response;
  context.log(`${url} answered ${status}`);
  if (response.ok) return { status };
  // The receiver wants nothing more: that is an answer, and nobody has to look.
  if (status === 410) throw new Reject("the receiver is gone", { code: "gone", deadLetter: false });
  if (status === 429 || status >= 500) {
    const wait = Number(response.headers.get("retry-after") ?? NaN);
    throw new Retry(`the receiver answered ${status}`, { code: `status_${status}`, ...(wait >= 0 ? { after: Math.min(wait, 3_600) } : {}) });
  }
  throw new Reject(`the receiver answered ${status}`, { code: `status_${status}` });
}
