"""Ctrl-C ends long work and leaves nothing half done. In processes of their own, as signals are."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import time

import pytest

# A call answers within about 100 ms; the rest is for a machine that has other things to do.
PATIENCE_S = 2.0

SETUP = """
import signal, sys, numpy as np, kith
from kith.annoy import AnnoyIndex
# Where the tests run in the background, the signal is ignored.
signal.signal(signal.SIGINT, signal.default_int_handler)
base = np.random.default_rng(0).standard_normal(SHAPE).astype("f4")
def progress(stage, done, total):
    if not progress.told:
        print("working", flush=True)
    progress.told = True
progress.told = False
try:
    WORK
except KeyboardInterrupt:
    print("interrupted", flush=True)
else:
    print("finished", flush=True)
"""


@pytest.mark.parametrize(
    ("shape", "work"),
    [
        ("(100_000, 64)", 'kith.build(base, "x.kith", index="graph", progress=progress)'),
        (
            "(60_000, 256)",
            'index = kith.build(base, index="exact"); print("working", flush=True); '
            "index.search(base, k=100)",
        ),
        (
            "(4_000, 64)",
            'index = kith.build(base, index="forest", calibrate=False); '
            'print("working", flush=True); '
            'index.search(np.concatenate([base] * 100), index="forest", effort=4000)',
        ),
        (
            "(20_000, 128)",
            'index = kith.build(base, index="exact"); '
            "index.evaluate(base, k=100, progress=progress)",
        ),
        (
            "(30_000, 64)",
            'index = kith.build(base, index="graph", calibrate=False); '
            "index.calibrate(base[:8000] + 0.1, progress=progress)",
        ),
        (
            "(60_000, 64)",
            "index = AnnoyIndex(64, 'angular'); "
            "[index.add_item(i, v) for i, v in enumerate(base)]; "
            'print("working", flush=True); index.build(500)',
        ),
    ],
    ids=["build", "search", "forest", "evaluate", "calibrate", "annoy"],
)
def test_ctrl_c(tmp_path, shape, work):
    script = textwrap.dedent(SETUP).replace("SHAPE", shape).replace("WORK", work)
    process = subprocess.Popen(
        [sys.executable, "-c", script], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "working\n"
    time.sleep(0.2)  # into the midst of it
    os.kill(process.pid, signal.SIGINT)
    sent = time.monotonic()
    assert process.stdout.readline() == "interrupted\n"
    answered = time.monotonic() - sent
    assert answered < PATIENCE_S
    process.communicate(timeout=300)
    assert process.returncode == 0
    assert list(tmp_path.iterdir()) == []
