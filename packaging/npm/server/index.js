import { existsSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);

/** The C library of this machine's Linux: the binaries are for glibc. */
function libc() {
  return process.report?.getReport().header.glibcVersionRuntime ? "glibc" : "musl";
}

/** What this machine is, as the names of the packages have it. */
function platform() {
  return `${process.platform}-${process.arch}`;
}

export function findBinary() {
  const packaged = Object.keys(require("./package.json").optionalDependencies);
  const name = `@enginehouse/server-${platform()}`;
  if (!packaged.includes(name)) {
    const known = packaged.map((one) => one.replace("@enginehouse/server-", "")).join(", ");
    throw new Error(
      `there is no binary of Enginehouse for ${platform()}, only for ${known}: build it from source, or run the server on another machine and set ENGINEHOUSE_URL`,
    );
  }
  let folder;
  try {
    folder = dirname(require.resolve(`${name}/package.json`));
  } catch {
    const why =
      process.platform === "linux" && libc() === "musl"
        ? "it needs glibc, and this system has another C library"
        : "npm was asked to leave optional dependencies out, or installed for another machine";
    throw new Error(`the package ${name}, which has the binary, is not installed: ${why}; try \`npm install ${name}\``);
  }
  const binary = join(folder, "bin", "enginehouse");
  if (!existsSync(binary)) {
    throw new Error(`${binary} is not there (${readdirSync(folder).join(", ")} are): install ${name} again`);
  }
  return binary;
}
