"""Writes docs/reference-python.md from the docstrings of the package.

    python tools/reference.py            writes it
    python tools/reference.py --check    fails if it is not what it would write
"""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "src"))
PAGE = HERE.parent.parent.parent / "docs" / "reference-python.md"

import enginehouse  # noqa: E402
from enginehouse import pytest_plugin, testing, transactions  # noqa: E402
from enginehouse._calls import Calls  # noqa: E402

HEAD = """# Reference of the Python package

Every class and function of `enginehouse`, made from their docstrings. [Python in five minutes](quickstart-python.md) is where to begin; what fields mean is in [the HTTP API](http-api.md).
"""

SECTIONS: list[tuple[str, list[Any]]] = [
    ("Engines", [enginehouse.Engine, enginehouse.EngineSummary, enginehouse.Context]),
    ("How a handler ends", [enginehouse.Retry, enginehouse.Reject, enginehouse.Release, enginehouse.Stopped, enginehouse.Superseded]),
    ("Clients", [enginehouse.Client, enginehouse.AsyncClient, enginehouse.Limits, enginehouse.StreamPart]),
    ("Errors", [enginehouse.EnginehouseError, enginehouse.ConfigurationError, enginehouse.CallError, enginehouse.Unreachable, enginehouse.UnexpectedAnswer, enginehouse.Problem]),
    ("Transactions: `enginehouse.transactions`", [transactions.enqueue, transactions.enqueue_many, transactions.enqueue_async, transactions.enqueue_many_async, transactions.Enqueued]),
    ("Tests: `enginehouse.testing`", [testing.InMemoryQueue, testing.InMemoryEvent, testing.RunAttempt, testing.RetryRule, testing.start_server, testing.ServerProcess]),
]  # fmt: skip


def paragraphs(text: str | None) -> str:
    """A docstring as Markdown: its lists of arguments become lists, and its code stays code."""
    lines = inspect.cleandoc(text or "").split("\n")
    out: list[str] = []
    in_list = False
    for line in lines:
        heading = re.fullmatch(r"(Args|Raises):", line)
        item = re.fullmatch(r"    (\**\w+): (.*)", line)
        if heading:
            in_list = True
            out.append({"Args": "Arguments:", "Raises": "Raises:"}[heading[1]] + "\n")
        elif in_list and item:
            out.append(f"- `{item[1]}`: {item[2]}")
        elif in_list and line.startswith("        "):
            out[-1] += " " + line.strip()
        else:
            in_list = in_list and bool(line)
            out.append(line)
    joined: list[str] = []
    for line in out:
        is_text = bool(line) and not line.startswith(("    ", "- ", "Arguments:", "Raises:"))
        if is_text and joined and joined[-1] and not joined[-1].startswith(("    ", "- ")) and not joined[-1].endswith("\n"):
            joined[-1] += " " + line
        else:
            joined.append(line)
    return "\n".join(joined).strip() + "\n"


def signature(function: Any, name: str, with_types: bool) -> str:
    found = inspect.signature(function)
    parameters = [one for one in found.parameters.values() if one.name != "self"]
    if not with_types:
        parameters = [one.replace(annotation=one.empty) for one in parameters]
    text = str(found.replace(parameters=parameters, return_annotation=found.return_annotation if with_types else found.empty))
    # How Python writes annotations that are texts, and values that have no source.
    text = re.sub(r"'([^']*)'", r"\1", text).replace("<function <lambda>>", "…")
    text = re.sub(r"Limits\([^)]*\)", "Limits()", text)
    return f"{name}{text}"


def fields_of(kind: type) -> str:
    """The documented fields of a class: those with a comment `#:` before or a docstring behind them."""
    source = textwrap.dedent(inspect.getsource(kind))
    lines = source.split("\n")
    (tree,) = ast.parse(source).body
    assert isinstance(tree, ast.ClassDef)
    found = ""
    for node in tree.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and not node.target.id.startswith("_"):
            comment, at = [], node.lineno - 2
            while lines[at].strip().startswith("#:"):
                comment.insert(0, lines[at].strip().removeprefix("#:").strip())
                at -= 1
            text = f": {' '.join(comment)}" if comment else ""
            found += f"- `{node.target.id}: {ast.unparse(node.annotation)}`{text}\n"
    return found


def members(kind: type) -> str:
    out = ""
    for name, member in vars(kind).items():
        if name.startswith("_") or not getattr(member, "__doc__", None):
            continue
        if isinstance(member, property):
            out += f"#### `{kind.__name__}.{name}`\n\n{paragraphs(member.__doc__)}\n"
        elif inspect.isfunction(member):
            overloaded = name == "on" and kind is enginehouse.Engine
            shown = "on(event_type, function=None, *, timeout=None)" if overloaded else signature(member, name, True)
            prefix = "await " if inspect.iscoroutinefunction(member) else ""
            out += f"#### `{prefix}{kind.__name__}.{shown}`\n\n{paragraphs(member.__doc__)}\n"
    return out


def class_section(kind: type) -> str:
    own_init = "__init__" in vars(kind) and not issubclass(kind, enginehouse.CallError)
    shown = signature(kind.__init__, kind.__name__, True) if own_init and not hasattr(kind, "__dataclass_fields__") else kind.__name__
    out = f"### `{shown.replace(' -> None', '')}`\n\n{paragraphs(kind.__doc__)}\n"
    fields = fields_of(kind)
    if fields:
        out += fields + "\n"
    if kind is not enginehouse.AsyncClient:
        out += members(kind)
    return out


def calls() -> str:
    out = "### Calls\n\nEach call of the API is a method of `Client`, and of `AsyncClient` with `await`. Arguments are named as in the API, and those of a path come first.\n\n"
    for name, function in vars(Calls).items():
        if name.startswith("_"):
            continue
        summary = inspect.cleandoc(function.__doc__ or "").split("\n\n")[0].replace("\n", " ")
        names = [one for one in inspect.signature(function).parameters.values() if one.name != "self"]
        required = [one.name for one in names if one.default is one.empty]
        optional = [one.name for one in names if one.default is not one.empty]
        answer = str(inspect.signature(function).return_annotation)
        given = f"; optional: {', '.join(f'`{one}`' for one in optional)}" if optional else ""
        out += f"- `{name}({', '.join(required)}) -> {answer}`: {summary.rstrip('.')}{given}.\n"
    return out + "\n"


def page() -> str:
    out = HEAD
    for title, things in SECTIONS:
        out += f"\n## {title}\n\n"
        for thing in things:
            if inspect.isclass(thing):
                out += class_section(thing)
            else:
                is_async = "await " if inspect.iscoroutinefunction(thing) else ""
                out += f"### `{is_async}{signature(thing, thing.__name__, True)}`\n\n{paragraphs(thing.__doc__)}\n"
        if title == "Clients":
            out += calls()
        if title == "Errors":
            out += "### `enginehouse.problems`\n\n" + "".join(
                f"- `{kind.__name__}`: {' '.join((kind.__doc__ or '').split())}\n" for kind in enginehouse.problems.BY_CODE.values()
            )
        if title.startswith("Tests"):
            out += f"### `enginehouse.pytest_plugin`\n\n{paragraphs(pytest_plugin.__doc__)}"
    return re.sub(r"\n{3,}", "\n\n", out).rstrip() + "\n"


def main() -> int:
    wanted = page()
    if "--check" in sys.argv[1:]:
        if PAGE.exists() and PAGE.read_text("utf-8") == wanted:
            return 0
        print(f"{PAGE} is not what the docstrings give: run python sdks/python/tools/reference.py", file=sys.stderr)
        return 1
    PAGE.write_text(wanted, "utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
