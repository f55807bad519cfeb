"""The libraries that kith is measured against, each behind the same few methods.

A system builds an index on a number of threads, saves it to a path (a file, or a folder of files)
and opens it again. `chains` are lists of settings in the order of growing effort. `search` answers
all queries in one call, where the package has such a call, and returns ids [num_queries, K];
`search_one` answers one, on one thread. A package is imported where it is used first, so that one
that could not be installed keeps no other away, and workers load their own only.
"""
from __future__ import annotations

import importlib

import numpy as np

from data import K

BEAMS = [10, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256, 320, 400, 512, 640, 800,
         1024, 1280, 1600, 2048, 2560, 3200, 4096, 5120, 6400]


def refined_chains(factor, beams=BEAMS):
    """Graphs of codes as they are, and with the best K * factor ranked anew by the floats.

    A beam below K * factor is one of K * factor then: there is nothing between them to measure.
    """
    return [[(0, beam) for beam in beams],
            [(factor, beam) for beam in beams if beam >= factor * K]]


def text(setting) -> str:
    return "/".join(map(str, setting)) if isinstance(setting, tuple) else str(setting)


def parse(words: str):
    """What `text` wrote."""
    numbers = [float(w) if "." in w else int(w) for w in words.split("/")]
    return tuple(numbers) if len(numbers) > 1 else numbers[0]


class System:
    """See above; a build yields once its rows are as the package takes them."""

    package: str  # on PyPI
    module: str  # to import
    name: str
    chains: list
    metrics = ("euclidean", "angular", "dot")

    def load_module(self):
        """Imports the package; not counted as opening the index."""
        self.lib = importlib.import_module(self.module)

    def take_queries(self, data):
        """As the package takes them; not counted as opening the index either."""
        self.queries = data.floats(data.queries)


class Hnswlib(System):
    package = module = "hnswlib"
    chains = [BEAMS]

    def __init__(self, m, ef_construction):
        self.m = m
        self.ef_construction = ef_construction
        self.name = f"hnswlib M={m} efC={ef_construction}"

    def _new(self, data):
        return self.lib.Index("l2" if data.metric == "euclidean" else "ip", data.dim)

    def build(self, data, threads):
        rows = data.floats(data.base)
        yield
        self.index = self._new(data)
        self.index.init_index(len(rows), M=self.m, ef_construction=self.ef_construction)
        self.index.add_items(rows, num_threads=threads)

    def save(self, path):
        self.index.save_index(path)

    def open(self, path, data):
        self.index = self._new(data)
        self.index.load_index(path)

    def search(self, beam, threads):
        self.index.set_ef(beam)
        return self.index.knn_query(self.queries, K, num_threads=threads)[0]

    def search_one(self, i, beam):
        self.index.set_ef(beam)
        return self.index.knn_query(self.queries[i], K, num_threads=1)[0]


class Usearch(System):
    package = "usearch"
    module = "usearch.index"
    chains = [BEAMS]

    def __init__(self, m, expansion_add, dtype):
        self.options = {"connectivity": m, "expansion_add": expansion_add, "dtype": dtype}
        self.name = f"usearch M={m} efC={expansion_add} {dtype}"

    def build(self, data, threads):
        rows = data.floats(data.base)
        yield
        self.index = self.lib.Index(
            ndim=data.dim, metric="l2sq" if data.metric == "euclidean" else "ip", **self.options)
        self.index.add(np.arange(len(rows)), rows, threads=threads)

    def save(self, path):
        self.index.save(path)

    def open(self, path, data):
        self.index = self.lib.Index.restore(path)

    def search(self, beam, threads):
        self.index.expansion_search = beam
        return self.index.search(self.queries, K, threads=threads).keys

    def search_one(self, i, beam):
        self.index.expansion_search = beam
        return self.index.search(self.queries[i], K, threads=1).keys


