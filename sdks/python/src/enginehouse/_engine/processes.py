"""Runs handlers in processes, one event at a time in each. One that dies fails the attempt that it was working on, and nothing else."""

from __future__ import annotations

import logging
import multiprocessing
import os
import pickle
import signal
import threading
import time
import weakref
from concurrent.futures import Future
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
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
#: How long processes that have nothing to do may take to end, in seconds: what a handler has left running there may keep them.
LAST_WORK = 1.0


class ProcessExecutor:
    """Processes that are kept and used again, as many as handlers run at once."""

    def __init__(self, engine_id: str, processes: int) -> None:
        self._engine_id = engine_id
        self._processes = processes
        self._guard = threading.Lock()
        self._idle: list[_Worker] = []
        self._living: set[BaseProcess] = set()
        # When Python ends, it waits for its processes, and these would wait for it.
        weakref.finalize(self, _kill_all, self._living)

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
        worker = _Worker()
        with self._guard:
            self._living.difference_update([process for process in self._living if not process.is_alive()])
            self._living.add(worker.process)
        return worker

    def give_back(self, worker: _Worker) -> None:
        """It has nothing to do any more."""
        with self._guard:
            if len(self._idle) < self._processes:
                self._idle.append(worker)
                return
        worker.end()

    def close(self) -> None:
        """Ends the processes, and waits until they have ended."""
        with self._guard:
            idle, self._idle = self._idle, []
        for worker in idle:
            worker.end()
        ends_at = time.monotonic() + LAST_WORK
        for worker in idle:
            worker.join(max(0.0, ends_at - time.monotonic()))


def _kill_all(processes: set[BaseProcess]) -> None:
    for process in list(processes):
        process.kill()


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

    def join(self, limit: float) -> None:
        """Waits for its end, and kills it after so long: Python waits for its processes when it ends, however long they take."""
        self.process.join(limit)
        if self.process.is_alive():
            self.kill()
            self.process.join()


class _ProcessRun:
    def __init__(self, executor: ProcessExecutor, task: bytes, reports: ReportBuffer) -> None:
        self.future: Future[Outcome] = Future()
        self._executor = executor
        self._task = task
        self._reports = reports
        self._worker: _Worker | None = None
        self._aborted = False
        #: Whether the handler has ended. From then on the process is another one's, and must be neither stopped nor killed from here.
        self._has_ended = False
        self._guard = threading.Lock()

    def abort(self) -> bool:
        """Kills the process."""
        with self._guard:
            self._aborted = True
            if self._worker is not None and not self._has_ended:
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
        stop.then(lambda reason: self._stop(worker, reason))
        outcome: Outcome | None
        try:
            outcome = self._listen(worker)
        except (EOFError, OSError):
            outcome = self._died(worker)
        except Exception as error:
            # A bug of this package, and not of the handler: its event must not wait for an answer for ever.
            worker.kill()
            outcome = failed("internal", f"what a process of a handler answered cannot be read: {error}")
        else:
            with self._guard:
                self._has_ended = True
                was_killed = self._aborted
            if was_killed:
                worker.end()
            else:
                self._executor.give_back(worker)
        if outcome is None:
            self.future.cancel()
        else:
            self.future.set_result(outcome)

    def _stop(self, worker: _Worker, reason: StopReason) -> None:
        with self._guard:
            if not self._has_ended:
                worker.send(("stop", reason))

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
        how = f"signal {_signal_name(-status)}" if status is not None and status < 0 else f"exit status {status}"
        _log.error("a process of a handler has died: %s", how)
        return failed("process_died", f"the process of the handler has died: {how}")


def _signal_name(number: int) -> str:
    # Real-time signals have no names.
    return signal.Signals(number).name if number in set(signal.Signals) else str(number)


class _RemoteReports:
    """Sends what one handler reports, and its end, to the process of the engine."""

    def __init__(self, connection: Connection, guard: threading.Lock) -> None:
        self._connection = connection
        self._guard = guard
        self.has_ended = False

    def send(self, kind: str, value: Any) -> None:
        with self._guard:
            # What a thread reports that a handler has left running would be taken for a report of the next one.
            if not self.has_ended:
                self._connection.send((kind, value))

    def end(self, outcome: Outcome) -> None:
        with self._guard:
            self.has_ended = True
            self._connection.send(("ended", outcome))

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
    guard = threading.Lock()
    stop, remote = StopSignal(), _RemoteReports(connection, guard)
    remote.has_ended = True

    def run(task: bytes, stop: StopSignal, remote: _RemoteReports) -> None:
        remote.end(_run(task, stop, remote))

    try:
        while True:
            kind, value = connection.recv()
            if kind == "stop":
                reason: StopReason = value
                stop.set(reason)
            else:
                stop, remote = StopSignal(), _RemoteReports(connection, guard)
                # In a thread, so that a stop arrives while the handler computes.
                threading.Thread(target=run, args=(value, stop, remote), name="enginehouse-handler", daemon=True).start()
    except (EOFError, OSError):
        if not remote.has_ended:
            # The engine has been killed, and nobody waits for the handler any more. Neither does this wait for the handler's threads.
            os._exit(1)


def _run(task: bytes, stop: StopSignal, reports: _RemoteReports) -> Outcome:
    try:
        event_type, function, event, deadline, event_token, engine_id = pickle.loads(task)
    except Exception as error:
        return failed("not_started", f"the handler could not be imported: {error}")
    claimed = msgspec.json.decode(event, type=ClaimedEvent)
    context = Context(claimed, reports, stop, deadline, event_token)
    return invoke(handler(event_type, function, None), context, engine_id)
