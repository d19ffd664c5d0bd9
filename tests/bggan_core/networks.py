"""A small Glass-Net with random weights and biases."""

import keras
import numpy as np

from bggan_core.glassnet import GlassNetConfig

TINY = GlassNetConfig(stage1_channels=2, stage2_channels=2, residual_blocks=2, output="residual")


def randomise(network: keras.Model, rng: np.random.Generator) -> None:
    """Give every weight *and bias* a random value: zeros hide conversion faults."""
    network.set_weights(
        [rng.normal(0, 0.1 if w.ndim == 1 else (w.size / w.shape[-1]) ** -0.5, w.shape) for w in network.get_weights()]
    )
