"""The examples of the repository, each run beside a real server as its README says."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from conftest import LIMIT, until

from enginehouse import Client

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"


def environment(url: str, **more: str) -> dict[str, str]:
    return {**os.environ, "ENGINEHOUSE_URL": url, "PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1", **more}


def run(example: str, *command: str, url: str) -> str:
    """Runs a program of an example to its end, and answers what it prints."""
    folder = EXAMPLES / example
    done = subprocess.run([sys.executable, *command], cwd=folder, env=environment(url), capture_output=True, text=True, timeout=3 * LIMIT, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def engine(example: str, program: str, url: str, **more: str) -> Generator[subprocess.Popen[bytes]]:
    """Runs the engine of an example, and stops it in good order."""
    process = subprocess.Popen([sys.executable, program], cwd=EXAMPLES / example, env=environment(url, **more))
    try:
        yield process
        process.terminate()
        assert process.wait(LIMIT) == 0
    finally:
        process.kill()
        process.wait()


def test_a_sweep_has_the_same_results_although_its_engine_is_killed(server_url: str, client: Client) -> None:
    url = server_url
    killed = subprocess.Popen([sys.executable, "sweep_engine.py"], cwd=EXAMPLES / "parameter-sweep", env=environment(url))
    sweep = subprocess.Popen([sys.executable, "sweep.py", "killed"], cwd=EXAMPLES / "parameter-sweep", env=environment(url), stdout=subprocess.PIPE, text=True)
    until(lambda: any(one.status == "completed" for one in client.iter_events(event_type="epidemic.run")), "a run is done")
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    for one in client.iter_engines(engine_type="epidemic"):
        # As the server does by itself, after three heartbeats.
        client.deregister_engine(one.engine_id)
    with engine("parameter-sweep", "sweep_engine.py", url):
        printed, _ = sweep.communicate(timeout=3 * LIMIT)
        again = run("parameter-sweep", "sweep.py", "whole", url=url)
    assert printed == again
    assert len(re.findall(r"of 3 runs$", printed, re.MULTILINE)) == 6


def test_a_film_is_rendered_frame_by_frame(server_url: str, client: Client, tmp_path: Path) -> None:
    with engine("render-farm", "render.py", server_url, RENDER_FOLDER=str(tmp_path)):
        run("render-farm", "film.py", "short", "2", url=server_url)
    pictures = sorted((tmp_path / "short").iterdir())
    assert [one.name for one in pictures] == ["0000.png", "0001.png"]
    assert all(one.read_bytes().startswith(b"\x89PNG\r\n") for one in pictures)


def test_a_model_answers_what_fits_into_its_memory(server_url: str, client: Client) -> None:
    with engine("model-inference", "infer.py", server_url):
        printed = run("model-inference", "ask.py", url=server_url)
        assert [line.split(" inputs")[0].strip() for line in printed.splitlines()] == ["10", "100", "1000"]
        assert all(int(share) > 80 for share in re.findall(r"(\d+) % right", printed)), printed
        wrong = client.enqueue("model.predict", {"inputs": [[1.0]]}).event_id
        error = client.wait_for_event(wrong, LIMIT).last_error
        assert error is not None and error.code == "wrong_length"
        large = client.enqueue("model.predict", {"inputs": []}, required_memory_mb=4096).event_id
        assert client.explain_event(large).verdict == "impossible"
        client.cancel_event(large)
