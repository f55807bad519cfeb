"""KithTransformer before the estimators that take a graph of neighbours."""

import gzip

import numpy as np
import pytest

pytest.importorskip("sklearn", minversion="1.6")

from sklearn.cluster import DBSCAN, HDBSCAN, OPTICS, SpectralClustering
from sklearn.datasets import load_digits, make_blobs
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE, Isomap, SpectralEmbedding, trustworthiness
from sklearn.metrics import adjusted_rand_score
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.neighbors import (
    KNeighborsClassifier,
    KNeighborsRegressor,
    KNeighborsTransformer,
    LocalOutlierFactor,
)
from sklearn.pipeline import make_pipeline

from kith.sklearn import KithClassifier, KithNeighbors, KithTransformer

DIGITS, LABELS = load_digits(return_X_y=True)
# The pixels are small integers: distances would tie.
DIGITS = DIGITS + np.random.default_rng(4).normal(scale=0.1, size=DIGITS.shape)


def graphs_of(rows, k):
    """By kith, and by scikit-learn."""
    return (
        KithTransformer(k, index="exact").fit_transform(rows),
        KNeighborsTransformer(n_neighbors=k, algorithm="brute").fit_transform(rows),
    )


def test_dbscan():
    rows, centers = make_blobs(500, 4, centers=5, cluster_std=0.5, random_state=2)
    found = make_pipeline(KithTransformer(30), DBSCAN(eps=1.5, metric="precomputed"))
    assert adjusted_rand_score(found.fit_predict(rows), centers) > 0.95


# These take the graph apart themselves, and warn about what they make of it.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.EfficiencyWarning")
def test_other_clusterings_and_outliers():
    rows, _ = make_blobs(300, 4, centers=4, random_state=2)
    graph, true = graphs_of(rows, 40)
    optics = OPTICS(metric="precomputed", min_samples=5)
    np.testing.assert_array_equal(optics.fit(graph).labels_, optics.fit(true).labels_)
    graph, true = graphs_of(rows, 299)
    clusters = HDBSCAN(metric="precomputed", copy=True)
    np.testing.assert_array_equal(clusters.fit_predict(graph), clusters.fit_predict(true))
    outliers = LocalOutlierFactor(n_neighbors=20, metric="precomputed")
    np.testing.assert_array_equal(outliers.fit_predict(graph), outliers.fit_predict(true))


def test_spectral_clustering():
    rows, centers = make_blobs(300, 4, centers=4, random_state=2)
    model = make_pipeline(
        KithTransformer(15),
        SpectralClustering(
            4, n_neighbors=15, affinity="precomputed_nearest_neighbors", random_state=0
        ),
    )
    with pytest.warns(UserWarning, match="fully connected"):
        assert adjusted_rand_score(model.fit_predict(rows), centers) > 0.95


def test_tsne():
    rows = DIGITS[:400]
    model = make_pipeline(
        KithTransformer(3 * 15 + 2),
        TSNE(perplexity=15, metric="precomputed", init="random", max_iter=400, random_state=0),
    )
    assert trustworthiness(rows, model.fit_transform(rows), n_neighbors=5) > 0.95


def test_isomap_also_of_new_samples():
    model = make_pipeline(KithTransformer(12), Isomap(n_neighbors=12, metric="precomputed"))
    true = make_pipeline(
        KNeighborsTransformer(n_neighbors=12), Isomap(n_neighbors=12, metric="precomputed")
    )
    for found in [model, true]:
        found.fit(DIGITS[:500])
    np.testing.assert_allclose(
        np.abs(model.transform(DIGITS[500:600])),
        np.abs(true.transform(DIGITS[500:600])),
        rtol=1e-3,
        atol=1e-3,
    )


@pytest.mark.filterwarnings("ignore:Graph is not fully connected:UserWarning")
def test_spectral_embedding():
    graph, true = graphs_of(DIGITS[:300], 10)
    embedding = SpectralEmbedding(
        affinity="precomputed_nearest_neighbors", n_neighbors=10, random_state=0
    )
    np.testing.assert_allclose(
        embedding.fit_transform(graph), embedding.fit_transform(true), rtol=1e-3, atol=1e-4
    )


def test_neighbors_of_a_graph():
    for model in [KNeighborsClassifier, KNeighborsRegressor]:
        ours = make_pipeline(KithTransformer(9), model(5, metric="precomputed", weights="distance"))
        true = model(5, weights="distance").fit(DIGITS[:1000], LABELS[:1000])
        ours.fit(DIGITS[:1000], LABELS[:1000])
        np.testing.assert_allclose(
            ours.predict(DIGITS[1000:]), true.predict(DIGITS[1000:]), rtol=1e-4
        )


def test_cross_validation_and_grid_search():
    model = make_pipeline(PCA(20, random_state=0), KithClassifier())
    assert cross_val_score(model, DIGITS, LABELS, cv=3, n_jobs=2).min() > 0.9
    grid = GridSearchCV(
        model,
        {"kithclassifier__n_neighbors": [1, 5], "kithclassifier__metric": ["euclidean", "cosine"]},
        cv=2,
    )
    assert grid.fit(DIGITS[:600], LABELS[:600]).best_score_ > 0.85


def test_data_frames():
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(DIGITS, columns=[f"pixel{i}" for i in range(64)])
    model = KithClassifier().fit(frame, LABELS)
    assert list(model.feature_names_in_) == list(frame.columns)
    np.testing.assert_array_equal(
        model.predict(frame[:50]), KithClassifier().fit(DIGITS, LABELS).predict(DIGITS[:50])
    )
    with pytest.raises(ValueError, match="feature names"):
        model.predict(frame[frame.columns[::-1]])


@pytest.mark.filterwarnings("ignore")
def test_umap():
    umap = pytest.importorskip("umap")
    rows = DIGITS[:600]
    distances, ids = KithNeighbors(15).fit(rows).kneighbors(rows)
    model = umap.UMAP(n_neighbors=15, precomputed_knn=(ids, distances), random_state=0)
    assert trustworthiness(rows, model.fit_transform(rows), n_neighbors=5) > 0.9


def mnist(data, part):
    """Images (n, 784) and labels (n,)."""
    with gzip.open(data / "mnist" / f"{part}-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 784)
    with gzip.open(data / "mnist" / f"{part}-labels-idx1-ubyte.gz") as file:
        return images, np.frombuffer(file.read(), np.uint8, offset=8)


def test_recall_and_accuracy_on_mnist(data):
    images, labels = mnist(data, "train")
    queries, true_labels = (values[:1000] for values in mnist(data, "t10k"))
    exact = KithNeighbors(10, index="exact", n_jobs=-1).fit(images).kneighbors(queries)[0]
    for recall in [0.9, 0.99]:
        model = KithClassifier(10, recall=recall, n_jobs=-1).fit(images, labels)
        found = model.kneighbors(queries)[0]
        # Of a thousand queries, of other hands; the standard error is half a percent.
        assert (found <= exact[:, -1:] * (1 + 1e-6)).mean() > recall - 0.03
        assert model.score(queries, true_labels) > 0.95
