"""Intraclass correlations of raters (Shrout & Fleiss 1979), with the intervals of McGraw & Wong (1996).

With n targets, k raters and the mean squares BMS (targets), JMS (raters), EMS (residual), WMS (within targets):

    ICC(1,1) = (BMS - WMS)/(BMS + (k-1) WMS)                          ICC(1,k) = (BMS - WMS)/BMS
    ICC(2,1) = (BMS - EMS)/(BMS + (k-1) EMS + k (JMS - EMS)/n)        ICC(2,k) = (BMS - EMS)/(BMS + (JMS - EMS)/n)
    ICC(3,1) = (BMS - EMS)/(BMS + (k-1) EMS)                          ICC(3,k) = (BMS - EMS)/BMS

The two-way random case, ICC(2,·), is the study's: raters are a sample. With votes missing the variance components are
estimated from what there is (Henderson's method I), ICC(2,1) = v_t/(v_t + v_r + v_e) and ICC(2,k) =
v_t/(v_t + (v_r + v_e)/k), k the mean number of votes per target, with a jackknife interval over raters; on complete
tables both ways agree unless a component is negative.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from study.statistics.agreement import Agreement
from study.statistics.data import Ratings
from study.statistics.intervals import Interval, check_confidence
from study.statistics.opinion import stimulus_means
from study.statistics.two_way import variance_components

_EXACT_TEXT = "F interval (McGraw & Wong 1996)"
_MAXIMUM_GROUPS = 30
_ROUNDING = 1e-12
_JACKKNIFE_TEXT = f"jackknife over raters (in at most {_MAXIMUM_GROUPS} groups) on artanh; votes are missing"


def intraclass_table(table: Any) -> Mapping[str, float]:
    """All six coefficients of Shrout & Fleiss from a complete table, [targets, raters].

    Raises:
        ValueError: fewer than two targets or raters, missing values, or no variation between targets.
    """
    n, k, (between, within, judges, rest) = _mean_squares(_complete(table))
    return {
        "ICC(1,1)": (between - within) / (between + (k - 1) * within),
        "ICC(2,1)": (between - rest) / (between + (k - 1) * rest + k * (judges - rest) / n),
        "ICC(3,1)": (between - rest) / (between + (k - 1) * rest),
        "ICC(1,k)": (between - within) / between,
        "ICC(2,k)": (between - rest) / (between + (judges - rest) / n),
        "ICC(3,k)": (between - rest) / between,
    }


def intraclass_correlations(ratings: Ratings, *, confidence: float = 0.95) -> tuple[Agreement, Agreement]:
    """ICC(2,1), one rater's reliability, and ICC(2,k), that of the MOS, over the rated stimuli as targets.

    Pass `ratings.first_votes()`: a repeat is no second rater.
    """
    check_confidence(confidence)
    raters, rater = np.unique(ratings.rater, return_inverse=True)
    targets, target = np.unique(ratings.stimulus, return_inverse=True)
    counts = len(raters), len(targets), ratings.n
    message = _missing_message(ratings, len(raters), len(targets))
    if message:
        nothing = Interval(None, None, confidence, _EXACT_TEXT, message)
        single, mean = (Agreement(name, None, nothing, *counts, message) for name in ("ICC(2,1)", "ICC(2,k)"))
        return single, mean
    table = np.full((len(targets), len(raters)), np.nan)
    table[target, rater] = ratings.value
    if ratings.n == table.size and not np.isnan(table).any():
        values = intraclass_table(table)
        intervals = _exact_intervals(table, confidence)
        single, mean = (
            Agreement(name, values[name], interval, *counts, None)
            for name, interval in zip(("ICC(2,1)", "ICC(2,k)"), intervals, strict=True)
        )
        return single, mean
    return _with_missing(rater, target, ratings.value, counts=counts, confidence=confidence)


def _complete(table: Any) -> NDArray[np.float64]:
    """A complete table with something to compare."""
    ratings = np.asarray(table, dtype=np.float64)
    if ratings.ndim != 2 or min(ratings.shape) < 2 or not np.isfinite(ratings).all():
        raise ValueError(f"table must be [targets, raters], at least 2 x 2 and complete, got shape {ratings.shape}")
    if float(np.ptp(ratings.mean(axis=1))) < _ROUNDING:
        raise ValueError("table must vary between targets: their means are all equal")
    return ratings


def _mean_squares(table: NDArray[np.float64]) -> tuple[int, int, tuple[float, float, float, float]]:
    """Targets, raters, and BMS, WMS, JMS, EMS."""
    n, k = table.shape
    grand, of_target, of_rater = table.mean(), table.mean(axis=1), table.mean(axis=0)
    between = k * float(((of_target - grand) ** 2).sum())
    within = float(((table - of_target[:, None]) ** 2).sum())
    judges = n * float(((of_rater - grand) ** 2).sum())
    rest = max(within - judges, 0.0)
    return n, k, (between / (n - 1), within / (n * (k - 1)), judges / (k - 1), rest / ((n - 1) * (k - 1)))


def _exact_intervals(table: NDArray[np.float64], confidence: float) -> tuple[Interval, Interval]:
    """Intervals of ICC(2,1) and, by Spearman-Brown, ICC(2,k) (Shrout & Fleiss 1979, p. 424)."""
    n, k, (between, _, judges, rest) = _mean_squares(table)
    if rest <= 0:
        nothing = Interval(None, None, confidence, _EXACT_TEXT, "no residual variation: no interval")
        return nothing, nothing
    single = intraclass_table(table)["ICC(2,1)"]
    a = k * single / (n * (1 - single))
    b = 1 + k * single * (n - 1) / (n * (1 - single))
    freedom = (a * judges + b * rest) ** 2 / ((a * judges) ** 2 / (k - 1) + (b * rest) ** 2 / ((n - 1) * (k - 1)))
    upper = (1 + confidence) / 2
    f_low, f_high = float(stats.f.ppf(upper, n - 1, freedom)), float(stats.f.ppf(upper, freedom, n - 1))
    both = k * judges + (k * n - k - n) * rest
    low = n * (between - f_low * rest) / (f_low * both + n * between)
    high = n * (f_high * between - rest) / (both + n * f_high * between)
    mean_low, mean_high = (k * end / (1 + end * (k - 1)) for end in (low, high))
    return Interval(low, high, confidence, _EXACT_TEXT), Interval(mean_low, mean_high, confidence, _EXACT_TEXT)


def _missing_message(ratings: Ratings, n_raters: int, n_targets: int) -> str | None:
    """Why there is no coefficient."""
    if ratings.n == 0:
        return "no votes"
    if n_raters < 2 or n_targets < 2:
        return "one rater: nobody to agree with" if n_raters < 2 else "one stimulus: nothing to tell apart"
    if float(np.ptp(ratings.value)) == 0:
        return "all votes are equal: no variation to agree on"
    counts, means = stimulus_means(ratings)
    return "all stimuli have the same mean: nothing to tell apart" if np.ptp(means[counts > 0]) < _ROUNDING else None


def _with_missing(
    rater: NDArray[np.int64],
    target: NDArray[np.int64],
    value: NDArray[np.float64],
    *,
    counts: tuple[int, int, int],
    confidence: float,
) -> tuple[Agreement, Agreement]:
    """Coefficients from variance components; raters are left out one by one, or in groups where there are many."""
    mean_votes = counts[2] / counts[1]
    everything = _from_components(rater, target, value, mean_votes)
    if everything is None:
        message = "raters and stimuli cannot be told apart in these votes"
        nothing = Interval(None, None, confidence, _JACKKNIFE_TEXT, message)
        single, mean = (Agreement(name, None, nothing, *counts, message) for name in ("ICC(2,1)", "ICC(2,k)"))
        return single, mean
    group = rater % _MAXIMUM_GROUPS
    without = [
        _from_components(rater[group != left_out], target[group != left_out], value[group != left_out], mean_votes)
        for left_out in range(min(counts[0], _MAXIMUM_GROUPS))
    ]
    kept = np.array([pair for pair in without if pair is not None]).reshape(-1, 2)
    intervals = (_jackknifed(everything[column], kept[:, column], confidence) for column in range(2))
    single, mean = (
        Agreement(name, coefficient, interval, *counts, None)
        for name, coefficient, interval in zip(("ICC(2,1)", "ICC(2,k)"), everything, intervals, strict=True)
    )
    return single, mean


def _from_components(
    rater: NDArray[np.int64], target: NDArray[np.int64], value: NDArray[np.float64], mean_votes: float
) -> tuple[float, float] | None:
    """ICC(2,1) and ICC(2,k) from variance components; None where those do not exist or are all 0."""
    try:
        parts = variance_components(rater, target, value)
    except ValueError:
        return None
    noise = parts.rater + parts.vote + (parts.cell or 0.0)
    if parts.scene + noise <= 0:
        return None
    return parts.scene / (parts.scene + noise), parts.scene / (parts.scene + noise / mean_votes)


def _jackknifed(value: float, without: NDArray[np.float64], confidence: float) -> Interval:
    """tanh of artanh(value) ± t · √((G-1)/G Σ(z_g - z̄)²), G the groups left out in turn."""
    groups = without.size
    if groups < 3:
        return Interval(None, None, confidence, _JACKKNIFE_TEXT, "fewer than three raters: no interval")
    z = np.arctanh(np.clip(without, 0.0, 0.999999))
    error = math.sqrt((groups - 1) / groups * float(((z - z.mean()) ** 2).sum()))
    half_width = float(stats.t.ppf((1 + confidence) / 2, groups - 1)) * error
    centre = math.atanh(min(value, 0.999999))
    return Interval(math.tanh(centre - half_width), math.tanh(centre + half_width), confidence, _JACKKNIFE_TEXT)
