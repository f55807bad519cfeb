"""The libraries that kith's graph is measured against, each behind the same few methods.

A system builds an index, saves it to a file and opens it again; `chains` are lists of settings in
the order of growing effort; `search` answers all queries in one call where the package has such a
call, so that Python costs it nothing, and returns ids [num_queries, K]. All use one thread.
"""
import annoy
import faiss
import hnswlib
import numpy as np
import usearch.index

from graph_data import K

BEAMS = [10, 12, 16, 20, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256, 320, 400, 512, 640, 800,
         1024, 1280, 1600, 2048, 2560, 3200, 4096, 5120, 6400]
ANNOY_SEARCH = [125, 250, 500, 1000, 2000, 4000, 8000, 16000, 32000, 64000, 128000, 256000]
PROBES = [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 1024, 2048]


class Hnswlib:
    family = package = "hnswlib"
    chains = [BEAMS]

    def __init__(self, m, ef_construction):
        self.m = m
        self.ef_construction = ef_construction
        self.name = f"hnswlib M={m} efC={ef_construction}"

    def _new(self, data):
        return hnswlib.Index("l2" if data.metric == "euclidean" else "ip", data.base.shape[1])

    def build(self, data):
        rows = data.floats(data.base)
        yield
        self.index = self._new(data)
        self.index.init_index(len(rows), M=self.m, ef_construction=self.ef_construction)
        self.index.add_items(rows, num_threads=1)

    def save(self, path):
        self.index.save_index(path)

    def open(self, path, data):
        self.index = self._new(data)
        self.index.load_index(path)
        self.queries = data.floats(data.queries)

    def search(self, beam):
        self.index.set_ef(beam)
        return self.index.knn_query(self.queries, K, num_threads=1)[0]


class Faiss:
    family = "FAISS"
    package = "faiss-cpu"
    multiple = 1  # of which the dimensions have to be; zeros fill them up

    def rows(self, data, rows):
        rows = data.floats(rows)
        missing = -rows.shape[1] % self.multiple
        return np.pad(rows, ((0, 0), (0, missing))) if missing > 0 else rows

    def save(self, path):
        faiss.write_index(self.index, path)

    def open(self, path, data):
        faiss.omp_set_num_threads(1)
        self.index = faiss.read_index(path)
        self.queries = self.rows(data, data.queries)

    @staticmethod
    def metric(data):
        return faiss.METRIC_INNER_PRODUCT if data.metric == "dot" else faiss.METRIC_L2

    def refined(self, base_params, factor):
        params = faiss.IndexRefineSearchParameters(k_factor=factor, base_index_params=base_params)
        return self.index.search(self.queries, K, params=params)[1]


class FaissHnsw(Faiss):
    """Over 8-bit codes; with a factor, the best K * factor are ranked anew by the floats."""

    name = "FAISS HNSW32,SQ8"
    multiple = 16  # else its codes are read one by one
    chains = [[(0, beam) for beam in BEAMS], [(2, beam) for beam in BEAMS]]

    def build(self, data):
        faiss.omp_set_num_threads(1)
        rows = self.rows(data, data.base)
        yield
        self.index = faiss.index_factory(rows.shape[1], "HNSW32_SQ8,RFlat", self.metric(data))
        faiss.downcast_index(self.index.base_index).hnsw.efConstruction = 200
        self.index.train(rows)
        self.index.add(rows)

    def search(self, setting):
        factor, beam = setting
        params = faiss.SearchParametersHNSW(efSearch=beam)
        if factor > 0:
            return self.refined(params, factor)
        return self.index.base_index.search(self.queries, K, params=params)[1]


class FaissHnswBytes(Faiss):
    """Over the bytes as they are: for data that is 8-bit, nothing is lost."""

    name = "FAISS HNSW32,SQ8 direct"
    multiple = 16
    chains = [BEAMS]

    def build(self, data):
        faiss.omp_set_num_threads(1)
        rows = self.rows(data, data.base)
        yield
        exact = faiss.ScalarQuantizer.QT_8bit_direct
        self.index = faiss.IndexHNSWSQ(rows.shape[1], exact, 32, self.metric(data))
        self.index.hnsw.efConstruction = 200
        self.index.train(rows)
        self.index.add(rows)

    def search(self, beam):
        params = faiss.SearchParametersHNSW(efSearch=beam)
        return self.index.search(self.queries, K, params=params)[1]


