#!/usr/bin/env python3
"""A rival's process: builds its index, or opens it and answers until its input ends.

usage: worker.py build SET SYSTEM PATH SOURCE FOLDER THREADS
       worker.py serve SET SYSTEM PATH SOURCE FOLDER

Every line of its input is a command, every line of its output a JSON object:
  open                    {"seconds"}
  first SETTING           {"seconds"}: the first query
  search SETTING MODE THREADS SECONDS IDS
                          {"seconds", "cpu_seconds", "passes"[, "ids"]}: all queries, again and
                          again for SECONDS, at least once. MODE is `one` query a call, on one
                          thread, or all in one call (`batch`); IDS is 1 if the answers are wanted,
                          num_queries lists of K. A system without a call for many says {"error"}.
The first line of its output is {"ready"}: imports and queries are loaded, the index is not.
compare_kith.cc is kith's process of the same kind.
"""
import json
import os
import sys
import time

import numpy as np

import machine
from data import K, DataSet
from systems import parse, rivals

PROTOCOL = os.fdopen(os.dup(1), "w")


def say(**fields):
    print(json.dumps(fields), file=PROTOCOL, flush=True)


def build(system, data, path, threads):
    steps = system.build(data, threads)
    next(steps)
    wall, cpu = time.perf_counter(), time.process_time()
    next(steps, None)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    system.save(path)
    say(seconds=wall, cpu_seconds=cpu,
        peak=machine.memory(os.getpid())["peak"])


def one_by_one(system, count, setting):
    ids = np.full((count, K), -1, np.int64)
    for i in range(count):
        found = np.ravel(system.search_one(i, setting))
        ids[i, : len(found)] = found
    return ids


def search(system, count, setting, mode, threads, seconds, with_ids):
    if mode == "batch" and not hasattr(system, "search"):
        say(error="no call for many queries")
        return
    passes, elapsed, cpu = 0, 0.0, 0.0
    while passes == 0 or elapsed < seconds:
        start, cpu_start = time.perf_counter(), time.process_time()
        if mode == "batch":
            ids = system.search(setting, threads)
        else:
            ids = one_by_one(system, count, setting)
        elapsed += time.perf_counter() - start
        cpu += time.process_time() - cpu_start
        passes += 1
    answers = {"ids": np.asarray(ids).astype(np.int64).reshape(count, K).tolist()}
    say(seconds=elapsed, cpu_seconds=cpu, passes=passes, **(answers if with_ids else {}))


def serve(system, data, path):
    count = len(data.queries)
    system.take_queries(data)
    say(ready=True)
    for line in sys.stdin:
        command, *words = line.split()
        start = time.perf_counter()
        if command == "open":
            system.open(path, data)
            say(seconds=time.perf_counter() - start)
        elif command == "first":
            system.search_one(0, parse(words[0]))
            say(seconds=time.perf_counter() - start)
        else:
            setting, mode, threads, seconds, with_ids = words
            search(system, count, parse(setting), mode, int(threads), float(seconds),
                   with_ids == "1")


def main():
    os.dup2(2, 1)  # what packages print must not be taken for answers
    action, name, wanted, path, source, folder, *threads = sys.argv[1:]
    data = DataSet(name, source, folder)
    system = next(s for s in rivals(data) if s.name == wanted)
    system.load_module()
    if action == "build":
        build(system, data, path, int(threads[0]))
    else:
        serve(system, data, path)


if __name__ == "__main__":
    main()
