"""Runs the scripts that make data sets with networks, in an environment of their own.

What they need is large and the rivals do not need it: it is installed when such a set is made for
the first time.
"""
from __future__ import annotations

import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
WANTED = os.path.join(HERE, "makers.txt")
FOLDER = os.path.join(HERE, "..", "..", "build", "makers")


class NotMade(Exception):
    """A data set that could not be made: the run goes on with the others."""


def _read(path: str) -> str | None:
    try:
        with open(path) as file:
            return file.read()
    except FileNotFoundError:
        return None


def _python() -> str:
    """Of an environment with all of makers.txt."""
    python, ready = os.path.join(FOLDER, "bin", "python"), os.path.join(FOLDER, "installed.txt")
    if _read(ready) == _read(WANTED):
        return python
    print("installing what makes data sets into build/makers", file=sys.stderr, flush=True)
    subprocess.run([sys.executable, "-m", "venv", FOLDER], check=True)
    run = subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                          "-r", WANTED], stderr=subprocess.PIPE, text=True, check=False)
    if run.returncode != 0:
        why = next((line for line in run.stderr.splitlines() if "ERROR" in line), run.stderr)
        raise NotMade(f"{os.path.basename(WANTED)} could not be installed: {why.strip()}")
    shutil.copy(WANTED, ready)
    return python


def make(script: str, source: str, *words: str) -> None:
    """Runs a script of this folder on a file or folder of KITH_DATA."""
    if not os.path.exists(source):
        raise NotMade(f"{source} is not there")
    run = subprocess.run([_python(), os.path.join(HERE, script), source, *words], check=False)
    if run.returncode != 0:
        raise NotMade(f"{script} ended with exit code {run.returncode}")
