#!/usr/bin/env python3
"""Runs clang-tidy (.clang-tidy) on the core and the apps, within a budget of seconds.

    tools/tidy.py BUILD_DIR [--budget SECONDS] [--jobs N]

A file found clean is not looked at again until it, a header or .clang-tidy changes (stamps in
BUILD_DIR/tidy). What the budget leaves unread is counted. Exits with 1 on a finding.
"""
import argparse
import hashlib
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CHECKED = ("src/", "apps/")


def digest_of_shared():
    """What every file's result depends on: the checks, the headers, the tool."""
    digest = hashlib.sha256()
    version = subprocess.run(["clang-tidy", "--version"], capture_output=True, check=True)
    digest.update(version.stdout)
    for path in [ROOT / ".clang-tidy", *sorted(ROOT.glob("include/**/*.h")),
                 *sorted(ROOT.glob("src/**/*.h")), *sorted(ROOT.glob("apps/**/*.h"))]:
        digest.update(path.read_bytes())
    return digest


def files_to_check(build):
    """Sources of the compilation database below CHECKED, relative to the root."""
    database = json.loads((build / "compile_commands.json").read_text(encoding="utf-8"))
    names = set()
    for entry in database:
        path = Path(entry["directory"], entry["file"]).resolve()
        if path.is_relative_to(ROOT) and str(path.relative_to(ROOT)).startswith(CHECKED):
            names.add(str(path.relative_to(ROOT)))
    return sorted(names)


def run(build, name, deadline):
    """(finished, findings) for one file; findings is "" when it is clean."""
    left = deadline - time.monotonic()
    if left <= 0:
        return False, ""
    command = ["clang-tidy", "--quiet", "-p", str(build), "--extra-arg=-Wno-unknown-warning-option",
               str(ROOT / name)]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=left,
                              check=False)
    except subprocess.TimeoutExpired:
        return False, ""
    return True, "" if done.returncode == 0 else (done.stdout.strip() or done.stderr.strip())


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("build", type=Path)
    parser.add_argument("--budget", type=float, default=float("inf"))
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    arguments = parser.parse_args()
    build = arguments.build.resolve()
    stamps = build / "tidy"
    stamps.mkdir(exist_ok=True)

    shared = digest_of_shared()
    pending = []
    names = files_to_check(build)
    for name in names:
        digest = shared.copy()
        digest.update((ROOT / name).read_bytes())
        stamp = stamps / name.replace("/", "__")
        if not stamp.exists() or stamp.read_text(encoding="utf-8") != digest.hexdigest():
            pending.append((digest.hexdigest(), name, stamp))
    # By digest: another order after every change, so that a small budget gets to every file in time.
    pending.sort()

    deadline = time.monotonic() + min(arguments.budget, 1e6)  # what a wait can be told
    with ThreadPoolExecutor(max_workers=arguments.jobs) as pool:
        results = list(pool.map(lambda item: run(build, item[1], deadline), pending))
    unread = faulty = 0
    for (digest, _, stamp), (finished, findings) in zip(pending, results):
        if not finished:
            unread += 1
        elif findings:
            faulty += 1
            print(findings)
        else:
            stamp.write_text(digest, encoding="utf-8")
    print(f"{len(names)} files, {faulty} with findings" +
          (f", {unread} not read within {arguments.budget:.0f} s" if unread else ""))
    return 1 if faulty or unread == len(names) else 0


if __name__ == "__main__":
    sys.exit(main())
