"""The engine of kith; use the package kith."""

from collections.abc import Callable, Iterable, Sequence
import os
from typing import Any

import numpy
import numpy.typing


VERSION: str = '0.1.0'

def _end() -> None: ...

class Handle:
    """An open file: what kith.Index is made of."""

    def __init__(self, other: Handle) -> None:
        """Another holder of the same open file."""

    def search(self, queries: numpy.typing.ArrayLike, k: int = 10, *, recall: float | None = None, worst: float | None = None, drift: str = 'warn', effort: float | None = None, exact: bool = False, index: str = 'auto', n_jobs: int | None = 1, where: numpy.typing.ArrayLike | None = None, allow: numpy.typing.ArrayLike | None = None, deny: numpy.typing.ArrayLike | None = None, exclude: Iterable[numpy.typing.ArrayLike] | Any = None) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float32]]:
        """
        The k nearest vectors of each query, nearest first.

        Parameters
        ----------
        queries : array (d,) for one query, or (nq, d)
            float32, float16, int8 and uint8 are not copied if the rows are contiguous; float64, bool
            and other integers are converted. Also nested lists, frames and columns of vectors.
        k : int
            Neighbours of each query; more than there are vectors: all of them.
        recall : float, optional
            The mean recall@k wanted, above 0 and at most 1 (exact search). The effort it takes was
            measured when the file was built, or by calibrate(); exact search is taken where it is cheaper
            or nothing else is known to reach the recall, which plan() tells.
        worst : float, optional
            Beside a recall, or instead: the recall@k that 95 % of the queries are to reach. Of a graph,
            hard queries, which a short walk tells, get more effort than easy ones. The larger effort counts
            if both are given.
        drift : str
            What to do about queries unlike those that recall was measured with: "warn" once
            (kith.DriftWarning), "widen", that is spend more effort on those that are farther from the
            vectors, or "off".
        effort : int or float, optional
            Instead of a recall. Graph: ef, the beam width. Forest: search_k, the distinct vectors
            compared. Fractions, as plan() gives them, are rounded up.
        exact : bool
            Compare every vector.
        index : str
            Which of the file's ways in to use: auto (the best), graph, forest or exact.
        n_jobs : int, optional
            Threads for a batch; None is 1, -1 all cores. The answers do not depend on it.
        where : bool array (n,) or (nq, n), optional
            Which vectors may be answers, in the order in which they were given: ``where=years > 1990``. For
            each query its own, if there are two axes. As many answers as k, or as there are such vectors,
            and the recall asked for is that among them.
        allow, deny : integer array, optional
            Ids that alone may be answers, or that may not.
        exclude : sequence of nq integer arrays, or sparse matrix (nq, n), optional
            Ids that are no answers to each query, or what the matrix has entries for: what a user has seen.
            Of one query, its ids. All conditions hold together.

        Returns
        -------
        ids : int64 (k,) or (nq, k), k being at most the number of vectors
            -1 where there is no neighbour.
        distances : float32, of the same shape
            The smaller the closer; inf where there is no neighbour. angular: 1 - cosine, of equal vectors
            0 to 5e-7, which is rounding; euclidean: the root of the sum of squares; dot: minus the product; manhattan: the sum of absolute
            differences; hamming: the number of coordinates that differ.

        Raises
        ------
        TypeError, ValueError
            Elements of another type, another dimension, NaN or infinity (with its place), a recall that
            the `index` asked for does not reach or that was never measured of it, a closed index.

        Notes
        -----
        Thread-safe, and runs without the GIL. Many queries in one call are faster than one a call.
        Ctrl-C ends it.
        """

    def _search_keys(self, query: str | bytes | Sequence[str] | numpy.typing.ArrayLike, k: int = 10, *, recall: float | None = None, worst: float | None = None, drift: str = 'warn', effort: float | None = None, exact: bool = False, index: str = 'auto', n_jobs: int | None = 1, where: numpy.typing.ArrayLike | None = None, allow: numpy.typing.ArrayLike | None = None, deny: numpy.typing.ArrayLike | None = None) -> list[tuple[str, float]]: ...

    def _search_reranked(self, queries: numpy.typing.ArrayLike, originals: numpy.typing.ArrayLike, k: int = 10, *, candidates: int = 100, recall: float | None = None, effort: float | None = None, exact: bool = False, index: str = 'auto', n_jobs: int | None = 1) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float32]]: ...

    def plan(self, k: int = 10, num_queries: int = 1, *, recall: float | None = None, worst: float | None = None, drift: str = 'warn', effort: float | None = None, exact: bool = False, index: str = 'auto') -> dict[str, Any]:
        """
        What search() would do with so many queries in one call, many of which favour exact search: a dict of `index`, `effort` (None: the default; a graph's may be a fraction), `recall` and `worst` (None: not asked for), and of `why_exact`, why exact search is taken of a file that has a graph or a forest (None: it is not, or nobody chose): "everything" (recall 1), "cheaper", "out of reach" (`reached` is the most recall that was measured, `reached_worst` the most of what 95 % of the queries reach), "unmeasured" or, without a recall, "misses its own" (vectors, of which the graph finds too few).
        """

    def vectors(self, ids: numpy.typing.ArrayLike) -> numpy.typing.NDArray[numpy.float32]:
        """
        The vectors of `ids` (n,), as float32 (n, d). KeyError if one is not there.
        """

    def keys_of(self, ids: numpy.typing.ArrayLike) -> list[str | None]:
        """
        The keys of `ids` (n,); None for -1, the place of a missing neighbour. KeyError if an id is not there, ValueError if the file has no keys.
        """

    def ids_of(self, keys: Iterable[str | bytes]) -> numpy.typing.NDArray[numpy.int64]:
        """
        The ids of keys, the first vector's where several share one. KeyError if one is not there.
        """

    def save(self, path: str | bytes | os.PathLike[str] | os.PathLike[bytes]) -> None:
        """
        Writes the index to a .kith file, complete or not at all. The index stays as it is: in memory, or mapped from where it was opened.
        """

    def to_bytes(self) -> bytes:
        """The bytes of the .kith file; kith.from_bytes() opens them."""

    def verify(self) -> None:
        """
        Reads all of the file and checks every checksum and invariant. Raises CorruptFileError that names the first fault.
        """

    def close(self) -> None:
        """
        Lets go of the file; using the index afterwards is a ValueError, closing it again nothing. Searches that other threads have begun end as usual.
        """

    def drift(self) -> dict[str, Any]:
        """
        How unlike the calibration's the queries are that were searched with a recall: a dict of `queries` seen, `distance` (0 to 1, Kolmogorov-Smirnov) and `unlike`, whether the recall may be another than asked for, of which a search warns once (kith.DriftWarning); calibrate() mends that.
        """

    def __getitem__(self, which: int | str | bytes, /) -> numpy.typing.NDArray[numpy.float32]:
        """
        The vector (d,) of an id or a key, as float32. KeyError if it is not there.
        """

    def __contains__(self, which: object, /) -> bool:
        """Whether there is a vector of this id or key."""

    def __len__(self) -> int:
        """The number of vectors."""

    def _evaluate(self, queries: numpy.typing.ArrayLike, k: int, truth: numpy.typing.NDArray[Any] | None, efforts: Sequence[float] | float, recalls: Sequence[float] | float, worst: float | None, drift: str, indexes: Sequence[str] | str, n_jobs: int | None, progress: object) -> list[dict[str, Any]]: ...

    def _calibrate(self, queries: object | None, ks: object | None, adapt: object | None, n_jobs: object | None, progress: object | None) -> None: ...

    @property
    def ids(self) -> numpy.typing.NDArray[numpy.int64]:
        """The ids of all vectors (n,), in the order in which they were given."""

    @property
    def info(self) -> dict[str, Any]:
        """All that the file says of itself, as a dict."""

    @property
    def closed(self) -> bool:
        """Whether close() was called."""

    @property
    def metric(self) -> str:
        """angular, euclidean, dot, manhattan or hamming."""

    @property
    def dim(self) -> int:
        """The number of coordinates of a vector."""

    @property
    def dtype(self) -> str:
        """How a coordinate is stored: f32, f16, bf16, i8, u8 or bit."""

    @property
    def nbytes(self) -> int:
        """The size of the file."""

    @property
    def has_keys(self) -> bool:
        """Whether the vectors have keys."""

    @property
    def path(self) -> str | None:
        """
        The file that is mapped, from the root, as it was named when it was opened; None if the index is in memory.
        """

