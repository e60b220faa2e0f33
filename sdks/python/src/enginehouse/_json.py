"""JSON in and out. Integers are exact whatever their size, and what JSON cannot say is an error instead of null."""

from __future__ import annotations

import json
import math
from typing import Any, cast

import msgspec

#: The exact text of a JSON value: `bytes(raw)` is the text, and `decode` reads it. As the annotation of a payload, or of a field of one, it
#: keeps numbers that a float would round; in a result it is sent as it is.
RawJson = msgspec.Raw


def decode(text: bytes | bytearray | memoryview | msgspec.Raw) -> Any:
    """Reads JSON into dict, list, str, int, float, bool and None."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        # Half of a surrogate pair, which JSON permits and UTF-8 does not.
        return json.loads(bytes(text))


def encode(value: object) -> bytes:
    """Writes a value as JSON: also dataclasses, msgspec and pydantic models, datetimes, UUIDs and NumPy's numbers and arrays.

    Raises:
        TypeError: Something in it has no form in JSON.
        ValueError: A float is infinite or not a number, or a text has half of a surrogate pair.
    """
    text = msgspec.json.encode(value, enc_hook=_plain)
    # Floats that are no numbers have become null.
    if b"null" in text and _has_no_number(value):
        raise ValueError("NaN and infinity have no form in JSON")
    return text


def well_formed(text: str) -> str:
    """The text with a question mark for each half of a surrogate pair, as names of files that are not in UTF-8 have them: JSON in UTF-8 has
    no room for those."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _plain(value: Any) -> Any:
    """What a value of another library is in JSON."""
    dump = getattr(value, "model_dump", None)
    if dump is not None:
        return dump(mode="json")
    to_list = getattr(value, "tolist", None)
    if to_list is not None:
        return to_list()
    raise TypeError(f"a {type(value).__name__} has no form in JSON")


def _has_no_number(value: object) -> bool:
    plain: Any = msgspec.to_builtins(value, enc_hook=lambda other: None if isinstance(other, msgspec.Raw) else _plain(other))
    pending: list[Any] = [plain]
    while pending:
        one = pending.pop()
        if isinstance(one, float) and not math.isfinite(one):
            return True
        if isinstance(one, dict):
            members: dict[Any, Any] = cast(Any, one)
            pending.extend(members.values())
        elif isinstance(one, list | tuple):
            items: list[Any] | tuple[Any, ...] = cast(Any, one)
            pending.extend(items)
    return False
