#!/usr/bin/env python3
"""kith's graph beside hnswlib, FAISS, usearch and Annoy: recall@10 against speed, on one thread.

All systems are measured in turn in one run, round after round, and the median of the rounds counts.
kith is asked one query a call (and all in one call: "batch"); the others get all queries in one
call, where they have such a call; FAISS's inverted lists, which gain by that, also one a call.
Recall is counted by distance, for all alike. The rivals' indexes are kept in a cache with what
their builds cost, since some take long; those that were built while others used the machine are
marked, and --rebuild makes them anew. Run it through bench/run graph.
"""
import argparse
import os
import statistics
import subprocess
import sys
import time

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ[variable] = "1"

import numpy as np  # noqa: E402

import graph_tables  # noqa: E402
from graph_cache import BUSY_SHARE, Cache, OtherCores  # noqa: E402
from graph_data import K, SETS, DataSet  # noqa: E402
from graph_systems import BEAMS, rivals  # noqa: E402

DEFAULT_INDEX = "graph"
FOREST_EFFORTS = [250 * 2**i for i in range(9)]
# A chain of settings ends where recall is as good as this, where two steps in a row each close less
# than this share of what is missing, or where it is as slow as this.
ENOUGH_RECALL = 0.9992
LEAST_STEP = 0.02
LEAST_QPS = 100
# What is less exact, or slower by this factor than another setting of equal recall, is left out.
LEAST_RECALL = 0.7
BEATEN_BY = 1.15
ONE_BY_ONE = ", one a call"


# In a small process of its own, for a child counts its parent's memory as its own.
MEASURE_COMMAND = """
import resource, subprocess, sys, time
start = time.perf_counter()
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
usage = resource.getrusage(resource.RUSAGE_CHILDREN)
print(time.perf_counter() - start, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
"""


class Kith:
    """A process that answers from an index of this run, and says itself how long it took."""

    family = "kith"

    def __init__(self, index, process, num_queries, mode, clock):
        self.name = "kith" if mode == "single" else "kith, batch"
        self.mode = mode
        self.clock = clock
        self.chains = [FOREST_EFFORTS if index == "forest" else BEAMS]
        self._process = process
        self._num_queries = num_queries

    def run(self, effort):
        self._process.stdin.write(f"{effort} {self.mode}\n".encode())
        self._process.stdin.flush()
        line = self._process.stdout.readline().split()
        if not line:
            sys.exit("graph_kith ended; see its message")
        ids = self._process.stdout.read(self._num_queries * K * 8)
        seconds = float(line[0 if self.clock == "wall" else 1])
        return seconds, np.frombuffer(ids, np.int64).reshape(self._num_queries, K)


def build_kith(data, args):
    path = os.path.join(args.out, f"{data.name}.kith")
    command = [f"{args.bin}/kith", "build", data.base_path, "-o", path, "--index", args.index,
               "--metric", data.metric, "--threads", "1"]
    others = OtherCores()
    run = subprocess.run([sys.executable, "-c", MEASURE_COMMAND, *command],
                         stdout=subprocess.PIPE, check=True)
    seconds, cpu_seconds, peak = run.stdout.split()
    return path, {
        "seconds": float(seconds),
        "cpu_seconds": float(cpu_seconds),
        "bytes": os.path.getsize(path),
        "peak": int(peak) * 1024,
        "busy": others.busy() > BUSY_SHARE,
    }


class Timed:
    """A way to search a rival's open index."""

    def __init__(self, name, family, search, chains, clock):
        self.name, self.family, self.chains = name, family, chains
        self.search = search
        self.now = time.perf_counter if clock == "wall" else time.process_time

    def run(self, setting):
        start = self.now()
        ids = self.search(setting)
        return self.now() - start, ids


def text(setting):
    return "/".join(map(str, setting)) if isinstance(setting, tuple) else str(setting)


def explore(timed, data):
    """The first round: finds the settings worth measuring, as {setting: [recall, [qps]]}."""
    points = {}
    timed.run(timed.chains[0][2])  # warms up
    for chain in timed.chains:
        before = idle_steps = 0
        for setting in chain:
            seconds, ids = timed.run(setting)
            recall, qps = data.recall(ids), len(ids) / seconds
            points[setting] = [recall, [qps]]
            if recall >= ENOUGH_RECALL or qps < LEAST_QPS:
                break
            idle_steps = 0 if recall - before > LEAST_STEP * (1 - before) else idle_steps + 1
            if idle_steps == 2:
                break
            before = recall

    def beaten(recall, qps):
        return any(r >= recall and q[0] > BEATEN_BY * qps for r, q in points.values())

    return {s: p for s, p in points.items()
            if p[0] >= LEAST_RECALL and not beaten(p[0], p[1][0])}


def measure(systems, data, rounds):
    found = [explore(timed, data) for timed in systems]
    for _ in range(rounds - 1):
        for timed, points in zip(systems, found):
            for setting, point in points.items():
                if point[1][0] >= LEAST_QPS:
                    seconds, ids = timed.run(setting)
                    point[1].append(len(ids) / seconds)
    return [[(text(s), recall, statistics.median(qps)) for s, (recall, qps) in points.items()]
            for points in found]


