// JSON whose numbers stay as they were written: JavaScript has none beyond 2^53, and no 1.0 beside 1.

/** A number that JavaScript cannot hold as it was written. */
export class ExactNumber {
  constructor(readonly text: string) {}
}

export type Json = null | boolean | number | string | ExactNumber | Json[] | { [name: string]: Json };

class Reader {
  private at = 0;
  constructor(private readonly text: string) {}

  read(): Json {
    const value = this.value();
    this.blank();
    if (this.at < this.text.length) this.fail();
    return value;
  }

  private fail(): never {
    const found = this.at < this.text.length ? `“${this.text[this.at]}”` : 'its end';
    const before = this.text.slice(0, this.at).split('\n');
    throw new SyntaxError(`no JSON: ${found} cannot stand in line ${before.length}, column ${(before.at(-1) ?? '').length + 1}`);
  }

  private blank(): void {
    while (' \t\r\n'.includes(this.text[this.at] ?? 'x')) this.at += 1;
  }

  private takes(sign: string): boolean {
    this.blank();
    if (this.text[this.at] !== sign) return false;
    this.at += 1;
    return true;
  }

  private must(sign: string): void {
    if (!this.takes(sign)) this.fail();
  }

  private match(what: RegExp): string | null {
    what.lastIndex = this.at;
    const found = what.exec(this.text)?.[0] ?? null;
    if (found !== null) this.at += found.length;
    return found;
  }

  private string(): string {
    this.blank();
    const found = this.match(/"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y);
    return found === null ? this.fail() : JSON.parse(found);
  }

  private value(): Json {
    this.blank();
    const sign = this.text[this.at];
    if (sign === '{') return this.object();
    if (sign === '[') return this.array();
    if (sign === '"') return this.string();
    const word = this.match(/true|false|null/y);
    if (word !== null) return JSON.parse(word);
    const number = this.match(/-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y);
    if (number === null) return this.fail();
    return String(Number(number)) === number ? Number(number) : new ExactNumber(number);
  }

  private array(): Json[] {
    this.must('[');
    const items: Json[] = [];
    if (this.takes(']')) return items;
    do items.push(this.value());
    while (this.takes(','));
    this.must(']');
    return items;
  }

  private object(): Json {
    this.must('{');
    // A name may be __proto__.
    const fields: [string, Json][] = [];
    if (this.takes('}')) return {};
    do {
      const name = this.string();
      this.must(':');
      fields.push([name, this.value()]);
    } while (this.takes(','));
    this.must('}');
    return Object.fromEntries(fields);
  }
}

/** Reads JSON. @throws SyntaxError that says where it is none. */
export const readJson = (text: string): Json => new Reader(text).read();

/** Writes JSON, numbers as they were read. */
export function writeJson(value: Json, indent = 2, depth = 0): string {
  const pad = indent ? `\n${' '.repeat(indent * (depth + 1))}` : '';
  const end = indent ? `\n${' '.repeat(indent * depth)}` : '';
  const colon = indent ? ': ' : ':';
  if (value instanceof ExactNumber) return value.text;
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    return `[${value.map((item) => pad + writeJson(item, indent, depth + 1)).join(',')}${end}]`;
  }
  if (value !== null && typeof value === 'object') {
    const fields = Object.entries(value);
    if (fields.length === 0) return '{}';
    return `{${fields.map(([name, field]) => `${pad}${JSON.stringify(name)}${colon}${writeJson(field, indent, depth + 1)}`).join(',')}${end}}`;
  }
  return JSON.stringify(value);
}
