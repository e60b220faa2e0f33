"""Answers that come in parts: server-sent events, for as long as there are some. A stream that breaks off is not repeated."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import aclosing, closing
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

import httpx2 as httpx

from ._json import decode
from ._transport import AsyncTransport, Transport

#: A comment comes every 15 seconds: what is quiet for longer is broken.
_QUIET = 60.0


@dataclass(frozen=True)
class StreamPart:
    """One part of a stream."""

    #: What kind of part it is: a topic or `reset`; `log` or `end`.
    event: str
    #: Names it: sent as `last_event_id`, the stream goes on behind it.
    id: str | None
    #: What it says.
    data: Any


class _Lines:
    """Puts lines together to parts."""

    def __init__(self) -> None:
        self._event = ""
        self._id: str | None = None
        self._data: list[str] = []

    def take(self, line: str) -> StreamPart | None:
        if line:
            name, _, value = line.partition(":")
            value = value.removeprefix(" ")
            if name == "event":
                self._event = value
            elif name == "id":
                self._id = value
            elif name == "data":
                self._data.append(value)
            return None
        if not self._data:
            return None
        part = StreamPart(self._event, self._id, decode("\n".join(self._data).encode()))
        self._event, self._data = "", []
        return part


def _topics(topics: Sequence[str], last_event_id: str | None) -> tuple[str, dict[str, str]]:
    headers = {"last-event-id": last_event_id} if last_event_id else {}
    return f"/v1/stream?{urlencode({'topics': ','.join(topics)})}", headers


def _log(event_id: str, attempt: int | None) -> str:
    query = {"follow": "true", **({} if attempt is None else {"attempt": str(attempt)})}
    return f"/v1/events/{quote(event_id, safe='')}/log?{urlencode(query)}"


class Streams:
    """The streams of a `Client`."""

    _transport: Transport

    def follow_topics(self, topics: Sequence[str], last_event_id: str | None = None) -> Iterator[StreamPart]:
        """What changes, as it changes: of `overview`, `engines`, `queues`, `runs` and `event:ID`."""
        path, headers = _topics(topics, last_event_id)
        return self._stream(path, headers)

    def follow_event_log(self, event_id: str, attempt: int | None = None) -> Iterator[StreamPart]:
        """The log of an attempt, the newest if none is named: `log` as it grows, and `end` when the attempt ends."""
        return self._stream(_log(event_id, attempt), {})

    def _stream(self, path: str, headers: dict[str, str]) -> Iterator[StreamPart]:
        transport, lines = self._transport, _Lines()
        timeout = httpx.Timeout(_QUIET, connect=transport.limits.connect_timeout)
        try:
            request = transport.request("GET", path, timeout, headers)
            with closing(transport.http.handle_request(request)) as response:
                if not 200 <= response.status_code < 300:
                    transport.answer(response.status_code, response.headers, response.read())
                for line in response.iter_lines():
                    part = lines.take(line)
                    if part is not None:
                        yield part
        except httpx.HTTPError as error:
            raise transport.unreachable(error) from error


class AsyncStreams:
    """The streams of an `AsyncClient`."""

    _transport: AsyncTransport

    def follow_topics(self, topics: Sequence[str], last_event_id: str | None = None) -> AsyncIterator[StreamPart]:
        """What changes, as it changes: of `overview`, `engines`, `queues`, `runs` and `event:ID`."""
        path, headers = _topics(topics, last_event_id)
        return self._stream(path, headers)

    def follow_event_log(self, event_id: str, attempt: int | None = None) -> AsyncIterator[StreamPart]:
        """The log of an attempt, the newest if none is named: `log` as it grows, and `end` when the attempt ends."""
        return self._stream(_log(event_id, attempt), {})

    async def _stream(self, path: str, headers: dict[str, str]) -> AsyncIterator[StreamPart]:
        transport, lines = self._transport, _Lines()
        timeout = httpx.Timeout(_QUIET, connect=transport.limits.connect_timeout)
        try:
            request = transport.request("GET", path, timeout, headers)
            async with aclosing(await transport.http.handle_async_request(request)) as response:
                if not 200 <= response.status_code < 300:
                    transport.answer(response.status_code, response.headers, await response.aread())
                async for line in response.aiter_lines():
                    part = lines.take(line)
                    if part is not None:
                        yield part
        except httpx.HTTPError as error:
            raise transport.unreachable(error) from error
