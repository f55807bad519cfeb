"""The data sets of bench/compare: base, queries, true neighbours and how recall is counted."""
import gzip
import hashlib
import os
import subprocess
import sys
from functools import cached_property

import numpy as np

import makers
from catalogue import ALL_SETS, BASES
from vector_files import evenly, read_bin, write_bin

K = 10
# As kith's own RecallAtK: relative to the distance of the k-th true neighbour, for rounding.
TOLERANCE = 1e-3
TRUTH_CANDIDATES = 30
NUM_QUERIES = 2000
QUICK_QUERIES = 1000
QUICK_SENTENCES = 30_000
TRUTH_BLOCK = 100
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


def read_words(source):
    with open(f"{source}/words/words-en-100d.bin", "rb") as file:
        count, dim = map(int, file.readline().split())
        words = np.empty((count, dim), np.float32)
        for row in words:
            while file.read(1) != b" ":
                pass
            row[:] = np.frombuffer(file.read(4 * dim), np.float32)
    return words


def hold_out(rows, wanted):
    held_out = np.zeros(len(rows), bool)
    held_out[evenly(len(rows), wanted)] = True
    return rows[~held_out], rows[held_out]


def make_words(source, base, queries):
    rows, held_out = hold_out(read_words(source), NUM_QUERIES)
    write_bin(base, rows)
    write_bin(queries, held_out)


def make_quick_descriptors(source, base, queries):
    rows = read_bin(f"{source}/descriptors/base.u8bin")
    write_bin(base, rows[evenly(len(rows), 50_000)])
    rows = read_bin(f"{source}/descriptors/queries.u8bin")
    write_bin(queries, rows[evenly(len(rows), QUICK_QUERIES)])


def make_quick_words(source, base, queries):
    """The most frequent ones: the file is ordered by that."""
    rows, held_out = hold_out(read_words(source)[:31_000], QUICK_QUERIES)
    write_bin(base, rows)
    write_bin(queries, held_out)


def make_listening(source, base, queries):
    script = os.path.join(HERE, "factor_listening.py")
    plays = f"{source}/listening/user_artists.dat"
    subprocess.run([sys.executable, script, plays, base, queries], check=True)


def make_texts(source, base, queries):
    """Those of titles too: both sets have the same base."""
    folder = os.path.dirname(base)
    makers.make("make_texts.py", f"{source}/texts/sentences.tsv.gz", base,
                f"{folder}/texts-queries.fbin", f"{folder}/titles-queries.fbin")


def make_quick_texts(source, base, queries):
    makers.make("make_texts.py", f"{source}/texts/sentences.tsv.gz", base, queries,
                "--rows", str(QUICK_SENTENCES))


def make_transformer(source, base, queries):
    makers.make("make_transformer.py", f"{source}/texts/sentences.tsv.gz", base, queries)


def make_pictures(source, base, queries):
    makers.make("make_pictures.py", f"{source}/photos", base, queries)


MAKERS = {
    "descriptors": make_descriptors,
    "million": make_million,
    "mnist": make_mnist,
    "words": make_words,
    "listening": make_listening,
    "texts": make_texts,
    "titles": make_texts,
    "transformer": make_transformer,
    "pictures": make_pictures,
    "quick-descriptors": make_quick_descriptors,
    "quick-words": make_quick_words,
    "quick-texts": make_quick_texts,
}


class DataSet:
    """`base` and `queries`, read when first asked for; their paths for kith."""

    def __init__(self, name, source, folder):
        self.name = name
        self.title, self.metric, ending = ALL_SETS[name]
        self.base_name = BASES.get(name, name)
        self.base_path = os.path.join(folder, f"{self.base_name}-base.{ending}")
        self.queries_path = os.path.join(folder, f"{name}-queries.{ending}")
        if not (os.path.exists(self.base_path) and os.path.exists(self.queries_path)):
            os.makedirs(folder, exist_ok=True)
            print(f"making the data set {name}", file=sys.stderr, flush=True)
            MAKERS[name](source, self.base_path, self.queries_path)
        self.rows, self.dim = map(int, np.fromfile(self.base_path, np.uint32, 2))
        self.dtype = np.uint8 if ending == "u8bin" else np.float32

    @cached_property
    def base(self):
        return read_bin(self.base_path)

    @cached_property
    def queries(self):
        return read_bin(self.queries_path)

    @cached_property
    def hashes(self):
        """SHA-256 of the two files."""
        out = {}
        for part, path in (("base", self.base_path), ("queries", self.queries_path)):
            with open(path, "rb") as file:
                out[part] = hashlib.file_digest(file, "sha256").hexdigest()
        return out

    @cached_property
    def hash(self):
        return hashlib.sha256(self.base.tobytes()).hexdigest()[:12]

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

    def _kth_distances(self):
        """By float32 products the best few, and of these the k-th by float64."""
        base = self.floats(self.base)
        squares = np.einsum("ij,ij->i", base, base) if self.metric == "euclidean" else 0
        ids = []
        for start in range(0, len(self.queries), TRUTH_BLOCK):
            queries = self.floats(self.queries[start : start + TRUTH_BLOCK])
            scores = squares - (2 if self.metric == "euclidean" else 1) * (queries @ base.T)
            ids.append(np.argpartition(scores, TRUTH_CANDIDATES, axis=1)[:, :TRUTH_CANDIDATES])
        return np.sort(self.distances(np.concatenate(ids)), axis=1)[:, K - 1]

    @cached_property
    def limits(self):
        """The largest distance that counts as found, for every query."""
        key = hashlib.sha256("".join(self.hashes.values()).encode()).hexdigest()[:12]
        path = os.path.join(os.path.dirname(self.base_path), f"{self.name}-truth-{key}.npy")
        if not os.path.exists(path):
            np.save(path, self._kth_distances())
        kth = np.load(path)
        return kth + TOLERANCE * np.abs(kth)

    def recall_of(self, ids):
        """The share of the true neighbours among `ids` [num_queries, K], counted by distance."""
        ids = np.asarray(ids, np.int64)
        found = (ids >= 0) & (ids < len(self.base))
        for j in range(1, K):
            found[:, j] &= (ids[:, :j] != ids[:, j : j + 1]).all(axis=1)
        distances = self.distances(np.where(found, ids, 0))
        return float((found & (distances <= self.limits[:, None])).mean())
