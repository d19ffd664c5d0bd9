"""Published weights read back into Keras, so that training goes on where a published network stands.

The file holds float16 weights, and neither optimisers' slots nor critics: what is read is a place to start from, not a
checkpoint.
"""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np
from ai_edge_litert.interpreter import Interpreter

from bggan_core.export import PARITY_TOLERANCE, measure_parity
from bggan_core.glassnet import SIZE_MULTIPLE, GlassNetConfig, build_glassnet
from bggan_core.rendering import MANIFEST_NAME


def load_published(folder: Path) -> tuple[keras.Model, GlassNetConfig, list[dict[str, Any]]]:
    """Load a published network in float32, with its configuration and the runs it came from, oldest first.

    Raises:
        FileNotFoundError: the folder has no manifest or no network.
        ValueError: the file lacks a weight of the network its manifest describes, or computes something else.
    """
    manifest = json.loads((folder / MANIFEST_NAME).read_text(encoding="utf-8"))
    config = GlassNetConfig(**manifest["config"]["network"])
    path = folder / manifest["file"]
    tflite = path.read_bytes()
    network = build_glassnet(config)
    tensors = _read_constants(tflite)
    for layer in network.layers:
        if layer.weights:
            layer.set_weights([_find(tensors, layer, weight, path) for weight in layer.weights])
    parity = measure_parity(network, tflite, height=SIZE_MULTIPLE * 8, width=SIZE_MULTIPLE * 8)
    if not parity.max_abs_difference <= PARITY_TOLERANCE:
        raise ValueError(f"{path}: the weights read from it compute something else than the file does, {parity}")
    return network, config, manifest["training"]


def average_with_start(network: keras.Model, training: Sequence[Mapping[str, Any]], folder: Path) -> str:
    """Give a network the mean of its weights and those of the published network that its run started from.

    Training on from a network often leads to another that is about as good and errs elsewhere; their mean may be better
    than either (model soups, Wortsman et al. 2022).

    Args:
        network: Changed in place.
        training: The runs behind it, its own last.
        folder: The published network.
    Returns:
        The SHA-256 of the published network's file.
    Raises:
        FileNotFoundError: the folder has no manifest or no network.
        ValueError: by its history it is not what the run started from, or the run widened it; weights of networks that
            were trained apart have no mean.
    """
    start, _, earlier = load_published(folder)
    if earlier != list(training[:-1]):
        raise ValueError(
            f"the run {training[-1]['config']!r} did not start from the network in {folder}, whose last run is "
            f"{earlier[-1]['config']!r}: only a run and its start may be averaged"
        )
    ends = network.get_weights(), start.get_weights()
    shapes, start_shapes = ([weight.shape for weight in end] for end in ends)
    if shapes != start_shapes:
        raise ValueError(f"the run widened the network in {folder}: weights of other shapes have no mean")
    network.set_weights([(own + other) / 2 for own, other in zip(*ends, strict=True)])
    sha256: str = json.loads((folder / MANIFEST_NAME).read_text(encoding="utf-8"))["sha256"]
    return sha256


def _read_constants(tflite: bytes) -> list[tuple[str, np.ndarray]]:
    """List the float16 constants of a file with their names, which hold those of the layers."""
    interpreter = Interpreter(model_content=tflite)
    interpreter.allocate_tensors()
    return [
        (tensor["name"], interpreter.get_tensor(tensor["index"]))
        for tensor in interpreter.get_tensor_details()
        if tensor["dtype"] == np.float16
    ]


def _find(
    tensors: list[tuple[str, np.ndarray]], layer: keras.layers.Layer, weight: keras.Variable, path: Path
) -> np.ndarray:
    """Find a layer's kernel or bias; TFLite's kernels are [out, h, w, in]."""
    named = re.compile(rf"(^|/|;){re.escape(layer.name)}(_\d+)?/")
    found = [tensor for name, tensor in tensors if named.search(name) and tensor.ndim == len(weight.shape)]
    if len(found) != 1:
        raise ValueError(f"{path} holds {len(found)} weights for {weight.path}, not one: export it anew")
    tensor = found[0].astype(np.float32)
    if tensor.ndim == 4:
        is_transposed = isinstance(layer, keras.layers.Conv2DTranspose)
        tensor = tensor.transpose((1, 2, 0, 3) if is_transposed else (1, 2, 3, 0))
    return tensor
