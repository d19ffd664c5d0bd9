"""Training on several devices: the strategies of `tf.distribute`, and each device's part of a batch.

The batch of a configuration is the global one. Worker w of W takes the w-th of W equal runs of its images, and each of
its replicas an equal run of those, so that the images of all replicas in their order are the batch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import tensorflow as tf

from bggan_core.configs import TrainingConfig
from bggan_core.data.pairs import Batch
from bggan_core.data.pipeline import batches

StrategyName = Literal["default", "mirrored", "multi-worker"]

# A batch's index and the images of it that are wanted to those images.
PartMaker = Callable[[int, "Part"], Batch]


@dataclass(frozen=True)
class Part:
    """Worker `number` of `count`, from 0."""

    number: int = 0
    count: int = 1

    def rows(self, size: int) -> slice:
        """The images of a batch of `size` that are this worker's."""
        share = size // self.count
        return slice(self.number * share, (self.number + 1) * share)


def build_strategy(name: StrategyName) -> tf.distribute.Strategy:
    """Build a strategy: one device, all GPUs of this machine, or all workers of the TF_CONFIG variable.

    The last one must be built before TensorFlow does anything else, and waits until every worker has come.

    Raises:
        ValueError: an unknown name.
    """
    if name == "default":
        return tf.distribute.get_strategy()
    if name == "mirrored":
        return tf.distribute.MirroredStrategy()
    if name == "multi-worker":
        return tf.distribute.MultiWorkerMirroredStrategy()
    raise ValueError(f"strategy must be 'default', 'mirrored' or 'multi-worker', got {name!r}")


def this_worker(strategy: tf.distribute.Strategy) -> Part:
    """Say which worker this process is; without TF_CONFIG it is the only one."""
    resolver = strategy.cluster_resolver
    if resolver is None or not resolver.cluster_spec():
        return Part()
    spec = tf.train.ClusterSpec(resolver.cluster_spec()).as_dict()
    workers = [*spec.get("chief", []), *spec.get("worker", [])]
    if resolver.task_type not in ("chief", "worker"):
        raise ValueError(f"TF_CONFIG gives this process the task {resolver.task_type!r}; training has chief and worker")
    number = int(resolver.task_id) + (len(spec.get("chief", [])) if resolver.task_type == "worker" else 0)
    return Part(number, len(workers))


def require_equal_parts(config: TrainingConfig, strategy: tf.distribute.Strategy) -> None:
    """Refuse batches that the replicas cannot share equally, because a mean of unequal parts is another loss.

    Raises:
        ValueError: a phase's batch is no multiple of the number of replicas.
    """
    replicas = strategy.num_replicas_in_sync
    for phase in config.phases:
        if phase.batch % replicas:
            raise ValueError(
                f"a batch of {phase.batch} cannot be shared by {replicas} replicas: give every phase a multiple, by "
                "--set 'phases=[{steps=..., batch=..., height=..., width=...}]'"
            )


def distribute_batches(
    strategy: tf.distribute.Strategy, make_part: PartMaker, *, start: int, stop: int
) -> tf.data.Dataset | tf.distribute.DistributedDataset:
    """Stream batches `start` to `stop` - 1; every worker makes its own part only."""

    def stream(context: tf.distribute.InputContext) -> tf.data.Dataset:
        part = Part(context.input_pipeline_id, context.num_input_pipelines)
        dataset = batches(lambda index: make_part(index, part), start=start, stop=stop)
        replicas = context.num_replicas_in_sync // context.num_input_pipelines
        if replicas == 1:
            return dataset
        return dataset.map(lambda *planes: _split(planes, replicas)).unbatch().prefetch(replicas)

    return strategy.distribute_datasets_from_function(stream)


def wait_for_all(strategy: tf.distribute.Strategy) -> None:
    """Let no worker leave before the others are done: one that leaves early looks to them like one that died."""

    @tf.function
    def count_replicas() -> tf.Tensor:
        ones = strategy.run(lambda: tf.constant(1.0))
        return strategy.reduce(tf.distribute.ReduceOp.SUM, ones, axis=None)

    count_replicas()


def _split(planes: tuple[tf.Tensor, ...], replicas: int) -> tuple[tf.Tensor, ...]:
    """Turn [B, H, W, C] into [replicas, B / replicas, H, W, C]."""
    return tuple(tf.reshape(plane, tf.concat([[replicas, -1], tf.shape(plane)[1:]], axis=0)) for plane in planes)
