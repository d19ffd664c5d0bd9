"""What a run keeps: its newest checkpoints, its best one, and the history of the runs its weights come from.

A run is a folder: `config.json`, `photos.txt` (the photos trained on), `earlier-photos.txt` (those that the weights it
started from were trained on), `history.json` (the runs it started from),
`perceptual.json` (the feature network's weights, in stage B and with guidance), `checkpoints/` (the newest three),
`best/` with `best.json` (the best on the validation pairs), `losses.csv` (one row a step) and TensorBoard event files.
Files are written beside their place and moved into it, so that an interruption leaves the old one or the new one.
"""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from bggan_core.config_files import load_config
from bggan_core.configs import TrainingConfig
from bggan_core.glassnet import build_glassnet
from bggan_core.guidance import TASKS

HISTORY_NAME, PERCEPTUAL_NAME, BEST_NAME = "history.json", "perceptual.json", "best.json"


@dataclass(frozen=True)
class Progress:
    """How much training a checkpoint holds. `samples` are those of all devices."""

    steps: int
    samples: int
    seconds: float


class Counters(tf.Module):
    """What a checkpoint counts."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = tf.Variable(0, dtype=tf.int64)
        self.samples = tf.Variable(0, dtype=tf.int64)
        self.seconds = tf.Variable(0.0, dtype=tf.float64)

    def add(self, *, samples: int, seconds: float) -> None:
        """Count one step."""
        self.steps.assign_add(1)
        self.samples.assign_add(samples)
        self.seconds.assign_add(seconds)

    @property
    def progress(self) -> Progress:
        """The counts as numbers."""
        return Progress(int(self.steps.numpy()), int(self.samples.numpy()), float(self.seconds.numpy()))


class WeightAverage(tf.Module):
    """The running average of a network's variables (Polyak & Juditsky 1992), which is steadier than the last step's."""

    def __init__(self, network: keras.Model, decay: float) -> None:
        super().__init__()
        self.decay = decay
        self.averages = [tf.Variable(variable.value, trainable=False) for variable in network.variables]

    def update(self, network: keras.Model, step: tf.Tensor) -> None:
        """Move towards the network's variables; over the first steps faster, or the start would weigh too long."""
        step = tf.cast(step, tf.float32)
        decay = tf.minimum(self.decay, (1.0 + step) / (10.0 + step))
        for average, variable in zip(self.averages, network.variables, strict=True):
            average.assign(decay * average + (1.0 - decay) * tf.cast(variable.value, tf.float32))

    def copy_from(self, network: keras.Model) -> None:
        """Begin again at the network's present variables."""
        for average, variable in zip(self.averages, network.variables, strict=True):
            average.assign(variable.value)

    def copy_to(self, network: keras.Model) -> None:
        """Give the averages to a network."""
        network.set_weights([average.numpy() for average in self.averages])


class KeptCheckpoints:
    """The newest and the best checkpoint of a run.

    Args:
        writes: Whether this process is the one that writes the run's folder. Saving is a joint act of all workers; the
            others write theirs to a folder of their own.
    """

    def __init__(self, run: Path, checkpoint: tf.train.Checkpoint, *, writes: bool = True, worker: int = 0) -> None:
        self.run, self._checkpoint, self._writes = run, checkpoint, writes
        own = run if writes else run / f".worker-{worker}"
        self._newest = tf.train.CheckpointManager(checkpoint, str(own / "checkpoints"), max_to_keep=3)

    @property
    def latest(self) -> str | None:
        """Path of the newest checkpoint."""
        latest: str | None = tf.train.latest_checkpoint(str(self.run / "checkpoints"))
        return latest

    def restore(self) -> None:
        """Take over the newest checkpoint, if there is one.

        Raises:
            AssertionError: it lacks a variable, or holds one too many.
        """
        if self.latest:
            self._checkpoint.restore(self.latest).assert_consumed()

    def save(self, step: int) -> None:
        """Keep the present state as the newest."""
        self._newest.save(checkpoint_number=step)

    def keep_if_best(self, step: int, scores: dict[str, float]) -> None:
        """Copy the newest checkpoint to `best/` if its "psnr_db" is higher than any before."""
        path = self.run / BEST_NAME
        if not self._writes or (path.is_file() and _read_json(path)["psnr_db"] >= scores["psnr_db"]):
            return
        newest, best = Path(self._newest.latest_checkpoint), self.run / "best"
        best.mkdir(exist_ok=True)
        outdated = list(best.iterdir())
        for file in newest.parent.glob(f"{newest.name}.*"):
            shutil.copy2(file, best / file.name)
        write_json({"checkpoint": newest.name, "step": step, **scores}, path)
        for file in outdated:
            if not file.name.startswith(f"{newest.name}."):
                file.unlink()


def load_trained(run: Path, *, best: bool = False) -> tuple[keras.Model, TrainingConfig, Progress]:
    """Load the network of a run's newest (or best) checkpoint in float32: its running average where the run kept one.

    Raises:
        FileNotFoundError: the run holds no checkpoint.
    """
    config = load_config(run / "config.json")
    kept = _best_checkpoint(run) if best else tf.train.latest_checkpoint(str(run / "checkpoints"))
    if kept is None:
        raise FileNotFoundError(
            f"{run} holds no {'best' if best else 'newest'} checkpoint: train first, or give the folder of a run"
        )
    network, counters = build_glassnet(config.network), Counters()
    objects: dict[str, Any] = {"network": network, "counters": counters}
    if config.ema_decay is not None:
        objects["average"] = WeightAverage(network, config.ema_decay)
    checkpoint = tf.train.Checkpoint(**objects)
    checkpoint.restore(kept).expect_partial().assert_existing_objects_matched()
    if config.ema_decay is not None:
        objects["average"].copy_to(network)
    return network, config, counters.progress


def read_history(run: Path, *, best: bool = False) -> list[dict[str, Any]]:
    """List the runs behind a run's weights, oldest first and itself last.

    Each has config, stage, steps, samples and hours. A guided one also has the weights of its tasks, one of stage B its
    critics, and both the record of the feature network. An earlier one that was published as a mean with what it
    started from has the SHA-256 of that in "mean_with".
    """
    path = run / HISTORY_NAME
    earlier: list[dict[str, Any]] = _read_json(path) if path.is_file() else []
    _, config, progress = load_trained(run, best=best)
    own: dict[str, Any] = {
        "config": config.name,
        "stage": "b" if config.stage_b else "a",
        "steps": progress.steps,
        "samples": progress.samples,
        "hours": progress.seconds / 3600,
    }
    if config.stage_b:
        own["critics"] = list(config.critics.n_layers) if config.critics else None
    if config.guidance:
        own["guidance"] = {task: getattr(config.guidance, task) for task in TASKS}
    if config.stage_b or config.guidance:
        perceptual = run / PERCEPTUAL_NAME
        own["perceptual"] = _read_json(perceptual) if perceptual.is_file() else None
    return [*earlier, own]


def _best_checkpoint(run: Path) -> str | None:
    record = run / BEST_NAME
    return str(run / "best" / _read_json(record)["checkpoint"]) if record.is_file() else None


def _read_json(path: Path) -> Any:
    return json.loads(path.read_text(encoding="utf-8"))


def write_json(record: Any, path: Path) -> None:
    """Write a record so that readers see the old file or the new one, never half of it."""
    write_text(json.dumps(record, indent=2) + "\n", path)


def write_text(text: str, path: Path) -> None:
    """Write a text as `write_json` does."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text, encoding="utf-8")
    beside.replace(path)
