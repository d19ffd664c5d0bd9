"""tf.data around the pair maker: batches in a fixed order, so that training resumes at any batch."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from bggan_core.optics import Array

# Batch index to (photos, bokeh), both [B, H, W, 3] in [-1, 1].
BatchMaker = Callable[[int], tuple[Array, Array]]


def batches(make_batch: BatchMaker, *, start: int, stop: int, workers: int = 2) -> tf.data.Dataset:
    """Stream batches `start` to `stop` - 1 in order, made ahead of time on `workers` threads."""
    return (
        tf.data.Dataset.range(start, stop)
        .map(lambda index: _make(make_batch, index), num_parallel_calls=workers, deterministic=True)
        .prefetch(workers + 2)
    )


def _make(make_batch: BatchMaker, index: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    def call(batch_index: np.int64) -> list[Array]:
        return [plane.astype(np.float32) for plane in make_batch(int(batch_index))]

    photos, bokeh = tf.numpy_function(call, [index], [tf.float32, tf.float32], stateful=False)
    shape = (None, None, None, 3)
    return tf.ensure_shape(photos, shape), tf.ensure_shape(bokeh, shape)
