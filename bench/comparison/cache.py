"""The rivals' indexes, kept with what their builds cost."""
from __future__ import annotations

import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys

import machine
import processes


class Cache:
    def __init__(self, folder: str):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)

    def _stem(self, system, data, threads: int) -> str:
        name = f"{system.name} {importlib.metadata.version(system.package)}"
        slug = re.sub(r"[^A-Za-z0-9.]+", "-", name) + (f"-{threads}t" if threads > 1 else "")
        return os.path.join(self.folder, f"{data.base_name}-{data.hash}-{slug}")

    def path(self, system, data, threads: int) -> str:
        return self._stem(system, data, threads) + ".index"

    def has(self, system, data, threads: int) -> bool:
        return os.path.exists(self._stem(system, data, threads) + ".json")

    def costs(self, system, data, threads: int) -> dict:
        with open(self._stem(system, data, threads) + ".json") as file:
            return {**json.load(file), "threads": threads}

    def matches(self, system, data, threads: int, word: str) -> bool:
        """Whether --rebuild `word` means this index: part of its name, or `busy`."""
        if word != "busy":
            return word in system.name
        return self.has(system, data, threads) and self.costs(system, data, threads)["busy"]

    def forget(self, system, data, threads: int) -> None:
        stem = self._stem(system, data, threads)
        if os.path.exists(stem + ".json"):
            os.remove(stem + ".json")
        if os.path.isdir(stem + ".index"):
            shutil.rmtree(stem + ".index")
        elif os.path.exists(stem + ".index"):
            os.remove(stem + ".index")

    def ensure(self, system, data, threads: int, source: str, log) -> None:
        """Builds what is missing, in a process of its own for its peak memory."""
        if self.has(system, data, threads):
            return
        self.forget(system, data, threads)
        print(f"{data.name}: building {system.name}", file=sys.stderr, flush=True)
        stem = self._stem(system, data, threads)
        command = processes.worker("build", data, system.name, stem + ".index", source)
        others = machine.Others()
        run = subprocess.run([*command, str(threads)], stdout=subprocess.PIPE, stderr=log,
                             env={**os.environ, "OMP_NUM_THREADS": str(threads)}, check=False)
        if run.returncode != 0:
            raise processes.Failed(f"its build ended with exit code {run.returncode}; see log.txt")
        costs = json.loads(run.stdout)
        costs |= {"name": system.name, "bytes": processes.size(stem + ".index"),
                  "busy": others.cores() > machine.BUSY_CORES}
        with open(stem + ".json.part", "w") as file:
            json.dump(costs, file, indent=1)
        os.replace(stem + ".json.part", stem + ".json")
