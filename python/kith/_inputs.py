"""What kith.build takes for vectors, as one array."""

from __future__ import annotations

import errno
import mmap  # noqa: F401  (np.memmap imports it, and may then lack the memory to)
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray


@contextmanager
def matrix(vectors: Any, path: Any) -> Iterator[Any]:
    """An array of `vectors` for as long as the context lasts.

    Chunks of an iterator go to a temporary file in the folder of `path`, where there has to be
    room for the index anyway.
    """
    if _is_iterator(vectors):
        folder = None if path is None else os.path.dirname(os.path.abspath(os.fsdecode(path)))
        if folder is not None and not os.path.isdir(folder):
            raise FileNotFoundError(f"there is no directory {folder} to write to; create it first")
        with tempfile.TemporaryFile(prefix=".kith-", dir=folder) as file:
            yield _spooled(vectors, file)
    else:
        yield as_array(vectors)


def as_array(vectors: Any) -> Any:
    """Frames, columns and Arrow arrays as numpy arrays; everything else as it is."""
    module = type(vectors).__module__.partition(".")[0]
    if module in ("pandas", "polars"):
        return _from_frame(vectors)
    if module == "pyarrow":
        return _from_arrow(vectors)
    if module == "scipy" and hasattr(vectors, "toarray"):
        raise TypeError("vectors are a sparse matrix; kith's are dense: give vectors.toarray()")
    if isinstance(vectors, np.ndarray) and vectors.dtype == object and vectors.ndim == 1:
        return _stacked(vectors)
    return vectors


def unmasked(vectors: Any) -> Any:
    """`vectors` as they are. ValueError for an array with masked values, which would count."""
    if isinstance(vectors, np.ma.MaskedArray) and np.ma.is_masked(vectors):
        raise ValueError(
            "vectors have masked values, which would count; leave these rows out, or fill them in "
            "(.filled(0))"
        )
    return vectors


def _is_iterator(vectors: Any) -> bool:
    return hasattr(vectors, "__next__") and not hasattr(vectors, "__array__")


def _spooled(chunks: Iterator[Any], file: BinaryIO) -> NDArray[Any]:
    dtype: np.dtype[Any] | None = None
    dim = rows = 0
    for number, chunk in enumerate(chunks):
        array = np.atleast_2d(np.asarray(unmasked(as_array(chunk))))
        if array.ndim != 2:
            raise ValueError(f"chunk {number} has {array.ndim} axes; give arrays (m, d)")
        if dtype is None:
            dtype, dim = array.dtype, array.shape[1]
            if dtype.kind not in "fiub":
                raise TypeError(f"chunk {number} has elements of type {dtype}")
        if array.shape[1] != dim:
            raise ValueError(
                f"chunk {number} has vectors of dimension {array.shape[1]}, those before {dim}"
            )
        if array.dtype != dtype:
            raise TypeError(
                f"chunk {number} has elements of type {array.dtype}, those before {dtype}"
            )
        if dtype == np.float64:  # stored as float32: half the disk
            with np.errstate(over="ignore"):
                narrow = array.astype(np.float32)
            beyond = np.isinf(narrow) & np.isfinite(array)
            if beyond.any():
                row, column = np.argwhere(beyond)[0]
                raise ValueError(
                    f"vectors: the float64 value at row {rows + row}, column {column} is beyond "
                    "what float32 holds, as which they are stored; scale them down"
                )
            array = narrow
        file.write(np.ascontiguousarray(array).data)
        rows += len(array)
    if dtype is None or rows == 0:
        raise ValueError("no vectors to index: the iterator is empty")
    if dim == 0:
        raise ValueError("vectors have no coordinates")
    file.flush()
    try:
        return np.memmap(
            file, dtype=np.float32 if dtype == np.float64 else dtype, mode="r", shape=(rows, dim)
        )
    except OSError as error:
        if error.errno != errno.ENOMEM:
            raise
        raise MemoryError(f"no memory to map {rows} vectors of dimension {dim}") from error


def _stacked(rows: Any) -> NDArray[Any]:
    lengths = {np.shape(row) for row in rows}
    if lengths == {()}:  # single values: whoever wants vectors says what they are
        return np.asarray(rows)
    if len(lengths) > 1 or () in lengths:
        raise ValueError(
            "a column of vectors needs a list of numbers in each row, all of the same length"
        )
    return np.stack([np.asarray(row) for row in rows]) if len(rows) else np.empty((0, 0))


def _from_frame(vectors: Any) -> NDArray[Any]:
    array: NDArray[Any] = vectors.to_numpy()
    return _stacked(array) if array.dtype == object and array.ndim == 1 else array


def _from_arrow(vectors: Any) -> NDArray[Any]:
    import pyarrow as pa

    if isinstance(vectors, pa.ChunkedArray):
        if vectors.num_chunks == 1:
            vectors = vectors.chunk(0)
        else:
            vectors = vectors.combine_chunks()
    if not isinstance(vectors, pa.Array):
        raise TypeError(
            f"vectors are a pyarrow.{type(vectors).__name__}; give the column that holds them"
        )
    if vectors.null_count:
        raise ValueError("vectors have nulls; leave these rows out")
    kind = vectors.type
    if pa.types.is_fixed_size_list(kind):
        dim = kind.list_size
    elif pa.types.is_list(kind) or pa.types.is_large_list(kind):
        lengths = np.diff(vectors.offsets.to_numpy())
        if len(lengths) and (lengths != lengths[0]).any():
            raise ValueError("a column of vectors needs lists of the same length in every row")
        dim = int(lengths[0]) if len(lengths) else 0
    else:
        raise TypeError(f"vectors are an Arrow array of {kind}, not of lists of numbers")
    values = vectors.flatten()
    if values.null_count:
        raise ValueError("vectors have nulls; leave these rows out")
    array: NDArray[Any] = values.to_numpy(zero_copy_only=False).reshape(len(vectors), dim)
    return array
