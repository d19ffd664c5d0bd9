"""Guidance in training: tasks that help Glass-Net find the focal plane and are gone from the trained network.

They read the features after each stage's last residual block, `FEATURE_STRIDE` times smaller than the picture, through
a 1x1 convolution of their own.

- *Focus*: tell how much local detail the lens kept, which a pair shows wherever there is texture.
- *Defocus*: tell the radius of confusion in units of the picture's largest, where there is no texture too:
  `Pair.defocus`, which only pairs made by optics know.
- *Features*: reproduce those of a network trained on a million photos (hints, Romero et al. 2015, eq. 3). A few
  thousand photos with mattes are too few to learn from scratch what things are. The features of a VGG share a large
  mean and a few directions, which say little; what is reproduced is their principal components, brought to unit
  variance so that each counts alike.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import keras
import numpy as np
import tensorflow as tf

from bggan_core.data.pairs import Pair
from bggan_core.glassnet import GlassNetConfig
from bggan_core.perceptual import PerceptualConfig

FEATURE_STRIDE = 8

# Squared-gradient energy, images in [-1, 1], at which a place has texture enough to show whether it was blurred.
TEXTURE_ENERGY = 2e-3

# Beside each other, as targets: what things are made of, and what they are.
TEACHER_LAYERS = ("conv4_3", "conv5_3")
TEACHER_STRIDES = (8, 16)

# Of each layer's 512 channels; a component beyond this many standard deviations is clipped, or it would rule the loss.
COMPONENTS, LARGEST_COMPONENT = 64, 4.0

TASKS = ("focus", "features", "defocus")


@dataclass(frozen=True)
class GuidanceConfig:
    """Tasks beside a stage's objective. One of weight 0 is left out; the loss of "focus" is logged all the same.

    Args:
        focus, features, defocus: Weights of the tasks' losses; stage B, whose feature network serves its perceptual
            term, has no features to imitate.
        teacher: The network whose features are imitated, up to its last block and on pictures of full size.
        heads_learning_rate: The heads' at first, falling to the run's final one; None follows the generator's.

    Paper: no such tasks. Here: without them a network of the paper's size learns from few photos mostly how to blur,
    and little about where (docs/training-log.md).
    """

    focus: float = 0.05
    features: float = 0.05
    defocus: float = 0.0
    teacher: PerceptualConfig = field(default_factory=lambda: PerceptualConfig(network="vgg16-hed", layer="relu5_3"))
    heads_learning_rate: float | None = None

    def __post_init__(self) -> None:
        weights = [getattr(self, task) for task in TASKS]
        if min(weights) < 0 or sum(weights) == 0:
            raise ValueError(f"the weights must be at least 0 and one of them positive, got {self}")
        if self.teacher.downscale != 1 or not self.teacher.layer.startswith("relu5_"):
            raise ValueError(f"the teacher must look at whole pictures, up to block 5, got {self.teacher}")
        if self.heads_learning_rate is not None and self.heads_learning_rate <= 0:
            raise ValueError(f"heads_learning_rate must be positive or none, got {self.heads_learning_rate}")

    @property
    def logged_losses(self) -> list[str]:
        """The tasks whose losses a run logs."""
        return ["focus", *(task for task in ("features", "defocus") if getattr(self, task))]


def tapped_layers(network: GlassNetConfig) -> tuple[str, str]:
    """Name the layers whose features are guided."""
    return f"stage1_block{network.residual_blocks}_add", f"stage2_block{network.residual_blocks}_add"


def detail_kept(
    photos: tf.Tensor, bokeh: tf.Tensor, mask: tf.Tensor, *, window: int = 16
) -> tuple[tf.Tensor, tf.Tensor]:
    """How much local detail the lens kept, and how surely that can be told.

    Args:
        photos, bokeh: [B, H, W, 3] in [-1, 1], sides multiples of `FEATURE_STRIDE`.
        mask: 1 where a pixel counts, [B, H, W, 1]; a window with one that does not says nothing.
        window: Side of the square over which gradient energy is averaged, in pixels.
    Returns:
        The square root of the ratio of gradient energies, clipped to [0, 1], and its weight from 0 (no texture) to 1;
        both [B, H/8, W/8, 1].
    """
    before, after = _gradient_energy(photos, window), _gradient_energy(bokeh, window)
    kept = tf.sqrt(tf.clip_by_value(after / (before + 1e-6), 0.0, 1.0))
    whole = -tf.nn.max_pool2d(-mask, window, FEATURE_STRIDE, padding="SAME")
    return kept, whole * before / (before + TEXTURE_ENERGY)


def _gradient_energy(images: tf.Tensor, window: int) -> tf.Tensor:
    down, right = tf.image.image_gradients(tf.reduce_mean(images, axis=-1, keepdims=True))
    return tf.nn.avg_pool2d(down**2 + right**2, window, FEATURE_STRIDE, padding="SAME")


def require_known_defocus(pair: Pair) -> None:
    """Refuse a source whose pairs the defocus task cannot learn from; any pair of it will do.

    Raises:
        ValueError: nobody knows the pair's defocus.
    """
    if pair.radius_px is None:
        raise ValueError(
            "the guidance has the defocus among its tasks, which only pairs made by optics know, and these are "
            "photographed: leave the task out by --set guidance.defocus=0"
        )


def build_teacher(features: keras.Model) -> keras.Model:
    """Take the imitated layers from a network that `perceptual.build_feature_network` made.

    Images [B, H, W, 3] in [-1, 1] to [B, H/8, W/8, 512] and [B, H/16, W/16, 512].
    """
    teacher = keras.Model(features.input, [features.get_layer(name).output for name in TEACHER_LAYERS])
    teacher.trainable = False
    return teacher


class TeacherComponents(tf.Module):
    """The teacher's features as uncorrelated numbers of mean 0 and variance 1, principal components first.

    The variance is that of the photos it was fitted on, at each layer's own size; clipping and interpolation take some.
    Without `fit` every component is 0; what it finds is kept in checkpoints.
    """

    def __init__(self, teacher: keras.Model, *, components: int = COMPONENTS) -> None:
        super().__init__()
        self.teacher = teacher
        channels = [layer.shape[-1] for layer in teacher.outputs]
        self.means = [tf.Variable(tf.zeros(count), trainable=False) for count in channels]
        self.projections = [
            tf.Variable(tf.zeros((count, min(components, count))), trainable=False) for count in channels
        ]

    @property
    def count(self) -> int:
        """Components of all layers together."""
        return sum(projection.shape[1] for projection in self.projections)

    def fit(self, photos: tf.Tensor, mask: tf.Tensor) -> None:
        """Find the components of some photos' features (principal component analysis).

        Args:
            photos: [B, H, W, 3] in [-1, 1].
            mask: 1 where a pixel counts, [B, H, W, 1]; a place whose pixels do not all count is left out.
        """
        layers = zip(self.teacher(photos), TEACHER_STRIDES, self.means, self.projections, strict=True)
        for features, stride, mean, projection in layers:
            counts = _whole_squares(mask, stride)
            samples = tf.boolean_mask(features, counts[..., 0] > 0).numpy().astype(np.float64)
            variances, directions = np.linalg.eigh(np.cov(samples.T))
            kept = np.argsort(variances)[::-1][: projection.shape[1]]
            mean.assign(samples.mean(axis=0))
            projection.assign(directions[:, kept] / np.sqrt(variances[kept] + 1e-6 * variances.max()))

    def __call__(self, photos: tf.Tensor) -> tf.Tensor:
        """Both layers' components beside each other at an eighth of the size: [B, H/8, W/8, count]."""
        layers = [tf.cast(features, tf.float32) for features in self.teacher(photos)]
        size = tf.shape(layers[0])[1:3]
        components = [
            tf.image.resize(tf.einsum("bhwc,ck->bhwk", features - mean, projection), size)
            for features, mean, projection in zip(layers, self.means, self.projections, strict=True)
        ]
        both = tf.concat(components, axis=-1)
        return tf.stop_gradient(tf.clip_by_value(both, -LARGEST_COMPONENT, LARGEST_COMPONENT))


