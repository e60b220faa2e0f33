// Writes what the SDK takes from openapi.json: the types of the API, a method for each call, a class for each problem.
//
//   node tools/generate.mjs [--check]
//
// With --check nothing is written: it fails if what is in src/generated is not what would be written.

import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import openapiTS, { astToString } from "openapi-typescript";

const api = JSON.parse(readFileSync(process.env.OPENAPI ?? new URL("../../../openapi.json", import.meta.url), "utf8"));
const HEAD = "// Generated from openapi.json by tools/generate.mjs: `npm run generate` writes it anew.\n\n";

/** Calls besides GET and PUT for which doing it twice is the same as doing it once. */
const REPEATABLE = new Set(
  (
    "accept_clock cancel_event cancel_events cancel_operation complete_event delete_event_type delete_queue deregister_engine " +
    "drain_engine extend_lock fail_event lift_quarantine pause_event_type pause_queue pause_scenario_run preview_operation " +
    "quarantine_engine release_event resume_engine resume_event_type resume_queue resume_scenario_run retry_event retry_events " +
    "revoke_token settle_events"
  ).split(" "),
);

/** Calls whose answers are streams, or no JSON: `Client` has methods of their own for them. */
const BY_HAND = new Set(["follow_topics", "get_metrics"]);

/** Fields that hold any JSON of whoever uses the server. */
const FREE_FIELDS = ["checkpoint", "details", "payload", "result"];

const camel = (name) => name.replace(/_([a-z])/g, (_, letter) => letter.toUpperCase());
const pascal = (name) => camel(name).replace(/^./, (letter) => letter.toUpperCase());
const refName = (schema) => schema?.$ref?.split("/").at(-1);

function operations() {
  const found = [];
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      found.push({ path, method: method.toUpperCase(), ...operation });
    }
  }
  for (const name of [...REPEATABLE, ...BY_HAND]) {
    if (!found.some((operation) => operation.operationId === name)) throw new Error(`there is no call ${name}`);
  }
  return found.sort((a, b) => (a.operationId < b.operationId ? -1 : 1));
}

/** What a comment says, in lines that are not too long. */
function comment(texts, indent) {
  const lines = texts.flatMap((text) => wrapped(text.replaceAll("*/", "*\u200b/"), 120 - indent.length));
  return `${indent}/**\n${lines.map((line) => `${indent} * ${line}`.trimEnd()).join("\n")}\n${indent} */\n`;
}

function wrapped(text, width) {
  const lines = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line && line.length + word.length + 1 > width) {
      lines.push(line);
      line = "";
    }
    line = line ? `${line} ${word}` : word;
  }
  return [...lines, line];
}

