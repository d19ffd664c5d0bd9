"""The feature networks behind the perceptual loss (eq. 1), and where their weights come from.

A feature network maps images, float32 [B, H, W, 3] in [-1, 1], to the activations of one of VGG's layers, named as in
Simonyan & Zisserman 2015: "relu5_4" is the fourth convolution of the fifth block, after its ReLU.
"""

import dataclasses
import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import keras
import numpy as np
import tensorflow as tf

# Kernel [3, 3, in, out] and bias [out], float32, by block and number of the convolution.
Tensors = dict[tuple[int, int], list[np.ndarray]]

BLOCK_CHANNELS = (64, 128, 256, 512, 512)


class PerceptualWeightsError(RuntimeError):
    """The weights of a feature network cannot be had; the message names the choices."""


@dataclass(frozen=True)
class _Architecture:
    """Convolutions in each block, and the mean the network's images were centred by (BGR, 0-255)."""

    convolutions: tuple[int, ...]
    mean_bgr: tuple[float, float, float]


ARCHITECTURES = {
    "vgg19": _Architecture((2, 2, 4, 4, 4), (103.939, 116.779, 123.68)),
    "vgg16-hed": _Architecture((2, 2, 3, 3, 3), (104.00699, 116.66877, 122.67892)),
}


@dataclass(frozen=True)
class PerceptualConfig:
    """Which activations the perceptual loss compares. The defaults are the paper's.

    Args:
        network: "vgg19", trained on ImageNet, or "vgg16-hed", a VGG16 that edge detection fine-tuned (Xie & Tu 2015).
        layer: Named "relu{block}_{convolution}".
        scale: What activations are multiplied by, so that the term weighs what eq. 3 means in a network whose
            activations are smaller than VGG19's.
        downscale: Images are averaged over squares of this side first, which saves the square of it in time.
    """

    network: Literal["vgg19", "vgg16-hed"] = "vgg19"
    layer: str = "relu5_4"
    scale: float = 1.0
    downscale: int = 1

    def __post_init__(self) -> None:
        if self.network not in ARCHITECTURES:
            raise ValueError(f"network must be one of {', '.join(ARCHITECTURES)}, got {self.network!r}")
        layers = [f"relu{block}_{number}" for block, number in _convolutions(self.network)]
        if self.layer not in layers:
            raise ValueError(f"layer must be one of {', '.join(layers)} for {self.network}, got {self.layer!r}")
        if self.scale <= 0 or self.downscale < 1:
            raise ValueError(f"scale must be positive and downscale at least 1, got {self}")


def build_feature_network(config: PerceptualConfig, weights: Path | None, *, precision: str = "float32") -> keras.Model:
    """Build the network up to the configured layer, with its weights, frozen.

    Args:
        weights: A .npz file with `conv{block}_{number}_w` [out, in, 3, 3] and `conv{block}_{number}_b` [out], or a .h5
            file that Keras' application of the network loads. None has Keras find or download VGG19's.
        precision: Keras' policy for the convolutions. In bfloat16 the perceptual term costs about half where the
            processor has it, and its gradient hardly turns; measuring wants float32.
    Raises:
        PerceptualWeightsError: the weights cannot be had, or the file lacks one or has one of another shape.
    """
    tensors = _fetch_vgg19(config) if weights is None else _read_file(weights, config)
    last = tuple(int(number) for number in config.layer.removeprefix("relu").split("_"))
    kept = [position for position in _convolutions(config.network) if position <= last]
    _require_shapes(tensors, kept, source=weights)
    image = keras.Input((None, None, 3), name="image")
    x = _centre(image, config)
    for block, number in kept:
        if number == 1 and block > 1:
            x = keras.layers.MaxPooling2D(2, name=f"pool{block - 1}")(x)
        x = keras.layers.Conv2D(
            BLOCK_CHANNELS[block - 1],
            3,
            padding="same",
            activation="relu",
            name=f"conv{block}_{number}",
            dtype=precision,
        )(x)
    network = keras.Model(
        image, keras.layers.Rescaling(config.scale, name="scale", dtype="float32")(x), name=config.network
    )
    network.trainable = False
    for block, number in kept:
        network.get_layer(f"conv{block}_{number}").set_weights(tensors[block, number])
    return network


def describe_features(config: PerceptualConfig, weights: Path | None) -> dict[str, object]:
    """Record what a run's perceptual term compared: the configuration, and which weights."""
    source = "Keras' ImageNet weights" if weights is None else weights.name
    digest = None if weights is None else hashlib.sha256(weights.read_bytes()).hexdigest()
    return {**dataclasses.asdict(config), "weights": source, "weights_sha256": digest}


