"""The handlers of an engine: what takes which type of event, and how each is called."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, get_type_hints

import msgspec

from .._errors import ConfigurationError
from .._json import RawJson, decode
from .._tracing import handler_span
from ..context import Context
from ..outcomes import Stopped
from .outcome import RELEASED, Outcome, completed, invalid_payload, of_exception

Executor: TypeAlias = Literal["thread", "process"]
Function: TypeAlias = Callable[..., Any]
Reader: TypeAlias = Callable[[msgspec.Raw], Any]


class InvalidPayload(Exception):
    """A payload that is not what the handler takes; the message names the field."""


@dataclass(frozen=True)
class Handler:
    """What takes one type of event."""

    event_type: str
    function: Function
    read: Reader
    takes_context: bool
    is_async: bool
    timeout: float | None


def handler(event_type: str, function: Function, timeout: float | None) -> Handler:
    """The handler that a function is."""
    parameters = [
        one
        for one in inspect.signature(function).parameters.values()
        if one.kind in (one.POSITIONAL_ONLY, one.POSITIONAL_OR_KEYWORD)
    ]
    name = getattr(function, "__qualname__", repr(function))
    needed = [one for one in parameters if one.default is one.empty]
    if not parameters or len(needed) > 2:
        raise ConfigurationError(f"the handler {name} of {event_type} has to take (payload, context), or (payload) alone")
    annotation = _annotation(function, parameters[0], name)
    is_async = inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))
    return Handler(event_type, function, reader(annotation), len(parameters) >= 2, is_async, timeout)


def _annotation(function: Function, parameter: inspect.Parameter, name: str) -> Any:
    if parameter.annotation is parameter.empty:
        return Any
    try:
        return get_type_hints(function).get(parameter.name, Any)
    except NameError as error:
        raise ConfigurationError(f"the type of the payload of {name} cannot be found: {error}") from error


def reader(annotation: Any) -> Reader:
    """What reads a payload into this type."""
    if annotation is RawJson:
        return lambda raw: raw
    if annotation in (Any, object, inspect.Parameter.empty):
        return _read_any
    name = getattr(annotation, "__name__", str(annotation))
    validate = getattr(annotation, "model_validate_json", None)
    if validate is not None:
        return lambda raw: _read_model(validate, name, raw)
    try:
        decoder = msgspec.json.Decoder(annotation)
    except TypeError as error:
        raise ConfigurationError(f"no payload can be read into {annotation!r}: {error}") from error
    return lambda raw: _read_typed(decoder, name, raw)


def _read_any(raw: msgspec.Raw) -> Any:
    try:
        return decode(raw)
    except (ValueError, RecursionError) as error:
        raise InvalidPayload(f"the payload cannot be read: {error}") from error


def _read_typed(decoder: msgspec.json.Decoder[Any], name: str, raw: msgspec.Raw) -> Any:
    try:
        return decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidPayload(f"the payload is no {name}: {error}") from error


def _read_model(validate: Callable[[bytes], Any], name: str, raw: msgspec.Raw) -> Any:
    try:
        return validate(bytes(raw))
    except ValueError as error:
        errors: Any = getattr(error, "errors", None)
        # What was in the field stays out of the message.
        found: list[dict[str, Any]] = errors(include_input=False, include_url=False) if errors is not None else []
        text = "; ".join(f"{'.'.join(map(str, one['loc'])) or 'the payload'}: {one['msg']}" for one in found)
        raise InvalidPayload(f"the payload is no {name}: {text or error}") from error


def _arguments(handler: Handler, context: Context) -> tuple[Any, ...]:
    payload = handler.read(context.event.payload_json)
    return (payload, context) if handler.takes_context else (payload,)


def invoke(handler: Handler, context: Context, engine_id: str) -> Outcome:
    """Runs a handler to its end, in the thread of the caller."""
    if handler.is_async:
        return asyncio.run(invoke_async(handler, context, engine_id))
    try:
        arguments = _arguments(handler, context)
    except InvalidPayload as error:
        return invalid_payload(str(error))
    except Exception as error:
        # A check of the payload's own type, which raises what it likes.
        return of_exception(error)
    try:
        with handler_span(context.event, engine_id):
            result = handler.function(*arguments)
    except BaseException as error:
        return _ended_by(error, context)
    return completed(result)


async def invoke_async(handler: Handler, context: Context, engine_id: str) -> Outcome:
    """Runs an async handler to its end, in the event loop of the caller."""
    try:
        arguments = _arguments(handler, context)
    except InvalidPayload as error:
        return invalid_payload(str(error))
    except Exception as error:
        # A check of the payload's own type, which raises what it likes.
        return of_exception(error)
    try:
        with handler_span(context.event, engine_id):
            result = await handler.function(*arguments)
    except asyncio.CancelledError as error:
        if context.stopped:
            raise
        return of_exception(error)
    except BaseException as error:
        return _ended_by(error, context)
    return completed(result)


def _ended_by(error: BaseException, context: Context) -> Outcome:
    if isinstance(error, Stopped) and context.stopped:
        return RELEASED
    if not isinstance(error, Exception):
        # SystemExit and KeyboardInterrupt of a handler are failures of its attempt, and end nothing else.
        context.logger.error("the handler raised %s", type(error).__name__)
    return of_exception(error)
