#!/usr/bin/env python3
"""Draws recall against speed from the tables that bench/run writes.

usage: plot_curves.py OUT.svg TITLE=CURVES.tsv...

Each table has the columns name, setting, recall, qps. One panel for each, side by side.
"""
import csv
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402

COLOURS = {"kith": "#c2410c", "Annoy": "#2563eb", "MRPT": "#15803d"}


def read(path):
    curves = {}
    with open(path, newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            curves.setdefault(row["name"], []).append((float(row["recall"]), float(row["qps"])))
    return curves


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    panels = [argument.split("=", 1) for argument in sys.argv[2:]]
    plt.rcParams.update({"font.size": 9, "svg.hashsalt": "kith", "font.family": "sans-serif"})
    figure, axes = plt.subplots(
        1, len(panels), figsize=(3.6 * len(panels), 3.4), layout="constrained", squeeze=False
    )
    for axis, (title, path) in zip(axes[0], panels):
        for name, points in read(path).items():
            points = [p for p in points if p[0] >= 0.68]
            axis.plot(
                *zip(*points), marker="o", markersize=3, linewidth=1.5, label=name,
                color=COLOURS.get(name),
            )
        # As logits: 0.9, 0.99 and 0.999 are equally far apart.
        axis.set_xscale("logit", one_half="0.5")
        axis.set_xlim(0.68, 0.9992)
        ticks = [0.7, 0.8, 0.9, 0.95, 0.99, 0.999]
        axis.set_xticks(ticks, [f"{t:g}" for t in ticks])
        axis.set_xticks([], minor=True)
        axis.set_yscale("log")
        axis.set_title(title)
        axis.set_xlabel("recall@10")
        axis.grid(alpha=0.25, which="both", linewidth=0.5)
    axes[0][0].set_ylabel("queries a second, one thread")
    axes[0][-1].legend(frameon=False)
    figure.savefig(sys.argv[1], metadata={"Date": None})


if __name__ == "__main__":
    main()
