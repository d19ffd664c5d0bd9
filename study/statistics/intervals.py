"""Confidence intervals of a mean from independent values: Student's t, normal and BCa bootstrap.

An interval may leave the scale and is never clipped here. Where one does not exist its ends are None and `message`
says why: one value has no spread, and equal values give a width of zero, which is no statement about other raters.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

IntervalKind = Literal["t", "z", "bca"]
BOOTSTRAP_RESAMPLES = 2000
_NO_DEVIATION = 1e-12  # equal votes minus a rater's bias differ by rounding only


def bca_text(resamples: int) -> str:
    """How tables name the bootstrap interval."""
    return f"BCa bootstrap, {resamples} resamples of the votes"


METHOD_TEXTS: dict[IntervalKind, str] = {
    "t": "t interval, N - 1 degrees of freedom, votes taken as independent (ITU-T P.1401)",
    "z": "normal interval, votes taken as independent",
    "bca": bca_text(BOOTSTRAP_RESAMPLES),
}


@dataclass(frozen=True)
class Interval:
    """A confidence interval; both ends are None where it does not exist, and `message` then says why."""

    low: float | None
    high: float | None
    confidence: float
    method: str
    message: str | None = None

    @property
    def half_width(self) -> float | None:
        """Half the interval's length."""
        return None if self.low is None or self.high is None else (self.high - self.low) / 2

    @classmethod
    def around(cls, centre: float, half_width: float, *, confidence: float, method: str) -> "Interval":
        """The symmetric interval centre ± half_width."""
        return cls(centre - half_width, centre + half_width, confidence, method)


def check_confidence(confidence: float) -> None:
    """Refuse what is no proportion between 0 and 1, exclusive."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1, got {confidence}")


def no_spread(n: int, deviation: float) -> str | None:
    """Why `n` values with this sample deviation have no interval, or None where they have one."""
    if n == 0:
        return "no votes"
    if n == 1:
        return "one vote: no interval"
    return f"all {n} votes are equal: no spread to take an interval from" if deviation < _NO_DEVIATION else None


def t_interval(values: Sequence[float] | NDArray[np.float64], *, confidence: float = 0.95) -> Interval:
    """mean ± t((1 + confidence) / 2, N - 1) · S / √N, S with N - 1 in its denominator (ITU-T P.1401)."""
    return _symmetric(values, confidence=confidence, kind="t")


def z_interval(values: Sequence[float] | NDArray[np.float64], *, confidence: float = 0.95) -> Interval:
    """mean ± z((1 + confidence) / 2) · S / √N, z = 1.96 for 95 %, S with N - 1 in its denominator."""
    return _symmetric(values, confidence=confidence, kind="z")


def bca_interval(
    values: Sequence[float] | NDArray[np.float64],
    *,
    confidence: float = 0.95,
    seed: int = 0,
    resamples: int = BOOTSTRAP_RESAMPLES,
) -> Interval:
    """Bias-corrected and accelerated bootstrap of the mean (Efron 1987), resampling the values; it cannot leave them.

    Bias z₀ = Φ⁻¹(share of resampled means below the mean, ties half), acceleration a = Σd³ / 6(Σd²)^1.5 with d the
    jackknife's deviations, ends at the quantiles Φ(z₀ + (z₀ ± z) / (1 - a(z₀ ± z))).
    """
    check_confidence(confidence)
    data = _one_list(values)
    text = bca_text(resamples)
    message = no_spread(data.size, float(np.ptp(data)) if data.size else 0.0)
    if message:
        return Interval(None, None, confidence, text, message)
    draws = np.random.default_rng(seed).integers(0, data.size, (resamples, data.size))
    means = data[draws].mean(axis=1)
    below = ((means < data.mean()).mean() + (means <= data.mean()).mean()) / 2
    bias = float(stats.norm.ppf(np.clip(below, 1 / resamples, 1 - 1 / resamples)))
    jackknife = (data.mean() - data) / (data.size - 1)
    deviations = jackknife.mean() - jackknife
    acceleration = float((deviations**3).sum() / (6 * (deviations**2).sum() ** 1.5))
    ends = bias + stats.norm.ppf([(1 - confidence) / 2, (1 + confidence) / 2])
    low, high = np.quantile(means, stats.norm.cdf(bias + ends / (1 - acceleration * ends)))
    return Interval(float(low), float(high), confidence, text)


def _symmetric(values: Sequence[float] | NDArray[np.float64], *, confidence: float, kind: IntervalKind) -> Interval:
    """The t or normal interval of one list of values."""
    check_confidence(confidence)
    data = _one_list(values)
    deviation = float(data.std(ddof=1)) if data.size > 1 else 0.0
    message = no_spread(data.size, deviation)
    if message:
        return Interval(None, None, confidence, METHOD_TEXTS[kind], message)
    upper = (1 + confidence) / 2
    quantile = stats.t.ppf(upper, data.size - 1) if kind == "t" else stats.norm.ppf(upper)
    half_width = float(quantile) * deviation / math.sqrt(data.size)
    return Interval.around(float(data.mean()), half_width, confidence=confidence, method=METHOD_TEXTS[kind])


def _one_list(values: Sequence[float] | NDArray[np.float64]) -> NDArray[np.float64]:
    """Values as finite float64, [N]."""
    data = np.asarray(values, dtype=np.float64)
    if data.ndim != 1:
        raise ValueError(f"values must be one list, got shape {data.shape}")
    if not np.isfinite(data).all():
        raise ValueError("values must be finite")
    return data
