"""tf.data around a source of pairs: batches in a fixed order, so that training resumes at any batch."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from bggan_core.data.pairs import BATCH_CHANNELS, Batch

# Batch index to photos, bokeh, masks and defocus.
BatchMaker = Callable[[int], Batch]


def batches(make_batch: BatchMaker, *, start: int, stop: int, workers: int = 2) -> tf.data.Dataset:
    """Stream batches `start` to `stop` - 1 in order, made ahead of time on `workers` threads."""
    return (
        tf.data.Dataset.range(start, stop)
        .map(lambda index: _make(make_batch, index), num_parallel_calls=workers, deterministic=True)
        .prefetch(workers + 2)
    )


def _make(make_batch: BatchMaker, index: tf.Tensor) -> tuple[tf.Tensor, ...]:
    def call(batch_index: np.int64) -> Batch:
        return make_batch(int(batch_index))

    planes = tf.numpy_function(call, [index], [tf.float32] * len(BATCH_CHANNELS), stateful=False)
    return tuple(
        tf.ensure_shape(plane, (None, None, None, channels))
        for plane, channels in zip(planes, BATCH_CHANNELS, strict=True)
    )
