"""Plans tried out: whole studies drawn from the model of `planning`, each analysed as a real one would be."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from study.statistics.planning import Spread, check_plan
from study.statistics.two_way import two_way_score


@dataclass(frozen=True)
class SimulatedPlan:
    """What simulated studies of a plan gave, as shares of `studies`.

    `coverage`: the two-way interval holds the true mean. `reached`: its half-width is at most the wanted one.
    `detected`: it excludes 0, the power where differences of two methods are simulated.
    """

    studies: int
    mean_half_width: float
    coverage: float
    reached: float | None
    detected: float


def simulate_plan(
    spread: Spread,
    *,
    mean: float,
    raters: int,
    scenes: int,
    repeats: int = 1,
    half_width: float | None = None,
    scale: tuple[int, int] | None = None,
    missing: float = 0.0,
    studies: int = 500,
    seed: int = 0,
    confidence: float = 0.95,
) -> SimulatedPlan:
    """Draw whole studies from the model and take the two-way interval of each.

    Args:
        mean: True MOS, or true difference of two methods.
        scale: Round votes to whole numbers and clip them to these ends, as raters must; None leaves them as drawn.
        missing: Share of votes that raters leave out, at random.
    """
    check_plan(raters, scenes, repeats)
    rng = np.random.default_rng(seed)
    truth = mean if scale is None else _rounded_mean(mean, math.sqrt(spread.total), scale)
    widths, covered, detected = [], 0, 0
    for _ in range(studies):
        shape = (raters, scenes, repeats)
        rater, scene, value = _study(rng, spread, mean=mean, shape=shape, scale=scale, missing=missing)
        interval = two_way_score("", rater, scene, value, confidence=confidence).two_way
        if interval.low is None or interval.high is None:
            continue
        widths.append((interval.high - interval.low) / 2)
        covered += interval.low <= truth <= interval.high
        detected += not interval.low <= 0 <= interval.high
    if not widths:
        raise ValueError("no simulated study has an interval: take more raters, scenes or votes")
    return SimulatedPlan(
        studies=studies,
        mean_half_width=float(np.mean(widths)),
        coverage=covered / studies,
        reached=None if half_width is None else float(np.sum(np.array(widths) <= half_width)) / studies,
        detected=detected / studies,
    )


def _study(
    rng: np.random.Generator,
    spread: Spread,
    *,
    mean: float,
    shape: tuple[int, int, int],
    scale: tuple[int, int] | None,
    missing: float,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Rater, scene and value of every vote of one simulated study."""
    raters, scenes, _ = shape
    value = mean + rng.normal(0, math.sqrt(spread.vote), shape)
    value += rng.normal(0, math.sqrt(spread.rater), (raters, 1, 1)) + rng.normal(
        0, math.sqrt(spread.scene), (scenes, 1)
    )
    value += rng.normal(0, math.sqrt(spread.cell), (raters, scenes, 1))
    if scale is not None:
        value = np.clip(np.round(value), *scale)
    rater, scene, repeat = np.nonzero(rng.random(shape) >= missing)
    return rater, scene, value[rater, scene, repeat]


def _rounded_mean(mean: float, deviation: float, scale: tuple[int, int]) -> float:
    """Mean of a normal vote rounded to whole numbers and clipped to the scale."""
    low, high = scale
    borders = np.arange(low, high) + 0.5
    return low + float(stats.norm.sf(borders, mean, deviation).sum())