def selected(data, args):
    systems = rivals(data, args.hnswlib)
    if args.only:
        systems = [s for s in systems if any(name in s.name for name in args.only)]
    return systems


def compare(data, args, cache):
    path, kith_costs = build_kith(data, args)
    process = subprocess.Popen(
        [f"{args.bin}/graph_kith", path, data.queries_path, args.index, str(K)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )
    systems = [Kith(args.index, process, len(data.queries), mode, args.clock)
               for mode in ("single", "batch")]
    costs = [kith_costs, None]
    for system in selected(data, args):
        cache.open(system, data)
        costs.append(cache.costs(system, data))
        ways = {"": system.search}
        if hasattr(system, "search_one_by_one"):
            ways[ONE_BY_ONE] = system.search_one_by_one
            costs.append(None)
        for way, search in ways.items():
            systems.append(Timed(system.name + way, system.family + way, search, system.chains,
                                 args.clock))
    data.limits()
    others = OtherCores()
    points = measure(systems, data, args.rounds)
    busy = others.busy()
    process.stdin.close()
    process.wait()
    results = [{"name": s.name, "family": s.family, "costs": c, "points": p}
               for s, c, p in zip(systems, costs, points)]

    print(f"\n== {data.title}: {len(data.base)} x {data.base.shape[1]}, {data.metric}, "
          f"{len(data.queries)} queries, recall@{K}, one thread, median of {args.rounds}, "
          f"{args.clock} time")
    if busy > BUSY_SHARE:
        print(f"The machine was not quiet: others kept {busy:.1f} cores busy.")
    graph_tables.print_builds(results, len(data.base))
    graph_tables.print_speeds(results)
    if args.points:
        graph_tables.print_points(results)
    sys.stdout.flush()
    graph_tables.write_curves(results, os.path.join(args.out, f"graph-{data.name}.tsv"))


def parse_arguments():
    parser = argparse.ArgumentParser(
        prog="bench/run graph", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sets", nargs="*", metavar="SET", help=f"of {', '.join(SETS)}; else all")
    parser.add_argument("--data", default=os.environ.get("KITH_DATA"), help=argparse.SUPPRESS)
    parser.add_argument("--out", default="build/bench", help=argparse.SUPPRESS)
    parser.add_argument("--bin", default="build/bench/bin", help=argparse.SUPPRESS)
    parser.add_argument("--cache", default=os.environ.get("KITH_RIVALS", "build/bench/rivals"),
                        help="folder of the rivals' indexes; KITH_RIVALS; else %(default)s")
    parser.add_argument("--index", default=DEFAULT_INDEX, choices=["graph", "forest"],
                        help="kith's; else %(default)s")
    parser.add_argument("--rounds", type=int, default=5, help="else %(default)s")
    parser.add_argument("--quick", action="store_true", help="one round")
    parser.add_argument("--only", action="append", metavar="NAME",
                        help="rivals whose names contain it; may be given again")
    parser.add_argument("--hnswlib", metavar="M/EFC,...", help="hnswlib's builds, as 16/200,32/500")
    parser.add_argument("--core", type=int, default=max(os.sched_getaffinity(0)),
                        help="the core everything runs on; else %(default)s")
    parser.add_argument("--clock", choices=["wall", "cpu"], default="wall",
                        help="time of searches: of the process, where others share its core; "
                        "else %(default)s")
    parser.add_argument("--points", action="store_true", help="print every curve's points too")
    parser.add_argument("--rebuild", action="append", metavar="NAME", default=[],
                        help="build anew the rivals whose names contain it; 'busy': those built "
                        "while others used the machine")
    parser.add_argument("--build-only", action="store_true", help="fill the cache and stop")
    parser.add_argument("--build-one", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if not args.data:
        parser.error("KITH_DATA is not set: it names the folder of the data sets")
    args.sets = args.sets or list(SETS)
    for name in args.sets:
        if name not in SETS:
            parser.error(f"no data set is called {name}; there are {', '.join(SETS)}")
    if args.hnswlib:
        args.hnswlib = [tuple(map(int, part.split("/"))) for part in args.hnswlib.split(",")]
    if args.quick:
        args.rounds = 1
    return args


def main():
    args = parse_arguments()
    os.sched_setaffinity(0, {args.core})
    cache = Cache(args.cache)
    for name in args.sets:
        data = DataSet(name, args.data, os.path.join(args.cache, "data"))
        if args.build_one:
            cache.build(next(s for s in rivals(data, args.hnswlib) if s.name == args.build_one),
                        data)
            return
        for system in selected(data, args):
            if any(cache.matches(system, data, word) for word in args.rebuild):
                cache.forget(system, data)
            options = ["--data", args.data, "--cache", args.cache, "--core", str(args.core)]
            if args.hnswlib:
                options += ["--hnswlib", ",".join(f"{m}/{c}" for m, c in args.hnswlib)]
            cache.ensure(system, data, [sys.executable, os.path.abspath(__file__), name, *options])
        if not args.build_only:
            compare(data, args, cache)


if __name__ == "__main__":
    main()
