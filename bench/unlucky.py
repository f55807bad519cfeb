#!/usr/bin/env python3
"""What the unlucky queries find, and those of another kind: sentences, and titles among sentences.

    bench/run unlucky [ROWS]

Of ROWS (50,000) sentences, a graph is asked with 10,000 others: for a mean recall@10 of .90, and
for what 95 % of the queries are to reach (`worst`), beside the least effort for all that gives the
same share of queries the same. Then it is asked with titles of articles, and with sentences, for
mean recalls, with `drift="warn"` and with `drift="widen"`; and for the same when it was calibrated
with other titles, a hundredth as many as vectors and 640 at least, and when it was given edges for
them, too. Costs are nodes visited by a query; the ratio is that of both in one run.
"""

from __future__ import annotations

import argparse
import pathlib
import warnings

import numpy as np
import recall_sets

import kith

K = 10
TOLERANCE = 1e-3  # kith eval counts alike
TITLES = 5000


class Asked:
    """Queries, their truth, and what searches for them find."""

    def __init__(self, index: kith.Index, queries: np.ndarray) -> None:
        self.index, self.queries = index, queries
        kth = index.search(queries, k=K, exact=True, n_jobs=-1)[1][:, -1].astype(np.float64)
        self.limit = kth + TOLERANCE * np.abs(kth)

    def recalls(self, **how: float | str) -> np.ndarray:
        found = self.index.search(self.queries, k=K, index="graph", n_jobs=-1, **how)[1]
        return (found <= self.limit[:, None]).mean(axis=1)

    def effort_of(self, recall: float) -> int:
        """The least effort for all that finds so much, to a twentieth."""
        effort = K
        while self.recalls(effort=effort).mean() < recall:
            effort = int(1.05 * effort) + 1
        return effort

    def nodes(self, **how: float | str) -> float:
        (point,) = self.index.evaluate(self.queries[:1000], k=K, index="graph", **how)
        return float(point["nodes"])


def share(recalls: np.ndarray, worst: float) -> float:
    return float((recalls >= worst - 1e-6).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--made", type=pathlib.Path, required=True, help="folder of made files")
    parser.add_argument("rows", type=int, nargs="?", default=50_000, metavar="ROWS")
    options = parser.parse_args()
    warnings.simplefilter("ignore", kith.DriftWarning)
    rows, others = recall_sets.taken_out(np.load(options.made / "sentences.npy"), options.rows)
    shuffled = np.random.default_rng(1).permutation(np.load(options.made / "titles.npy"))
    titles, samples = shuffled[:TITLES], shuffled[TITLES:][: max(640, options.rows // 100)]
    index = kith.build(rows, metric="angular", index="graph")
    sentences = Asked(index, others)

    print("| asked | mean | p5 | reach .7 | reach .8 | visits | with one effort for all | ratio |")
    print("|---|---|---|---|---|---|---|---|")
    for how in ({"recall": 0.9}, {"recall": 0.9, "worst": 0.7}, {"worst": 0.8}, {"worst": 0.9}):
        got, nodes = sentences.recalls(**how), sentences.nodes(**how)
        worst = how.get("worst", 0.8)
        effort = K
        while "worst" in how and share(sentences.recalls(effort=effort), worst) < share(got, worst):
            effort = int(1.05 * effort) + 1
        same = sentences.nodes(effort=[effort]) if "worst" in how else nodes
        print(
            f"| {how} | {got.mean():.3f} | {np.sort(got)[len(got) // 20]:.1f}"
            f" | {share(got, 0.7):.3f} | {share(got, 0.8):.3f} | {nodes:.1f} | {same:.1f}"
            f" | {nodes / same:.2f} |",
            flush=True,
        )
    print("\n| queries | drift | .80 | .90 | .95 |\n|---|---|---|---|---|")
    for name, asked in (("titles", Asked(index, titles)), ("sentences", sentences)):
        for drift in ("warn", "widen"):
            cells = []
            for recall in (0.8, 0.9, 0.95):
                found = asked.recalls(recall=recall, drift=drift).mean()
                nodes = asked.nodes(recall=recall, drift=drift)
                cells.append(f"{found:.3f} at {nodes:.1f} visits")
            print(f"| {name} | {drift} | {' | '.join(cells)} |", flush=True)
    print("\n| queries | edges | asked .80 | .90 | .95 | visits for .90 | for .95 |")
    print("|---|---|---|---|---|---|---|")
    for adapt in (False, True):
        index.calibrate(samples, k=[K], adapt=adapt)
        for name, asked in (("titles", Asked(index, titles)), ("sentences", sentences)):
            recalls = (asked.recalls(recall=recall).mean() for recall in (0.8, 0.9, 0.95))
            visits = (asked.nodes(effort=[asked.effort_of(recall)]) for recall in (0.9, 0.95))
            cells = [f"{r:.3f}" for r in recalls] + [f"{v:.1f}" for v in visits]
            print(f"| {name} | {'added' if adapt else '-'} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