class GuidingHeads(keras.Model):
    """The 1x1 convolutions of all tasks for each guided layer of a network.

    Args:
        channels: What each task's heads give, by its name; a task that is missing has none.
    """

    def __init__(self, network: keras.Model, layers: Sequence[str], *, channels: Mapping[str, int]) -> None:
        super().__init__(name="guiding_heads")
        widths = [network.get_layer(name).output.shape[-1] for name in layers]
        self.focus, self.features, self.defocus = (
            [keras.layers.Conv2D(channels[task], 1, kernel_initializer="zeros") for _ in layers if task in channels]
            for task in TASKS
        )
        for heads in (self.focus, self.features, self.defocus):
            for head, width in zip(heads, widths, strict=False):
                head.build((None, None, None, width))
        self.built = True


@dataclass(frozen=True)
class Guide:
    """All that guides a network: the heads, which learn with it, and the teacher, which does not."""

    config: GuidanceConfig
    heads: GuidingHeads
    optimizer: keras.optimizers.Optimizer
    teacher: TeacherComponents | None

    def loss(self, guided: Sequence[tf.Tensor], batch: tuple[tf.Tensor, ...]) -> dict[str, tf.Tensor]:
        """Return the scalar terms of `config.logged_losses` unweighted, and their weighted sum "guidance".

        Args:
            guided: The features of each guided layer, [B, H/8, W/8, C].
            batch: The planes of `bggan_core.data.pairs.Batch`.
        """
        photos, bokeh, mask, defocus = batch
        terms = {"focus": focus_loss(self.heads, guided, photos, bokeh, mask)}
        total = self.config.focus * terms["focus"]
        if self.teacher is not None:
            terms["features"] = feature_loss(self.heads, guided, self.teacher(photos), mask)
            total += self.config.features * terms["features"]
        if self.config.defocus:
            terms["defocus"] = defocus_loss(self.heads, guided, defocus)
            total += self.config.defocus * terms["defocus"]
        return {**terms, "guidance": total}


