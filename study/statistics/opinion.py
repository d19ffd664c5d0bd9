"""Mean opinion scores: the mean of ratings and how far it may be from what all raters would say."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from study.statistics.data import Ratings
from study.statistics.intervals import (
    BOOTSTRAP_RESAMPLES,
    METHOD_TEXTS,
    Interval,
    IntervalKind,
    bca_interval,
    bca_text,
    check_confidence,
    no_spread,
)


@dataclass(frozen=True)
class MeanOpinionScore:
    """A mean of `n` ratings. What does not exist for one rating or for equal ratings is None; `message` says why."""

    mean: float
    n: int
    confidence: float
    standard_deviation: float | None
    half_width: float | None
    message: str | None = None

    @property
    def low(self) -> float | None:
        """Lower end of the interval; it may leave the scale and is not clipped."""
        return None if self.half_width is None else self.mean - self.half_width

    @property
    def high(self) -> float | None:
        """Upper end of the interval; it may leave the scale and is not clipped."""
        return None if self.half_width is None else self.mean + self.half_width


@dataclass(frozen=True)
class StimulusScore:
    """MOS of one method on one scene; None and a message in the interval where there are no votes."""

    scene: str
    method: str
    mos: float | None
    sd: float | None
    n_votes: int
    interval: Interval


def mean_opinion_score(values: Sequence[float] | np.ndarray, *, confidence: float = 0.95) -> MeanOpinionScore:
    """Average ratings with the t interval of ITU-T P.1401: mean ± t · S / √N,

    t the quantile (.975 for 95 %) with N - 1 degrees of freedom, S with N - 1 in its denominator. Ratings are taken
    as independent; raters and scenes that repeat make the true uncertainty of a method's mean larger than this.

    Args:
        values: Ratings, [N], N at least 1.
        confidence: Between 0 and 1, exclusive.
    Raises:
        ValueError: no ratings, ratings that are not finite or not one list, or a confidence outside (0, 1).
    """
    ratings = np.asarray(values, dtype=np.float64)
    if ratings.ndim != 1 or ratings.size == 0:
        raise ValueError(f"values must be a list of at least one rating, got shape {ratings.shape}")
    if not np.isfinite(ratings).all():
        raise ValueError("values must be finite")
    check_confidence(confidence)
    n = ratings.size
    mean = float(ratings.mean())
    deviation = float(ratings.std(ddof=1)) if n > 1 else None
    message = no_spread(n, deviation or 0.0)
    if deviation is None or message:
        return MeanOpinionScore(mean, n, confidence, deviation, half_width=None, message=message)
    quantile = float(stats.t.ppf((1 + confidence) / 2, n - 1))
    return MeanOpinionScore(mean, n, confidence, deviation, quantile * deviation / math.sqrt(n))


def stimulus_scores(
    ratings: Ratings,
    *,
    kind: IntervalKind = "t",
    confidence: float = 0.95,
    seed: int = 0,
    resamples: int = BOOTSTRAP_RESAMPLES,
) -> tuple[StimulusScore, ...]:
    """MOS of every stimulus in the order of its code (all methods of the first scene first).

    The votes on one stimulus come from different raters and count as independent; pass `ratings.first_votes()` where
    raters met stimuli twice. The cost is one pass over the votes, except for the bootstrap.

    Args:
        kind: "t" (ITU-T P.1401), "z" (1.96 for 95 %) or "bca" (bootstrap).
        confidence: Between 0 and 1, exclusive.
        seed, resamples: Of every stimulus's bootstrap.
    """
    check_confidence(confidence)
    text = bca_text(resamples) if kind == "bca" else METHOD_TEXTS[kind]
    counts, means, deviations = _moments(ratings)
    half_widths = _half_widths(counts, deviations, kind=kind, confidence=confidence)
    scores = []
    for code, (n, mean, deviation) in enumerate(zip(counts.tolist(), means.tolist(), deviations.tolist(), strict=True)):
        scene, method = ratings.stimulus_name(code)
        message = no_spread(n, deviation)
        if message:
            interval = Interval(None, None, confidence, text, message)
        elif kind == "bca":
            values = ratings.value[ratings.stimulus == code]
            interval = bca_interval(values, confidence=confidence, seed=seed, resamples=resamples)
        else:
            interval = Interval.around(mean, float(half_widths[code]), confidence=confidence, method=text)
        mos, sd = (mean if n else None), (deviation if n > 1 else None)
        scores.append(StimulusScore(scene, method, mos, sd, n, interval))
    return tuple(scores)


def stimulus_means(ratings: Ratings) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Votes and MOS per stimulus, [stimuli]; the MOS of a stimulus without votes is NaN, for arithmetic only."""
    counts = np.bincount(ratings.stimulus, minlength=ratings.n_stimuli)
    sums = np.bincount(ratings.stimulus, ratings.value, ratings.n_stimuli)
    return counts, np.divide(sums, counts, out=np.full(counts.size, np.nan), where=counts > 0)


def _moments(ratings: Ratings) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
    """Votes, mean and sample deviation (N - 1; 0 below two votes) per stimulus."""
    counts, means = stimulus_means(ratings)
    residuals = ratings.value - means[ratings.stimulus]
    squares = np.bincount(ratings.stimulus, residuals**2, ratings.n_stimuli)
    return counts, np.nan_to_num(means), np.sqrt(squares / np.maximum(counts - 1, 1))


def _half_widths(
    counts: NDArray[np.int64], deviations: NDArray[np.float64], *, kind: IntervalKind, confidence: float
) -> NDArray[np.float64]:
    """Quantile · S / √N per stimulus; meaningless, and not used, below two votes."""
    upper = (1 + confidence) / 2
    quantiles = stats.t.ppf(upper, np.maximum(counts - 1, 1)) if kind == "t" else stats.norm.ppf(upper)
    return np.asarray(quantiles * deviations / np.sqrt(np.maximum(counts, 1)), dtype=np.float64)