def balancing_scale(distance: float, l1: float) -> float:
    """Scale for which the perceptual term and L_1 pull alike in eq. 3: 0.1 x scale x distance = 0.5 x L_1.

    Args:
        distance, l1: Mean feature distance at scale 1, and mean L_1, of unprocessed photos to their ground truth.
    """
    return 0.5 * l1 / (0.1 * distance)


def _convolutions(network: str) -> list[tuple[int, int]]:
    """Block and number of each convolution, both from 1, in order."""
    counts = ARCHITECTURES[network].convolutions
    return [(block, number) for block, count in enumerate(counts, start=1) for number in range(1, count + 1)]


def _centre(image: keras.KerasTensor, config: PerceptualConfig) -> keras.KerasTensor:
    """Turn RGB in [-1, 1] into what the network was trained on: BGR, 0-255, minus the mean."""
    if config.downscale > 1:
        image = keras.layers.AveragePooling2D(config.downscale, name="downscale")(image)
    mean = tf.constant(ARCHITECTURES[config.network].mean_bgr)
    return keras.layers.Lambda(lambda rgb: (rgb[..., ::-1] + 1.0) * 127.5 - mean, name="caffe")(image)


def _fetch_vgg19(config: PerceptualConfig) -> Tensors:
    if config.network != "vgg19":
        raise PerceptualWeightsError(
            f"{config.network} must be given. Choices: make its file by scripts/make_vgg16_hed.py and give it by "
            "--perceptual-weights FILE, or compare in VGG19 by --set stage_b.perceptual.network=vgg19 "
            "--set stage_b.perceptual.layer=relu5_4 --set stage_b.perceptual.scale=1"
        )
    try:
        return _read_application(config, "imagenet")
    except Exception as error:  # Keras raises a bare Exception for a failed download
        raise PerceptualWeightsError(
            f"VGG19's weights are not in Keras' cache and cannot be downloaded ({error}). Choices: fetch the file "
            "elsewhere and give it by --perceptual-weights FILE; compare in another network by --set "
            "stage_b.perceptual.network=vgg16-hed --set stage_b.perceptual.layer=relu5_3 and its file; or train "
            "without the term by --set stage_b.weights.perceptual=0, which the model card will say"
        ) from error


def _read_file(path: Path, config: PerceptualConfig) -> Tensors:
    if not path.is_file():
        raise PerceptualWeightsError(f"{path} is no file: --perceptual-weights takes a .npz or .h5 of VGG convolutions")
    try:
        return _read_npz(path) if path.suffix == ".npz" else _read_application(config, str(path))
    except (OSError, ValueError) as error:
        raise PerceptualWeightsError(f"{path} holds no weights of {config.network}: {error}") from error


def _read_npz(path: Path) -> Tensors:
    with np.load(path) as archive:
        found: dict[tuple[int, int], dict[str, np.ndarray]] = {}
        for key in archive.files:
            if match := re.fullmatch(r"conv(\d)_(\d)_([wb])", key):
                tensor = archive[key].astype(np.float32)
                found.setdefault((int(match[1]), int(match[2])), {})[match[3]] = tensor
    return {
        position: [tensors["w"].transpose(2, 3, 1, 0), tensors["b"]]
        for position, tensors in found.items()
        if set(tensors) == {"w", "b"} and tensors["w"].ndim == 4
    }


def _read_application(config: PerceptualConfig, weights: str) -> Tensors:
    """Let Keras load one of its own weight files, or "imagenet"."""
    application = keras.applications.VGG19 if config.network == "vgg19" else keras.applications.VGG16
    network = application(include_top=False, weights=weights)
    return {
        (block, number): network.get_layer(f"block{block}_conv{number}").get_weights()
        for block, number in _convolutions(config.network)
    }


def _require_shapes(tensors: Tensors, positions: list[tuple[int, int]], *, source: Path | None) -> None:
    inputs = 3
    for block, number in positions:
        channels = BLOCK_CHANNELS[block - 1]
        expected = [(3, 3, inputs, channels), (channels,)]
        shapes = [tensor.shape for tensor in tensors.get((block, number), [])]
        if shapes != expected:
            raise PerceptualWeightsError(
                f"{source}: convolution {number} of block {block} must have a kernel and a bias of shapes {expected}, "
                f"found {shapes or 'none'}"
            )
        inputs = channels
