"""Stage A of the training: Glass-Net against L1 and SSIM, resumable to the step.

A run is a folder: `config.json`, `photos.txt` (the photos trained on), `history.json` (the runs it started from),
`checkpoints/`, `losses.csv` (one row a step) and TensorBoard event files. A run continues from its last checkpoint;
batch n is the same whenever it is asked for.
"""

import csv
import dataclasses
import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import keras
import tensorflow as tf
from tqdm import tqdm

from bggan_core.configs import Phase, TrainingConfig, load_config, save_config
from bggan_core.data.pairs import Batch, PairSource
from bggan_core.data.pipeline import BatchMaker, batches
from bggan_core.glassnet import GlassNetConfig, build_glassnet
from bggan_core.growth import widen
from bggan_core.losses import StageALoss

LOSS_COLUMNS = ("step", "total", "l1", "ssim", "rough_l1", "gradient_norm", "learning_rate")


# Photos and bokeh [B, H, W, 3] in [-1, 1] to scalars by name.
Step = Callable[[tf.Tensor, tf.Tensor], dict[str, tf.Tensor]]

HISTORY_NAME = "history.json"


class TrainingDivergedError(RuntimeError):
    """The loss is no longer a number; the message names the step and the last good checkpoint."""


@dataclass(frozen=True)
class Progress:
    """How much training a checkpoint holds."""

    steps: int
    samples: int
    seconds: float


class WarmupCosine(keras.optimizers.schedules.LearningRateSchedule):
    """A rate that rises linearly, then falls along half a cosine to its final value (Loshchilov & Hutter 2017)."""

    def __init__(self, config: TrainingConfig) -> None:
        self.config = config

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        step, config = tf.cast(step, tf.float32), self.config
        done = tf.clip_by_value(step / max(config.total_steps, 1), 0.0, 1.0)
        span = config.learning_rate - config.final_learning_rate
        rate = config.final_learning_rate + span * 0.5 * (1.0 + tf.cos(math.pi * done))
        return rate * tf.minimum(1.0, (step + 1.0) / max(config.warmup_steps, 1))

    def get_config(self) -> dict[str, TrainingConfig]:
        return {"config": self.config}


