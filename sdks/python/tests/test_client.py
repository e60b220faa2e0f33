"""The client, against a real server and against one that answers as it is told."""

from __future__ import annotations

import asyncio
import http.server
import json
import threading
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest

from enginehouse import AsyncClient, Client, ConfigurationError, Limits, RawJson, Unreachable, problems
from enginehouse._connection import Connection, server_address
from enginehouse._durations import seconds
from enginehouse._operations import OPERATIONS

Answer = tuple[int, dict[str, Any]]


class ScriptedServer:
    """Answers each request with the next of its answers, and keeps what was sent."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        scripted = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                scripted.requests.append((self.command, self.path, dict(self.headers), body))
                status, answer = scripted.answers.pop(0)
                text = json.dumps(answer).encode()
                self.send_response(status)
                for name, value in (("content-type", "application/json"), ("content-length", str(len(text)))):
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_PUT = do_DELETE = do_PATCH = do_POST

            def log_message(self, format: str, *args: Any) -> None: ...

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture
def scripted() -> Iterator[ScriptedServer]:
    server = ScriptedServer()
    yield server
    server.http.shutdown()


def problem(code: str, status: int, **more: Any) -> Answer:
    return status, {"type": f"/problems/{code}", "title": code, "status": status, "detail": "so", "code": code, **more}


ENQUEUED = (201, {"event_id": "0193f2a0-7c4e-7000-8000-000000000000", "event_type": "a", "queue": "default", "status": "queued",
                  "duplicate": False, "available_at": "2026-11-23T10:00:00.000Z", "warnings": []})
QUICK = Limits(first_wait=0.001, max_wait=0.01)


def test_an_event_is_enqueued_and_listed_with_its_numbers_exact(client: Client) -> None:
    payload = {"big": 2**90, "text": "é", "list": [1, None, True]}
    event_id = client.enqueue("sdk.exact", payload, priority=1, labels={"team": "a"}).event_id
    event = client.get_event(event_id)
    assert event.payload == payload
    assert (event.priority, event.labels, event.status) == (1, {"team": "a"}, "queued")
    exact = client.enqueue("sdk.exact", RawJson(b'{"decimal": 0.10000000000000000000001}')).event_id
    assert bytes(client.get_event(exact).payload_json) == b'{"decimal": 0.10000000000000000000001}'
    listed = [one.event_id for one in client.iter_events(event_type="sdk.exact", limit=1)]
    assert listed == [exact, event_id]


def test_an_async_client_makes_the_same_calls(server_url: str) -> None:
    async def calls() -> None:
        async with AsyncClient(server_url) as client:
            answer = await client.enqueue_many([{"event_type": "sdk.async", "payload": {"n": n}} for n in range(3)])
            assert len(answer.events) == 3
            assert len([one async for one in client.iter_events(event_type="sdk.async", limit=2)]) == 3
            with pytest.raises(problems.NotFound):
                await client.get_event("0193f2a0-7c4e-7000-8000-000000000000")

    asyncio.run(calls())


def test_a_refused_request_names_its_bad_fields(client: Client) -> None:
    with pytest.raises(problems.InvalidRequest, match="/priority: must be a whole number") as refused:
        client.enqueue("a", priority=77)
    assert [error.pointer for error in refused.value.errors] == ["/priority"]
    assert (refused.value.applied, refused.value.status) == ("no", 422)


def test_every_code_has_an_exception(client: Client) -> None:
    codes = json.loads(_openapi(client))["components"]["schemas"]["Code"]["enum"]
    assert sorted(problems.BY_CODE) == sorted(codes)


def _openapi(client: Client) -> bytes:
    with urllib.request.urlopen(f"{client.url}/openapi.json") as answer:
        return bytes(answer.read())


def test_every_call_is_the_one_of_its_name(client: Client) -> None:
    document = json.loads(_openapi(client))
    described = {one["operationId"] for methods in document["paths"].values() for one in methods.values()}
    methods = {name for name in dir(Client) if name in described}
    assert described == methods, described - methods
    assert set(OPERATIONS) == described - {"follow_topics"}


def test_a_stream_has_its_parts(client: Client) -> None:
    part = next(iter(client.follow_topics(["overview"])))
    assert (part.event, part.data["kind"]) == ("overview", "snapshot")
    assert part.id


def test_what_certainly_changed_nothing_is_repeated(scripted: ScriptedServer) -> None:
    scripted.answers = [problem("overloaded", 429, applied=False), problem("shutting_down", 503, applied=False), ENQUEUED]
    Client(scripted.url, limits=QUICK).enqueue("a", {"n": 1})
    assert [json.loads(body) for _, _, _, body in scripted.requests] == [{"event_type": "a", "payload": {"n": 1}}] * 3


def test_what_may_have_been_done_is_repeated_with_a_key_alone(scripted: ScriptedServer) -> None:
    unknown = problem("store_unavailable", 503, applied="unknown")
    scripted.answers = [unknown]
    with pytest.raises(problems.StoreUnavailable) as failed:
        Client(scripted.url, limits=QUICK).enqueue("a")
    assert failed.value.applied == "unknown"
    scripted.answers = [unknown, ENQUEUED]
    Client(scripted.url, limits=QUICK).enqueue("a", idempotency_key="k")
    assert len(scripted.requests) == 3


def test_a_longer_wait_than_the_limit_is_left_to_the_caller(scripted: ScriptedServer) -> None:
    scripted.answers = [problem("overloaded", 429, applied=False, retry_after_seconds=60)]
    with pytest.raises(problems.Overloaded) as failed:
        Client(scripted.url, limits=QUICK).enqueue("a")
    assert failed.value.retry_after_seconds == 60


def test_what_nobody_listens_on_is_unreachable_and_nothing_was_applied() -> None:
    with pytest.raises(Unreachable) as failed:
        Client("127.0.0.1:1", limits=QUICK).get_stats()
    assert (failed.value.applied, failed.value.code) == ("no", "unreachable")


def test_a_token_goes_with_each_call_and_is_never_shown(scripted: ScriptedServer) -> None:
    client = Client(scripted.url, token="s3cret\n", limits=QUICK)
    scripted.answers = [ENQUEUED]
    client.enqueue("a")
    assert scripted.requests[0][2]["authorization"] == "Bearer s3cret"
    assert "s3cret" not in repr(client._transport.connection)


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://127.0.0.1:7420/", "http://127.0.0.1:7420"),
        (":7421", "http://127.0.0.1:7421"),
        ("localhost", "http://localhost:7420"),
        ("[::1]", "http://[::1]:7420"),
        ("https://example.org/enginehouse/", "https://example.org/enginehouse"),
    ],
)
def test_an_address_may_be_written_in_short(text: str, url: str) -> None:
    assert server_address(text) == (url, None)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("", "it has to be http://HOST:PORT"),
        ("ftp://a", "it has to begin with http://, https://"),
        ("http://a/v1", "leave out /v1"),
        ("http://me:s3cret@a/", "a name or a password has no place in it"),
        ("http://a/?token=s3cret", "it has a query"),
        ("unix:a.sock", "absolute path"),
    ],
)
def test_an_address_that_no_server_can_have_is_refused_without_its_secrets(text: str, part: str) -> None:
    with pytest.raises(ConfigurationError, match=part) as refused:
        server_address(text)
    assert "s3cret" not in str(refused.value)


def test_the_token_of_the_environment_is_that_of_the_command_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setenv("ENGINEHOUSE_TOKEN", "one")
    assert Connection.of(None, None).token == "one"
    file = tmp_path / "token"
    file.write_text("two\n")
    monkeypatch.setenv("ENGINEHOUSE_TOKEN_FILE", str(file))
    with pytest.raises(ConfigurationError, match="both set"):
        Connection.of(None, None)
    monkeypatch.delenv("ENGINEHOUSE_TOKEN")
    file.chmod(0o600)
    assert Connection.of(None, None).token == "two"
    file.chmod(0o604)
    with pytest.raises(ConfigurationError, match="chmod 600"):
        Connection.of(None, None)


@pytest.mark.parametrize(("text", "value"), [("500ms", 0.5), ("30s", 30), ("1.5m", 90), ("2h", 7200), (0.25, 0.25)])
def test_a_length_of_time_is_read(text: str | float, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize("text", ["30", "soon", "-1s", -1.0, float("inf")])
def test_what_is_no_length_of_time_is_refused(text: str | float) -> None:
    with pytest.raises(ValueError):
        seconds(text)
