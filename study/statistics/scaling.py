"""From comparisons to a scale of methods, and how far it may move with other raters (cluster bootstrap)."""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from study.statistics.bradley_terry import bradley_terry
from study.statistics.data import Comparisons, summed
from study.statistics.davidson import davidson
from study.statistics.errors import NotConverged
from study.statistics.existence import Matrix, tie_matrix, win_matrix
from study.statistics.intervals import Interval, check_confidence
from study.statistics.pairwise_scale import PairwiseScale, ScoreDifference
from study.statistics.thurstone import thurstone

PairwiseModel = Literal["bradley_terry", "davidson", "thurstone"]


@dataclass(frozen=True, eq=False)
class BootstrappedScale:
    """A scale with intervals over resampled raters.

    `n_missing` of `resamples` determined no scale; the intervals rest on the others, and `message` says so.
    """

    scale: PairwiseScale
    intervals: tuple[Interval, ...]
    differences: tuple[ScoreDifference, ...]
    n_raters: int
    resamples: int
    n_missing: int
    message: str | None


def scale_of(
    comparisons: Comparisons, *, model: PairwiseModel = "davidson", prior: float = 0.0, confidence: float = 0.95
) -> PairwiseScale:
    """Scale the methods from all comparisons given, sides and scenes pooled.

    Davidson models ties. Bradley-Terry and Thurstone know none and leave them out, which `model` then says: under
    Davidson's model the decided votes follow Bradley-Terry exactly, while half a win each would pull scores together.
    """
    wins, ties = win_matrix(comparisons), tie_matrix(comparisons)
    scale = _fit(wins, ties, names=comparisons.methods, model=model, prior=prior, confidence=confidence)
    left_out = int(ties.sum() / 2)
    if model == "davidson" or left_out == 0:
        return scale
    if scale.message is not None and not wins.any():
        scale = replace(scale, message="no scale: all comparisons are ties")
    return replace(scale, model=f"{scale.model}, {left_out} ties left out")


def bootstrap_scale(
    comparisons: Comparisons,
    *,
    model: PairwiseModel = "davidson",
    prior: float = 0.0,
    resamples: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> BootstrappedScale:
    """Draw raters with all their votes anew, fit again, and take percentile intervals of scores and differences."""
    check_confidence(confidence)
    scale = scale_of(comparisons, model=model, prior=prior, confidence=confidence)
    wins, ties = _matrices_per_rater(comparisons)
    n_raters = len(wins)
    message = scale.message if not scale.exists else ("one rater: no interval" if n_raters < 2 else None)
    if message:
        return _without_intervals(scale, n_raters=n_raters, resamples=0, n_missing=0, message=message)
    draws = _resampled_scores(wins, ties, scale, model=model, resamples=resamples, seed=seed)
    n_missing = resamples - len(draws)
    if len(draws) < resamples / 2:
        message = f"{n_missing} of {resamples} resamples determine no scale: too few for intervals"
        return _without_intervals(scale, n_raters=n_raters, resamples=resamples, n_missing=n_missing, message=message)
    note = f"{n_missing} of {resamples} resamples determine no scale; the intervals rest on the others"
    text = f"percentile bootstrap over {n_raters} raters, {resamples} resamples, {n_missing} without a scale"
    pairs = scale.differences()
    codes = {name: code for code, name in enumerate(scale.names)}
    gaps = [draws[:, codes[pair.first]] - draws[:, codes[pair.second]] for pair in pairs]
    return BootstrappedScale(
        scale=scale,
        intervals=tuple(_percentiles(column, confidence, text) for column in draws.T),
        differences=tuple(
            replace(pair, standard_error=float(gap.std(ddof=1)), interval=_percentiles(gap, confidence, text))
            for pair, gap in zip(pairs, gaps, strict=True)
        ),
        n_raters=n_raters,
        resamples=resamples,
        n_missing=n_missing,
        message=note if n_missing else None,
    )


def _fit(
    wins: Matrix, ties: Matrix, *, names: tuple[str, ...], model: PairwiseModel, prior: float, confidence: float
) -> PairwiseScale:
    """Fit the model by name."""
    if model == "davidson":
        return davidson(wins, ties, names=names, prior=prior, confidence=confidence)
    if model == "bradley_terry":
        return bradley_terry(wins, names=names, prior=prior, confidence=confidence)
    if model == "thurstone":
        return thurstone(wins, names=names, prior=prior, confidence=confidence)
    raise ValueError(f"model must be 'bradley_terry', 'davidson' or 'thurstone', got {model!r}")


def _matrices_per_rater(comparisons: Comparisons) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Wins and ties of every rater with votes, [raters, methods, methods] each."""
    size = len(comparisons.methods)
    voters, rater = np.unique(comparisons.rater, return_inverse=True)
    left_won = comparisons.outcome >= 0
    winner = np.where(left_won, comparisons.left, comparisons.right)
    loser = np.where(left_won, comparisons.right, comparisons.left)
    cell = (rater * size + winner) * size + loser
    tied = comparisons.outcome == 0
    shape = (len(voters), size, size)
    wins = summed(cell, (~tied).astype(np.float64), int(np.prod(shape))).reshape(shape)
    ties = summed(cell, tied.astype(np.float64), int(np.prod(shape))).reshape(shape)
    return wins, ties + ties.transpose(0, 2, 1)


def _resampled_scores(
    wins: NDArray[np.float64],
    ties: NDArray[np.float64],
    scale: PairwiseScale,
    *,
    model: PairwiseModel,
    resamples: int,
    seed: int,
) -> NDArray[np.float64]:
    """Scores of the resamples that determine a scale, [existing, methods]."""
    n_raters, size = wins.shape[:2]
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(n_raters, np.full(n_raters, 1 / n_raters), size=resamples).astype(np.float64)
    all_wins, all_ties = (
        (drawn @ votes.reshape(n_raters, -1)).reshape(resamples, size, size) for votes in (wins, ties)
    )
    scores = []
    for one_wins, one_ties in zip(all_wins, all_ties, strict=True):
        try:
            fit = _fit(one_wins, one_ties, names=scale.names, model=model, prior=scale.prior, confidence=0.95)
        except NotConverged:  # counted with the resamples that determine no scale
            continue
        if fit.exists:
            scores.append(fit.scores)
    return np.array(scores, dtype=np.float64).reshape(-1, size)


def _percentiles(draws: NDArray[np.float64], confidence: float, text: str) -> Interval:
    """The interval between the outer percentiles of resampled values."""
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(float(low), float(high), confidence, text)


def _without_intervals(
    scale: PairwiseScale, *, n_raters: int, resamples: int, n_missing: int, message: str
) -> BootstrappedScale:
    """The scale alone, every interval with the reason for its absence."""
    nothing = Interval(None, None, scale.confidence, "percentile bootstrap over raters", message)
    differences = tuple(replace(pair, interval=nothing) for pair in scale.differences())
    return BootstrappedScale(scale, (nothing,) * len(scale.names), differences, n_raters, resamples, n_missing, message)
