"""Watching a run: the per-step log of its losses, and the guard that stops it when they leave all bounds."""

import csv
import math
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Self

from bggan_core.configs import TrainingConfig
from bggan_core.critics import receptive_field

# Steps an explosion is measured against, and the fewest that say what is usual.
WINDOW_STEPS, FEWEST_STEPS = 100, 20

# A healthy critic's penalty is below 1: its slope differs from 1 by less than 1.
LARGEST_PENALTY = 1e4

# The log's name in a run's folder.
LOSSES_NAME = "losses.csv"


class TrainingDivergedError(RuntimeError):
    """The loss is no longer a number, or explodes; the message names step, configuration and last good checkpoint."""


class LossGuard:
    """Says when a step's terms have left all bounds.

    Args:
        factor: An L1 this many times the median of the steps before is an explosion.
    """

    def __init__(self, factor: float) -> None:
        self.factor = factor
        self._recent: deque[float] = deque(maxlen=WINDOW_STEPS)

    def check(self, terms: Mapping[str, float]) -> str | None:
        """Take in one step's terms; name the fault, if there is one."""
        for name, value in terms.items():
            if not math.isfinite(value):
                return f"{name} is {value}"
            if name.startswith("penalty_") and value > LARGEST_PENALTY:
                return f"{name} is {value:.3g}, above {LARGEST_PENALTY:.0e}: the critic explodes"
        usual = median(self._recent) if len(self._recent) >= FEWEST_STEPS else math.inf
        self._recent.append(terms["l1"])
        if terms["l1"] > self.factor * usual:
            return f"l1 is {terms['l1']:.3g}, more than {self.factor:g} times the usual {usual:.3g}"
        return None


class LossLog:
    """A run's `losses.csv`: one row a step, without those of steps after `up_to`, which will be run again."""

    def __init__(self, path: Path, *, columns: tuple[str, ...], up_to: int) -> None:
        kept = []
        if path.is_file():
            with path.open(newline="", encoding="utf-8") as file:
                kept = [row for row in csv.DictReader(file) if row["step"] and int(row["step"]) <= up_to]
        # A line at a time, so that a killed run loses none.
        self._file = path.open("w", newline="", encoding="utf-8", buffering=1)
        self._writer = csv.DictWriter(self._file, columns, extrasaction="ignore", lineterminator="\n")
        self._writer.writeheader()
        self._writer.writerows(kept)

    def write(self, step: int, terms: Mapping[str, float]) -> None:
        """Add the row of one step."""
        self._writer.writerow({"step": step, **terms})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def loss_columns(config: TrainingConfig) -> tuple[str, ...]:
    """Name what a stage logs: the terms, then the critics' gaps and penalties, then norms and rate."""
    columns = ["step", "total", "l1", "ssim", "rough_l1"]
    if config.guidance:
        columns += config.guidance.logged_losses
    if config.stage_b and config.stage_b.weights.perceptual:
        columns.append("perceptual")
    if config.critics:
        fields = [receptive_field(n_layers) for n_layers in config.critics.n_layers]
        columns.append("adversarial")
        columns += [f"{term}_{field}" for field in fields for term in ("gap", "penalty")]
        columns.append("critic_gradient_norm")
    return (*columns, "gradient_norm", "learning_rate")
