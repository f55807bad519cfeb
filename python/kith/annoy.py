"""A drop-in for Spotify's Annoy: ``from kith.annoy import AnnoyIndex``.

The same methods, files and answers, without Annoy's traps: docs/annoy.md lists every difference.
For new programs ``kith.build`` and ``kith.open`` are faster, and their files say what they are;
``index.save("x.kith")`` leads there.

Example
-------
>>> from kith.annoy import AnnoyIndex
>>> index = AnnoyIndex(2, "euclidean")
>>> index.add_item(0, [0, 0])
>>> index.add_item(1, [3, 4])
>>> index.build(10)
True
>>> index.get_nns_by_vector([3, 3], 2, include_distances=True)
([1, 0], [1.0, 4.242640495300293])
"""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING, Any, Literal, Protocol, overload

import numpy as np

from . import _core
from ._errors import AnnoyFileError
from ._inputs import unmasked

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType
    from typing import TypeAlias

    from numpy.typing import ArrayLike, NDArray

    Path: TypeAlias = str | bytes | os.PathLike[str] | os.PathLike[bytes]

__all__ = ["AnnoyFileError", "AnnoyIndex"]


class Vector(Protocol):
    """What is taken for a vector: anything with a length and numbered items."""

    def __len__(self) -> int: ...

    def __getitem__(self, i: int, /) -> Any: ...


