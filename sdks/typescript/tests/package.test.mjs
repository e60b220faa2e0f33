import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { BadToken, Client, consoleLogger, VERSION } from "enginehouse";
import { withEnvironment } from "./environment.mjs";

test("the version is that of the package", () => {
  const { version, dependencies } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  assert.equal(VERSION, version);
  assert.equal(dependencies, undefined, "the package needs nothing but itself");
});

test("server and token come from the environment", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "enginehouse-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "token");
  writeFileSync(file, "s3cret\n", { mode: 0o600 });
  const make = (variables) => withEnvironment(variables, () => new Client({ logger: consoleLogger("silent") }));
  assert.equal(make({}).url, "http://127.0.0.1:7420");
  const far = { ENGINEHOUSE_URL: "http://queue.example" };
  assert.equal(make(far).showsToken, false);
  assert.equal(make({ ...far, ENGINEHOUSE_TOKEN: "s3cret" }).showsToken, true);
  assert.equal(make({ ...far, ENGINEHOUSE_TOKEN_FILE: file }).showsToken, true);
  const refused = (variables, part) =>
    assert.throws(() => make(variables), (error) => error instanceof BadToken && error.message.includes(part) && !error.message.includes("s3cret"));
  refused({ ENGINEHOUSE_TOKEN: "s3cret", ENGINEHOUSE_TOKEN_FILE: file }, "both set");
  refused({ ENGINEHOUSE_TOKEN: "two s3cret" }, "one word");
  refused({ ENGINEHOUSE_TOKEN_FILE: join(folder, "none") }, "cannot be read");
  chmodSync(file, 0o644);
  refused({ ENGINEHOUSE_TOKEN_FILE: file }, "chmod 600");
});

test("a token that goes to another machine unencrypted is warned of, once for each client", () => {
  const warnings = (url, token) => {
    const said = [];
    const logger = { ...consoleLogger("silent"), warn: (message, fields) => said.push([message, fields]) };
    const client = new Client({ url, logger, ...(token === undefined ? {} : { token }) });
    client.withSession("ehs1_x");
    return said;
  };
  const [[message, fields], ...more] = warnings("http://192.0.2.1:1", "s3cret");
  assert.deepEqual(more, []);
  assert.match(message, /^the token is sent unencrypted to another machine/);
  assert.deepEqual(fields, { url: "http://192.0.2.1:1" });
  for (const url of ["https://192.0.2.1:1", "http://127.0.0.1:1", "http://[::ffff:127.0.0.1]", "unix:/run/enginehouse.sock"]) assert.deepEqual(warnings(url, "s3cret"), [], url);
  withEnvironment({}, () => assert.deepEqual(warnings("http://192.0.2.1:1"), []));
});