def open(path: object | None, prefault: object | None, huge_pages: object | None) -> Handle: ...

def from_bytes(data: object | None) -> Handle: ...

def build(vectors: object | None, path: object | None, metric: object | None, arguments: dict[str, object], keys: object | None, ids: object | None, seed: object | None, n_jobs: object | None, progress: object | None) -> Handle: ...

class AnnoyIndex:
    """What kith.annoy.AnnoyIndex is made of."""

    def __init__(self, f: int, metric: str) -> None: ...

    @property
    def f(self) -> int:
        """The dimension of the vectors."""

    @property
    def metric(self) -> str:
        """The name of the metric."""

    @property
    def _state(self) -> str: ...

    @property
    def _path(self) -> str: ...

    @property
    def _absolute_path(self) -> str: ...

    def add_item(self, i: int, vector: Any) -> None:
        """
        Adds item ``i`` with its vector, or gives item ``i`` another one.

        Parameters
        ----------
        i : int
            From 0 to 2**31 - 2. Room is made for ``max(i) + 1`` items.
        vector : sequence of f floats
            List, tuple, array, or anything with ``__len__`` and ``__getitem__``. Arrays of
            floats and integers are read without making an object of each number. Stored as
            float32; with the metric hamming, as a bit: 1 if above 0.5.

        Raises
        ------
        IndexError
            ``i`` is negative, or the vector has another length than ``f``.
        OverflowError
            ``i`` is larger than that.
        TypeError
            An item of the vector is not a number.
        ValueError
            The vector has NaN or infinity.
        RuntimeError
            The index is built or loaded.
        """

    def get_item_vector(self, i: int, /) -> list[float]:
        """
        The vector of item ``i`` as it is stored; zeros for an item that was never added, but is
        smaller than ``get_n_items()``. IndexError if it is not.
        """

    def get_distance(self, i: int, j: int, /) -> float:
        """
        The distance of two items; the product of their vectors with the metric dot.
        IndexError if one of them is not below ``get_n_items()``.
        """

    def get_n_items(self) -> int:
        """1 + the largest number of an item: those that were never added count."""

    def _add_items(self, ids: object, vectors: object, /) -> None: ...

    def _items(self) -> tuple[bytes, bytes]: ...

    def get_nns_by_item(self, i: int, n: int, search_k: int = -1, include_distances: bool = False) -> Any:
        """
        The ``n`` items nearest to item ``i``, which is one of them.

        Parameters
        ----------
        i : int
            Below ``get_n_items()``, else IndexError.
        n : int
            How many; -1 for all that are found.
        search_k : int
            How many entries of the trees' leaves to look at: more find more of the nearest, and
            take longer. -1: ``n * get_n_trees()``. Of a .kith file: docs/annoy.md.
        include_distances : bool
            Return the distances too.

        Returns
        -------
        list of int, or (list of int, list of float)
            Nearest first, equally near ones by number. With the metric dot, distances are products,
            largest first. Nothing is found before ``build()``.

        Other threads run meanwhile.
        """

    def get_nns_by_vector(self, vector: Any, n: int, search_k: int = -1, include_distances: bool = False) -> Any:
        """
        The ``n`` items nearest to a vector.

        Parameters
        ----------
        vector : sequence of f floats
            As for ``add_item``.
        n : int
            How many; -1 for all that are found.
        search_k : int
            How many entries of the trees' leaves to look at: more find more of the nearest, and
            take longer. -1: ``n * get_n_trees()``. Of a .kith file: docs/annoy.md.
        include_distances : bool
            Return the distances too.

        Returns
        -------
        list of int, or (list of int, list of float)
            Nearest first, equally near ones by number. With the metric dot, distances are products,
            largest first. Nothing is found before ``build()``.

        Other threads run meanwhile.
        """

    def _search_batch(self, queries: object, n: int, search_k: int, threads: int, /) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float32]]: ...

    def build(self, n_trees: int, n_jobs: int = -1, progress: Callable[[str, int, int], object] | None = None) -> bool:
        """
        Grows the trees. No item can be added afterwards, until ``unbuild()``.

        Parameters
        ----------
        n_trees : int
            More trees find more of the nearest, and take more memory. -1: as many as double
            the size of the index.
        n_jobs : int
            Threads; -1 for one on each core. The trees don't depend on it.
        progress : callable, optional
            Called as ``progress(stage, done, total)``; the build is cancelled if it returns
            False or raises.

        Returns
        -------
        True

        Raises
        ------
        RuntimeError
            The index is built or loaded.
        KeyboardInterrupt
            On Ctrl-C; the index is as before.

        Other threads run meanwhile.
        """

    def unbuild(self) -> bool:
        """
        Drops the trees, so that items can be added again. Returns True.
        RuntimeError if the index is loaded.
        """

    def set_seed(self, seed: int, /) -> None:
        """The seed of the next ``build()``; it stays until another is set."""

    def verbose(self, v: bool, /) -> bool:
        """Whether builds and loads write a line to standard error. Returns True."""

    def get_n_trees(self) -> int:
        """How many trees there are."""

    def save(self, fn: str | bytes | os.PathLike[str] | os.PathLike[bytes], prefault: bool = False) -> bool:
        """
        Writes the index, complete or not at all, and goes on with the file as after ``load()``.

        Parameters
        ----------
        fn : str, bytes or os.PathLike
            A name ending in .kith writes a .kith file, with the index that kith chooses, which
            need not have been built before. Any other name writes Annoy's layout.
        prefault : bool
            Read the whole file into memory afterwards.

        Returns
        -------
        True

        Raises
        ------
        OSError
            The index was not built; the file can't be written.
        """

    def load(self, fn: str | bytes | os.PathLike[str] | os.PathLike[bytes], prefault: bool = False) -> bool:
        """
        Maps a file, in Annoy's layout or .kith, in place of what the index held.

        Parameters
        ----------
        fn : str, bytes or os.PathLike
            What it is, is read from its contents.
        prefault : bool
            Read the whole file into memory now.

        Returns
        -------
        True

        Raises
        ------
        FileNotFoundError
            No such file.
        AnnoyFileError
            Damaged, or of another metric or dimension, as far as the file can tell.
        OSError
            It can't be read. The index is as before.
        """

    def unload(self) -> bool:
        """Empties the index, which can be filled or loaded anew. Returns True."""

    def on_disk_build(self, fn: str | bytes | os.PathLike[str] | os.PathLike[bytes]) -> bool:
        """
        Items and trees go to a file instead of memory, which is there, complete, after
        ``build()``. To be called before; returns True. OSError if the file can't be written.
        """

    def verify(self) -> bool:
        """
        Reads all of a built or loaded index and checks it. Returns True.
        AnnoyFileError says what is wrong and where; RuntimeError if there are no trees.
        """

    def _to_bytes(self) -> bytes: ...

    def _from_bytes(self, arg: bytes, /) -> None: ...

