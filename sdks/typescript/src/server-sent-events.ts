// Streams of server-sent events, as the server sends them.

/** One message of a stream. */
export interface StreamMessage {
  /** What kind it is. */
  event: string;
  /** What it says: JSON. */
  data: unknown;
  /** Where it is in the stream, if the stream can be gone on with. */
  id: string | undefined;
}

/** Reads messages from the parts in which a stream arrives. `read` is given the text of each message's data. */
export async function* messages(parts: AsyncIterable<string>, read: (text: string) => unknown): AsyncGenerator<StreamMessage, void> {
  let rest = "";
  for await (const part of parts) {
    const blocks = (rest + part).replaceAll("\r\n", "\n").split("\n\n");
    rest = blocks.pop() ?? "";
    for (const block of blocks) {
      const message = messageOf(block, read);
      if (message) yield message;
    }
  }
}

function messageOf(block: string, read: (text: string) => unknown): StreamMessage | undefined {
  const data: string[] = [];
  let event = "message";
  let id: string | undefined;
  for (const line of block.split("\n")) {
    const [, field, value] = /^(event|data|id): ?(.*)$/.exec(line) ?? [];
    if (field === "event") event = value ?? event;
    else if (field === "data") data.push(value ?? "");
    else if (field === "id") id = value;
  }
  // A comment, which only shows that the server is there.
  return data.length === 0 ? undefined : { event, data: read(data.join("\n")), id };
}
