"""kith.learn beside scikit-learn, and what it refuses."""

from __future__ import annotations

import gzip
import warnings
from pathlib import Path

import numpy as np
import pytest

import kith
from kith import learn

neighbors = pytest.importorskip("sklearn.neighbors", reason="scikit-learn is not installed")
KS = [1, 2, 3, 5, 8, 20]


@pytest.fixture(scope="module")
def points():
    """Points (600, 6) with labels and values that depend on where they are."""
    rng = np.random.default_rng(3)
    places = rng.standard_normal((600, 6)).astype(np.float32)
    labels = np.array(["red", "green", "blue"])[
        np.argmax(places[:, :3] + rng.normal(0, 0.3, (600, 3)), axis=1)
    ]
    values = places[:, 0] ** 2 + 3 * places[:, 1] + rng.normal(0, 0.1, 600)
    return places, labels, values


@pytest.fixture(scope="module")
def index(points):
    return kith.build(points[0], metric="euclidean")


@pytest.fixture(scope="module")
def queries():
    return np.random.default_rng(4).standard_normal((200, 6)).astype(np.float32)


@pytest.mark.parametrize("weights", ["uniform", "distance"])
def test_classify_as_scikit_learn(points, index, queries, weights):
    places, labels, _ = points
    told = learn.classify(index, queries, labels, KS, weights=weights, exact=True)
    assert told.labels.shape == told.shares.shape == (len(KS), 200)
    for row, k in enumerate(KS):
        other = neighbors.KNeighborsClassifier(k, weights=weights, algorithm="brute")
        other.fit(places.astype(float), labels)
        np.testing.assert_array_equal(told.labels[row], other.predict(queries.astype(float)))
        shares = other.predict_proba(queries.astype(float)).max(axis=1)
        np.testing.assert_allclose(told.shares[row], shares, rtol=1e-6)
    one = learn.classify(index, queries, labels, 5, weights=weights, exact=True, n_jobs=2)
    np.testing.assert_array_equal(one.labels, told.labels[3])
    np.testing.assert_array_equal(one.shares, told.shares[3])
    assert learn.classify(index, queries[7], labels, 5, exact=True).labels.shape == ()
    # What stands at a vector is told by it alone, as it is at distance 0.
    known = learn.classify(index, places, labels, 5, weights="distance", exact=True)
    np.testing.assert_array_equal(known.labels, labels)


@pytest.mark.parametrize("weights", ["uniform", "distance"])
def test_regress_as_scikit_learn(points, index, queries, weights):
    places, _, values = points
    told = learn.regress(index, queries, values, KS, weights=weights, exact=True)
    assert told.low is None and told.high is None
    for row, k in enumerate(KS):
        other = neighbors.KNeighborsRegressor(k, weights=weights, algorithm="brute")
        other.fit(places.astype(float), values)
        theirs = other.predict(queries.astype(float))
        np.testing.assert_allclose(told.values[row], theirs, rtol=1e-6, atol=1e-6)
    distances = index.search(queries, 1, exact=True)[1][:, 0]
    np.testing.assert_array_equal(told.nearest, distances)
    one = learn.regress(index, queries[7], values, iter([8]), weights=weights, exact=True)
    assert one.values.shape == (1,) and one.values[0] == told.values[4, 7]
    assert one.nearest == distances[7]


def test_trimmed_means_medians_and_intervals(points, index, queries):
    _, _, values = points
    ids, _ = index.search(queries, 20, exact=True)
    nearest = np.sort(values[ids], axis=1)
    trimmed = learn.regress(index, queries, values, 20, trim=0.1, interval=0.8, exact=True)
    np.testing.assert_allclose(trimmed.values, nearest[:, :18].mean(axis=1), rtol=1e-12)
    # A tenth of 20 lies below the middle of the second and the third.
    np.testing.assert_allclose(trimmed.low, nearest[:, 1:3].mean(axis=1), rtol=1e-12)
    np.testing.assert_allclose(trimmed.high, nearest[:, 17:19].mean(axis=1), rtol=1e-12)
    median = learn.regress(index, queries, values, 20, median=True, exact=True)
    np.testing.assert_allclose(median.values, np.median(nearest, axis=1), rtol=1e-12)


