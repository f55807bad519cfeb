"""The rivals' indexes, kept with what their builds cost."""
import importlib.metadata
import json
import os
import re
import resource
import subprocess
import sys
import time

# A build is marked as of a busy machine if others used this much of the other cores or its own.
BUSY_SHARE = 0.1


class OtherCores:
    """How many of the cores that this process may not use were busy since it was made."""

    def __init__(self):
        self._before = self._ticks()

    @staticmethod
    def _ticks():
        own = os.sched_getaffinity(0)
        busy = idle = cores = 0
        with open("/proc/stat") as file:
            for line in file:
                name, *values = line.split()
                if re.fullmatch(r"cpu\d+", name) and int(name[3:]) not in own:
                    values = [int(v) for v in values]
                    idle += values[3] + values[4]
                    busy += sum(values[:8]) - values[3] - values[4]
                    cores += 1
        return busy, idle, cores

    def busy(self):
        busy, idle, cores = self._ticks()
        busy, idle = busy - self._before[0], idle - self._before[1]
        return cores * busy / max(busy + idle, 1)


class Cache:
    def __init__(self, folder):
        self.folder = folder
        os.makedirs(folder, exist_ok=True)

    def _stem(self, system, data):
        name = f"{system.name} {importlib.metadata.version(system.package)}"
        slug = re.sub(r"[^A-Za-z0-9.]+", "-", name)
        return os.path.join(self.folder, f"{data.name}-{data.hash}-{slug}")

    def has(self, system, data):
        return os.path.exists(self._stem(system, data) + ".json")

    def matches(self, system, data, word):
        """Whether --rebuild `word` means this index: part of its name, or `busy`."""
        if word != "busy":
            return word in system.name
        return self.has(system, data) and self.costs(system, data)["busy"]

    def forget(self, system, data):
        for ending in (".json", ".index"):
            if os.path.exists(self._stem(system, data) + ending):
                os.remove(self._stem(system, data) + ending)

    def ensure(self, system, data, command):
        """Runs `command` to build what is missing, in a process of its own for its peak memory."""
        if self.has(system, data):
            return
        print(f"{data.name}: building {system.name}", file=sys.stderr, flush=True)
        subprocess.run([*command, "--build-one", system.name], check=True)

    def build(self, system, data):
        stem = self._stem(system, data)
        steps = system.build(data)
        next(steps)  # makes the rows as the package takes them
        others = OtherCores()
        wall, cpu = time.perf_counter(), time.process_time()
        next(steps, None)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        system.save(stem + ".index")
        costs = {
            "name": system.name,
            "seconds": wall,
            "cpu_seconds": cpu,
            "bytes": os.path.getsize(stem + ".index"),
            "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
            "busy": others.busy() > BUSY_SHARE or cpu < (1 - BUSY_SHARE) * wall,
        }
        with open(stem + ".json.part", "w") as file:
            json.dump(costs, file, indent=1)
        os.replace(stem + ".json.part", stem + ".json")

    def costs(self, system, data):
        with open(self._stem(system, data) + ".json") as file:
            return json.load(file)

    def open(self, system, data):
        system.open(self._stem(system, data) + ".index", data)
