"""The terms of Glass-Net's objective, one function per equation. Images are float32 [B, H, W, 3] in [-1, 1]."""

from dataclasses import dataclass

import tensorflow as tf

# The span of [-1, 1], which SSIM's constants are relative to.
DYNAMIC_RANGE = 2.0


def l1_loss(rendered: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """Mean absolute difference of a rendering to its ground truth, the L_1 of eq. 3: a scalar."""
    return tf.reduce_mean(tf.abs(rendered - target))


def ssim_loss(rendered: tf.Tensor, target: tf.Tensor) -> tf.Tensor:
    """One minus the mean structural similarity (Wang et al. 2004), the L_SSIM of eq. 3: a scalar in [0, 2].

    Sides below 11 pixels do not fit SSIM's window; TensorFlow raises InvalidArgumentError for them.
    """
    return 1.0 - tf.reduce_mean(tf.image.ssim(rendered, target, max_val=DYNAMIC_RANGE))


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

    def __call__(self, final: tf.Tensor, rough: tf.Tensor, target: tf.Tensor) -> dict[str, tf.Tensor]:
        """Return the scalar terms "l1", "ssim", "rough_l1" unweighted, and their weighted sum "total"."""
        terms = {"l1": l1_loss(final, target), "ssim": ssim_loss(final, target), "rough_l1": l1_loss(rough, target)}
        total = terms["l1"] + self.ssim_weight * terms["ssim"] + self.rough_weight * terms["rough_l1"]
        return {**terms, "total": total}
