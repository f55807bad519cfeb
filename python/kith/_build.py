"""kith.build: vectors in, an index out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from . import _core
from ._index import Index, PathLike
from ._inputs import matrix
from ._progress import Progress, as_callback
from ._reduce import Reducer


def build(
    vectors: Any,
    path: PathLike | None = None,
    *,
    metric: str = "angular",
    index: str | Sequence[str] = "auto",
    dtype: str | None = None,
    keys: Iterable[str | bytes] | None = None,
    ids: Any = None,
    reducer: Reducer | None = None,
    origin: str | None = None,
    trees: int | None = None,
    leaf_size: int | None = None,
    degree: int | None = None,
    beam: int | None = None,
    layout: str = "auto",
    calibrate: bool | None = None,
    expect_queries: int | None = None,
    memory: int | str | None = None,
    build_seconds: float | None = None,
    scan_codes: bool | None = None,
    seed: int = 42,
    n_jobs: int | None = -1,
    progress: Progress = None,
) -> Index:
    """Builds an index of vectors, in a .kith file or in memory, and opens it.

    Parameters
    ----------
    vectors : array (n, d), or an iterator of such
        float32, float16, int8 and uint8 arrays, memory-mapped ones too, are read where they are;
        float64 becomes float32, bool becomes bits, and other integers float32 if that holds every
        one of them exactly. Also nested lists, pandas and polars frames
        and columns of vectors, Arrow arrays of lists. An iterator of arrays (m, d) is written to
        a temporary file as it comes, so that all of it need not fit into memory.
    path : str, bytes or os.PathLike, optional
        The .kith file to write: complete or not at all; an existing one is replaced and stays
        valid for those who have it open. In memory if absent.
    metric : str
        What near means: angular (cosine), euclidean, dot, manhattan or hamming.
    index : str or sequence of str
        The ways in beside exact search, which is always there: auto (chosen), graph (fastest to
        search), forest (fastest to build), both as ("graph", "forest"), or exact for none.
    dtype : str, optional
        How coordinates are stored: f32, f16, bf16, i8, u8, bit; if absent the smallest that holds
        every value exactly.
    keys : iterable of str or bytes, optional
        A name for each vector.
    ids : integers (n,), optional
        Unique, >= 0; the row numbers if absent.
    reducer : Reducer, optional
        Reduces the vectors before they are indexed, and the queries of every search; it was fitted
        with this metric (hamming's makes vectors for euclidean). The index keeps it.
    origin : str, optional
        How the vectors were made, kept as ``info["origin"]``; :func:`embed` returns and reads such.
    trees, leaf_size : int, optional
        Of a forest.
    degree, beam, layout : optional
        Of a graph: neighbours kept of each vector (a multiple of 16), the width of the searches
        that refine it, and packed (fastest) or compact (smallest).
    calibrate : bool, optional
        Measure what recall takes what effort, so that searches may ask for a recall. If absent:
        unless fewer than 10,000 queries are expected.
    expect_queries : int, optional
        Searches that the index is for: few favour what is built sooner.
    memory : int or str, optional
        The most bytes that building may take beside the vectors; "800M" or "4G" too.
    build_seconds : float, optional
        The longest that building should take, as predicted.
    scan_codes : bool, optional
        With index="exact": 8-bit codes that make exact search read less. If absent: where they
        pay.
    seed : int
        The same vectors and seed give the same file, whatever `n_jobs`.
    n_jobs : int, optional
        Threads; -1 is all cores.
    progress : callable or True, optional
        Called as ``progress(stage, done, total)`` now and then; if it returns False, the build
        ends with :class:`Cancelled`. True draws a bar with tqdm.

    Returns
    -------
    Index

    Raises
    ------
    TypeError, ValueError
        Elements of another type, NaN or infinity (with row and column), an empty set, a number of
        keys or ids other than that of vectors, options that contradict each other.
    OSError, MemoryError
        An older file of the name is unchanged then, as after Ctrl-C.
    """
    arguments = {
        "index": index,
        "dtype": dtype,
        "trees": trees,
        "leaf_size": leaf_size,
        "degree": degree,
        "beam": beam,
        "layout": layout,
        "calibrate": calibrate,
        "expect_queries": expect_queries,
        "memory": byte_count(memory),
        "build_seconds": build_seconds,
        "scan_codes": scan_codes,
        "origin": origin,
        "reducer": getattr(reducer, "_reduction", reducer),
    }
    with matrix(vectors, path) as array, as_callback(progress) as report:
        return Index(_core.build(array, path, metric, arguments, keys, ids, seed, n_jobs, report))


def byte_count(size: int | str | None) -> Any:
    """A size as the shell writes it, in bytes; everything else as it is."""
    if not isinstance(size, str):
        return size
    found = re.fullmatch(r"([0-9]+)([kmgt]?)", size.strip().lower(), re.ASCII)
    if found is None:
        raise ValueError(f"memory is {size!r}, which is not a size; write it as '800M' or '4G'")
    return int(found[1]) << {"": 0, "k": 10, "m": 20, "g": 30, "t": 40}[found[2]]
