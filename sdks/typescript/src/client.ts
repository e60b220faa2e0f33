// Calls one server.

import { tokenOfEnvironment, checkedToken } from "./access-token.js";
import { type Answer, type Args, type CallOptions, PagedList, type Schemas } from "./calls.js";
import { pause, systemClock } from "./clock.js";
import { type Duration, milliseconds, seconds } from "./duration.js";
import { GeneratedCalls, OPERATIONS, type OperationId } from "./generated/calls.js";
import { type Numbers, parseAnswer, parseJson, stringifyJson } from "./json.js";
import { consoleLogger, type Logger } from "./logger.js";
import { UnexpectedAnswer } from "./problem.js";
import { messages, type StreamMessage } from "./server-sent-events.js";
import { DEFAULT_URL, isOverheard, serverAddress } from "./server-url.js";
import { type TlsOptions, tlsConnectionOptions } from "./tls.js";
import { withTraceparent } from "./tracing.js";
import { Transport } from "./transport.js";

/** How a client reaches its server, and how it reads numbers. */
export interface ClientOptions {
  /**
   * Where the server is: `http://HOST:PORT`, `https://HOST`, `unix:/PATH` or, for short, `HOST:PORT` or `:PORT`. ENGINEHOUSE_URL if
   * absent, and `http://127.0.0.1:7420` without that.
   */
  url?: string | undefined;
  /** Sent with every call. That of ENGINEHOUSE_TOKEN, or of the file that ENGINEHOUSE_TOKEN_FILE names, if absent. */
  token?: string | undefined;
  /** How long each try of a call may take, besides what the server was asked to wait: 30 seconds unless set. */
  timeout?: Duration;
  /** How long a connection may take to be made: 5 seconds unless set. */
  connectTimeout?: Duration;
  /** How often a call is repeated at most, where a repeat is safe and may help: 4 times unless set. */
  maxRepeats?: number;
  /** How the numbers of payloads, results and checkpoints are read: `"safe"` unless set. */
  numbers?: Numbers;
  /** What `https://` is spoken with, besides what the runtime trusts. What it leaves out is of the files that the environment names. */
  tls?: TlsOptions;
  /** The largest answer that is read: 128 MiB unless set, which no answer of a server reaches. */
  maxAnswerBytes?: number;
  /** Takes what a client or an engine says of itself; lines on stderr unless set. */
  logger?: Logger;
}

/** An event as a producer asks for it, without its type and payload. */
export type EnqueueFields = Omit<Schemas["EnqueueRequest"], "event_type" | "payload">;

/** Fields that hold any JSON of whoever uses the server: the generator sees to it that no field of another kind has their names. */
const FREE_FIELDS: ReadonlySet<string> = new Set(["checkpoint", "details", "payload", "result"]);
/** How much longer than its wait a call may take. */
const WAIT_MARGIN = 10_000;
/** The longest wait of one call. */
const MAX_WAIT_SECONDS = 60;
const FINAL: ReadonlySet<string> = new Set(["completed", "failed", "cancelled"]);

/**
 * Calls one server: a method for each call of the API, named as in openapi.json, whose argument holds the fields of path, query and
 * body by the names that they have there.
 *
 * A call that fails rejects with a `Problem` (the server refused it), {@link Unreachable} (no answer came) or
 * {@link UnexpectedAnswer}. Where a repeat is safe and may help, it is repeated first.
 *
 * ```ts
 * const client = new Client();
 * await client.enqueue("order.created", { sku: "A-1", qty: 2 }, { idempotency_key: "order-17" });
 * ```
 */
export class Client extends GeneratedCalls {
  private readonly transport: Transport;
  private readonly numbers: Numbers;
  private session: string | undefined;

