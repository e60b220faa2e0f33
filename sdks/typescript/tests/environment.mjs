const NAMES = ["URL", "TOKEN", "TOKEN_FILE", "TLS_CA", "CLIENT_CERT", "CLIENT_KEY"].map((name) => `ENGINEHOUSE_${name}`);

/** Runs with these variables of the environment, and none of the others that matter to a client. */
export function withEnvironment(variables, run) {
  const before = NAMES.map((name) => [name, process.env[name]]);
  for (const name of NAMES) delete process.env[name];
  Object.assign(process.env, variables);
  try {
    return run();
  } finally {
    for (const [name, value] of before) if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}
