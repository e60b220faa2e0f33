// The address of a server, as people write it.

/** The address that is used when nobody names one. */
export const DEFAULT_URL = "http://127.0.0.1:7420";
/** The port of a server whose address has neither a scheme nor a port. */
const DEFAULT_PORT = 7420;
/** What a server serves beside its calls: somebody has copied the address of a page. */
const PAGES = ["v1", "docs", "openapi.json", "healthz", "readyz", "metrics", "problems"];

/** An address that no server can have. It is shown without what may be a secret. */
export class BadUrl extends Error {
  override readonly name = "BadUrl";

  /** @internal */
  constructor(url: string, reason: string) {
    super(`${JSON.stringify(withoutSecrets(url))} is not the address of a server: ${reason}`);
  }
}

/** Where requests go. */
export interface ServerAddress {
  /** What they are addressed to. By way of a socket, this is no more than a name. */
  readonly url: URL;
  /** The socket in the file system that they go through. */
  readonly socketPath: string | undefined;
  /** What people know the server by. */
  readonly shown: string;
}

/**
 * Reads an address: `http://HOST:PORT`, `https://HOST` and the path that a proxy has the server under; for short, `HOST:PORT`, `HOST`
 * or `:PORT`; or `unix:/PATH` of a socket.
 */
export function serverAddress(text: string): ServerAddress {
  const trimmed = text.trim();
  if (trimmed.startsWith("unix:")) {
    const path = trimmed.slice("unix:".length);
    if (!path.startsWith("/") || path.startsWith("//")) {
      throw new BadUrl(text, "a socket is named by its absolute path, as in unix:/run/enginehouse.sock");
    }
    return { url: new URL("http://localhost"), socketPath: path, shown: `unix:${path}` };
  }
  const url = trimmed.includes("://") ? parsed(trimmed, text) : short(trimmed, text);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    throw new BadUrl(text, "it has to begin with http://, https:// or unix:/");
  }
  if (url.username || url.password) {
    throw new BadUrl(text, "a name or a password has no place in it; a token goes into ENGINEHOUSE_TOKEN");
  }
  if (url.search || url.hash) throw new BadUrl(text, "it has a query or a fragment");
  const page = url.pathname.split("/").find((segment) => PAGES.includes(segment));
  if (page !== undefined) {
    throw new BadUrl(text, `leave out /${page} and what follows: the server is at ${url.href.split(`/${page}`)[0]}`);
  }
  return { url, socketPath: undefined, shown: url.href.replace(/\/+$/, "") };
}

/** Whether what is sent there can be read on its way: it leaves this machine, and is not encrypted. */
export function isOverheard(address: ServerAddress): boolean {
  if (address.socketPath !== undefined || address.url.protocol !== "http:") return false;
  const host = address.url.hostname.replace(/^\[|\]$/g, "");
  return !(host === "localhost" || host === "::1" || /^127\.[0-9.]+$/.test(host) || /^::ffff:7f[0-9a-f]{2}:/.test(host));
}

function parsed(url: string, given: string): URL {
  try {
    return new URL(url);
  } catch {
    throw new BadUrl(given, "it is no URL");
  }
}

/** An address without a scheme. */
function short(text: string, given: string): URL {
  const refuse = () => new BadUrl(given, "it has to be http://HOST:PORT, https://HOST, HOST:PORT or unix:/PATH");
  const authority = text.split(/[/?#]/)[0] ?? "";
  if (text === "" || authority.endsWith(":")) throw refuse();
  const full = `http://${text.startsWith(":") ? "127.0.0.1" : ""}${text}`;
  if (!URL.canParse(full)) throw refuse();
  const url = new URL(full);
  // In `[::1]` the last colon has a bracket behind it.
  if (!/:[0-9]+$/.test(authority)) url.port = String(DEFAULT_PORT);
  return url;
}

/** The address without a name and a password, and without a query, which may hold a token. */
function withoutSecrets(url: string): string {
  const shown = url.split(/[?#]/)[0] ?? "";
  const at = shown.lastIndexOf("@");
  return at < 0 ? shown : `…@${shown.slice(at + 1)}`;
}
