"""The Python of the documents runs as it is printed, and their links lead somewhere."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", *sorted(str(page.relative_to(ROOT)) for page in ROOT.glob("docs/*.md"))]
LINK = re.compile(r"\]\(([^)#:]+?)(?:#[^)]*)?\)")
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(page: str) -> list[str]:
    return BLOCK.findall((ROOT / page).read_text(encoding="utf-8"))


def test_the_tours_are_found():
    assert len(blocks("README.md")) >= 1
    assert len(blocks("docs/python.md")) >= 5


@pytest.mark.filterwarnings("default")
@pytest.mark.parametrize("page", [page for page in PAGES if blocks(page)])
def test_blocks_run_in_turn(page, tmp_path, monkeypatch, capsys):
    """Each page's blocks, one after the other, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    namespace: dict[str, object] = {"__name__": page}
    for number, block in enumerate(blocks(page)):
        for module, package in (
            ("sklearn", "scikit-learn"),
            ("umap", "umap-learn"),
            ("openTSNE", "openTSNE"),
        ):
            if module in block:
                pytest.importorskip(module, reason=f"{page} needs {package}")
        exec(compile(block, f"{page}, block {number}", "exec"), namespace)
    shown = re.findall(r"^print\(.*\)  # (.+)$", "\n".join(blocks(page)), re.MULTILINE)
    printed = capsys.readouterr().out
    for line in shown:
        assert line.rstrip(". ") in printed, f"{page} says that {line!r} is printed"


@pytest.mark.parametrize("page", [*PAGES, "examples/README.md"])
def test_links_lead_to_files(page):
    folder = (ROOT / page).parent
    for link in LINK.findall((ROOT / page).read_text(encoding="utf-8")):
        assert (folder / link).exists(), f"{page} leads to {link}, which is not there"


def test_every_picture_is_shown():
    shown = set()
    for page in PAGES:
        folder = (ROOT / page).parent
        for link in LINK.findall((ROOT / page).read_text(encoding="utf-8")):
            shown.add((folder / link).resolve())
    pictures = set((ROOT / "docs" / "images").iterdir())
    assert pictures - shown == set()
