"""One question about words from a process that starts with nothing: kith beside the others.

    words.py KITH SCAN FILE.bin FOLDER [--rounds N] [--question WORDS] [--no-gensim] [--no-annoy]

Each system answers "chinese river" (or the question given) in a process of its own, from exec to
exit, all of them in turn, N rounds; what is printed are medians of the processor time (user and
system), which a machine shared with others disturbs least, of the time on the clock, and of the
ratios of both to kith's in the same round. What each lists is compared with the scan's first ten.

SCAN is bench/word2vec_scan.cc, which reads the whole file and compares every word, as word2vec's own
tool does. gensim loads the file and calls most_similar(); Annoy's tool is bench/annoy_words.py, whose
index is built first, as kith's is. "nothing cached" drops the pages of kith's file before.
"""

import argparse
import os
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

GENSIM = """
import sys
from gensim.models import KeyedVectors
words = KeyedVectors.load_word2vec_format(sys.argv[1], binary=True)
for word, cosine in words.most_similar(sys.argv[2:], topn=10):
    print(f"{word}\\t{cosine:.6f}")
"""
HERE = Path(__file__).parent


def run(command, text=""):
    """(what it printed, seconds of the processor, seconds on the clock)."""
    start = time.perf_counter()
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    seconds = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        sys.exit(f"{command[0]} failed: {done.stderr.strip()[-300:]}")
    used = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
    return done.stdout, used, seconds


def evict(path):
    """Drops a file's pages from the cache of the system."""
    with open(path, "rb") as file:
        os.fdatasync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def from_word2vec(text):
    return [line.split()[0] for line in text.splitlines() if line.count("\t\t") == 1][:10]


def from_tsv(text):
    """The words of lines "word<tab>cosine", or of kith's."""
    lines = [line.split("\t") for line in text.splitlines()]
    return [line[2] if len(line) == 4 else line[0] for line in lines if line[0] != "query"]


def systems(args):
    """{name: (prepare, command, input, how to read what it prints)}."""
    words = args.question.split()
    index = args.folder / (args.file.name + ".kith")
    # With signs, so that no phrase is made of the words.
    question = ["--", "".join(f"+{word} " for word in words).strip()]
    kith = [args.kith, "words", args.file, "-o", index, "--format", "tsv"]
    python = sys.executable
    out = {
        "kith, file in page cache": (None, kith + question, "", from_tsv),
        "kith, nothing cached": (lambda: evict(index), kith + question, "", from_tsv),
        "kith --exact": (None, kith + ["--exact"] + question, "", from_tsv),
        "scan, as word2vec": (None, [args.scan, args.file], args.question + "\nEXIT\n", from_word2vec),
    }
    if not args.no_gensim:
        out["gensim"] = (None, [python, "-c", GENSIM, args.file, *words], "", from_tsv)
    if not args.no_annoy:
        trees = args.folder / (args.file.name + ".annoy")
        script = HERE / "annoy_words.py"
        if not (trees / "dim").exists():
            _, used, _ = run([python, script, "build", args.file, trees])
            print(f"Annoy's tool: built in {used:.1f} s of the processor")
        out["Annoy's tool"] = (None, [python, script, "ask", trees, *words], "", from_tsv)
    return {name: (p, [str(c) for c in command], t, r) for name, (p, command, t, r) in out.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kith", type=Path)
    parser.add_argument("scan", type=Path)
    parser.add_argument("file", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--question", default="chinese river")
    parser.add_argument("--no-gensim", action="store_true")
    parser.add_argument("--no-annoy", action="store_true")
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    all_systems = systems(args)

    first = next(iter(all_systems))
    _, used, seconds = run(all_systems[first][1])
    print(f"kith: first run {used:.1f} s of the processor, {seconds:.1f} s on the clock\n")
    used = {name: [] for name in all_systems}
    clock = {name: [] for name in all_systems}
    lists = {}
    for _ in range(args.rounds):
        for name, (prepare, command, text, read) in all_systems.items():
            if prepare:
                prepare()
            printed, processor, seconds = run(command, text)
            lists[name] = read(printed)
            used[name].append(processor)
            clock[name].append(seconds)

    truth = lists["scan, as word2vec"]
    print(f'"{args.question}" of {args.file.name}, {args.rounds} rounds\n')
    print(f"{'':26} {'cpu ms':>10} {'ratio':>8} {'clock ms':>10} {'ratio':>8}  of the scan's ten")
    for name in all_systems:
        ratio = [
            statistics.median(a / max(b, 1e-3) for a, b in zip(times[name], times[first]))
            for times in (used, clock)
        ]
        print(
            f"{name:26} {1e3 * statistics.median(used[name]):10.1f} {ratio[0]:8.1f} "
            f"{1e3 * statistics.median(clock[name]):10.1f} {ratio[1]:8.1f}  "
            f"{len(set(lists[name]) & set(truth))}{', in order' if lists[name] == truth else ''}"
        )


if __name__ == "__main__":
    main()
