"""Means over images with their uncertainty, by the percentile bootstrap (Efron & Tibshirani 1993, ch. 13)."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

RESAMPLES = 2000


@dataclass(frozen=True)
class Estimate:
    """A mean over `images` images with its 95 % interval."""

    mean: float
    low: float
    high: float
    images: int

    def format(self, digits: int) -> str:
        """Write mean and interval with so many digits after the point."""
        return f"{self.mean:.{digits}f} [{self.low:.{digits}f}, {self.high:.{digits}f}]"


def bootstrap_mean(values: Sequence[float], *, seed: int, resamples: int = RESAMPLES) -> Estimate:
    """Mean with a 95 % percentile-bootstrap interval over images; infinite PSNRs (equal images) are refused.

    Raises:
        ValueError: there is no value, or one is not finite.
    """
    sample = np.asarray(values, np.float64)
    if not sample.size:
        raise ValueError("there is no score to average")
    if not np.isfinite(sample).all():
        raise ValueError("a score is infinite or no number: an image equals its ground truth, so its PSNR has no mean")
    draws = _draws(len(sample), seed=seed, resamples=resamples)
    return _estimate(float(sample.mean()), sample[draws].mean(axis=1), images=len(sample))


def bootstrap_gap_closed(
    unprocessed: Sequence[float],
    method: Sequence[float],
    oracle: Sequence[float],
    *,
    seed: int,
    resamples: int = RESAMPLES,
) -> Estimate:
    """Share of the way from the unprocessed photo's mean distance to the oracle's that a method goes; 1 is all of it.

    Args:
        unprocessed, method, oracle: Distances of the same images, in one order.
    """
    start, reached, end = (np.asarray(values, np.float64) for values in (unprocessed, method, oracle))
    draws = _draws(len(start), seed=seed, resamples=resamples)
    resampled = [values[draws].mean(axis=1) for values in (start, reached, end)]
    share = (start.mean() - reached.mean()) / (start.mean() - end.mean())
    return _estimate(float(share), (resampled[0] - resampled[1]) / (resampled[0] - resampled[2]), images=len(start))


def _draws(count: int, *, seed: int, resamples: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng(seed).integers(count, size=(resamples, count))


def _estimate(mean: float, resampled: npt.NDArray[np.float64], *, images: int) -> Estimate:
    low, high = np.percentile(resampled, [2.5, 97.5])
    return Estimate(mean, float(low), float(high), images)