class AnnoyIndex(_core.AnnoyIndex):
    """Items with a number and a vector, and the trees that find the nearest of them.

    Parameters
    ----------
    f : int
        The dimension of the vectors, at least 1.
    metric : str
        "angular": sqrt(2 - 2 cos), "euclidean", "manhattan", "dot": the product, largest first,
        or "hamming": the number of coordinates that differ, where those above 0.5 count as 1.
        Without it, "angular", and a FutureWarning.

    Raises
    ------
    ValueError
        No such metric; ``f`` is out of range.

    Notes
    -----
    Any number of threads may search at once; searches, builds, loads and saves let other threads
    run. What changes the index while another thread builds or saves raises RuntimeError.

    As a context manager, the index is unloaded at the end. Pickled, it refers to its file by
    path if it was loaded or saved, and else carries its bytes.
    """

    def __init__(self, f: int, metric: str | None = None) -> None:
        if metric is None:
            warnings.warn(
                "the metric will have to be given in a later version: pass metric='angular'",
                FutureWarning,
                stacklevel=2,
            )
            metric = "angular"
        super().__init__(f, metric)

    if TYPE_CHECKING:

        def add_item(self, i: int, vector: Vector) -> None: ...

        @overload
        def get_nns_by_item(
            self, i: int, n: int, search_k: int = ..., include_distances: Literal[False] = ...
        ) -> list[int]: ...
        @overload
        def get_nns_by_item(
            self, i: int, n: int, search_k: int, include_distances: Literal[True]
        ) -> tuple[list[int], list[float]]: ...
        @overload
        def get_nns_by_item(
            self, i: int, n: int, search_k: int = ..., *, include_distances: Literal[True]
        ) -> tuple[list[int], list[float]]: ...
        @overload
        def get_nns_by_item(
            self, i: int, n: int, search_k: int = ..., include_distances: bool = ...
        ) -> list[int] | tuple[list[int], list[float]]: ...
        def get_nns_by_item(self, *args: Any, **kwargs: Any) -> Any: ...

        @overload
        def get_nns_by_vector(
            self,
            vector: Vector,
            n: int,
            search_k: int = ...,
            include_distances: Literal[False] = ...,
        ) -> list[int]: ...
        @overload
        def get_nns_by_vector(
            self, vector: Vector, n: int, search_k: int, include_distances: Literal[True]
        ) -> tuple[list[int], list[float]]: ...
        @overload
        def get_nns_by_vector(
            self, vector: Vector, n: int, search_k: int = ..., *, include_distances: Literal[True]
        ) -> tuple[list[int], list[float]]: ...
        @overload
        def get_nns_by_vector(
            self, vector: Vector, n: int, search_k: int = ..., include_distances: bool = ...
        ) -> list[int] | tuple[list[int], list[float]]: ...
        def get_nns_by_vector(self, *args: Any, **kwargs: Any) -> Any: ...

        def build(
            self,
            n_trees: int,
            n_jobs: int = ...,
            progress: Callable[[str, int, int], object] | None = ...,
        ) -> Literal[True]: ...
        def save(self, fn: Path, prefault: bool = ...) -> Literal[True]: ...
        def load(self, fn: Path, prefault: bool = ...) -> Literal[True]: ...
        def on_disk_build(self, fn: Path) -> Literal[True]: ...

    def add_items(self, vectors: ArrayLike, ids: ArrayLike | None = None) -> None:
        """Adds many items at once, several times faster than one by one.

        Parameters
        ----------
        vectors : array_like (n, f)
            Taken as float32.
        ids : array_like of int (n,), optional
            Their numbers; ``get_n_items()`` and those that follow it by default.

        Raises
        ------
        ValueError
            Another shape; NaN or infinity, in which case the items before it were added.
        IndexError
            A number is negative.
        RuntimeError
            The index is built or loaded.
        """
        rows = self._rows(vectors)
        if ids is None:
            first = self.get_n_items()
            numbers = np.arange(first, first + len(rows), dtype=np.int64)
        else:
            numbers = np.asarray(ids)
            if numbers.dtype.kind not in "iu" and numbers.size:
                raise TypeError(f"ids must be integers, not {numbers.dtype}")
            numbers = np.ascontiguousarray(numbers, dtype=np.int64)
            if numbers.shape != (len(rows),):
                raise ValueError(f"{len(rows)} vectors, but ids has the shape {numbers.shape}")
        self._add_items(numbers, rows)

    def get_nns_by_vectors(
        self,
        vectors: ArrayLike,
        n: int,
        search_k: int = -1,
        include_distances: bool = False,
        n_jobs: int = -1,
    ) -> NDArray[np.int64] | tuple[NDArray[np.int64], NDArray[np.float32]]:
        """The ``n`` items nearest to each of many vectors, found by several threads.

        Parameters
        ----------
        vectors : array_like (m, f)
            Taken as float32.
        n, search_k, include_distances
            As for ``get_nns_by_vector``; ``n`` is at least 0.
        n_jobs : int
            Threads; -1 for one on each core. The answers don't depend on it.

        Returns
        -------
        ids : (m, n) int64
            -1 in places for which nothing was found.
        distances : (m, n) float32, with include_distances
            inf in those places, -inf with the metric dot.
        """
        rows = self._rows(vectors)
        ids, distances = self._search_batch(rows, n, search_k, n_jobs)
        return (ids, distances) if include_distances else ids

    def _rows(self, vectors: ArrayLike) -> NDArray[np.float32]:
        array = unmasked(np.asanyarray(vectors))
        if array.dtype.kind not in "fiub" and array.size:
            raise TypeError(
                f"vectors have elements of type {array.dtype}, not real numbers; convert them "
                'with .astype("float32")'
            )
        rows = np.ascontiguousarray(array, dtype=np.float32)
        if rows.ndim != 2 or rows.shape[1] != self.f:
            raise ValueError(f"vectors must have the shape (n, {self.f}), not {rows.shape}")
        return rows

    def __len__(self) -> int:
        """``get_n_items()``."""
        return self.get_n_items()

    def __bool__(self) -> bool:
        """True, even without items: programs ask for an index or None."""
        return True

    def __repr__(self) -> str:
        parts = [f"f={self.f}", f"metric={self.metric!r}", f"{self.get_n_items()} items"]
        if self._state != "items":
            parts.append(f"{self.get_n_trees()} trees")
        if self._path:
            parts.append(f"path={self._path!r}")
        return f"<{type(self).__name__} {', '.join(parts)}>"

    def __enter__(self) -> AnnoyIndex:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.unload()

    def __getstate__(self) -> dict[str, Any]:
        state: dict[str, Any] = {"f": self.f, "metric": self.metric, "more": self.__dict__}
        if self._state == "loaded" and self._path:
            # As it was understood when it was loaded: the current directory may be another by now.
            if not self._absolute_path:
                raise OSError(
                    f"{self._path}: cannot be pickled: the folder it was loaded from has no name; "
                    "load it by its absolute path"
                )
            state["path"] = self._absolute_path
        elif self._state == "items":
            state["items"] = self._items()
        else:
            state["bytes"] = self._to_bytes()
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        _core.AnnoyIndex.__init__(self, state["f"], state["metric"])
        self.__dict__.update(state["more"])
        if "path" in state:
            self.load(state["path"])
        elif "bytes" in state:
            self._from_bytes(state["bytes"])
        else:
            ids, vectors = state["items"]
            self._add_items(
                np.frombuffer(ids, dtype=np.int32).astype(np.int64),
                np.frombuffer(vectors, dtype=np.float32).reshape(-1, self.f),
            )
