"""The adapters of ann-benchmarks, VIBE and big-ann-benchmarks, run as these harnesses run them.

What is here of the harnesses is written from their interface: a base class, the order of calls and
what a configuration file means.
"""

import importlib
import itertools
import json
import pathlib
import sys
import types

import numpy as np
import pytest

BENCH = pathlib.Path(__file__).resolve().parents[2] / "bench"
if not BENCH.is_dir():
    pytest.skip("the adapters are in the repository only", allow_module_level=True)

K = 10
RNG = np.random.default_rng(5)
TRAIN = RNG.normal(size=(3000, 6)) @ RNG.normal(size=(6, 24))
TEST = TRAIN[:100] + RNG.normal(scale=0.05, size=(100, 24))


def module_of(monkeypatch, name, **contents):
    made = types.ModuleType(name)
    made.__dict__.update(contents)
    monkeypatch.setitem(sys.modules, name, made)
    return made


class Base:
    """The parts of the harnesses' BaseANN that the adapters leave as they are."""

    def get_additional(self):
        return {}

    def __str__(self):
        return self.name


def distances_of(metric, rows, queries):
    rows, queries = rows.astype(np.float64), queries.astype(np.float64)
    if metric in ("angular", "cosine"):
        rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        queries = queries / np.linalg.norm(queries, axis=1, keepdims=True)
        return 1 - queries @ rows.T
    if metric in ("ip", "normalized"):
        return -queries @ rows.T
    if metric == "hamming":
        return (queries[:, np.newaxis] != rows).sum(-1)
    return np.sqrt(((queries[:, np.newaxis] - rows) ** 2).sum(-1))


def recall(metric, rows, queries, found):
    """As the harnesses count it, by distance."""
    distances = distances_of(metric, rows, queries)
    worst = np.sort(distances, axis=1)[:, K - 1]
    return np.mean(
        [(distances[i, ids] <= worst[i] + 1e-4).sum() / K for i, ids in enumerate(found)]
    )


@pytest.fixture
def ann_benchmarks(monkeypatch):
    """Import of the adapter as ann_benchmarks.algorithms.kith.module."""
    for name in ["ann_benchmarks", "ann_benchmarks.algorithms", "ann_benchmarks.algorithms.base"]:
        module_of(monkeypatch, name, __path__=[])
    module_of(monkeypatch, "ann_benchmarks.algorithms.base.module", BaseANN=Base)
    module_of(
        monkeypatch, "ann_benchmarks.algorithms.kith", __path__=[str(BENCH / "ann_benchmarks")]
    )
    yield importlib.import_module("ann_benchmarks.algorithms.kith.module")
    sys.modules.pop("ann_benchmarks.algorithms.kith.module")


def combinations(groups):
    """What ann-benchmarks makes of a list of dictionaries, or of numbers."""
    if isinstance(groups, dict):
        values = [v if isinstance(v, list) else [v] for v in groups.values()]
        return [dict(zip(groups, chosen, strict=True)) for chosen in itertools.product(*values)]
    return [list(chosen) for chosen in itertools.product(*map(combinations, groups))]


def ann_benchmarks_runs(point_type, metric):
    yaml = pytest.importorskip("yaml")
    config = yaml.safe_load((BENCH / "ann_benchmarks" / "config.yml").read_text())[point_type]
    for algorithm in config.get("any") or config[metric]:
        assert {"docker_tag", "module", "constructor", "name"} <= set(algorithm)
        for group in algorithm["run_groups"].values():
            for build in combinations(group["arg_groups"]):
                arguments = [{"@metric": metric}.get(x, x) for x in algorithm["base_args"]] + build
                # Through JSON, as they are on the command line of a container.
                yield (
                    algorithm,
                    json.loads(json.dumps(arguments)),
                    combinations(group["query_arg_groups"]),
                )


