"""One request and its answer: how long it may take, and when it is repeated."""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import aclosing, closing
from dataclasses import dataclass
from typing import Any

import httpx2 as httpx
import msgspec

from ._backoff import Backoff
from ._connection import Connection
from ._errors import CallError, UnexpectedAnswer, Unreachable, problem_of
from ._operation import WAIT_MARGIN, Request
from ._tls import advice
from ._version import VERSION

_log = logging.getLogger("enginehouse")

#: By which the process of an engine proves that it is the one that has registered.
SESSION_HEADER = "Enginehouse-Session"


@dataclass(frozen=True)
class Limits:
    """The timeouts, repeats and limits of a client; lengths of time in seconds."""

    #: How long a call may take, what it waits for aside.
    timeout: float = 30.0
    connect_timeout: float = 5.0
    #: How often a call is repeated at most, where a repeat is safe and may help.
    max_repeats: int = 4
    #: The wait before the first repeat; each one after it waits twice as long.
    first_wait: float = 0.1
    #: The longest wait before a repeat. If the server asks for a longer one, the caller gets its problem instead.
    max_wait: float = 5.0
    #: The largest answer that is read.
    max_answer_bytes: int = 128 * 1024 * 1024


class _Base:
    def __init__(self, connection: Connection, limits: Limits) -> None:
        self.connection = connection
        self.limits = limits
        if connection.shows_token():
            _log.warning("the token is sent unencrypted to %s: whoever is in between can use it", connection.url)

        self._headers = {"user-agent": f"enginehouse-python/{VERSION}", "accept": "*/*", "accept-encoding": "gzip"}
        if connection.token is not None:
            self._headers["authorization"] = f"Bearer {connection.token}"

    def _options(self) -> dict[str, Any]:
        # An engine that polls keeps its connections; a server that restarts has none of them. Nothing of the environment is used, such
        # as proxies and passwords: the server's address says where it is.
        pool = httpx.Limits(max_connections=100, max_keepalive_connections=20, keepalive_expiry=30.0)
        return {"verify": self.connection.tls(), "uds": self.connection.socket, "limits": pool, "trust_env": False}

    def _timeout(self, request: Request, own: float | None) -> float:
        if own is not None:
            return own
        return request.wait + WAIT_MARGIN if request.wait > 0 else self.limits.timeout

    def request(
        self, method: str, path: str, timeout: httpx.Timeout, headers: dict[str, str], body: bytes | None = None
    ) -> httpx.Request:
        """What is sent. The client of httpx2 is left out: there are no cookies, redirects and logs of each call to be had."""
        url = f"{self.connection.base}{path}"
        extensions = {"timeout": timeout.as_dict()}
        return httpx.Request(method, url, headers={**self._headers, **headers}, content=body, extensions=extensions)

    def _of_call(self, request: Request, timeout: float) -> httpx.Request:
        headers: dict[str, str] = {}
        if request.body is not None:
            headers["content-type"] = request.content_type
        if request.session is not None:
            headers[SESSION_HEADER] = request.session
        times = httpx.Timeout(timeout, connect=min(timeout, self.limits.connect_timeout))
        return self.request(request.method, request.path, times, headers, request.body)

    def answer(self, status: int, headers: httpx.Headers, body: bytes) -> bytes:
        if 200 <= status < 300:
            return body
        try:
            document = msgspec.json.decode(body, type=dict[str, Any])
        except ValueError:
            document = {}
        if "code" not in document:
            raise UnexpectedAnswer(status, body.decode("utf-8", "replace").strip()[:200])
        asked = headers.get("retry-after", "")
        if document.get("retry_after_seconds") is None and asked.isdigit():
            document["retry_after_seconds"] = int(asked)
        raise problem_of(document)

    def unreachable(self, error: Exception) -> Unreachable:
        not_sent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout)
        timed_out = isinstance(error, httpx.TimeoutException | TimeoutError)
        reason = "it took too long" if timed_out else str(error) or type(error).__name__
        todo = advice(reason)
        reason = reason if todo is None else f"{reason}; {todo}"
        return Unreachable(self.connection.url, reason, "no" if not_sent else "unknown", timed_out)

    def _too_large(self, status: int) -> UnexpectedAnswer:
        return UnexpectedAnswer(status, f"the answer has more than {self.limits.max_answer_bytes} bytes")

    def _wait_before_repeat(self, request: Request, error: CallError, backoff: Backoff, repeats: int) -> float:
        """How long to wait before the call is made again; raises the error if it is not."""
        is_safe = request.repeat_always or error.applied == "no"
        asked = error.retry_after_seconds
        too_long = asked is not None and asked > self.limits.max_wait
        if repeats >= self.limits.max_repeats or not error.is_passing or not is_safe or too_long:
            raise error
        _log.debug("repeating %s %s: %s", request.method, request.path.partition("?")[0], error)
        return backoff.next(asked)


class Transport(_Base):
    """Speaks HTTP to one server, for callers that wait."""

    def __init__(self, connection: Connection, limits: Limits) -> None:
        super().__init__(connection, limits)
        self.http = httpx.HTTPTransport(**self._options())

    def send(self, request: Request, *, timeout: float | None = None) -> bytes:
        """Makes a call, and repeats it where that is safe and may help."""
        backoff, repeats = Backoff(self.limits.first_wait, self.limits.max_wait), 0
        while True:
            try:
                return self._once(request, self._timeout(request, timeout))
            except CallError as error:
                wait = self._wait_before_repeat(request, error, backoff, repeats)
            repeats += 1
            time.sleep(wait)

    def _once(self, request: Request, timeout: float) -> bytes:
        body = bytearray()
        try:
            with closing(self.http.handle_request(self._of_call(request, timeout))) as response:
                for chunk in response.iter_bytes():
                    body += chunk
                    if len(body) > self.limits.max_answer_bytes:
                        raise self._too_large(response.status_code)
        except httpx.HTTPError as error:
            raise self.unreachable(error) from error
        return self.answer(response.status_code, response.headers, bytes(body))


class AsyncTransport(_Base):
    """Speaks HTTP to one server, for asyncio."""

    def __init__(self, connection: Connection, limits: Limits) -> None:
        super().__init__(connection, limits)
        self.http = httpx.AsyncHTTPTransport(**self._options())

    async def send(self, request: Request, *, timeout: float | None = None) -> bytes:
        """Makes a call, and repeats it where that is safe and may help."""
        backoff, repeats = Backoff(self.limits.first_wait, self.limits.max_wait), 0
        while True:
            try:
                return await self._once(request, self._timeout(request, timeout))
            except CallError as error:
                wait = self._wait_before_repeat(request, error, backoff, repeats)
            repeats += 1
            await asyncio.sleep(wait)

    async def _once(self, request: Request, timeout: float) -> bytes:
        body = bytearray()
        try:
            async with asyncio.timeout(timeout):
                async with aclosing(await self.http.handle_async_request(self._of_call(request, timeout))) as response:
                    async for chunk in response.aiter_bytes():
                        body += chunk
                        if len(body) > self.limits.max_answer_bytes:
                            raise self._too_large(response.status_code)
        except (httpx.HTTPError, TimeoutError) as error:
            raise self.unreachable(error) from error
        return self.answer(response.status_code, response.headers, bytes(body))
