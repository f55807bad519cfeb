"""Photos in folders, one a class, and vectors of them that need no network."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

SIZE = 96


class Photos(NamedTuple):
    """Paths of photos, and the number of each one's class."""

    paths: list[str]
    labels: NDArray[np.int64]


def class_of(folder: Path) -> str:
    """Red-Delicious of Fruit_Apple_Red-Delicious: what is before may differ between the splits."""
    return folder.name.rsplit("_", 1)[-1]


def of_folder(folder: Path, classes: list[str]) -> Photos:
    numbers = {name: number for number, name in enumerate(classes)}
    found = [(str(path), numbers[class_of(path.parent)]) for path in sorted(folder.glob("*/*.jpg"))]
    return Photos([path for path, _ in found], np.array([number for _, number in found]))


def make_up(folder: Path, classes: int = 12, each: int = 15) -> None:
    """Pictures of coloured shapes on stripes, for those who have no photos."""
    rng = np.random.default_rng(3)
    for split in ("train", "test"):
        for number in range(classes):
            target = folder / split / f"shape-{number:02}"
            target.mkdir(parents=True, exist_ok=True)
            hue, corners = number * 255 // classes, 3 + number % 4
            for i in range(each):
                back = Image.new("HSV", (SIZE, SIZE), (int(rng.integers(256)), 40, 200))
                draw = ImageDraw.Draw(back)
                for x in range(0, SIZE, int(rng.integers(6, 20))):
                    draw.line((x, 0, x, SIZE), (int(rng.integers(256)), 60, 160), 2)
                middle = tuple(int(v) for v in rng.integers(36, 60, 2))
                draw.regular_polygon(
                    (middle, int(rng.integers(20, 36))),
                    corners,
                    int(rng.integers(90)),
                    fill=(hue, 220, int(rng.integers(120, 255))),
                )
                back.convert("RGB").save(target / f"{i:02}.jpg", quality=90)


def load(out: Path) -> tuple[str, list[str], Photos, Photos]:
    """The name of the set, its classes, and the photos to train with and to test with."""
    folder = os.environ.get("KITH_DATA")
    if folder:
        name, photos = "shop photos", Path(folder) / "photos"
    else:
        print(
            "KITH_DATA is not set, so there are no photos: these are made-up pictures of shapes",
            file=sys.stderr,
        )
        name, photos = "made-up shapes", out / "made-up"
        make_up(photos)
    classes = sorted(class_of(path) for path in (photos / "train").iterdir())
    train, test = (of_folder(photos / split, classes) for split in ("train", "test"))
    return name, classes, train, test


def pixels(photos: Photos) -> NDArray[np.uint8]:
    """Every pixel (n, 27648): red, green and blue of 96 x 96."""
    rows = [
        np.asarray(Image.open(path).convert("RGB").resize((SIZE, SIZE))) for path in photos.paths
    ]
    return np.stack(rows).reshape(len(rows), -1)


def colours(values: NDArray[np.uint8]) -> NDArray[np.float32]:
    """The share of the pixels that has each of 8 x 8 x 8 colours (n, 512)."""
    bins = (values.reshape(len(values), -1, 3) >> 5) @ np.array([64, 8, 1])
    counts = np.stack([np.bincount(row, minlength=512) for row in bins])
    return (counts / bins.shape[1]).astype(np.float32)