def learn_regress(index: Handle, queries: object, values: object, k: object, options: dict[str, object], progress: object) -> tuple[numpy.typing.NDArray[numpy.float64], numpy.typing.NDArray[numpy.float64] | None, numpy.typing.NDArray[numpy.float64] | None, numpy.typing.NDArray[numpy.float32], bool]: ...

def learn_classify(index: Handle, queries: object, labels: object, k: object, options: dict[str, object], progress: object) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float64], bool]: ...

def learn_score_values(index: Handle, values: object, folds: object, k: object, options: dict[str, object], progress: object) -> list[tuple[int, float, float, float]]: ...

def learn_score_labels(index: Handle, labels: object, folds: object, k: object, options: dict[str, object], progress: object) -> list[tuple[int, float]]: ...

def learn_folds(blocks: object, folds: int, seed: int) -> numpy.typing.NDArray[numpy.int64]: ...

def sphere_points(latitudes: object, longitudes: object) -> numpy.typing.NDArray[numpy.float32]: ...

def globe_blocks(latitudes: object, longitudes: object, degrees: float) -> numpy.typing.NDArray[numpy.int64]: ...

def chord_to_km(chords: object) -> numpy.typing.NDArray[numpy.float64]: ...

def reduce_fit(vectors: object | None, dim: object | None, keep_variance: object | None, method: object | None, metric: object | None, whiten: object | None, seed: object | None, n_jobs: object | None, progress: object | None) -> Reduction: ...