def theirs_by_k(estimator, places, known, folds, wrong):
    """What scikit-learn's estimator makes of each k: its errors over the folds."""
    errors = []
    for k in KS:
        told = np.empty_like(known)
        for fold in np.unique(folds):
            out = folds == fold
            other = estimator(k, algorithm="brute").fit(places[~out].astype(float), known[~out])
            told[out] = other.predict(places[out].astype(float))
        errors.append(wrong(told, known))
    return errors


def test_cross_validation_as_scikit_learn(points, index):
    places, labels, values = points
    folds = np.random.default_rng(5).permutation(600) % 7
    scores = learn.cross_validate(index, labels=labels, k=KS, folds=folds, exact=True)
    theirs = theirs_by_k(
        neighbors.KNeighborsClassifier, places, labels, folds, lambda a, b: np.mean(a != b)
    )
    np.testing.assert_allclose(scores.error, theirs, atol=1e-12)
    assert scores.k.tolist() == KS and scores.best == KS[int(np.argmin(theirs))]

    told = learn.cross_validate(index, values=values, k=KS, folds=folds, exact=True, n_jobs=2)
    theirs = theirs_by_k(
        neighbors.KNeighborsRegressor,
        places,
        values,
        folds,
        lambda a, b: [np.sqrt(np.mean((a - b) ** 2)), np.mean(np.abs(a - b))],
    )
    np.testing.assert_allclose(np.transpose([told.rmse, told.mae]), theirs, rtol=1e-6)
    np.testing.assert_allclose(told.r2, 1 - told.rmse**2 / values.var(), rtol=1e-9)
    assert told.best == KS[int(np.argmin(np.transpose(theirs)[0]))]


def test_folds(points, index):
    places, labels, _ = points
    first = learn.cross_validate(index, labels=labels, exact=True)
    again = learn.cross_validate(index, labels=labels, exact=True, n_jobs=2)
    other = learn.cross_validate(index, labels=labels, exact=True, seed=1)
    np.testing.assert_array_equal(first.error, again.error)
    assert first.k.tolist() == list(range(1, 11))
    assert (first.error != other.error).any()
    # Copies of a vector tell it unless they are left out with it.
    twice = kith.build(np.repeat(places, 2, axis=0), metric="euclidean")
    names = np.repeat(np.arange(600).astype(str), 2)
    near = learn.cross_validate(twice, labels=names, k=1, folds=2, exact=True)
    apart = learn.cross_validate(twice, labels=names, k=1, folds=2, blocks=names, exact=True)
    assert near.error[0] < 0.75 and apart.error[0] == 1


def test_places_on_the_globe():
    latitudes, longitudes = [0, 0, 89.5, 51.5074], [179.5, -179.5, 0, -0.1278]
    points = learn.sphere_points(latitudes, longitudes)
    assert points.shape == (4, 3) and points.dtype == np.float32
    index = kith.build(points, metric="euclidean", index="exact")
    # London and New York, by the haversine formula; over the date line and over the pole.
    others = learn.sphere_points([40.7128, 0, 89.5], [-74.0060, -179.5, 180])
    ids, chords = index.search(others, 4)
    km = learn.chord_to_km(chords)
    assert km.shape == (3, 4)
    assert km[0][ids[0] == 3] == pytest.approx(5570.23, abs=0.1)
    assert km[1][ids[1] == 0] == pytest.approx(111.195, abs=0.01)
    assert km[2][ids[2] == 2] == pytest.approx(111.195, abs=0.01)
    blocks = learn.globe_blocks([1, 1, 89, 89], [1, 5, 1, 50], 5)
    assert blocks[0] != blocks[1] and blocks[2] == blocks[3]
    with pytest.raises(ValueError, match="place 1 has latitude 91"):
        learn.sphere_points([0, 91], [0, 0])
    with pytest.raises(ValueError, match="1 latitudes, but 2 longitudes"):
        learn.globe_blocks([0], [0, 1], 5)
    with pytest.raises(ValueError, match="blocks of 0 degrees"):
        learn.globe_blocks([0], [0], 0)


