"""The training of both stages: one network in one run folder, resumable to the step, on one device or several.

Everything random follows from the configuration's seed and the number of the step, so a run that continues from its
last checkpoint goes on as if it had not stopped. `bggan_core.checkpoints` says what a run folder holds.
"""

import contextlib
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tqdm import tqdm

from bggan_core.checkpoints import (
    HISTORY_NAME,
    Counters,
    KeptCheckpoints,
    Progress,
    WeightAverage,
    load_trained,
    read_history,
    write_json,
    write_text,
)
from bggan_core.config_files import load_config, save_config
from bggan_core.configs import Phase, TrainingConfig
from bggan_core.data.pairs import Batch, PairSource
from bggan_core.distribution import Part, distribute_batches, require_equal_parts, this_worker, wait_for_all
from bggan_core.evaluation.provenance import EARLIER_PHOTOS_NAME, PHOTOS_NAME, trained_photos
from bggan_core.glassnet import GlassNetConfig
from bggan_core.growth import double_channels, widen
from bggan_core.guidance import require_known_defocus
from bggan_core.losses import Features
from bggan_core.metrics import psnr, ssim
from bggan_core.monitoring import LOSSES_NAME, LossGuard, LossLog, TrainingDivergedError, loss_columns
from bggan_core.published import load_published
from bggan_core.rendering import MANIFEST_NAME
from bggan_core.steps import build_learners, build_step

SCALAR_STEPS = 10
TIMED_STEPS = 100
SAMPLE_PAIRS = 4
TEACHER_PHOTOS = 32


