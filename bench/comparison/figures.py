#!/usr/bin/env python3
"""Draws what bench/compare measured, as SVG and PNG.

usage: figures.py FIGURES.json FOLDER

FIGURES.json is what report.py writes. The plots are compare-batch, compare-threads, compare-one
(recall against queries a second) and compare-costs.
"""
from __future__ import annotations

import json
import os
import sys

import matplotlib

matplotlib.use("agg")
import matplotlib.pyplot as plt  # noqa: E402
from matplotlib.ticker import FuncFormatter  # noqa: E402

from styles import KITH, STYLES, label, merged, place, style  # noqa: E402

TITLES = {"batch": "queries a second, one thread, one call",
          "threads": "queries a second, {threads} threads, one call",
          "one": "queries a second, one thread, one query a call"}
COLUMNS = 3
LEAST_RECALL, MOST_RECALL = 0.78, 0.9997
TICKS = [0.8, 0.9, 0.95, 0.99, 0.999]


def use_style() -> None:
    plt.rcParams.update({"font.size": 9, "svg.hashsalt": "kith", "svg.fonttype": "none",
                         "font.family": "sans-serif"})


def save(figure, folder: str, name: str) -> None:
    figure.savefig(os.path.join(folder, f"{name}.svg"), metadata={"Date": None})
    figure.savefig(os.path.join(folder, f"{name}.png"), dpi=110)
    plt.close(figure)


def draw_curves(axis, curves: dict) -> dict:
    lines = {}
    for name, curve in merged(curves).items():
        points = [p for p in curve if p[0] >= LEAST_RECALL]
        if not points:
            continue
        colour, dashes, title = style(name)
        ours = name.startswith("kith")
        options = {"color": colour, "linestyle": dashes, "zorder": 5 if ours else 3,
                   "linewidth": 2.4 if name == "kith" else 1.3}
        if name == "kith exact":  # one speed, whatever the recall
            line = axis.axhline(points[-1][1], **options)
        else:
            shown = [(min(recall, MOST_RECALL), qps) for recall, qps in points]
            (line,) = axis.plot(*zip(*shown), marker="o", markersize=3.5 if name == "kith" else 2.5,
                                **options)
        lines[title] = line
    return lines


def prepare(axis, title: str) -> None:
    # As logits: 0.9, 0.99 and 0.999 are equally far apart.
    axis.set_xscale("logit", one_half="0.5")
    axis.set_xlim(LEAST_RECALL, MOST_RECALL)
    axis.set_xticks(TICKS, [f"{t:g}" for t in TICKS])
    axis.set_xticks([], minor=True)
    axis.set_yscale("log")
    axis.yaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,.0f}"))
    axis.set_title(title, fontsize=10)
    axis.set_xlabel("recall@10")
    axis.grid(alpha=0.25, which="major", linewidth=0.6)
    axis.grid(alpha=0.12, which="minor", linewidth=0.4)
    axis.spines[["top", "right"]].set_visible(False)


def curves_figure(panels: list[tuple[str, dict]], ylabel: str):
    """Of (title, {name: [(recall, qps)]}), a panel for each."""
    columns = min(len(panels), COLUMNS)
    rows = -(-len(panels) // columns)
    figure, axes = plt.subplots(rows, columns, squeeze=False, layout="constrained",
                                figsize=(max(4.1 * columns, 7), 3.6 * rows + 0.9))
    lines: dict = {}
    for axis, (title, curves) in zip(axes.flat, panels):
        lines |= draw_curves(axis, curves)
        prepare(axis, title)
    for axis in list(axes.flat)[len(panels):]:
        axis.set_axis_off()
    for axis in axes[:, 0]:
        axis.set_ylabel(ylabel, fontsize=8.5)
    order = sorted(lines, key=[s[3] for s in STYLES].index)
    figure.legend([lines[title] for title in order], order, frameon=False, fontsize=8.5,
                  loc="outside lower center", ncols=min(len(order), 2 * columns + 1))
    return figure


def plot_cost(axis, values: dict) -> None:
    """A dot for each system, on a logarithmic scale: bars would have no beginning."""
    most, least = max(values.values()), min(values.values())
    for i, name in enumerate(sorted(values, key=place)):
        value = values[name]
        colour = KITH if name.startswith("kith") else "#475569"
        axis.plot(value, i, marker="o", markersize=7 if name == "kith" else 4.5, color=colour)
        text = f"{value:,.0f}" if value >= 20 else f"{value:.1f}" if value >= 1 else f"{value:.2f}"
        axis.annotate(text, (value, i), xytext=(6, 0), textcoords="offset points", va="center",
                      fontsize=7, color=colour, fontweight="bold" if name == "kith" else "normal")
    axis.set_xscale("log")
    axis.set_xlim(least / 1.5, most * (most / least) ** 0.28 * 1.3)
    axis.xaxis.set_major_formatter(FuncFormatter(lambda v, _: f"{v:,g}"))
    axis.minorticks_off()
    axis.set_ylim(len(values) - 0.5, -0.5)
    axis.set_yticks(range(len(values)), [])
    axis.grid(alpha=0.3, linewidth=0.6)
    axis.tick_params(axis="y", length=0)
    axis.tick_params(axis="x", labelsize=7)
    axis.spines[["top", "right", "left"]].set_visible(False)


def plot_costs(panels: list[dict], folder: str) -> None:
    costs = list(panels[0]["costs"]["kith"])
    most = max(len(p["costs"]) for p in panels)
    figure, axes = plt.subplots(
        len(panels), len(costs), squeeze=False, layout="constrained",
        figsize=(2.5 * len(costs) + 1.6, len(panels) * (0.19 * most + 0.7)))
    for row, (cells, panel) in enumerate(zip(axes, panels)):
        names = sorted(panel["costs"], key=place)
        for axis, cost in zip(cells, costs):
            plot_cost(axis, {name: found[cost] for name, found in panel["costs"].items()})
            if row == 0:
                axis.set_title(cost, fontsize=9.5)
        cells[0].set_yticks(range(len(names)), [label(name, names) for name in names], fontsize=8)
        for text, name in zip(cells[0].get_yticklabels(), names):
            text.set_color(KITH if name.startswith("kith") else "#1e293b")
        cells[0].set_ylabel(panel["title"], fontsize=9.5)
    save(figure, folder, "compare-costs")


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1]) as file:
        panels = json.load(file)
    use_style()
    for mode, ylabel in TITLES.items():
        shown = [(p["title"], p["curves"][mode]) for p in panels if p["curves"][mode]]
        if shown:
            save(curves_figure(shown, ylabel.format(threads=panels[0]["threads"])), sys.argv[2],
                 f"compare-{mode}")
    plot_costs(panels, sys.argv[2])


if __name__ == "__main__":
    main()
