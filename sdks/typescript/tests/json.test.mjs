import assert from "node:assert/strict";
import { test } from "node:test";
import { JsonError, parseJson, RawJson, stringifyJson } from "enginehouse";
import { randomFrom } from "./random.mjs";

/** Any value that JSON can say and JavaScript holds exactly. */
function anyValue(random, depth = 0) {
  const kind = Math.floor(random() * (depth > 4 ? 5 : 7));
  switch (kind) {
    case 0:
      return null;
    case 1:
      return random() < 0.5;
    case 2:
      return Math.floor((random() - 0.5) * 2 ** Math.floor(random() * 54));
    case 3: {
      const number = (random() - 0.5) * 10 ** Math.floor(random() * 600 - 300);
      // Written without an exponent, it is an integer that no number is sure to hold.
      return Number.isInteger(number) && !Number.isSafeInteger(number) && Math.abs(number) < 1e21 ? 0.5 : number;
    }
    case 4:
      return anyText(random);
    case 5:
      return Array.from({ length: random() * 5 }, () => anyValue(random, depth + 1));
    default:
      return Object.fromEntries(Array.from({ length: random() * 5 }, () => [anyText(random), anyValue(random, depth + 1)]));
  }
}

const SIGNS = ["a", '"', "\\", "/", "\n", "\u0000", "\u007f", "é", "\u2028", "😀", "\ud800", "\\u0041", "{", "]", ","];

function anyText(random) {
  return Array.from({ length: random() * 6 }, () => SIGNS[Math.floor(random() * SIGNS.length)]).join("");
}

/** The text of a value with spaces and escapes as other programs write them. */
function spelled(text, random) {
  const space = () => ["", "", " ", "\n\t", "\r\n"][Math.floor(random() * 5)];
  // Outside of strings, that is: a string is kept as one piece.
  return text.replace(/"(?:[^"\\]|\\.)*"|[{}[\],:]/g, (piece) => `${space()}${piece}${space()}`);
}

test("what JavaScript holds exactly is read as JSON.parse reads it, and written as JSON.stringify writes it", () => {
  const random = randomFrom(7);
  for (let round = 0; round < 3_000; round += 1) {
    const value = anyValue(random);
    const text = JSON.stringify(value);
    assert.equal(stringifyJson(value), text);
    const odd = spelled(text, random);
    // A text that holds no long number is read by the language: a long one beside it has it read here.
    const [read] = parseJson(`[${odd},1234567890123456789]`);
    assert.deepEqual(read, JSON.parse(text), odd);
    assert.deepEqual(parseJson(odd), JSON.parse(text));
    assert.equal(new RawJson(odd).text, odd.trim());
  }
});

test("what is no JSON for JSON.parse is none here", () => {
  const random = randomFrom(11);
  let refused = 0;
  for (let round = 0; round < 5_000; round += 1) {
    const letters = [...spelled(JSON.stringify(anyValue(random)), random)];
    const at = Math.floor(random() * letters.length);
    letters.splice(at, Math.floor(random() * 2), ...['"', "\\", "{", ",", "0", "-", ".", "e", "\u0001", "tru"].slice(Math.floor(random() * 10)).slice(0, 1));
    const text = letters.join("");
    let want;
    try {
      want = JSON.parse(text);
    } catch {
      refused += 1;
      assert.throws(() => parseJson(text, "bigint"), JsonError, text);
      assert.throws(() => new RawJson(text), JsonError, text);
      continue;
    }
    assert.equal(new RawJson(text).text, text.trim());
    assert.deepEqual(rounded(parseJson(`[${text},1234567890123456789]`)[0]), want);
  }
  assert.ok(refused > 1_000, `${refused} were refused`);
});

/** With each long integer as JSON.parse would have it. */
function rounded(value) {
  if (typeof value === "bigint") return Number(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map(rounded);
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, rounded(one)]));
}

test("an integer of any size keeps each of its digits", () => {
  const text = '{"small":1,"edge":9007199254740991,"over":9007199254740992,"long":-123456789012345678901234567890,"part":0.5}';
  assert.deepEqual(parseJson(text), {
    small: 1,
    edge: 9007199254740991,
    over: 9007199254740992n,
    long: -123456789012345678901234567890n,
    part: 0.5,
  });
  assert.deepEqual(parseJson('{"small":1,"part":0.5}', "bigint"), { small: 1n, part: 0.5 });
  assert.equal(stringifyJson(parseJson(text)), text);
});

test("raw text stays as it is, and its parts too", () => {
  const raw = parseJson(' { "a": [1.10, {"b": 1e2 }], "c\\u0041": "\\u0042" }\n', "raw");
  assert.equal(raw.get("a").get(0).text, "1.10");
  assert.equal(raw.get("a").get(1).get("b").text, "1e2");
  assert.equal(raw.get("cA").text, '"\\u0042"');
  assert.equal(raw.get("a").get(2), undefined);
  assert.equal(raw.get("cA").get("x"), undefined);
  assert.equal(stringifyJson({ value: raw.get("a") }), '{"value":[1.10, {"b": 1e2 }]}');
  assert.deepEqual(raw.parse("bigint"), { a: [1.1, { b: 100 }], cA: "B" });
});

test("a key __proto__ is a key like any other", () => {
  const read = parseJson('{"__proto__":{"polluted":1},"n":1234567890123456789}');
  assert.equal(Object.getPrototypeOf(read), Object.prototype);
  assert.deepEqual(Object.keys(read), ["__proto__", "n"]);
});

test("what JSON.stringify drops or replaces in silence is refused, by its place", () => {
  const cycle = { deep: {} };
  cycle.deep.again = cycle;
  for (const [value, place] of [
    [{ a: [NaN] }, "/a/0"],
    [{ a: Infinity }, "/a"],
    [{ f: () => 1 }, "/f"],
    [{ m: new Map() }, "/m"],
    [new Set(), "the value"],
    [Symbol("s"), "the value"],
    [cycle, "/deep/again"],
  ]) {
    assert.throws(() => stringifyJson(value), (error) => error instanceof JsonError && error.message.startsWith(place), place);
  }
  assert.equal(stringifyJson({ at: new Date(0), gone: undefined, kept: [undefined] }), '{"at":"1970-01-01T00:00:00.000Z","kept":[null]}');
  const twice = {};
  assert.equal(stringifyJson([twice, twice]), "[{},{}]", "the same object twice is no cycle");
});

test("a document that is nested too deeply is refused, not a crash", () => {
  assert.throws(() => parseJson(`${"[".repeat(100_000)}1234567890123456789`), JsonError);
});
