"""What the model behind `kith build --explain` predicts beside what is measured.

  cost_model.py KITH FOLDER [WORD...]

Needs KITH_DATA; the words choose cases whose title has one of them. Beside real sets there are made
ones that are hard to search in one way or another, and sentences, where text_vectors.py has made
texts-base.fbin and texts-queries.fbin in FOLDER. Builds every index on one
thread, counted in processor time, and searches it one query a call at the efforts around recall@10
of 0.95; a query's time is the median of all, which others on the machine disturb least. Each figure
is the best of its repeats: what others do can only add to it.
Then, for one query to a hundred million, what `--expect-queries` chooses against the best of what
was measured. Data sets, made of real vectors, and the table cost_model.tsv are kept in FOLDER.
"""
import array
import json
import math
import os
import random
import subprocess
import sys

K = 10
RECALL = 0.95
QUERIES = 500
REPEATS = 2
TREES = (4, 8, 32)
EXPECTED = (1, 100, 10_000, 1_000_000, 100_000_000)

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
    ("strips", 1000, "u8", "euclidean"),
    ("words", 2000, "f32", "angular"),
    ("words", 10000, "f32", "angular"),
    ("words", 100000, "f32", "angular"),
    ("words", 30000, "f32", "dot"),
    ("words25", 100000, "f32", "angular"),
    ("gauss", 5000, "f32", "euclidean"),
    ("gauss", 20000, "f32", "euclidean"),
    ("cube", 100000, "f32", "euclidean"),
    ("tight", 20000, "f32", "angular"),
    ("sparse", 2000, "f32", "euclidean"),
    ("texts", 2000, "f32", "angular"),
    ("texts", 10000, "f32", "angular"),
    ("texts", 50000, "f32", "angular"),
    ("texts", 200000, "f32", "angular"),
]
FLOATS = ("words", "gauss", "cube", "tight", "sparse", "texts")
# Builds that measure recall, too, are timed up to so many vectors.
CALIBRATED_ROWS = 20000


def shape_of(path):
    with open(path, "rb") as file:
        return tuple(array.array("I", file.read(8)))


def make(source, path, dim_of, change):
    """Writes `change` of the rows of a file; `dim_of` of its dimension is theirs."""
    if os.path.exists(path):
        return
    with open(source, "rb") as file:
        rows, dim = array.array("I", file.read(8))
        data = file.read()
    stride = len(data) // rows
    chunks = change([data[i * stride : (i + 1) * stride] for i in range(rows)])
    with open(path + ".part", "wb") as file:
        file.write(array.array("I", [len(chunks), dim_of(dim)]).tobytes())
        file.writelines(chunks)
    os.replace(path + ".part", path)


def make_sets(kith, folder):
    """Makes name-base and name-queries in the folder, but those of the photos."""
    source = os.environ["KITH_DATA"]

    def converted(path, name):
        path = os.path.join(source, path)
        out = os.path.join(folder, name)
        if not os.path.exists(out):
            subprocess.run([kith, "convert", path, out, "--keys", os.path.join(folder, "keys.txt")],
                           check=True, stdout=subprocess.DEVNULL)
        return out

    def same(dim):
        return dim

    words = converted("words/words-en-100d.bin", "all-words.fbin")
    above = bytes(int(x > 127) for x in range(256))
    for part, photos, digits, every in (("base", "base", "train", range(1, 50)),
                                        ("queries", "queries", "t10k", range(1))):
        photos = os.path.join(source, f"descriptors/{photos}.u8bin")
        digits = converted(f"mnist/{digits}-images-idx3-ubyte.gz", f"digits-{part}.u8bin")

        def name(stem):
            return os.path.join(folder, f"{stem}-{part}.{'fbin' if 'words' in stem else 'u8bin'}")

        make(words, name("words"), same,
             lambda rows: [row for i, row in enumerate(rows) if i % 50 in every])
        make(words, name("words25"), lambda _: 25,
             lambda rows: [row[:100] for i, row in enumerate(rows) if i % 50 in every])
        make(photos, name("photos64"), lambda _: 64, lambda rows: [row[:64] for row in rows])
        make(photos, name("photos"), same, lambda rows: rows)
        make(digits, name("bits"), same, lambda rows: [row.translate(above) for row in rows])
        # Four digits side by side.
        make(digits, name("strips"), lambda dim: 4 * dim,
             lambda rows: [b"".join(rows[i : i + 4]) for i in range(0, len(rows) - 3, 4)])


