"""Makes vectors of the sentences of KITH_DATA, as people make them who search texts.

  text_vectors.py FOLDER        writes texts-base.fbin and texts-queries.fbin, 256 dimensions

They are those of embed_texts.py, of all sentences; every 1,000th is a query. Half a million take
about a minute.
"""
import os
import sys

import numpy as np
from embed_texts import embed, read_column

QUERY_EVERY = 1000


def write(path, rows):
    with open(path + ".part", "wb") as file:
        np.array(rows.shape, dtype="<u4").tofile(file)
        rows.astype("<f4").tofile(file)
    os.replace(path + ".part", path)


def main():
    folder = sys.argv[1]
    vectors = embed(read_column(f"{os.environ['KITH_DATA']}/texts/sentences.tsv.gz", -1))
    queries = np.arange(len(vectors)) % QUERY_EVERY == 0
    write(os.path.join(folder, "texts-queries.fbin"), vectors[queries])
    # In a random order, so that the first are a sample of all.
    write(os.path.join(folder, "texts-base.fbin"),
          np.random.default_rng(1).permutation(vectors[~queries]))


if __name__ == "__main__":
    main()
