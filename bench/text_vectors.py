"""Makes vectors of the sentences of KITH_DATA, as people make them who search texts.

  text_vectors.py FOLDER        writes texts-base.fbin and texts-queries.fbin, 256 dimensions

A text's vector is the mean of its tokens' vectors, scaled to length 1, by the table and the tokenizer
that the package wordllama has in it (MIT; `bench/run plan` installs it with numpy, safetensors and
tokenizers). Every 1,000th sentence is a query. Half a million take about a minute.
"""
import glob
import gzip
import importlib.util
import os
import sys

import numpy as np
from safetensors.numpy import load_file
from tokenizers import Tokenizer

QUERY_EVERY = 1000
AT_ONCE = 10_000


def write(path, rows):
    with open(path + ".part", "wb") as file:
        np.array(rows.shape, dtype="<u4").tofile(file)
        rows.astype("<f4").tofile(file)
    os.replace(path + ".part", path)


def main():
    folder = sys.argv[1]
    package = importlib.util.find_spec("wordllama").submodule_search_locations[0]
    (weights,) = glob.glob(f"{package}/weights/l2_supercat_256.safetensors")
    (config,) = glob.glob(f"{package}/tokenizers/l2_supercat_tokenizer_config.json")
    (table,) = load_file(weights).values()
    table = table.astype(np.float32)
    tokenizer = Tokenizer.from_file(config)
    with gzip.open(f"{os.environ['KITH_DATA']}/texts/sentences.tsv.gz", "rt", encoding="utf8") as f:
        sentences = [line.rstrip("\n").split("\t")[-1] for line in f]
    vectors = np.zeros((len(sentences), table.shape[1]), np.float32)
    for begin in range(0, len(sentences), AT_ONCE):
        part = sentences[begin : begin + AT_ONCE]
        for i, text in enumerate(tokenizer.encode_batch(part, add_special_tokens=False)):
            if text.ids:
                vectors[begin + i] = table[text.ids].mean(axis=0)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    queries = np.arange(len(vectors)) % QUERY_EVERY == 0
    write(os.path.join(folder, "texts-queries.fbin"), vectors[queries])
    # In a random order, so that the first are a sample of all.
    write(os.path.join(folder, "texts-base.fbin"),
          np.random.default_rng(1).permutation(vectors[~queries]))


if __name__ == "__main__":
    main()
