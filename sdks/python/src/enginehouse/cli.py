"""`enginehouse-python run module:engine`: runs the engine of a module, and with `--reload` again whenever its files change."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from ._errors import EnginehouseError
from ._version import VERSION
from .engine import Engine

_log = logging.getLogger("enginehouse")

#: How often files are looked at, in seconds.
LOOK_EVERY = 0.5


def main(arguments: Sequence[str] | None = None) -> int:
    """The command line; answers the exit status: 0, 1 if the engine failed, and 2 if it was called wrongly."""
    parser = argparse.ArgumentParser(prog="enginehouse-python", description="Runs engines that are written in Python.")
    parser.add_argument("--version", action="version", version=VERSION)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="run the engine of a module")
    run.add_argument("target", metavar="MODULE:ENGINE", help="the module, and the name of the engine in it")
    run.add_argument("--reload", action="store_true", help="for development: start again when a file of Python changes")
    run.add_argument("--until-stdin-ends", action="store_true", help="stop as by SIGTERM, too, once stdin ends: with a pipe, when whoever has started it does")
    run.add_argument("--log-level", default="INFO", choices=["DEBUG", "INFO", "WARNING", "ERROR"], metavar="LEVEL", help="DEBUG, INFO, WARNING or ERROR")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=given.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    try:
        if given.reload:
            return _run_again(Path.cwd(), [given.target, "--until-stdin-ends", "--log-level", given.log_level])
        if given.until_stdin_ends:
            threading.Thread(target=_stop_when_stdin_ends, name="enginehouse-stdin", daemon=True).start()
        engine = engine_of(given.target)
    except EnginehouseError as error:
        print(f"enginehouse-python: {error}", file=sys.stderr)
        return 2
    try:
        summary = engine.run()
    except EnginehouseError as error:
        print(f"enginehouse-python: the engine stopped: {error}", file=sys.stderr)
        return 1
    _log.info("completed %s, failed %s, released %s, lost %s", summary.completed, summary.failed, summary.released, summary.lost)
    return 0


def engine_of(target: str) -> Engine:
    """The engine that MODULE:ENGINE names; modules of the working folder are found first."""
    module_name, _, attribute = target.partition(":")
    if not module_name or not attribute:
        raise EnginehouseError(f"{target!r} has to be MODULE:ENGINE, such as pricing:engine")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        raise EnginehouseError(f"there is no module {module_name} in {os.getcwd()} or among the installed ones") from error
    engine = getattr(module, attribute, None)
    if not isinstance(engine, Engine):
        raise EnginehouseError(f"{attribute!r} of {module_name} is no Engine")
    return engine


def _stop_when_stdin_ends() -> None:
    # Past the buffer of `sys.stdin`, whose lock would be held when Python ends.
    while os.read(0, 4096):
        continue
    os.kill(os.getpid(), signal.SIGTERM)


def _run_again(folder: Path, arguments: list[str]) -> int:
    """Runs the engine in a process of its own, and again whenever a file changes, until a signal ends both; a second one ends the grace."""
    stopped = threading.Event()
    running: list[subprocess.Popen[bytes]] = []

    def stop(_number: int, _frame: object) -> None:
        stopped.set()
        for process in running:
            process.terminate()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    while True:
        seen = _files(folder)
        # Its stdin is a pipe that ends with this process, however that ends: the engine does not outlive it.
        command = [sys.executable, "-m", "enginehouse", "run", *arguments]
        process = subprocess.Popen(command, stdin=subprocess.PIPE, start_new_session=True)
        running[:] = [process]
        if stopped.is_set():
            process.terminate()
        while not stopped.wait(LOOK_EVERY) and _files(folder) == seen:
            # One that has ended by a mistake in a file waits for the file to change.
            continue
        if not stopped.is_set():
            process.terminate()
        status = process.wait()
        running.clear()
        if process.stdin is not None:
            process.stdin.close()
        if stopped.is_set():
            return max(status, 0)
        _log.info("a file has changed: starting again")


def _files(folder: Path) -> dict[str, int]:
    """When each file of Python below a folder was changed, hidden folders and environments left out."""
    found: dict[str, int] = {}
    for root, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".") and name not in ("__pycache__", "node_modules", "venv")]
        for name in names:
            if name.endswith(".py"):
                path = os.path.join(root, name)
                try:
                    found[path] = os.stat(path).st_mtime_ns
                except FileNotFoundError:
                    continue
    return found
