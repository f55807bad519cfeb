"""zvec: graphs over codes, in the files of a small data base."""
from __future__ import annotations

import os
import shutil
import tempfile

import numpy as np

from data import K
from systems import BEAMS, System, refined_chains

INSERTED = 1000  # documents a call
FIELD = "vector"
MOST_BEAM = 2048  # it takes no larger one


class Zvec(System):
    """One query a call: it has no call for many. With a factor, the best K * factor by the codes are
    ranked anew by the floats. Of unit vectors it is given the Euclidean metric."""

    package = module = "zvec"
    chains = refined_chains(2, [beam for beam in BEAMS if beam <= MOST_BEAM])

    def index_param(self, metric):
        raise NotImplementedError

    def query_param(self, setting):
        raise NotImplementedError

    def load_module(self):
        super().load_module()
        self.lib.init(log_level=self.lib.LogLevel.ERROR, query_threads=1)

    def build(self, data, threads):
        zvec = self.lib
        rows = data.floats(data.base)
        self.rows = len(rows)
        self.folder = tempfile.TemporaryDirectory()
        self.made = os.path.join(self.folder.name, "collection")
        yield
        metric = zvec.MetricType.IP if data.metric == "dot" else zvec.MetricType.L2
        vectors = zvec.VectorSchema(FIELD, zvec.DataType.VECTOR_FP32, data.dim,
                                    index_param=self.index_param(metric))
        self.index = zvec.create_and_open(
            self.made, zvec.CollectionSchema(name="compare", fields=[], vectors=[vectors]))
        for begin in range(0, len(rows), INSERTED):
            part = range(begin, min(begin + INSERTED, len(rows)))
            done = self.index.insert([zvec.Doc(id=str(i), vectors={FIELD: rows[i]}) for i in part])
            if not all(status.ok() for status in done):
                raise RuntimeError(f"zvec did not take all of the rows from {begin} on")
        self.index.optimize(zvec.OptimizeOption(concurrency=threads))
        self.index.flush()

    def save(self, path):
        self.index.close()
        shutil.move(self.made, path)
        self.open(path, None)
        keys = self.index.resolve_internal_ids(np.arange(self.rows))
        if keys != [str(i) for i in range(self.rows)]:
            raise RuntimeError("zvec's own numbers are not those of the rows")

    def open(self, path, data):
        self.index = self.lib.open(path, self.lib.CollectionOption(read_only=True))

    def search_one(self, i, setting):
        query = self.lib.Query(FIELD, vector=self.queries[i], param=self.query_param(setting))
        return self.index.query_internal_ids(query, topk=K)


class ZvecHnsw(Zvec):
    """Over its fastest codes: `uint7` is for the Euclidean metric only, `int8` for all."""

    def __init__(self, codes):
        self.type = {"uint7": "UNIFORM_UINT7", "int8": "INT8"}[codes]
        self.name = f"zvec HNSW M=16 efC=200 {codes}"

    def index_param(self, metric):
        return self.lib.HnswIndexParam(
            metric, m=16, ef_construction=200, use_contiguous_memory=True,
            quantize_type=getattr(self.lib.QuantizeType, self.type))

    def query_param(self, setting):
        factor, beam = setting
        return self.lib.HnswQueryParam(beam, is_using_refiner=factor > 0, scale_factor=factor)


class ZvecRabitq(Zvec):
    name = "zvec HNSW-RaBitQ M=16 efC=200"

    def index_param(self, metric):
        return self.lib.HnswRabitqIndexParam(metric, m=16, ef_construction=200)

    def query_param(self, setting):
        factor, beam = setting
        return self.lib.HnswRabitqQueryParam(beam, is_using_refiner=factor > 0,
                                             scale_factor=factor)
