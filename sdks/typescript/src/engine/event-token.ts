// Tokens of attempts, made from the engine's session.

import { createHash, createHmac } from "node:crypto";
import { crc32 } from "./crc32.js";

const BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** So that no other use of the same key ever has the same message. */
const PURPOSE = "enginehouse event token 1\0";

/**
 * The token of the attempt that has this lock on an event. The server makes the same from the hash of the session that it keeps, so that
 * none is sent anywhere before it is used. Undefined without a session.
 */
export function eventTokenOf(session: string | undefined, eventId: string, lockToken: string): string | undefined {
  const secret = /^ehs1_([0-9A-Za-z]{43})_/.exec(session ?? "")?.[1];
  const [, serial, lockSecret] = /^([0-9]+)-([0-9a-f]{32})$/.exec(lockToken) ?? [];
  if (secret === undefined || serial === undefined || lockSecret === undefined) return undefined;
  const event = eventId.replaceAll("-", "");
  const serialBytes = Buffer.alloc(8);
  serialBytes.writeBigInt64BE(BigInt(serial));
  const proof = createHmac("sha256", createHash("sha256").update(secret).digest())
    .update(PURPOSE)
    .update(Buffer.from(event, "hex"))
    .update(serialBytes)
    .update(Buffer.from(lockSecret, "hex"))
    .digest();
  const body = `ehe1_${event}_${base62(BigInt(`0x${proof.toString("hex")}`), 43)}`;
  return `${body}_${base62(BigInt(crc32(body)), 6)}`;
}

/** A number as so many digits. */
function base62(number: bigint, digits: number): string {
  let text = "";
  for (let rest = number; text.length < digits; rest /= 62n) text = (BASE62[Number(rest % 62n)] ?? "") + text;
  return text;
}
