"""The engine of kith; use the package kith."""

from collections.abc import Iterable, Sequence
import os
from typing import Any

import numpy
import numpy.typing


VERSION: str = '0.1.0'

class Handle:
    """An open file: what kith.Index is made of."""

    def __init__(self, other: Handle) -> None:
        """Another holder of the same open file."""

    def search(self, queries: numpy.typing.ArrayLike, k: int = 10, *, recall: float | None = None, effort: int | None = None, exact: bool = False, index: str = 'auto', n_jobs: int | None = 1) -> tuple[numpy.typing.NDArray[numpy.int64], numpy.typing.NDArray[numpy.float32]]:
        """
        The k nearest vectors of each query, nearest first.

        Parameters
        ----------
        queries : array (d,) for one query, or (nq, d)
            float32, float16, float64, int8, uint8 or bool; not copied if the rows are contiguous
            (float64 is converted).
        k : int
            Neighbours of each query. More than there are vectors leaves places without a neighbour.
        recall : float, optional
            The mean recall@k wanted, above 0 and at most 1 (exact search). The effort it takes was
            measured when the file was built, or by calibrate().
        effort : int, optional
            Instead of a recall. Graph: ef, the beam width. Forest: search_k, the distinct vectors
            compared.
        exact : bool
            Compare every vector.
        index : str
            Which of the file's ways in to use: auto (the best), graph, forest or exact.
        n_jobs : int, optional
            Threads for a batch; None is 1, -1 all cores. The answers do not depend on it.

        Returns
        -------
        ids : int64 (k,) or (nq, k)
            -1 where there is no neighbour.
        distances : float32, of the same shape
            The smaller the closer; inf where there is no neighbour. angular: 1 - cosine; euclidean: the
            root of the sum of squares; dot: minus the product; manhattan: the sum of absolute
            differences; hamming: the number of coordinates that differ.

        Raises
        ------
        TypeError, ValueError
            Elements of another type, another dimension, NaN or infinity (with its place), a recall that
            was never measured or that the index does not reach, a closed index.

        Notes
        -----
        Thread-safe, and runs without the GIL. Many queries in one call are faster than one a call.
        Ctrl-C is noticed between some hundreds of queries.
        """

    def plan(self, k: int = 10, num_queries: int = 1, *, recall: float | None = None, effort: int | None = None, exact: bool = False, index: str = 'auto') -> dict[str, Any]:
        """
        What search() would do: a dict of `index`, `effort` (None: the default) and `recall` (None: not asked for).
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
        How unlike the calibration's the queries are that were searched with a recall: a dict of `queries` seen, `distance` (0 to 1, Kolmogorov-Smirnov) and `unlike`, whether the recall may be another than asked for; calibrate() mends that.
        """

    def __getitem__(self, which: int | str | bytes, /) -> numpy.typing.NDArray[numpy.float32]:
        """
        The vector (d,) of an id or a key, as float32. KeyError if it is not there.
        """

    def __contains__(self, which: object, /) -> bool:
        """Whether there is a vector of this id or key."""

    def __len__(self) -> int:
        """The number of vectors."""

    def _evaluate(self, queries: numpy.typing.ArrayLike, k: int, truth: Sequence[int] | None, efforts: Sequence[int], recalls: Sequence[float], indexes: Sequence[str], n_jobs: int | None, progress: object) -> list[dict[str, Any]]: ...

    def _calibrate(self, queries: object | None, ks: Sequence[int], n_jobs: object | None, progress: object | None) -> None: ...

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
        """The file that is mapped; None if the index is in memory."""

def open(path: object | None, prefault: bool, huge_pages: bool) -> Handle: ...

def from_bytes(data: object | None) -> Handle: ...

class BuildArguments:
    """What kith.build() was told of how to build."""

    def __init__(self) -> None: ...

    @property
    def index(self) -> list[str]: ...

    @index.setter
    def index(self, arg: Sequence[str], /) -> None: ...

    @property
    def dtype(self) -> str | None: ...

    @dtype.setter
    def dtype(self, arg: str | None, /) -> None: ...

    @property
    def trees(self) -> int | None: ...

    @trees.setter
    def trees(self, arg: int | None, /) -> None: ...

    @property
    def leaf_size(self) -> int | None: ...

    @leaf_size.setter
    def leaf_size(self, arg: int | None, /) -> None: ...

    @property
    def degree(self) -> int | None: ...

    @degree.setter
    def degree(self, arg: int | None, /) -> None: ...

    @property
    def beam(self) -> int | None: ...

    @beam.setter
    def beam(self, arg: int | None, /) -> None: ...

    @property
    def layout(self) -> str: ...

    @layout.setter
    def layout(self, arg: str, /) -> None: ...

    @property
    def calibrate(self) -> bool | None: ...

    @calibrate.setter
    def calibrate(self, arg: bool | None, /) -> None: ...

    @property
    def expect_queries(self) -> int | None: ...

    @expect_queries.setter
    def expect_queries(self, arg: int | None, /) -> None: ...

    @property
    def memory(self) -> int | None: ...

    @memory.setter
    def memory(self, arg: int | None, /) -> None: ...

    @property
    def build_seconds(self) -> float | None: ...

    @build_seconds.setter
    def build_seconds(self, arg: float | None, /) -> None: ...

    @property
    def scan_codes(self) -> bool | None: ...

    @scan_codes.setter
    def scan_codes(self, arg: bool | None, /) -> None: ...

def build(vectors: object | None, path: object | None, metric: str, arguments: BuildArguments, keys: object | None, ids: object | None, seed: int, n_jobs: object | None, progress: object | None) -> Handle: ...
