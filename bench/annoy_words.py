"""Words asked as the tool of 2013 over Annoy asks them, to be timed beside `kith words`.

    annoy_words.py build FILE.bin OUT    40 trees over the vectors, words in LMDB
    annoy_words.py ask OUT WORD...       a sum of unit vectors, search_k 100,000, ten words

Our own code in its manner: angular distance, 40 trees, words and numbers in LMDB.
"""

import shutil
import sys
from pathlib import Path

import lmdb
import numpy as np
from annoy import AnnoyIndex


def rows(path):
    """(word, vector) of each row of a word2vec binary file."""
    with open(path, "rb") as file:
        count, dim = map(int, file.readline().split())
        for _ in range(count):
            word = bytearray()
            while (c := file.read(1)) != b" ":
                if c != b"\n":
                    word += c
            yield bytes(word), np.frombuffer(file.read(4 * dim), np.float32)


def build(path, out):
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    index = None
    env = lmdb.open(str(out / "words"), map_size=1 << 34)
    with env.begin(write=True) as txn:
        for i, (word, vector) in enumerate(rows(path)):
            if index is None:
                index = AnnoyIndex(len(vector), "angular")
            index.add_item(i, vector)
            txn.put(b"w" + word, str(i).encode())
            txn.put(b"i" + str(i).encode(), word)
    index.build(40)
    index.save(str(out / "trees.ann"))
    (out / "dim").write_text(str(index.f))


def ask(out, words):
    index = AnnoyIndex(int((out / "dim").read_text()), "angular")
    index.load(str(out / "trees.ann"))
    env = lmdb.open(str(out / "words"), readonly=True, lock=False)
    with env.begin() as txn:
        ids = [int(txn.get(b"w" + word.encode())) for word in words]
        total = np.zeros(index.f)
        for i in ids:
            vector = np.array(index.get_item_vector(i))
            total += vector / np.linalg.norm(vector)
        found, distances = index.get_nns_by_vector(total, 10 + len(ids), 100_000, True)
        shown = 0
        for i, distance in zip(found, distances):
            if i in ids or shown == 10:
                continue
            shown += 1
            print(f"{txn.get(b'i' + str(i).encode()).decode()}\t{1 - distance**2 / 2:.6f}")


if __name__ == "__main__":
    if len(sys.argv) == 4 and sys.argv[1] == "build":
        build(sys.argv[2], Path(sys.argv[3]))
    elif len(sys.argv) > 3 and sys.argv[1] == "ask":
        ask(Path(sys.argv[2]), sys.argv[3:])
    else:
        sys.exit(__doc__)
