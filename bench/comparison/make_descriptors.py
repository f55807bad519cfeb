#!/usr/bin/env python3
"""Makes a million SIFT descriptors of photos, and queries out of other photos.

usage: make_descriptors.py PHOTOS BASE.u8bin QUERIES.u8bin [NUM_BASE [NUM_QUERIES]]

PHOTOS is searched for .jpg files. Every hundredth photo gives queries only, so that no query has
descriptors of its own photo in the base. The output is the same on every run: u32 rows, u32
dimensions, then the rows of u8.
"""
import glob
import os
import sys

import cv2
import numpy as np

from vector_files import evenly, write_bin

QUERY_PHOTO_EVERY = 100
# The photos are small: enlarged, each gives a few hundred key points at SIFT's own thresholds.
ENLARGE = 2.0


def describe(sift, path):
    image = cv2.imread(path, cv2.IMREAD_GRAYSCALE)
    if image is None:
        sys.exit(f"{path}: not a readable picture")
    image = cv2.resize(image, None, fx=ENLARGE, fy=ENLARGE, interpolation=cv2.INTER_CUBIC)
    points, rows = sift.detectAndCompute(image, None)
    if rows is None:
        return np.empty((0, 128), np.uint8)
    # Strongest first: a part of them is the best part.
    order = np.argsort([-p.response for p in points], kind="stable")
    return rows[order].astype(np.uint8)


def cap_for(photos, count):
    """How many of the strongest of every photo it takes to have `count` rows."""
    sizes = np.array([len(rows) for rows in photos])
    if sizes.sum() < count:
        sys.exit(f"the photos have {sizes.sum():,} descriptors, fewer than {count:,}")
    cap = 1
    while np.minimum(sizes, cap).sum() < count:
        cap += 1
    return cap


def main():
    if len(sys.argv) < 4:
        sys.exit(__doc__)
    num_base = int(sys.argv[4]) if len(sys.argv) > 4 else 1_000_000
    num_queries = int(sys.argv[5]) if len(sys.argv) > 5 else 2_000
    paths = sorted(glob.glob(os.path.join(sys.argv[1], "**", "*.jpg"), recursive=True))
    if not paths:
        sys.exit(f"{sys.argv[1]}: no .jpg files in it")
    cv2.setNumThreads(1)
    sift = cv2.SIFT_create()
    described = [describe(sift, path) for path in paths]
    held_out = described[QUERY_PHOTO_EVERY - 1 :: QUERY_PHOTO_EVERY]
    del described[QUERY_PHOTO_EVERY - 1 :: QUERY_PHOTO_EVERY]
    cap = cap_for(described, num_base)
    weakest = np.concatenate([rows[cap - 1 : cap] for rows in described])
    full = np.concatenate([rows[: cap - 1] for rows in described])
    weakest = weakest[evenly(len(weakest), num_base - len(full))]
    write_bin(sys.argv[2], np.concatenate([full, weakest]))
    # Queries are as strong as what is in the base.
    queries = np.concatenate([rows[:cap] for rows in held_out])
    write_bin(sys.argv[3], queries[evenly(len(queries), num_queries)])


if __name__ == "__main__":
    main()
