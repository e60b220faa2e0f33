import { createServer } from "node:http";
import { once } from "node:events";

/** A server that answers as `answer(request, body)` says: `{ status, headers, body }`, or "hang up", or nothing at all for "silence". */
export async function mockServer(t, answer) {
  const calls = [];
  const server = createServer(async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    const body = Buffer.concat(parts).toString();
    calls.push({ method: request.method, path: request.url, headers: request.headers, body });
    const given = await answer(request, body, calls.length);
    if (given === "hang up") return void response.destroy();
    if (given === "silence") return;
    const { status = 200, headers = {}, body: text = "{}" } = given;
    response.writeHead(status, headers).end(typeof text === "string" ? text : JSON.stringify(text));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return { url: `http://127.0.0.1:${server.address().port}`, calls };
}

/** A problem as a server writes it. */
export function problem(status, code, more = {}) {
  return { status, body: { type: `/problems/${code}`, title: code, status, code, detail: `it is ${code}`, ...more } };
}
