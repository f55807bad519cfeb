"""What the figures depend on beside the programs: the machine, and who else used it meanwhile."""
from __future__ import annotations

import os
import platform
import re
import subprocess

# A machine was busy if others used this many cores meanwhile.
BUSY_CORES = 0.1


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _first(path: str, pattern: str) -> str:
    with open(path) as file:
        found = re.search(pattern, file.read(), re.MULTILINE)
    return found[1] if found else "unknown"


def describe() -> dict:
    flags = _first("/proc/cpuinfo", r"^flags\s*: (.*)$").split()
    wanted = ("avx2", "avx512f", "avx512_vnni", "avx512_bf16", "avx512_vpopcntdq")
    caches = {name.strip(): size.strip() for name, _, size in
              (line.partition(":") for line in _output("lscpu").splitlines())
              if re.match(r"L\d", name.strip())}
    return {
        "cpu": _first("/proc/cpuinfo", r"^model name\s*: (.*)$"),
        "family": "family {}, model {}".format(
            _first("/proc/cpuinfo", r"^cpu family\s*: (.*)$"),
            _first("/proc/cpuinfo", r"^model\s*: (.*)$")),
        "features": [flag for flag in wanted if flag in flags],
        "cores": os.cpu_count(),
        "caches": caches,
        "memory_gb": round(int(_first("/proc/meminfo", r"^MemTotal:\s*(\d+)")) / 2**20, 1),
        "hypervisor": "hypervisor" in flags,
        "kernel": platform.release(),
        "python": platform.python_version(),
        "compiler": _output("c++", "--version").splitlines()[0],
    }


def kith(tool: str) -> dict:
    dirty = "" if _output("git", "status", "--porcelain", "--untracked-files=no") == "" else "+"
    return {"version": _output(tool, "--version").removeprefix("kith "),
            "commit": _output("git", "rev-parse", "--short=12", "HEAD") + dirty}


def _cpu_seconds(pid: int) -> float:
    try:
        with open(f"/proc/{pid}/stat") as file:
            fields = file.read().rpartition(")")[2].split()
    except OSError:
        return 0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Others:
    """How many cores others kept busy since it was made; `pids` are not others, nor are we."""

    def __init__(self, pids: list[int] = ()):
        self._pids = [os.getpid(), *pids]
        self._before = self._read()

    def _read(self) -> tuple[float, float, float]:
        with open("/proc/stat") as file:
            values = [int(v) / os.sysconf("SC_CLK_TCK") for v in file.readline().split()[1:9]]
        busy = sum(values) - values[3] - values[4]
        children = os.times()
        own = sum(map(_cpu_seconds, self._pids)) + children.children_user + children.children_system
        return busy, sum(values), own

    def cores(self) -> float:
        busy, total, own = (now - then for now, then in zip(self._read(), self._before))
        return max(0.0, (busy - own) / max(total, 0.01) * (os.cpu_count() or 1))


def memory(pid: int) -> dict:
    """Bytes in memory: `anon` is the process's own, `file` is mapped and may be shared.

    `peak` is the most of both so far. (That of getrusage may be the parent's.)
    """
    with open(f"/proc/{pid}/status") as file:
        found = dict(re.findall(r"^(Rss\w+|VmHWM):\s*(\d+) kB$", file.read(), re.MULTILINE))
    return {"anon": int(found["RssAnon"]) * 1024,
            "file": (int(found["RssFile"]) + int(found["RssShmem"])) * 1024,
            "peak": int(found["VmHWM"]) * 1024}