class Trainer:
    """Trains one network in one run folder.

    Args:
        run: Folder of the run, made if missing. One that already holds checkpoints is continued.
        train_pairs, validation_pairs: Where batches, and sample pictures and scores, come from.
        features: The network of `config.feature_network`.
        strategy: How devices share the work; built with it must be `features`.
    Raises:
        ValueError: the folder holds a run of another configuration or of other photos, the replicas cannot share the
            batch equally, or what the configuration needs is missing: a feature network, or pairs that know their
            defocus.
    """

    def __init__(
        self,
        config: TrainingConfig,
        *,
        run: Path,
        train_pairs: PairSource,
        validation_pairs: PairSource,
        features: Features | None = None,
        strategy: tf.distribute.Strategy | None = None,
    ) -> None:
        self.strategy = strategy or tf.distribute.get_strategy()
        require_equal_parts(config, self.strategy)
        require_pairs_to_guide_by(config, train_pairs)
        self.worker = this_worker(self.strategy)
        self.config, self.run, self.train_pairs, self.validation_pairs = config, run, train_pairs, validation_pairs
        _claim_run(run, config, train_pairs, writes=self.is_chief)
        with self.strategy.scope():
            self.learners = build_learners(config, features=features)
            self.average = None if config.ema_decay is None else WeightAverage(self.network, config.ema_decay)
        self.counters = Counters()
        self.kept = KeptCheckpoints(run, self._checkpoint(), writes=self.is_chief, worker=self.worker.number)
        self.is_new = self.kept.latest is None
        self.kept.restore()
        # Or a late worker would take an early one's first checkpoint for an older run's.
        wait_for_all(self.strategy)
        # Of the last steps: seconds for all, and of these waiting for the batch.
        self.timings: deque[tuple[float, float]] = deque(maxlen=TIMED_STEPS)

    @property
    def network(self) -> keras.Model:
        """The generator."""
        return self.learners.network

    @property
    def progress(self) -> Progress:
        """What the network has seen so far."""
        return self.counters.progress

    @property
    def is_chief(self) -> bool:
        """Whether this process writes the run's folder."""
        return self.worker.number == 0

    def start_from(self, parent: Path, *, best: bool = False) -> None:
        """Take over the weights of another run's network, or of a published one, of the same width or of half of it.

        Raises:
            ValueError: training has begun, or the widths do not fit.
        """
        if self.progress.steps:
            raise ValueError(f"{self.run} is at step {self.progress.steps}: only a new run can start from another one")
        network, config, history = _open_parent(parent, best=best)
        if config == self.config.network:
            self.network.set_weights(network.get_weights())
        elif double_channels(config) == self.config.network:
            widen(network, self.network)
        else:
            raise ValueError(f"{parent} holds {config}: neither {self.config.network} nor one of half its width")
        if self.average:
            self.average.copy_from(self.network)
        if self.is_chief:
            write_json(history, self.run / HISTORY_NAME)
            write_text("".join(f"{name}\n" for name in sorted(trained_photos(parent))), self.run / EARLIER_PHOTOS_NAME)
        self.kept.save(0)

    def train(self) -> Progress:
        """Train to the end of the curriculum, or on from the last checkpoint.

        Raises:
            TrainingDivergedError: a loss is not finite, or explodes.
        """
        first, last = self.progress.steps, self.config.total_steps
        if first == 0:
            self._fit_teacher()
        data = distribute_batches(self.strategy, self._make_part, start=first, stop=last)
        step = self._compile(data.element_spec)
        with contextlib.ExitStack() as open_files:
            log = self._open_logs(open_files, first)
            guard = LossGuard(self.config.explosion_factor)
            bar = tqdm(total=last, initial=first, unit="step", mininterval=5, disable=not self.is_chief)
            stream = iter(data)
            for number in range(first, last):
                terms = self._timed_step(step, stream, number)
                self._stop_if_diverged(guard, terms)
                self._report(number + 1, terms, log)
                bar.set_postfix(loss=f"{terms['total']:.4f}", refresh=False)
                bar.update()
            bar.close()
        wait_for_all(self.strategy)
        return self.progress

    def evaluate(self) -> dict[str, float]:
        """Score the published network on the validation pairs: mean "psnr_db" and "ssim" in the last phase's size."""
        phase = self.config.phases[-1]
        scores = []
        with self._published_weights():
            for index in range(self.config.evaluation_pairs):
                pair = self.validation_pairs.make(index, height=phase.height, width=phase.width)
                rendering = self._render(pair.photo[None])[0][0]
                scores.append((psnr(rendering, pair.bokeh, pair.mask), ssim(rendering, pair.bokeh, pair.mask)))
        means = np.mean(scores, axis=0)
        return {"psnr_db": float(means[0]), "ssim": float(means[1])}

    def _checkpoint(self) -> tf.train.Checkpoint:
        """All that changes in training.

        Heads come back as their optimizer's variables: layers in Keras' lists are nothing a checkpoint looks for.
        """
        objects: dict[str, Any] = {
            "network": self.network,
            "optimizer": self.learners.optimizer,
            "counters": self.counters,
        }
        if self.learners.critics:
            objects |= {"critics": self.learners.critics, "critic_optimizer": self.learners.critic_optimizer}
        if guide := self.learners.guide:
            objects |= {"guiding_heads": guide.heads, "guiding_optimizer": guide.optimizer}
            if guide.teacher:
                objects |= {"teacher_means": guide.teacher.means, "teacher_projections": guide.teacher.projections}
        if self.average:
            objects["average"] = self.average
        return tf.train.Checkpoint(**objects)

    def _fit_teacher(self) -> None:
        """Find the components of a guiding teacher's features, on photos of the first phase's size."""
        if self.learners.guide and self.learners.guide.teacher:
            phase = self.config.phases[0]
            batch = self.train_pairs.make_batch(0, size=TEACHER_PHOTOS, height=phase.height, width=phase.width)
            self.learners.guide.teacher.fit(tf.constant(batch[0]), tf.constant(batch[2]))

    def _make_part(self, index: int, part: Part) -> Batch:
        """Make a worker's images of the batch of step `index`; phases never share a batch."""
        number, phase, within = _locate(self.config.phases, index)
        return self.train_pairs.make_batch(
            (number << 32) + within,
            size=phase.batch,
            height=phase.height,
            width=phase.width,
            rows=part.rows(phase.batch),
        )

    def _compile(self, element_spec: Any) -> Any:
        """Compile a step of all replicas: their batches and the step's number in, means over the replicas out."""
        replica_step = build_step(self.learners, self.config)

        @tf.function(input_signature=[element_spec, tf.TensorSpec((), tf.int64)])
        def step(batch: Any, number: tf.Tensor) -> dict[str, tf.Tensor]:
            terms = self.strategy.run(replica_step, args=(batch, number))
            if self.average:
                self.average.update(self.network, number)
            return {
                name: self.strategy.reduce(tf.distribute.ReduceOp.MEAN, value, axis=None)
                for name, value in terms.items()
            }

        return step

    def _timed_step(self, step: Any, stream: Iterator[Any], number: int) -> dict[str, float]:
        began = time.monotonic()
        batch = next(stream)
        waited = time.monotonic() - began
        terms = {name: float(value) for name, value in step(batch, tf.constant(number, tf.int64)).items()}
        phase = _locate(self.config.phases, number)[1]
        taken = time.monotonic() - began
        self.timings.append((taken, waited))
        self.counters.add(samples=phase.batch, seconds=taken)
        return terms

    def _stop_if_diverged(self, guard: LossGuard, terms: dict[str, float]) -> None:
        if fault := guard.check(terms):
            raise TrainingDivergedError(
                f"step {self.progress.steps} of {self.config.name} ({self.run / 'config.json'}): {fault}; the last "
                f"good checkpoint is {self.kept.latest}. Lower the learning rate, or start from that checkpoint with "
                "another seed"
            )

    def _open_logs(self, open_files: contextlib.ExitStack, first: int) -> LossLog | None:
        """Open the loss log and TensorBoard's files, in the process that writes."""
        if not self.is_chief:
            return None
        writer = tf.summary.create_file_writer(str(self.run))
        open_files.enter_context(writer.as_default())
        log = LossLog(self.run / LOSSES_NAME, columns=loss_columns(self.config), up_to=first)
        return open_files.enter_context(log)

    def _report(self, step: int, terms: dict[str, float], log: LossLog | None) -> None:
        """Log a step, and where they are due write scores, pictures and checkpoints."""
        config, last = self.config, step == self.config.total_steps
        if log:
            log.write(step, terms)
            if step % SCALAR_STEPS == 0:
                self._write_scalars(step, terms)
        evaluates, saves, shows = (
            step % every == 0 or last
            for every in (config.evaluation_steps, config.checkpoint_steps, config.image_steps)
        )
        if saves or evaluates:
            self.kept.save(step)
        # All workers compute what one writes: reading a batch normalisation's statistics is a joint act.
        if shows:
            grid = self._sample_grid()
            if log:
                tf.summary.image("validation", grid, step=step, max_outputs=SAMPLE_PAIRS)
        if evaluates:
            scores = self.evaluate()
            if log:
                for name, value in scores.items():
                    tf.summary.scalar(f"validation/{name}", value, step=step)
            self.kept.keep_if_best(step, scores)

    def _write_scalars(self, step: int, terms: dict[str, float]) -> None:
        for name, value in terms.items():
            tf.summary.scalar(f"train/{name}", value, step=step)
        taken, waited = map(sum, zip(*self.timings, strict=True))
        tf.summary.scalar("input/wait_share", waited / taken, step=step)

    def _sample_grid(self) -> np.ndarray:
        """Photo, rough result, final result and ground truth side by side, [N, H, 4W, 3] in [0, 1]."""
        phase = self.config.phases[-1]
        pairs = [self.validation_pairs.make(i, height=phase.height, width=phase.width) for i in range(SAMPLE_PAIRS)]
        photos = np.stack([pair.photo for pair in pairs])
        with self._published_weights():
            final, rough = self._render(photos)
        return np.concatenate([photos, rough, final, np.stack([pair.bokeh for pair in pairs])], axis=2)

    def _render(self, photos: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Render photos [B, H, W, 3] in [0, 1]: final and rough images in [0, 1]."""
        final, rough = self.network(photos * 2.0 - 1.0, training=False)
        return np.clip((final + 1.0) / 2.0, 0.0, 1.0), np.clip((rough + 1.0) / 2.0, 0.0, 1.0)

    @contextlib.contextmanager
    def _published_weights(self) -> Iterator[None]:
        """Lend the network its running averages, if it has any."""
        if self.average is None:
            yield
            return
        trained = self.network.get_weights()
        self.average.copy_to(self.network)
        try:
            yield
        finally:
            self.network.set_weights(trained)


def require_pairs_to_guide_by(config: TrainingConfig, pairs: PairSource) -> None:
    """Refuse pairs that a configuration's guidance cannot learn from.

    Raises:
        ValueError: it guides by the defocus, and the pairs do not know theirs.
    """
    if config.guidance and config.guidance.defocus:
        phase = config.phases[0]
        require_known_defocus(pairs.make(0, height=phase.height, width=phase.width))


def _locate(phases: tuple[Phase, ...], step: int) -> tuple[int, Phase, int]:
    """Find the phase of a step, its number, and the step's number within it, all from 0."""
    for number, phase in enumerate(phases):
        if step < phase.steps:
            return number, phase, step
        step -= phase.steps
    raise ValueError(f"step {step} lies beyond the curriculum's end")


def _open_parent(folder: Path, *, best: bool) -> tuple[keras.Model, GlassNetConfig, list[dict[str, Any]]]:
    """Load a run's network, or a published one, which has no best checkpoint; also its configuration and history."""
    if (folder / MANIFEST_NAME).is_file():
        if best:
            raise ValueError(f"{folder} holds published weights, of which there is only one state: leave out --best")
        return load_published(folder)
    network, config, _ = load_trained(folder, best=best)
    return network, config.network, read_history(folder, best=best)


def _claim_run(run: Path, config: TrainingConfig, pairs: PairSource, *, writes: bool) -> None:
    path, photos = run / "config.json", run / PHOTOS_NAME
    if path.is_file() and load_config(path) != config:
        raise ValueError(f"{run} holds a run of another configuration: continue that one, or give another folder")
    names = "".join(f"{name}\n" for name in pairs.photo_names)
    if photos.is_file() and photos.read_text(encoding="utf-8") != names:
        raise ValueError(f"{run} was trained on other photos than there are now: give another folder")
    if writes:
        run.mkdir(parents=True, exist_ok=True)
        save_config(config, path)
        write_text(names, photos)
