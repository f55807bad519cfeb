"""kith.knn_graph: the neighbours of all vectors of an array."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from . import _core
from ._inputs import matrix
from ._progress import Progress, as_callback

if TYPE_CHECKING:
    from scipy.sparse import csr_array


def knn_graph(
    vectors: Any,
    k: int = 15,
    *,
    metric: str = "angular",
    recall: float = 0.95,
    index: str = "auto",
    edges: str = "directed",
    with_self: bool = False,
    seed: int = 42,
    n_jobs: int | None = -1,
    progress: Progress = None,
) -> csr_array:
    """The nearest neighbours of every vector, as a sparse matrix of distances.

    For what takes neighbours as ``precomputed``: UMAP, t-SNE, DBSCAN, spectral clustering. What
    :meth:`Index.knn_graph` finds of an index this finds without one, which takes half to a quarter
    of the time: in the leaves of random-projection trees, and among neighbours of neighbours. Where
    that does not suit the vectors (few of them, products, too many dimensions that matter), an
    index is built for this one use. Needs SciPy.

    Parameters
    ----------
    vectors : array (n, d), or an iterator of such
        As for :func:`build`.
    k : int
        Neighbours of each vector, itself not counted.
    metric : str
        What near means: angular (cosine), euclidean, dot, manhattan or hamming.
    recall : float
        The share of the true neighbours wanted, on average, which is measured with 1,000 of the
        vectors; 1.0 is exact search.
    index : {'auto', 'exact', 'graph', 'forest'}
        'auto' takes what is cheapest; 'graph' and 'forest' build such an index and ask it.
    edges, with_self
        As for :meth:`Index.knn_graph`.
    seed : int
        The same vectors and seed give the same matrix, whatever `n_jobs`.
    n_jobs, progress
        As for :func:`build`.

    Returns
    -------
    scipy.sparse.csr_array (n, n), float32
        In each row the neighbours, nearest first, as of :meth:`Index.knn_graph`.

    Raises
    ------
    TypeError, ValueError
        As of :func:`build`, and of :meth:`Index.knn_graph`.
    """
    from scipy.sparse import csr_array

    with matrix(vectors, None) as array, as_callback(progress) as report:
        starts, neighbours, distances, _ = _core.neighbour_graph_of(
            array, metric, k, recall, index, edges, with_self, seed, n_jobs, report
        )
    n = len(starts) - 1
    return csr_array((distances, neighbours, starts), shape=(n, n))
