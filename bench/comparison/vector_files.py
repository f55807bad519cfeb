"""The files of vectors the benchmarks make: u32 rows, u32 dimensions, rows of u8 or f32."""
import os

import numpy as np


def read_bin(path):
    dtype = np.uint8 if path.endswith(".u8bin") else np.float32
    rows, dim = np.fromfile(path, np.uint32, 2)
    return np.fromfile(path, dtype, offset=8).reshape(rows, dim)


def write_bin(path, rows):
    with open(path + ".part", "wb") as file:
        np.array(rows.shape, np.uint32).tofile(file)
        np.ascontiguousarray(rows).tofile(file)
    os.replace(path + ".part", path)


def evenly(count, wanted):
    """`wanted` row numbers of `count`, evenly spread."""
    return np.linspace(0, count - 1, wanted).round().astype(int)