  /** Connects with the first call. Throws a {@link BadUrl}, a {@link BadToken} or a {@link BadTls}. */
  constructor(options: ClientOptions = {}) {
    super();
    const address = serverAddress(options.url ?? (process.env["ENGINEHOUSE_URL"] || DEFAULT_URL));
    this.numbers = options.numbers ?? "safe";
    this.transport = new Transport({
      address,
      token: options.token === undefined ? tokenOfEnvironment() : checkedToken(options.token, "token"),
      tls: tlsConnectionOptions(options.tls ?? {}, address.url.protocol === "https:"),
      timeout: milliseconds(options.timeout ?? 30, "timeout"),
      connectTimeout: milliseconds(options.connectTimeout ?? 5, "connectTimeout"),
      maxRepeats: options.maxRepeats ?? 4,
      maxAnswerBytes: options.maxAnswerBytes ?? 128 * 1024 * 1024,
    });
    if (this.showsToken) {
      const logger = options.logger ?? consoleLogger();
      logger.warn("the token is sent unencrypted to another machine: whoever is in between can use it", { url: this.url });
    }
  }

  /** The server's address. */
  get url(): string {
    return this.transport.settings.address.shown;
  }

  /** Whether a token is sent unencrypted to another machine, where whoever is in between can use it. */
  get showsToken(): boolean {
    return this.transport.settings.token !== undefined && isOverheard(this.transport.settings.address);
  }

  /**
   * The same client, calling as the process of an engine: with the `session_token` that its registration answered. They share their
   * connections.
   */
  withSession(session: string | undefined): Client {
    const client = Object.create(this) as Client;
    client.session = session;
    return client;
  }

  /** Ends the connections that are idle. A client need not be closed: they hold no program open. */
  close(): void {
    this.transport.close();
  }

  /**
   * Enqueues one event. With an `idempotency_key`, it is repeated after any failure that may pass; without one, only if the one that
   * failed certainly changed nothing. Where OpenTelemetry's API is installed, the current span is its `traceparent`.
   */
  async enqueue(
    eventType: string,
    payload?: unknown,
    fields: EnqueueFields = {},
    options?: CallOptions,
  ): Promise<Schemas["EnqueueResponse"]> {
    const event = { event_type: eventType, ...(payload === undefined ? {} : { payload }), ...fields };
    return this.enqueueEvent(await withTraceparent(event), options);
  }

  /** Enqueues up to 10,000 events, all or nothing. Repeated like {@link Client.enqueue}, if each has an `idempotency_key`. */
  async enqueueMany(events: Schemas["EnqueueRequest"][], options?: CallOptions): Promise<Schemas["BatchResponse"]> {
    const traced = await Promise.all(events.map(withTraceparent));
    return (await this.enqueueBatch({ events: traced }, options)) as Schemas["BatchResponse"];
  }

  /** Enqueues one event and answers it once it has completed, failed or been cancelled, or as it is after `wait`. */
  async enqueueAndWait(
    eventType: string,
    payload: unknown,
    wait: Duration,
    fields: EnqueueFields = {},
    options?: CallOptions,
  ): Promise<Schemas["Event"]> {
    const until = systemClock.monotonic() + milliseconds(wait, "wait");
    const first = Math.min(seconds(wait, "wait"), MAX_WAIT_SECONDS);
    const asked = { ...(await withTraceparent({ event_type: eventType, payload, ...fields })), wait_seconds: first };
    const answer = await this.enqueueEvent(asked, options);
    if (answer.event && FINAL.has(answer.event.status)) return answer.event;
    return this.waitForEvent(answer.event_id, Math.max(until - systemClock.monotonic(), 0) / 1_000, options);
  }

  /** The event once it has completed, failed or been cancelled, or as it is after `wait`. */
  async waitForEvent(eventId: string, wait: Duration, options?: CallOptions): Promise<Schemas["Event"]> {
    const until = systemClock.monotonic() + milliseconds(wait, "wait");
    for (;;) {
      const began = systemClock.monotonic();
      const left = Math.min(Math.max(until - began, 0) / 1_000, MAX_WAIT_SECONDS);
      const event = await this.getEvent({ event_id: eventId, wait_seconds: left }, options);
      if (FINAL.has(event.status) || systemClock.monotonic() >= until) return event;
      // A server that shuts down answers at once, and one that starts is asked again.
      await pause(systemClock, Math.max(1_000 - (systemClock.monotonic() - began), 0), options?.signal);
      options?.signal?.throwIfAborted();
    }
  }

  /** The log of an attempt, the newest if none is named, as it grows until the attempt ends. */
  followLog(eventId: string, attempt?: number, options?: CallOptions): AsyncGenerator<StreamMessage, void> {
    const query = attempt === undefined ? "" : `&attempt=${attempt}`;
    return this.messages(`/v1/events/${encodeURIComponent(eventId)}/log?follow=true${query}`, options);
  }