@pytest.mark.parametrize(
    ("point_type", "metric"), [("float", "euclidean"), ("float", "angular"), ("bit", "hamming")]
)
def test_ann_benchmarks(ann_benchmarks, point_type, metric):
    train, test = (TRAIN, TEST) if point_type == "float" else (TRAIN > 0, TEST > 0)
    names = set()
    runs = list(ann_benchmarks_runs(point_type, metric))
    assert len(runs) >= 2
    for algorithm, arguments, query_arguments in runs:
        algo = getattr(ann_benchmarks, algorithm["constructor"])(*arguments)
        assert algo.get_memory_usage() == 0
        algo.fit(train)
        assert algo.get_memory_usage() * 1024 >= train.shape[0] * train.shape[1] / 8
        found_last = 0
        for query in query_arguments:
            algo.set_query_arguments(*query)
            one_by_one = [algo.query(vector, K) for vector in test]
            for ids in one_by_one:
                assert len(ids) == len(set(ids)) and 0 <= min(ids) <= max(ids) < len(train)
                train[ids]  # what the harness computes distances of
            algo.batch_query(test, K)
            batch = algo.get_batch_results()
            found_last = recall(metric, train, test, one_by_one)
            # With a recall, a batch may be searched exactly.
            assert recall(metric, train, test, batch) > found_last - 0.05
            names.add(str(algo))
        assert found_last > 0.98, str(algo)  # of the greatest effort
        algo.done()
    assert len(names) == sum(len(queries) for _, _, queries in runs)


def test_ann_benchmarks_of_a_metric_that_kith_does_not_have(ann_benchmarks):
    with pytest.raises(NotImplementedError, match="jaccard"):
        ann_benchmarks.Kith("jaccard", {})


def test_ann_benchmarks_leaves_out_places_without_a_neighbor(ann_benchmarks):
    algo = ann_benchmarks.Kith("euclidean", {"index": "exact"})
    algo.fit(TRAIN[:4])
    assert sorted(algo.query(TEST[0], K)) == [0, 1, 2, 3]
    algo.batch_query(TEST, K)
    assert [sorted(ids) for ids in algo.get_batch_results()] == [[0, 1, 2, 3]] * 100


@pytest.fixture
def vibe(monkeypatch):
    """Import of the adapter as vibe.algorithms.kith.module."""
    for name in ["vibe", "vibe.algorithms", "vibe.algorithms.base"]:
        module_of(monkeypatch, name, __path__=[])
    module_of(monkeypatch, "vibe.algorithms.base.module", BaseANN=Base)
    module_of(monkeypatch, "vibe.algorithms.kith", __path__=[str(BENCH / "vibe")])
    yield importlib.import_module("vibe.algorithms.kith.module")
    sys.modules.pop("vibe.algorithms.kith.module")


def vibe_runs(point_type, metric):
    yaml = pytest.importorskip("yaml")
    config = yaml.safe_load((BENCH / "vibe" / "config.yml").read_text())[point_type]
    for algorithm in config.get("any", []) + config.get(metric, []):
        assert {"singularity_image", "module", "constructor", "name"} <= set(algorithm)
        for group in algorithm["run_groups"].values():
            for build in combinations(group["arg_groups"]):
                arguments = [{"@metric": metric}.get(x, x) for x in algorithm["base_args"]] + build
                # Through JSON, as they are on the command line of a container.
                yield (
                    algorithm,
                    json.loads(json.dumps(arguments)),
                    json.loads(json.dumps(combinations(group["query_arg_groups"]))),
                )


def vibe_data(point_type, metric):
    if point_type == "binary":
        return np.packbits(TRAIN > 0, axis=1), np.packbits(TEST > 0, axis=1)
    if point_type != "float":
        middle = 128 if point_type == "uint8" else 0
        info = np.iinfo(point_type)
        return [
            np.clip(middle + 8 * rows, info.min, info.max).astype(point_type)
            for rows in (TRAIN, TEST)
        ]
    rows, queries = TRAIN.astype(np.float32), TEST.astype(np.float32)
    if metric == "normalized":
        rows, queries = (x / np.linalg.norm(x, axis=1, keepdims=True) for x in (rows, queries))
    return rows, queries


