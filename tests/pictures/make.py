"""Makes the small pictures, archives and the network in tests/pictures/data. Nobody needs to run it
again: what it made is kept. Needs PyTorch and Pillow.
"""

import io
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

OUT = Path(__file__).parent / "data"
SIZE = 16


def note(name: str, text: str) -> bytes:
    def field(number: int, content: bytes) -> bytes:
        return bytes([number << 3 | 2, len(content)]) + content

    return field(14, field(1, name.encode()) + field(2, text.encode()))


def network() -> nn.Module:
    torch.manual_seed(1)
    return nn.Sequential(
        nn.Conv2d(3, 6, 3, 2, 1),
        nn.ReLU(),
        nn.Conv2d(6, 8, 3, 2, 1),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(8, 5),
        nn.Linear(5, 3),
        nn.Softmax(1),
    ).eval()


def write_network(net: nn.Module) -> None:
    file = OUT / "net.onnx"
    torch.onnx.export(
        net, torch.zeros(1, 3, SIZE, SIZE), str(file), input_names=["picture"], opset_version=11
    )
    plain = file.read_bytes()
    (OUT / "plain.onnx").write_bytes(plain)  # says nothing but the size of its input
    file.write_bytes(
        plain
        + note("kith.crop", "1")
        + note("kith.mean", "100 110 120")
        + note("kith.std", "50 60 70")
    )


def picture() -> np.ndarray:
    rng = np.random.default_rng(2)
    y, x = np.mgrid[0:SIZE, 0:SIZE]
    rgb = np.stack([x * 15, y * 15, 255 - 8 * (x + y)], -1)
    rgb[2:7, 9:14] = (250, 20, 30)
    return np.clip(rgb + rng.integers(-10, 10, rgb.shape), 0, 255).astype(np.uint8)


def turned(rgb: np.ndarray, orientation: int) -> np.ndarray:
    """As a camera that was held so would store it."""
    undo = {
        1: rgb,
        2: rgb[:, ::-1],
        3: rgb[::-1, ::-1],
        4: rgb[::-1],
        5: rgb.transpose(1, 0, 2),
        6: np.rot90(rgb, 1),  # it is to be turned clockwise by 90 degrees
        7: rgb[::-1, ::-1].transpose(1, 0, 2),
        8: np.rot90(rgb, -1),
    }
    return np.ascontiguousarray(undo[orientation])


def png16(rgb: np.ndarray) -> bytes:
    """The same picture in 16 bits, without a word on its gamma. Pillow writes none of colours."""

    def chunk(name: bytes, content: bytes) -> bytes:
        check = struct.pack(">I", zlib.crc32(name + content))
        return struct.pack(">I", len(content)) + name + content + check

    rows = (rgb.astype(np.uint16) * 257).astype(">u2")
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", struct.pack(">IIBBBBB", rgb.shape[1], rgb.shape[0], 16, 2, 0, 0, 0))
        + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows)))
        + chunk(b"IEND", b"")
    )


