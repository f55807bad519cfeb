"""kith.embed(): vectors of pictures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import _core
from ._index import Index, PathLike
from ._progress import Progress, as_callback


class Pictures(NamedTuple):
    """What :func:`embed` makes."""

    vectors: NDArray[np.float32]
    keys: list[str]
    labels: list[str]
    skipped: list[tuple[str, str]]
    origin: str


def embed(
    sources: PathLike | Sequence[PathLike],
    model: PathLike | None = None,
    *,
    like: Index | None = None,
    layer: str | None = None,
    size: int | None = None,
    crop: float | None = None,
    mean: Sequence[float] | None = None,
    std: Sequence[float] | None = None,
    strict: bool = False,
    n_jobs: int | None = -1,
    progress: Progress = None,
) -> Pictures:
    """Vectors of pictures, by a neural network: alike pictures are near each other.

    Parameters
    ----------
    sources : path, or sequence of such
        Files, folders, patterns with ``*``, and tar and zip archives of .jpg, .png and .webp.
    model : path, optional
        The network, a file of ONNX.
    like : Index, optional
        Makes the vectors as those of this index were made, with `model`, or with the network that
        the index names, which lies beside its file or in the current folder.
    layer : str, optional
        The layer whose output is taken; what goes into the classifier if absent.
    size, crop, mean, std : optional
        How pictures are made ready: width and height of the network's input; the part of the
        shorter side that is looked at; what is subtracted of red, green and blue (0 to 255), and
        what they are then divided by. As the network's file says if absent, else as is usual.
    strict : bool
        A picture that is broken is an error, instead of skipped.
    n_jobs, progress
        As for :func:`build`. The vectors do not depend on `n_jobs`.

    Returns
    -------
    Pictures
        ``vectors`` float32 (n, d); ``keys``, paths; ``labels``, the names of their folders;
        ``skipped``, pairs of a path and what was wrong; and ``origin``, which ``build(...,
        origin=...)`` keeps, so that queries can be made likewise.

    Raises
    ------
    FileNotFoundError, ValueError
        No such file; no network that can be run; no picture; kith was built without OpenCV, and
        the message says what to install.
    """
    if model is None and like is None:
        raise TypeError("give the network as model, or an index as like")
    if like is not None and any(value is not None for value in (layer, size, crop, mean, std)):
        raise TypeError("like tells how pictures are made ready; leave the other options out")
    with as_callback(progress) as report:
        return Pictures(
            *_core.embed_pictures(
                sources, model, like, layer, size, crop, mean, std, strict, n_jobs, report
            )
        )
