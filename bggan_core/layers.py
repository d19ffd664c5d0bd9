"""Instance normalisation in the two forms the paper compares (sec. 2.3).

Tensors are NHWC. Statistics are computed in float32 whatever the compute type, because bfloat16 loses small variances.
"""

from typing import Any, Literal

import keras
import tensorflow as tf

NormalizationForm = Literal["moments", "pooled"]

# Paper: epsilon is not given. Here: 1e-4, the smallest round value that survives a GPU delegate's float16 arithmetic.
EPSILON = 1e-4


@keras.saving.register_keras_serializable("bggan")
class InstanceNormalization(keras.layers.Layer):
    """Centre and scale every channel of every image by its own mean and variance (eq. 4-6).

    Args:
        form: "moments" takes any image size and is for training; "pooled" computes the means by `tf.nn.avg_pool2d`
            over the whole map (sec. 2.3), an operation every TFLite GPU delegate runs, and needs a static size.
    Raises:
        ValueError: an unknown form, or height or width unknown in the pooled form.
    """

    def __init__(self, *, form: NormalizationForm = "moments", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if form not in ("moments", "pooled"):
            raise ValueError(f"form must be 'moments' or 'pooled', got {form!r}")
        self.form = form

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        x = tf.cast(inputs, tf.float32)
        mean = self._spatial_mean
        centred = x - mean(x)
        # The variance of centred values: E[x^2] - E[x]^2 cancels catastrophically in float16.
        return tf.cast(centred * tf.math.rsqrt(mean(centred * centred) + EPSILON), inputs.dtype)

    def _spatial_mean(self, x: tf.Tensor) -> tf.Tensor:
        """Mean over height and width, [B, H, W, C] to [B, 1, 1, C] (eq. 5)."""
        if self.form == "moments":
            return tf.reduce_mean(x, axis=(1, 2), keepdims=True)
        _, height, width, _ = x.shape
        if height is None or width is None:
            raise ValueError(
                f"the pooled form needs a static height and width, got {tuple(x.shape)}: build with image_size"
            )
        return tf.nn.avg_pool2d(x, ksize=(height, width), strides=(height, width), padding="VALID")

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "form": self.form}
