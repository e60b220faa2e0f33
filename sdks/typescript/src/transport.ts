// How a call is made: where it goes, how long it may take, when it is repeated.

import { Agent as HttpAgent, request as httpRequest, type ClientRequest, type IncomingMessage } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import type { SecureContextOptions } from "node:tls";
import { Backoff } from "./backoff.js";
import { pause, systemClock } from "./clock.js";
import { problemOf } from "./generated/problems.js";
import { CallError, type ProblemDocument, UnexpectedAnswer, Unreachable } from "./problem.js";
import type { ServerAddress } from "./server-url.js";
import { adviceOf } from "./tls.js";
import { VERSION } from "./version.js";

export interface TransportSettings {
  readonly address: ServerAddress;
  readonly token: string | undefined;
  /** What `https://` is spoken with. */
  readonly tls: SecureContextOptions;
  readonly timeout: number;
  readonly connectTimeout: number;
  readonly maxRepeats: number;
  readonly maxAnswerBytes: number;
}

/** One call, apart from where the server is. */
export interface HttpCall {
  readonly method: string;
  /** Path and query, from `/v1` on. */
  readonly path: string;
  readonly body?: string | undefined;
  readonly contentType?: string;
  /** Whether doing it twice is the same as doing it once. Otherwise it is repeated only if it certainly changed nothing. */
  readonly repeatable: boolean;
  readonly timeout?: number | undefined;
  readonly maxRepeats?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** By which the process of an engine proves that it is the one that has registered. */
  readonly session?: string | undefined;
}

const FIRST_WAIT = 100;
/** The longest wait before a repeat. If the server asks for a longer one, the caller gets its problem instead. */
const MAX_WAIT = 5_000;
/** Errors of a connection that was never made. */
const NOT_CONNECTED = /^(ECONNREFUSED|ENOTFOUND|EAI_|EHOSTUNREACH|ENETUNREACH|ENOENT|EACCES|CERT_|ERR_TLS|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO)/;

/** Speaks HTTP to one server. Connections are kept, and hold no program open that is done. */
export class Transport {
  private readonly agent: HttpAgent;
  private readonly base: string;
  private readonly isTls: boolean;

  constructor(readonly settings: TransportSettings) {
    const { address, tls } = settings;
    this.isTls = address.url.protocol === "https:";
    this.base = address.url.pathname.replace(/\/+$/, "");
    // An engine that polls keeps its connections; a server that restarts has none of them.
    const options = { keepAlive: true, timeout: 30_000, maxFreeSockets: 16 };
    this.agent = this.isTls ? new HttpsAgent({ ...options, ...tls }) : new HttpAgent(options);
  }

  /** Ends the connections that are idle. */
  close(): void {
    this.agent.destroy();
  }

  /** Makes a call, again where a repeat is safe and may help, and answers the text of the answer. */
  async text(call: HttpCall): Promise<string> {
    const backoff = new Backoff(FIRST_WAIT, MAX_WAIT);
    for (let repeats = 0; ; repeats += 1) {
      try {
        return await this.once(call);
      } catch (error) {
        if (!(error instanceof CallError) || !error.isPassing) throw error;
        const asked = error.retryAfterSeconds === undefined ? undefined : error.retryAfterSeconds * 1_000;
        const isSafe = call.repeatable || !error.maybeApplied;
        const most = call.maxRepeats ?? this.settings.maxRepeats;
        if (repeats >= most || !isSafe || (asked !== undefined && asked > MAX_WAIT)) throw error;
        await pause(systemClock, backoff.next(asked), call.signal);
        call.signal?.throwIfAborted();
      }
    }
  }

  /** Makes a call whose answer comes in parts, for as long as there are some. It is not repeated. */
  async *stream(call: HttpCall): AsyncGenerator<string, void> {
    const exchange = new Exchange(this, call);
    const response = await exchange.response;
    if (!isSuccess(response)) throw refusal(response, await exchange.body(response));
    response.setEncoding("utf8");
    exchange.noTimeout();
    try {
      for await (const part of response) yield part as string;
    } catch (error) {
      throw exchange.failure(error as NodeJS.ErrnoException);
    } finally {
      exchange.destroy();
    }
  }

  private async once(call: HttpCall): Promise<string> {
    call.signal?.throwIfAborted();
    const exchange = new Exchange(this, call);
    const response = await exchange.response;
    const body = await exchange.body(response);
    if (isSuccess(response)) return body;
    throw refusal(response, body);
  }

  /** @internal Sends a request. */
  send(call: HttpCall): ClientRequest {
    const { address, token } = this.settings;
    const body = call.body === undefined ? undefined : Buffer.from(call.body);
    const headers: Record<string, string | number> = { accept: "application/json", "user-agent": `enginehouse-typescript/${VERSION}` };
    if (token !== undefined) headers["authorization"] = `Bearer ${token}`;
    if (call.session !== undefined) headers["enginehouse-session"] = call.session;
    if (body !== undefined) {
      headers["content-type"] = call.contentType ?? "application/json";
      headers["content-length"] = body.length;
    } else if (call.method !== "GET") {
      headers["content-length"] = 0;
    }
    const { hostname, port } = address.url;
    const where = address.socketPath === undefined ? { host: hostname.replace(/^\[|\]$/g, ""), port } : { socketPath: address.socketPath };
    const options = { ...where, method: call.method, path: `${this.base}${call.path}`, headers, agent: this.agent };
    const request = this.isTls ? httpsRequest(options) : httpRequest(options);
    request.end(body);
    return request;
  }
}

