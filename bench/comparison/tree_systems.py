"""Annoy and MRPT: trees; PyNNDescent: a graph begun from trees; ScaNN: partitions and codes."""
from __future__ import annotations

import ctypes
import os
import pickle

import numpy as np

from data import K
from systems import System

ANNOY_SEARCH = [125, 250, 500, 1000, 2000, 4000, 8000, 16000, 32000, 64000, 128000, 256000]
EPSILONS = [0.0, 0.02, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6]
VOTES = [40, 30, 24, 20, 16, 12, 10, 8, 7, 6, 5, 4, 3, 2, 1]
LEAVES = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 400]


class Annoy(System):
    """One query a call and one thread: it has no other call, so threads are not measured."""

    package = module = "annoy"
    chains = [ANNOY_SEARCH]

    def __init__(self, trees):
        self.trees = trees
        self.name = f"Annoy {trees} trees"

    def _new(self, data):
        return self.lib.AnnoyIndex(data.dim, data.metric)

    def build(self, data, threads):
        self.index = self._new(data)
        for i, row in enumerate(data.base):
            self.index.add_item(i, row.tolist())
        yield
        self.index.build(self.trees, n_jobs=threads)

    def save(self, path):
        self.index.save(path)

    def open(self, path, data):
        self.index = self._new(data)
        self.index.load(path)

    def take_queries(self, data):
        self.queries = data.queries.tolist()

    def search_one(self, i, search_k):
        return self.index.get_nns_by_vector(self.queries[i], K, search_k)


class Mrpt(System):
    """Its index is the trees alone: the vectors lie beside them and are mapped."""

    package = module = "mrpt"
    metrics = ("euclidean", "angular")  # the latter as euclidean, on unit vectors
    chains = [VOTES]

    def __init__(self, trees, depth):
        self.trees, self.depth = trees, depth
        self.name = f"MRPT {trees} trees, depth {depth}"

    def build(self, data, threads):
        self.rows = data.floats(data.base)
        ctypes.CDLL("libgomp.so.1").omp_set_num_threads(threads)
        yield
        self.index = self.lib.MRPTIndex(self.rows)
        self.index.build(self.depth, self.trees)

    def save(self, path):
        os.makedirs(path, exist_ok=True)
        self.rows.tofile(f"{path}/vectors")
        self.index.save(f"{path}/trees")

    def open(self, path, data):
        self.openmp = ctypes.CDLL("libgomp.so.1")
        self.index = self.lib.MRPTIndex(f"{path}/vectors", shape=(data.rows, data.dim), mmap=True)
        self.index.load(f"{path}/trees")

    def search(self, votes, threads):
        self.openmp.omp_set_num_threads(threads)
        return self.index.ann(self.queries, K, votes)

    def search_one(self, i, votes):
        return self.index.ann(self.queries[i], K, votes)


class Pynndescent(System):
    """Its functions are compiled while it runs; what is compiled is kept on disk."""

    name = "PyNNDescent k=30"
    package = module = "pynndescent"
    metrics = ("euclidean", "angular")  # its inner_product does not compile in version 0.7.0
    chains = [EPSILONS]

    def build(self, data, threads):
        rows = data.floats(data.base)
        metric = {"euclidean": "euclidean", "angular": "cosine", "dot": "inner_product"}
        small = rows[:1000]
        self.lib.NNDescent(small, metric[data.metric], random_state=1).prepare()  # compiles
        yield
        self.lib.numba.set_num_threads(threads)
        self.index = self.lib.NNDescent(rows, metric[data.metric], n_neighbors=30, random_state=1,
                                        n_jobs=threads, parallel_batch_queries=True)
        self.index.prepare()

    def save(self, path):
        with open(path, "wb") as file:
            pickle.dump(self.index, file, protocol=5)

    def open(self, path, data):
        with open(path, "rb") as file:
            self.index = pickle.load(file)

    def search(self, epsilon, threads):
        self.lib.numba.set_num_threads(threads)
        return self.index.query(self.queries, k=K, epsilon=epsilon)[0]

    def search_one(self, i, epsilon):
        self.lib.numba.set_num_threads(1)
        return self.index.query(self.queries[i : i + 1], k=K, epsilon=epsilon)[0]


class Scann(System):
    """Partitions, 4-bit codes of pairs of coordinates, the best ranked anew by the floats."""

    package = module = "scann"
    chains = [[(best, leaves) for leaves in LEAVES] for best in (30, 100, 300, 1000)]

    def __init__(self, leaves):
        self.leaves = leaves
        self.name = f"ScaNN {leaves} leaves, AH2, reorder"

    def build(self, data, threads):
        rows = data.floats(data.base)
        euclidean = data.metric == "euclidean"
        yield
        builder = self.lib.scann_ops_pybind.builder(
            rows, K, "squared_l2" if euclidean else "dot_product")
        builder = builder.set_n_training_threads(threads).tree(
            self.leaves, 20, training_sample_size=len(rows), spherical=data.metric == "angular")
        # Errors along a vector count more than across it where products are compared.
        threshold = float("nan") if euclidean else 0.2
        self.index = builder.score_ah(2, anisotropic_quantization_threshold=threshold).reorder(
            100).build()

    def save(self, path):
        os.makedirs(path, exist_ok=True)
        self.index.serialize(path, relative_path=True)

    def open(self, path, data):
        self.index = self.lib.scann_ops_pybind.load_searcher(path)

    def search(self, setting, threads):
        best, leaves = setting
        if threads == 1:
            found = self.index.search_batched(self.queries, K, best, leaves)
        else:
            self.index.set_num_threads(threads)
            size = min(256, -(-len(self.queries) // threads))
            found = self.index.search_batched_parallel(self.queries, K, best, leaves, size)
        return np.asarray(found[0]).astype(np.int64)

    def search_one(self, i, setting):
        best, leaves = setting
        return self.index.search(self.queries[i], K, best, leaves)[0].astype(np.int64)
