"""Mean opinion scores: the mean of ratings and how far it may be from what all raters would say."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class MeanOpinionScore:
    """A mean of `n` ratings. `half_width` and the sample deviation are None for one rating: they do not exist."""

    mean: float
    n: int
    confidence: float
    standard_deviation: float | None
    half_width: float | None

    @property
    def low(self) -> float | None:
        """Lower end of the interval; it may leave the scale and is not clipped."""
        return None if self.half_width is None else self.mean - self.half_width

    @property
    def high(self) -> float | None:
        """Upper end of the interval; it may leave the scale and is not clipped."""
        return None if self.half_width is None else self.mean + self.half_width


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
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, got {confidence}")
    n = ratings.size
    mean = float(ratings.mean())
    if n == 1:
        return MeanOpinionScore(mean, n, confidence, standard_deviation=None, half_width=None)
    deviation = float(ratings.std(ddof=1))
    quantile = float(stats.t.ppf((1 + confidence) / 2, n - 1))
    return MeanOpinionScore(mean, n, confidence, deviation, quantile * deviation / math.sqrt(n))
