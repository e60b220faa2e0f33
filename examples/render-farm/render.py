"""The engine of the farm: an event is a frame of a film into the Mandelbrot set, written as a picture."""

from __future__ import annotations

import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from enginehouse import Context, Engine

CENTRE = complex(-0.743643887, 0.131825904)
ROWS_AT_ONCE = 16

engine = Engine(
    "renderer",
    capabilities=["render"],
    concurrency=2,
    memory_limit_mb=int(os.environ.get("RENDER_MEMORY_MB", "512")),
    executor="process",
)


@dataclass
class Frame:
    """What one event asks for."""

    film: str
    frame: int
    width: int = 240
    height: int = 135
    iterations: int = 80


@engine.on("frame.render", timeout="15m")
def render(frame: Frame, cx: Context) -> dict[str, Any]:
    """Renders a frame, a few rows at a time, so that it stops soon when it is to stop."""
    rows: list[np.ndarray[Any, np.dtype[np.uint8]]] = []
    for first in range(0, frame.height, ROWS_AT_ONCE):
        cx.check()
        rows.append(brightness(frame, first, min(first + ROWS_AT_ONCE, frame.height)))
        cx.progress(100 * min(first + ROWS_AT_ONCE, frame.height) / frame.height)
    folder = Path(os.environ.get("RENDER_FOLDER", "film"), frame.film)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{frame.frame:04}.png"
    # Under another name first: a frame is there as a whole or not at all, however often it is rendered.
    unfinished = path.with_suffix(f".{os.getpid()}.part")
    unfinished.write_bytes(png(np.concatenate(rows)))
    unfinished.replace(path)
    return {"file": str(path), "bytes": path.stat().st_size}


def brightness(frame: Frame, first: int, end: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    """How many iterations each point of some rows needs to leave, as grey."""
    span = 3.0 * 0.8**frame.frame
    x = CENTRE.real + (np.arange(frame.width) / frame.width - 0.5) * span
    y = CENTRE.imag + (np.arange(first, end) / frame.height - 0.5) * span * frame.height / frame.width
    c = x[np.newaxis, :] + 1j * y[:, np.newaxis]
    z, count = np.zeros_like(c), np.zeros(c.shape)
    for _ in range(frame.iterations):
        inside = np.abs(z) <= 2
        z[inside] = z[inside] ** 2 + c[inside]
        count += inside
    return (255 * (1 - count / frame.iterations)).astype(np.uint8)


def png(grey: np.ndarray[Any, np.dtype[np.uint8]]) -> bytes:
    """A picture of PNG."""
    height, width = grey.shape

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    lines = np.pad(grey, ((0, 0), (1, 0))).tobytes()
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")


if __name__ == "__main__":
    engine.run()
