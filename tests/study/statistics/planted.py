"""Studies with a planted truth, and a check that results hold no NaN."""

import math
from dataclasses import fields, is_dataclass

import numpy as np

from study.statistics import Comparisons, Ratings


def full_ratings(values, *, repeat=None):
    """Ratings from [raters, scenes, methods], NaN where no vote was cast."""
    values = np.asarray(values, dtype=float)
    rater, scene, method = np.nonzero(~np.isnan(values))
    return Ratings(
        raters=tuple(f"r{i}" for i in range(values.shape[0])),
        scenes=tuple(f"s{i}" for i in range(values.shape[1])),
        methods=tuple(f"m{i}" for i in range(values.shape[2])),
        rater=rater,
        scene=scene,
        method=method,
        value=values[rater, scene, method],
        repeat=np.zeros(rater.size, dtype=bool) if repeat is None else repeat,
    )


def ratings_that_bt500_turns_round():
    """29 raters put m1 above m0 by a little; one who swings from end to end turns the plain means round."""
    values = np.zeros((30, 12, 2))
    values[:29, :, 0], values[:29, :, 1] = 2.0, 2.2
    values[:29] += np.resize([-0.5, 0.0, 0.5], (29, 12))[:, :, None]
    values[29, :, 0], values[29, :, 1] = np.resize([30.0, -20.0], 12), np.resize([-30.0, 20.0], 12)
    return full_ratings(values)


def chained_ratings(rng, *, raters=30):
    """Every rater rates two scenes, one of them shared with the next rater: biases add up along the chain."""
    values = np.full((raters, raters + 1, 1), np.nan)
    for rater in range(raters):
        values[rater, rater : rater + 2, 0] = rng.integers(0, 6, 2)
    return full_ratings(values)


def planted_comparisons(rng, quality, *, n, raters=20, tie=0.0, left=0.0, clumsy=0.0, probability=None):
    """Comparisons by Davidson's model of logits `quality`, tie parameter `tie`, logit `left` towards the left side.

    `clumsy` is the standard deviation of the raters' own opinions on each method.
    """
    m = len(quality)
    rater, first = rng.integers(0, raters, n), rng.integers(0, m, n)
    second = (first + rng.integers(1, m, n)) % m
    own = np.asarray(quality) + rng.normal(0, clumsy, (raters, m))
    gap = (own[rater, first] - own[rater, second] + left) / 2
    weights = np.column_stack([np.exp(gap), np.exp(-gap), np.full(n, tie)])
    if probability is not None:
        share = probability(2 * gap)
        weights = np.column_stack([share, 1 - share, np.zeros(n)])
    draw = rng.random(n)[:, None] > np.cumsum(weights / weights.sum(axis=1, keepdims=True), axis=1)
    outcome = np.array([1, -1, 0])[np.minimum(draw.sum(axis=1), 2)]
    names = tuple(f"m{i}" for i in range(m))
    return Comparisons(
        tuple(f"r{i}" for i in range(raters)), ("s",), names, rater, np.zeros(n, int), first, second, outcome,
        np.zeros(n, dtype=bool),
    )  # fmt: skip


def has_nan(result):
    """Whether a number anywhere inside a result is NaN or infinite; votes themselves are not looked at."""
    if isinstance(result, Ratings | Comparisons):
        return False
    if is_dataclass(result):
        return any(has_nan(getattr(result, field.name)) for field in fields(result))
    if isinstance(result, dict):
        return any(has_nan(value) for value in result.values())
    if isinstance(result, tuple | list):
        return any(has_nan(value) for value in result)
    if isinstance(result, np.ndarray):
        return not np.isfinite(result).all()
    return isinstance(result, float) and not math.isfinite(result)