def test_labels_of_every_type(points, index, queries):
    places, _, _ = points
    positive = places[:, 0] > 0
    told = learn.classify(index, queries, positive, exact=True)
    assert told.labels.dtype == bool
    for labels in (positive.astype(int) * 5 - 2, positive.tolist(), positive.astype("U5")):
        other = learn.classify(index, queries, labels, exact=True)
        classes = np.unique(labels)
        np.testing.assert_array_equal(other.labels, classes[told.labels.astype(int)])


def test_queries_of_another_kind_are_warned_of_once(rng, tmp_path):
    rows = rng.standard_normal((800, 8)).astype("f4")
    far = (5 * rng.standard_normal((200, 8))).astype("f4")
    labels, values = np.zeros(800, int), np.ones(800)
    kith.build(rows, tmp_path / "rows.kith", metric="euclidean", index="graph")

    def told(call):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            call()
        return [w for w in caught if issubclass(w.category, kith.DriftWarning)]

    index = kith.open(tmp_path / "rows.kith")
    off = {"index": "graph", "drift": "off"}
    for how in ({"exact": True}, {"recall": 0.9, **off}, {"worst": 0.8, **off}):
        assert not told(lambda how=how: learn.classify(index, far, labels, **how))
    (warning,) = told(lambda: learn.classify(index, far, labels, recall=0.9, index="graph"))
    assert warning.filename == __file__ and "rows.kith" in str(warning.message)
    assert not told(lambda: learn.classify(index, far, labels, recall=0.9, index="graph")), "once"
    again = kith.open(tmp_path / "rows.kith")
    (warning,) = told(lambda: learn.regress(again, far, values, worst=0.8, index="graph"))
    assert warning.filename == __file__
    scores = learn.cross_validate(index, labels=labels, k=1, folds=3, worst=0.8, drift="widen")
    assert scores.error[0] == 0
    with pytest.raises(ValueError, match="unknown drift 'maybe'"):
        learn.classify(index, far, labels, drift="maybe")
    with pytest.raises(ValueError, match="exact=True"):
        learn.classify(index, far, labels, worst=0.8, exact=True)


def test_what_is_refused(points, index, queries):
    places, labels, values = points
    bad = values.copy()
    bad[17] = np.nan
    for call, error, message in [
        (lambda: learn.regress(index, queries, bad), ValueError, "value of row 17 is nan"),
        (lambda: learn.regress(index, queries, values[1:]), ValueError, "599 values"),
        (lambda: learn.regress(index, queries, values[:, None]), ValueError, "2 axes"),
        (lambda: learn.regress(index, queries, labels), TypeError, "values are of type"),
        (
            lambda: learn.regress(index, queries, np.ma.array(values, mask=values > 0)),
            ValueError,
            "masked",
        ),
        (lambda: learn.regress(index, queries, values, trim=1), ValueError, "trim is 1"),
        (lambda: learn.regress(index, queries, values, interval=2), ValueError, "interval is 2"),
        (lambda: learn.regress(index, queries, values, 0), ValueError, "k is 0"),
        (lambda: learn.regress(index, queries, values, []), ValueError, "no k"),
        (lambda: learn.regress(index, queries[:, 1:], values), ValueError, "dimension"),
        (lambda: learn.regress(index, queries, values, effect=3), TypeError, "'effect'"),
        (lambda: learn.regress(index, queries, values, weights="near"), ValueError, "weights is"),
        (lambda: learn.classify(index, queries, labels[1:]), ValueError, "599 labels"),
        (lambda: learn.classify(index, queries, values), TypeError, "regress"),
        (lambda: learn.classify(index, queries, labels[:, None]), ValueError, "2 axes"),
        (lambda: learn.classify(places, queries, labels), TypeError, "index is of type ndarray"),
        (lambda: learn.cross_validate(index), ValueError, "either labels or values"),
        (lambda: learn.cross_validate(index, labels=labels, values=values), ValueError, "either"),
        (lambda: learn.cross_validate(index, labels=labels, folds=601), ValueError, "601"),
        (lambda: learn.cross_validate(index, labels=labels, folds=1), ValueError, "folds is 1"),
        (lambda: learn.cross_validate(index, labels=labels, k=600), ValueError, "k is 600"),
        (
            lambda: learn.cross_validate(index, labels=labels, folds=np.zeros(600, int)),
            ValueError,
            "one fold",
        ),
        (lambda: learn.cross_validate(index, labels=labels, trim=0.1), ValueError, "trim"),
        (
            lambda: learn.cross_validate(index, values=values, folds=labels, blocks=labels),
            ValueError,
            "blocks",
        ),
    ]:
        with pytest.raises(error, match=message):
            call()
    products = kith.build(places, metric="dot")
    with pytest.raises(ValueError, match="dot"):
        learn.regress(products, queries, values, weights="distance")
    index = kith.build(places)
    index.close()
    with pytest.raises(ValueError, match="closed"):
        learn.regress(index, queries, values)