def make_random(folder):
    """Sets of 400 queries each and many more vectors, always the same."""
    rng = random.Random(1)
    centres = [[rng.gauss(0, 1) for _ in range(64)] for _ in range(400)]

    def tight(i):
        return [c + rng.gauss(0, 0.01) for c in centres[i % len(centres)]]

    def sparse(i):
        """A tenth of a hundred words of a topic, out of twenty thousand."""
        row = [0.0] * 20000
        for _ in range(60):
            row[i % 40 * 300 + rng.randrange(300)] += 1
            row[int(20000 * rng.random() ** 4)] += 0.5
        return row

    kinds = {"gauss": (20000, 128, lambda _: [rng.gauss(0, 1) for _ in range(128)]),
             "cube": (100000, 3, lambda _: [rng.random() for _ in range(3)]),
             "tight": (20000, 64, tight), "sparse": (2000, 20000, sparse)}
    for name, (rows, dim, row) in kinds.items():
        for part, count in (("base", rows), ("queries", 400)):
            path = os.path.join(folder, f"{name}-{part}.fbin")
            if os.path.exists(path):
                continue
            with open(path + ".part", "wb") as file:
                file.write(array.array("I", [count, dim]).tobytes())
                for i in range(count):
                    file.write(array.array("f", row(i)).tobytes())
            os.replace(path + ".part", path)


class Case:
    def __init__(self, kith, folder, case):
        self.kith = kith
        name, self.rows, self.dtype, self.metric = case
        ending = "fbin" if name.startswith(FLOATS) else "u8bin"
        self.base = os.path.join(folder, f"{name}-base.{ending}")
        self.queries = os.path.join(folder, f"{name}-queries.{ending}")
        self.truth = os.path.join(folder, "truth.ivecs")
        self.index = os.path.join(folder, "case.kith")
        self.exists = os.path.exists(self.base)
        dim = shape_of(self.base)[1] if self.exists else 0
        self.title = f"{name} {self.rows} x {dim} {self.dtype} {self.metric}"
        given = 4 if ending == "fbin" else 1
        stored = {"f32": 4, "u8": 1, "bit": 1 / 8}[self.dtype]
        # Vectors as read, and as stored if that is another copy.
        self.vector_bytes = self.rows * dim * (given + (stored if stored != given else 0))

    def run(self, *args):
        command = [self.kith, *map(str, args)]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout

    def of_base(self, *options, calibrate=False):
        measured = [] if calibrate else ["--no-calibrate"]
        return ["build", self.base, *measured, "--rows", self.rows, "--metric",
                self.metric, "--dtype", self.dtype, "--threads", 1, "--json", *options]

    def plan(self, *options):
        return json.loads(self.run(*self.of_base("--explain", *options)))["candidates"]

    def ways(self):
        """(way, trees), what --index and others say, and what is predicted."""
        for c in self.plan():
            if c["index"] == "exact":
                yield ("exact", 0), ["--index", "exact"], c
            elif c["index"] == "graph":
                yield (c["layout"], 0), ["--index", "graph", "--layout", c["layout"]], c
            else:
                for trees in TREES:
                    options = ["--index", "forest", "--trees", trees]
                    predicted = [p for p in self.plan(*options) if p["index"] == "forest"]
                    yield ("forest", trees), options, predicted[0]

    def measure(self, idle_memory):
        """Yields (way, trees), predicted, seconds, microseconds, bytes, bytes of memory."""
        for way, options, predicted in self.ways():
            seconds, size, memory = self.build(options)
            if way[0] == "exact":
                self.run("truth", self.index, "--queries", self.queries, "-k", K, "--rows", QUERIES,
                         "-o", self.truth)
            us = self.search(way)
            measured = None
            if way[0] != "exact" and self.rows <= CALIBRATED_ROWS:
                measured = self.calibrated(options)
            yield way, predicted, seconds, us, size, (
                memory - idle_memory - self.vector_bytes), measured

    def build(self, options):
        seconds = []
        while len(seconds) < REPEATS and sum(seconds) < 3:
            args = [self.kith, *map(str, self.of_base("-o", self.index, *options))]
            text, usage = run_counted(args)
            seconds.append(usage.ru_utime + usage.ru_stime)
        return min(seconds), json.loads(text)["bytes"], usage.ru_maxrss * 1024

    def calibrated(self, options):
        """Seconds of a build that measures recall, and the prediction of that."""
        args = self.of_base("--explain", "-o", self.index, *options, calibrate=True)
        text, usage = run_counted([self.kith, *map(str, args)])
        predicted = [c for c in json.loads(text)["plan"]["candidates"] if c["built"]][0]["build_s"]
        return usage.ru_utime + usage.ru_stime, predicted

    def search(self, way):
        if way[0] == "exact":
            return self.microseconds("exact", None)[0]
        index = "forest" if way[0] == "forest" else "graph"
        effort = K * max(1, way[1])
        before = None
        while True:
            us, recall = self.microseconds(index, effort)
            if recall >= RECALL or effort > 1_000_000:
                break
            before = us, recall
            effort = math.ceil(1.5 * effort)
        if before is None:
            return us
        # Between the two, what is missed falls about as a power of the time.
        low, high = (math.log(max(1e-4, 1 - r)) for r in (before[1], recall))
        share = (low - math.log(1 - RECALL)) / max(1e-9, low - high)
        return before[0] * (us / before[0]) ** share

    def microseconds(self, index, effort):
        args = ["eval", self.index, "--queries", self.queries, "--truth", self.truth, "--rows",
                QUERIES, "-k", K, "--index", index, "--json"]
        if effort is not None:
            args += ["--effort", effort]
        best = math.inf
        for i in range(REPEATS):
            point = json.loads(self.run(*args))
            best = min(best, point["p50_us"])
            if i == 0 and point["recall"] < 0.8:
                break  # far from where it matters
        return best, point["recall"]


