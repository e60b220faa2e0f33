import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { chmodSync } from "node:fs";
import { after, before, test } from "node:test";
import { BadTls, Client, consoleLogger, Engine, Unauthenticated, Unreachable } from "enginehouse";
import { TestServer } from "enginehouse/testing";
import { TestCa } from "./certificates.mjs";
import { withEnvironment } from "./environment.mjs";
import { mockServer } from "./mock-server.mjs";

const NAME = "spiffe://example.org/engine-7";
const quiet = { maxRepeats: 0, logger: consoleLogger("silent") };
let ca, own, server, token;

before(async () => {
  ca = new TestCa();
  const { cert, key } = ca.sign("server", "DNS:localhost,IP:127.0.0.1");
  own = ca.sign("engine", `URI:${NAME}`);
  const store = `sqlite://${ca.path("events.db")}`;
  token = execFileSync(process.env.ENGINEHOUSE_BINARY, ["token", "create", "root", "--role", "admin", "--store", store, "-q"], { encoding: "utf8", env: {}, stdio: ["ignore", "pipe", "pipe"] });
  server = await TestServer.start({ store, arguments: ["--tls-cert", cert, "--tls-key", key, "--tls-client-ca", ca.path("ca.pem")] });
});
after(async () => {
  await server?.stop();
  ca?.delete();
});

/** What the environment of a client of the server has. */
const trusting = (more = {}) => ({ ENGINEHOUSE_URL: server.url, ENGINEHOUSE_TLS_CA: ca.path("ca.pem"), ...more });
const withCertificate = () => trusting({ ENGINEHOUSE_CLIENT_CERT: own.cert, ENGINEHOUSE_CLIENT_KEY: own.key });

test("a server is trusted by its CA, which the environment names, and refused without", async () => {
  assert.match(server.url, /^https:/);
  const trusted = withEnvironment(trusting({ ENGINEHOUSE_TOKEN: token }), () => new Client(quiet));
  assert.equal((await trusted.whoami()).name, "root");
  const options = { ...quiet, url: server.url, token };
  const untrusting = withEnvironment({}, () => new Client(options));
  await assert.rejects(untrusting.whoami(), (error) => {
    assert.ok(error instanceof Unreachable && error.applied === "no" && !error.timedOut);
    assert.match(error.message, /^no answer from https:.*certificate.*; name a file with the certificate of its CA in ENGINEHOUSE_TLS_CA/);
    return true;
  });
  // What the options have comes first.
  ca.write("another.pem", ca.read("engine.pem"));
  const misled = withEnvironment({ ENGINEHOUSE_TLS_CA: ca.path("another.pem") }, () => [new Client(options), new Client({ ...options, tls: { ca: ca.read("ca.pem") } })]);
  await assert.rejects(misled[0].whoami(), Unreachable);
  assert.equal((await misled[1].whoami()).name, "root");
});

test("a certificate is the token of a client and of an engine", async () => {
  const admin = withEnvironment(trusting(), () => new Client({ ...quiet, token }));
  await admin.createToken({ name: "engine-7", role: "engine", certificate_name: NAME });
  const nobody = withEnvironment(trusting(), () => new Client(quiet));
  await assert.rejects(nobody.getStats(), Unauthenticated);
  const client = withEnvironment(withCertificate(), () => new Client(quiet));
  assert.equal((await client.whoami()).name, "engine-7");
  const engine = withEnvironment(withCertificate(), () => new Engine("tls", { ...quiet, engineId: "engine-7" }));
  engine.on("tls.work", ({ n }) => n + 1);
  const stop = new AbortController();
  const ended = engine.runAsync(stop.signal);
  const event = await admin.enqueueAndWait("tls.work", { n: 1 }, "20s");
  assert.deepEqual([event.status, event.result, event.engine_id], ["completed", 2, "engine-7"]);
  stop.abort();
  assert.equal((await ended).completed, 1);
});

test("a file that cannot be used is named, with its variable", () => {
  const refused = (more, ...parts) =>
    assert.throws(
      () => withEnvironment(trusting(more), () => new Client(quiet)),
      (error) => error instanceof BadTls && parts.every((part) => error.message.includes(part)) && assert.doesNotMatch(error.message, /PRIVATE KEY/) === undefined,
      parts.join(),
    );
  const pair = (cert, key) => ({ ENGINEHOUSE_CLIENT_CERT: cert, ENGINEHOUSE_CLIENT_KEY: key });
  const bad = ca.write("bad.pem", "-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n");
  refused({ ENGINEHOUSE_TLS_CA: "/nonexistent/ca.pem" }, "ENGINEHOUSE_TLS_CA: /nonexistent/ca.pem: cannot be read");
  refused({ ENGINEHOUSE_TLS_CA: own.key }, `ENGINEHOUSE_TLS_CA: ${own.key}: holds no certificate in PEM`);
  refused({ ENGINEHOUSE_TLS_CA: bad }, `ENGINEHOUSE_TLS_CA: ${bad}: is not a PEM file`);
  refused({ ENGINEHOUSE_CLIENT_CERT: own.cert }, "ENGINEHOUSE_CLIENT_CERT and ENGINEHOUSE_CLIENT_KEY go together");
  refused(pair(bad, own.key), `ENGINEHOUSE_CLIENT_CERT: ${bad}: is not a PEM file`);
  refused(pair(own.cert, own.cert), `ENGINEHOUSE_CLIENT_KEY: ${own.cert}:`);
  refused(pair(own.cert, ca.write("not-a.key", "nothing")), "holds no private key in PEM, or an encrypted one");
  refused(pair(own.cert, ca.path("ca.key")), `ENGINEHOUSE_CLIENT_CERT: ${own.cert}, ENGINEHOUSE_CLIENT_KEY: ${ca.path("ca.key")}: cannot be used together`);
  const open = ca.write("open.key", ca.read("engine.key"));
  chmodSync(open, 0o644);
  refused(pair(own.cert, open), `ENGINEHOUSE_CLIENT_KEY: ${open}: may be read by others`, "chmod 600", "644");
  assert.throws(() => new Client({ url: server.url, tls: { cert: "x" } }), /^BadTls: tls.cert and tls.key go together/);
  // Where nothing is encrypted, nothing is read.
  withEnvironment({ ENGINEHOUSE_URL: "localhost", ENGINEHOUSE_TLS_CA: "/nonexistent/ca.pem" }, () => new Client(quiet));
});

test("a server that speaks no TLS is said to speak none", async (t) => {
  const plain = await mockServer(t, () => ({}));
  const client = new Client({ ...quiet, url: plain.url.replace("http:", "https:") });
  await assert.rejects(client.getStats(), (error) => error instanceof Unreachable && error.applied === "no" && error.message.endsWith("it does not speak TLS there: try http://"));
});
