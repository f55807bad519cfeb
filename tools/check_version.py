#!/usr/bin/env python3
"""The version is stated in three places; fails unless they agree."""
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACES = [
    ("CMakeLists.txt", r"^project\(kith VERSION (\S+)"),
    ("include/kith/version.h", r'^#define KITH_VERSION "(.+)"'),
    # The newest entry, a heading such as "## 0.1.0 - 2026-01-31" or "## [0.1.0] ...".
    ("CHANGELOG.md", r"^## \[?(\d+\.\d+\.\d+)"),
]


def main():
    versions = {}
    for name, pattern in PLACES:
        path = ROOT / name
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        match = re.search(pattern, text, re.MULTILINE)
        versions[name] = match.group(1) if match else "none"
    print(", ".join(f"{name}: {version}" for name, version in versions.items()))
    return 0 if len(set(versions.values())) == 1 and "none" not in versions.values() else 1


if __name__ == "__main__":
    sys.exit(main())
