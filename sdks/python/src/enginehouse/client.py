"""Calls a server: `Client` waits for each answer, `AsyncClient` is for asyncio."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Mapping
from types import TracebackType
from typing import Any, TypeVar, Unpack

import msgspec
from msgspec import UNSET

from . import models, params
from ._async_calls import AsyncCalls
from ._calls import Calls
from ._connection import Connection
from ._durations import Duration, seconds
from ._errors import UnexpectedAnswer
from ._json import RawJson
from ._operation import Operation
from ._operations import OPERATIONS
from ._streams import AsyncStreams, Streams
from ._tracing import traced
from ._transport import AsyncTransport, Limits, Transport

T = TypeVar("T")

#: The longest wait of one call, in seconds.
_MAX_WAIT = 60.0
_FINAL = ("completed", "failed", "cancelled")


def _decoded(body: bytes, answer: Any) -> Any:
    """The body of an answer as what the call answers with."""
    if answer is None:
        return None
    if answer is str:
        return body.decode("utf-8", "replace")
    try:
        return msgspec.json.decode(body, type=answer)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise UnexpectedAnswer(200, str(error)) from error


def _operation(name: str, arguments: Mapping[str, Any]) -> Operation:
    operation = OPERATIONS.get(name)
    if operation is None:
        raise ValueError(f"there is no call named {name!r}")
    known = {argument for argument, _ in (*operation.query, *operation.body)} | {"session"}
    known |= {part.strip("{}") for part in operation.path.split("/") if part.startswith("{")}
    unknown = sorted(set(arguments) - known)
    if unknown:
        raise TypeError(f"{name} has no argument {unknown[0]!r}")
    return operation


def _event(event_type: str, payload: Any, options: Mapping[str, Any]) -> dict[str, Any]:
    """The request that enqueues one event, with the trace of the caller."""
    event = {"event_type": event_type, **options}
    if payload is not UNSET:
        event["payload"] = payload
    return traced(event)


class Client(Calls, Streams):
    """Calls one server, for code that waits for its answers. Threads may share one. It connects with the first call.

    For `https://` it trusts the CAs of the system and those of the file that `ENGINEHOUSE_TLS_CA` names, and proves itself with the
    certificate of the file `ENGINEHOUSE_CLIENT_CERT` and its key, in `ENGINEHOUSE_CLIENT_KEY`. They are read when it is made.

    Args:
        url: Where the server is: `https://queue.example.org`, `http://127.0.0.1:7420` or, for short, `127.0.0.1:7420` or
            `:7420`; or `unix:/PATH` of its socket. `ENGINEHOUSE_URL`, or else `http://127.0.0.1:7420`, if left out.
        token: The access token. That of the file that `ENGINEHOUSE_TOKEN_FILE` names, or `ENGINEHOUSE_TOKEN`, if left out.
        limits: Timeouts and repeats.
    """

    def __init__(self, url: str | None = None, *, token: str | None = None, limits: Limits = Limits()) -> None:
        self._transport = Transport(Connection.of(url, token), limits)

    @property
    def url(self) -> str:
        """The server's address."""
        return self._transport.connection.url

    def _call(self, operation: Operation, arguments: dict[str, Any], answer: Any) -> Any:
        return _decoded(self._transport.send(operation.request(arguments)), answer)

    def call(self, operation: str, arguments: Mapping[str, Any]) -> RawJson:
        """Makes the call of this operation of the API, and answers the exact text of its answer; `null` if it has none.

        Args:
            operation: Its name, such as `get_event`.
            arguments: What belongs into path, query and body, by name.
        """
        body = self._transport.send(_operation(operation, arguments).request(arguments))
        return RawJson(body.strip() or b"null")

    def call_typed(
        self, operation: str, arguments: Mapping[str, Any], answer: type[T], timeout: float | None = None
    ) -> T:
        """Makes the call of this operation of the API, and answers it as this type.

        Args:
            operation: Its name, such as `get_event`.
            arguments: What belongs into path, query and body, by name.
            answer: What the answer is read into: a class of `enginehouse.models`, or one of your own.
            timeout: How long it may take in seconds, instead of what the client's limits say.
        """
        request = _operation(operation, arguments).request(arguments)
        decoded: T = _decoded(self._transport.send(request, timeout=timeout), answer)
        return decoded

    def enqueue(
        self, event_type: str, payload: Any = UNSET, **options: Unpack[params.EnqueueOptions]
    ) -> models.EnqueueResponse:
        """Enqueues one event. With an `idempotency_key` a lost answer is asked for again, and the event is there once.

        Args:
            event_type: What kind of work it is.
            payload: What goes into JSON: dict, list, dataclass, msgspec or pydantic model, `RawJson`; `{}` if left out.
            **options: The other fields of an event, such as `queue`, `priority` or `delay_seconds`.
        """
        arguments = _event(event_type, payload, options)
        answer: models.EnqueueResponse = self._call(OPERATIONS["enqueue_event"], arguments, models.EnqueueResponse)
        return answer

    def enqueue_many(self, events: Iterable[params.EnqueueRequest]) -> models.BatchResponse:
        """Enqueues up to 10,000 events, all or none. Repeated after a lost answer if each has an `idempotency_key`."""
        arguments = {"events": [traced(event) for event in events]}
        answer: models.BatchResponse = self._call(OPERATIONS["enqueue_batch"], arguments, models.BatchResponse)
        return answer

    def wait_for_event(self, event_id: str, timeout: Duration = 60.0) -> models.Event:
        """The event once it has completed, failed or been cancelled, or as it is after so long."""
        ends_at = time.monotonic() + seconds(timeout)
        while True:
            asked_at = time.monotonic()
            event = self.get_event(event_id, wait_seconds=min(max(ends_at - asked_at, 0.0), _MAX_WAIT))
            if event.status in _FINAL or time.monotonic() >= ends_at:
                return event
            # A server that shuts down answers at once.
            time.sleep(max(0.0, min(1.0 - (time.monotonic() - asked_at), ends_at - time.monotonic())))

    def close(self) -> None:
        """Closes its connections."""
        self._transport.http.close()

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class AsyncClient(AsyncCalls, AsyncStreams):
    """Calls one server, for asyncio. It belongs to the event loop of its first call. Its arguments are those of `Client`."""

    def __init__(self, url: str | None = None, *, token: str | None = None, limits: Limits = Limits()) -> None:
        self._transport = AsyncTransport(Connection.of(url, token), limits)

    @property
    def url(self) -> str:
        """The server's address."""
        return self._transport.connection.url

    async def _call(self, operation: Operation, arguments: dict[str, Any], answer: Any) -> Any:
        return _decoded(await self._transport.send(operation.request(arguments)), answer)

    async def call(self, operation: str, arguments: Mapping[str, Any]) -> RawJson:
        """Makes the call of this operation of the API, and answers the exact text of its answer; `null` if it has none.

        Args:
            operation: Its name, such as `get_event`.
            arguments: What belongs into path, query and body, by name.
        """
        body = await self._transport.send(_operation(operation, arguments).request(arguments))
        return RawJson(body.strip() or b"null")

    async def call_typed(
        self, operation: str, arguments: Mapping[str, Any], answer: type[T], timeout: float | None = None
    ) -> T:
        """Makes the call of this operation of the API, and answers it as this type.

        Args:
            operation: Its name, such as `get_event`.
            arguments: What belongs into path, query and body, by name.
            answer: What the answer is read into: a class of `enginehouse.models`, or one of your own.
            timeout: How long it may take in seconds, instead of what the client's limits say.
        """
        request = _operation(operation, arguments).request(arguments)
        decoded: T = _decoded(await self._transport.send(request, timeout=timeout), answer)
        return decoded

    async def enqueue(
        self, event_type: str, payload: Any = UNSET, **options: Unpack[params.EnqueueOptions]
    ) -> models.EnqueueResponse:
        """Enqueues one event. With an `idempotency_key` a lost answer is asked for again, and the event is there once.

        Args:
            event_type: What kind of work it is.
            payload: What goes into JSON: dict, list, dataclass, msgspec or pydantic model, `RawJson`; `{}` if left out.
            **options: The other fields of an event, such as `queue`, `priority` or `delay_seconds`.
        """
        arguments = _event(event_type, payload, options)
        answer: models.EnqueueResponse = await self._call(OPERATIONS["enqueue_event"], arguments, models.EnqueueResponse)
        return answer

    async def enqueue_many(self, events: Iterable[params.EnqueueRequest]) -> models.BatchResponse:
        """Enqueues up to 10,000 events, all or none. Repeated after a lost answer if each has an `idempotency_key`."""
        arguments = {"events": [traced(event) for event in events]}
        answer: models.BatchResponse = await self._call(OPERATIONS["enqueue_batch"], arguments, models.BatchResponse)
        return answer

    async def wait_for_event(self, event_id: str, timeout: Duration = 60.0) -> models.Event:
        """The event once it has completed, failed or been cancelled, or as it is after so long."""
        ends_at = time.monotonic() + seconds(timeout)
        while True:
            asked_at = time.monotonic()
            event = await self.get_event(event_id, wait_seconds=min(max(ends_at - asked_at, 0.0), _MAX_WAIT))
            if event.status in _FINAL or time.monotonic() >= ends_at:
                return event
            # A server that shuts down answers at once.
            await asyncio.sleep(max(0.0, min(1.0 - (time.monotonic() - asked_at), ends_at - time.monotonic())))

    async def close(self) -> None:
        """Closes its connections."""
        await self._transport.http.aclose()

    async def __aenter__(self) -> AsyncClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()


__all__ = ["AsyncClient", "Client", "Limits"]