function calls() {
  const table = [];
  const methods = [];
  for (const operation of operations()) {
    const { operationId: id, method, path, parameters = [], requestBody } = operation;
    if (BY_HAND.has(id)) continue;
    const query = parameters.filter((one) => one.in === "query").map((one) => one.name);
    const inPath = parameters.filter((one) => one.in === "path").map((one) => one.name);
    const body = requestBody?.content["application/json"]?.schema;
    const fields = Object.keys(api.components.schemas[refName(body)]?.properties ?? {});
    const twice = [...query, ...inPath].find((name) => fields.includes(name));
    if (twice) throw new Error(`${id} has ${twice} both in its address and in its body`);
    const repeat = method === "GET" || method === "PUT" || REPEATABLE.has(id);
    table.push(
      `  ${id}: { method: "${method}", path: "${path}", query: ${JSON.stringify(query)}, body: ${!!body}, repeatable: ${repeat} },\n`,
    );
    const answer = Object.entries(operation.responses).find(([status]) => status.startsWith("2"));
    const page = api.components.schemas[refName(answer[1].content?.["application/json"]?.schema)];
    const isPage = page?.properties?.next_cursor !== undefined && page.properties.items !== undefined;
    const required = parameters.some((one) => one.required && one.in !== "header") || requestBody?.required;
    const texts = [operation.summary ?? id, ...(operation.description ? ["", operation.description] : [])];
    const permissions = operation["x-permission"]?.any_of ?? [];
    if (permissions.length > 0) texts.push("", `Needs the permission ${permissions.map((one) => `\`${one}\``).join(" or ")}.`);
    const args = `args: Args<"${id}">${required ? "" : " = {}"}`;
    const type = isPage ? `PagedList<Answer<"${id}">>` : `Promise<Answer<"${id}">>`;
    methods.push(
      `${comment(texts, "  ")}  ${camel(id)}(${args}, options?: CallOptions): ${type} {\n` +
        `    return this.${isPage ? "list" : "call"}("${id}", args, options);\n  }\n`,
    );
  }
  return `${HEAD}import type { Answer, Args, CallOptions, OperationShape, PagedList } from "../calls.js";

/** How each call is made. */
export const OPERATIONS = {
${table.join("")}} as const satisfies Record<string, OperationShape>;

/** The name of a call, as in openapi.json. */
export type OperationId = keyof typeof OPERATIONS;

/** One method for each call of the HTTP API. */
export abstract class GeneratedCalls {
  /** Makes a call. */
  protected abstract call<O extends OperationId>(id: O, args: Args<O>, options?: CallOptions): Promise<Answer<O>>;
  /** Makes a call that answers a page of a list. */
  protected abstract list<O extends OperationId>(id: O, args: Args<O>, options?: CallOptions): PagedList<Answer<O>>;

${methods.join("\n")}}
`;
}

function problems() {
  const codes = api.components.schemas.Code.enum;
  const texts = {};
  for (const { responses } of operations()) {
    for (const { description } of Object.values(responses)) {
      for (const [, code, text] of description.matchAll(/`([a-z_]+)`: ([^\n]*?)(?=\n|$)/g)) texts[code] ??= text;
    }
  }
  const classes = codes.map((code) => {
    const text = `The problem \`${code}\`.${texts[code] ? ` ${texts[code]}` : ""}`;
    const name = pascal(code);
    return `${comment([text], "")}export class ${name} extends Problem {\n  override readonly name = "${name}";\n}\n`;
  });
  return `${HEAD}import { Problem, type ProblemDocument } from "../problem.js";

${classes.join("\n")}
const CLASSES: Record<string, new (document: ProblemDocument) => Problem> = {
${codes.map((code) => `  ${code}: ${pascal(code)},\n`).join("")}};

/** The problem of a document, of the class of its code. A code of a newer server is a plain {@link Problem}. */
export function problemOf(document: ProblemDocument): Problem {
  const known = Object.hasOwn(CLASSES, document.code) ? CLASSES[document.code] : undefined;
  return new (known ?? Problem)(document);
}
`;
}

/** No field of these names may hold anything else, because answers are read by their names. */
function checkFreeFields() {
  for (const [name, schema] of Object.entries(api.components.schemas)) {
    for (const field of FREE_FIELDS) {
      const property = schema.properties?.[field];
      if (property && refName(property) !== "RawJson") throw new Error(`${name}.${field} does not hold any JSON`);
    }
  }
}

/** The types of requests and of answers. Problems are all of one type: without them, the file is a third as large. */
async function types() {
  const described = structuredClone(api);
  for (const operation of Object.values(described.paths).flatMap((methods) => Object.values(methods))) {
    for (const status of Object.keys(operation.responses)) if (!status.startsWith("2")) delete operation.responses[status];
  }
  return HEAD + astToString(await openapiTS(described));
}

checkFreeFields();
const files = { "schema.ts": await types(), "calls.ts": calls(), "problems.ts": problems() };
let stale = 0;
for (const [name, text] of Object.entries(files)) {
  const path = fileURLToPath(new URL(`../src/generated/${name}`, import.meta.url));
  if (!process.argv.includes("--check")) {
    writeFileSync(path, text);
  } else if (readFileSync(path, "utf8") !== text) {
    console.error(`src/generated/${name} is not that of openapi.json: run \`npm run generate\``);
    stale += 1;
  }
}
process.exitCode = stale > 0 ? 1 : 0;