class Voyager(System):
    package = module = "voyager"
    chains = [BEAMS]

    def __init__(self, m, ef_construction):
        self.options = {"M": m, "ef_construction": ef_construction}
        self.name = f"voyager M={m} efC={ef_construction}"

    def build(self, data, threads):
        spaces = {"euclidean": self.lib.Space.Euclidean, "angular": self.lib.Space.Cosine,
                  "dot": self.lib.Space.InnerProduct}
        rows = data.floats(data.base)
        yield
        self.index = self.lib.Index(spaces[data.metric], num_dimensions=data.dim,
                                    max_elements=len(rows), **self.options)
        self.index.add_items(rows, num_threads=threads)

    def save(self, path):
        self.index.save(path)

    def open(self, path, data):
        self.index = self.lib.Index.load(path)

    def search(self, beam, threads):
        return self.index.query(self.queries, K, num_threads=threads, query_ef=beam)[0]

    def search_one(self, i, beam):
        return self.index.query(self.queries[i], K, num_threads=1, query_ef=beam)[0]


# The builds of hnswlib; FAISS's lists and the parts of its product codes, and its lists of codes of
# a bit; MRPT's trees and depth; the partitions of ScaNN. Of embeddings, two numbers a part of the
# code were best, and fewer lists of codes of a bit, for each list costs a table for the query.
SIZES = {
    "descriptors": {"hnswlib": [(16, 200), (32, 500)], "ivf": [(2048, 64)], "rabitq": 512,
                    "mrpt": (100, 12), "scann": 1000},
    "million": {"hnswlib": [(16, 200), (32, 200)], "ivf": [(4096, 64)], "rabitq": 1024,
                "mrpt": (100, 13), "scann": 2000},
    "mnist": {"hnswlib": [(16, 200), (32, 500)], "ivf": [(512, 196)], "rabitq": 128,
              "mrpt": (100, 9), "scann": 250},
    "words": {"hnswlib": [(16, 200), (32, 500)], "ivf": [(1024, 50)], "rabitq": 128,
              "mrpt": (150, 10), "scann": 500},
    "listening": {"hnswlib": [(16, 200), (32, 500)], "ivf": [(256, 32)], "rabitq": 64,
                  "mrpt": (100, 8), "scann": 150},
    "texts": {"hnswlib": [(16, 200), (32, 200)], "ivf": [(2048, 128), (4096, 128)],
              "rabitq": 1024, "mrpt": (100, 12), "scann": 2000},
    "transformer": {"hnswlib": [(16, 200), (32, 500)], "ivf": [(256, 192), (512, 192)],
                    "rabitq": 128, "mrpt": (100, 9), "scann": 300},
    "pictures": {"hnswlib": [(16, 200), (32, 500)], "ivf": [(256, 320), (256, 640)],
                 "rabitq": 64, "mrpt": (100, 9), "scann": 250},
    "quick-descriptors": {"hnswlib": [(16, 200)], "ivf": [(512, 64)], "rabitq": 64,
                          "mrpt": (100, 9), "scann": 500},
    "quick-words": {"hnswlib": [(16, 200)], "ivf": [(256, 50)], "rabitq": 64,
                    "mrpt": (150, 8), "scann": 200},
    "quick-texts": {"hnswlib": [(16, 200)], "ivf": [(128, 128), (256, 128)], "rabitq": 64,
                    "mrpt": (100, 8), "scann": 200},
}


def rivals(data) -> list[System]:
    """Of all packages, installed or not, those that have the metric."""
    from faiss_systems import FaissHnsw, FaissHnswBytes, FaissIvf, FaissRabitq
    from tree_systems import Annoy, Mrpt, Pynndescent, Scann
    from zvec_systems import ZvecHnsw, ZvecRabitq

    sizes = SIZES[data.base_name]
    systems: list[System] = [Hnswlib(*build) for build in sizes["hnswlib"]]
    systems.append(FaissHnsw())
    if data.dtype == np.uint8:
        systems.append(FaissHnswBytes())
    systems += [FaissIvf(*build) for build in sizes["ivf"]]
    systems.append(FaissRabitq(sizes["rabitq"], data.dim))
    # Its fastest type that loses nothing of the bytes, or next to nothing of the floats; the
    # distances of its u8 are wrong in version 2.26.6.
    dtype = "bf16" if data.dtype == np.uint8 else "f16"
    systems += [Usearch(m, 200, dtype) for m, _ in sizes["hnswlib"]]
    systems += [Voyager(16, 200), ZvecHnsw("int8" if data.metric == "dot" else "uint7"),
                ZvecRabitq(), Scann(sizes["scann"]), Pynndescent(), Annoy(50),
                Mrpt(*sizes["mrpt"])]
    return [system for system in systems if data.metric in system.metrics]
