#!/usr/bin/env python3
"""Proves the shape of the code: floors, confined libraries, lengths, headers that stand alone.

A file includes its own directory and strictly lower floors; nothing includes itself in a circle.
Prints every fault as file:line: message, and exits with 1 if there is one.

    tools/check_layers.py [--root DIR] [--no-compile] [--cxx COMPILER]
"""
import argparse
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

# Lowest floor first; the directories of one floor are siblings and never include each other.
FLOORS = [
    ["include/kith"],
    ["src/base"],
    ["src/simd", "src/storage", "src/picture_module"],
    ["src/data", "src/linalg"],
    ["src/search", "src/quant"],
    ["src/scan", "src/trees", "src/annoy", "src/reduction", "src/pictures"],
    ["src/forest", "src/graph"],
    ["src/paths"],
    ["src/calibration"],
    ["src/plan"],
    ["src/index"],
    ["src/eval", "src/learn"],
    ["apps/common"],
    ["apps/cli", "python/src"],
]

# What front ends may include of the project, beside their own directory: they are clients.
CLIENTS = {
    "apps/cli": ["include/kith", "apps/common"],
    "python/src": ["include/kith"],
}

# Which files alone may include a library (prefixes of the include -> prefixes of the path).
CONFINED = {
    "hwy/": ["src/simd/"],
    "Eigen/": ["src/reduction/eigen.cc", "tests/reduction/"],
    "opencv2/": ["src/picture_module/net.cc"],
    "turbojpeg.h": ["src/picture_module/decode.cc"],
    "webp/": ["src/picture_module/decode.cc"],
    "hdf5.h": ["src/data/hdf5_library.h", "tests/data/"],
    "zlib.h": ["src/data/gzip.cc", "src/data/npz.cc", "tests/data/"],
    "CLI/": ["apps/cli/"],
    "histedit.h": ["apps/cli/edit_library.cc"],
    "nlohmann/": ["apps/", "tests/cli/"],
    "png.h": ["src/picture_module/decode.cc", "examples/", "tests/cli/"],
    "gtest/": ["tests/"],
    "nanobind/": ["python/src/"],
}

# Where alone a word may stand in src: what ARCHITECTURE.md and CONTRIBUTING.md say that a new metric,
# path or command touches. (what it is, the word, prefixes of the paths that may have it)
WORDS = [
    ("a metric by name", r"\bMetric::k(Angular|Dot|Manhattan|Hamming)\b", ["src/"],
     ["src/base/types.cc", "src/search/metric_traits.cc", "src/quant/geometry.h",
      "src/quant/bounded_code.", "src/data/", "src/annoy/"]),
    ("a path that is not exact by name", r"\bIndexKind::k(Graph|Forest)\b", ["src/"],
     ["src/graph/path.cc", "src/graph/graph.cc", "src/forest/path.cc", "src/forest/forest.cc"]),
    ("a folder of a path", r"\b(graph|forest|scan)::Type\(\)", ["src/"], ["src/paths/registry.cc"]),
    ("a command's declaration", r"\bAdd\w+Command\(", ["apps/cli/"],
     ["apps/cli/commands.h", "apps/cli/main.cc"]),
]
# A default that nobody relies on is no lore: "Metric metric = Metric::kAngular;" in a struct.
DEFAULT = re.compile(r"^\s*Metric \w+ = Metric::k\w+;")

# The namespace of a folder's code, where it is not kith::<folder>: of base it is inline, so that its
# words need no prefix, and what a public header declares is in kith itself.
NAMESPACES = {"src/base": "inline base"}

CODE_DIRS = ["include", "src", "apps", "python", "tests", "fuzz", "examples", "bench"]
INCLUDE_BASES = ["src", "include", "apps", "python/src", "tests", "."]
MAX_FILE_LINES = {"src/": 500, "": 600}  # by the longest prefix of the path
MAX_FUNCTION_LINES = 80

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')


def floor_of(path):
    """(floor number, directory) of a path relative to the root, or None outside the floors."""
    for number, directories in enumerate(FLOORS):
        for directory in directories:
            if path.startswith(directory + "/"):
                return number, directory
    return None


def source_files(root):
    files = []
    for directory in CODE_DIRS:
        for ext in ("*.h", "*.cc"):
            files += (root / directory).rglob(ext)
    return sorted(str(f.relative_to(root)) for f in files)


