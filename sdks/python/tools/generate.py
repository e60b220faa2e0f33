"""Writes the generated modules of the SDK from openapi.json: models, params, problems and calls.

    python tools/generate.py            writes them
    python tools/generate.py --check    fails if one of them is not what it would write
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from description import Argument, Description, Operation, docstring, plain

HERE = Path(__file__).resolve().parent
PACKAGE = HERE.parent / "src" / "enginehouse"
OPENAPI = HERE.parent.parent.parent / "openapi.json"

HEADER = '''"""{title}

Generated from openapi.json by tools/generate.py: change that, not this.
"""

from __future__ import annotations

'''


def enums(description: Description, names: list[str]) -> str:
    """Enumerations: a checker knows the values, and a newer server may answer others."""
    found = [name for name in names if description.kind(name) == "enum"]
    source = "if TYPE_CHECKING:\n"
    for name in found:
        values = ", ".join(f'"{value}"' for value in description.schemas[name]["enum"])
        source += f"    {name}: TypeAlias = Literal[{values}]\n"
    source += "else:\n    # What a newer server answers must not be refused here.\n"
    return source + "".join(f"    {name} = str\n" for name in found) + "\n"


def models(description: Description) -> str:
    names = description.reachable(sent=False)
    source = HEADER.format(title="What the server answers, as objects with typed fields. Fields that this version does not know are left out.")
    source += "from datetime import datetime\nfrom typing import TYPE_CHECKING, Any, Literal, TypeAlias\n\n"
    source += "import msgspec\n\nfrom ._json import RawJson, decode\n\n"
    source += enums(description, names)
    exported = [name for name in names if description.kind(name) in ("enum", "object")]
    for name in names:
        if description.kind(name) != "object":
            continue
        source += f"\nclass {name}(msgspec.Struct, kw_only=True, omit_defaults=True):\n"
        source += docstring(description.schemas[name].get("description", f"{name}."), "    ")
        properties = ""
        for field in description.fields(name, sent=False):
            attribute = f"{field.name}_json" if field.is_raw else field.name
            default = None if field.required else ('RawJson(b"null")' if field.is_raw else "None")
            type_ = field.type if field.required or field.is_raw or field.type.endswith("| None") else f"{field.type} | None"
            renamed = attribute != field.json_name
            if renamed:
                given = f'name="{field.json_name}"' + (f", default={default}" if default else "")
                value = f" = msgspec.field({given})"
            else:
                value = f" = {default}" if default else ""
            source += f"\n    {attribute}: {type_}{value}\n"
            source += docstring(field.description + (" This is its exact text." if field.is_raw else ""), "    ")
            if field.is_raw:
                properties += f"\n    @property\n    def {field.name}(self) -> Any:\n"
                properties += docstring(field.description, "        ")
                properties += f"        return decode(self.{attribute})\n"
        source += properties + "\n"
    return source + f"\n__all__ = {json.dumps(sorted(exported), indent=4)}\n"


def params(description: Description) -> str:
    names = [name for name in description.reachable(sent=True) if description.kind(name) in ("object", "enum")]
    source = HEADER.format(title="What calls take, as types of dictionaries.")
    source += "from collections.abc import Mapping, Sequence\nfrom datetime import datetime\n"
    source += "from typing import TYPE_CHECKING, Any, Literal, Required, TypeAlias, TypedDict\n\n"
    source += enums(description, names)
    for name in names:
        if description.kind(name) == "object":
            source += typed_dict(description, name, name, ())
    left_out = ("event_type", "payload")
    source += typed_dict(description, "EnqueueRequest", "EnqueueOptions", left_out)
    exported = sorted([*names, "EnqueueOptions"])
    return source + f"\n__all__ = {json.dumps(exported, indent=4)}\n"


def typed_dict(description: Description, schema: str, name: str, left_out: tuple[str, ...]) -> str:
    source = f"\nclass {name}(TypedDict, total=False):\n"
    source += docstring(description.schemas[schema].get("description", f"{name}."), "    ")
    for field in description.fields(schema, sent=True):
        if field.json_name in left_out:
            continue
        type_ = f"Required[{field.type}]" if field.required else field.type
        source += f"\n    {field.json_name}: {type_}\n" + docstring(field.description, "    ")
    return source + "\n"


def problems(description: Description) -> str:
    codes = description.schemas["Code"]["enum"]
    source = HEADER.format(title="An exception for each code of a problem.")
    source += "from ._errors import Problem\n\n"
    classes = {code: "".join(word.capitalize() for word in code.split("_")) for code in codes}
    # Two names that Python has already, for something else.
    classes["timeout"] = "RequestTimeout"
    classes["internal"] = "InternalError"
    for code, name in classes.items():
        page = (HERE.parent.parent.parent / "docs" / "problems" / f"{code}.md").read_text("utf-8")
        sentence = next(line for line in page.splitlines() if line.startswith("**What to do.** "))
        text = plain(sentence.removeprefix("**What to do.** "))
        source += f"\nclass {name}(Problem):\n" + docstring(f"The code `{code}`. {text}", "    ") + "\n"
    table = "".join(f'    "{code}": {name},\n' for code, name in classes.items())
    source += f"\nBY_CODE: dict[str, type[Problem]] = {{\n{table}}}\n"
    return source + f"\n__all__ = {json.dumps(sorted(classes.values()), indent=4)}\n"


def argument_source(argument: Argument) -> str:
    if argument.required:
        return f"{argument.name}: {argument.type}"
    if argument.place == "body":
        # Absent and null differ.
        return f"{argument.name}: {argument.type} | UnsetType = UNSET"
    type_ = argument.type if argument.type.endswith("| None") else f"{argument.type} | None"
    return f"{argument.name}: {type_} = None"


def signature(operation: Operation, drop: tuple[str, ...] = ()) -> str:
    arguments = [one for one in operation.arguments if one.name not in drop]
    path = [argument_source(one) for one in arguments if one.place == "path"]
    rest = [argument_source(one) for one in arguments if one.place != "path"]
    # Those that must be given first.
    rest.sort(key=lambda source: "=" in source)
    parts = ["self", *path, *(["*", *rest] if rest else [])]
    return ", ".join(parts)


def call_docstring(operation: Operation) -> str:
    text = operation.summary + ("\n\n" + operation.description if operation.description else "")
    source = docstring(text, "        ").rstrip("\n")
    named = [one for one in operation.arguments if one.description]
    if not named:
        return source + "\n"
    source = source.removesuffix('"""').rstrip()
    source += "\n\n        Args:\n"
    for one in named:
        text = " ".join(plain(one.description).split()).replace("\\", "\\\\")
        source += f"            {one.name}: {text}\n"
    return source + '        """\n'


