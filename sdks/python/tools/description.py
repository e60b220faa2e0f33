"""Reads openapi.json as the generator needs it: schemas as Python types, operations with their arguments."""

from __future__ import annotations

import json
import re
import textwrap
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

#: Calls that do something twice when they are made twice: repeated only if the first one certainly changed nothing. All others set a
#: state, or read. It is the rule of the Rust client, crates/enginehouse-client/src/calls.
NOT_TWICE = {
    "cancel_scenario_run",
    "change_event",
    "claim_events",
    "create_operation",
    "create_token",
    "discard_dead_letter",
    "discard_dead_letters",
    "get_readiness",
    "redrive_dead_letter",
    "redrive_dead_letters",
    "redrive_event",
    "register_new_engine",
    "release_idempotency_key",
    "rotate_token",
}
#: Calls that are safe to repeat with an idempotency key (of each event), or without a claim.
DEPENDS = {"enqueue_event", "enqueue_batch", "exchange"}
#: Answers without an end: written by hand.
STREAMS = {"follow_topics"}

#: Schemas that are named as something of Python's own.
RENAMED = {"Warning": "RequestWarning"}

KEYWORDS = {"from": "from_", "class": "class_", "import": "import_"}


def plain(text: str) -> str:
    """A description in plain text: links to Rust types are their names."""
    return re.sub(r"\[(`[^`]+`)\]", r"\1", text)


def docstring(text: str, indent: str) -> str:
    """A docstring, wrapped, as lines of source."""
    paragraphs = plain(text).replace("\\", "\\\\").replace('"""', "'''").split("\n\n")
    width = 110 - len(indent)
    wrapped = ["\n".join(textwrap.wrap(" ".join(one.split()), width)) for one in paragraphs if one.strip()]
    body = "\n\n".join(wrapped)
    if body.endswith('"'):
        body += " "
    quoted = f'"""{body}"""' if "\n" not in body else f'"""{body}\n"""'
    return textwrap.indent(quoted, indent, lambda line: bool(line.strip())) + "\n"


@dataclass(frozen=True)
class Field:
    """One property of an object."""

    json_name: str
    type: str
    required: bool
    description: str

    @property
    def name(self) -> str:
        """Its name in Python."""
        return KEYWORDS.get(self.json_name, self.json_name)

    @property
    def is_raw(self) -> bool:
        """Whether it is any JSON, kept as its text."""
        return self.type == "RawJson"


@dataclass(frozen=True)
class Argument:
    """One argument of a call."""

    name: str
    json_name: str
    place: str
    type: str
    required: bool
    description: str


@dataclass(frozen=True)
class Operation:
    """One call of the API."""

    id: str
    method: str
    path: str
    summary: str
    description: str
    arguments: list[Argument]
    answer: str | None
    item: str | None
    has_body: bool

    @property
    def repeat(self) -> str:
        """When it may be repeated."""
        if self.id in DEPENDS:
            return "IF_KEYED"
        return "IF_NOT_APPLIED" if self.id in NOT_TWICE else "ALWAYS"


