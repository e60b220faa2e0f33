"""An exception for each code of a problem.

Generated from openapi.json by tools/generate.py: change that, not this.
"""

from __future__ import annotations

from ._errors import Problem


class InvalidRequest(Problem):
    """The code `invalid_request`. Correct the fields that `errors` names, and send the request again."""


class NotFound(Problem):
    """The code `not_found`. Check the id or path; a finished event is removed after its retention time."""


class MethodNotAllowed(Problem):
    """The code `method_not_allowed`. Use a method that the `Allow` header names."""


class TooLarge(Problem):
    """The code `too_large`. Send less at once, or keep the data elsewhere and enqueue where to find it."""


class UnsupportedMediaType(Problem):
    """The code `unsupported_media_type`. Send the body as `Content-Type: application/json`, as it is or with
    `Content-Encoding: gzip`.
    """


class IdempotencyConflict(Problem):
    """The code `idempotency_conflict`. Use a new idempotency key for different work, or repeat the first request
    as it was.
    """


class LockLost(Problem):
    """The code `lock_lost`. Drop the result and stop working on the event: another attempt may be under way."""


class WrongStatus(Problem):
    """The code `wrong_status`. Look at the event again and decide on its present status."""


class EngineSuperseded(Problem):
    """The code `engine_superseded`. Stop: another process has registered under this engine id. Give each process
    an id of its own.
    """


class EngineLost(Problem):
    """The code `engine_lost`. Send a heartbeat to come back, then claim again."""


class EngineNotRegistered(Problem):
    """The code `engine_not_registered`. Register the engine, then repeat the call with its new epoch."""


class EngineAlive(Problem):
    """The code `engine_alive`. Wait until the engine is lost or deregistered, or take its id over with
    `takeover` and the token that it was registered with.
    """


class Unauthenticated(Problem):
    """The code `unauthenticated`. Send a token that is valid now, as `Authorization: Bearer TOKEN`; `enginehouse
    token create` makes one.
    """


class Forbidden(Problem):
    """The code `forbidden`. Use a token that has the permission that `missing` names, on what `on` names."""


class WrongSession(Problem):
    """The code `wrong_session`. Send the `session_token` that the registration of this engine answered, as the
    header `Enginehouse-Session`.
    """


class CrossOrigin(Problem):
    """The code `cross_origin`. Call the API from a program or from its own pages, not from another site."""


class MisdirectedRequest(Problem):
    """The code `misdirected_request`. Call the server by an address that it listens on, or add the name to its
    setting `allowed_hosts`.
    """


class UnsupportedTransferCoding(Problem):
    """The code `unsupported_transfer_coding`. Send the body with `Content-Length`, or with `Transfer-Encoding:
    chunked` and nothing else.
    """


class Overloaded(Problem):
    """The code `overloaded`. Wait as long as `Retry-After` says, and repeat the request: nothing was done."""


class QuotaExceeded(Problem):
    """The code `quota_exceeded`. Wait as long as `Retry-After` says, and repeat the request with less at once:
    nothing was done.
    """


class LimitReached(Problem):
    """The code `limit_reached`. Look at the field that `detail` names: it has too many values. Or raise the
    limit.
    """


class StoreUnavailable(Problem):
    """The code `store_unavailable`. Wait as long as `Retry-After` says, and repeat the request in its safe form."""


class ShuttingDown(Problem):
    """The code `shutting_down`. Repeat the request when the server is back: nothing was done."""


class RequestTimeout(Problem):
    """The code `timeout`. Send the request again, and its whole body without a pause."""


class Unreadable(Problem):
    """The code `unreadable`. Do not repeat the request: run `enginehouse doctor`, and repair or delete the row
    that it names.
    """


class InternalError(Problem):
    """The code `internal`. Repeat the request; if it fails again, report the `request_id`."""


BY_CODE: dict[str, type[Problem]] = {
    "invalid_request": InvalidRequest,
    "not_found": NotFound,
    "method_not_allowed": MethodNotAllowed,
    "too_large": TooLarge,
    "unsupported_media_type": UnsupportedMediaType,
    "idempotency_conflict": IdempotencyConflict,
    "lock_lost": LockLost,
    "wrong_status": WrongStatus,
    "engine_superseded": EngineSuperseded,
    "engine_lost": EngineLost,
    "engine_not_registered": EngineNotRegistered,
    "engine_alive": EngineAlive,
    "unauthenticated": Unauthenticated,
    "forbidden": Forbidden,
    "wrong_session": WrongSession,
    "cross_origin": CrossOrigin,
    "misdirected_request": MisdirectedRequest,
    "unsupported_transfer_coding": UnsupportedTransferCoding,
    "overloaded": Overloaded,
    "quota_exceeded": QuotaExceeded,
    "limit_reached": LimitReached,
    "store_unavailable": StoreUnavailable,
    "shutting_down": ShuttingDown,
    "timeout": RequestTimeout,
    "unreadable": Unreadable,
    "internal": InternalError,
}

__all__ = [
    "CrossOrigin",
    "EngineAlive",
    "EngineLost",
    "EngineNotRegistered",
    "EngineSuperseded",
    "Forbidden",
    "IdempotencyConflict",
    "InternalError",
    "InvalidRequest",
    "LimitReached",
    "LockLost",
    "MethodNotAllowed",
    "MisdirectedRequest",
    "NotFound",
    "Overloaded",
    "QuotaExceeded",
    "RequestTimeout",
    "ShuttingDown",
    "StoreUnavailable",
    "TooLarge",
    "Unauthenticated",
    "Unreadable",
    "UnsupportedMediaType",
    "UnsupportedTransferCoding",
    "WrongSession",
    "WrongStatus"
]