def reduce_open(path: object | None) -> Reduction: ...

class Reduction:
    def save(self, path: object | None) -> None: ...

    def prefix(self, dim: object | None) -> Reduction: ...

    def transform(self, vectors: object, n_jobs: int | None, progress: object) -> numpy.typing.NDArray[numpy.float32]: ...

    def measure(self, vectors: object, queries: object, dims: object, k: int, rerank: int, seed: int, n_jobs: int | None, progress: object) -> list[dict[str, Any]]: ...

    def to_recall(self, vectors: object, recall: float, reranked: bool, queries: object, k: int, rerank: int, seed: int, n_jobs: int | None, progress: object) -> tuple[Reduction, dict[str, Any], list[dict[str, Any]]]: ...

    def components(self) -> numpy.typing.NDArray[numpy.float32]: ...

    def mean(self) -> numpy.typing.NDArray[numpy.float32]: ...

    def variances(self) -> list[float]: ...

    @property
    def method(self) -> str: ...

    @property
    def metric(self) -> str: ...

    @property
    def dim(self) -> int: ...

    @property
    def source_dim(self) -> int: ...

    @property
    def whitened(self) -> bool: ...

    @property
    def seed(self) -> int: ...

    @property
    def fitted_rows(self) -> int: ...

    @property
    def total_variance(self) -> float: ...

