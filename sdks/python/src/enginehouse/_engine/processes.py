"""Runs handlers in processes, one event at a time in each. One that dies fails the attempt that it was working on, and nothing else."""

from __future__ import annotations

import logging
import multiprocessing
import pickle
import signal
import threading
from concurrent.futures import Future
from multiprocessing.connection import Connection
from typing import Any

import msgspec

from ..context import Context, StopReason, StopSignal
from ..models import ClaimedEvent
from .handlers import Handler, handler, invoke
from .outcome import Outcome, failed
from .report_buffer import ReportBuffer

_log = logging.getLogger("enginehouse")

#: Fresh processes: a fork of one that has threads may keep their locks for ever.
_SPAWN = multiprocessing.get_context("spawn")


class ProcessExecutor:
    """Processes that are kept and used again, as many as handlers run at once."""

    def __init__(self, engine_id: str, processes: int) -> None:
        self._engine_id = engine_id
        self._processes = processes
        self._guard = threading.Lock()
        self._idle: list[_Worker] = []

    def start(self, handler: Handler, context: Context, stop: StopSignal, reports: ReportBuffer) -> _ProcessRun:
        """Runs a handler in a process."""
        task = _task(handler, context, self._engine_id)
        run = _ProcessRun(self, task, reports)
        # Starting a process takes longer than the engine's event loop may wait.
        threading.Thread(target=run.follow, args=(stop,), name="enginehouse-process", daemon=True).start()
        return run

    def take(self) -> _Worker:
        """A process that has nothing to do."""
        with self._guard:
            while self._idle:
                worker = self._idle.pop()
                if worker.process.is_alive():
                    return worker
        return _Worker()

    def give_back(self, worker: _Worker) -> None:
        """It has nothing to do any more."""
        with self._guard:
            if len(self._idle) < self._processes:
                self._idle.append(worker)
                return
        worker.end()

    def close(self) -> None:
        """Ends the processes."""
        with self._guard:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.end()


def _task(handler: Handler, context: Context, engine_id: str) -> bytes:
    """What a process is sent. A handler goes by its name, so it has to be a function of a module."""
    event = msgspec.json.encode(context.event)
    parts = (handler.event_type, handler.function, event, context.deadline, context.event_token, engine_id)
    try:
        return pickle.dumps(parts)
    except (pickle.PicklingError, AttributeError, TypeError) as error:
        raise TypeError(f"a handler for processes has to be a function of a module: {error}") from error


class _Worker:
    """A process."""

    def __init__(self) -> None:
        self.connection, theirs = _SPAWN.Pipe()
        self.process = _SPAWN.Process(target=_serve, args=(theirs,), name="enginehouse-worker", daemon=True)
        self.process.start()
        # The only end that is left is its own, so that its death is the end of the pipe.
        theirs.close()
        self._guard = threading.Lock()

    def send(self, message: Any) -> None:
        with self._guard:
            try:
                self.connection.send(message)
            except (OSError, ValueError):
                # It has died: whoever reads finds that out.
                return

    def end(self) -> None:
        """It has nothing to do: it ends when its pipe does."""
        self.connection.close()

    def kill(self) -> None:
        self.process.kill()


class _ProcessRun:
    def __init__(self, executor: ProcessExecutor, task: bytes, reports: ReportBuffer) -> None:
        self.future: Future[Outcome] = Future()
        self._executor = executor
        self._task = task
        self._reports = reports
        self._worker: _Worker | None = None
        self._aborted = False
        self._guard = threading.Lock()

    def abort(self) -> bool:
        """Kills the process."""
        with self._guard:
            self._aborted = True
            if self._worker is not None:
                self._worker.kill()
        return True

    def follow(self, stop: StopSignal) -> None:
        """Gives the handler to a process and follows what that says, in a thread of its own."""
        try:
            worker = self._executor.take()
        except Exception as error:
            self.future.set_result(failed("not_started", f"a process could not be started: {error}"))
            return
        with self._guard:
            self._worker = worker
            if self._aborted:
                worker.kill()
        worker.send(("task", self._task))
        stop.then(lambda reason: worker.send(("stop", reason)))
        outcome: Outcome | None
        try:
            outcome = self._listen(worker)
        except (EOFError, OSError):
            outcome = self._died(worker)
        else:
            self._executor.give_back(worker)
        if outcome is None:
            self.future.cancel()
        else:
            self.future.set_result(outcome)

    def _listen(self, worker: _Worker) -> Outcome:
        while True:
            kind, value = worker.connection.recv()
            if kind == "ended":
                outcome: Outcome = value
                return outcome
            getattr(self._reports, kind)(*value)

    def _died(self, worker: _Worker) -> Outcome | None:
        worker.process.join(5)
        worker.end()
        if self._aborted:
            return None
        status = worker.process.exitcode
        how = f"signal {signal.Signals(-status).name}" if status is not None and status < 0 else f"exit status {status}"
        _log.error("a process of a handler has died: %s", how)
        return failed("process_died", f"the process of the handler has died: {how}")


class _RemoteReports:
    """Sends what a handler reports to the process of the engine."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._guard = threading.Lock()

    def send(self, kind: str, value: Any) -> None:
        with self._guard:
            self._connection.send((kind, value))

    def progress(self, percent: float | None, message: str | None) -> None:
        self.send("progress", (percent, message))

    def checkpoint(self, text: bytes) -> None:
        self.send("checkpoint", (text,))

    def usage(self, usage: dict[str, float]) -> None:
        self.send("usage", (usage,))

    def log(self, text: str) -> None:
        self.send("log", (text,))

    def log_url(self, url: str) -> None:
        self.send("log_url", (url,))


def _serve(connection: Connection) -> None:
    """The life of a process: one handler after the other, until the pipe ends."""
    # A signal to the whole group, as Ctrl-C sends it, is for the engine to handle.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    remote = _RemoteReports(connection)
    running: list[StopSignal] = []

    def run(task: bytes, stop: StopSignal) -> None:
        remote.send("ended", _run(task, stop, remote))

    try:
        while True:
            kind, value = connection.recv()
            if kind == "stop":
                reason: StopReason = value
                for stop in running:
                    stop.set(reason)
            else:
                running[:] = [StopSignal()]
                # In a thread, so that a stop arrives while the handler computes.
                threading.Thread(target=run, args=(value, running[0]), name="enginehouse-handler", daemon=True).start()
    except (EOFError, OSError):
        return


def _run(task: bytes, stop: StopSignal, reports: _RemoteReports) -> Outcome:
    try:
        event_type, function, event, deadline, event_token, engine_id = pickle.loads(task)
    except Exception as error:
        return failed("not_started", f"the handler could not be imported: {error}")
    claimed = msgspec.json.decode(event, type=ClaimedEvent)
    context = Context(claimed, reports, stop, deadline, event_token)
    return invoke(handler(event_type, function, None), context, engine_id)
