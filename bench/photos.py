#!/usr/bin/env python3
"""Photos: milliseconds to embed one, and copies found beside imagededup.

    bench/run photos [--model NET.onnx]... [--photos 500]

On the shop photos of KITH_DATA. Embedding is timed end to end, from JPEG files to vectors, on one
thread and on all, beside ONNX Runtime with Pillow on one. Copies (resized, recompressed, cropped,
mirrored) are found by the distances of the first network and by imagededup's perceptual hashes,
each with the distance that is best (F1) on copies of other photos, the hashes with their default
too. imagededup's own networks are left out: they need PyTorch, and weights that they download.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
import types
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "examples" / "photos"))

from copies import LAYER, are_copies, best_distance, make_copies, report, some  # noqa: E402
from onnx_notes import read_notes  # noqa: E402
from photo_sets import Photos, load  # noqa: E402
from PIL import Image  # noqa: E402

import kith  # noqa: E402


class AnyClass(type):
    def __getattr__(cls, name: str) -> type:
        return Anything


class Anything(metaclass=AnyClass):
    """Takes whatever it is given, and has whatever it is asked for."""

    def __init__(self, *args: object, **options: object) -> None:
        pass

    def __getattr__(self, name: str) -> type:
        return Anything


class StandIn(types.ModuleType):
    """A module that is imported for what is not used here."""

    __path__: list[str] = []

    def __getattr__(self, name: str) -> object:
        if name.startswith("__"):
            raise AttributeError(name)
        return sys.modules.get(f"{self.__name__}.{name}", Anything)


def stand_in(*names: str) -> None:
    for name in names:
        try:
            __import__(name)
        except ImportError:
            sys.modules[name] = StandIn(name)


def milliseconds(paths: list[str], model: Path, n_jobs: int) -> float:
    kith.embed(paths[:8], model, n_jobs=n_jobs)  # what is loaded once
    started = time.perf_counter()
    kith.embed(paths, model, strict=True, n_jobs=n_jobs)
    return 1000 * (time.perf_counter() - started) / len(paths)


def milliseconds_onnxruntime(paths: list[str], model: Path) -> float:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(str(model), options, ["CPUExecutionProvider"])
    entry = session.get_inputs()[0]
    notes = read_notes(model)
    size, crop = int(notes["kith.size"]), float(notes["kith.crop"])
    mean, std = (np.array(notes[f"kith.{k}"].split(), np.float32) for k in ("mean", "std"))

    def embed(path: str) -> None:
        image = Image.open(path).convert("RGB")
        side = round(min(image.size) * crop)
        x, y = (image.width - side) // 2, (image.height - side) // 2
        image = image.crop((x, y, x + side, y + side)).resize(
            (size, size), Image.Resampling.BILINEAR
        )
        values = (np.asarray(image, np.float32) - mean) / std
        session.run(None, {entry.name: values.transpose(2, 0, 1)[None].copy()})

    embed(paths[0])
    started = time.perf_counter()
    for path in paths:
        embed(path)
    return 1000 * (time.perf_counter() - started) / len(paths)


Pairs = tuple[np.ndarray, np.ndarray]


def by_network(files: list[str], model: Path, layer: str | None) -> Pairs:
    made = kith.embed(files, model, layer=layer, strict=True)
    found = kith.build(made.vectors, index="exact").duplicates(0.1, recall=1.0)
    return found.pairs, found.distances


def by_hash(files: list[str], method: str) -> Pairs:
    """All pairs of perceptual hashes at most 24 of 64 bits apart."""
    stand_in("torch", "torch.nn", "torch.utils", "torch.utils.data", "torchvision")
    stand_in("torchvision.models", "torchvision.models.vision_transformer")
    stand_in("torchvision.transforms", "torchvision.transforms.transforms")
    from imagededup import methods

    hasher = getattr(methods, method)(verbose=False)
    hashes = [hasher.encode_image(image_file=file) for file in files]
    values = np.array([int(text, 16) for text in hashes], np.uint64)
    bits = np.unpackbits(values.view(np.uint8).reshape(-1, 8), axis=1)
    found = kith.build(bits.astype(bool), metric="hamming", index="exact").duplicates(
        24, recall=1.0
    )
    return found.pairs, found.distances


def compare_copies(train: Photos, test: Photos, model: Path, layer: str | None, count: int) -> None:
    out = ROOT / "build" / "bench-photos"
    other = make_copies(some(train, count, 1), out / "choose")
    files = make_copies(some(test, count, 1), out / "copies")
    print(f"copies of {len(files) // 5:,} photos, distances chosen with copies of others")
    ways = [(f"kith, {model.stem}", lambda some_files: by_network(some_files, model, layer), None)]
    for method in ("PHash", "DHash"):
        ways.append((f"imagededup {method}", lambda f, m=method: by_hash(f, m), 10))
    for name, find, default in ways:
        within = best_distance(*find(other), len(other))
        started = time.perf_counter()
        pairs, distances = find(files)
        seconds = time.perf_counter() - started
        print(f"  {name}, within {within:.4g}: {report(pairs[distances <= within], len(files))}")
        if default is not None:
            text = report(pairs[distances <= default], len(files))
            print(f"  {name}, within {default}, its default: {text}")
        right = are_copies(pairs[distances <= within])
        print(f"    {right.sum():,} right of {len(right):,} pairs, {seconds:.1f} s with all pairs")


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    net = ROOT / "examples" / "data" / "photo-net.onnx"
    parser.add_argument("--model", type=Path, action="append", help="networks to time")
    parser.add_argument("--layer", default=LAYER, help="of the first one, for the copies")
    parser.add_argument("--photos", type=int, default=500)
    args = parser.parse_args()
    if "KITH_DATA" not in os.environ:
        parser.error("KITH_DATA is not set: there are no photos")
    models = args.model or [net]
    _, _, train, test = load(ROOT / "build")
    paths = some(test, args.photos, 2)
    print(f"ms a photo of 96 x 96, {len(paths)} of them")
    for model in models:
        one = milliseconds(paths, model, 1)
        everything = milliseconds(paths, model, -1)
        theirs = milliseconds_onnxruntime(paths, model)
        print(
            f"  {model.name}: kith {one:.2f} on one thread, {everything:.2f} on all; "
            f"ONNX Runtime and Pillow {theirs:.2f} on one"
        )
    compare_copies(train, test, models[0], args.layer, args.photos)


if __name__ == "__main__":
    main()