def test_calls_can_be_cancelled(points, index, queries):
    _, labels, values = points
    stages = []

    def report(stage, done, total):
        stages.append((stage, total))
        return False

    for call in (
        lambda: learn.regress(index, queries, values, progress=report),
        lambda: learn.classify(index, queries, labels, progress=report),
    ):
        with pytest.raises(kith.Cancelled):
            call()
    assert stages == [("search", 200), ("search", 200)]
    with pytest.raises(kith.Cancelled):
        learn.cross_validate(index, values=values, progress=lambda *_: False)


def read_idx(path: Path, rows: int) -> np.ndarray:
    with gzip.open(path) as file:
        axes = file.read(4)[3]
        shape = np.frombuffer(file.read(4 * axes), ">u4")
        size = rows * int(np.prod(shape[1:]))
        return np.frombuffer(file.read(size), np.uint8).reshape(rows, -1)


def test_digits_as_scikit_learn(data):
    """MNIST: pixels are integers, so that neighbours may be as far; such rows are left out."""
    images = read_idx(data / "mnist" / "train-images-idx3-ubyte.gz", 4000)
    labels = read_idx(data / "mnist" / "train-labels-idx1-ubyte.gz", 4000)[:, 0]
    test = read_idx(data / "mnist" / "t10k-images-idx3-ubyte.gz", 500)
    index = kith.build(images, metric="euclidean")
    told = learn.classify(index, test, labels, KS, weights="uniform", exact=True)
    means = learn.regress(index, test, labels, KS, weights="distance", exact=True)
    for row, k in enumerate(KS):
        _, distances = index.search(test, k + 1, exact=True)
        clear = distances[:, k - 1] != distances[:, k]
        assert clear.mean() > 0.99
        other = neighbors.KNeighborsClassifier(k, algorithm="brute")
        other.fit(images.astype(float), labels)
        theirs = other.predict(test.astype(float))
        np.testing.assert_array_equal(told.labels[row][clear], theirs[clear])
        regressor = neighbors.KNeighborsRegressor(k, weights="distance", algorithm="brute")
        regressor.fit(images.astype(float), labels.astype(float))
        theirs = regressor.predict(test.astype(float))
        np.testing.assert_allclose(means.values[row][clear], theirs[clear], rtol=1e-6)


def test_pings_as_scikit_learn(data):
    """Ping times of a city, whose ends are all at other places."""
    with gzip.open(data / "ping" / "pings.csv.gz", "rt", encoding="utf-8") as file:
        columns = file.readline().strip().split(",")
        rows = [line.split(",") for line in file if line.startswith("New York,")]
    column = {name: [row[i] for row in rows] for i, name in enumerate(columns)}
    places = learn.sphere_points(
        np.array(column["dst_lat"], float), np.array(column["dst_lon"], float)
    )
    times = np.array(column["avg_ms"], float)
    index = kith.build(places, metric="euclidean", index="exact")
    folds = np.random.default_rng(8).permutation(len(times)) % 10
    ours = learn.cross_validate(index, values=times, k=KS, folds=folds)
    theirs = theirs_by_k(
        neighbors.KNeighborsRegressor,
        places,
        times,
        folds,
        lambda a, b: np.sqrt(np.mean((a - b) ** 2)),
    )
    np.testing.assert_allclose(ours.rmse, theirs, rtol=1e-6)
