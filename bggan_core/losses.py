"""The terms of the objectives, one function per equation.

Images are float32 [B, H, W, 3] in [-1, 1]. A mask is float32 [B, H, W, 1] in {0, 1}, 1 where a pixel counts: what lies
under a zero changes no loss and gets no gradient. Every loss is a scalar, the mean over the batch of each image's own
value, so that the mean over equal parts of a batch is the loss of the batch.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import tensorflow as tf

# The span of [-1, 1], which SSIM's constants are relative to.
DYNAMIC_RANGE = 2.0

# Side of SSIM's Gaussian window in pixels (Wang et al. 2004).
SSIM_WINDOW = 11

# Images to scores, [B, ...]; images to feature maps, [B, h, w, c].
Critic = Callable[[tf.Tensor], tf.Tensor]
Features = Callable[[tf.Tensor], tf.Tensor]


def l1_loss(rendered: tf.Tensor, target: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Mean absolute difference of a rendering to its ground truth, the L_1 of eq. 3."""
    return _mean_where(tf.reduce_mean(tf.abs(rendered - target), axis=3), mask[..., 0])


def ssim_loss(rendered: tf.Tensor, target: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """One minus the mean structural similarity (Wang et al. 2004), the L_SSIM of eq. 3, in [0, 2].

    Only windows that lie wholly within the image and the mask count.

    Sides below 11 pixels do not fit SSIM's window; TensorFlow raises InvalidArgumentError for them.
    """
    similarity = tf.image.ssim(rendered, target, max_val=DYNAMIC_RANGE, return_index_map=True)
    whole = 1.0 - tf.nn.max_pool2d(1.0 - mask, SSIM_WINDOW, strides=1, padding="VALID")
    return _mean_where(1.0 - similarity, whole[..., 0])


def perceptual_loss(features: Features, rendered: tf.Tensor, target: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Mean absolute difference of feature maps, the L_VGG of eq. 1.

    Paper: "Euclidean" in the prose, the 1-norm in eq. 1. Here: the equation.
    """
    difference = features(rendered * mask) - tf.stop_gradient(features(target * mask))
    return tf.reduce_mean(tf.abs(difference))


def adversarial_loss(scores: tf.Tensor) -> tf.Tensor:
    """Minus the mean of a critic's score map of renderings, the L_adv of eq. 2."""
    return -tf.reduce_mean(scores)


def critic_gap(real_scores: tf.Tensor, fake_scores: tf.Tensor) -> tf.Tensor:
    """How much higher a critic scores ground truth than renderings: what it maximises (Arjovsky et al. 2017, eq. 2)."""
    return tf.reduce_mean(real_scores) - tf.reduce_mean(fake_scores)


def gradient_penalty(critic: Critic, real: tf.Tensor, fake: tf.Tensor, *, mix: tf.Tensor) -> tf.Tensor:
    """Push the norm of a critic's gradient by its input towards 1 (Gulrajani et al. 2017, eq. 3), before lambda.

    The gradient is that of an image's scores summed over the score map. With eq. 2's mean over the map this keeps the
    adversarial term near the size of the others in eq. 3; a unit slope of the mean score would outweigh L_1 a
    thousandfold, because the gradient of a mean over N pixels has norm N^-1/2.

    Args:
        mix: Where between fake (0) and real (1) each image's slope is taken, [B, 1, 1, 1].
    Raises:
        ValueError: the shapes of real and fake differ.
    """
    if not real.shape.is_compatible_with(fake.shape):
        raise ValueError(f"real and fake must have one shape, got {real.shape} and {fake.shape}")
    between = mix * real + (1.0 - mix) * fake
    with tf.GradientTape() as tape:
        tape.watch(between)
        scores = critic(between)
    slope = tape.gradient(scores, between)
    # The small constant keeps the derivative of the root finite for a critic that ignores its input.
    norm = tf.sqrt(tf.reduce_sum(slope * slope, axis=(1, 2, 3)) + 1e-12)
    return tf.reduce_mean((norm - 1.0) ** 2)


@dataclass(frozen=True)
class StageALoss:
    """The first training stage's objective, L1 with SSIM (sec. 3.2), on the final and the rough image.

    Paper: the weights of stage A and supervision of the rough image are unspecified. Here: the ratio that kept
    subjects sharp in pilots, and the rough image's L1 so that stage 1 keeps its meaning R = I - O.

    Args:
        ssim_weight: Weight of the SSIM loss; the final image's L1 has weight 1.
        rough_weight: Weight of the rough image's L1.
    """

    ssim_weight: float = 0.25
    rough_weight: float = 0.3

    def __call__(self, final: tf.Tensor, rough: tf.Tensor, target: tf.Tensor, mask: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the scalar terms "l1", "ssim", "rough_l1" unweighted, and their weighted sum "total"."""
        terms = reconstruction_terms(final, rough, target, mask)
        total = terms["l1"] + self.ssim_weight * terms["ssim"] + self.rough_weight * terms["rough_l1"]
        return {**terms, "total": total}


@dataclass(frozen=True)
class HybridWeights:
    """The factors of eq. 3 and eq. 7.

    Args:
        rough: Factor of the rough image's L1, which the equations do not have; 0 is the paper's objective.
    """

    l1: float = 0.5
    ssim: float = 0.05
    perceptual: float = 0.1
    adversarial: float = 1.0
    rough: float = 0.0


def reconstruction_terms(
    final: tf.Tensor, rough: tf.Tensor, target: tf.Tensor, mask: tf.Tensor
) -> dict[str, tf.Tensor]:
    """Compare both images with the ground truth: "l1", "ssim" and "rough_l1"."""
    return {
        "l1": l1_loss(final, target, mask),
        "ssim": ssim_loss(final, target, mask),
        "rough_l1": l1_loss(rough, target, mask),
    }


def critic_free_loss(terms: Mapping[str, tf.Tensor], weights: HybridWeights) -> tf.Tensor:
    """Weigh "l1", "ssim" and "perceptual" (eq. 7), and "rough_l1"; a missing "perceptual" has weight 0."""
    total = weights.l1 * terms["l1"] + weights.ssim * terms["ssim"] + weights.rough * terms["rough_l1"]
    if weights.perceptual:
        total += weights.perceptual * terms["perceptual"]
    return total


def hybrid_loss(terms: Mapping[str, tf.Tensor], weights: HybridWeights) -> tf.Tensor:
    """Add "adversarial" to the critic-free objective (eq. 3)."""
    return critic_free_loss(terms, weights) + weights.adversarial * terms["adversarial"]


def _mean_where(values: tf.Tensor, weights: tf.Tensor) -> tf.Tensor:
    """Mean over the batch of each map's weighted mean, [B, H, W] twice; a map without weight counts as 0."""
    sums = tf.reduce_sum(values * weights, axis=(1, 2))
    return tf.reduce_mean(tf.math.divide_no_nan(sums, tf.reduce_sum(weights, axis=(1, 2))))
