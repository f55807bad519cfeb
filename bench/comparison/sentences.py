"""The sentences and titles of KITH_DATA, as the makers of text vectors take them."""
from __future__ import annotations

import gzip
from collections import Counter

import numpy as np

from vector_files import evenly

ORDER_SEED = 42


def read(path: str) -> tuple[list[str], list[str]]:
    """All sentences in the order of the file, and the titles of the articles, each once."""
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [line.rstrip("\n").split("\t") for line in file]
    return [row[-1] for row in rows], list(dict.fromkeys(row[1] for row in rows))


def split(sentences: list[str], num_queries: int, num_base: int | None = None) -> tuple:
    """Which sentences are the base, and which the queries: two arrays of row numbers.

    Queries are evenly spread over those sentences that are there once, so that none of them is in
    the base too. The base is all others, or `num_base` of those that are there once, in a random
    order: its first rows are a sample of it.
    """
    counts = Counter(sentences)
    single = np.array([i for i, text in enumerate(sentences) if counts[text] == 1])
    if num_base is not None:
        single = single[evenly(len(single), num_base + num_queries)]
    queries = single[evenly(len(single), num_queries)]
    rest = np.setdiff1d(np.arange(len(sentences)) if num_base is None else single, queries)
    return np.random.default_rng(ORDER_SEED).permutation(rest), queries