def calls(description: Description, asynchronous: bool) -> str:
    name = "AsyncCalls" if asynchronous else "Calls"
    define, wait, loop = ("async def", "await ", "async for") if asynchronous else ("def", "", "for")
    iterator = "AsyncIterator" if asynchronous else "Iterator"
    source = HEADER.format(title=f"The calls of the API, a method each{', for asyncio' if asynchronous else ''}.")
    source += f"from collections.abc import {iterator}, Mapping, Sequence\nfrom datetime import datetime\nfrom typing import Any\n\n"
    source += "from msgspec import UNSET, UnsetType\n\nfrom . import models, params\n"
    source += "from ._operations import OPERATIONS, Operation\n\n"
    source += f'\nclass {name}:\n    """Every call of the API."""\n\n'
    source += f"    {define} _call(self, operation: Operation, arguments: dict[str, Any], answer: Any) -> Any:\n"
    source += "        raise NotImplementedError\n"
    own = {name for name in description.reachable(sent=True) if description.kind(name) in ("object", "enum")}
    for operation in description.operations():
        answer = {None: "None", "str": "str"}.get(operation.answer, f"models.{operation.answer}")
        names = ", ".join(f'"{one.name}": {one.name}' for one in operation.arguments)
        source += f"\n    {define} {operation.id}({qualified(signature(operation), own)}) -> {answer}:\n"
        source += call_docstring(operation)
        returned = f'{wait}self._call(OPERATIONS["{operation.id}"], {{{names}}}, {answer})'
        source += f"        answer: {answer} = {returned}\n        return answer\n" if operation.answer else f"        {returned}\n"
        if operation.item and operation.id.startswith("list_"):
            source += iteration(operation, own, define, wait, loop, iterator)
    return source


def iteration(operation: Operation, own: set[str], define: str, wait: str, loop: str, iterator: str) -> str:
    drop = ("cursor",)
    given = ", ".join(f"{one.name}={one.name}" if one.place != "path" else one.name for one in operation.arguments if one.name not in drop)
    name = operation.id.replace("list_", "iter_", 1)
    source = f"\n    {define} {name}({qualified(signature(operation, drop), own)}) -> {iterator}[models.{operation.item}]:\n"
    source += docstring(f"Every item of `{operation.id}`, page after page; `limit` is the size of a page.", "        ")
    source += "        cursor: str | None = None\n        while True:\n"
    call = f"self.{operation.id}({given + ', ' if given else ''}cursor=cursor)"
    source += f"            page = {wait}{call}\n            for item in page.items:\n                yield item\n"
    return source + "            cursor = page.next_cursor\n            if cursor is None:\n                return\n"


def qualified(source: str, own: set[str]) -> str:
    """Names of our types, by their module."""
    import re

    return re.sub(r"\b[A-Z]\w+\b", lambda found: f"params.{found[0]}" if found[0] in own else found[0], source)


def operations(description: Description) -> str:
    source = HEADER.format(title="How each call is made.")
    source += "from ._operation import ALWAYS, IF_KEYED, IF_NOT_APPLIED, Operation\n\n"
    source += "OPERATIONS: dict[str, Operation] = {\n"
    for one in description.operations():
        by_place = {place: tuple((a.name, a.json_name) for a in one.arguments if a.place == place) for place in ("path", "query", "body")}
        session = any(a.name == "session" for a in one.arguments)
        source += f'    "{one.id}": Operation(\n        "{one.id}", "{one.method}", "{one.path}",\n'
        source += f"        query={by_place['query']!r},\n        body={by_place['body']!r},\n"
        source += f"        has_body={one.has_body}, has_session={session}, repeat={one.repeat},\n    ),\n"
    source += "}\n"
    return source + '\n__all__ = ["OPERATIONS", "Operation"]\n'


def main() -> int:
    description = Description(json.loads(OPENAPI.read_text("utf-8")))
    wanted = {
        "models.py": models(description),
        "params.py": params(description),
        "problems.py": problems(description),
        "_calls.py": calls(description, asynchronous=False),
        "_async_calls.py": calls(description, asynchronous=True),
        "_operations.py": operations(description),
    }
    stale = [name for name, source in wanted.items() if not is_fresh(PACKAGE / name, source)]
    if "--check" in sys.argv[1:]:
        for name in stale:
            print(f"{PACKAGE / name} is not what openapi.json gives: run python sdks/python/tools/generate.py", file=sys.stderr)
        return 1 if stale else 0
    for name in stale:
        (PACKAGE / name).write_text(wanted[name], "utf-8")
    return 0


def is_fresh(path: Path, source: str) -> bool:
    return path.exists() and path.read_text("utf-8") == source


if __name__ == "__main__":
    raise SystemExit(main())