def includes_of(text):
    """(line number, included name, quoted) for each #include."""
    for number, line in enumerate(text.splitlines(), 1):
        match = INCLUDE.match(line)
        if match:
            yield number, match.group(2), match.group(1) == '"'


def resolve(root, path, name):
    """The project's file that an #include means, relative to the root, or None."""
    candidates = [os.path.join(os.path.dirname(path), name)]
    candidates += [os.path.join(base, name) for base in INCLUDE_BASES]
    for candidate in candidates:
        candidate = os.path.normpath(candidate)
        if (root / candidate).is_file():
            return candidate
    return None


def check_include(path, line, name, quoted, target):
    """Faults of one #include; `target` is the project's file it means, if any."""
    faults = []
    for prefix, allowed in CONFINED.items():
        if name.startswith(prefix) and not path.startswith(tuple(allowed)):
            faults.append((path, line, f"{name} may only be included in {', '.join(allowed)}"))
    own = floor_of(path)
    if target is None:
        third_party = any(name.startswith(prefix) for prefix in CONFINED)
        if quoted and not third_party:
            faults.append((path, line, f'"{name}" is no file of the project'))
        if own and own[0] == 0 and not re.fullmatch(r"[a-z_0-9]+", name):
            faults.append((path, line, f"public header includes {name}: standard library only"))
        return faults
    if own is None:
        return faults
    theirs = floor_of(target)
    if theirs is None:
        faults.append((path, line, f"includes {target}, which is on no floor"))
    elif theirs[0] > own[0]:
        faults.append((path, line, f"includes {target}, a higher floor"))
    elif theirs[0] == own[0] and theirs[1] != own[1]:
        faults.append((path, line, f"includes {target}, a sibling on the same floor"))
    elif theirs[1] not in CLIENTS.get(own[1], [theirs[1]]) + [own[1]]:
        faults.append((path, line, f"includes {target}; {own[1]} is a client of "
                                   f"{' and '.join(CLIENTS[own[1]])} only"))
    return faults


def find_cycle(graph):
    """A list of files that include each other in a circle, or None."""
    state = {}  # 1: being visited, 2: done
    for start in sorted(graph):
        if start in state:
            continue
        trail = [start]
        pending = [iter(sorted(graph[start]))]
        state[start] = 1
        while pending:
            following = next(pending[-1], None)
            if following is None:
                state[trail.pop()] = 2
                pending.pop()
            elif state.get(following) == 1:
                return trail[trail.index(following):] + [following]
            elif following not in state:
                state[following] = 1
                trail.append(following)
                pending.append(iter(sorted(graph.get(following, ()))))
    return None


def blank_out(text):
    """The text with comments, literals and preprocessor lines blanked, line numbers kept."""
    pattern = re.compile(
        r"//[^\n]*|/\*.*?\*/"
        r'|R"([^\s()\\]{0,16})\(.*?\)\1"'
        r'|"(?:\\.|[^"\\\n])*"'
        r"|(?<![0-9A-Fa-f])'(?:\\.|[^'\\\n])+'"
        r"|^[ \t]*#(?:[^\n]*\\\n)*[^\n]*",
        re.DOTALL | re.MULTILINE)
    return pattern.sub(lambda m: re.sub(r"[^\n]", " ", m.group(0)), text)


def opens_scope(head):
    """Whether the text before a brace, which opens no function, declares a namespace or class."""
    return re.search(r"\b(namespace|class|struct|union|enum|extern)\b", head) is not None


def opens_function(head):
    """Whether the text before a brace, outside functions, is a function's signature."""
    signature = re.search(r"\)(\s*(const|noexcept|override|final|&&?|->[\w\s:<>,*&]+))*\s*$", head)
    if signature and "=" not in re.sub(r"operator\s*\S+|\([^()]*\)|[=!<>]=", "", head):
        return True
    # After member initialisers, the body's brace follows a closing ) or }.
    return re.search(r"\)\s*(noexcept\s*)?:[^:].*[})]\s*$", head, re.DOTALL) is not None


