"""Nearest neighbours of vectors: exact, or as exact as you ask, from one file.

    import kith

    index = kith.build(vectors, "words.kith", keys=words)   # or without a file, in memory
    index = kith.open("words.kith")                         # mapped: microseconds, shared
    ids, distances = index.search(queries, k=10, recall=0.95)
    kith.words("word2vec.bin").search("king - man + woman")  # word vectors as word2vec's tools
    kith.reduce(vectors, 64)                                # principal components, kith.Reducer

``kith.learn`` tells labels and values by nearest neighbours, ``kith.recommend`` what users like,
``kith.annoy`` has a drop-in replacement for Annoy, ``kith.sklearn`` scikit-learn's estimators.
"""

from . import learn, recommend
from ._build import build
from ._core import VERSION as __version__
from ._errors import Cancelled, CorruptFileError, DriftWarning, UnknownWordWarning
from ._index import Duplicates, Index, from_bytes, open
from ._neighbours import knn_graph
from ._pictures import Pictures, embed
from ._reduce import Reducer, reduce
from ._words import Words, words

__all__ = [
    "Cancelled",
    "CorruptFileError",
    "DriftWarning",
    "Duplicates",
    "Index",
    "Pictures",
    "Reducer",
    "UnknownWordWarning",
    "Words",
    "__version__",
    "build",
    "embed",
    "from_bytes",
    "knn_graph",
    "learn",
    "open",
    "recommend",
    "reduce",
    "words",
]
