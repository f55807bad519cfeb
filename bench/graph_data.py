"""The data sets of graph_rivals.py: base, queries, true neighbours and how recall is counted."""
import gzip
import hashlib
import os
import subprocess
import sys

import faiss
import numpy as np

from vector_files import evenly, read_bin, write_bin

K = 10
# As kith's own RecallAtK: relative to the distance of the k-th true neighbour, for rounding.
TOLERANCE = 1e-3
TRUTH_CANDIDATES = 30
NUM_QUERIES = 2000
HERE = os.path.dirname(os.path.abspath(__file__))


def make_descriptors(source, base, queries):
    write_bin(base, read_bin(f"{source}/descriptors/base.u8bin"))
    write_bin(queries, read_bin(f"{source}/descriptors/queries.u8bin"))


def make_million(source, base, queries):
    script = os.path.join(HERE, "make_descriptors.py")
    subprocess.run([sys.executable, script, f"{source}/photos", base, queries], check=True)


def make_mnist(source, base, queries):
    def images(name):
        with gzip.open(f"{source}/mnist/{name}-images-idx3-ubyte.gz") as file:
            return np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 784)

    write_bin(base, images("train"))
    test = images("t10k")
    write_bin(queries, test[evenly(len(test), NUM_QUERIES)])


def make_words(source, base, queries):
    with open(f"{source}/words/words-en-100d.bin", "rb") as file:
        count, dim = map(int, file.readline().split())
        words = np.empty((count, dim), np.float32)
        for row in words:
            while file.read(1) != b" ":
                pass
            row[:] = np.frombuffer(file.read(4 * dim), np.float32)
    held_out = np.zeros(count, bool)
    held_out[evenly(count, NUM_QUERIES)] = True
    write_bin(base, words[~held_out])
    write_bin(queries, words[held_out])


def make_listening(source, base, queries):
    script = os.path.join(HERE, "factor_listening.py")
    plays = f"{source}/listening/user_artists.dat"
    subprocess.run([sys.executable, script, plays, base, queries], check=True)


# Name: title, metric, ending of its files, maker.
SETS = {
    "descriptors": ("photo descriptors, 400 k", "euclidean", "u8bin", make_descriptors),
    "million": ("photo descriptors, a million", "euclidean", "u8bin", make_million),
    "mnist": ("MNIST", "euclidean", "u8bin", make_mnist),
    "words": ("word vectors", "angular", "fbin", make_words),
    "listening": ("listening factors", "dot", "fbin", make_listening),
}


class DataSet:
    """`base` and `queries` as read, `base_path` and `queries_path` for kith."""

    def __init__(self, name, source, folder):
        self.name = name
        self.title, self.metric, ending, make = SETS[name]
        self.base_path = os.path.join(folder, f"{name}-base.{ending}")
        self.queries_path = os.path.join(folder, f"{name}-queries.{ending}")
        if not (os.path.exists(self.base_path) and os.path.exists(self.queries_path)):
            os.makedirs(folder, exist_ok=True)
            print(f"making the data set {name}", file=sys.stderr)
            make(source, self.base_path, self.queries_path)
        self.base = read_bin(self.base_path)
        self.queries = read_bin(self.queries_path)
        digest = hashlib.sha256(self.base.tobytes())
        self.hash = digest.hexdigest()[:12]
        digest.update(self.queries.tobytes())
        self._truth_path = os.path.join(folder, f"{name}-truth-{digest.hexdigest()[:12]}.npy")
        self._limits = None

    def floats(self, rows):
        """As the rivals are given them: float32, of unit length for the angular metric."""
        out = rows.astype(np.float32)
        if self.metric == "angular":
            norms = np.linalg.norm(out, axis=1, keepdims=True)
            out /= np.where(norms > 0, norms, 1)
        return out

    def distances(self, ids):
        """Of every query to its `ids` [num_queries, k], as kith states them, in float64."""
        out = np.empty(ids.shape)
        for i, row in enumerate(ids):
            near = self.base[row].astype(np.float64)
            query = self.queries[i].astype(np.float64)
            if self.metric == "euclidean":
                out[i] = np.sqrt(((near - query) ** 2).sum(axis=1))
                continue
            out[i] = -(near @ query)
            if self.metric == "angular":
                norms = np.linalg.norm(near, axis=1) * np.linalg.norm(query)
                out[i] = 1 + out[i] / np.where(norms > 0, norms, np.inf)
        return out

    def limits(self):
        """The largest distance that counts as found, for every query."""
        if self._limits is None:
            if not os.path.exists(self._truth_path):
                euclidean = self.metric == "euclidean"
                _, ids = faiss.knn(
                    self.floats(self.queries), self.floats(self.base), TRUTH_CANDIDATES,
                    metric=faiss.METRIC_L2 if euclidean else faiss.METRIC_INNER_PRODUCT,
                )
                np.save(self._truth_path, np.sort(self.distances(ids), axis=1)[:, K - 1])
            kth = np.load(self._truth_path)
            self._limits = kth + TOLERANCE * np.abs(kth)
        return self._limits

    def recall(self, ids):
        """The share of the true neighbours among `ids` [num_queries, K], counted by distance."""
        ids = ids.astype(np.int64)
        found = (ids >= 0) & (ids < len(self.base))
        for j in range(1, K):
            found[:, j] &= (ids[:, :j] != ids[:, j : j + 1]).all(axis=1)
        distances = self.distances(np.where(found, ids, 0))
        return float((found & (distances <= self.limits()[:, None])).mean())
