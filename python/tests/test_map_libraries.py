"""umap-learn and openTSNE take the neighbours that kith finds, as docs/neighbour_graph.md says."""

from __future__ import annotations

import numpy as np
import pytest

import kith

pytest.importorskip("sklearn")
from scipy.sparse import csr_matrix

from kith.sklearn import KithTransformer

umap = pytest.importorskip(
    "umap", reason="umap-learn is not installed: whether it takes kith's neighbours is not tested"
)
openTSNE = pytest.importorskip(
    "openTSNE", reason="openTSNE is not installed: whether it takes kith's neighbours is not tested"
)

N = 700
K = 15


@pytest.fixture(scope="module")
def made() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(2)
    labels = rng.integers(5, size=N)
    centres = 3 * rng.standard_normal((5, 12))
    return (centres[labels] + rng.standard_normal((N, 12))).astype("f4"), labels


def with_self(graph: object) -> tuple[np.ndarray, np.ndarray]:
    """(ids, distances) [N, K + 1], each row itself first."""
    return graph.indices.reshape(N, -1), graph.data.reshape(N, -1)


def agreement(points: np.ndarray, labels: np.ndarray) -> float:
    away = np.linalg.norm(points[:, None].astype("f8") - points, axis=2)
    np.fill_diagonal(away, np.inf)
    return float((labels[away.argmin(axis=1)] == labels).mean())


@pytest.mark.filterwarnings("ignore")
def test_umap_takes_the_neighbour_graph(made: tuple[np.ndarray, np.ndarray]) -> None:
    rows, labels = made
    index = kith.build(rows, metric="euclidean", calibrate=False)
    ids, distances = with_self(index.knn_graph(K, recall=1.0, with_self=True))
    assert (ids[:, 0] == np.arange(N)).all()
    mapper = umap.UMAP(
        n_neighbors=K + 1,
        precomputed_knn=(ids, distances),
        random_state=1,
        n_epochs=100,
        force_approximation_algorithm=True,
    )
    points = mapper.fit_transform(rows)
    assert agreement(points, labels) > 0.98
    # The weights that it makes of these neighbours are those of the neighbours it finds itself, up
    # to the tolerance of its own bisection.
    own = umap.UMAP(n_neighbors=K + 1, random_state=1, n_epochs=1).fit(rows)
    assert abs(mapper.graph_ - own.graph_).max() < 0.02


@pytest.mark.filterwarnings("ignore")
def test_umap_takes_a_symmetric_matrix(made: tuple[np.ndarray, np.ndarray]) -> None:
    rows, labels = made
    index = kith.build(rows, metric="euclidean", calibrate=False)
    graph = index.knn_graph(K, recall=1.0, edges="either", with_self=True)
    mapper = umap.UMAP(n_neighbors=K + 1, metric="precomputed", random_state=1, n_epochs=100)
    assert agreement(mapper.fit_transform(csr_matrix(graph)), labels) > 0.98


@pytest.mark.filterwarnings("ignore")
def test_umap_takes_the_output_of_the_transformer(made: tuple[np.ndarray, np.ndarray]) -> None:
    rows, labels = made
    graph = KithTransformer(n_neighbors=K, mode="distance").fit_transform(rows)
    ids, distances = with_self(graph)
    assert ids.shape == (N, K + 1) and (ids[:, 0] == np.arange(N)).all()
    mapper = umap.UMAP(
        n_neighbors=K + 1, precomputed_knn=(ids, distances), random_state=1, n_epochs=100
    )
    assert agreement(mapper.fit_transform(rows), labels) > 0.98


@pytest.mark.filterwarnings("ignore")
def test_opentsne_takes_the_neighbour_graph(made: tuple[np.ndarray, np.ndarray]) -> None:
    rows, labels = made
    index = kith.build(rows, metric="euclidean", calibrate=False)
    graph = index.knn_graph(K, recall=1.0)
    ids, distances = graph.indices.reshape(N, K), graph.data.reshape(N, K)
    neighbours = openTSNE.nearest_neighbors.PrecomputedNeighbors(ids, distances)
    affinities = openTSNE.affinity.PerplexityBasedNN(knn_index=neighbours, perplexity=K / 3)
    start = openTSNE.initialization.pca(rows, random_state=1)
    points = openTSNE.TSNE(n_iter=100, early_exaggeration_iter=50, random_state=1).fit(
        affinities=affinities, initialization=start
    )
    assert agreement(np.asarray(points), labels) > 0.98
    # The affinities that it makes of these neighbours are those of the neighbours it finds itself.
    own = openTSNE.affinity.PerplexityBasedNN(rows, perplexity=K / 3, method="exact", k_neighbors=K)
    assert abs(affinities.P - own.P).max() < 1e-6