def functions(text):
    """(first line, last line) of every outermost function body, its signature included."""
    code = blank_out(text)
    stack, found = [], []  # stack: "scope" | "function" | "block"
    head_start, line, start_line = 0, 1, 1
    for position, char in enumerate(code):
        if char == "\n":
            line += 1
        elif char == "{":
            head = code[head_start:position].strip()
            if "function" in stack:
                stack.append("block")
            elif opens_function(head):
                leading = code[head_start:position]
                start_line = line - leading.strip().count("\n")
                stack.append("function")
            elif opens_scope(head):
                stack.append("scope")
                head_start = position + 1
            else:
                stack.append("block")  # an initialiser: the statement goes on behind it
        elif char == "}" and stack:
            kind = stack.pop()
            if kind == "function":
                found.append((start_line, line))
            if kind != "block" and "function" not in stack:
                head_start = position + 1
        elif char == ";" and "function" not in stack and "block" not in stack:
            head_start = position + 1
    return found


def check_words(path, text):
    """Faults of words that may not stand in this file."""
    faults = []
    lines = blank_out(text).splitlines()
    for what, word, scope, allowed in WORDS:
        if not path.startswith(tuple(scope)) or path.startswith(tuple(allowed)):
            continue
        for number, line in enumerate(lines, 1):
            if not re.search(word, line) or DEFAULT.match(line):
                continue
            # The file that defines a command declares it to nobody.
            if word.startswith(r"\bAdd") and re.match(r"^void Add\w+Command\(", line):
                continue
            faults.append((path, number, f"names {what}; only {', '.join(allowed)} may"))
    return faults


def check_namespace(path, text):
    """A fault if a file of src has nothing in its folder's namespace and is not public code."""
    folder = "/".join(path.split("/")[:2])
    if not path.startswith("src/") or folder == path:
        return []
    own = NAMESPACES.get(folder, "kith::" + folder.split("/")[1])
    found = {("inline " if inline else "") + name for inline, name in re.findall(
        r"^\s*(inline )?namespace ([\w:]+) \{", text, re.MULTILINE)}
    if any(name == own or name.startswith(own + "::") for name in found) or found <= {"kith"}:
        return []
    return [(path, 1, f"has no namespace {own}, but {', '.join(sorted(found))}")]


def check_lengths(path, text):
    faults = []
    lines = text.count("\n")
    most = MAX_FILE_LINES[max(filter(path.startswith, MAX_FILE_LINES), key=len)]
    if lines > most:
        faults.append((path, lines, f"{lines} lines; at most {most}"))
    for first, last in functions(text):
        if last - first + 1 > MAX_FUNCTION_LINES:
            faults.append((path, first, f"a function of {last - first + 1} lines; "
                                        f"at most {MAX_FUNCTION_LINES}"))
    return faults


def compile_alone(root, header, cxx):
    """Faults of a public header as the only content of a translation unit."""
    command = [cxx, "-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-I", "include",
               "-x", "c++", "-"]
    unit = f'#include "{os.path.relpath(header, "include")}"\n'
    done = subprocess.run(command, cwd=root, input=unit, capture_output=True, text=True,
                          check=False)
    if done.returncode == 0:
        return []
    return [(header, 1, "does not compile alone:\n" + done.stderr.strip())]


def check(root, cxx=None):
    """All faults of the tree as (path, line, message); headers are compiled when `cxx` is given."""
    faults, graph = [], {}
    files = source_files(root)
    for path in files:
        text = (root / path).read_text(encoding="utf-8")
        graph[path] = set()
        for line, name, quoted in includes_of(text):
            target = resolve(root, path, name)
            # A kernel file includes itself through foreach_target; that is no cycle.
            if target and target != path:
                graph[path].add(target)
            faults += check_include(path, line, name, quoted, target)
        faults += check_lengths(path, text)
        faults += check_words(path, text)
        faults += check_namespace(path, text)
    cycle = find_cycle(graph)
    if cycle:
        faults.append((cycle[0], 1, "an include cycle: " + " -> ".join(cycle)))
    if cxx:
        headers = [path for path in files if path.startswith("include/")]
        with ThreadPoolExecutor(max_workers=os.cpu_count()) as pool:
            for found in pool.map(lambda h: compile_alone(root, h, cxx), headers):
                faults += found
    return faults, len(files)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--cxx", default=os.environ.get("CXX", "c++"))
    parser.add_argument("--no-compile", action="store_true")
    arguments = parser.parse_args()
    faults, count = check(arguments.root, None if arguments.no_compile else arguments.cxx)
    for path, line, message in faults:
        print(f"{path}:{line}: {message}")
    print(f"{count} files, {len(faults)} faults")
    return 1 if faults or count == 0 else 0


if __name__ == "__main__":
    sys.exit(main())
