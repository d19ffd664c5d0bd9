"""A distance that sees textures and objects rather than pixels, in a named network's features."""

from pathlib import Path
from typing import Literal

import keras
import numpy as np
import tensorflow as tf

from bggan_core.optics import Array
from bggan_core.perceptual import PerceptualConfig, build_feature_network

# The last convolutions of the two deepest blocks: where blur of the whole photo is farther from a lens's bokeh than the
# unprocessed photo is. Shallow layers say the reverse.
_LAYERS = {"vgg16-hed": ("conv4_3", "conv5_3"), "vgg19": ("conv4_4", "conv5_4")}


class PerceptualDistance:
    """Relative L1 distance of feature maps to the ground truth's, mean over two layers: 0 for equal pictures.

    Not LPIPS, whose learned weights belong to another network; the name says which network and layers it is.

    Args:
        weights: The network's convolutions; None has Keras find VGG19's.
    Raises:
        PerceptualWeightsError: the weights cannot be had.
    """

    def __init__(self, kind: Literal["vgg16-hed", "vgg19"], weights: Path | None) -> None:
        layers = _LAYERS[kind]
        last = layers[-1].replace("conv", "relu")
        network = build_feature_network(PerceptualConfig(network=kind, layer=last), weights)
        self._network = keras.Model(network.input, [network.get_layer(layer).output for layer in layers])
        self.name = f"{kind.upper()} {'+'.join(layer.replace('conv', 'relu') for layer in layers)} distance"

    def features(self, picture: Array, mask: Array) -> list[tf.Tensor]:
        """Feature maps of a picture [H, W, 3] in [0, 1]; what does not count is grey."""
        counted: list[tf.Tensor] = self._network(((picture * 2.0 - 1.0) * mask[..., None])[None], training=False)
        return counted

    def __call__(self, rendering: Array, mask: Array, truth: list[tf.Tensor]) -> float:
        """Compare a rendering with the ground truth's `features`."""
        pairs = zip(self.features(rendering, mask), truth, strict=True)
        return float(np.mean([tf.reduce_sum(tf.abs(own - true)) / tf.reduce_sum(tf.abs(true)) for own, true in pairs]))
