"""The version of this package, which goes with every call."""

from __future__ import annotations

VERSION = "0.1.0"
