"""The multi-receptive-field critics of BGGAN (sec. 2.2, fig. 2): PatchGANs of several depths (Isola et al. 2017).

A critic maps images, float32 [B, H, W, 3] in [-1, 1], to a map of scores [B, h, w, 1] without bound; each score sees a
square of the image, the critic's receptive field.
"""

from dataclasses import dataclass
from typing import Literal

import keras

KERNEL = 4

# pix2pix's cap on the widening: 64, 128, 256, 512, 512, ... channels.
WIDEST_MULTIPLE = 8


@dataclass(frozen=True)
class CriticsConfig:
    """What fixes the critics and how they learn. The defaults are the paper's.

    Args:
        n_layers: Stride-2 convolutions of each critic: 3 sees 70 pixels, 5 sees 286.
        channels: Channels of the first convolution; each further one has twice as many, to 8 times.
        normalization: Between the first convolution and the head. "layer" is what WGAN-GP recommends (Gulrajani et al.
            2017, sec. 4); statistics over a batch would couple images, which the penalty of each image forbids.
        penalty_weight: Lambda, the weight of the gradient penalty.
        learning_rate: Adam's rate, constant.
    """

    n_layers: tuple[int, ...] = (3, 5)
    channels: int = 64
    normalization: Literal["none", "layer"] = "none"
    penalty_weight: float = 10.0
    learning_rate: float = 1e-4

    def __post_init__(self) -> None:
        if not self.n_layers or min(self.n_layers) < 1 or len(set(self.n_layers)) < len(self.n_layers):
            raise ValueError(f"n_layers must be different numbers of at least 1, got {self.n_layers}")
        if self.channels < 1:
            raise ValueError(f"channels must be at least 1, got {self.channels}")
        if self.normalization not in ("none", "layer"):
            raise ValueError(f"normalization must be 'none' or 'layer', got {self.normalization!r}")


def receptive_field(n_layers: int) -> int:
    """Side in pixels of the square one score sees: n_layers convolutions of stride 2, then two of stride 1."""
    field = 1
    for stride in (1, 1, *(2 for _ in range(n_layers))):
        field = (field - 1) * stride + KERNEL
    return field


def build_critics(config: CriticsConfig) -> list[keras.Model]:
    """Build one critic for each depth, in the config's order."""
    return [build_critic(n_layers, config) for n_layers in config.n_layers]


def build_critic(n_layers: int, config: CriticsConfig) -> keras.Model:
    """Build a PatchGAN of one depth, for images of any size; its name says its receptive field."""
    image = keras.Input((None, None, 3), name="image")
    x = image
    for layer in range(n_layers + 1):
        width = config.channels * min(2**layer, WIDEST_MULTIPLE)
        x = keras.layers.Conv2D(width, KERNEL, strides=2 if layer < n_layers else 1, padding="same")(x)
        if layer and config.normalization == "layer":
            # One group is layer normalisation over height, width and channels, for maps of any size.
            x = keras.layers.GroupNormalization(groups=1)(x)
        x = keras.layers.LeakyReLU(0.2)(x)
    scores = keras.layers.Conv2D(1, KERNEL, padding="same", name="scores")(x)
    return keras.Model(image, scores, name=f"critic_{receptive_field(n_layers)}")