def run_counted(args):
    """Standard output, and the resources it took."""
    process = subprocess.Popen(args, stdout=subprocess.PIPE, text=True)
    text = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if status != 0:
        sys.exit(f"failed: {' '.join(args)}")
    return text, usage


def total(cost, queries):
    return cost[0] + queries * cost[1] * 1e-6


def regrets(case, costs):
    """(queries, choice, how many times the least measured total its own is) for all of EXPECTED."""
    for queries in EXPECTED:
        built = [c for c in case.plan("--expect-queries", queries) if c["built"]][0]
        way = (built["layout"] or built["index"], built["trees"])
        if way in costs:
            cost = costs[way]
        else:  # a number of trees between two that were measured
            few, many = costs[("forest", 8)], costs[("forest", 32)]
            cost = [math.sqrt(a * b) for a, b in zip(few, many)]
        yield queries, way, total(cost, queries) / min(total(c, queries) for c in costs.values())


def main():
    kith, folder = sys.argv[1:3]
    os.makedirs(folder, exist_ok=True)
    # In a process of its own, for a child's memory counts from what its parent had.
    maker = os.fork()
    if maker == 0:
        make_sets(kith, folder)
        make_random(folder)
        os._exit(0)
    if os.waitpid(maker, 0)[1] != 0:
        sys.exit("making the data sets failed")
    idle_memory = run_counted([kith, "--version"])[1].ru_maxrss * 1024
    worst = {"build": 1, "calibrated": 1, "query": 1, "file": 1, "memory": 1, "choice": 1}
    with open(os.path.join(folder, "cost_model.tsv"), "w") as table:
        names = ["case", "way", "trees", "build_s", "predicted_s", "query_us", "predicted_us",
                 "bytes", "predicted_bytes", "memory", "predicted_memory"]
        print(*names, sep="\t", file=table)
        for case in (Case(kith, folder, c) for c in CASES):
            if not any(word in case.title for word in sys.argv[3:] or [""]):
                continue
            if not case.exists:
                print(f"{case.title}: {case.base} is not there; text_vectors.py makes it")
                continue
            print(case.title)
            print(f"  {'':12}{'build, ms':>10}{'predicted':>10}{'ratio':>6}"
                  f"{'query, us':>11}{'predicted':>10}{'ratio':>6}{'file':>7}{'memory':>7}"
                  f"{'with recall, ms':>17}{'predicted':>10}{'ratio':>6}")
            costs = {}
            for way, p, seconds, us, size, memory, measured in case.measure(idle_memory):
                costs[way] = (seconds, us)
                print(case.title, *way, seconds, p["build_s"], us, p["query_us"], size, p["bytes"],
                      memory, p["memory"], sep="\t", file=table, flush=True)
                ratios = {"build": p["build_s"] / seconds, "query": p["query_us"] / us,
                          "file": p["bytes"] / size, "memory": p["memory"] / max(memory, 1)}
                if measured is not None:
                    ratios["calibrated"] = measured[1] / measured[0]
                for name in ("build", "calibrated", "query", "file"):
                    if name not in ratios:
                        continue
                    worst[name] = max(worst[name], ratios[name], 1 / ratios[name])
                worst["memory"] = max(worst["memory"], 1 / ratios["memory"])
                print(f"  {way[0]} {way[1] or '':<{11 - len(way[0])}}{1e3 * seconds:10.1f}"
                      f"{1e3 * p['build_s']:10.1f}{ratios['build']:6.2f}{us:11.1f}"
                      f"{p['query_us']:10.1f}{ratios['query']:6.2f}{ratios['file']:7.2f}"
                      f"{min(ratios['memory'], 99):7.2f}"
                      + ("" if measured is None else
                         f"{1e3 * measured[0]:17.1f}{1e3 * measured[1]:10.1f}"
                         f"{ratios['calibrated']:6.2f}"), flush=True)
            for queries, way, regret in regrets(case, costs):
                worst["choice"] = max(worst["choice"], regret)
                print(f"  {queries:>11,} queries: {way[0]} {way[1] or ''}, {regret:.2f} times the least")
    print("\nWorst ratios of predicted and measured, the larger over the smaller; of memory, measured"
          "\nover predicted; of choices, measured time in all over the least:")
    print(*(f"  {name} {ratio:.2f}" for name, ratio in worst.items()), sep="\n")


if __name__ == "__main__":
    main()
