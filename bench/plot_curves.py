#!/usr/bin/env python3
"""Draws recall against speed from the tables that bench/run writes.

usage: plot_curves.py OUT.svg TITLE=CURVES.tsv...

Each table has the columns name, setting, recall, qps. One panel for each, three in a row.
"""
import csv
import sys

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402

PANELS_IN_A_ROW = 3
LEAST_RECALL = 0.68
# By how a name begins; the first one that fits.
STYLES = {
    "kith, batch": {"color": "#c2410c", "linestyle": "--"},
    "kith": {"color": "#c2410c", "linewidth": 2},
    "Annoy": {"color": "#2563eb"},
    "MRPT": {"color": "#15803d"},
    "hnswlib M=16": {"color": "#7e22ce", "label": "hnswlib M=16"},
    "hnswlib M=32": {"color": "#7e22ce", "linestyle": "--", "label": "hnswlib M=32"},
    "FAISS IVF": {"color": "#15803d"},
    "FAISS HNSW32,SQ8 direct": {"color": "#0e7490", "linestyle": "--"},
    "FAISS": {"color": "#0e7490"},
    "usearch M=16": {"color": "#a16207", "label": "usearch M=16"},
    "usearch M=32": {"color": "#a16207", "linestyle": "--", "label": "usearch M=32"},
}


def style(name):
    if name.startswith("FAISS IVF"):  # lists and codes differ with the data
        one = name.endswith("one a call")
        return {**STYLES["FAISS IVF"], "linestyle": "--" if one else "-",
                "label": "FAISS IVF,PQ4fs,RFlat" + (", one a call" if one else ", batch")}
    for start, found in STYLES.items():
        if name.startswith(start):
            return {"label": name, **found}
    return {"label": name}


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
    columns = min(len(panels), PANELS_IN_A_ROW)
    rows = -(-len(panels) // columns)
    figure, axes = plt.subplots(
        rows, columns, figsize=(3.6 * columns, 3.4 * rows), layout="constrained", squeeze=False
    )
    lines = {}
    for axis, (title, path) in zip(axes.flat, panels):
        for name, points in read(path).items():
            points = [p for p in points if LEAST_RECALL <= p[0]]
            if points:
                (line,) = axis.plot(*zip(*points), marker="o", markersize=2.5,
                                    **{"linewidth": 1.2, **style(name)})
                lines.setdefault(line.get_label(), line)
        # As logits: 0.9, 0.99 and 0.999 are equally far apart.
        axis.set_xscale("logit", one_half="0.5")
        axis.set_xlim(LEAST_RECALL, 0.9995)
        ticks = [0.7, 0.8, 0.9, 0.95, 0.99, 0.999]
        axis.set_xticks(ticks, [f"{t:g}" for t in ticks])
        axis.set_xticks([], minor=True)
        axis.set_yscale("log")
        axis.set_title(title)
        axis.grid(alpha=0.25, which="both", linewidth=0.5)
    for axis in axes[:, 0]:
        axis.set_ylabel("queries a second, one thread")
    for axis in list(axes.flat)[: len(panels)][-columns:]:
        axis.set_xlabel("recall@10")
    spare = list(axes.flat)[len(panels) :]
    for axis in spare:
        axis.set_axis_off()
    where = spare[0] if spare else axes.flat[-1]
    place = "center left" if spare else "best"
    starts = list(STYLES)
    lines = dict(sorted(lines.items(), key=lambda line: next(
        (i for i, start in enumerate(starts) if line[0].startswith(start)), len(starts))))
    where.legend(lines.values(), lines.keys(), frameon=False, loc=place, fontsize=8)
    figure.savefig(sys.argv[1], metadata={"Date": None})


if __name__ == "__main__":
    main()
