"""Builds and searches by every way in, beside what `kith build --explain` predicts.

  cost_model.py KITH FOLDER [--quick]

Needs KITH_DATA. Makes its data sets in FOLDER, of real vectors: all of them, prefixes, and fewer
dimensions. Builds are on one thread, queries one a call; every figure is the best of the repeats,
for what a busy machine adds is no property of the index. Writes FOLDER/cost_model.tsv.
"""
import array
import json
import math
import os
import subprocess
import sys

K = 10
RECALL = 0.95
QUERIES = 500
MANY_TREES = 32


class Folder:
    def __init__(self, kith, path):
        self.kith = kith
        self.path = path
        os.makedirs(path, exist_ok=True)

    def file(self, name):
        return os.path.join(self.path, name)

    def run(self, *args):
        command = [self.kith, *map(str, args)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def make(self, name, write):
        path = self.file(name)
        if not os.path.exists(path):
            write(path + ".part")
            os.replace(path + ".part", path)
        return path


def read_bin(path):
    with open(path, "rb") as file:
        rows, dim = array.array("I", file.read(8))
        data = file.read()
    return rows, dim, data, len(data) // rows


def write_bin(path, dim, chunks):
    with open(path, "wb") as file:
        file.write(array.array("I", [len(chunks), dim]).tobytes())
        file.writelines(chunks)


def narrow(source, dim):
    """A writer of the first `dim` coordinates of every row."""

    def write(path):
        rows, old, data, stride = read_bin(source)
        take = stride // old * dim
        write_bin(path, dim, [data[i * stride : i * stride + take] for i in range(rows)])

    return write


def bits(source):
    """A writer of rows that say 0 or 1: whether a byte is above the middle."""

    def write(path):
        rows, dim, data, stride = read_bin(source)
        data = data.translate(bytes(int(x > 127) for x in range(256)))
        write_bin(path, dim, [data[i * stride : (i + 1) * stride] for i in range(rows)])

    return write


def every_fiftieth(source, keep):
    def write(path):
        rows, dim, data, stride = read_bin(source)
        chosen = [i for i in range(rows) if (i % 50 == 0) == keep]
        write_bin(path, dim, [data[i * stride : (i + 1) * stride] for i in chosen])

    return write


def make_sets(folder, source):
    """Name: base, queries."""

    def converted(name, path):
        def write(part):
            whole = folder.file("whole." + name.rsplit(".", 1)[1])
            folder.run("convert", path, whole, "--keys", folder.file("keys.txt"))
            os.replace(whole, part)

        return folder.make(name, write)

    photos = (f"{source}/descriptors/base.u8bin", f"{source}/descriptors/queries.u8bin")
    digits = [converted(f"digits-{part}.u8bin", f"{source}/mnist/{name}-images-idx3-ubyte.gz")
              for part, name in (("base", "train"), ("queries", "t10k"))]
    all_words = converted("all-words.fbin", f"{source}/words/words-en-100d.bin")
    words = [folder.make(f"words-{part}.fbin", every_fiftieth(all_words, part == "queries"))
             for part in ("base", "queries")]
    parts = ("base", "queries")
    return {
        "photos": photos,
        "photos64": [folder.make(f"photos64-{p}.u8bin", narrow(f, 64)) for p, f in zip(parts, photos)],
        "digits": digits,
        "bits": [folder.make(f"bits-{p}.u8bin", bits(f)) for p, f in zip(parts, digits)],
        "words": words,
        "words25": [folder.make(f"words25-{p}.fbin", narrow(f, 25)) for p, f in zip(parts, words)],
    }


# Set, vectors, type, metric.
CASES = [
    ("photos", 4000, "u8", "euclidean"),
    ("photos", 10000, "u8", "euclidean"),
    ("photos", 60000, "u8", "euclidean"),
    ("photos", 400000, "u8", "euclidean"),
    ("photos", 100000, "f32", "euclidean"),
    ("photos", 60000, "u8", "manhattan"),
    ("photos64", 100000, "u8", "euclidean"),
    ("digits", 2000, "u8", "euclidean"),
    ("digits", 10000, "u8", "euclidean"),
    ("digits", 60000, "u8", "euclidean"),
    ("digits", 20000, "f32", "euclidean"),
    ("bits", 60000, "bit", "hamming"),
    ("words", 2000, "f32", "angular"),
    ("words", 10000, "f32", "angular"),
    ("words", 100000, "f32", "angular"),
    ("words", 30000, "f32", "dot"),
    ("words25", 100000, "f32", "angular"),
]


class Case:
    def __init__(self, folder, sets, case):
        self.folder = folder
        self.name, self.rows, self.dtype, self.metric = case
        self.base, self.queries = sets[self.name]
        self.dim = read_bin_shape(self.base)[1]
        self.title = f"{self.name} {self.rows} x {self.dim} {self.dtype} {self.metric}"
        self.truth = folder.file("truth.ivecs")
        self.index = folder.file("case.kith")

    def measure(self, out):
        exact = self.build(["--index", "exact"])
        seconds, size, memory = exact
        self.make_truth()
        point = self.evaluate("exact", None)
        out(self, "exact", 0, seconds, size, memory, 1e6 / point["qps"], 1, 1e6/point["batch_qps"])
        forests = [MANY_TREES, 8] if self.rows > 5000 else [MANY_TREES]
        for trees in forests:
            cost = self.build(["--index", "forest", "--trees", trees])
            us, recall = self.at_recall("forest", 8 * trees)
            out(self, "forest", trees, *cost, us, recall, 0)
        layouts = ["compact"] if self.dtype == "bit" or self.metric == "manhattan" else ["packed", "compact"]
        for layout in layouts:
            cost = self.build(["--index", "graph", "--layout", layout])
            us, recall = self.at_recall("graph", K)
            out(self, layout, 0, *cost, us, recall, 0)

    def build(self, options):
        """Seconds, bytes of the file and of memory beside the vectors."""
        best = None
        left = 3
        spent = 0
        while left > 0:
            args = [self.folder.kith, "build", self.base, "-o", self.index, "--rows", str(self.rows),
                    "--metric", self.metric, "--dtype", self.dtype, "--threads", "1", "--json",
                    *map(str, options)]
            process = subprocess.Popen(args, stdout=subprocess.PIPE, text=True)
            text = process.stdout.read()
            _, status, usage = os.wait4(process.pid, 0)
            process.returncode = status
            if status != 0:
                sys.exit(f"failed: {' '.join(args)}")
            seconds = usage.ru_utime + usage.ru_stime
            spent += seconds
            size = json.loads(text)["bytes"]
            best = min(best, seconds) if best else seconds
            left = 0 if spent > 4 else left - 1
        return best, size, usage.ru_maxrss * 1024

    def make_truth(self):
        self.folder.run("truth", self.index, "--queries", self.queries, "-k", K, "--rows", QUERIES,
                        "-o", self.truth)

    def evaluate(self, index, effort):
        args = ["eval", self.index, "--queries", self.queries, "--truth", self.truth, "--rows",
                QUERIES, "-k", K, "--index", index, "--json"]
        if effort:
            args += ["--effort", effort]
        return json.loads(self.folder.run(*args))

    def at_recall(self, index, effort):
        """Microseconds a query where recall is RECALL, between the efforts around it."""
        before = None
        while True:
            point = self.evaluate(index, effort)
            us = 1e6 / point["qps"]
            if point["recall"] >= RECALL:
                if before is None:
                    return us, point["recall"]
                # Missed neighbours fall about as a power of the time.
                low, high = (math.log(max(1e-4, 1 - r)) for r in (before[1], point["recall"]))
                share = (low - math.log(1 - RECALL)) / max(1e-9, low - high)
                return math.exp(math.log(before[0]) + share * math.log(us / before[0])), RECALL
            if effort > 100000:
                return us, point["recall"]
            before = us, point["recall"]
            effort = math.ceil(effort * (1.6 if index == "graph" else 2))


def read_bin_shape(path):
    with open(path, "rb") as file:
        return array.array("I", file.read(8))


def main():
    kith, path = sys.argv[1:3]
    folder = Folder(kith, path)
    sets = make_sets(folder, os.environ["KITH_DATA"])
    cases = CASES
    if len(sys.argv) > 3:
        cases = [c for c in CASES if any(w in f"{c[0]} {c[1]} {c[2]} {c[3]}" for w in sys.argv[3:])]
    with open(folder.file("cost_model.tsv"), "w") as table:
        def out(case, way, trees, seconds, size, memory, us, recall, batch):
            line = [case.name, case.rows, case.dim, case.dtype, case.metric, way, trees,
                    round(seconds, 4), size, memory, round(us, 2), round(recall, 4), round(batch, 2)]
            print(*line, sep="\t", file=table, flush=True)
            print(*line, sep="\t", flush=True)
        for case in cases:
            Case(folder, sets, case).measure(out)


if __name__ == "__main__":
    main()
