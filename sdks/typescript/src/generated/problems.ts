// Generated from openapi.json by tools/generate.mjs: `npm run generate` writes it anew.

import { Problem, type ProblemDocument } from "../problem.js";

/**
 * The problem `invalid_request`. Correct the fields that `errors` names, and send the request again.
 */
export class InvalidRequest extends Problem {
  override readonly name = "InvalidRequest";
}

/**
 * The problem `not_found`. Check the id or path; a finished event is removed after its retention time.
 */
export class NotFound extends Problem {
  override readonly name = "NotFound";
}

/**
 * The problem `method_not_allowed`.
 */
export class MethodNotAllowed extends Problem {
  override readonly name = "MethodNotAllowed";
}

/**
 * The problem `too_large`. Send less at once, or keep the data elsewhere and enqueue where to find it.
 */
export class TooLarge extends Problem {
  override readonly name = "TooLarge";
}

/**
 * The problem `unsupported_media_type`. Send the body as `Content-Type: application/json`, as it is or with
 * `Content-Encoding: gzip`.
 */
export class UnsupportedMediaType extends Problem {
  override readonly name = "UnsupportedMediaType";
}

/**
 * The problem `idempotency_conflict`. Use a new idempotency key for different work, or repeat the first request as it was.
 */
export class IdempotencyConflict extends Problem {
  override readonly name = "IdempotencyConflict";
}

/**
 * The problem `lock_lost`. Drop the result and stop working on the event: another attempt may be under way.
 */
export class LockLost extends Problem {
  override readonly name = "LockLost";
}

/**
 * The problem `wrong_status`. Look at the event again and decide on its present status.
 */
export class WrongStatus extends Problem {
  override readonly name = "WrongStatus";
}

/**
 * The problem `engine_superseded`. Stop: another process has registered under this engine id. Give each process an id of
 * its own.
 */
export class EngineSuperseded extends Problem {
  override readonly name = "EngineSuperseded";
}

/**
 * The problem `engine_lost`. Send a heartbeat to come back, then claim again.
 */
export class EngineLost extends Problem {
  override readonly name = "EngineLost";
}

/**
 * The problem `engine_not_registered`. Register the engine, then repeat the call with its new epoch.
 */
export class EngineNotRegistered extends Problem {
  override readonly name = "EngineNotRegistered";
}

/**
 * The problem `engine_alive`. Wait until the engine is lost or deregistered, or take its id over with `takeover` and the
 * token that it was registered with.
 */
export class EngineAlive extends Problem {
  override readonly name = "EngineAlive";
}

/**
 * The problem `unauthenticated`. Send a token that is valid now, as `Authorization: Bearer TOKEN`; `enginehouse token
 * create` makes one.
 */
export class Unauthenticated extends Problem {
  override readonly name = "Unauthenticated";
}

/**
 * The problem `forbidden`. Use a token that has the permission that `missing` names, on what `on` names.
 */
export class Forbidden extends Problem {
  override readonly name = "Forbidden";
}

/**
 * The problem `wrong_session`. Send the `session_token` that the registration of this engine answered, as the header
 * `Enginehouse-Session`.
 */
export class WrongSession extends Problem {
  override readonly name = "WrongSession";
}

/**
 * The problem `cross_origin`. Call the API from a program or from its own pages, not from another site.
 */
export class CrossOrigin extends Problem {
  override readonly name = "CrossOrigin";
}

/**
 * The problem `misdirected_request`. Call the server by an address that it listens on, or add the name to its setting
 * `allowed_hosts`.
 */
export class MisdirectedRequest extends Problem {
  override readonly name = "MisdirectedRequest";
}

/**
 * The problem `unsupported_transfer_coding`. Send the body with `Content-Length`, or with `Transfer-Encoding: chunked` and
 * nothing else.
 */
export class UnsupportedTransferCoding extends Problem {
  override readonly name = "UnsupportedTransferCoding";
}

/**
 * The problem `overloaded`. Wait as long as `Retry-After` says, and repeat the request: nothing was done.
 */
export class Overloaded extends Problem {
  override readonly name = "Overloaded";
}

/**
 * The problem `quota_exceeded`. Wait as long as `Retry-After` says, and repeat the request with less at once: nothing was
 * done.
 */
export class QuotaExceeded extends Problem {
  override readonly name = "QuotaExceeded";
}

/**
 * The problem `limit_reached`. Look at the field that `detail` names: it has too many values. Or raise the limit.
 */
export class LimitReached extends Problem {
  override readonly name = "LimitReached";
}

/**
 * The problem `store_unavailable`. Wait as long as `Retry-After` says, and repeat the request in its safe form.
 */
export class StoreUnavailable extends Problem {
  override readonly name = "StoreUnavailable";
}

/**
 * The problem `shutting_down`. Repeat the request when the server is back: nothing was done.
 */
export class ShuttingDown extends Problem {
  override readonly name = "ShuttingDown";
}

/**
 * The problem `timeout`. Send the request again, and its whole body without a pause.
 */
export class Timeout extends Problem {
  override readonly name = "Timeout";
}

/**
 * The problem `unreadable`. Do not repeat the request: run `enginehouse doctor`, and repair or delete the row that it
 * names.
 */
export class Unreadable extends Problem {
  override readonly name = "Unreadable";
}

/**
 * The problem `internal`. Repeat the request; if it fails again, report the `request_id`.
 */
export class Internal extends Problem {
  override readonly name = "Internal";
}

const CLASSES: Record<string, new (document: ProblemDocument) => Problem> = {
  invalid_request: InvalidRequest,
  not_found: NotFound,
  method_not_allowed: MethodNotAllowed,
  too_large: TooLarge,
  unsupported_media_type: UnsupportedMediaType,
  idempotency_conflict: IdempotencyConflict,
  lock_lost: LockLost,
  wrong_status: WrongStatus,
  engine_superseded: EngineSuperseded,
  engine_lost: EngineLost,
  engine_not_registered: EngineNotRegistered,
  engine_alive: EngineAlive,
  unauthenticated: Unauthenticated,
  forbidden: Forbidden,
  wrong_session: WrongSession,
  cross_origin: CrossOrigin,
  misdirected_request: MisdirectedRequest,
  unsupported_transfer_coding: UnsupportedTransferCoding,
  overloaded: Overloaded,
  quota_exceeded: QuotaExceeded,
  limit_reached: LimitReached,
  store_unavailable: StoreUnavailable,
  shutting_down: ShuttingDown,
  timeout: Timeout,
  unreadable: Unreadable,
  internal: Internal,
};

/** The problem of a document, of the class of its code. A code of a newer server is a plain {@link Problem}. */
export function problemOf(document: ProblemDocument): Problem {
  const known = Object.hasOwn(CLASSES, document.code) ? CLASSES[document.code] : undefined;
  return new (known ?? Problem)(document);
}
