#!/usr/bin/env python3
"""Makes examples/data/ from word vectors in word2vec's binary format.

The most frequent words, each vector scaled so that its largest coordinate is 127 and rounded to 8
bits (angles change by under half a degree, and angular distance does not see lengths), become a
.kith file; the next words become queries that are in no index.

    tools/make_demo_words.py "$KITH_DATA/words/words-en-100d.bin" build/release/bin/kith
"""
import array
import pathlib
import struct
import subprocess
import sys
import tempfile

BASE_WORDS = 27000
QUERY_WORDS = 1000
OUT = pathlib.Path(__file__).resolve().parent.parent / "examples" / "data"


def read_words(path, count):
    """The first `count` real words (not </s>) and their vectors."""
    words, rows = [], []
    with open(path, "rb") as file:
        _, dim = map(int, file.readline().split())
        while len(words) < count:
            word = b""
            while (byte := file.read(1)) != b" ":
                word += byte
            row = array.array("f", file.read(4 * dim))
            word = word.strip()
            if word != b"</s>":
                words.append(word)
                rows.append(row)
    return words, rows


def quantise(row):
    scale = 127 / max(abs(x) for x in row)
    return bytes(round(x * scale) & 0xFF for x in row)


def write_i8bin(path, rows):
    with open(path, "wb") as file:
        file.write(struct.pack("<II", len(rows), len(rows[0])))
        for row in rows:
            file.write(quantise(row))


def main():
    source, kith = sys.argv[1:]
    words, rows = read_words(source, BASE_WORDS + QUERY_WORDS)
    OUT.mkdir(parents=True, exist_ok=True)
    write_i8bin(OUT / "words-en-queries.i8bin", rows[BASE_WORDS:])
    with tempfile.TemporaryDirectory() as temp:
        vectors, keys = pathlib.Path(temp) / "words.i8bin", pathlib.Path(temp) / "words.txt"
        write_i8bin(vectors, rows[:BASE_WORDS])
        keys.write_bytes(b"\n".join(words[:BASE_WORDS]) + b"\n")
        subprocess.run([kith, "build", vectors, "-o", OUT / "words-en.kith", "--keys", keys,
                        "--metric", "angular", "--index", "exact"], check=True)


if __name__ == "__main__":
    main()
