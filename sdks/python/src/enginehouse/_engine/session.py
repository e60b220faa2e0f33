"""The engine as of the server's last answer, and what waits for it to change."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import uuid
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from ..models import ClaimedEvent, Engine

#: Why a session is over: another process has registered under the same id, or the engine was drained and is stopped.
SessionEnd: TypeAlias = Literal["superseded", "drained"]

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


@dataclass
class EngineSession:
    """What a registration has begun."""

    epoch: int
    token: str | None
    draining: bool
    end: SessionEnd | None = None

    @classmethod
    def begun(cls, engine: Engine) -> EngineSession:
        """The session that a registration has begun."""
        return cls(engine.epoch, engine.session_token, engine.draining)

    def event_token(self, event: ClaimedEvent) -> str | None:
        """The token of one attempt: an HMAC of the event and its lock under the hash of the session.

        It is not kept anywhere. The engine makes it, and the server recognizes it by what it keeps anyway.
        """
        if self.token is None:
            return None
        serial, _, secret = event.lock.token.partition("-")
        event_id = uuid.UUID(event.event_id)
        proof = hmac.new(hashlib.sha256(_secret(self.token).encode()).digest(), digestmod=hashlib.sha256)
        proof.update(b"enginehouse event token 1\0")
        proof.update(event_id.bytes)
        proof.update(int(serial).to_bytes(8, "big"))
        proof.update(bytes.fromhex(secret))
        body = f"ehe1_{event_id.hex}_{_base62(proof.digest(), 43)}"
        return f"{body}_{_base62(zlib.crc32(body.encode()).to_bytes(4, 'big'), 6)}"


def _secret(token: str) -> str:
    """The part of a session token that is secret: `ehs1_SECRET_CHECKSUM`."""
    return token.split("_")[1]


def _base62(number: bytes, digits: int) -> str:
    value, text = int.from_bytes(number, "big"), ""
    for _ in range(digits):
        value, digit = divmod(value, 62)
        text = _BASE62[digit] + text
    return text


class SessionWatch:
    """Holds the session, and wakes whoever waits for it to change. For the engine's own event loop only."""

    def __init__(self, session: EngineSession) -> None:
        self.now = session
        self._changed = asyncio.Event()

    def replace(self, session: EngineSession) -> None:
        """The session is another one now."""
        self.now = session
        self.notify()

    def end(self, end: SessionEnd) -> None:
        """The session is over. The first reason stands."""
        self.now.end = self.now.end or end
        self.notify()

    def notify(self) -> None:
        """Something in it has changed."""
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def until(self, condition: Callable[[EngineSession], bool]) -> EngineSession:
        """Waits until the session is like this."""
        while not condition(self.now):
            await self._changed.wait()
        return self.now

    async def until_end(self) -> SessionEnd:
        """Waits until the session is over."""
        session = await self.until(lambda session: session.end is not None)
        return session.end or "superseded"


class Slots:
    """One for each event that the engine may work on at once. An event has its slot until its settle is answered."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.free = total
        self._changed = asyncio.Event()

    def take_all(self) -> int:
        """Takes the slots that are free now; maybe none."""
        taken, self.free = self.free, 0
        return taken

    def give_back(self, number: int) -> None:
        """These slots are free again."""
        if number:
            self.free += number
            changed, self._changed = self._changed, asyncio.Event()
            changed.set()

    async def wait_for_one(self) -> None:
        """Waits until a slot is free."""
        while self.free == 0:
            await self._changed.wait()

    async def wait_for_all(self) -> None:
        """Waits until all slots are free."""
        while self.free < self.total:
            await self._changed.wait()
