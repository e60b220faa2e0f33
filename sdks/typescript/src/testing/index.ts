/**
 * Tests of engines: handlers in memory with a clock that the test sets, and a real server that is gone when the test is done.
 *
 * @packageDocumentation
 */

export { type AttemptOptions, type AttemptResult, runHandler, type RunningAttempt, startAttempt } from "./attempts.js";
export { TestClock } from "./clock.js";
export { TestServer, TestServerError, type TestServerOptions } from "./server.js";
