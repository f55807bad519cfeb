"""Copies among photos: found again though they were resized, recompressed, cropped or mirrored.

    pip install '.[examples]' && python examples/photos/copies.py

Makes four copies of each of some photos, finds the near-duplicates among all of them by
Index.duplicates(), as `kith duplicates` does, and writes contact.jpg, a sheet of groups, to
build/photos. The distance is chosen with photos that are not searched. Without KITH_DATA the photos
are made up.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray
from photo_sets import Photos, load
from photos import draw_photo
from PIL import Image, ImageOps

import kith

# Of the network that comes with the examples: what its second block sees, which is not yet what
# class it is of. Copies are nearer by that, and other photos of the class are not.
LAYER = "/0/0.4/Relu"


def _cropped(image: Image.Image) -> Image.Image:
    x, y = image.width // 12, image.height // 12
    return image.crop((x, y, image.width - x // 2, image.height - y // 2))


def _resized(image: Image.Image) -> Image.Image:
    return image.resize((image.width * 6 // 10, image.height * 6 // 10))


# What is done to a photo, and the quality it is saved with.
KINDS: dict[str, tuple[Callable[[Image.Image], Image.Image], int]] = {
    "resized": (_resized, 90),
    "recompressed": (lambda image: image, 25),
    "cropped": (_cropped, 90),
    "mirrored": (ImageOps.mirror, 90),
}


def make_copies(paths: list[str], folder: Path) -> list[str]:
    """Writes five files for each photo, itself first, and returns their paths in that order."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for number, path in enumerate(paths):
        image = Image.open(path).convert("RGB")
        for kind, (change, quality) in {"original": (lambda i: i, 95), **KINDS}.items():
            target = folder / f"{number:04}-{kind}.jpg"
            change(image).save(target, quality=quality)
            made.append(str(target))
    return made


def are_copies(pairs: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Whether the two of each pair were made of one photo."""
    each = 1 + len(KINDS)
    return pairs[:, 0] // each == pairs[:, 1] // each


def num_copies(files: int) -> int:
    """The pairs that there are to be found."""
    each = 1 + len(KINDS)
    return files // each * (each * (each - 1) // 2)


def best_distance(pairs: NDArray[np.int64], distances: NDArray[Any], files: int) -> float:
    """The distance up to which pairs, nearest first, have the best F1."""
    right = np.cumsum(are_copies(pairs))
    f1 = 2 * right / (np.arange(1, len(pairs) + 1) + num_copies(files))
    last = np.append(distances[1:] != distances[:-1], True)  # of those at one distance
    return float(distances[np.argmax(np.where(last, f1, 0))])


def report(pairs: NDArray[np.int64], files: int) -> str:
    """Precision, recall, and the recall of each kind of copy beside its original."""
    right = are_copies(pairs)
    found = {tuple(sorted(pair)) for pair in pairs[right].tolist()}
    each = 1 + len(KINDS)
    kinds = ", ".join(
        f"{kind} {100 * sum((i, i + k) in found for i in range(0, files, each)) * each / files:.1f}"
        for k, kind in enumerate(KINDS, 1)
    )
    precision = right.mean() if len(pairs) else 1.0
    recall = right.sum() / num_copies(files)
    return f"precision {100 * precision:.1f} %, recall {100 * recall:.1f} % ({kinds})"


def some(photos: Photos, count: int, seed: int) -> list[str]:
    rng = np.random.default_rng(seed)
    chosen = rng.choice(len(photos.paths), min(count, len(photos.paths)), replace=False)
    return [photos.paths[i] for i in sorted(chosen)]


def draw_contact(path: Path, files: list[str], groups: list[list[int]], rows: int = 8) -> None:
    """A sheet of the first groups, one a row."""
    shown = [group[:10] for group in groups if len(group) > 2][:rows]
    width = max(len(group) for group in shown)
    figure = plt.figure(figsize=(0.85 * width + 0.1, 1.02 * len(shown) + 0.1))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    for y, group in enumerate(shown):
        for x, number in enumerate(group):
            draw_photo(axes, 1.08 * x, 1.3 * y, files[number], "0.8", 0.8)
            kind = Path(files[number]).stem.split("-")[-1]
            axes.text(
                1.08 * x + 0.5, 1.3 * y + 1.03, kind, fontsize=7, ha="center", va="top", color="0.3"
            )
    axes.set(xlim=(-0.06, 1.08 * width), ylim=(1.3 * len(shown), -0.06))
    figure.savefig(path, dpi=80, pil_kwargs={"quality": 80})
    plt.close(figure)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    model = Path(__file__).parents[1] / "data" / "photo-net.onnx"
    parser.add_argument("-o", "--out", type=Path, default=Path("build/photos"))
    parser.add_argument("--model", type=Path, default=model, help="the network")
    parser.add_argument("--layer", default=LAYER, help="the layer that is taken")
    parser.add_argument("--photos", type=int, default=500, help="of which copies are made")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    _, _, train, test = load(args.out)

    def embedded(photos: Photos, name: str) -> tuple[list[str], kith.Index]:
        files = make_copies(some(photos, args.photos, args.seed), args.out / name)
        made = kith.embed(files, args.model, layer=args.layer, strict=True)
        return files, kith.build(made.vectors, keys=files, index="exact", origin=made.origin)

    files, index = embedded(train, "copies-to-choose")
    found = index.duplicates(0.05, recall=1.0)
    within = best_distance(found.pairs, found.distances, len(files))
    print(f"distance chosen with {len(files):,} photos that are not searched: {within:.5f}")
    print(f"  there: {report(found.pairs[found.distances <= within], len(files))}")
    files, index = embedded(test, "copies")
    found = index.duplicates(within, recall=1.0)
    print(
        f"{len(found.groups):,} groups of near-duplicates among {len(files):,}, "
        f"{len(found.pairs):,} pairs within {within:.5f}"
    )
    print(f"  {report(found.pairs, len(files))}")
    draw_contact(args.out / "contact.jpg", files, found.groups)
    print(f"picture: {args.out / 'contact.jpg'}")


if __name__ == "__main__":
    try:
        main()
    except (OSError, ValueError) as error:
        sys.exit(f"copies: {error}")
