"""kith.Index: an open .kith file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, Union

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _core
from ._progress import Progress, as_callback

if TYPE_CHECKING:
    from scipy.sparse import csr_array

PathLike: TypeAlias = Union[str, bytes, "os.PathLike[str]", "os.PathLike[bytes]"]
Query: TypeAlias = Union[str, Sequence[str], "NDArray[Any]"]


class Duplicates(NamedTuple):
    """What :meth:`Index.duplicates` finds."""

    pairs: NDArray[np.int64]
    distances: NDArray[np.float32]
    groups: list[list[int]]


class Index(_core.Handle):
    """An open .kith file, or an index in memory: made by :func:`build` and :func:`open`.

    Vectors are known by their ids (int64; the row numbers unless others were given) and, if the
    file has keys, by these: ``index[42]`` and ``index["word"]`` are vectors, ``in`` tells whether
    one is there, and iterating gives the ids. Every method is thread-safe and lets other Python
    threads run while it works. Pickles as its absolute path if it is mapped from a file, which
    whoever opens it then needs to see too, and as its bytes otherwise.
    """

    def search_keys(self, query: Query, k: int = 10, **options: Any) -> list[tuple[str, float]]:
        """The keys nearest to a sum of vectors, as word2vec's tools find them.

        Parameters
        ----------
        query : str, sequence of str, or array (d,)
            A key; or several, separated by spaces or as a sequence, each with ``+`` or ``-``
            before it if it likes, and subtracted if it is ``-`` (``"king -man +woman"``). Angular
            vectors are scaled to length 1 before they are summed; the sum of others is divided by
            the number of keys added less that of keys subtracted, if that is positive: several
            keys are asked for by their mean.
        k : int
            Neighbours wanted. The keys of the query are not among them.
        **options
            As for :meth:`search`: ``recall``, ``worst``, ``drift``, ``effort``, ``exact``,
            ``index``, ``where``, ``allow``, ``deny``.

        Returns
        -------
        list of (key, distance)
            Nearest first; fewer than `k` if the index has no more.

        Raises
        ------
        KeyError
            A key is not there; the one that was probably meant is named.
        ValueError
            The index has no keys, or as :meth:`search`.
        """
        return self._search_keys(query, k, **options)

    def search_reranked(
        self,
        queries: ArrayLike,
        originals: ArrayLike,
        k: int = 10,
        *,
        candidates: int = 100,
        **options: Any,
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Searches reduced vectors, and compares the nearest again by what they were before.

        Parameters
        ----------
        queries : array (d,) or (nq, d)
            As the vectors were before they were reduced.
        originals : array (n, d)
            What the index was built from, in the same order; a memory-mapped array will do.
        k : int
            Neighbours of each query.
        candidates : int
            How many of the nearest reduced vectors are compared.
        **options
            As for :meth:`search`: ``recall``, of the candidates among reduced vectors, ``effort``,
            ``exact``, ``index``, ``n_jobs``.

        Returns
        -------
        ids, distances
            As :meth:`search`; distances are those of the originals.
        """
        return self._search_reranked(queries, originals, k, candidates=candidates, **options)

    def evaluate(
        self,
        queries: ArrayLike,
        k: int = 10,
        *,
        truth: ArrayLike | None = None,
        recall: Sequence[float] = (),
        worst: float | None = None,
        drift: str = "warn",
        effort: Sequence[float] = (),
        index: Sequence[str] | str = (),
        n_jobs: int | None = 1,
        progress: Progress = None,
    ) -> list[dict[str, Any]]:
        """Recall and speed on queries of yours, as ``kith eval`` measures them.

        Parameters
        ----------
        queries : array (nq, d)
            Not ones that anything was tuned with.
        k : int
            Recall@k is measured.
        truth : integer array (nq, >= k), optional
            Ids of the true neighbours, nearest first, -1 for none; found by exact search if absent.
        recall, effort : sequence, optional
            The targets, or the efforts, to measure; a grid of efforts if both are absent.
        worst : float, optional
            Beside each recall, or alone: the recall that 95 % of the queries are to reach.
        drift : str
            As for :meth:`search`: "warn", "widen" or "off".
        index : str or sequence of str, optional
            What is measured, of exact, graph and forest; all that the file has if absent.
        n_jobs : int, optional
            Threads of the batches; single queries always use one.
        progress : callable or True, optional
            As for :func:`build`.

        Returns
        -------
        list of dict
            One for each setting: ``index``, ``effort``, ``recall`` with ``recall_interval`` (95 %
            confidence), ``recall_p5``, ``recall_worst_decile``, ``qps`` and ``p50_us`` of single
            queries, ``batch_qps``, ``distances`` computed per query, ... Ready for
            ``pandas.DataFrame``. With `recall` or `worst`, also ``target``, ``target_worst``,
            ``drift`` (as :meth:`drift`, of these queries; :class:`DriftWarning` is given if they
            are unlike), ``missed``, whether clearly less was found than asked for, by over 0.02,
            and ``reachable``: a target that is not has None for what could not be measured, and
            ``reached`` (``reached_worst``), the most recall there is.

        Raises
        ------
        ValueError
            No target is in reach of anything; efforts of a graph and a forest at once; ...
        """
        known = None
        if truth is not None:
            known = np.asarray(truth)
            if known.ndim != 2 or known.dtype.kind not in "iu":
                raise ValueError("truth must be an integer array (nq, k)")
        with as_callback(progress) as report:
            return self._evaluate(
                queries, k, known, effort, recall, worst, drift, index, n_jobs, report
            )

    def knn_graph(
        self,
        k: int = 15,
        *,
        recall: float = 0.95,
        index: str = "auto",
        edges: str = "directed",
        with_self: bool = False,
        n_jobs: int | None = -1,
        progress: Progress = None,
    ) -> csr_array:
        """The nearest neighbours of every vector, as a sparse matrix of distances.

        For what takes neighbours as ``precomputed``: UMAP, t-SNE, DBSCAN, spectral clustering. No
        vector is looked for, as it is known where it lies, which takes less than searching for
        all of them. Needs SciPy.

        Parameters
        ----------
        k : int
            Neighbours of each vector, itself not counted.
        recall : float
            The share of the true neighbours wanted, on average; 1.0 is exact search. The effort
            this takes is measured with 1,000 of the vectors: no calibration is needed.
        index : {'auto', 'exact', 'graph', 'forest'}
            How they are found; 'auto' takes what is cheapest for this recall.
        edges : {'directed', 'either', 'mutual'}
            Those to the `k` nearest; these and every reverse; or those that are there both ways.
        with_self : bool
            Each vector is a neighbour of itself, too, beside its `k`.
        n_jobs : int, optional
            Threads, as joblib counts them; the result does not depend on it.
        progress : callable or True, optional
            As for :func:`build`.

        Returns
        -------
        scipy.sparse.csr_array (n, n), float32
            In each row the neighbours, nearest first (so that ``has_sorted_indices`` is False);
            rows and columns are row numbers, not ids. A distance of 0 is stored.

        Raises
        ------
        ValueError
            A recall that the way in asked for does not reach, or no such way in.
        """
        from scipy.sparse import csr_array

        with as_callback(progress) as report:
            starts, neighbours, distances, _ = _core.neighbour_graph(
                self, k, recall, index, edges, with_self, n_jobs, report
            )
        return csr_array((distances, neighbours, starts), shape=(len(self), len(self)))

    def duplicates(
        self,
        within: float,
        *,
        recall: float = 0.99,
        index: str = "auto",
        n_jobs: int | None = -1,
        progress: Progress = None,
    ) -> Duplicates:
        """The vectors that are nearly the same: all pairs within a distance, and their groups.

        Parameters
        ----------
        within : float
            The largest distance of two duplicates, as :meth:`search` tells it. Angular distances
            are rounded: 1e-6 finds exact copies.
        recall : float
            The share of the true neighbours that is looked at; 1.0 is exact search. What is
            nearest of all, as duplicates are, is missed less often than that.
        index : {'auto', 'exact', 'graph', 'forest'}
            How they are found; 'auto' takes what is cheapest for this recall.
        n_jobs, progress
            As for :meth:`knn_graph`.

        Returns
        -------
        Duplicates
            ``pairs`` of ids, int64 (m, 2), the nearest first; their ``distances``, float32 (m,);
            and ``groups``, lists of the ids that pairs connect, of two at least.
        """
        with as_callback(progress) as report:
            return Duplicates(*_core.duplicates(self, within, recall, index, n_jobs, report))

    def map(
        self,
        k: int = 15,
        *,
        min_dist: float = 0.1,
        spread: float = 1.0,
        epochs: int | None = None,
        negatives: int = 5,
        recall: float = 0.95,
        index: str = "auto",
        seed: int = 42,
        store: bool = False,
        n_jobs: int | None = -1,
        progress: Progress = None,
    ) -> NDArray[np.float32]:
        """A map of all vectors in two dimensions, on which near vectors lie near each other.

        UMAP (McInnes, Healy and Melville 2018) of the graph of neighbours, from a start in the
        first two principal components; docs/map.md says what differs. What the map keeps of the
        neighbours is measured by :func:`kith.learn.map_quality`.

        Parameters
        ----------
        k : int
            Neighbours that hold each vector, itself not counted (UMAP's ``n_neighbors`` counts it).
        min_dist, spread : float
            How near points may come to each other, at most `spread`, and the scale of the map.
        epochs : int, optional
            500 up to 200,000 vectors, and 200 beyond, if absent.
        negatives : int
            Points that repel, for each neighbour that attracts.
        recall, index
            Of the neighbours, as for :meth:`knn_graph`.
        seed : int
        store : bool
            Keep the map in the file, which is written anew as by :meth:`calibrate`, or in the
            memory of an index in memory; :meth:`stored_map` has it then.
        n_jobs : int, optional
            Threads, as joblib counts them; the result does not depend on it.
        progress : callable or True, optional
            As for :func:`build`.

        Returns
        -------
        array (n, 2), float32
            A point for each row; rows are in the order in which they were built, as :attr:`ids`.
        """
        options: dict[str, object] = {
            "k": k,
            "min_dist": min_dist,
            "spread": spread,
            "epochs": epochs,
            "negatives": negatives,
            "recall": recall,
            "index": index,
            "seed": seed,
            "store": store,
            "n_jobs": n_jobs,
        }
        with as_callback(progress) as report:
            return _core.make_map(self, options, report)

    def stored_map(self) -> NDArray[np.float32] | None:
        """The map that the file keeps, as :meth:`map` returned it; None if it keeps none."""
        return _core.stored_map(self)

    def calibrate(
        self,
        queries: ArrayLike,
        *,
        k: Sequence[int] = (),
        adapt: bool = False,
        n_jobs: int | None = -1,
        progress: Progress = None,
    ) -> None:
        """Measures anew what recall takes what effort, on queries like those to come.

        A file is written anew, complete or not at all, with the result in place of what was
        measured when it was built; others who have it open keep what they have. It is the file
        that was opened: if another one has its name by now, that is left as it is, and an OSError
        raised.

        Parameters
        ----------
        queries : array (nq, d)
            At least 32, better a thousand or more.
        k : sequence of int, optional
            The k of the recall@k to measure; 1, 10 and 100, of a graph 30 too, if absent.
        adapt : bool
            Give a graph edges for such queries as well, in the place of those of the least use:
            for queries of another kind than the vectors, as titles asked for among sentences.
            Every second query is taken for that, and the others measure, so that there are to be
            64 at least. A graph that would not find clearly more stays as it is, and a forest is
            measured only.
        n_jobs, progress
            As for :func:`build`.
        """
        with as_callback(progress) as report:
            self._calibrate(queries, k, adapt, n_jobs, report)

    def __iter__(self) -> Iterator[int]:
        return iter(self.ids.tolist())

    def __enter__(self) -> Index:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __reduce__(self) -> tuple[Any, ...]:
        if self.path is None:
            return from_bytes, (self.to_bytes(),)
        if not os.path.isabs(self.path):
            raise OSError(
                f"{self.path}: cannot be pickled: the folder it was opened in has no name; "
                "open it by its absolute path"
            )
        return open, (self.path,)

    def __repr__(self) -> str:
        if self.closed:
            return "<kith.Index: closed>"
        info = self.info
        ways = " + ".join(info["indexes"])
        keys = ", keys" if self.has_keys else ""
        return (
            f"<kith.Index {self._name()}: {len(self)} x {self.dim} {self.dtype}, {self.metric}, "
            f"{ways}{keys}, {_size(self.nbytes)}>"
        )

    def _name(self) -> str:
        return "in memory" if self.path is None else repr(self.path)


def open(path: PathLike, *, prefault: bool = False, huge_pages: bool = False) -> Index:
    """Opens a .kith file.

    Maps it and checks its header: microseconds, whatever its size. Any number of processes share
    its pages.

    Parameters
    ----------
    path : str, bytes or os.PathLike
    prefault : bool
        Read the whole file now, so that first searches do not wait for the disk.
    huge_pages : bool
        Copy the graph to memory of this process in huge pages, where the system has them:
        searches are faster, and the copy is not shared.

    Raises
    ------
    FileNotFoundError, OSError
    CorruptFileError
        The file was damaged or cut short.
    ValueError
        It is no .kith file, or one of a newer kith.
    """
    return Index(_core.open(path, prefault, huge_pages))


def from_bytes(data: Any) -> Index:
    """Opens what :meth:`Index.to_bytes` or a .kith file holds, from anything with a buffer.

    Copies it to memory. Errors as :func:`open`.
    """
    return Index(_core.from_bytes(data))


def _size(count: float) -> str:
    for unit in ("bytes", "kB", "MB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"