class Description:
    """The schemas and operations of an OpenAPI description."""

    def __init__(self, document: Json) -> None:
        text = json.dumps(document)
        for name, other in RENAMED.items():
            text = text.replace(f'"#/components/schemas/{name}"', f'"#/components/schemas/{other}"')
        document = json.loads(text)
        for name, other in RENAMED.items():
            document["components"]["schemas"][other] = document["components"]["schemas"].pop(name)
        self.document: Json = document
        self.schemas: dict[str, Json] = document["components"]["schemas"]

    def kind(self, name: str) -> str:
        """What a schema becomes: `object`, `open` (an object with further keys), `enum`, `string`, `raw` or `other`."""
        schema = self.schemas[name]
        if name == "RawJson":
            return "raw"
        if schema.get("type") == "object":
            return "open" if "additionalProperties" in schema and schema["additionalProperties"] else "object"
        if schema.get("type") == "string":
            return "enum" if "enum" in schema else "string"
        return "other"

    def type_of(self, schema: Json, sent: bool) -> str:
        """A schema as a type of Python: of a request (`sent`) or of an answer."""
        if "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            kind = self.kind(name)
            if kind == "raw":
                return "Any" if sent else "RawJson"
            if kind == "string":
                return self.type_of(self.schemas[name], sent)
            if kind == "open":
                return "Mapping[str, Any]" if sent else "dict[str, Any]"
            if kind == "other":
                return "bool | str"
            return name
        if "anyOf" in schema:
            parts = [part for part in schema["anyOf"] if part.get("type") != "null"]
            (part,) = parts
            return f"{self.type_of(part, sent)} | None"
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        null = " | None" if "null" in kinds else ""
        (kind,) = [kind for kind in kinds if kind != "null"]
        if kind == "string" and schema.get("format") == "date-time":
            return ("datetime | str" if sent else "datetime") + null
        if kind == "array":
            item = self.type_of(schema["items"], sent)
            return (f"Sequence[{item}]" if sent else f"list[{item}]") + null
        if kind == "object":
            values = self.type_of(schema["additionalProperties"], sent) if "additionalProperties" in schema else "Any"
            return (f"Mapping[str, {values}]" if sent else f"dict[str, {values}]") + null
        return {"string": "str", "integer": "int", "number": "float", "boolean": "bool"}[kind] + null

    def fields(self, name: str, sent: bool) -> list[Field]:
        """The properties of an object."""
        schema = self.schemas[name]
        required = set(schema.get("required", []))
        return [
            Field(key, self.type_of(value, sent), key in required, self.describe(value))
            for key, value in schema.get("properties", {}).items()
        ]

    def describe(self, schema: Json) -> str:
        """The description of a property, or else that of its type."""
        if "description" in schema:
            return str(schema["description"])
        refs = [part["$ref"] for part in [schema, *schema.get("anyOf", [])] if "$ref" in part]
        return str(self.schemas[refs[0].rpartition("/")[2]].get("description", "")) if refs else ""

    def reachable(self, sent: bool) -> list[str]:
        """The schemas that requests (`sent`) or answers are made of, by name."""
        found: set[str] = set()

        def walk(node: Any) -> None:
            if isinstance(node, dict):
                ref = node.get("$ref")
                if isinstance(ref, str) and (name := ref.rpartition("/")[2]) not in found:
                    found.add(name)
                    walk(self.schemas[name])
                for value in node.values():
                    walk(value)
            elif isinstance(node, list):
                for value in node:
                    walk(value)

        for methods in self.document["paths"].values():
            for operation in methods.values():
                if sent:
                    walk(operation.get("requestBody", {}))
                    walk(operation.get("parameters", []))
                else:
                    walk(operation["responses"])
        return sorted(found)

    def operations(self) -> list[Operation]:
        """Every call, by the order of its path."""
        return [
            self.operation(path, method, operation)
            for path, methods in self.document["paths"].items()
            for method, operation in methods.items()
            if operation["operationId"] not in STREAMS
        ]

    def operation(self, path: str, method: str, node: Json) -> Operation:
        arguments = [self.parameter(one) for one in node.get("parameters", [])]
        # The header of an enqueue is the same as its field, and a call that follows a log is one of the streams.
        arguments = [one for one in arguments if one.json_name not in ("Idempotency-Key", "follow")]
        content = node.get("requestBody", {}).get("content", {}).get("application/json")
        if content:
            fields = self.fields(content["schema"]["$ref"].rpartition("/")[2], sent=True)
            arguments += [Argument(f.name, f.json_name, "body", f.type, f.required, f.description) for f in fields]
        answer, item = self.answer(node)
        summary, description = node.get("summary", ""), node.get("description", "")
        return Operation(
            node["operationId"], method.upper(), path, summary, description, arguments, answer, item, content is not None
        )

    def parameter(self, node: Json) -> Argument:
        type_ = self.type_of(node["schema"], sent=True)
        name = "session" if node["name"] == "Enginehouse-Session" else KEYWORDS.get(node["name"], node["name"])
        return Argument(name, node["name"], node["in"], type_, node.get("required", False), node.get("description", ""))

    def answer(self, node: Json) -> tuple[str | None, str | None]:
        """The type of the answer, and that of the items if it is a page of a list."""
        contents = [answer.get("content", {}) for status, answer in node["responses"].items() if status < "300"]
        schema = next((one["application/json"]["schema"] for one in contents if "application/json" in one), None)
        if schema is None:
            return ("str" if any(contents) else None), None
        name = schema["$ref"].rpartition("/")[2]
        if name == "BatchAnswer":
            name = "BatchResponse"
        properties = self.schemas[name].get("properties", {})
        if {"items", "next_cursor"} <= set(properties):
            return name, properties["items"]["items"]["$ref"].rpartition("/")[2]
        return name, None
