/**
 * Calls a server of Enginehouse.
 *
 * @packageDocumentation
 */

export { Client, type ClientOptions, type EnqueueFields } from "./client.js";
export { type Answer, type Args, type CallOptions, type ItemOf, type Page, PagedList, type Schemas } from "./calls.js";
export type { OperationId } from "./generated/calls.js";
export type { StreamMessage } from "./server-sent-events.js";
export type { Duration } from "./duration.js";
export { JsonError, type Json, type Numbers, parseJson, RawJson, stringifyJson } from "./json.js";
export { type Applied, CallError, type FieldError, Problem, type ProblemDocument, UnexpectedAnswer, Unreachable } from "./problem.js";
export * from "./generated/problems.js";
export { BadToken } from "./access-token.js";
export { BadUrl } from "./server-url.js";
export type { TlsOptions } from "./transport.js";
export { VERSION } from "./version.js";
