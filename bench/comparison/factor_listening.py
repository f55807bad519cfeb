#!/usr/bin/env python3
"""Factors of artists and users out of play counts, for search by inner product.

usage: factor_listening.py user_artists.dat ARTISTS.fbin USERS.fbin

Implicit-feedback matrix factorisation by alternating least squares (Hu, Koren, Volinsky 2008): a
user's factors times an artist's say how sure it is that the one likes the other. The base is all
artists with a play, the queries are all users. The output: u32 rows, u32 dimensions, f32 rows.
"""
import sys

import numpy as np
import scipy.sparse

from vector_files import write_bin

FACTORS = 64
ROUNDS = 10
REGULARISATION = 1.0
CONFIDENCE = 10.0  # of a play, on top of 1; plays count by their logarithm


def read_plays(path):
    users, artists, plays = np.loadtxt(path, dtype=np.int64, skiprows=1, delimiter="\t").T
    user_rows = np.unique(users, return_inverse=True)[1]
    artist_rows = np.unique(artists, return_inverse=True)[1]
    return scipy.sparse.csr_matrix((CONFIDENCE * np.log1p(plays), (user_rows, artist_rows)))


def solve(plays, others):
    """The best factors of the rows of `plays`, given those of its columns."""
    gram = others.T @ others + REGULARISATION * np.eye(FACTORS)
    out = np.zeros((plays.shape[0], FACTORS))
    for row in range(plays.shape[0]):
        span = slice(plays.indptr[row], plays.indptr[row + 1])
        seen = others[plays.indices[span]]
        extra = plays.data[span]
        out[row] = np.linalg.solve(gram + (seen.T * extra) @ seen, (1 + extra) @ seen)
    return out


def main():
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    by_user = read_plays(sys.argv[1])
    by_artist = by_user.T.tocsr()
    artists = np.random.default_rng(42).normal(0, 0.1, (by_artist.shape[0], FACTORS))
    for _ in range(ROUNDS):
        users = solve(by_user, artists)
        artists = solve(by_artist, users)
    write_bin(sys.argv[2], artists.astype(np.float32))
    write_bin(sys.argv[3], users.astype(np.float32))


if __name__ == "__main__":
    main()
