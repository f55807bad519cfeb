"""The stubs say what the extension module has, and the package is typed throughout."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import kith

PACKAGE = Path(kith.__file__).parent
SOURCE = Path(__file__).parents[1] / "kith"


def run(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", *map(str, command)],
        cwd=cwd,
        capture_output=True,
        text=True,
        env=os.environ | {"MYPYPATH": ""},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_stub_is_what_the_generator_makes_of_the_module(tmp_path):
    pytest.importorskip("nanobind", reason="nanobind, whose generator makes the stub, is not here")
    fresh = tmp_path / "_core.pyi"
    run("nanobind.stubgen", "-q", "-P", "-m", "kith._core", "-o", fresh, cwd=tmp_path)
    assert fresh.read_text() == (PACKAGE / "_core.pyi").read_text(), (
        "the interface changed: python -m nanobind.stubgen -q -P -m kith._core "
        "-o python/kith/_core.pyi"
    )


def test_the_package_is_marked_as_typed():
    assert (PACKAGE / "py.typed").exists()


def test_the_package_passes_strict_type_checks(tmp_path):
    pytest.importorskip("mypy", reason="mypy is not installed")
    config = SOURCE.parents[1] / "pyproject.toml"
    run("mypy", "--config-file", config, "--cache-dir", tmp_path, "-p", "kith", cwd=tmp_path)


def test_users_code_is_checked_against_the_stubs(tmp_path):
    pytest.importorskip("mypy", reason="mypy is not installed")
    (tmp_path / "user.py").write_text(
        "import kith\n"
        "index: kith.Index = kith.open('x.kith', prefault=True)\n"
        "ids, distances = index.search([1.0, 2.0], k=3, recall=0.9)\n"
        "reveal_type(ids)\n"
        "index.search([1.0], k='three')\n"
    )
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), "user.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert "signedinteger" in done.stdout or "int64" in done.stdout
    errors = [line for line in done.stdout.splitlines() if "error:" in line]
    assert len(errors) == 1 and "user.py:5" in errors[0] and "arg-type" in errors[0]


def test_every_public_name_is_documented():
    for name in kith.__all__:
        thing = getattr(kith, name)
        if name.startswith("__"):
            continue
        assert thing.__doc__, name
        if isinstance(thing, type) and not issubclass(thing, Exception):
            for attribute in dir(thing):
                if not attribute.startswith("_"):
                    assert getattr(thing, attribute).__doc__, f"{name}.{attribute}"