  /** Topics as they change: all that there is first. Whoever comes back begins anew. */
  followTopics(topics: string[], options?: CallOptions): AsyncGenerator<StreamMessage, void> {
    return this.messages(`/v1/stream?topics=${encodeURIComponent(topics.join(","))}`, options);
  }

  /** The metrics of the server, in the text format of Prometheus. */
  getMetrics(options?: CallOptions): Promise<string> {
    return this.transport.text({ method: "GET", path: "/metrics", repeatable: true, ...this.limits(options) });
  }

  protected override list<O extends OperationId>(id: O, args: Args<O>, options?: CallOptions): PagedList<Answer<O>> {
    return new PagedList((cursor) => this.call(id, cursor === undefined ? args : { ...args, cursor }, options));
  }

  protected override async call<O extends OperationId>(id: O, args: Args<O>, options?: CallOptions): Promise<Answer<O>> {
    const { method, path, query, body, repeatable } = OPERATIONS[id];
    const fields: Record<string, unknown> = { ...args };
    const wait = waitOf(id, fields);
    const take = (name: string): unknown => {
      const value = fields[name];
      delete fields[name];
      return value;
    };
    const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => segment(id, name, take(name)));
    const search = new URLSearchParams();
    for (const name of query) {
      const value = take(name);
      if (value !== undefined && value !== null) search.append(name, String(value));
    }
    const unknown = body ? undefined : Object.keys(fields).find((name) => fields[name] !== undefined);
    if (unknown !== undefined) throw new TypeError(`${id} has no field ${unknown}`);
    const limits = this.limits(options);
    const text = await this.transport.text({
      method,
      path: search.size > 0 ? `${filled}?${search}` : filled,
      body: body ? stringifyJson(fields) : undefined,
      repeatable: repeatable || isRepeatable(id, fields),
      ...limits,
      // The wait is the server's; what is beyond it is the call's.
      timeout: wait > 0 ? wait * 1_000 + (limits.timeout ?? WAIT_MARGIN) : limits.timeout,
      session: this.session,
    });
    return (text === "" ? undefined : this.read(text)) as Answer<O>;
  }

  private read(text: string): unknown {
    try {
      return parseAnswer(text, this.numbers, FREE_FIELDS);
    } catch (error) {
      throw new UnexpectedAnswer(200, (error as Error).message);
    }
  }

  private limits(options: CallOptions = {}) {
    const { signal, timeout, maxRepeats } = options;
    return { signal, maxRepeats, timeout: timeout === undefined ? undefined : milliseconds(timeout, "timeout") };
  }

  private messages(path: string, options?: CallOptions): AsyncGenerator<StreamMessage, void> {
    const parts = this.transport.stream({ method: "GET", path, repeatable: false, ...this.limits(options) });
    return messages(parts, (text) => parseJson(text));
  }
}

/** A part of a path. Without it, the path would be that of another call. */
function segment(id: string, name: string, value: unknown): string {
  if (typeof value !== "string" || value === "") throw new TypeError(`${id}: ${name} must be a text that is not empty`);
  return encodeURIComponent(value);
}

/** How long the server is asked to wait, in seconds. */
function waitOf(id: OperationId, fields: Record<string, unknown>): number {
  const part = id === "exchange" ? (fields["claim"] as Record<string, unknown> | null | undefined) : fields;
  const wait = Number(part?.["wait_seconds"] ?? 0);
  return Number.isFinite(wait) ? Math.min(Math.max(wait, 0), MAX_WAIT_SECONDS) : 0;
}

/** Whether what is in the call makes a repeat of it safe. */
function isRepeatable(id: OperationId, fields: Record<string, unknown>): boolean {
  const hasKey = (event: unknown) => typeof (event as Record<string, unknown> | null)?.["idempotency_key"] === "string";
  switch (id) {
    case "enqueue_event":
      return hasKey(fields);
    case "enqueue_batch":
      return Array.isArray(fields["events"]) && fields["events"].every(hasKey);
    case "exchange":
      return fields["claim"] === undefined || fields["claim"] === null;
    default:
      return false;
  }
}
