#!/usr/bin/env python3
"""Vectors of sentences, as a static model of embeddings makes them.

usage: embed_texts.py sentences.tsv.gz OUTPUT.npy [MOST] [--titles]

The model is the table that the package wordllama 0.4.0 brings (MIT): a sentence's vector is the
mean of its tokens' rows, of length 1. The input has a sentence in the last of its columns,
separated by tabs; MOST of them (160,000) are taken, evenly spread. With --titles, these are the
titles of the articles, in the second column, each once. The output: float32 (n, 256).
"""

from __future__ import annotations

import gzip
import importlib.util
import pathlib
import sys

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer


def files_of_model() -> tuple[pathlib.Path, pathlib.Path]:
    spec = importlib.util.find_spec("wordllama")
    if spec is None or spec.origin is None:
        sys.exit("install wordllama==0.4.0.post1")
    folder = pathlib.Path(spec.origin).parent
    return (
        folder / "weights" / "l2_supercat_256.safetensors",
        folder / "tokenizers" / "l2_supercat_tokenizer_config.json",
    )


def embed(texts: list[str]) -> np.ndarray:
    """float32 (n, 256) of length 1; zeros of a text without tokens."""
    weights, vocabulary = files_of_model()
    table = next(iter(load_file(weights).values())).astype(np.float32)
    tokenizer = Tokenizer.from_file(str(vocabulary))
    tokenizer.no_padding()
    vectors = np.zeros((len(texts), table.shape[1]), np.float32)
    for begin in range(0, len(texts), 1000):
        part = texts[begin : begin + 1000]
        encoded = tokenizer.encode_batch(part, add_special_tokens=False)
        for row, tokens in enumerate(encoded, begin):
            if tokens.ids:
                vectors[row] = table[tokens.ids].mean(axis=0)
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths > 0, lengths, 1)


def read_column(path: str, column: int) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8") as file:
        return [line.rstrip("\n").split("\t")[column] for line in file]


def main() -> None:
    given = [word for word in sys.argv[1:] if word != "--titles"]
    if len(given) not in (2, 3):
        sys.exit(__doc__)
    most = int(given[2]) if len(given) == 3 else 160_000
    texts = read_column(given[0], -1)
    if "--titles" in sys.argv:
        texts = list(dict.fromkeys(read_column(given[0], 1)))
    np.save(given[1], embed(texts[:: max(1, len(texts) // most)][:most]))


if __name__ == "__main__":
    main()
