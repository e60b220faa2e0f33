import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { BadToken, Client, VERSION } from "enginehouse";

test("the version is that of the package", () => {
  const { version, dependencies } = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  assert.equal(VERSION, version);
  assert.equal(dependencies, undefined, "the package needs nothing but itself");
});

/** With these variables of the environment, and none of the others that matter. */
function withEnvironment(variables, run) {
  const names = ["ENGINEHOUSE_URL", "ENGINEHOUSE_TOKEN", "ENGINEHOUSE_TOKEN_FILE"];
  const before = names.map((name) => [name, process.env[name]]);
  for (const name of names) delete process.env[name];
  Object.assign(process.env, variables);
  try {
    return run();
  } finally {
    for (const [name, value] of before) if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}

test("server and token come from the environment", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "enginehouse-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, "token");
  writeFileSync(file, "s3cret\n", { mode: 0o600 });
  const make = (variables) => withEnvironment(variables, () => new Client());
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
