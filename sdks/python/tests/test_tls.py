"""TLS against a real server, set up by the environment alone."""

from __future__ import annotations

import asyncio
import os
import subprocess
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from certificates import TestCa
from conftest import LIMIT

from enginehouse import AsyncClient, Client, ConfigurationError, Engine, Limits, Unreachable, problems
from enginehouse.testing import start_server

NAME = "spiffe://example.org/engine-7"
ONCE = Limits(max_repeats=0)


@dataclass
class TlsServer:
    """A server that speaks TLS, and whose calls need a token."""

    url: str
    #: Of an admin.
    token: str
    ca: TestCa
    #: The client's own, with its key.
    own: tuple[Path, Path]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TlsServer]:
    """A server whose certificate is of the same CA as that of the client."""
    ca = TestCa(tmp_path_factory.mktemp("tls"))
    cert, key = ca.sign("server", "DNS:localhost,IP:127.0.0.1")
    own = ca.sign("engine", f"URI:{NAME}")
    store = f"sqlite://{ca.folder / 'events.db'}"
    create = [os.environ["ENGINEHOUSE_BINARY"], "token", "create", "root", "--role", "admin", "--store", store, "-q"]
    token = subprocess.run(create, capture_output=True, text=True, check=True, env={}).stdout.strip()
    arguments = ["--tls-cert", str(cert), "--tls-key", str(key), "--tls-client-ca", str(ca.file)]
    with start_server(store=store, arguments=arguments) as process:
        yield TlsServer(process.url, token, ca, own)


@pytest.fixture
def trusting(server: TlsServer, monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """The environment names the server and its CA."""
    monkeypatch.setenv("ENGINEHOUSE_URL", server.url)
    monkeypatch.setenv("ENGINEHOUSE_TLS_CA", str(server.ca.file))
    return monkeypatch


async def _caller(token: str | None = None) -> str | None:
    async with AsyncClient(token=token, limits=ONCE) as client:
        return (await client.whoami()).name


def test_a_server_is_trusted_by_its_ca_and_refused_without(server: TlsServer, trusting: pytest.MonkeyPatch) -> None:
    assert server.url.startswith("https://")
    with Client(token=server.token, limits=ONCE) as client:
        assert client.whoami().name == "root"
    assert asyncio.run(_caller(server.token)) == "root"
    trusting.delenv("ENGINEHOUSE_TLS_CA")
    for call in (lambda: Client(token=server.token, limits=ONCE).whoami(), lambda: asyncio.run(_caller(server.token))):
        with pytest.raises(Unreachable, match="; name a file with the certificate of its CA in ENGINEHOUSE_TLS_CA") as refused:
            call()
        assert (refused.value.applied, refused.value.timed_out) == ("no", False)


def test_a_certificate_is_the_token_of_clients_and_engines(server: TlsServer, trusting: pytest.MonkeyPatch) -> None:
    admin = Client(token=server.token)
    admin.create_token(name="engine-7", role="engine", certificate_name=NAME)
    with pytest.raises(problems.Unauthenticated):
        Client(limits=ONCE).get_stats()
    trusting.setenv("ENGINEHOUSE_CLIENT_CERT", str(server.own[0]))
    trusting.setenv("ENGINEHOUSE_CLIENT_KEY", str(server.own[1]))
    assert Client(limits=ONCE).whoami().name == "engine-7"
    assert asyncio.run(_caller()) == "engine-7"
    engine = Engine("tls", engine_id="engine-7", limits=ONCE)

    @engine.on("tls.work")
    def work(payload: dict[str, int]) -> int:
        return payload["n"] + 1

    running = threading.Thread(target=engine.run)
    running.start()
    try:
        event = admin.wait_for_event(admin.enqueue("tls.work", {"n": 1}).event_id, LIMIT)
        assert (event.status, event.result, event.engine_id) == ("completed", 2, "engine-7")
    finally:
        engine.stop()
        running.join(LIMIT)
    assert not running.is_alive()


def test_a_file_that_cannot_be_used_is_named_with_its_variable(server: TlsServer, trusting: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (cert, key), other = server.own, server.ca.key
    bad, wrong, shared, locked = (tmp_path / name for name in ("bad.pem", "wrong.key", "shared.key", "locked.key"))
    bad.write_text("-----BEGIN CERTIFICATE-----\nbm90aGluZw==\n-----END CERTIFICATE-----\n")
    for file, text in ((wrong, "nothing"), (shared, key.read_text()), (locked, "-----BEGIN ENCRYPTED PRIVATE KEY-----\n")):
        file.write_text(text)
        file.chmod(0o644 if file is shared else 0o600)
    mine, its = "ENGINEHOUSE_CLIENT_CERT", "ENGINEHOUSE_CLIENT_KEY"
    for variables, message in [
        ({"ENGINEHOUSE_TLS_CA": "/nonexistent/ca.pem"}, "ENGINEHOUSE_TLS_CA: /nonexistent/ca.pem: cannot be read: No such file"),
        ({"ENGINEHOUSE_TLS_CA": str(key)}, f"ENGINEHOUSE_TLS_CA: {key}: holds no certificate in PEM"),
        ({"ENGINEHOUSE_TLS_CA": str(bad)}, f"ENGINEHOUSE_TLS_CA: {bad}: is not a PEM file"),
        ({mine: str(cert)}, f"{mine} and {its} go together"),
        ({mine: str(wrong), its: str(key)}, f"{mine}: {wrong}: holds no certificate"),
        ({mine: str(cert), its: str(cert)}, f"{its}: {cert}: "),
        ({mine: str(cert), its: str(wrong)}, f"{its}: {wrong}: holds no private key in PEM, or an encrypted one"),
        ({mine: str(cert), its: str(locked)}, f"{its}: {locked}: holds no private key in PEM, or an encrypted one"),
        ({mine: str(cert), its: str(shared)}, f"{its}: {shared}: may be read by others: .*chmod 600 \\(it is 644\\)"),
        ({mine: str(cert), its: str(other)}, f"{mine}: {cert}, {its}: {other}: cannot be used together: key values mismatch"),
    ]:
        with trusting.context() as environment:
            for name, value in variables.items():
                environment.setenv(name, value)
            for make in (lambda: Client(), lambda: Engine("tls")):
                with pytest.raises(ConfigurationError, match=f"^{message}"):
                    make()
    # Where nothing is encrypted, nothing is read.
    trusting.setenv("ENGINEHOUSE_TLS_CA", "/nonexistent/ca.pem")
    Client("localhost").close()


def test_a_server_that_speaks_no_tls_is_said_to_speak_none(server_url: str) -> None:
    with pytest.raises(Unreachable, match="; it does not speak TLS there: try http://$") as failed:
        Client(server_url.replace("http:", "https:"), limits=ONCE).get_stats()
    assert failed.value.applied == "no"
