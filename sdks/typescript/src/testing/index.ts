/**
 * Tests of engines: a real server that is gone when the test is done.
 *
 * @packageDocumentation
 */

export { TestServer, TestServerError, type TestServerOptions } from "./server.js";