class FaissIvf(Faiss):
    """Inverted lists of 4-bit product codes, the best K * factor ranked anew by the floats."""

    chains = [[(factor, probes) for probes in PROBES] for factor in (2, 5, 10, 20, 50)]

    def __init__(self, lists, parts):
        self.factory = f"IVF{lists},PQ{parts}x4fs,RFlat"
        self.name = f"FAISS {self.factory}"

    def build(self, data):
        faiss.omp_set_num_threads(1)
        rows = self.rows(data, data.base)
        yield
        self.index = faiss.index_factory(rows.shape[1], self.factory, self.metric(data))
        self.index.train(rows)
        self.index.add(rows)

    def search(self, setting):
        factor, probes = setting
        return self.refined(faiss.SearchParametersIVF(nprobe=probes), factor)

    def search_one_by_one(self, setting):
        """A query a call, as kith is asked: a batch makes this index twice as fast."""
        factor, probes = setting
        params = faiss.IndexRefineSearchParameters(
            k_factor=factor, base_index_params=faiss.SearchParametersIVF(nprobe=probes))
        rows = (self.index.search(query[None], K, params=params)[1] for query in self.queries)
        return np.concatenate(list(rows))


class Usearch:
    family = package = "usearch"
    chains = [BEAMS]

    def __init__(self, m, expansion_add, dtype):
        self.options = {"connectivity": m, "expansion_add": expansion_add, "dtype": dtype}
        self.name = f"usearch M={m} efC={expansion_add} {dtype}"

    def build(self, data):
        rows = data.floats(data.base)
        yield
        self.index = usearch.index.Index(
            ndim=rows.shape[1], metric="l2sq" if data.metric == "euclidean" else "ip",
            **self.options
        )
        self.index.add(np.arange(len(rows)), rows, threads=1)

    def save(self, path):
        self.index.save(path)

    def open(self, path, data):
        self.index = usearch.index.Index.restore(path)
        self.queries = data.floats(data.queries)

    def search(self, beam):
        self.index.expansion_search = beam
        return self.index.search(self.queries, K, threads=1).keys


class Annoy:
    """One query a call: it has no other, and its queries are slow enough not to notice."""

    family = "Annoy"
    package = "annoy"
    chains = [ANNOY_SEARCH]

    def __init__(self, trees):
        self.trees = trees
        self.name = f"Annoy {trees} trees"

    def _new(self, data):
        return annoy.AnnoyIndex(data.base.shape[1], data.metric)

    def build(self, data):
        self.index = self._new(data)
        for i, row in enumerate(data.base):
            self.index.add_item(i, row.tolist())
        yield
        self.index.build(self.trees, n_jobs=1)

    def save(self, path):
        self.index.save(path)

    def open(self, path, data):
        self.index = self._new(data)
        self.index.load(path, prefault=True)
        self.queries = data.queries.tolist()

    def search(self, search_k):
        out = np.full((len(self.queries), K), -1)
        for i, query in enumerate(self.queries):
            found = self.index.get_nns_by_vector(query, K, search_k)
            out[i, : len(found)] = found
        return out


# The builds of hnswlib, the lists and the parts of the product codes.
SIZES = {
    "descriptors": ([(16, 200), (32, 500)], 2048, 64),
    "million": ([(16, 200), (32, 200)], 4096, 64),
    "mnist": ([(16, 200), (32, 500)], 512, 196),
    "words": ([(16, 200), (32, 500)], 1024, 50),
    "listening": ([(16, 200), (32, 500)], 256, 32),
}


def rivals(data, hnswlib_builds=None):
    builds, lists, parts = SIZES[data.name]
    systems = [Hnswlib(*build) for build in hnswlib_builds or builds]
    systems.append(FaissHnsw())
    if data.base.dtype == np.uint8:
        systems.append(FaissHnswBytes())
    systems.append(FaissIvf(lists, parts))
    # Its fastest type that loses nothing of the bytes, or next to nothing of the floats; the
    # distances of its u8 are wrong in version 2.26.6.
    dtype = "bf16" if data.base.dtype == np.uint8 else "f16"
    systems += [Usearch(m, 200, dtype) for m in (16, 32)]
    systems.append(Annoy(50))
    return systems
