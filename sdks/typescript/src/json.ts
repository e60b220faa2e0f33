// JSON whose numbers are not changed on their way.
//
// JavaScript's own parser reads 9007199254740993 as 9007199254740992 and says nothing. Payloads, results and checkpoints belong
// to others, and may hold identifiers or amounts of any size: what is read here is either exact or of a type that shows what it is.

/**
 * How the numbers of payloads, results and checkpoints are read:
 *
 * - `"safe"`, the default: an integer is a `number` where a `number` holds it exactly, and a `bigint` where none does.
 * - `"bigint"`: every integer is a `bigint`, so that a field has one type whatever its size.
 * - `"raw"`: nothing is read. The value is a {@link RawJson}, byte for byte what the server has.
 *
 * Numbers with a fraction or an exponent are read as the nearest `number`, as everywhere in JavaScript; `"raw"` keeps them as well.
 */
export type Numbers = "safe" | "bigint" | "raw";

/** A value that JSON can say, and that this package reads. */
export type Json = null | boolean | number | bigint | string | RawJson | Json[] | { [key: string]: Json };

/** What is no JSON, or cannot be said in JSON. The message names the place, not the value. */
export class JsonError extends Error {
  override readonly name = "JsonError";
}

/** The text of one JSON value, as it is. It is written as it is, too: `{ payload: new RawJson("1.10") }` sends `1.10`. */
export class RawJson {
  /** The text. */
  readonly text: string;

  /** Takes a text that is JSON, or throws a {@link JsonError}. */
  constructor(text: string) {
    this.text = new Parser(text, "safe").skipDocument();
  }

  /** The value, read. */
  parse(numbers: Exclude<Numbers, "raw"> = "safe"): unknown {
    return parseJson(this.text, numbers);
  }

  /** The member of an object or the element of an array, as it is; undefined if there is none. */
  get(key: string | number): RawJson | undefined {
    return new Parser(this.text, "safe").member(key);
  }

  /** The text. */
  toString(): string {
    return this.text;
  }

  /** @internal A part of a text that is JSON. */
  static trusted(text: string): RawJson {
    return Object.create(RawJson.prototype, { text: { value: text, enumerable: true } }) as RawJson;
  }
}

/** Reads JSON. With `"raw"`, it is checked and kept as it is. Throws a {@link JsonError}. */
export function parseJson(text: string, numbers: Numbers = "safe"): unknown {
  if (numbers === "raw") return new RawJson(text);
  if (numbers === "safe" && holdsShortNumbers(text)) return byTheLanguage(text);
  return new Parser(text, numbers).document();
}

/**
 * Reads an answer of the server: fields of these names hold any JSON, whose numbers are read as asked for. All others are numbers
 * of the API itself, which are small.
 */
export function parseAnswer(text: string, numbers: Numbers, freeFields: ReadonlySet<string>): unknown {
  if (numbers === "safe") return parseJson(text, numbers);
  return new Parser(text, "safe", { numbers, fields: freeFields }).document();
}

/** Whether each integer in it has at most 15 digits, of which a `number` holds any. */
function holdsShortNumbers(text: string): boolean {
  return !/[0-9]{16}/.test(text);
}

function byTheLanguage(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new JsonError(`not JSON: ${(error as Error).message}`);
  }
}

const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y;
const SPACE = /[ \t\n\r]*/y;
const MAX_DEPTH = 1_000;

interface FreeFields {
  readonly numbers: Numbers;
  readonly fields: ReadonlySet<string>;
}

class Parser {
  private at = 0;
  private depth = 0;

  constructor(
    private readonly text: string,
    private readonly numbers: Exclude<Numbers, "raw">,
    private readonly free?: FreeFields,
  ) {}

  document(): unknown {
    const value = this.value();
    this.end();
    return value;
  }

  /** The text of the document, without the space around it. */
  skipDocument(): string {
    const text = this.skipped();
    this.end();
    return text;
  }

  member(key: string | number): RawJson | undefined {
    this.space();
    const isObject = this.text[this.at] === "{";
    if (!isObject && this.text[this.at] !== "[") return undefined;
    let found: RawJson | undefined;
    let index = 0;
    this.elements(isObject ? "}" : "]", () => {
      const name = isObject ? this.key() : index++;
      const text = this.skipped();
      if (name === key) found = RawJson.trusted(text);
    });
    return found;
  }

  private value(): unknown {
    this.space();
    switch (this.text[this.at]) {
      case "{":
        return this.object();
      case "[":
        return this.array();
      case '"':
        return this.string();
      case "t":
        return this.word("true", true);
      case "f":
        return this.word("false", false);
      case "n":
        return this.word("null", null);
      default:
        return this.number(this.token(NUMBER, "a value"));
    }
  }

  private number(text: string): number | bigint {
    const isInteger = !/[.eE]/.test(text);
    const number = Number(text);
    if (!isInteger) return number;
    // There is no negative zero among integers.
    if (this.numbers === "bigint") return BigInt(text);
    return Number.isSafeInteger(number) ? number : BigInt(text);
  }

  private object(): unknown {
    const object: Record<string, unknown> = {};
    this.elements("}", () => {
      const key = this.key();
      const value = this.free?.fields.has(key) ? this.freeValue(this.free.numbers) : this.value();
      // A key `__proto__` is a key like any other.
      if (key === "__proto__") Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
      else object[key] = value;
    });
    return object;
  }

