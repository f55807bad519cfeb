"""The interpreter ends while threads that nobody joins are at work: no abort, nothing left."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap

import pytest

SETUP = """
import atexit, os, sys, threading, time, numpy as np, kith
from kith.annoy import AnnoyIndex
base = np.random.default_rng(0).standard_normal((30_000, 64)).astype("f4")
began = threading.Event()

def progress(*report):
    began.set()

def sleeping(*report):
    began.set()
    time.sleep(1000)

def busy(*report):
    began.set()
    while True:
        sum(range(100))

class Slow:
    def __len__(self): return 64
    def __getitem__(self, i):
        if i < 64:
            return self
        raise IndexError
    def __float__(self):
        began.set()
        time.sleep(0.001)
        return 1.0

def slow_keys():
    for i in range(len(base)):
        began.set()
        time.sleep(0.001)
        yield str(i)

def slow_chunks():
    while True:
        began.set()
        time.sleep(0.001)
        yield base[:10]

def annoy_items(index):
    while True:
        for i in range(1000):
            index.add_item(i, base[i])
        began.set()

exact = kith.build(base, index="exact")
graph = kith.build(base[:2000], index="graph")
annoy = AnnoyIndex(64, "angular")
annoy.add_items(base[:5000])

def on_disk():
    index = AnnoyIndex(64, "angular")
    index.on_disk_build("a.ann")
    return index

def run():
    WORK

thread = threading.Thread(target=run, daemon=True)
thread.start()
assert began.wait(100)
time.sleep(DELAY)
AFTER
"""

FOREVER = "while True: began.set(); "
WORKS = {
    "build": "kith.build(base, 'x.kith', index='graph', progress=progress)",
    "build in memory": "kith.build(base, index='graph', progress=progress)",
    "builds": FOREVER + "kith.build(base[:300], 'x.kith')",
    "sleeping callback": "kith.build(base, 'x.kith', index='graph', progress=sleeping)",
    "busy callback": "kith.build(base, 'x.kith', index='graph', progress=busy)",
    "keys": "kith.build(base, 'x.kith', keys=slow_keys())",
    "chunks": "kith.build(slow_chunks(), 'x.kith')",
    "long search": FOREVER + "exact.search(base, k=100)",
    "threads": FOREVER + "exact.search(base, k=100, n_jobs=2)",
    "short searches": FOREVER + "graph.search(base[0])",
    "lists": "rows = base[:20].tolist()\n    " + FOREVER + "graph.search(rows)",
    "float64": "rows = base.astype('f8')\n    " + FOREVER + "graph.search(rows[:5000])",
    "evaluate": FOREVER + "graph.evaluate(base[:500], effort=[30])",
    "calibrate": "kith.build(base[:2000], 'y.kith', index='graph', calibrate=False)\n    "
    "i = kith.open('y.kith')\n    " + FOREVER + "i.calibrate(base[:500])",
    "verify": FOREVER + "exact.verify()",
    "annoy build": "began.set(); annoy.build(1000)",
    "annoy build on disk": "i = on_disk(); i.add_items(base); began.set(); i.build(1000)",
    "annoy items on disk": "annoy_items(on_disk())",
    "annoy slow item": FOREVER + "annoy.add_item(0, Slow())",
    "annoy searches": "annoy.build(10)\n    " + FOREVER + "annoy.get_nns_by_vector(base[0], 10)",
    "annoy batches": "annoy.build(10)\n    " + FOREVER + "annoy.get_nns_by_vectors(base, 10)",
    "annoy saves": "annoy.build(10)\n    " + FOREVER + "annoy.save('b.kith'); annoy.unload(); "
    "annoy.add_items(base[:500])",
}
# A file that is complete may be there, an unfinished one may not.
MAY_BE_LEFT = {"x.kith", "y.kith", "b.kith"}


def ends_well(folder, work, delay, after="", code=0):
    script = textwrap.dedent(SETUP).replace("WORK", work).replace("DELAY", str(delay))
    ended = subprocess.run(
        [sys.executable, "-c", script.replace("AFTER", after)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (ended.returncode, ended.stderr) == (code, "")
    assert set(os.listdir(folder)) <= MAY_BE_LEFT
    return ended.stdout


@pytest.mark.parametrize("work", WORKS)
def test_the_interpreter_ends_meanwhile(tmp_path, work):
    for delay in (0, 0.03):
        ends_well(tmp_path, WORKS[work], delay)


def test_an_exit_code_is_kept(tmp_path):
    ends_well(tmp_path, WORKS["build"], 0.03, "sys.exit(3)", 3)


def test_what_is_done_at_exit_may_search_and_build(tmp_path):
    """Functions registered before kith was imported run after its own."""
    said = ends_well(
        tmp_path,
        WORKS["long search"],
        0.03,
        "def last():\n"
        "    print(kith.build(base[:100], 'x.kith').search(base[5], 1)[0])\n"
        "    print(exact.search(base[:3000], 1)[0].shape)\n"
        "atexit.unregister(kith._core._end)\n"
        "atexit.register(last)\n"
        "atexit.register(kith._core._end)\n",
    )
    assert said == "[5]\n(3000, 1)\n"


@pytest.mark.parametrize("ends", ["sys.exit(3)", "os._exit(3)", "return"])
def test_a_callback_may_fork(tmp_path, ends):
    """The child has no thread that works, and must not wait for one."""
    script = f"""
import os, sys, numpy as np, kith
base = np.random.default_rng(0).standard_normal((3_000, 32)).astype("f4")
children = []
def progress(*report):
    if not children:
        children.append(os.fork())
        if children[0] == 0:
            {ends}
try:
    index = kith.build(base, "x.kith", index="graph", progress=progress)
except RuntimeError as error:
    assert "forked this process" in str(error)
    os._exit(3)
print(os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]), len(index))
"""
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "3 3000\n", "")
    assert os.listdir(tmp_path) == ["x.kith"]


def test_a_forked_child_waits_for_nobody(tmp_path):
    """It has none of the threads whose work its parent waits for."""
    said = ends_well(
        tmp_path,
        WORKS["build"],
        0.03,
        "child = os.fork()\n"
        "if child == 0:\n"
        "    print(kith.build(base[:100], n_jobs=2).search(base[5], 1)[0], flush=True)\n"
        "    sys.exit(5)\n"
        "print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), thread.is_alive())\n",
    )
    assert said == "[5]\n5 True\n"
