"""Double the width of a trained Glass-Net without changing what it computes (Net2WiderNet, Chen et al. 2016)."""

import dataclasses

import keras
import numpy as np

from bggan_core.glassnet import GlassNetConfig
from bggan_core.layers import InstanceNormalization

# Small against the weights: enough to send twins on different ways, too little to be seen in a picture.
TWIN_NOISE = 0.02


def double_channels(network: GlassNetConfig) -> GlassNetConfig:
    """Describe the same network with twice the channels in both stages: what `widen` fills."""
    return dataclasses.replace(
        network, stage1_channels=2 * network.stage1_channels, stage2_channels=2 * network.stage2_channels
    )


def widen(narrow: keras.Model, wide: keras.Model, *, noise: float = TWIN_NOISE, seed: int = 0) -> None:
    """Fill a Glass-Net of twice the channels so that it computes what the narrow one does.

    Every channel becomes two equal neighbours, and every weight that reads them is halved. Neighbours rather than two
    blocks, because concatenating widened maps then equals widening the concatenation.

    Args:
        noise: Standard deviation of the change to each weight, relative to it, that lets twins drift apart.
    Raises:
        ValueError: wide does not have twice the channels of narrow, layer for layer.
    """
    rng = np.random.default_rng(seed)
    for source, target in zip(narrow.layers, wide.layers, strict=True):
        if isinstance(source, InstanceNormalization) or not source.weights:
            continue
        widened = [
            _repeat_to(
                weight.numpy(), tuple(slot.shape), is_transposed=isinstance(source, keras.layers.Conv2DTranspose)
            )
            for weight, slot in zip(source.weights, target.weights, strict=True)
        ]
        target.set_weights([w * (1.0 + noise * rng.standard_normal(w.shape)) for w in widened])


def _repeat_to(weight: np.ndarray, shape: tuple[int, ...], *, is_transposed: bool) -> np.ndarray:
    """Repeat channels to a shape; kernels are [k, k, in, out], of transposed convolutions [k, k, out, in]."""
    input_axis = None if weight.ndim == 1 else (3 if is_transposed else 2)
    for axis in range(max(weight.ndim - 2, 0), weight.ndim):
        factor = shape[axis] // weight.shape[axis]
        if factor not in (1, 2) or factor * weight.shape[axis] != shape[axis]:
            raise ValueError(f"a weight of shape {weight.shape} cannot be widened to {shape}: use twice the channels")
        weight = np.repeat(weight, factor, axis=axis)
        if axis == input_axis:
            weight = weight / factor
    return weight