def main() -> None:
    OUT.mkdir(exist_ok=True)
    net = network()
    write_network(net)
    folder = OUT / "shapes" / "square"
    folder.mkdir(parents=True, exist_ok=True)
    rgb = picture()
    Image.fromarray(rgb).save(folder / "plain.png")
    for orientation in range(2, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        stored = Image.fromarray(turned(rgb, orientation))
        stored.save(folder / f"turned{orientation}.png", exif=exif)
    exif = Image.Exif()
    exif[0x0112] = 6
    six = Image.fromarray(turned(rgb, 6))
    six.save(folder / "turned6.jpg", quality=95, subsampling=0, exif=exif)
    six.save(folder / "turned6.webp", lossless=True, exif=exif.tobytes())
    kinds = OUT / "kinds"
    kinds.mkdir(exist_ok=True)
    grey = Image.fromarray(rgb).convert("L")
    grey.save(kinds / "grey.png")
    grey.save(kinds / "grey.jpg", quality=95)
    grey.convert("RGB").save(kinds / "grey_as_rgb.png")
    alpha = np.dstack([rgb, np.full(rgb.shape[:2], 255, np.uint8)])
    alpha[:8, :, 3] = 0  # nothing is seen of the upper half
    Image.fromarray(alpha).save(kinds / "alpha.png")
    Image.fromarray(alpha).save(kinds / "alpha.webp", lossless=True, exact=True)
    on_white = rgb.copy()
    on_white[:8] = 255
    Image.fromarray(on_white).save(kinds / "alpha_on_white.png")
    half = np.dstack([rgb, (np.arange(rgb[..., 0].size) % 256).reshape(SIZE, SIZE)])
    half = half.astype(np.uint8)  # every share of being seen
    Image.fromarray(half).save(kinds / "half.png")
    Image.fromarray(half).save(kinds / "half.webp", lossless=True, exact=True)
    share = half[..., 3:].astype(int)
    blended = ((half[..., :3] * share + 255 * (255 - share) + 127) // 255).astype(np.uint8)
    Image.fromarray(blended).save(kinds / "half_on_white.png")
    (kinds / "deep.png").write_bytes(png16(rgb))
    Image.fromarray(rgb).convert("CMYK").save(kinds / "cmyk.jpg", quality=95)
    Image.fromarray(rgb).save(kinds / "progressive.jpg", quality=95, progressive=True)
    big = Image.fromarray(rgb).resize((160, 160), Image.Resampling.NEAREST)
    wide = Image.new("RGB", (220, 160), (0, 0, 0))
    wide.paste(big, (30, 0))
    wide.save(kinds / "large.jpg", quality=95)  # the middle is the picture, ten times as large
    broken = OUT / "broken"
    broken.mkdir(exist_ok=True)
    whole = (folder / "turned6.jpg").read_bytes()
    (broken / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    (broken / "cut.png").write_bytes((folder / "plain.png").read_bytes()[:300])
    (broken / "cut.webp").write_bytes((folder / "turned6.webp").read_bytes()[:100])
    (broken / "empty.png").write_bytes(b"")
    (broken / "text.jpg").write_text("not a picture\n")
    frames = [Image.fromarray(rgb), Image.fromarray(rgb[::-1].copy())]
    frames[0].save(broken / "moving.webp", save_all=True, append_images=frames[1:], lossless=True)
    archives(folder)
    values = (rgb.astype(np.float64) - (100, 110, 120)) / (50, 60, 70)
    x = torch.from_numpy(values.transpose(2, 0, 1)[None].copy()).float()
    with torch.no_grad():
        bottleneck = net[:7](x)[0].tolist()
        pooled = net[:5](x)[0].flatten().tolist()
        planes = net[:4](x)[0].mean((1, 2)).tolist()
    lines = (" ".join(f"{v:.7g}" for v in row) for row in (bottleneck, pooled, planes))
    (OUT / "expected.txt").write_text("\n".join(lines) + "\n")


def archives(folder: Path) -> None:
    members = [("b/turned6.jpg", "turned6.jpg"), ("a/plain.png", "plain.png")]
    hidden = [("__MACOSX/a/._plain.png", b"junk"), ("notes.txt", b"no picture\n")]
    with zipfile.ZipFile(OUT / "all.zip", "w") as archive:
        for number, (name, file) in enumerate(members):
            method = zipfile.ZIP_DEFLATED if number == 0 else zipfile.ZIP_STORED
            info = zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0))
            archive.writestr(info, (folder / file).read_bytes(), method)
        for name, content in hidden:
            archive.writestr(zipfile.ZipInfo(name, (2020, 1, 1, 0, 0, 0)), content)
    long_name = "c/" + "long-" * 30 + "name.png"
    for kind, mode in (("tar", "w"), ("tar.gz", "w:gz")):
        with tarfile.open(OUT / f"all.{kind}", mode, format=tarfile.PAX_FORMAT) as archive:
            for name, content in [
                *((name, (folder / file).read_bytes()) for name, file in members),
                (long_name, (folder / "plain.png").read_bytes()),
                *hidden,
            ]:
                info = tarfile.TarInfo(name)
                info.size = len(content)
                archive.addfile(info, io.BytesIO(content))


if __name__ == "__main__":
    main()
