"""Writes the HDF5 files of this folder anew: one of each layout that kith reads or refuses.

    python3 -m venv env && env/bin/pip install h5py==3.16.0 && env/bin/python make.py

All hold the same vectors, in whatever way: row r, column c of `train` is 10 r + c.
"""

import os

import h5py
import numpy as np

FOLDER = os.path.dirname(os.path.abspath(__file__))
TRAIN = (10 * np.arange(7)[:, None] + np.arange(3)).astype("f4")
V110 = ("v110", "v110")


def write(name, data=TRAIN, libver=None, userblock=0, attributes=0, early=False, **how):
    options = {"libver": libver} if libver else {}
    if userblock:
        options["userblock_size"] = userblock
    with h5py.File(f"{FOLDER}/{name}.h5", "w", **options) as file:
        for i in range(attributes):
            file.attrs[f"attribute{i}"] = i
        file.attrs["distance"] = "euclidean"
        if early:  # all chunks have their place from the start, one behind the other
            creation = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            creation.set_chunk((2, 2))
            creation.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
            kind = h5py.h5t.py_create(data.dtype)
            space = h5py.h5s.create_simple(data.shape)
            h5py.h5d.create(file.id, b"train", kind, space, creation)
            file["train"][...] = data
        else:
            file.create_dataset("train", data=data, **how)
        file.create_dataset("test", data=data[:2])
        file.create_dataset("neighbors", data=np.array([[0, 1], [1, -1]], "i4"))
        file.create_dataset("distances", data=np.array([[0, 3], [0, np.inf]], "f8"))


def main():
    write("plain")
    write("userblock", userblock=512)
    write("bigendian", data=TRAIN.astype(">f4"))
    write("float64", data=TRAIN.astype("f8"))
    write("float16", data=TRAIN.astype("f2"))
    write("int32", data=TRAIN.astype("i4"))
    write("bool", data=TRAIN % 2 == 1)
    write("chunks", chunks=(2, 2))
    write("gzip", chunks=(3, 2), compression="gzip", shuffle=True, fletcher32=True)
    write("growing", maxshape=(None, 3), chunks=(100, 3), compression="gzip")
    write("fletcher32", data=TRAIN.astype("u1"), chunks=(1, 3), fletcher32=True)
    write("many", attributes=30, chunks=(2, 3))
    write("headers2", libver=("v108", "v108"), attributes=5, chunks=(2, 3))
    write("compact110", libver=V110)
    write("single110", libver=V110, chunks=(7, 3), compression="gzip")
    write("implicit110", libver=V110, early=True)
    # Refused.
    write("fixed110", libver=V110, chunks=(2, 3))
    write("lzf", chunks=(2, 3), compression="lzf")


if __name__ == "__main__":
    main()
