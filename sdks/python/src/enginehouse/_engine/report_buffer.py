"""What a handler has reported, until the server has it: it goes along with the next heartbeat, or with the settle.

However much a handler reports, a buffer holds the newest of everything and as much of the log as the server keeps.
"""

from __future__ import annotations

import math
import threading
from collections import deque
from typing import Any

from .._json import RawJson, well_formed

MAX_CHECKPOINT_BYTES = 16 * 1024
MAX_LOG_BYTES = 64 * 1024
MAX_PROGRESS_MESSAGE_LENGTH = 500

Report = dict[str, Any]


class ReportBuffer:
    """The reports of one attempt. Handlers write it, whichever thread they are in, and the engine takes from it."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._pending: Report = {}
        self._log: deque[str] = deque()
        self._log_bytes = 0
        #: What was sent, as long as nobody knows whether it has arrived.
        self._in_flight: Report | None = None

    def progress(self, percent: float | None, message: str | None) -> None:
        """How far the attempt is."""
        progress: Report = {}
        if percent is not None and math.isfinite(percent):
            progress["percent"] = min(max(float(percent), 0.0), 100.0)
        if message is not None:
            progress["message"] = well_formed(message[:MAX_PROGRESS_MESSAGE_LENGTH])
        with self._guard:
            self._pending["progress"] = progress

    def checkpoint(self, text: bytes) -> None:
        """What another attempt needs to continue from here."""
        with self._guard:
            self._pending["checkpoint"] = RawJson(text)

    def usage(self, usage: dict[str, float]) -> None:
        """What the attempt has used since it began."""
        known = {name: value for name, value in usage.items() if math.isfinite(value)}
        with self._guard:
            self._pending["usage"] = {**self._pending.get("usage", {}), **known}

    def log_url(self, url: str) -> None:
        """Where the whole log is."""
        with self._guard:
            self._pending["log_url"] = well_formed(url)

    def log(self, text: str) -> None:
        """Appends lines to the log of the attempt."""
        with self._guard:
            for line in text.split("\n"):
                # Of a line that is too long for the log of an attempt, the end counts.
                kept = line.rstrip("\r").encode("utf-8", "replace")[-(MAX_LOG_BYTES - 1) :]
                self._push(kept.decode("utf-8", "ignore"))

    def begin(self) -> Report | None:
        """What is to be sent, if there is something and nothing else is under way."""
        with self._guard:
            if self._in_flight is not None:
                return None
            report = self._take()
            if not report:
                return None
            self._in_flight = report
            return dict(report)

    def arrived(self) -> None:
        """The server has taken what was sent, or refused it for what it is."""
        with self._guard:
            self._in_flight = None

    def failed(self) -> None:
        """What was sent has not been taken: it goes along with what is sent next."""
        with self._guard:
            self._put_back()

    def last(self) -> Report:
        """All that the server may not have, for the settle."""
        with self._guard:
            self._put_back()
            return self._take()

    def _put_back(self) -> None:
        before, self._in_flight = self._in_flight, None
        if before is None:
            return
        later = list(self._log)
        self._log.clear()
        self._log_bytes = 0
        for line in [*(line for text in before.pop("log", []) for line in text.split("\n")), *later]:
            self._push(line)
        if "usage" in before and "usage" in self._pending:
            self._pending["usage"] = {**before["usage"], **self._pending["usage"]}
        self._pending = {**before, **self._pending}

    def _push(self, line: str) -> None:
        self._log.append(line)
        self._log_bytes += len(line.encode("utf-8", "replace")) + 1
        while self._log_bytes > MAX_LOG_BYTES:
            self._log_bytes -= len(self._log.popleft().encode("utf-8", "replace")) + 1

    def _take(self) -> Report:
        report, self._pending = self._pending, {}
        if self._log:
            # A report takes fewer texts than a log may have lines.
            report["log"] = ["\n".join(self._log)]
            self._log.clear()
            self._log_bytes = 0
        return report


def weight(report: Report) -> int:
    """How many bytes of a body a report takes, roughly."""
    checkpoint = report.get("checkpoint")
    lines = sum(len(text) * 2 + 4 for text in report.get("log", []))
    return 300 + lines + (0 if checkpoint is None else len(bytes(checkpoint)))
