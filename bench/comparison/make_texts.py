#!/usr/bin/env python3
"""Makes static embeddings of sentences, and queries: other sentences, or titles.

usage: make_texts.py sentences.tsv.gz BASE.fbin QUERIES.fbin [TITLES.fbin] [--rows NUM_BASE]

The model is the table of the package wordllama: a sentence's vector is the mean of its tokens'
rows, of length 1 (bench/embed_texts.py). The base is all other sentences, in a random order, or
NUM_BASE of them. Queries are 2,000 sentences that are not in the base; TITLES are those of 2,000
articles: short where sentences are long, so queries of another kind than the base. The output: u32
rows, u32 dimensions, f32 rows.
"""
from __future__ import annotations

import argparse
import os
import sys

import sentences
from vector_files import evenly, write_bin

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from embed_texts import embed  # noqa: E402

NUM_QUERIES = 2_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("sentences", "base", "queries"):
        parser.add_argument(name)
    parser.add_argument("titles", nargs="?")
    parser.add_argument("--rows", type=int)
    args = parser.parse_args()
    texts, titles = sentences.read(args.sentences)
    base, queries = sentences.split(texts, NUM_QUERIES, args.rows)
    if args.titles:
        write_bin(args.titles, embed([titles[i] for i in evenly(len(titles), NUM_QUERIES)]))
    write_bin(args.queries, embed([texts[i] for i in queries]))
    write_bin(args.base, embed([texts[i] for i in base]))


if __name__ == "__main__":
    main()
