// What a client proves with that it may call.

import { closeSync, fstatSync, openSync, readSync } from "node:fs";

/** Most bytes of a file with a token. */
const MAX_TOKEN_FILE = 4_096;

/** A token that cannot be used. The message names where it is from, never what it is. */
export class BadToken extends Error {
  override readonly name = "BadToken";
}

/** Reads a token; white space around it, such as the end of a line, is no part of it. */
export function checkedToken(text: string, from: string): string {
  const token = text.trim();
  if (!/^[!-~]+$/.test(token)) throw new BadToken(`${from}: a token is one word of letters, digits and signs of ASCII`);
  return token;
}

/** The token of the environment, from ENGINEHOUSE_TOKEN or the file that ENGINEHOUSE_TOKEN_FILE names; none if neither is set. */
export function tokenOfEnvironment(environment: NodeJS.ProcessEnv = process.env): string | undefined {
  const token = environment["ENGINEHOUSE_TOKEN"];
  const file = environment["ENGINEHOUSE_TOKEN_FILE"];
  if (token && file) throw new BadToken("ENGINEHOUSE_TOKEN and ENGINEHOUSE_TOKEN_FILE are both set: keep one of them");
  if (token) return checkedToken(token, "ENGINEHOUSE_TOKEN");
  return file ? tokenOfFile(file) : undefined;
}

/** The token in a file that not everybody can read. */
export function tokenOfFile(path: string): string {
  const from = `ENGINEHOUSE_TOKEN_FILE: ${path}`;
  let file: number;
  try {
    file = openSync(path, "r");
  } catch (error) {
    throw new BadToken(`${from}: cannot be read: ${(error as Error).message}`);
  }
  try {
    const mode = fstatSync(file).mode & 0o777;
    if (process.platform !== "win32" && (mode & 0o007) !== 0) {
      const octal = mode.toString(8).padStart(3, "0");
      throw new BadToken(`${from}: everybody can read or write it (mode ${octal}): run chmod 600 on it`);
    }
    const bytes = Buffer.alloc(MAX_TOKEN_FILE);
    const length = readSync(file, bytes, 0, MAX_TOKEN_FILE, 0);
    return checkedToken(bytes.toString("utf8", 0, length), from);
  } finally {
    closeSync(file);
  }
}
