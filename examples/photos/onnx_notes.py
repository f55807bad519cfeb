"""Notes in a file of ONNX that tell `kith embed` how its pictures have to be made ready."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def _field(number: int, content: bytes) -> bytes:
    if len(content) >= 128:
        raise ValueError(f"a note of {len(content)} bytes is too long")
    return bytes([number << 3 | 2, len(content)]) + content


def add_notes(
    model: Path, *, size: int, crop: float, mean: Sequence[float], std: Sequence[float]
) -> None:
    """Appends entries of metadata_props: fields of a message may be appended to it."""
    notes = {
        "kith.size": str(size),
        "kith.crop": str(crop),
        "kith.mean": " ".join(map(str, mean)),
        "kith.std": " ".join(map(str, std)),
    }
    with model.open("ab") as file:
        for name, text in notes.items():
            file.write(_field(14, _field(1, name.encode()) + _field(2, text.encode())))


def read_notes(model: Path) -> dict[str, str]:
    """The notes that add_notes() appended."""
    content, notes = model.read_bytes(), {}
    at = content.find(b"kith.size") - 4
    while 0 <= at < len(content) and content[at] == 14 << 3 | 2:
        entry = content[at + 2 : at + 2 + content[at + 1]]
        name = entry[2 : 2 + entry[1]]
        notes[name.decode()] = entry[4 + len(name) :].decode()
        at += 2 + len(entry)
    return notes
