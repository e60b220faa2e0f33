// What `https://` is spoken with: from options, and from the files that the environment names.

import { createPrivateKey, X509Certificate } from "node:crypto";
import { closeSync, fstatSync, openSync, readFileSync } from "node:fs";
import * as tls from "node:tls";

/**
 * What `https://` is spoken with, as texts in PEM. Where one is absent, the file that a variable of the environment names takes its place,
 * as for the command line.
 */
export interface TlsOptions {
  /** Certificates of CAs that are trusted besides those that the runtime trusts. Those of the file ENGINEHOUSE_TLS_CA if absent. */
  ca?: string;
  /**
   * The client's own certificate, and behind it those of the CAs in between, for a server that knows callers by theirs. That of the file
   * ENGINEHOUSE_CLIENT_CERT if `key` is absent, too.
   */
  cert?: string;
  /** The key of `cert`, not encrypted. That of the file ENGINEHOUSE_CLIENT_KEY, which its owner alone can read, if `cert` is absent, too. */
  key?: string;
}

/** A certificate or a key that cannot be used. The message names the variable and the file that it is from. */
export class BadTls extends Error {
  override readonly name = "BadTls";
}

/** A text in PEM, and where it is from. */
interface Pem {
  readonly text: string;
  readonly from: string;
}

/**
 * What connections are made with: what the options have, or else the environment. Where nothing is encrypted (`isUsed` is false), files
 * are not read. Throws a {@link BadTls}.
 */
export function tlsConnectionOptions(options: TlsOptions, isUsed: boolean, environment: NodeJS.ProcessEnv = process.env): tls.SecureContextOptions {
  checkPairs(options, environment);
  if (!isUsed) return {};
  const ca = options.ca === undefined ? pemOf(environment, "ENGINEHOUSE_TLS_CA") : { text: options.ca, from: "tls.ca" };
  const own = ownCertificate(options, environment);
  if (ca !== undefined) checkCertificates(ca);
  if (own !== undefined) {
    checkCertificates(own.cert);
    checkKey(own.key);
  }
  const trusted = ca === undefined ? {} : { ca: [...trustedByRuntime(), ca.text] };
  const all = { ...trusted, ...(own === undefined ? {} : { cert: own.cert.text, key: own.key.text }) };
  try {
    tls.createSecureContext(all);
  } catch (error) {
    const from = [ca, own?.cert, own?.key].flatMap((pem) => (pem === undefined ? [] : [pem.from]));
    throw new BadTls(`${from.join(", ")}: cannot be used together: ${(error as Error).message}`);
  }
  return all;
}

/** What to do about a connection that failed for this reason, if the reason tells. */
export function adviceOf(error: NodeJS.ErrnoException): string | undefined {
  if (/^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_GET_ISSUER_CERT|UNABLE_TO_VERIFY)/.test(error.code ?? "")) {
    return "name a file with the certificate of its CA in ENGINEHOUSE_TLS_CA if it is to be trusted";
  }
  return /wrong version number|packet length too long/i.test(error.message) ? "it does not speak TLS there: try http://" : undefined;
}

function checkPairs(options: TlsOptions, environment: NodeJS.ProcessEnv): void {
  if ((options.cert === undefined) !== (options.key === undefined)) throw new BadTls("tls.cert and tls.key go together: give both, or neither");
  if (!environment["ENGINEHOUSE_CLIENT_CERT"] !== !environment["ENGINEHOUSE_CLIENT_KEY"]) {
    throw new BadTls("ENGINEHOUSE_CLIENT_CERT and ENGINEHOUSE_CLIENT_KEY go together: set both, or neither");
  }
}

function ownCertificate({ cert, key }: TlsOptions, environment: NodeJS.ProcessEnv): { cert: Pem; key: Pem } | undefined {
  if (cert !== undefined && key !== undefined) return { cert: { text: cert, from: "tls.cert" }, key: { text: key, from: "tls.key" } };
  const own = { cert: pemOf(environment, "ENGINEHOUSE_CLIENT_CERT"), key: pemOf(environment, "ENGINEHOUSE_CLIENT_KEY", true) };
  return own.cert === undefined || own.key === undefined ? undefined : { cert: own.cert, key: own.key };
}

/** The file that a variable names, if it is set. */
function pemOf(environment: NodeJS.ProcessEnv, variable: string, isSecret = false): Pem | undefined {
  const path = environment[variable];
  if (!path) return undefined;
  const from = `${variable}: ${path}`;
  let file: number | undefined;
  try {
    file = openSync(path, "r");
    if (isSecret) checkPermissions(file, from);
    return { text: readFileSync(file, "utf8"), from };
  } catch (error) {
    throw error instanceof BadTls ? error : new BadTls(`${from}: cannot be read: ${(error as Error).message}`);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

/** As with libpq, the owner of a key alone may be able to read it, or, of one of root's, also a group. */
function checkPermissions(file: number, from: string): void {
  const stats = fstatSync(file);
  const tooMuch = stats.uid === 0 ? 0o037 : 0o077;
  if (process.platform === "win32" || !stats.isFile() || (stats.mode & tooMuch) === 0) return;
  const octal = (stats.mode & 0o777).toString(8).padStart(3, "0");
  throw new BadTls(`${from}: may be read by others: let only its owner read it, as with chmod 600 (it is ${octal})`);
}

function checkCertificates({ text, from }: Pem): void {
  const found = text.match(/-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]*-----END (?:TRUSTED |X509 )?CERTIFICATE-----/g) ?? [];
  if (found.length === 0) throw new BadTls(`${from}: holds no certificate in PEM`);
  for (const one of found) {
    try {
      new X509Certificate(one);
    } catch (error) {
      throw new BadTls(`${from}: is not a PEM file: ${(error as Error).message}`);
    }
  }
}

function checkKey({ text, from }: Pem): void {
  try {
    createPrivateKey(text);
  } catch {
    // What the runtime says of it differs with its version, and no part of a key may be shown.
    throw new BadTls(`${from}: holds no private key in PEM, or an encrypted one: decrypt it`);
  }
}

/** Newer versions of Node say what they trust, which the system or NODE_EXTRA_CA_CERTS may have added to. */
function trustedByRuntime(): readonly string[] {
  const { getCACertificates } = tls as { getCACertificates?: (type: "default") => string[] };
  return getCACertificates?.("default") ?? tls.rootCertificates;
}
