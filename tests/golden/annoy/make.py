#!/usr/bin/env python3
"""Writes the files and answers of this directory with Annoy (package `annoy` 1.17.3) and numpy.

    make.py DIR
"""
import sys
from pathlib import Path

import numpy as np
from annoy import AnnoyIndex

# name: metric, dimension, items, trees, every how many ids there is an item
FILES = {
    "angular": ("angular", 8, 60, 3, 1),
    "euclidean": ("euclidean", 8, 60, 3, 1),
    "manhattan": ("manhattan", 8, 60, 3, 1),
    "dot": ("dot", 8, 60, 3, 1),
    "hamming": ("hamming", 70, 60, 3, 1),
    "holes": ("angular", 8, 30, 3, 3),
    "one_leaf": ("euclidean", 8, 5, 3, 1),
    "one_item": ("dot", 8, 1, 2, 40),
}
# n, search_k
SEARCHES = [(10, -1), (3, 8), (1, 1), (100, 100000), (5, 0)]


def main():
    directory = Path(sys.argv[1])
    for number, (name, (metric, dim, items, trees, step)) in enumerate(FILES.items()):
        random = np.random.default_rng(number)
        vectors = random.normal(size=(items, dim)).astype(np.float32)
        queries = random.normal(size=(4, dim)).astype(np.float32)
        vectors[items // 2] = vectors[0]
        if items > 10:
            vectors[7] = 0
        if metric == "hamming":
            vectors, queries = (vectors > 0).astype(np.float32), (queries > 0).astype(np.float32)
        index = AnnoyIndex(dim, metric)
        for i, vector in enumerate(vectors):
            index.add_item((i + 1) * step - 1, vector.tolist())
        index.build(trees, n_jobs=1)
        index.save(str(directory / f"{name}.ann"))
        lines = [f"{metric} {dim} {index.get_n_items()} {index.get_n_trees()}"]
        asked = [[float(i)] for i in range(0, index.get_n_items(), 7)] + queries.tolist()
        for query in asked:
            for n, search_k in SEARCHES:
                if len(query) == 1:
                    found = index.get_nns_by_item(int(query[0]), n, search_k, True)
                else:
                    found = index.get_nns_by_vector(query, n, search_k, True)
                words = [n, search_k, len(query), *query, len(found[0]), *found[0], *found[1]]
                lines.append(" ".join(f"{w:.9g}" for w in words))
        (directory / f"{name}.answers").write_text("\n".join(lines) + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
