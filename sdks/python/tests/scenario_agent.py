"""An engine, or only a client, that does what scenarios ask for: see sdks/scenarios. Run as `python scenario_agent.py '<options as JSON>'`."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

import enginehouse
from enginehouse import Client, Context, Engine, RawJson, Reject, Release, Retry


def go_file(name: str) -> str:
    """What is there once stdin has brought a go. Handlers in other processes cannot wait for stdin, and so they wait for a file."""
    return os.path.join(os.environ["SCENARIO_AGENT_FOLDER"], f"go-{name.encode().hex()}")


def say(line: dict[str, Any] | str) -> None:
    """Writes one line at once, whichever process this is."""
    text = line if isinstance(line, str) else json.dumps(line)
    os.write(1, f"{text}\n".encode())


def has_gone(name: str) -> bool:
    """Whether stdin has brought this `go`."""
    return os.path.exists(go_file(name))


class Ended(Exception):
    """A step that ends the attempt with this result."""

    def __init__(self, result: Any) -> None:
        self.result = result


class Work(msgspec.Struct):
    """The payload of `work`, with its values as they were written."""

    attempts: list[list[dict[str, RawJson]]]
    value: RawJson = RawJson(b"null")


def steps(payload: Work, cx: Context) -> Iterator[None]:
    """Takes the steps of this attempt; yields while it waits."""
    script = payload.attempts
    for step in script[min(cx.attempt, len(script)) - 1]:
        ((what, raw),) = step.items()
        value = json.loads(bytes(raw))
        match what:
            case "say":
                say({"handler": "said", "event_id": cx.event.event_id, "text": value})
            case "say_previous":
                checkpoint = b"null" if cx.previous is None else bytes(cx.previous.checkpoint_json)
                say({"handler": "said", "event_id": cx.event.event_id, "text": checkpoint.decode()})
            case "progress":
                cx.progress(value.get("percent"), value.get("message"))
            case "checkpoint":
                cx.checkpoint(raw)
            case "log":
                cx.log(value)
            case "wait":
                while not has_gone(value):
                    yield
            case "wait_stopped":
                while not cx.stopped:
                    yield
                say({"handler": "stopped", "event_id": cx.event.event_id, "reason": cx.stop_reason})
            case "complete":
                raise Ended(raw)
            case "echo":
                raise Ended(payload.value)
            case "throw":
                raise RuntimeError(value)
            case "retry":
                raise Retry(value.get("message"), after=value.get("after_seconds"), code=value.get("code"))
            case "reject":
                raise Reject(value.get("message", "rejected"), code=value.get("code"))
            case "release":
                raise Release(delay=value.get("delay_seconds"))
            case "exit":
                os._exit(value)
            case _:
                raise ValueError(f"there is no step {what}")


def work(payload: Work, cx: Context) -> Any:
    """Takes the steps in a thread or a process."""
    say({"handler": "started", "event_id": cx.event.event_id, "attempt": cx.attempt})
    try:
        for _ in steps(payload, cx):
            time.sleep(0.02)
    except Ended as ended:
        return ended.result
    finally:
        say({"handler": "ended", "event_id": cx.event.event_id})


async def work_async(payload: Work, cx: Context) -> Any:
    """Takes the steps in the event loop."""
    say({"handler": "started", "event_id": cx.event.event_id, "attempt": cx.attempt})
    try:
        for _ in steps(payload, cx):
            await asyncio.sleep(0.02)
    except Ended as ended:
        return ended.result
    finally:
        say({"handler": "ended", "event_id": cx.event.event_id})


@dataclass
class Busy:
    seconds: float


def busy(payload: Busy) -> dict[str, float]:
    """Computes without a pause."""
    ends_at = time.monotonic() + payload.seconds
    while time.monotonic() < ends_at:
        pass
    return {"burnt": payload.seconds}


@dataclass
class Order:
    sku: str
    qty: int


def order_created(order: Order) -> dict[str, int]:
    """Takes a typed payload."""
    return {"total": order.qty * 2}


class Line(msgspec.Struct):
    """One line of stdin, with its values as they were written."""

    id: int | str | None = None
    go: str | None = None
    call: str = ""
    args: dict[str, RawJson] = {}


def plain(args: dict[str, RawJson]) -> dict[str, Any]:
    """The arguments of a call; payloads stay as they were written."""
    return {name: raw if name == "payload" else json.loads(bytes(raw)) for name, raw in args.items()}


def answer(client: Client, line: Line) -> None:
    """Makes the call that stdin asks for."""
    call, args = line.call, plain(line.args)
    try:
        if call == "enqueue":
            found: Any = client.enqueue(**args)
        elif call == "enqueue_many":
            events: Any = [plain(one) for one in msgspec.json.decode(line.args["events"], type=list[dict[str, RawJson]])]
            found = client.enqueue_many(events)
        else:
            found = client.call(call, args)
    except enginehouse.CallError as error:
        problem = {"code": error.code, "status": getattr(error, "status", None), "applied": error.applied}
        say({"id": line.id, "problem": {**problem, "retry_after_seconds": error.retry_after_seconds}})
        return
    text = bytes(found) if isinstance(found, RawJson) else msgspec.json.encode(found)
    say(f'{{"id":{json.dumps(line.id)},"answer":{text.decode()}}}')


def read_stdin(client: Client) -> None:
    """Does what each line asks for, until stdin ends."""
    for text in sys.stdin:
        line = msgspec.json.decode(text, type=Line)
        if line.go is not None:
            open(go_file(line.go), "w").close()
        else:
            threading.Thread(target=answer, args=(client, line), daemon=True).start()


def engine_of(options: dict[str, Any]) -> Engine:
    executor = options.get("executor", "async")
    given = {
        name: options[name]
        for name in (
            "engine_id", "capabilities", "concurrency", "memory_limit_mb", "queues", "heartbeat_interval_seconds", "takeover",
        )
        if options.get(name) is not None
    }
    if options.get("grace_seconds") is not None:
        given["grace"] = options["grace_seconds"]
    if options.get("stop_wait_seconds") is not None:
        given["stop_wait"] = options["stop_wait_seconds"]
    if executor == "process":
        given["executor"] = "process"
    engine = Engine(options.get("engine_type", "agent"), **given)
    engine.on("work", work_async if executor == "async" else work)
    engine.on("busy", busy)
    engine.on("order.created", order_created)
    return engine


def main() -> int:
    logging.basicConfig(level=logging.INFO, stream=sys.stderr)
    options = json.loads(sys.argv[1])
    client = Client()
    if options.get("engine") is False:
        read_stdin(client)
        return 0
    threading.Thread(target=read_stdin, args=(client,), daemon=True).start()
    summary, error = enginehouse.EngineSummary(), None
    try:
        summary = engine_of(options).run()
    except enginehouse.Superseded:
        error = "superseded"
    except enginehouse.CallError as failure:
        error = failure.code
    except Exception as failure:
        error = str(failure)
    counts = {"completed": summary.completed, "failed": summary.failed, "released": summary.released, "lost": summary.lost}
    say({"engine": "ended", "error": error, **counts})
    return 0 if error is None else 1


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        # Processes of handlers inherit it.
        os.environ["SCENARIO_AGENT_FOLDER"] = folder
        raise SystemExit(main())
