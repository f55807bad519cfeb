#!/usr/bin/env python3
"""kith.Reducer beside scikit-learn's PCA: seconds of fitting and transforming, and accuracy.

Vectors are the photo descriptors of KITH_DATA (400,224 x 128), as float32 for both, or, without
KITH_DATA, as many made ones whose deviations fall along a hidden spectrum.

    KITH_DATA=... bench/reduce.py [--dim 64] [--runs 5] [--threads 2] [--rows N] [--made] [--wide]

Runs of both take turns; a ratio is that of the medians. Seconds are of the clock, or, with one
thread, of the processor: others who use the machine then matter little. `--double` gives
scikit-learn the same numbers as float64, which it needs to be as accurate. `--wide` takes 50,000 x
768 made vectors.
Errors are against scikit-learn's PCA in float64: the largest of any component's entry, and of any
explained variance by the largest of them.
"""

from __future__ import annotations

import argparse
import os
import pathlib
import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

import kith


def descriptors(rows: int) -> np.ndarray:
    """float32 (n, 128)."""
    path = pathlib.Path(os.environ["KITH_DATA"]) / "descriptors" / "base.u8bin"
    n, dim = np.fromfile(path, np.uint32, 2)
    data = np.memmap(path, np.uint8, "r", offset=8, shape=(int(n), int(dim)))
    return np.asarray(data[:rows] if rows else data, np.float32)


def made(rows: int, dim: int) -> np.ndarray:
    """Normal numbers whose deviations fall as 1 / sqrt(rank), mixed; their mean is not 0."""
    rng = np.random.default_rng(1)
    mix = np.linalg.qr(rng.normal(size=(dim, dim)))[0].astype(np.float32)
    mix *= (np.arange(1, dim + 1) ** -0.5).astype(np.float32)[:, None]
    x = rng.standard_normal((rows, dim), np.float32) @ mix
    return x + rng.normal(size=dim).astype(np.float32)


def seconds(call: Callable[[], Any], threads: int) -> float:
    clock = time.process_time if threads == 1 else time.perf_counter
    start = clock()
    call()
    return clock() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dim", type=int, default=64)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument("--made", action="store_true")
    parser.add_argument("--wide", action="store_true")
    parser.add_argument("--double", action="store_true")
    args = parser.parse_args()
    if args.wide:
        x = made(args.rows or 50_000, 768)
    elif args.made or "KITH_DATA" not in os.environ:
        x = made(args.rows or 400_000, 128)
    else:
        x = descriptors(args.rows)
    print(f"{x.shape[0]:,} x {x.shape[1]} to {args.dim} dimensions, {args.threads} thread(s)")

    ours = kith.Reducer(args.dim, n_jobs=args.threads)
    theirs = PCA(args.dim)
    given = x.astype(np.float64) if args.double else x
    steps: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
        "fit": (lambda: ours.fit(x), lambda: theirs.fit(given)),
        "transform": (lambda: ours.transform(x), lambda: theirs.transform(given)),
        "fit and transform": (lambda: ours.fit_transform(x), lambda: theirs.fit_transform(given)),
    }
    with threadpool_limits(args.threads):
        for name, (our_step, their_step) in steps.items():
            our_step(), their_step()
            taken = [
                (seconds(our_step, args.threads), seconds(their_step, args.threads))
                for _ in range(args.runs)
            ]
            us, them = (statistics.median(column) for column in zip(*taken, strict=True))
            print(
                f"{name:18} kith {us:.3f} s, scikit-learn {them:.3f} s "
                f"({theirs._fit_svd_solver}): {them / us:.2f} times as fast"
            )
        exact = PCA(args.dim, svd_solver="covariance_eigh").fit(x.astype(np.float64))
    for name, components, variances in (
        ("kith", ours.components_, ours.explained_variance_),
        ("scikit-learn", theirs.components_, theirs.explained_variance_),
    ):
        entries = np.abs(components - exact.components_).max()
        variance = np.abs(variances - exact.explained_variance_).max()
        print(
            f"{name:13} off float64: components {entries:.1e}, "
            f"variances {variance / exact.explained_variance_[0]:.1e}"
        )
    image = exact.transform(x[:1000].astype(np.float64))
    scale = np.abs(image).max()
    print(
        f"images of kith off float64: {np.abs(ours.transform(x[:1000]) - image).max() / scale:.1e}"
    )


if __name__ == "__main__":
    main()
