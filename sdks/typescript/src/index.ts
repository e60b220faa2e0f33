/**
 * Engines and producers for Enginehouse.
 *
 * @packageDocumentation
 */

export { Engine, type EngineOptions, HandlerError, type HandlerOptions, type WorkerOptions } from "./engine.js";
export { type ClaimedEvent, CheckpointTooLarge, Context, Stopped, type StopReason } from "./engine/context.js";
export type { Handler } from "./engine/function-runner.js";
export type { EngineSummary } from "./engine/held-locks.js";
export { Superseded } from "./engine/loop.js";
export { type FailureOptions, Reject, Release, Retry } from "./engine/outcome.js";
export type { AttemptUsage } from "./engine/report-buffer.js";
export type { StandardIssue, StandardResult, StandardSchema } from "./engine/standard-schema.js";
export { Client, type ClientOptions, type EnqueueFields } from "./client.js";
export { type Answer, type Args, type CallOptions, type ItemOf, type Page, PagedList, type Schemas } from "./calls.js";
export type { OperationId } from "./generated/calls.js";
export type { StreamMessage } from "./server-sent-events.js";
export type { Duration } from "./duration.js";
export { JsonError, type Json, type Numbers, parseJson, RawJson, stringifyJson } from "./json.js";
export { consoleLogger, type LogFields, type Logger, type LogLevel } from "./logger.js";
export { type Applied, CallError, type FieldError, Problem, type ProblemDocument, UnexpectedAnswer, Unreachable } from "./problem.js";
export * from "./generated/problems.js";
export { BadToken } from "./access-token.js";
export { BadUrl } from "./server-url.js";
export { BadTls, type TlsOptions } from "./tls.js";
export { VERSION } from "./version.js";
