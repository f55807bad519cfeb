"""Vectors of pictures: of small ones that come with the tests, and of real photos."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import kith

ROOT = Path(__file__).parents[2]
DATA = ROOT / "tests" / "pictures" / "data"
NET = DATA / "net.onnx"
PHOTO_NET = ROOT / "examples" / "data" / "photo-net.onnx"


@pytest.fixture(scope="module", autouse=True)
def module() -> None:
    """The tests are skipped where kith was built without OpenCV."""
    try:
        kith.embed(DATA / "shapes", NET)
    except ValueError as error:
        if "kith_pictures.so" not in str(error):
            raise
        pytest.skip("built without OpenCV: no pictures are embedded")


def test_vectors_keys_labels_and_what_is_broken() -> None:
    found = kith.embed([DATA / "shapes", str(DATA / "broken"), DATA / "all.zip"], NET)
    assert found.vectors.shape == (12, 5) and found.vectors.dtype == np.float32
    assert found.keys[0].endswith("shapes/square/plain.png")
    assert found.labels == ["square"] * 10 + ["a", "b"]
    assert len(found.skipped) == 6
    assert found.skipped[0][0].endswith("cut.jpg") and "damaged JPEG" in found.skipped[0][1]
    expected = np.array((DATA / "expected.txt").read_text().splitlines()[0].split(), float)
    np.testing.assert_allclose(found.vectors[0], expected, atol=1e-5)
    again = kith.embed([DATA / "shapes", DATA / "broken", DATA / "all.zip"], NET, n_jobs=1)
    assert (again.vectors == found.vectors).all()


def test_queries_are_made_as_the_vectors_were(tmp_path: Path) -> None:
    made = kith.embed(DATA / "kinds", NET, crop=0.5, mean=(1, 2, 3))
    index = kith.build(made.vectors, tmp_path / "k.kith", keys=made.keys, origin=made.origin)
    assert index.info["origin"] == made.origin
    with pytest.raises(FileNotFoundError, match="net.onnx"):
        kith.embed(DATA / "kinds" / "grey.png", like=index)
    (tmp_path / "net.onnx").write_bytes(NET.read_bytes())
    query = kith.embed(DATA / "kinds" / "grey.png", like=index)
    assert query.origin == made.origin
    ids, distances = index.search(query.vectors, k=1)
    assert index.keys_of(ids[0]) == [str(DATA / "kinds" / "grey.png")]
    assert distances[0, 0] < 1e-6
    with pytest.raises(ValueError, match="another network"):
        kith.embed(DATA / "kinds" / "grey.png", DATA / "plain.onnx", like=index)
    with pytest.raises(ValueError, match="kith embed"):
        kith.embed(DATA / "kinds" / "grey.png", NET, like=kith.build(made.vectors))


def test_faulty_arguments_are_named() -> None:
    with pytest.raises(FileNotFoundError, match="none"):
        kith.embed(DATA / "none", NET)
    with pytest.raises(ValueError, match="cut.jpg"):
        kith.embed(DATA / "broken", NET, strict=True)
    with pytest.raises(ValueError, match="three numbers"):
        kith.embed(DATA / "shapes", NET, mean=[1, 2])
    with pytest.raises(ValueError, match="size"):
        kith.embed(DATA / "shapes", NET, size=5000)
    with pytest.raises(ValueError, match="no layer"):
        kith.embed(DATA / "shapes", NET, layer="x")
    with pytest.raises(TypeError, match="model"):
        kith.embed(DATA / "shapes")
    with pytest.raises(TypeError, match="leave the other"):
        kith.embed(DATA / "shapes", NET, like=kith.build([[1.0]]), size=96)


def test_photos_of_a_class_are_near_and_copies_nearer(data: Path, tmp_path: Path) -> None:
    """The figures of docs/photos.md, of fewer photos: every fourth that was not trained with."""
    for name in ("PIL", "matplotlib"):
        pytest.importorskip(name, reason="examples/photos needs it")
    sys.path.insert(0, str(ROOT / "examples" / "photos"))
    try:
        from copies import LAYER, are_copies, best_distance, make_copies, num_copies
        from photo_sets import Photos, class_of, of_folder, pixels
    finally:
        sys.path.pop(0)
    classes = sorted(class_of(path) for path in (data / "photos" / "train").iterdir())
    train, test = (of_folder(data / "photos" / split, classes) for split in ("train", "test"))
    train, test = (Photos(p.paths[::4], p.labels[::4]) for p in (train, test))

    def accuracy(base: np.ndarray, queries: np.ndarray, metric: str) -> float:
        index = kith.build(base, metric=metric, index="exact")
        nearest, _ = index.search(queries, 1, exact=True, n_jobs=-1)
        return float(np.mean(train.labels[nearest[:, 0]] == test.labels))

    base, queries = (kith.embed(p.paths, PHOTO_NET, strict=True).vectors for p in (train, test))
    by_network = accuracy(base, queries, "angular")
    by_pixels = accuracy(pixels(train), pixels(test), "euclidean")
    assert by_network > 3 * by_pixels, (by_network, by_pixels)

    files = make_copies(test.paths[::10], tmp_path)
    made = kith.embed(files, PHOTO_NET, layer=LAYER, strict=True)
    found = kith.build(made.vectors, index="exact").duplicates(0.1, recall=1.0)
    within = best_distance(found.pairs, found.distances, len(files))
    right = are_copies(found.pairs[found.distances <= within])
    assert right.mean() > 0.8, (right.mean(), within)
    assert right.sum() / num_copies(len(files)) > 0.8, within


def test_starting_needs_no_opencv() -> None:
    code = "import kith, sys; print(any('opencv' in line for line in open('/proc/self/maps')))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
