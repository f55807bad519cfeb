"""Too little memory, or too little for threads: the work is done or a MemoryError, nothing else.

In a process of its own for each limit, which is set once everything is loaded."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
import textwrap

import pytest

SCRIPT = """
import os, resource, sys, numpy as np, kith, kith._inputs
from kith.annoy import AnnoyIndex
base = np.random.default_rng(0).standard_normal((1500, 16)).astype("f4")
many = np.concatenate([base] * 30)
index = kith.build(base, index=("graph", "forest"))
index.save("i.kith")
annoy = AnnoyIndex(16, "angular")
annoy.add_items(base)
annoy.build(5)

def annoy_on_disk():
    index = AnnoyIndex(16, "angular")
    index.on_disk_build("b.ann")
    index.add_items(base)
    index.build(10, n_jobs=4)

def work():
    WORK

def allowed():
    return int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()

before = set(os.listdir("."))
ended = {"done": 0, "MemoryError": 0}
for extra in EXTRA:
    child = os.fork()
    if child == 0:
        limit = allowed() + extra
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
        code = 0
        try:
            work()
        except MemoryError:
            code = 1
        except BaseException as error:
            os.write(2, repr(error).encode() + b"\\n")
            code = 2
        os._exit(code)  # what the error held is gone
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert code in (0, 1), (extra, code)
    left = set(os.listdir(".")) - before
    assert all("tmp" not in name for name in left), (extra, left)
    for name in left:
        os.remove(name)
    ended["done" if code == 0 else "MemoryError"] += 1
print(ended["done"], ended["MemoryError"])
"""

WORKS = {
    "build": "kith.build(base, 'o.kith', index=('graph', 'forest'), n_jobs=4)",
    "build in memory": "kith.build(base, index=('graph', 'forest'), n_jobs=4)",
    "chunks": "kith.build((base for _ in range(3)), 'o.kith', index='exact', n_jobs=4)",
    "keys": "kith.build(base, index='exact', keys=[str(i) * 20 for i in range(1500)], n_jobs=4)",
    "search exact": "index.search(base, n_jobs=4, exact=True)",
    "search graph": "index.search(base, n_jobs=4, index='graph')",
    "search forest": "index.search(base, n_jobs=4, index='forest', effort=500)",
    "long search": "index.search(many, k=5, n_jobs=4, exact=True)",
    "calibrate": "kith.open('i.kith').calibrate(base[:100], k=5, n_jobs=4)",
    "evaluate": "index.evaluate(base[:50], effort=20, index='graph', n_jobs=4)",
    "annoy build": "annoy_on_disk()",
    "annoy batch": "annoy.get_nns_by_vectors(many[:6000], 10, n_jobs=4)",
    "annoy save": "annoy.save('s.ann')",
}


def run(folder, work, extra, stack=None):
    """How many of the limits the work was done under, and how many were errors."""
    script = textwrap.dedent(SCRIPT).replace("WORK", work).replace("EXTRA", repr(extra))

    def limited():
        if stack is not None:
            resource.setrlimit(resource.RLIMIT_STACK, (stack, stack))

    ended = subprocess.run(
        [sys.executable, "-c", script],
        cwd=folder,
        preexec_fn=limited,
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    return [int(word) for word in ended.stdout.split()]


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="memory is not known here")
@pytest.mark.parametrize("work", WORKS)
def test_with_too_little_memory(tmp_path, work):
    # Stacks of threads are 8 MB: below, there are none; above, fewer than are asked for.
    most = 256 << 20
    extra = [0, *(int(4096 * 1.35**i) for i in range(36)), most]
    done, failed = run(tmp_path, WORKS[work], extra)
    assert done > 0 and done + failed == len(extra)


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="memory is not known here")
@pytest.mark.parametrize("work", WORKS)
def test_without_threads(tmp_path, work):
    """Stacks are larger than what may be had: no thread can start, and memory is plenty."""
    done, failed = run(tmp_path, WORKS[work], [300 << 20], stack=400 << 20)
    assert done + failed == 1
    # What Ctrl-C is to end needs a thread for itself, and says so.
    short = ("search exact", "search graph", "search forest")
    assert failed == (work not in short)
