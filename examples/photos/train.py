"""Trains a small convolutional classifier of photos and writes it as ONNX, for `kith embed`.

    KITH_DATA=<folder> python3 examples/photos/train.py -o photo-net.onnx

Needs PyTorch and Pillow (Debian: python3-torch, python3-pil). Reads `photos/train` of the folder,
whose folders are classes, and tells the accuracy on `photos/val`; the photos of `photos/test` are
never opened. What is written ends in a softmax behind a bottleneck of 128 numbers, which is what
`kith embed` takes by default: features of photos, near where photos are alike. The file also says
how pictures have to be made ready, so that nobody has to.

The same seed gives the same network on the same machine and number of threads.
"""

from __future__ import annotations

import argparse
import math
import os
import time
from pathlib import Path

import numpy as np
import torch
from onnx_notes import add_notes
from PIL import Image
from torch import nn
from torch.nn import functional

SIZE = 96
BOTTLENECK = 128
MEAN = (123.675, 116.28, 103.53)  # of photos in general (ImageNet), red, green and blue
STD = (58.395, 57.12, 57.375)


class Block(nn.Module):
    """Two convolutions and a way around them (He et al., 2016)."""

    def __init__(self, channels_in: int, channels: int, stride: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(channels_in, channels, 3, stride, 1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, 1, 1, bias=False),
            nn.BatchNorm2d(channels),
        )
        self.around: nn.Module = nn.Identity()
        if stride != 1 or channels_in != channels:
            self.around = nn.Sequential(
                nn.Conv2d(channels_in, channels, 1, stride, bias=False), nn.BatchNorm2d(channels)
            )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return functional.relu(self.body(x) + self.around(x))


def network(classes: int) -> nn.Sequential:
    """0.9 million weights, 64 million multiplications a photo."""
    return nn.Sequential(
        nn.Conv2d(3, 32, 3, 2, 1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(),
        Block(32, 48, 2),
        Block(48, 96, 2),
        Block(96, 144, 2),
        Block(144, 144, 1),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.Linear(144, BOTTLENECK),
        nn.Linear(BOTTLENECK, classes),
    )


def load(folder: Path, classes: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """All photos of a split, normalised, and the numbers of their classes."""
    pictures, labels = [], []
    for number, name in enumerate(classes):
        for file in sorted((folder / name).glob("*.jpg")):
            picture = Image.open(file).convert("RGB").resize((SIZE, SIZE))
            pictures.append(np.asarray(picture, np.float32))
            labels.append(number)
    values = (np.stack(pictures) - np.float32(MEAN)) / np.float32(STD)
    return torch.from_numpy(values.transpose(0, 3, 1, 2).copy()), torch.tensor(labels)


def varied(x: torch.Tensor) -> torch.Tensor:
    """Photos turned, moved, enlarged, mirrored and lit otherwise, by chance."""
    n = len(x)

    def between(low: float, high: float) -> torch.Tensor:
        return torch.empty(n).uniform_(low, high)

    scale, angle = between(0.6, 1.05), between(-0.35, 0.35)
    mirror = torch.where(torch.rand(n) < 0.5, -1.0, 1.0)
    turn = torch.zeros(n, 2, 3)
    turn[:, 0, 0] = scale * angle.cos() * mirror
    turn[:, 0, 1] = -scale * angle.sin()
    turn[:, 1, 0] = scale * angle.sin() * mirror
    turn[:, 1, 1] = scale * angle.cos()
    turn[:, 0, 2] = (1 - scale).clamp(min=0.05) * between(-1, 1)
    turn[:, 1, 2] = (1 - scale).clamp(min=0.05) * between(-1, 1)
    grid = functional.affine_grid(turn, list(x.shape), align_corners=False)
    x = functional.grid_sample(x, grid, padding_mode="reflection", align_corners=False)
    contrast = torch.exp(between(-0.35, 0.35)).view(n, 1, 1, 1)
    tint = torch.empty(n, 3, 1, 1).uniform_(-0.15, 0.15)
    light = between(-0.5, 0.5).view(n, 1, 1, 1)
    return x * contrast + tint + light


def accuracy(net: nn.Module, x: torch.Tensor, labels: torch.Tensor) -> float:
    net.eval()
    with torch.no_grad():
        told = torch.cat([net(part).argmax(1) for part in x.split(256)])
    net.train()
    return (told == labels).float().mean().item()


def train(net: nn.Module, x: torch.Tensor, labels: torch.Tensor, epochs: int, batch: int) -> None:
    steps = epochs * (len(x) // batch)
    optimizer = torch.optim.AdamW(net.parameters(), lr=4e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, steps, pct_start=0.15)
    started = time.monotonic()
    for epoch in range(epochs):
        order = torch.randperm(len(x))
        losses = []
        for chosen in order.split(batch):
            if len(chosen) < batch:
                continue
            pictures = varied(x[chosen]).contiguous(memory_format=torch.channels_last)
            loss = functional.cross_entropy(net(pictures), labels[chosen], label_smoothing=0.1)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            losses.append(loss.item())
        if epoch % 4 == 3 or epoch == epochs - 1:
            seconds = time.monotonic() - started
            print(f"  epoch {epoch + 1}: loss {np.mean(losses):.3f}, {seconds:.0f} s", flush=True)


def write(net: nn.Module, path: Path) -> None:
    net = nn.Sequential(net, nn.Softmax(1)).eval()
    torch.onnx.export(
        net,
        torch.zeros(1, 3, SIZE, SIZE),
        str(path),
        input_names=["picture"],
        output_names=["class"],
        opset_version=11,
    )
    add_notes(path, size=SIZE, crop=1, mean=MEAN, std=STD)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, default=Path("photo-net.onnx"))
    parser.add_argument("--epochs", type=int, default=36)
    parser.add_argument("--batch", type=int, default=48)
    parser.add_argument("--seed", type=int, default=42)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    if "KITH_DATA" not in os.environ:
        parser.error("KITH_DATA is not set; it names the folder that has photos/train")
    torch.manual_seed(arguments.seed)
    torch.set_num_threads(arguments.threads)
    torch.use_deterministic_algorithms(True)
    photos = Path(os.environ["KITH_DATA"]) / "photos"
    classes = sorted(folder.name for folder in (photos / "train").iterdir())
    x, labels = load(photos / "train", classes)
    print(f"{len(x):,} photos of {len(classes)} classes; chance is {100 / len(classes):.1f} %")
    net = network(len(classes)).to(memory_format=torch.channels_last)
    weights = sum(math.prod(p.shape) for p in net.parameters())
    started = time.monotonic()
    train(net, x, labels, arguments.epochs, arguments.batch)
    seconds = time.monotonic() - started
    print(f"{weights:,} weights, trained in {seconds:.0f} s, seed {arguments.seed}")
    print(f"accuracy of the classifier: train {100 * accuracy(net, x, labels):.1f} %")
    held, held_labels = load(photos / "val", classes)
    print(f"  val {100 * accuracy(net, held, held_labels):.1f} %")
    write(net.to(memory_format=torch.contiguous_format), arguments.output)
    print(f"{arguments.output}: {arguments.output.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