class StageATrainer:
    """Trains one network in one run folder.

    Args:
        run: Folder of the run, made if missing. One that already holds checkpoints is continued.
        train_pairs, validation_pairs: Where batches and sample pictures come from.
    Raises:
        ValueError: the folder holds a run of another configuration or of other photos.
    """

    def __init__(
        self, config: TrainingConfig, *, run: Path, train_pairs: PairSource, validation_pairs: PairSource
    ) -> None:
        _claim_run(run, config, train_pairs)
        self.config, self.run, self.train_pairs, self.validation_pairs = config, run, train_pairs, validation_pairs
        keras.utils.set_random_seed(config.seed)
        self.network = build_training_network(config.network, precision=config.precision)
        self.optimizer = build_optimizer(config, self.network)
        self.counters = _Counters()
        checkpoint = tf.train.Checkpoint(network=self.network, optimizer=self.optimizer, counters=self.counters)
        self.checkpoints = tf.train.CheckpointManager(checkpoint, str(run / "checkpoints"), max_to_keep=3)
        if self.checkpoints.latest_checkpoint:
            checkpoint.restore(self.checkpoints.latest_checkpoint).assert_consumed()
        self._step = build_step(self.network, self.optimizer, config.loss)

    @property
    def progress(self) -> Progress:
        """What the network has seen so far."""
        return self.counters.progress

    def start_from(self, parent: Path) -> None:
        """Take over the weights of another run's network, of the same width or of half of it.

        Raises:
            ValueError: training has begun, or the widths do not fit.
        """
        if self.progress.steps:
            raise ValueError(f"{self.run} is at step {self.progress.steps}: only a new run can start from another one")
        network, config, _ = load_trained(parent)
        if config.network == self.config.network:
            self.network.set_weights(network.get_weights())
        elif _twice_as_wide(config.network) == self.config.network:
            widen(network, self.network)
        else:
            raise ValueError(
                f"{parent} holds {config.network}: neither {self.config.network} nor one of half its width"
            )
        history = json.dumps(read_history(parent), indent=2) + "\n"
        (self.run / HISTORY_NAME).write_text(history, encoding="utf-8")
        self.checkpoints.save(checkpoint_number=0)

    def train(self) -> Progress:
        """Train to the end of the curriculum, or on from the last checkpoint.

        Raises:
            TrainingDivergedError: a loss is not finite.
        """
        first = self.progress.steps
        writer = tf.summary.create_file_writer(str(self.run))
        with open_loss_log(self.run / "losses.csv", up_to=first) as log, writer.as_default():
            bar = tqdm(self._batches(first), initial=first, total=self.config.total_steps, unit="step", mininterval=5)
            for photos, bokeh, _ in bar:
                terms = self._timed_step(photos, bokeh)
                step = self.progress.steps
                csv.DictWriter(log, LOSS_COLUMNS).writerow({"step": step, **terms})
                bar.set_postfix(loss=f"{terms['total']:.4f}", refresh=False)
                self._report(step, terms)
        return self.progress

    def _batches(self, first: int) -> Iterator[tuple[tf.Tensor, tf.Tensor, tf.Tensor]]:
        """All batches from step `first` on, phase after phase."""
        begin = 0
        for number, phase in enumerate(self.config.phases):
            start = min(max(first - begin, 0), phase.steps)
            yield from batches(_phase_batches(self.train_pairs, phase, number), start=start, stop=phase.steps)
            begin += phase.steps

    def _timed_step(self, photos: tf.Tensor, bokeh: tf.Tensor) -> dict[str, float]:
        began = time.monotonic()
        terms = {name: float(value) for name, value in self._step(photos, bokeh).items()}
        if not math.isfinite(terms["total"]):
            raise TrainingDivergedError(
                f"the loss of step {self.progress.steps + 1} ({self.config.name}) is {terms['total']}; the last good "
                f"checkpoint is {self.checkpoints.latest_checkpoint}"
            )
        self.counters.add(samples=int(photos.shape[0]), seconds=time.monotonic() - began)
        return terms

    def _report(self, step: int, terms: dict[str, float]) -> None:
        if step % 10 == 0:
            for name, value in terms.items():
                tf.summary.scalar(f"train/{name}", value, step=step)
        last = step == self.config.total_steps
        if step % self.config.image_steps == 0 or last:
            tf.summary.image("validation", self._sample_grid(), step=step, max_outputs=8)
        if step % self.config.checkpoint_steps == 0 or last:
            self.checkpoints.save(checkpoint_number=step)

    def _sample_grid(self) -> tf.Tensor:
        """Photo, rough result, final result and ground truth side by side, [N, H, 4W, 3] in [0, 1]."""
        phase = self.config.phases[-1]
        pairs = [self.validation_pairs.make(i, height=phase.height, width=phase.width) for i in range(4)]
        photos = tf.stack([pair.photo for pair in pairs])
        final, rough = self.network(photos * 2.0 - 1.0, training=False)
        shown = [photos, (rough + 1.0) / 2.0, (final + 1.0) / 2.0, tf.stack([pair.bokeh for pair in pairs])]
        return tf.clip_by_value(tf.concat(shown, axis=2), 0.0, 1.0)


