"""FAISS: two graphs, and inverted lists of product codes and of codes of a bit."""
from __future__ import annotations

import numpy as np

from data import K, NUM_QUERIES
from systems import BEAMS, System, refined_chains

PROBES = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024, 2048]
MOST_TABLES = 2**31 - 1


def probing_chains(lists):
    """Up to so many lists."""
    probes = [count for count in PROBES if count < lists] + [lists]
    return [[(factor, count) for count in probes] for factor in (2, 5, 10, 20, 50)]


class Faiss(System):
    package = "faiss-cpu"
    module = "faiss"
    multiple = 1  # of which the dimensions have to be; zeros fill them up

    def rows(self, data, rows):
        rows = data.floats(rows)
        missing = -rows.shape[1] % self.multiple
        return np.pad(rows, ((0, 0), (0, missing))) if missing > 0 else rows

    def take_queries(self, data):
        self.queries = self.rows(data, data.queries)

    def make(self, dim, metric):
        """An empty index."""
        raise NotImplementedError

    def build(self, data, threads):
        self.lib.omp_set_num_threads(threads)
        rows = self.rows(data, data.base)
        metric = self.lib.METRIC_INNER_PRODUCT if data.metric == "dot" else self.lib.METRIC_L2
        yield
        self.index = self.make(rows.shape[1], metric)
        self.index.train(rows)
        self.index.add(rows)

    def save(self, path):
        self.lib.write_index(self.index, path)

    def open(self, path, data):
        self.index = self.lib.read_index(path)

    def find(self, queries, setting):
        raise NotImplementedError

    def refined(self, queries, base_params, factor):
        params = self.lib.IndexRefineSearchParameters(k_factor=factor,
                                                      base_index_params=base_params)
        return self.index.search(queries, K, params=params)[1]

    def search(self, setting, threads):
        self.lib.omp_set_num_threads(threads)
        return self.find(self.queries, setting)

    def search_one(self, i, setting):
        self.lib.omp_set_num_threads(1)
        return self.find(self.queries[i : i + 1], setting)


class FaissHnsw(Faiss):
    """Over 8-bit codes; with a factor, the best K * factor are ranked anew by the floats."""

    name = "FAISS HNSW32,SQ8"
    multiple = 16  # else its codes are read one by one
    chains = refined_chains(2)

    def make(self, dim, metric):
        index = self.lib.index_factory(dim, "HNSW32_SQ8,RFlat", metric)
        self.lib.downcast_index(index.base_index).hnsw.efConstruction = 200
        return index

    def find(self, queries, setting):
        factor, beam = setting
        params = self.lib.SearchParametersHNSW(efSearch=beam)
        if factor > 0:
            return self.refined(queries, params, factor)
        return self.index.base_index.search(queries, K, params=params)[1]


class FaissHnswBytes(Faiss):
    """Over the bytes as they are: for data that is 8-bit, nothing is lost."""

    name = "FAISS HNSW32,SQ8 direct"
    multiple = 16
    chains = [BEAMS]

    def make(self, dim, metric):
        exact = self.lib.ScalarQuantizer.QT_8bit_direct
        index = self.lib.IndexHNSWSQ(dim, exact, 32, metric)
        index.hnsw.efConstruction = 200
        return index

    def find(self, queries, setting):
        params = self.lib.SearchParametersHNSW(efSearch=setting)
        return self.index.search(queries, K, params=params)[1]


class FaissIvf(Faiss):
    """Inverted lists of 4-bit product codes, the best K * factor ranked anew by the floats."""

    def __init__(self, lists, parts):
        self.factory = f"IVF{lists},PQ{parts}x4fs,RFlat"
        self.name = f"FAISS {self.factory}"
        self.chains = probing_chains(lists)

    def make(self, dim, metric):
        return self.lib.index_factory(dim, self.factory, metric)

    def find(self, queries, setting):
        factor, probes = setting
        return self.refined(queries, self.lib.SearchParametersIVF(nprobe=probes), factor)


class FaissRabitq(Faiss):
    """Inverted lists of RaBitQ's codes, a bit of each turned number, the best ranked anew likewise.

    Version 1.15.1 has no such fast scan of scalar codes to measure beside it.
    """

    def __init__(self, lists, dim):
        self.factory = f"RR{dim},IVF{lists},RaBitQfs,RFlat"
        self.name = f"FAISS {self.factory}"
        # Version 1.15.1 ends the process where the tables of all queries and lists that are asked
        # in one call, 4 bytes a dimension, take 2 GiB. No set here has that many lists.
        self.chains = probing_chains(min(lists, MOST_TABLES // (4 * dim * NUM_QUERIES)))

    def make(self, dim, metric):
        return self.lib.index_factory(dim, self.factory, metric)

    def find(self, queries, setting):
        factor, probes = setting
        lists = self.lib.IVFRaBitQSearchParameters(nprobe=probes)
        turned = self.lib.SearchParametersPreTransform(index_params=lists)
        return self.refined(queries, turned, factor)
