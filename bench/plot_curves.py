#!/usr/bin/env python3
"""Draws recall against speed from the tables that bench/run forest writes.

usage: plot_curves.py OUT.svg TITLE=CURVES.tsv...

Each table has the columns name, setting, recall, qps.
"""
import csv
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "comparison"))

import figures  # noqa: E402


def read(path):
    curves = {}
    with open(path, newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            name = "kith forest" if row["name"] == "kith" else row["name"]
            curves.setdefault(name, []).append((float(row["recall"]), float(row["qps"])))
    return curves


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    panels = [argument.split("=", 1) for argument in sys.argv[2:]]
    figures.use_style()
    figure = figures.curves_figure([(title, read(path)) for title, path in panels],
                                   "queries a second, one thread")
    figure.savefig(sys.argv[1], metadata={"Date": None})


if __name__ == "__main__":
    main()