def neighbour_graph(index: Handle, k: int, recall: float, way: str, edges: str, with_self: bool, n_jobs: int | None, progress: object) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float32], float]: ...

def neighbour_graph_of(vectors: object, metric: str, k: int, recall: float, way: str, edges: str, with_self: bool, seed: int, n_jobs: int | None, progress: object) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float32], float]: ...

def duplicates(index: Handle, within: float, recall: float, way: str, n_jobs: int | None, progress: object) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float32], list[list[int]]]: ...

def embed_pictures(sources: object, model: object, like: Handle | None, layer: str | None, size: int | None, crop: float | None, mean: object, std: object, strict: bool, n_jobs: int | None, progress: object) -> tuple[numpy.typing.NDArray[numpy.float32], list[str], list[str], list[tuple[str, str]], str]: ...

def make_map(index: Handle, options: dict[str, object], progress: object) -> numpy.typing.NDArray[numpy.float32]: ...

def stored_map(index: Handle) -> numpy.typing.NDArray[numpy.float32] | None: ...

def measure_map(index: Handle, points: object, k: int, samples: int, n_jobs: int | None, progress: object) -> tuple[float, float, int, int]: ...

class Interactions:
    @property
    def shape(self) -> tuple[int, int]: ...

    def __len__(self) -> int: ...

    def users(self) -> list[str]: ...

    def items(self) -> list[str]: ...

    def csr(self) -> tuple[numpy.typing.NDArray[numpy.float32], numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.int64]]: ...

    def split(self, held_out: str, share: float, count: int, seed: int) -> tuple[Interactions, Interactions]: ...

def read_interactions(path: object, names: object, progress: object) -> Interactions: ...

def make_interactions(users: object, items: object, user_rows: object, item_rows: object, weights: object, times: object) -> Interactions: ...

def factorize(plays: Interactions, options: dict[str, object], progress: object) -> tuple[numpy.typing.NDArray[numpy.float32], numpy.typing.NDArray[numpy.float32], numpy.typing.NDArray[numpy.float64]]: ...

def write_model(folder: object, plays: Interactions, options: dict[str, object], progress: object) -> numpy.typing.NDArray[numpy.float64]: ...

class Recommender:
    def for_users(self, users: object, k: int, recall: float | None, n_jobs: int | None) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float32]]: ...

    def for_new(self, plays: Interactions, k: int, recall: float | None, n_jobs: int | None) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float32]]: ...

    def similar(self, items: object, k: int, n_jobs: int | None) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float32]]: ...

    def explain(self, user: int, item: int) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float64]]: ...

def open_recommender(folder: object) -> Recommender: ...

def recommend_popular(plays: Interactions, k: int, n_jobs: int | None) -> numpy.typing.NDArray[numpy.int64]: ...

def recommend_by_cosine(plays: Interactions, k: int, scale: str, n_jobs: int | None) -> numpy.typing.NDArray[numpy.int64]: ...

def score_ranking(ids: object, k: int, test: Interactions) -> tuple[int, float, float, float, float]: ...

class Subwords:
    """What kith.Words asks of words that are not there."""

    @property
    def path(self) -> str: ...

def open_subwords(path: str | bytes | os.PathLike[str] | os.PathLike[bytes]) -> Subwords: ...

def open_words(path: object, index_path: object, memory: object, n_jobs: int | None, progress: object) -> tuple[Handle, str, bool, Subwords | None]: ...

def words_search(index: Handle, query: str | bytes, k: int, recall: float, exact: bool, n_jobs: int | None, unknown: list[tuple[str, list[str], bool]], subwords: Subwords | None) -> list[tuple[str, float]]: ...

def words_vector(index: Handle, query: str | bytes, unknown: list[tuple[str, list[str], bool]], subwords: Subwords | None) -> numpy.typing.NDArray[numpy.float32]: ...

def words_similarity(index: Handle, a: str | bytes, b: str | bytes, unknown: list[tuple[str, list[str], bool]], subwords: Subwords | None) -> float: ...

def words_closer(index: Handle, a: str | bytes, b: str | bytes, n_jobs: int | None) -> list[tuple[str, float]]: ...

def words_odd(index: Handle, words: Iterable[str | bytes]) -> list[float]: ...

def words_analogies(index: Handle, path: str | bytes | os.PathLike[str] | os.PathLike[bytes], vocabulary: int | None, n_jobs: int | None, progress: object) -> list[dict[str, Any]]: ...
