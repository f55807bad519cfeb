#!/usr/bin/env python3
"""Makes features of pictures, cut out of photos at random, and queries out of other photos.

usage: make_pictures.py PHOTOS BASE.fbin QUERIES.fbin [VIEWS [QUERY_PHOTOS]]

PHOTOS is searched for .jpg files. There are too few for a data set, so VIEWS (10) pictures are cut
out of each, as networks are trained with them: a part of 30 to 100 % of the area, of a ratio of
sides between 3:4 and 4:3, mirrored or not. QUERY_PHOTOS (500), evenly spread, give four queries
each and nothing else, so that no query has a picture of its own photo in the base. A picture's
vector is what EfficientNet-Lite0 makes of it before its classes, 1,280 numbers. The base is in a
random order. The output: u32 rows, u32 dimensions, f32 rows.
"""
from __future__ import annotations

import glob
import os
import sys
import time

import cv2
import numpy as np
import onnxruntime

import picture_network as network
from vector_files import evenly, write_bin

VIEWS_OF_QUERY = 4
LEAST_AREA = 0.3
MOST_RATIO = 4 / 3
SEED = 42
REPORT_SECONDS = 60


def cut(image: np.ndarray, source: np.random.Generator) -> np.ndarray:
    """A part of the picture at random, of the size the network takes."""
    height, width = image.shape[:2]
    while True:
        area = source.uniform(LEAST_AREA, 1) * height * width
        ratio = np.exp(source.uniform(-1, 1) * np.log(MOST_RATIO))
        w, h = round(np.sqrt(area * ratio)), round(np.sqrt(area / ratio))
        if w <= width and h <= height:
            break
    x, y = source.integers(width - w + 1), source.integers(height - h + 1)
    part = image[y : y + h, x : x + w]
    if source.random() < 0.5:
        part = part[:, ::-1]
    part = np.ascontiguousarray(part)
    return cv2.resize(part, (network.SIZE, network.SIZE), interpolation=cv2.INTER_LINEAR)


class Embedder:
    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self.session = onnxruntime.InferenceSession(network.network(), options,
                                                    ["CPUExecutionProvider"])

    def views(self, path: str, count: int, source: np.random.Generator) -> np.ndarray:
        """float32 (count, 1280)"""
        image = cv2.imread(path, cv2.IMREAD_COLOR)
        if image is None:
            sys.exit(f"{path}: not a readable picture")
        image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        pictures = np.stack([cut(image, source) for _ in range(count)]).astype(np.float32)
        pictures = (pictures - network.MEAN) / network.DEVIATION
        given = np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))
        return self.session.run(["features"], {"pictures": given})[0]


def main() -> None:
    if len(sys.argv) not in (4, 5, 6):
        sys.exit(__doc__)
    views = int(sys.argv[4]) if len(sys.argv) > 4 else 10
    query_photos = int(sys.argv[5]) if len(sys.argv) > 5 else 500
    paths = sorted(glob.glob(os.path.join(sys.argv[1], "**", "*.jpg"), recursive=True))
    if len(paths) <= query_photos:
        sys.exit(f"{sys.argv[1]}: {len(paths)} .jpg files; there have to be more than the "
                 f"{query_photos} that queries are made of")
    held_out = set(evenly(len(paths), query_photos))
    cv2.setNumThreads(1)
    embedder = Embedder()
    base, queries = [], []
    said = time.monotonic()
    for number, path in enumerate(paths):
        source = np.random.default_rng([SEED, number])
        if number in held_out:
            queries.append(embedder.views(path, VIEWS_OF_QUERY, source))
        else:
            base.append(embedder.views(path, views, source))
        if time.monotonic() > said + REPORT_SECONDS:
            said = time.monotonic()
            print(f"{number + 1:,} of {len(paths):,} photos", file=sys.stderr, flush=True)
    write_bin(sys.argv[2], np.random.default_rng(SEED).permutation(np.concatenate(base)))
    write_bin(sys.argv[3], np.concatenate(queries))


if __name__ == "__main__":
    main()