class _Counters(tf.Module):
    """What a checkpoint counts."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = tf.Variable(0, dtype=tf.int64)
        self.samples = tf.Variable(0, dtype=tf.int64)
        self.seconds = tf.Variable(0.0, dtype=tf.float64)

    def add(self, *, samples: int, seconds: float) -> None:
        self.steps.assign_add(1)
        self.samples.assign_add(samples)
        self.seconds.assign_add(seconds)

    @property
    def progress(self) -> Progress:
        return Progress(int(self.steps.numpy()), int(self.samples.numpy()), float(self.seconds.numpy()))


def build_training_network(network: GlassNetConfig, *, precision: str) -> keras.Model:
    """Build a Glass-Net that computes in a Keras mixed-precision policy, "float32" or "mixed_bfloat16"."""
    before = keras.mixed_precision.dtype_policy()
    keras.mixed_precision.set_dtype_policy(precision)
    try:
        return build_glassnet(network)
    finally:
        keras.mixed_precision.set_dtype_policy(before)


def build_optimizer(config: TrainingConfig, network: keras.Model) -> keras.optimizers.Optimizer:
    """Build Adam with its slots in place, so that a checkpoint finds them."""
    optimizer = keras.optimizers.Adam(
        WarmupCosine(config), beta_1=config.beta_1, beta_2=config.beta_2, global_clipnorm=config.clip_norm
    )
    optimizer.build(network.trainable_variables)
    return optimizer


def build_step(network: keras.Model, optimizer: keras.optimizers.Optimizer, loss: StageALoss) -> Step:
    """Compile one optimiser step: photos and bokeh in, the loss terms, gradient norm and learning rate out."""

    @tf.function(input_signature=[tf.TensorSpec((None, None, None, 3), tf.float32)] * 2)
    def step(photos: tf.Tensor, bokeh: tf.Tensor) -> dict[str, tf.Tensor]:
        with tf.GradientTape() as tape:
            final, rough = network(photos, training=True)
            terms = loss(final, rough, bokeh)
        gradients = tape.gradient(terms["total"], network.trainable_variables)
        rate = tf.convert_to_tensor(optimizer.learning_rate)
        optimizer.apply(gradients, network.trainable_variables)
        return {**terms, "gradient_norm": tf.linalg.global_norm(gradients), "learning_rate": rate}

    return step


def load_trained(run: Path) -> tuple[keras.Model, TrainingConfig, Progress]:
    """Load the network of a run's last checkpoint, in float32.

    Raises:
        FileNotFoundError: the run holds no checkpoint.
    """
    config = load_config(run / "config.json")
    latest = tf.train.latest_checkpoint(str(run / "checkpoints"))
    if latest is None:
        raise FileNotFoundError(f"{run / 'checkpoints'} holds no checkpoint: train first, or give the folder of a run")
    network, counters = build_glassnet(config.network), _Counters()
    checkpoint = tf.train.Checkpoint(network=network, counters=counters)
    checkpoint.restore(latest).expect_partial().assert_existing_objects_matched()
    return network, config, counters.progress


def read_history(run: Path) -> list[dict[str, Any]]:
    """List the runs behind a run's weights, oldest first and itself last: config, steps, samples and hours of each."""
    path = run / HISTORY_NAME
    earlier: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else []
    _, config, progress = load_trained(run)
    own = {
        "config": config.name,
        "steps": progress.steps,
        "samples": progress.samples,
        "hours": progress.seconds / 3600,
    }
    return [*earlier, own]


def open_loss_log(path: Path, *, up_to: int) -> IO[str]:
    """Open the per-step log for appending, without the rows of steps after `up_to`, which will be run again."""
    kept = []
    if path.is_file():
        with path.open(newline="", encoding="utf-8") as file:
            kept = [row for row in csv.DictReader(file) if int(row["step"]) <= up_to]
    log = path.open("w", newline="", encoding="utf-8", buffering=1)
    writer = csv.DictWriter(log, LOSS_COLUMNS)
    writer.writeheader()
    writer.writerows(kept)
    return log


def _twice_as_wide(network: GlassNetConfig) -> GlassNetConfig:
    return dataclasses.replace(
        network, stage1_channels=2 * network.stage1_channels, stage2_channels=2 * network.stage2_channels
    )


def _phase_batches(pairs: PairSource, phase: Phase, number: int) -> BatchMaker:
    """Give every phase its own pairs: indices of different phases never meet."""
    offset = number << 32

    def make(index: int) -> Batch:
        return pairs.make_batch(offset + index, size=phase.batch, height=phase.height, width=phase.width)

    return make


def _claim_run(run: Path, config: TrainingConfig, pairs: PairSource) -> None:
    run.mkdir(parents=True, exist_ok=True)
    path = run / "config.json"
    if path.is_file() and load_config(path) != config:
        raise ValueError(f"{run} holds a run of another configuration: continue that one, or give another folder")
    names = "".join(f"{name}\n" for name in pairs.photo_names)
    photos = run / "photos.txt"
    if photos.is_file() and photos.read_text(encoding="utf-8") != names:
        raise ValueError(f"{run} was trained on other photos than the corpus holds now: give another folder")
    save_config(config, path)
    photos.write_text(names, encoding="utf-8")