@pytest.mark.parametrize(
    ("point_type", "metric"),
    [
        ("float", "cosine"),
        ("float", "euclidean"),
        ("float", "ip"),
        ("float", "normalized"),
        ("int8", "cosine"),
        ("uint8", "euclidean"),
        ("binary", "hamming"),
    ],
)
def test_vibe(vibe, point_type, metric):
    train, test = vibe_data(point_type, metric)
    before = train.copy()
    truth = [x if point_type != "binary" else np.unpackbits(x, axis=1) for x in (train, test)]
    names = set()
    runs = list(vibe_runs(point_type, metric))
    assert len(runs) >= 2
    for algorithm, arguments, query_arguments in runs:
        algo = getattr(vibe, algorithm["constructor"])(*arguments)
        assert algo.get_memory_usage() == 0
        algo.fit(train)
        np.testing.assert_array_equal(train, before)
        assert algo.get_memory_usage() * 1024 >= train.nbytes
        best = 0
        for query in query_arguments:
            algo.set_query_arguments(*query)
            one_by_one = [algo.query(vector, K) for vector in test]
            for ids in one_by_one:
                assert len(ids) == len(set(ids)) and 0 <= min(ids) <= max(ids) < len(train)
                train[ids]  # what the harness computes distances of
            algo.batch_query(test, K)
            found = recall(metric, *truth, one_by_one)
            # With a recall, a batch may be searched exactly.
            assert recall(metric, *truth, algo.get_batch_results()) > found - 0.05
            best = max(best, found)
            names.add(str(algo))
        assert best > 0.98, str(algo)
    assert len(names) == sum(len(queries) for _, _, queries in runs)


@pytest.mark.filterwarnings("ignore::kith.DriftWarning")
def test_vibe_learns_of_queries_of_another_kind(vibe):
    """What effort a recall takes is measured with such queries, if a recall is to be asked for."""
    train, _ = vibe_data("float", "ip")
    drawn = np.random.default_rng(6).normal(size=(400, 24)).astype(np.float32)
    learn, test = drawn[:300], drawn[300:]

    def found(fit, build, query):
        algo = vibe.Kith("ip", {"index": "graph", **build})
        if fit == "fit":
            algo.fit(train)
        else:
            algo.fit_ood(train, learn, np.zeros((300, 100), np.int64))
        algo.set_query_arguments(query)
        return recall("ip", train, test, [algo.query(vector, K) for vector in test])

    asked = {"calibrate": True}, {"recall": 0.95}
    assert found("fit_ood", *asked) > found("fit", *asked) + 0.03
    # The graph itself is the same.
    plain = {"calibrate": False}, {"effort": 20}
    assert found("fit_ood", *plain) == found("fit", *plain)


def test_vibe_of_a_metric_that_kith_does_not_have(vibe):
    with pytest.raises(NotImplementedError, match="jaccard"):
        vibe.Kith("jaccard", {})


def test_vibe_leaves_out_places_without_a_neighbor(vibe):
    algo = vibe.Kith("euclidean", {"index": "exact"})
    algo.fit(TRAIN[:4])
    assert sorted(algo.query(TEST[0], K)) == [0, 1, 2, 3]
    algo.batch_query(TEST, K)
    assert [sorted(ids) for ids in algo.get_batch_results()] == [[0, 1, 2, 3]] * 100


class DataSet:
    """A data set of big-ann-benchmarks: a file of vectors, and queries that are float32."""

    d = 24
    nq = 100

    def __init__(self, name, rows, queries, distance, folder, most=None):
        self._name, self._queries, self._distance = name, queries, distance
        self.nb = most or len(rows)
        self.dtype = str(rows.dtype)
        self._path = folder / f"{name}.bin"
        with open(self._path, "wb") as file:
            np.array(rows.shape, np.uint32).tofile(file)
            rows.tofile(file)

    def __call__(self):
        return self

    def get_dataset_fn(self):
        return str(self._path)

    def get_queries(self):
        return np.ascontiguousarray(self._queries, np.float32)

    def distance(self):
        return self._distance

    def short_name(self):
        return f"{self._name}-{self.nb}"


