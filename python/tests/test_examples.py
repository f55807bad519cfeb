"""The programs in examples/ that draw run for whoever has no data, and draw what they say."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import kith

EXAMPLES = Path(__file__).parents[2] / "examples"
# The smallest picture of all is larger than an empty one of its size.
LEAST_BYTES = 10_000


def run(program: str, folder: Path, *options: str) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "KITH_DATA"}
    done = subprocess.run(
        [sys.executable, EXAMPLES / program, "--out", folder, *options],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "KITH_DATA is not set" in done.stderr
    return done.stdout


def pictures(folder: Path) -> set[str]:
    found = list(folder.glob("*.png"))
    assert all(path.stat().st_size > LEAST_BYTES for path in found), found
    return {path.name for path in found}


def test_digits(tmp_path):
    pytest.importorskip("matplotlib", reason="examples/digits draws with matplotlib")
    pytest.importorskip("sklearn", reason="examples/digits has its digits from scikit-learn")
    printed = run("digits/digits.py", tmp_path, "--check")
    # Ends with an error if scikit-learn tells anything otherwise.
    assert printed.count("0 told otherwise") == 10
    assert pictures(tmp_path) == {"strips.png", "errors.png", "mistakes.png"}


def test_pingmap(tmp_path):
    for module in ("matplotlib", "cartopy", "sklearn", "airportsdata"):
        pytest.importorskip(module, reason=f"examples/pingmap needs {module}")
    printed = run("pingmap/pingmap.py", tmp_path, "--grid", "4", "--width", "200")
    apart = [float(number) for number in re.findall(r"differ by (\S+)", printed)]
    assert len(apart) == 4 and max(apart) < 1e-6
    assert pictures(tmp_path) == {
        "city.png",
        "city-globes.png",
        "city-best.png",
        "city-best-globes.png",
        "city-errors.png",
        "all.png",
        "all-globes.png",
        "elevation.png",
        "elevation-errors.png",
    }


def test_photos(tmp_path):
    for module in ("matplotlib", "PIL"):
        pytest.importorskip(module, reason=f"examples/photos needs {module}")
    try:
        kith.embed(EXAMPLES, EXAMPLES / "data" / "photo-net.onnx")
    except ValueError as error:
        if "kith_pictures.so" in str(error):
            pytest.skip("built without OpenCV: no pictures are embedded")
    printed = run("photos/photos.py", tmp_path)
    accuracies = dict(re.findall(r"^  (\w+) .* ([\d.]+) %.*%", printed, re.MULTILINE))
    assert set(accuracies) == {"bottleneck", "colours", "pixels"}, printed
    printed = run("photos/copies.py", tmp_path, "--photos", "40")
    assert "groups of near-duplicates among 200" in printed
    assert {path.name for path in tmp_path.glob("*.jpg")} == {"strips.jpg", "contact.jpg"}
    assert pictures(tmp_path) == {"classes.png"}


def test_maps(tmp_path):
    pytest.importorskip("matplotlib", reason="examples/maps draws with matplotlib")
    pytest.importorskip("sklearn", reason="examples/maps has its digits from scikit-learn")
    rng = np.random.default_rng(1)
    np.save(tmp_path / "factors.npy", rng.standard_normal((300, 8)).astype("f4"))
    (tmp_path / "names.txt").write_text("".join(f"artist {i}\n" for i in range(300)))
    (tmp_path / "plays.txt").write_text("".join(f"{i % 50}\n" for i in range(300)))
    printed = run(
        "maps/maps.py", tmp_path,
        "--artists", tmp_path / "factors.npy", "--names", tmp_path / "names.txt",
        "--weights", tmp_path / "plays.txt",
    )  # fmt: skip
    trust = [float(number) for number in re.findall(r"trustworthiness (\S+),", printed)]
    assert len(trust) == 3 and trust[0] > 0.97 and trust[1] > 0.88
    assert pictures(tmp_path) == {"digits.png", "sprites.png", "words.png", "artists.png"}


def test_listening(tmp_path):
    pytest.importorskip("matplotlib", reason="examples/listening draws with matplotlib")
    printed = run("listening/listening.py", tmp_path)
    ndcg = dict(re.findall(r"^ *(als, 8 factors|item cosine|popular) +\S+ +(\S+)", printed, re.M))
    assert float(ndcg["als, 8 factors"]) > float(ndcg["item cosine"]) > float(ndcg["popular"])
    like = re.findall(r"^like (\w+) 1: (.*)$", printed, re.M)
    assert len(like) == 6
    # Of eight artists like one, most are of its genre.
    assert all(names.count(genre) >= 5 for genre, names in like), like
    assert pictures(tmp_path) == {"similar.png", "user.png", "evaluation.png"}