def focus_loss(
    heads: GuidingHeads, guided: Sequence[tf.Tensor], photos: tf.Tensor, bokeh: tf.Tensor, mask: tf.Tensor
) -> tf.Tensor:
    """Squared error of the detail that each guided layer says was kept, weighted by texture: a scalar.

    The mean over the batch of each image's own, as in `bggan_core.losses`.
    """
    kept, weight = detail_kept(photos, bokeh, mask)
    texture = tf.reduce_sum(weight, axis=(1, 2, 3))
    errors = [
        tf.reduce_sum(weight * (head(_to_unit_size(x)) - kept) ** 2, axis=(1, 2, 3)) / (texture + 1.0)
        for head, x in zip(heads.focus, guided, strict=True)
    ]
    return tf.reduce_mean(tf.add_n(errors)) / len(errors)


def feature_loss(heads: GuidingHeads, guided: Sequence[tf.Tensor], targets: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Mean squared error of the components that each guided layer gives: a scalar, at most about 1 for zeros.

    The mean over the batch of each image's own, as in `bggan_core.losses`.

    Args:
        mask: 1 where a pixel counts, [B, H, W, 1]; an 8 x 8 square with one that does not is left out.
    """
    counts = _whole_squares(mask, FEATURE_STRIDE)
    counted = targets.shape[-1] * tf.maximum(tf.reduce_sum(counts, axis=(1, 2, 3)), 1.0)
    errors = [
        tf.reduce_sum(counts * (head(_to_unit_size(x)) - targets) ** 2, axis=(1, 2, 3)) / counted
        for head, x in zip(heads.features, guided, strict=True)
    ]
    return tf.reduce_mean(tf.add_n(errors)) / len(errors)


def defocus_loss(heads: GuidingHeads, guided: Sequence[tf.Tensor], defocus: tf.Tensor) -> tf.Tensor:
    """Mean squared error of the defocus that each guided layer tells of an 8 x 8 square: a scalar.

    Args:
        defocus: [B, H, W, 1] in [-1, 1].
    """
    target = tf.nn.avg_pool2d(defocus, FEATURE_STRIDE, FEATURE_STRIDE, padding="SAME")
    errors = [
        tf.reduce_mean((head(_to_unit_size(x)) - target) ** 2) for head, x in zip(heads.defocus, guided, strict=True)
    ]
    return tf.add_n(errors) / len(errors)


def _whole_squares(mask: tf.Tensor, side: int) -> tf.Tensor:
    """Smallest value of a mask [B, H, W, 1] in each whole square of `side` pixels: [B, H // side, W // side, 1]."""
    return -tf.nn.max_pool2d(-mask, side, side, padding="VALID")


def _to_unit_size(x: tf.Tensor) -> tf.Tensor:
    """Scale each place's features to a mean square of 1: residual blocks add up, and a head's steps with them."""
    x = tf.cast(x, tf.float32)
    return x * tf.math.rsqrt(tf.reduce_mean(x * x, axis=-1, keepdims=True) + 1e-6)