  private array(): unknown[] {
    const array: unknown[] = [];
    this.elements("]", () => array.push(this.value()));
    return array;
  }

  private freeValue(numbers: Numbers): unknown {
    const text = this.skipped();
    if (text === "null") return null;
    return numbers === "raw" ? RawJson.trusted(text) : parseJson(text, numbers);
  }

  private key(): string {
    this.space();
    const key = this.string();
    this.space();
    this.expect(":");
    return key;
  }

  private elements(close: string, element: () => void): void {
    this.at += 1;
    this.depth += 1;
    if (this.depth > MAX_DEPTH) throw this.error("it is nested too deeply");
    this.space();
    if (this.text[this.at] === close) {
      this.at += 1;
    } else {
      for (;;) {
        element();
        this.space();
        if (this.text[this.at] !== ",") break;
        this.at += 1;
      }
      this.expect(close);
    }
    this.depth -= 1;
  }

  /** Passes over a value, and answers its text. */
  private skipped(): string {
    this.space();
    const from = this.at;
    switch (this.text[from]) {
      case "{":
        this.elements("}", () => {
          this.key();
          this.skipped();
        });
        break;
      case "[":
        this.elements("]", () => this.skipped());
        break;
      case '"':
        this.string();
        break;
      case "t":
        this.word("true", true);
        break;
      case "f":
        this.word("false", false);
        break;
      case "n":
        this.word("null", null);
        break;
      default:
        this.token(NUMBER, "a value");
    }
    return this.text.slice(from, this.at);
  }

  /** The end of a string is a quote with an even number of backslashes before it; the language reads what is in between. */
  private string(): string {
    const from = this.at;
    if (this.text[from] !== '"') throw this.error("there should be a string");
    let end = from;
    let escapes = true;
    while (escapes) {
      end = this.text.indexOf('"', end + 1);
      if (end < 0) throw this.error("there is a string without an end");
      let backslashes = 0;
      while (this.text[end - 1 - backslashes] === "\\") backslashes += 1;
      escapes = backslashes % 2 === 1;
    }
    this.at = end + 1;
    try {
      return JSON.parse(this.text.slice(from, this.at)) as string;
    } catch {
      throw this.error("there is a string that is not JSON");
    }
  }

  private token(pattern: RegExp, what: string): string {
    pattern.lastIndex = this.at;
    const match = pattern.exec(this.text);
    if (!match) throw this.error(`there should be ${what}`);
    this.at += match[0].length;
    return match[0];
  }

  private word<T>(word: string, value: T): T {
    if (!this.text.startsWith(word, this.at)) throw this.error("there should be a value");
    this.at += word.length;
    return value;
  }

  private expect(sign: string): void {
    if (this.text[this.at] !== sign) throw this.error(`there should be ${sign}`);
    this.at += 1;
  }

  private space(): void {
    SPACE.lastIndex = this.at;
    this.at += SPACE.exec(this.text)?.[0].length ?? 0;
  }

  private end(): void {
    this.space();
    if (this.at < this.text.length) throw this.error("there should be nothing more");
  }

  private error(why: string): JsonError {
    return new JsonError(`not JSON: ${why} at character ${this.at}`);
  }
}

/**
 * Writes JSON: like `JSON.stringify`, with each `bigint` as its digits and each {@link RawJson} as it is. What `JSON.stringify` drops
 * or replaces in silence is refused with a {@link JsonError} that names the place: NaN, infinities, functions, maps and sets.
 */
export function stringifyJson(value: unknown): string {
  return written(value, "", new Set()) ?? "null";
}

function written(value: unknown, place: string, around: Set<object>): string | undefined {
  switch (typeof value) {
    case "string":
      return JSON.stringify(value);
    case "boolean":
      return String(value);
    case "bigint":
      return value.toString();
    case "number":
      if (!Number.isFinite(value)) throw new JsonError(`${place || "the value"} is ${value}, which JSON cannot say`);
      return JSON.stringify(value);
    case "undefined":
      return undefined;
    case "object":
      return value === null ? "null" : writtenObject(value, place, around);
    default:
      throw new JsonError(`${place || "the value"} is a ${typeof value}, which JSON cannot say`);
  }
}

function writtenObject(object: object, place: string, around: Set<object>): string | undefined {
  if (object instanceof RawJson) return object.text;
  if ("toJSON" in object && typeof object.toJSON === "function") {
    return written(object.toJSON(place.split("/").at(-1) ?? ""), place, around);
  }
  if (object instanceof Map || object instanceof Set) {
    throw new JsonError(`${place || "the value"} is a ${object instanceof Map ? "Map" : "Set"}: make an object or an array of it`);
  }
  if (object instanceof Number || object instanceof String || object instanceof Boolean) return written(object.valueOf(), place, around);
  if (around.has(object)) throw new JsonError(`${place || "the value"} holds itself`);
  if (around.size >= MAX_DEPTH) throw new JsonError(`${place} is nested too deeply`);
  around.add(object);
  const text = Array.isArray(object)
    ? `[${object.map((one, index) => written(one, `${place}/${index}`, around) ?? "null").join(",")}]`
    : `{${members(object, place, around).join(",")}}`;
  around.delete(object);
  return text;
}

function members(object: object, place: string, around: Set<object>): string[] {
  const texts: string[] = [];
  for (const [key, value] of Object.entries(object)) {
    const text = written(value, `${place}/${key}`, around);
    if (text !== undefined) texts.push(`${JSON.stringify(key)}:${text}`);
  }
  return texts;
}
