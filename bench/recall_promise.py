#!/usr/bin/env python3
"""Whether searches find what they are asked to: 30 sets, real and made.

    bench/run recall [--list] [--k 1 10 100] [--seed 42] [WORD...]

Sets whose name and metric have all of a WORD (a word may be several, as in 'words dot'); all of
them without one. Each way in (graph packed or compact, forest) is built with its calibration and
asked for recalls of .80, .90, .95 and .99, with queries that are neither in the file nor among
those it was calibrated with. Prints rows of the table of docs/recall.md and, in the end, how far
the promise holds. A cell is what was found;

    +   behind it: nothing less is to be had; the least effort finds so much, as the plan says;
    –   in its place: nothing but exact search reaches it, which `auto` takes, and the way asked for by
        name refuses.

What is judged: found less what the plan promises, which is what was asked for but in cells with a
plus. Where nothing is found, nothing was promised.
"""

from __future__ import annotations

import argparse
import math
import os
import pathlib
import sys
import time
from dataclasses import dataclass

import numpy as np
import recall_sets

import kith

TARGETS = (0.80, 0.90, 0.95, 0.99)
# Distances this much larger are the same (kith eval counts alike).
TOLERANCE = 1e-3
# Of queries for more neighbours than ten, fewer tell as much.
QUERIES_OF_MANY = 2000


@dataclass
class Cell:
    """What one search found."""

    where: str
    promised: float
    found: float
    error: float  # the standard error of what was found

    @property
    def off(self) -> float:
        return self.found - self.promised


def ask(index: kith.Index, way: str, k: int, queries: np.ndarray, name: str) -> list[Cell | None]:
    """A cell for each target; None where the way does not reach it."""
    asked = queries if k <= 10 else queries[:QUERIES_OF_MANY]
    truth = index.search(asked, k=k, exact=True, n_jobs=-1)[1][:, -1].astype(np.float64)
    limit = truth + TOLERANCE * np.abs(truth)
    cells: list[Cell | None] = []
    for target in TARGETS:
        try:
            plan = index.plan(k, len(asked), recall=target, index=way)
        except ValueError as error:
            if "reach" not in str(error):
                raise
            cells.append(None)
            continue
        found = index.search(asked, k=k, recall=target, index=way, n_jobs=-1)[1]
        share = (found <= limit[:, None]).mean(axis=1)
        cell = Cell(
            f"{name}, k = {k}, asked {target:.2f}",
            max(target, plan["recall"]),
            float(share.mean()),
            float(share.std() / math.sqrt(len(asked))),
        )
        cells.append(cell)
    return cells


def shown(cell: Cell | None, target: float) -> str:
    if cell is None:
        return "–"
    return f"{cell.found:.3f}{'+' if cell.promised > target + 0.0005 else ''}"


def measure(of: recall_sets.Set, ks: list[int], seed: int) -> list[Cell | None]:
    rows, queries = of.load()
    cells: list[Cell | None] = []
    for way in of.ways:
        start = time.process_time()
        kind = "forest" if way == "forest" else "graph"
        layout = "auto" if way == "forest" else way
        index = kith.build(rows, metric=of.metric, index=kind, layout=layout, seed=seed)
        built = time.process_time()
        for k in ks:
            got = ask(index, kind, k, queries, f"{of.name}, {of.metric}, {way}")
            row = " | ".join(shown(cell, target) for cell, target in zip(got, TARGETS, strict=True))
            print(f"| {of.name} | {of.metric} | {way} | {k} | {row} |", flush=True)
            cells += got
        done = time.process_time()
        print(
            f"{of.name}, {way}: build {built - start:.0f} s, searches {done - built:.0f} s of"
            " processor time",
            file=sys.stderr,
            flush=True,
        )
    return cells


def summary(cells: list[Cell | None]) -> str:
    """The last line, and those cells that are off."""
    got = [cell for cell in cells if cell is not None]
    if not got:
        return "nothing was reached"
    lines = [
        f"off by {cell.off:+.3f}, standard error {cell.error:.4f}: {cell.where}, promised"
        f" {cell.promised:.3f}, found {cell.found:.3f}"
        for cell in sorted(got, key=lambda cell: cell.off)
        if abs(cell.off) > 0.01
    ]
    within = sum(abs(cell.off) <= 0.01 for cell in got)
    errors = np.array([cell.error for cell in got])
    lines.append(
        f"{len(got)} cells and {len(cells) - len(got)} that only exact search reaches; within 0.01:"
        f" {within / len(got):.1%}; most below: {max(0.0, -min(cell.off for cell in got)):.3f};"
        f" standard error of a cell: {np.median(errors):.4f} (median), {errors.max():.4f} (largest)"
    )
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", action="store_true", help="names of the sets, and no more")
    parser.add_argument("--k", type=int, nargs="+", default=[1, 10, 100])
    parser.add_argument("--seed", type=int, default=42, help="of the builds")
    parser.add_argument("--made", type=pathlib.Path, required=True, help="folder of made files")
    parser.add_argument("words", nargs="*", metavar="WORD")
    options = parser.parse_args()
    every = recall_sets.sets(pathlib.Path(os.environ["KITH_DATA"]), options.made)
    chosen = [
        each
        for each in every
        if not options.words
        or any(
            all(part in f"{each.name} {each.metric}" for part in word.split())
            for word in options.words
        )
    ]
    if not chosen:
        sys.exit(f"no set has {' or '.join(options.words)} in its name; --list shows all")
    if options.list:
        print("\n".join(f"{each.name}, {each.metric}: {', '.join(each.ways)}" for each in chosen))
        return
    print("| vectors | metric | index | k | 0.80 | 0.90 | 0.95 | 0.99 |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    cells = [cell for each in chosen for cell in measure(each, options.k, options.seed)]
    print(f"\n{summary(cells)}")


if __name__ == "__main__":
    main()
