#!/usr/bin/env python3
"""Measures all systems on the sets asked for, and reports; run by bench/compare."""
from __future__ import annotations

import argparse
import datetime
import importlib.metadata
import json
import os
import sys
import time

import machine
import makers
import measure
import processes
import report
from cache import Cache
from data import K, DataSet
from options import parse_arguments
from systems import BEAMS, rivals

FOREST_EFFORTS = [250 * 2**i for i in range(9)]
AGAIN = "kith, again"
# What is built of kith: name, kind of index with options, efforts. All else is default.
KITH = [
    ("kith", ["graph"], [BEAMS]),
    ("kith compact", ["graph", "--layout", "compact"], [BEAMS]),
    ("kith forest", ["forest"], [FOREST_EFFORTS]),
    ("kith exact", ["exact"], [[-1]]),
]


def say(words: str) -> None:
    print(f"[{time.strftime('%H:%M:%S')}] {words}", file=sys.stderr, flush=True)


def plan_of(args: argparse.Namespace) -> measure.Plan:
    if args.quick:
        return measure.Plan(args.reps, args.threads, [0.9, 0.95, 0.99], seconds=0.03, budget=0.7,
                            deadline=55, least_qps=800, cold_runs=3)
    return measure.Plan(args.reps, args.threads, [0.8, 0.9, 0.95, 0.99, 0.999], seconds=0.1,
                        budget=5, deadline=1200, least_qps=100, cold_runs=5)


def installed(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def rival_entries(data: DataSet, args: argparse.Namespace, failed: dict,
                  log) -> list[processes.Entry]:
    """Builds what the cache lacks."""
    cache = Cache(args.cache)
    threads = args.build_threads
    entries = []
    for system in rivals(data):
        if args.only and not any(name in system.name for name in args.only):
            continue
        if installed(system.package) is None:
            continue  # the report names it
        if any(cache.matches(system, data, threads, word) for word in args.rebuild):
            cache.forget(system, data, threads)
        try:
            cache.ensure(system, data, threads, args.data, log)
        except processes.Failed as error:
            say(f"{system.name}: {error}")
            failed[system.name] = str(error)
            continue
        path = cache.path(system, data, threads)
        facts = {"package": system.package, "version": installed(system.package),
                 "build": cache.costs(system, data, threads), "bytes": processes.size(path)}
        entries.append(processes.Entry(
            system.name,
            processes.worker("serve", data, system.name, path, args.data), [path], system.chains,
            facts=facts))
    return entries


def kith_entries(data: DataSet, args: argparse.Namespace) -> list[processes.Entry]:
    entries = []
    for name, (index, *options), chains in KITH:
        if args.kith and name != "kith" and name.removeprefix("kith ") not in args.kith:
            continue
        say(f"building {name}")
        path = os.path.join(args.out, f"{data.name}-{name.replace(' ', '-')}.kith")
        options = ["--index", index, *options]
        builds = [processes.build_kith(f"{args.bin}/kith", data, options, path, threads)
                  for threads in sorted({1, args.threads, args.build_threads})]
        facts = {"package": "kith", "builds": builds, "bytes": os.path.getsize(path),
                 "build": next(b for b in builds if b["threads"] == args.build_threads)}
        command = [f"{args.bin}/compare_kith", path, data.queries_path, index, str(K)]
        entries.append(processes.Entry(name, command, [path], chains, facts=facts))
    graph = entries[0]
    again = processes.Entry(AGAIN, graph.command, graph.paths, graph.chains, graph.name,
                            {"package": "kith"})
    return [*entries, again]


def missing(args: argparse.Namespace) -> dict:
    """Packages that could not be installed, and why."""
    try:
        with open(args.unobtainable) as file:
            return dict(line.rstrip("\n").split("\t", 1) for line in file)
    except OSError:
        return {}


def compare(data: DataSet, args: argparse.Namespace, log) -> None:
    plan = plan_of(args)
    failed: dict = {}
    _ = data.limits  # before anything is timed
    theirs = rival_entries(data, args, failed, log)
    if args.build_only:
        return
    # In the middle of the others, so that what comes before and after differs.
    ours = kith_entries(data, args)
    middle = len(theirs) // 2
    entries = [*ours[:-1], *theirs[:middle], ours[-1], *theirs[middle:]]
    started = datetime.datetime.now(datetime.timezone.utc)
    others = machine.Others()
    lasted = measure.run(entries, data, plan, failed, log, say)
    busy = others.cores()
    for one in lasted:
        if one.entry.name != AGAIN:
            say(f"cold start of {one.entry.name}")
            measure.survive(one.entry, failed,
                            lambda: measure.cold_start(one.entry, plan, log))  # noqa: B023
    result = {
        "set": data.name, "title": data.title, "metric": data.metric, "rows": data.rows,
        "dim": data.dim, "dtype": "u8" if data.base_path.endswith("u8bin") else "f32",
        "queries": len(data.queries), "k": K, "sha256": data.hashes,
        "started": started.isoformat(timespec="seconds"),
        "seconds": (datetime.datetime.now(datetime.timezone.utc) - started).total_seconds(),
        "machine": machine.describe(), "kith": machine.kith(f"{args.bin}/kith"),
        "quick": args.quick, "reps": args.reps, "recalls": plan.recalls, "threads": args.threads,
        "build_threads": args.build_threads, "busy_cores": busy,
        "unobtainable": missing(args), "failed": failed,
        "systems": [{"name": one.entry.name, **one.entry.facts}
                    for one in lasted],
    }
    path = os.path.join(args.out, f"{data.name}.json")
    with open(path + ".part", "w") as file:
        json.dump(result, file, indent=1)
    os.replace(path + ".part", path)


def load(args: argparse.Namespace) -> list[dict]:
    results = []
    for name in args.sets:
        path = os.path.join(args.out, f"{name}.json")
        if not os.path.exists(path):
            say(f"{name} has not been measured: {path} is not there")
            continue
        with open(path) as file:
            result = json.load(file)
        busy = result["busy_cores"] > machine.BUSY_CORES
        clock = args.clock if args.clock != "auto" else "cpu" if busy else "wall"
        results.append({**result, "clock": clock})
    return results


def main() -> None:
    args = parse_arguments()
    os.makedirs(args.out, exist_ok=True)
    left_out: dict[str, str] = {}
    if not args.report_only:
        with open(os.path.join(args.out, "log.txt"), "ab") as log:
            for name in args.sets:
                say(f"data set {name}")
                try:
                    data = DataSet(name, args.data, os.path.join(args.cache, "data"))
                except makers.NotMade as error:
                    say(f"{name} is left out: {error}")
                    left_out[name] = str(error)
                    continue
                compare(data, args, log)
        if args.build_only:
            return
    results = [r for r in load(args) if r["set"] not in left_out]
    if not results:
        sys.exit("nothing to report on")
    text = report.markdown(results, left_out)
    with open(os.path.join(args.out, "report.md"), "w") as file:
        file.write(text)
    print(text)
    report.write_figures(results, os.path.join(args.out, "figures.json"))
    if args.write_docs:
        report.write_docs("docs/benchmarks.md", text)


if __name__ == "__main__":
    main()
