#!/usr/bin/env python3
"""What a call from Python costs over the same call from C++: both take turns, in one run.

    bench/run python          builds both, installs the package into build/, and runs this

For each case the best of ROUNDS rounds on either side, ROUNDS pairs in turn; printed are medians
of the pairs' differences, with the lower and the upper quartile.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import kith
import numpy as np

PAIRS = 15


class Cpp:
    def __init__(self, program):
        self.process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, *words):
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()
        return float(self.process.stdout.readline())


def best(rounds, run, count):
    seconds = float("inf")
    for _ in range(rounds):
        start = time.perf_counter()
        run()
        seconds = min(seconds, (time.perf_counter() - start) / count)
    return seconds


def compare(title, cpp, python):
    """Medians, in microseconds, of each side and of the differences of the pairs."""
    pairs = [(cpp(), python()) for _ in range(PAIRS)]
    differences = sorted((p - c) * 1e6 for c, p in pairs)
    low, middle, high = statistics.quantiles(differences, n=4)
    print(
        f"{title:<46} C++ {statistics.median(c for c, _ in pairs) * 1e6:9.2f} us  "
        f"Python {statistics.median(p for _, p in pairs) * 1e6:9.2f} us  "
        f"difference {middle:+7.2f} us ({low:+.2f} to {high:+.2f})",
        flush=True,
    )


def searches(cpp, folder, title, base, queries, k, effort, **options):
    file, vectors = folder / "x.kith", folder / "q.npy"
    np.save(vectors, queries)
    index = kith.build(base, file, metric="euclidean", **options)
    given = None if effort < 0 else effort

    def one_by_one():
        for query in queries:
            index.search(query, k, effort=given)

    compare(
        f"{title}, one query a call",
        lambda: cpp.ask("search", file, vectors, k, effort, 5),
        lambda: best(5, one_by_one, len(queries)),
    )
    compare(
        f"{title}, {len(queries):,} in one call",
        lambda: cpp.ask("batch", file, vectors, k, effort, 5),
        lambda: best(5, lambda: index.search(queries, k, effort=given), len(queries)),
    )


def builds(cpp, folder, rows, dim, kind):
    base = np.random.default_rng(1).standard_normal((rows, dim), dtype=np.float32)
    np.save(folder / "base.npy", base)
    ratios = []
    for _ in range(3):
        c = cpp.ask("build", folder / "base.npy", folder / "c.kith", kind)
        start = time.process_time()
        index = kith.build(base, folder / "p.kith", metric="euclidean", index=kind)
        p = time.process_time() - start
        ratios.append(p / c)
        print(
            f"{kind} of {rows:,} x {dim}, processor time: C++ {c:.2f} s, Python {p:.2f} s",
            flush=True,
        )
    same = (folder / "c.kith").read_bytes() == index.to_bytes()
    print(f"  median ratio {statistics.median(ratios):.3f}; the same bytes: {same}")


def main():
    cpp = Cpp(sys.argv[1])
    rows = int(sys.argv[2]) if len(sys.argv) > 2 else 1_000_000
    rng = np.random.default_rng(0)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        one = rng.standard_normal((1, 128), dtype=np.float32)
        many = rng.standard_normal((2000, 128), dtype=np.float32)
        searches(cpp, folder, "one vector of 128, k = 1", one, many, 1, -1, index="exact")
        base = rng.standard_normal((20_000, 32), dtype=np.float32)
        queries = rng.standard_normal((2000, 32), dtype=np.float32)
        searches(cpp, folder, "20,000 x 32, graph, ef 64, k = 10", base, queries, 10, 64,
                 index="graph", calibrate=False)
        searches(cpp, folder, "20,000 x 32, graph, ef 200, k = 100", base, queries, 100, 200,
                 index="graph", calibrate=False)
        builds(cpp, folder, rows, 128, "exact")
        builds(cpp, folder, rows // 10, 128, "graph")


if __name__ == "__main__":
    main()
