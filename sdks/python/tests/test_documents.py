"""The programs and commands of the documents, as they stand there."""

from __future__ import annotations

import importlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import LIMIT, until

from enginehouse import Client
from enginehouse.testing import InMemoryQueue

DOCUMENTS = Path(__file__).resolve().parents[3] / "docs"
REFERENCE = Path(__file__).resolve().parents[1] / "tools" / "reference.py"


def blocks(document: str, language: str) -> list[str]:
    """The pieces of code of a document that are in this language."""
    text = (DOCUMENTS / document).read_text("utf-8")
    found = re.findall(r"^```([^\n]*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [code for marked, code in found if marked == language]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with the programs of the quickstart, and the command that pip makes."""
    engine, order, policy = blocks("quickstart-python.md", "python")
    for name, text in (("pricing.py", engine), ("order.py", order), ("policy.py", policy)):
        (tmp_path / name).write_text(text)
    command = tmp_path / "enginehouse-python"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m enginehouse "$@"\n')
    command.chmod(0o755)
    (tmp_path / "python").symlink_to(sys.executable)
    return tmp_path


def environment(folder: Path, url: str) -> dict[str, str]:
    path = os.pathsep.join([str(folder), os.environ["PATH"]])
    return {**os.environ, "ENGINEHOUSE_URL": url, "PATH": path, "PYTHONPATH": os.pathsep.join([str(folder), *sys.path])}


def test_the_quickstart_is_what_happens(folder: Path, server_url: str, client: Client) -> None:
    run, order = [block for block in blocks("quickstart-python.md", "sh") if "pricing:engine" in block or "order.py" in block]
    (printed,) = blocks("quickstart-python.md", "")
    given = environment(folder, server_url)
    engine = subprocess.Popen(["sh", "-c", f"exec {run}"], cwd=folder, env=given, stderr=subprocess.DEVNULL)
    try:
        until(lambda: any(one.status == "active" for one in client.iter_engines(engine_type="pricing")), "the engine is there")
        # The program `python` of an environment finds its packages by where it lies.
        done = subprocess.run(["sh", "-c", order.replace("python ", f"{sys.executable} ")], cwd=folder, env=given, capture_output=True, text=True, timeout=LIMIT, check=False)
        assert (done.stdout, done.stderr) == (printed, "")
        subprocess.run([sys.executable, "policy.py"], cwd=folder, env=given, check=True)
        policy = client.get_event_type("order.created").retry_policy
        assert policy is not None and policy.max_retries == 5
        engine.terminate()
        assert engine.wait(LIMIT) == 0
        assert {one.status for one in client.iter_engines(engine_type="pricing")} == {"stopped"}
    finally:
        engine.kill()
        engine.wait()
        client.delete_event_type("order.created")


def test_the_tests_of_the_document_about_tests_pass(folder: Path, server_url: str) -> None:
    in_memory, plugin, with_server = blocks("testing-engines.md", "python")
    for name, text in (("test_memory.py", in_memory), ("conftest.py", plugin), ("test_server.py", with_server)):
        (folder / name).write_text(text)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", str(folder), "test_memory.py", "test_server.py"]
    done = subprocess.run(command, cwd=folder, env=environment(folder, server_url), capture_output=True, text=True, check=False)
    assert "3 passed" in done.stdout, done.stdout


def test_the_handler_that_came_from_celery_works(tmp_path: Path, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    (program,) = blocks("moving-from-celery.md", "python")
    (tmp_path / "came_from_celery.py").write_text(program)
    monkeypatch.syspath_prepend(tmp_path)
    moved = importlib.import_module("came_from_celery")
    queue = InMemoryQueue(moved.engine)
    event = queue.enqueue("order.created", {"sku": "tea", "qty": 2})
    queue.run_due()
    assert event.result == 24
    moved.set_up(client)
    policy = client.get_event_type("order.created").retry_policy
    assert policy is not None and policy.max_retries == 5
    client.delete_event_type("order.created")


def test_the_reference_is_that_of_the_docstrings() -> None:
    done = subprocess.run([sys.executable, str(REFERENCE), "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
