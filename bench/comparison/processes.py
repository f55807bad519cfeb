"""The processes that are measured: one for each system, long-lived, spoken to through pipes."""
from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import time
from dataclasses import dataclass, field

import machine

HERE = os.path.dirname(os.path.abspath(__file__))
ANSWER_SECONDS = 1800
# Threads that wait for work must not keep a core from who is measured meanwhile.
QUIET = {"OMP_WAIT_POLICY": "passive", "KMP_BLOCKTIME": "0", "OPENBLAS_NUM_THREADS": "1",
         "PYTHONDONTWRITEBYTECODE": "1"}


class Failed(Exception):
    """A system that could not do what it was asked: the run goes on without it."""


@dataclass
class Entry:
    """A system of one set: how to start it, and all that was found out about it."""

    name: str
    command: list[str]
    paths: list[str]  # of its index
    chains: list
    follows: str = ""  # the name of the one whose settings it has, to be compared with
    facts: dict = field(default_factory=dict)  # as they go into the results


def worker(action: str, data, name: str, path: str, source: str) -> list[str]:
    folder = os.path.dirname(data.base_path)
    return [sys.executable, os.path.join(HERE, "worker.py"), action, data.name, name, path, source,
            folder]


def files(path: str) -> list[str]:
    """The file, or all files in the folder."""
    if not os.path.isdir(path):
        return [path]
    return [os.path.join(folder, name) for folder, _, names in os.walk(path) for name in names]


def size(path: str) -> int:
    return sum(os.path.getsize(file) for file in files(path))


def evict(paths: list[str]) -> None:
    """Drops the files' pages from the cache; they must be written and mapped by nobody."""
    for path in paths:
        for file in files(path):
            handle = os.open(file, os.O_RDONLY)
            os.fsync(handle)
            os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(handle)


class Process:
    """Started and ready to open its index; `start_seconds` is what that took."""

    def __init__(self, entry: Entry, log):
        self.entry = entry
        start = time.perf_counter()
        self._process = subprocess.Popen(
            entry.command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            env={**os.environ, **QUIET})
        self.pid = self._process.pid
        self._buffer = b""
        self._read()
        self.start_seconds = time.perf_counter() - start

    def _read(self) -> dict:
        output = self._process.stdout
        deadline = time.monotonic() + ANSWER_SECONDS
        while not self._buffer.endswith(b"\n"):
            ready, _, _ = select.select([output], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                self.kill()
                raise Failed(f"no answer within {ANSWER_SECONDS} s")
            part = os.read(output.fileno(), 1 << 20)
            if not part:
                raise Failed(f"ended with exit code {self._process.wait()}; see log.txt")
            self._buffer += part
        line, self._buffer = self._buffer, b""
        return json.loads(line)

    def ask(self, *words) -> dict:
        try:
            self._process.stdin.write((" ".join(map(str, words)) + "\n").encode())
            self._process.stdin.flush()
        except BrokenPipeError:
            raise Failed(f"ended with exit code {self._process.wait()}; see log.txt") from None
        return self._read()

    def search(self, setting: str, mode: str, threads: int, seconds: float, ids: bool) -> dict:
        return self.ask("search", setting, mode, threads, seconds, int(ids))

    def memory(self) -> dict:
        return machine.memory(self.pid)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def close(self) -> None:
        if self._process.poll() is None:
            try:
                self._process.stdin.close()
                self._process.wait(timeout=60)
            except (BrokenPipeError, subprocess.TimeoutExpired):
                self.kill()


# In a small process of its own, for a child counts its parent's memory as its own.
_MEASURE = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps({"seconds": time.perf_counter() - start, "peak": usage.ru_maxrss * 1024,
                  "cpu_seconds": usage.ru_utime + usage.ru_stime}))
"""


def build_kith(tool: str, data, options: list[str], path: str, threads: int) -> dict:
    command = [tool, "build", data.base_path, "-o", path, "--metric", data.metric, "--threads",
               str(threads), *options]
    others = machine.Others()
    run = subprocess.run([sys.executable, "-c", _MEASURE, *command], stdout=subprocess.PIPE,
                         check=True)
    costs = json.loads(run.stdout)
    return {**costs, "threads": threads, "busy": others.cores() > machine.BUSY_CORES}
