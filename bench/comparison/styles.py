"""How the plots tell systems apart. Plain Python: its tests need no Matplotlib."""
from __future__ import annotations

from stats import front

KITH = "#c2410c"
# By how a name begins, the longest that fits, in the order of legends: colour, dashes, label.
STYLES = [
    ("kith", KITH, "-", "kith graph"),
    ("kith compact", KITH, "-.", "kith graph, compact"),
    ("kith forest", KITH, "--", "kith forest"),
    ("kith exact", KITH, ":", "kith exact"),
    ("hnswlib M=16", "#7e22ce", "-", "hnswlib M=16"),
    ("hnswlib M=32", "#7e22ce", "--", "hnswlib M=32"),
    ("FAISS", "#0e7490", "-", "FAISS HNSW32,SQ8"),
    ("FAISS HNSW32,SQ8 direct", "#0e7490", "--", "FAISS HNSW32,SQ8 direct"),
    ("FAISS IVF", "#0e7490", "-.", "FAISS IVF,PQ4fs,RFlat"),
    ("FAISS RR", "#0e7490", ":", "FAISS IVF,RaBitQfs,RFlat"),
    ("usearch M=16", "#a16207", "-", "usearch M=16"),
    ("usearch M=32", "#a16207", "--", "usearch M=32"),
    ("voyager", "#db2777", "-", "voyager M=16"),
    ("zvec HNSW M=16", "#0f172a", "-", "zvec M=16"),
    ("zvec HNSW-RaBitQ", "#0f172a", "--", "zvec HNSW-RaBitQ M=16"),
    ("ScaNN", "#15803d", "-", "ScaNN"),
    ("PyNNDescent", "#64748b", "-", "PyNNDescent"),
    ("Annoy", "#2563eb", "-", "Annoy"),
    ("MRPT", "#2563eb", "--", "MRPT"),
]


def place(name: str) -> int:
    fits = [i for i, (start, *_) in enumerate(STYLES) if name.startswith(start)]
    if not fits:
        raise ValueError(f"{name} has no style: STYLES of styles.py wants a line for it")
    return max(fits, key=lambda i: len(STYLES[i][0]))


def style(name: str) -> tuple[str, str, str]:
    return STYLES[place(name)][1:]


def label(name: str, names: list[str]) -> str:
    """Of the style, or with what follows it in the name where two of `names` have the same."""
    alike = sum(place(other) == place(name) for other in names)
    return name if alike > 1 else style(name)[2]


def merged(curves: dict) -> dict:
    """Of {name: [(recall, qps)]}, one line for a style: the front of all systems that have it.

    Builds of a kind that differ in their lists are one such; tables have them one by one.
    """
    lines: dict = {}
    for name in sorted(curves, key=place):
        alike = next((other for other in lines if place(other) == place(name)), name)
        lines[alike] = lines.get(alike, []) + [tuple(point) for point in curves[name]]
    return {name: front(points) for name, points in lines.items()}
