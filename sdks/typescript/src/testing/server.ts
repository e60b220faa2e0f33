// A real server for tests, from the binary.

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { type Duration, milliseconds } from "../duration.js";

/** How a server is started. */
export interface TestServerOptions {
  /** The binary; that of ENGINEHOUSE_BINARY, or else `enginehouse` in the path, if absent. */
  binary?: string;
  /** Where its data is: `sqlite://PATH` or `postgres://…`. A file of its own, which goes with the server, if absent. */
  store?: string;
  /** Where it listens: a free port of this machine if absent. */
  listen?: string;
  /** More arguments of `enginehouse serve`. */
  arguments?: readonly string[];
  /** How long it may take to start: 30 seconds unless set. */
  startLimit?: Duration;
}

/** The server did not start. The message has the end of what it wrote. */
export class TestServerError extends Error {
  override readonly name = "TestServerError";
}

/**
 * A server of its own for a test. It ends with the process that has started it, however that ends.
 *
 * ```ts
 * const server = await TestServer.start();
 * const client = new Client({ url: server.url });
 * // …
 * await server.stop();
 * ```
 */
export class TestServer {
  private constructor(
    /** Where it is. */
    readonly url: string,
    private readonly child: ChildProcessWithoutNullStreams,
    private readonly folder: string | undefined,
    private readonly killWithUs: () => void,
  ) {}

  /** Starts a server and waits until it listens. */
  static async start(options: TestServerOptions = {}): Promise<TestServer> {
    const binary = options.binary ?? process.env["ENGINEHOUSE_BINARY"] ?? "enginehouse";
    const folder = options.store === undefined ? await mkdtemp(join(tmpdir(), "enginehouse-test-")) : undefined;
    const store = options.store ?? `sqlite://${join(folder ?? "", "events.db")}`;
    const given = ["serve", "--store", store, "--listen", options.listen ?? "127.0.0.1:0", "--until-stdin-ends", ...(options.arguments ?? [])];
    // What sets up whoever runs the tests is no setting of this server.
    const environment = Object.entries(process.env).filter(([name]) => !name.startsWith("ENGINEHOUSE_"));
    const child = spawn(binary, given, { env: Object.fromEntries(environment), stdio: ["pipe", "pipe", "pipe"] });
    // It ends with its stdin, and so with this process, however that ends.
    child.stdin.on("error", () => undefined);
    const killWithUs = () => child.kill("SIGKILL");
    process.once("exit", killWithUs);
    let written = "";
    const limit = setTimeout(killWithUs, milliseconds(options.startLimit ?? 30, "startLimit"));
    try {
      const url = await new Promise<string>((resolve, reject) => {
        child.once("error", (error) => reject(new TestServerError(`cannot run ${binary}: ${error.message}; set ENGINEHOUSE_BINARY to the binary`)));
        child.once("close", () => reject(new TestServerError(`${binary} did not start: ${written.trim() || "it wrote nothing"}`)));
        child.stderr.setEncoding("utf8").on("data", (text: string) => (written = (written + text).slice(-4_000)));
        createInterface({ input: child.stdout }).on("line", (line) => {
          const found = /(?:https?:\/\/|unix:)\S+/.exec(line)?.[0];
          if (found !== undefined) resolve(found);
        });
      });
      return new TestServer(url, child, folder, killWithUs);
    } catch (error) {
      process.removeListener("exit", killWithUs);
      if (folder !== undefined) await rm(folder, { recursive: true, force: true });
      throw error;
    } finally {
      clearTimeout(limit);
    }
  }

  /** Asks it to stop, waits until it has, and deletes its data if it is its own. */
  async stop(): Promise<void> {
    await this.ended(() => this.child.stdin.end());
    if (this.folder !== undefined) await rm(this.folder, { recursive: true, force: true });
  }

  /** Ends it as a power cut would. Its data stays: another server may be started on it. */
  async kill(): Promise<void> {
    await this.ended(() => this.child.kill("SIGKILL"));
  }

  /** Stops it at the end of an `await using` block. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  private async ended(end: () => void): Promise<void> {
    process.removeListener("exit", this.killWithUs);
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const closed = once(this.child, "close");
    end();
    await closed;
  }
}
