"""The data sets of bench/compare by name: title, metric, ending of its files."""

SETS = {
    "descriptors": ("photo descriptors, 400 k", "euclidean", "u8bin"),
    "million": ("photo descriptors, a million", "euclidean", "u8bin"),
    "mnist": ("MNIST", "euclidean", "u8bin"),
    "words": ("word vectors", "angular", "fbin"),
    "listening": ("listening factors", "dot", "fbin"),
    "texts": ("sentences", "angular", "fbin"),
    "titles": ("titles among sentences", "angular", "fbin"),
    "transformer": ("sentences, by a transformer", "angular", "fbin"),
    "pictures": ("pictures cut out of photos", "angular", "fbin"),
}
QUICK_SETS = {
    "quick-descriptors": ("photo descriptors, 50 k", "euclidean", "u8bin"),
    "quick-words": ("word vectors, 30 k", "angular", "fbin"),
    "quick-texts": ("sentences, 30 k", "angular", "fbin"),
}
ALL_SETS = SETS | QUICK_SETS
# Sets of other queries, whose base is that of the other set, and so are the rivals' indexes.
BASES = {"titles": "texts"}