function isSuccess(response: IncomingMessage): boolean {
  const status = response.statusCode ?? 0;
  return status >= 200 && status < 300;
}

/** One request and its answer. */
class Exchange {
  readonly response: Promise<IncomingMessage>;
  private readonly request: ClientRequest;
  /** Rejects when the exchange is given up, whatever the runtime makes of a request that is destroyed. */
  private readonly broken: Promise<never>;
  private readonly breakOff: (error: Error) => void;
  private isConnected = false;
  private timedOut = false;
  private readonly timers: (() => void)[] = [];

  constructor(
    private readonly transport: Transport,
    private readonly call: HttpCall,
  ) {
    const { settings } = transport;
    let reject: (reason: unknown) => void = () => {};
    this.broken = new Promise((_, rejects) => (reject = rejects));
    // Nobody may be waiting for it any more.
    this.broken.catch(() => undefined);
    this.request = transport.send(call);
    this.breakOff = (error) => {
      reject(this.failure(error));
      this.request.destroy();
    };
    this.limit(call.timeout ?? settings.timeout, () => true);
    this.limit(settings.connectTimeout, () => !this.isConnected);
    this.request.setNoDelay(true);
    this.request.on("socket", (socket) => {
      if (!socket.connecting) this.isConnected = true;
      else socket.once(settings.address.url.protocol === "https:" ? "secureConnect" : "connect", () => (this.isConnected = true));
    });
    const abort = () => this.breakOff(new Error("aborted"));
    call.signal?.addEventListener("abort", abort, { once: true });
    this.request.on("error", (error) => this.breakOff(error));
    let hasAnswer = false;
    this.request.on("close", () => {
      if (!hasAnswer) this.breakOff(new Error("the connection was closed"));
      this.noTimeout();
      call.signal?.removeEventListener("abort", abort);
    });
    const answered = new Promise<IncomingMessage>((resolve) => {
      this.request.on("response", (response) => {
        hasAnswer = true;
        resolve(response);
      });
    });
    this.response = Promise.race([answered, this.broken]);
  }

  /** Reads an answer as far as it may go: who answers may be anybody. */
  body(response: IncomingMessage): Promise<string> {
    return Promise.race([this.read(response), this.broken]);
  }

  noTimeout(): void {
    for (const cancel of this.timers.splice(0)) cancel();
  }

  destroy(): void {
    this.request.destroy();
  }

  failure(error: NodeJS.ErrnoException): unknown {
    if (this.call.signal?.aborted && !this.timedOut) return this.call.signal.reason;
    const code = error.code ?? "";
    const isSent = this.isConnected && !NOT_CONNECTED.test(code);
    const why = this.timedOut ? "it took too long" : error.message || code || "the connection failed";
    const advice = adviceOf(error);
    return new Unreachable(this.transport.settings.address.shown, advice === undefined ? why : `${why.trim()}; ${advice}`, isSent ? "unknown" : "no", this.timedOut);
  }

  private async read(response: IncomingMessage): Promise<string> {
    const max = this.transport.settings.maxAnswerBytes;
    const parts: Buffer[] = [];
    let length = 0;
    try {
      for await (const part of response as AsyncIterable<Buffer>) {
        length += part.length;
        if (length > max) throw new UnexpectedAnswer(response.statusCode ?? 0, `the answer has more than ${max} bytes`);
        parts.push(part);
      }
    } catch (error) {
      throw error instanceof CallError ? error : this.failure(error as NodeJS.ErrnoException);
    }
    return Buffer.concat(parts).toString("utf8");
  }

  private limit(milliseconds: number, isOver: () => boolean): void {
    const end = () => {
      if (!isOver()) return;
      this.timedOut = true;
      this.breakOff(new Error("it took too long"));
    };
    this.timers.push(systemClock.after(milliseconds, end));
  }
}

/** The error that an answer with a status of failure is. */
function refusal(response: IncomingMessage, body: string): CallError {
  const status = response.statusCode ?? 0;
  const document = problemDocument(body);
  if (document === undefined) return new UnexpectedAnswer(status, body.trim().slice(0, 200) || "without a body");
  const header = Number(response.headers["retry-after"] ?? NaN);
  return problemOf(Number.isFinite(header) ? { retry_after_seconds: header, ...document } : document);
}

function problemDocument(body: string): ProblemDocument | undefined {
  try {
    const document = JSON.parse(body) as Partial<ProblemDocument> | null;
    const isOne = typeof document?.code === "string" && typeof document.status === "number" && typeof document.detail === "string";
    return isOne ? (document as ProblemDocument) : undefined;
  } catch {
    return undefined;
  }
}