@pytest.fixture
def big_ann(monkeypatch, tmp_path):
    """Import of the adapter as neurips23.ood.kith.module, and its data sets."""
    monkeypatch.chdir(tmp_path)
    floats = TRAIN.astype(np.float32)

    def as_bytes(values):
        return np.clip(128 + 8 * values, 0, 255).astype(np.uint8)

    data_sets = {
        "floats": DataSet("floats", floats, TEST, "euclidean", tmp_path),
        "products": DataSet("products", floats, TEST, "ip", tmp_path),
        "bytes": DataSet("bytes", as_bytes(TRAIN), as_bytes(TEST), "euclidean", tmp_path),
        "half": DataSet("half", floats, TEST, "euclidean", tmp_path, most=1500),
        "words": DataSet("words", floats, TEST, "jaccard", tmp_path),
    }
    for name in ["benchmark", "benchmark.algorithms", "neurips23", "neurips23.ood"]:
        module_of(monkeypatch, name, __path__=[])
    module_of(monkeypatch, "benchmark.algorithms.base", BaseANN=Base)
    module_of(monkeypatch, "benchmark.datasets", DATASETS=data_sets)
    module_of(monkeypatch, "neurips23.ood.kith", __path__=[str(BENCH / "big_ann")])
    yield importlib.import_module("neurips23.ood.kith.module"), data_sets
    sys.modules.pop("neurips23.ood.kith.module")


def big_ann_runs(metric):
    yaml = pytest.importorskip("yaml")
    config = yaml.safe_load((BENCH / "big_ann" / "config.yaml").read_text())["any"]
    for algorithm in config.values():
        assert {"docker-tag", "module", "constructor"} <= set(algorithm)
        for group in algorithm["run-groups"].values():
            for build in json.loads(group["args"]):
                arguments = [{"@metric": metric}.get(x, x) for x in algorithm["base-args"]]
                yield algorithm, arguments + [build], json.loads(group["query-args"])


@pytest.mark.parametrize("name", ["floats", "products", "bytes", "half"])
def test_big_ann(big_ann, name):
    module, data_sets = big_ann
    data = data_sets[name]
    rows = np.fromfile(data.get_dataset_fn(), data.dtype, offset=8).reshape(-1, 24)[: data.nb]
    queries = data.get_queries()
    for algorithm, arguments, query_arguments in big_ann_runs(data.distance()):
        algo = getattr(module, algorithm["constructor"])(*arguments)
        before = algo.get_memory_usage()
        assert not algo.load_index(name)
        algo.fit(name)
        assert (algo.get_memory_usage() - before) * 1024 >= rows.nbytes
        folder, prefix, components = algo.index_files_to_store(name)
        assert all(pathlib.Path(folder, prefix + part).is_file() for part in components)
        found = {}
        for query in query_arguments:
            algo.set_query_arguments(query)
            algo.query(queries, K)
            results = algo.get_results()
            assert results.shape == (100, K) and results.min() >= 0
            found[str(algo)] = recall(data.distance(), rows, queries, results)
        assert len(found) == len(query_arguments)
        assert max(found.values()) > 0.97
        algo.done()

        again = getattr(module, algorithm["constructor"])(*arguments)
        assert again.load_index(name)
        again.set_query_arguments(query_arguments[-1])
        again.query(queries, K)
        np.testing.assert_array_equal(again.get_results(), results)
        again.set_query_arguments({**query_arguments[-1], "threads": 1})
        again.query(queries, K)
        np.testing.assert_array_equal(again.get_results(), results)
        again.done()


def test_big_ann_of_what_kith_does_not_have(big_ann):
    module, _ = big_ann
    with pytest.raises(NotImplementedError, match="jaccard"):
        module.Kith("jaccard", {}).fit("words")
    with pytest.raises(NotImplementedError, match="radius"):
        module.Kith("euclidean", {}).range_query(TEST, 1.0)
