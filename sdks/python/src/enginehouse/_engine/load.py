"""How much of the machine this engine uses: by the cgroup of its container, or else by its process and the children of that."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

#: Two measurements closer than this say nothing about processor time, in seconds.
MIN_SPAN = 0.2
#: How long an answer of nvidia-smi counts, and how long it may take, in seconds.
GPU_AGE = 10.0
GPU_TIMEOUT = 5.0


class LoadMeter:
    """Measures for heartbeats. What cannot be measured here is left out."""

    def __init__(self, proc: Path = Path("/proc"), cgroup: Path = Path("/sys/fs/cgroup")) -> None:
        self._proc = proc
        self._cgroup = cgroup
        self._before: tuple[float, float] | None = None
        self._cpu_percent: float | None = None
        self._run_id: str | None = None
        self._gpu = GpuMeter()

    def works_on(self, scenario_run_id: str | None) -> None:
        """Notes the scenario run of an event that is begun."""
        self._run_id = scenario_run_id or self._run_id

    def state(self) -> dict[str, Any]:
        """How the engine is doing, as its heartbeat says it."""
        seconds, megabytes = self._used()
        if seconds is not None:
            self._note(time.monotonic(), seconds)
        use: dict[str, Any] = dict(self._gpu.state())
        if self._cpu_percent is not None:
            use["cpu_percent"] = self._cpu_percent
        if megabytes is not None:
            use["memory_usage_mb"] = round(megabytes, 1)
        state: dict[str, Any] = {"resource_utilization": use}
        if self._run_id is not None:
            state["current_scenario_run_id"] = self._run_id
        return state

    def _note(self, now: float, seconds: float) -> None:
        if self._before is None:
            self._before = (now, seconds)
        elif now - self._before[0] >= MIN_SPAN:
            self._cpu_percent = round(100 * max(0.0, seconds - self._before[1]) / (now - self._before[0]), 1)
            self._before = (now, seconds)

    def _used(self) -> tuple[float | None, float | None]:
        """Seconds of processor time so far, and MiB of memory now."""
        return self._of_container() or self._of_processes()

    def _of_container(self) -> tuple[float, float] | None:
        """What the container uses in which this process is: there, its own cgroup is the root that it sees."""
        try:
            if (self._proc / "self/cgroup").read_text().strip() != "0::/":
                return None
            # The root of the whole machine has no such file.
            memory = int((self._cgroup / "memory.current").read_text())
            fields = dict(line.split() for line in (self._cgroup / "cpu.stat").read_text().splitlines())
            return int(fields["usage_usec"]) / 1e6, memory / (1 << 20)
        except (OSError, ValueError, KeyError):
            return None

    def _of_processes(self) -> tuple[float | None, float | None]:
        """What this process and its descendants use, and processor time of children that have ended."""
        processes = self._processes()
        if os.getpid() not in processes:
            return None, None
        ticks = pages = 0
        for pid in processes:
            if _descends(pid, os.getpid(), processes):
                ticks += processes[pid][1]
                pages += processes[pid][2]
        return ticks / os.sysconf("SC_CLK_TCK"), pages * os.sysconf("SC_PAGE_SIZE") / (1 << 20)

    def _processes(self) -> dict[int, tuple[int, int, int]]:
        """Parent, ticks of the processor and pages of memory of each process."""
        found: dict[int, tuple[int, int, int]] = {}
        try:
            folders = [entry for entry in self._proc.iterdir() if entry.name.isdigit()]
        except OSError:
            return {}
        for folder in folders:
            try:
                # The name before it may hold spaces and parentheses.
                fields = (folder / "stat").read_text("utf-8", "replace").rpartition(")")[2].split()
                # utime, stime, cutime and cstime; see proc_pid_stat(5).
                found[int(folder.name)] = (int(fields[1]), sum(map(int, fields[11:15])), int(fields[21]))
            except (OSError, ValueError, IndexError):
                # A process that has just ended is not there any more.
                continue
        return found


def _descends(pid: int, root: int, processes: dict[int, tuple[int, int, int]]) -> bool:
    for _ in processes:
        if pid == root:
            return True
        if pid not in processes:
            return False
        pid = processes[pid][0]
    return False


class GpuMeter:
    """Asks nvidia-smi, where it is installed, in a thread of its own: it may take seconds, and a heartbeat does not wait for it."""

    def __init__(self) -> None:
        self._program = shutil.which("nvidia-smi")
        self._asked_at = -GPU_AGE
        self._state: dict[str, float] = {}

    def state(self) -> dict[str, float]:
        """`gpu_percent`, the mean of all, and `gpu_memory_mb`, their sum; nothing without a graphics processor."""
        if self._program is not None and time.monotonic() - self._asked_at >= GPU_AGE:
            self._asked_at = time.monotonic()
            threading.Thread(target=self._ask, args=(self._program,), name="enginehouse-gpu", daemon=True).start()
        return self._state

    def _ask(self, program: str) -> None:
        query = [program, "--query-gpu=utilization.gpu,memory.used", "--format=csv,noheader,nounits"]
        try:
            output = subprocess.run(query, capture_output=True, timeout=GPU_TIMEOUT, check=True, text=True).stdout
            self._state = read_gpus(output)
        except (OSError, subprocess.SubprocessError, ValueError):
            self._state = {}


def read_gpus(output: str) -> dict[str, float]:
    """What nvidia-smi says: a line for each graphics processor."""
    rows = [[float(field) for field in line.split(",")] for line in output.splitlines() if line.strip()]
    if not rows:
        return {}
    return {"gpu_percent": round(sum(row[0] for row in rows) / len(rows), 1), "gpu_memory_mb": sum(row[1] for row in rows)}
