"""The sets of vectors that bench/run recall asks for a recall: real ones, and made ones.

A set is its rows and queries of the same kind that are not among them, the metric, and the ways in
that are built of it. Made sets draw both alike; of real ones, some rows are taken out.
"""

from __future__ import annotations

import gzip
import pathlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np

QUERIES = 10_000
Rows = np.ndarray
# Draws so many rows; the same generator draws the same centres for rows and queries.
Draw = Callable[[int], Rows]


@dataclass(frozen=True)
class Set:
    name: str
    metric: str
    ways: tuple[str, ...]  # packed, compact, forest
    load: Callable[[], tuple[Rows, Rows]]  # rows, queries


def taken_out(rows: Rows, most: int | None = None) -> tuple[Rows, Rows]:
    """Some rows, a fifth at most, are queries; of the others, `most` are taken."""
    order = np.random.default_rng(2026).permutation(len(rows))
    count = min(QUERIES, len(rows) // 5)
    kept = order[count:] if most is None else order[count : count + most]
    return rows[kept], rows[order[:count]]


# ---- real ones, of the folder KITH_DATA


def descriptors(data: pathlib.Path) -> Rows:
    """128 bytes of each of 400,224 places in photos."""
    raw = np.memmap(data / "descriptors" / "base.u8bin", np.uint8, "r")
    rows, dim = raw[:8].view(np.uint32)
    return raw[8:].reshape(int(rows), int(dim))


def digits(data: pathlib.Path) -> Rows:
    """60,000 handwritten digits of 28 x 28 pixels."""
    with gzip.open(data / "mnist" / "train-images-idx3-ubyte.gz") as file:
        return np.frombuffer(file.read(), np.uint8, offset=16).reshape(-1, 784)


def words(data: pathlib.Path) -> Rows:
    """Vectors of 108,904 words: a line of text, then each word, a space and its floats."""
    raw = (data / "words" / "words-en-100d.bin").read_bytes()
    head, at = raw.split(b"\n", 1)[0], raw.index(b"\n") + 1
    rows, dim = map(int, head.split())
    out = np.empty((rows, dim), np.float32)
    for row in range(rows):
        at = raw.index(b" ", at) + 1
        out[row] = np.frombuffer(raw, np.float32, dim, at)
        at += 4 * dim + (raw[at + 4 * dim : at + 4 * dim + 1] == b"\n")
    return out


def photos(data: pathlib.Path) -> Rows:
    """The pixels of 5,421 photos, 32 x 32 in three colours."""
    from PIL import Image

    paths = sorted((data / "photos").rglob("*.jpg"))
    small = (Image.open(path).convert("RGB").resize((32, 32)) for path in paths)
    return np.stack([np.asarray(image, np.uint8).reshape(-1) for image in small])


def factors(path: pathlib.Path) -> Rows:
    """What bench/comparison/factor_listening.py makes of play counts: 17,632 artists."""
    raw = np.fromfile(path, np.float32)
    dim = int(raw[1:2].view(np.uint32)[0])
    return raw[2:].reshape(-1, dim)


def real(data: pathlib.Path, made: pathlib.Path) -> Iterator[Set]:
    def of(load: Callable[[], Rows], most: int | None = None) -> Callable[[], tuple[Rows, Rows]]:
        return lambda: taken_out(load(), most)

    all_ways = ("packed", "compact", "forest")
    photo = partial(descriptors, data)
    yield Set("descriptors, 390 k x 128", "euclidean", ("packed", "forest"), of(photo))
    yield Set("descriptors, 50 k x 128", "euclidean", ("packed", "compact"), of(photo, 50_000))
    yield Set("descriptors, 50 k x 128", "manhattan", ("compact",), of(photo, 50_000))
    digit = partial(digits, data)
    yield Set("digits, 50 k x 784", "euclidean", ("packed", "forest"), of(digit))
    yield Set("digits, 5 k x 784", "euclidean", ("packed",), of(digit, 5000))
    ink = of(lambda: digit() >= 128, 20_000)
    yield Set("digits of ink, 20 k x 784 bits", "hamming", ("compact",), ink)
    word = partial(words, data)
    yield Set("words, 99 k x 100", "angular", all_ways, of(word))
    yield Set("words, 99 k x 100", "dot", ("packed",), of(word))
    artist = partial(factors, made / "artists.fbin")
    yield Set("artists, 14 k x 64", "angular", ("packed", "forest"), of(artist))
    yield Set("artists, 14 k x 64", "dot", ("packed",), of(artist))
    text = partial(np.load, made / "sentences.npy", mmap_mode="r")
    yield Set("sentences, 100 k x 256", "angular", ("packed", "forest"), of(text, 100_000))
    yield Set("sentences, 8 k x 256", "angular", ("packed",), of(text, 8000))
    yield Set("photos, 4.3 k x 3,072", "euclidean", ("packed", "forest"), of(partial(photos, data)))


# ---- made ones


def gaussians(rng: np.random.Generator, dim: int) -> Draw:
    return lambda n: rng.standard_normal((n, dim))


def uniform(rng: np.random.Generator, dim: int) -> Draw:
    return lambda n: rng.random((n, dim))


def clusters(rng: np.random.Generator, dim: int, count: int, spread: float) -> Draw:
    """Gaussians about centres that are Gaussian themselves."""
    centres = rng.standard_normal((count, dim))
    return lambda n: centres[rng.integers(0, count, n)] + spread * rng.standard_normal((n, dim))


def uneven(rng: np.random.Generator, dim: int, spread: float) -> Draw:
    """Gaussians of lognormal lengths."""
    return lambda n: rng.standard_normal((n, dim)) * np.exp(spread * rng.standard_normal((n, 1)))


def heavy(rng: np.random.Generator, dim: int, freedom: float) -> Draw:
    """Coordinates of Student's t distribution."""
    return lambda n: rng.standard_t(freedom, (n, dim))


def manifold(rng: np.random.Generator, dim: int, inner: int) -> Draw:
    """A curved surface of few dimensions in a space of many, and a little noise."""
    into, bend = rng.standard_normal((inner, dim)), rng.random(dim)

    def draw(n: int) -> Rows:
        flat = rng.standard_normal((n, inner)) @ into
        return np.sin(flat / np.sqrt(inner) + bend) + 0.01 * rng.standard_normal((n, dim))

    return draw


def bits(rng: np.random.Generator, dim: int, count: int) -> Draw:
    """Bits near those of some patterns, a tenth of them flipped."""
    patterns = rng.random((count, dim)) < 0.5
    return lambda n: patterns[rng.integers(0, count, n)] ^ (rng.random((n, dim)) < 0.1)


def copies(rng: np.random.Generator, dim: int) -> Draw:
    """Half of the vectors are there twice to five times. Queries are of the others' kind."""

    def draw(n: int) -> Rows:
        own = rng.standard_normal((n - n // 2, dim))
        return np.vstack([own, own[rng.integers(0, len(own) // 4, n // 2)]])

    return draw


def made() -> Iterator[Set]:
    def of(
        draw: Callable[..., Draw], rows: int, *shape: float, dtype: type = np.float32
    ) -> Callable[[], tuple[Rows, Rows]]:
        def load() -> tuple[Rows, Rows]:
            each = draw(np.random.default_rng(2026), *shape)
            parts = [each(min(100_000, rows - at)).astype(dtype) for at in range(0, rows, 100_000)]
            return np.concatenate(parts), each(QUERIES).astype(dtype)

        return load

    packed, both = ("packed",), ("packed", "compact")
    forest = ("packed", "forest")
    yield Set("Gaussians, 1 M x 8", "euclidean", forest, of(gaussians, 1_000_000, 8))
    yield Set("Gaussians, 12 k x 32", "euclidean", packed, of(gaussians, 12_000, 32))
    yield Set("Gaussians, 20 k x 128", "euclidean", both, of(gaussians, 20_000, 128))
    yield Set("Gaussians, 5 k x 384", "euclidean", packed, of(gaussians, 5000, 384))
    yield Set("Gaussians, 5 k x 384", "angular", packed, of(gaussians, 5000, 384))
    yield Set("Gaussians, 2 k x 64", "angular", packed, of(gaussians, 2000, 64))
    yield Set("Gaussians, 2 k x 4,096", "euclidean", packed, of(gaussians, 2000, 4096))
    yield Set("uniform, 50 k x 16", "manhattan", ("compact",), of(uniform, 50_000, 16))
    yield Set("clusters, 100 k x 64", "euclidean", forest, of(clusters, 100_000, 64, 500, 0.5))
    tight = of(clusters, 50_000, 64, 1000, 0.02)
    yield Set("tight clusters, 50 k x 64", "angular", ("compact",), tight)
    yield Set("uneven norms, 8 k x 64", "dot", packed, of(uneven, 8000, 64, 0.5))
    yield Set("uneven norms, 50 k x 96", "dot", both, of(uneven, 50_000, 96, 0.2))
    yield Set("heavy tails, 20 k x 32", "euclidean", packed, of(heavy, 20_000, 32, 2.5))
    flips = of(bits, 50_000, 256, 5000, dtype=np.bool_)
    yield Set("bits, 50 k x 256", "hamming", ("compact",), flips)
    yield Set("a surface, 100 k x 128", "euclidean", forest, of(manifold, 100_000, 128, 5))
    yield Set("a surface, 1 M x 24", "angular", packed, of(manifold, 1_000_000, 24, 4))
    yield Set("copies, 20 k x 48", "euclidean", packed, of(copies, 20_000, 48))


def sets(data: pathlib.Path, from_data: pathlib.Path) -> list[Set]:
    """All of them; `data` has real vectors, `from_data` those that scripts made of such."""
    return [*real(data, from_data), *made()]
