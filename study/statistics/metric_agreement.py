"""How well a metric (PSNR, SSIM, a perceptual distance) predicts MOS: PLCC, SROCC, KROCC and RMSE.

PLCC and RMSE are taken after the four-parameter logistic of VQEG (FRTV phase I, 2000), which maps metric to MOS:

    f(x) = β₂ + (β₁ - β₂) / (1 + exp(-(x - β₃)/β₄)),   β₄ of either sign, as lower may be better.

RMSE is √(Σ(MOS - f)²/N). SROCC and KROCC (τ-b) are of the raw metric and keep its sign.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import leastsq
from scipy.special import expit

from study.statistics.errors import NotConverged
from study.statistics.intervals import Interval, check_confidence

_LEAST_POINTS = 5
_FIT_TOLERANCE = 1e-8
_MOST_EVALUATIONS = 2000
_CONVERGED = (1, 2, 3, 4)  # lmder's codes; the others are limits reached
Values = NDArray[np.float64]


@dataclass(frozen=True)
class Logistic:
    """f(x) = floor + (ceiling - floor) / (1 + exp(-(x - centre)/width)) maps a metric to the MOS scale."""

    ceiling: float
    floor: float
    centre: float
    width: float

    def __call__(self, x: Any) -> Values:
        """Predicted MOS."""
        return _logistic(np.asarray(x, dtype=np.float64), self.ceiling, self.floor, self.centre, self.width)


@dataclass(frozen=True)
class Estimate:
    """A number and its interval; None where it does not exist."""

    value: float | None
    interval: Interval


@dataclass(frozen=True)
class MetricAgreement:
    """One metric against MOS over `n` stimuli.

    `n_missing` of `resamples` allowed no fit: no PLCC and RMSE of theirs. One scene alone is not resampled.
    """

    name: str
    n: int
    plcc: Estimate
    srocc: Estimate
    krocc: Estimate
    rmse: Estimate
    logistic: Logistic | None
    resamples: int
    n_missing: int
    message: str | None


def fit_logistic(metric: Any, mos: Any) -> Logistic:
    """Fit the four-parameter logistic by least squares from the usual start (ends, mean and deviation of the data).

    Raises:
        ValueError: fewer than five points, or metric or MOS without variation.
        NotConverged: no minimum was found.
    """
    x, y = _pair_of_lists(metric, mos)
    message = _missing_message(x, y)
    if message:
        raise ValueError(message)
    return _fitted(x, y)


def metric_agreement(
    metric: Any,
    mos: Any,
    *,
    name: str,
    clusters: Sequence[Any] | None = None,
    resamples: int = 1000,
    seed: int = 0,
    confidence: float = 0.95,
) -> MetricAgreement:
    """Compare a metric with MOS over stimuli, with percentile bootstrap intervals.

    Where the logistic fits by no finite parameters there is no PLCC and no RMSE, and `message` says so; SROCC and
    KROCC need no fit.

    Args:
        metric, mos: One per stimulus, [n].
        clusters: The scene of each stimulus, [n]: whole scenes are then resampled, as stimuli of one scene move
            together. Left out, stimuli are.
    """
    check_confidence(confidence)
    x, y = _pair_of_lists(metric, mos)
    message: str | None = _missing_message(x, y)
    if message:
        nothing = Estimate(None, Interval(None, None, confidence, "percentile bootstrap", message))
        return MetricAgreement(name, x.size, nothing, nothing, nothing, nothing, None, 0, 0, message)
    fit = _fit_or_reason(x, y)
    draws = _resampled(x, y, clusters, resamples=resamples, seed=seed)
    resamples = len(draws)
    text = f"percentile bootstrap over {'stimuli' if clusters is None else 'scenes'}, {resamples} resamples"
    plcc, srocc, krocc, rmse = (
        _estimate(value, column[~np.isnan(column)], resamples=resamples, confidence=confidence, text=text)
        for value, column in zip(_coefficients(x, y, fit), draws.T, strict=True)
    )
    n_missing = int(np.isnan(draws[:, 0]).sum())
    if isinstance(fit, str):
        unfitted = Estimate(None, Interval(None, None, confidence, text, fit))
        return MetricAgreement(name, x.size, unfitted, srocc, krocc, unfitted, None, resamples, n_missing, fit)
    message = f"{n_missing} of {resamples} resamples allow no fit" if n_missing else None
    return MetricAgreement(name, x.size, plcc, srocc, krocc, rmse, fit, resamples, n_missing, message)


def _estimate(value: float, draws: Values, *, resamples: int, confidence: float, text: str) -> Estimate:
    """A coefficient with the percentiles of the resamples that have one; none where fewer than half do."""
    if resamples == 0:
        return Estimate(value, Interval(None, None, confidence, text, "one scene: no interval"))
    missing = resamples - draws.size
    text = f"{text}, {missing} without a value"
    if draws.size < resamples / 2:
        message = f"{missing} of {resamples} resamples have no value: too few for an interval"
        return Estimate(value, Interval(None, None, confidence, text, message))
    low, high = np.quantile(draws, [(1 - confidence) / 2, (1 + confidence) / 2]).tolist()
    return Estimate(value, Interval(low, high, confidence, text))


def _pair_of_lists(metric: Any, mos: Any) -> tuple[Values, Values]:
    """Metric and MOS as equally long finite lists."""
    x, y = np.asarray(metric, dtype=np.float64), np.asarray(mos, dtype=np.float64)
    if x.ndim != 1 or x.shape != y.shape:
        raise ValueError(f"metric and mos must be equally long lists, got shapes {x.shape} and {y.shape}")
    if not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise ValueError("metric and mos must be finite; leave out stimuli without either")
    return x, y


def _missing_message(x: Values, y: Values) -> str | None:
    """Why there is nothing to compare."""
    if x.size < _LEAST_POINTS:
        return f"{x.size} stimuli: four parameters need at least {_LEAST_POINTS}"
    if float(np.ptp(x)) == 0:
        return "the metric is the same for all stimuli"
    return "the MOS is the same for all stimuli" if float(np.ptp(y)) == 0 else None


def _logistic(x: Values, ceiling: float, floor: float, centre: float, width: float) -> Values:
    """The four-parameter logistic."""
    return np.asarray(floor + (ceiling - floor) * expit((x - centre) / width), dtype=np.float64)


def _jacobian(x: Values, ceiling: float, floor: float, centre: float, width: float) -> Values:
    """Its derivatives by the parameters, [n, 4]."""
    share = expit((x - centre) / width)
    slope = (ceiling - floor) * share * (1 - share) / width
    return np.column_stack([share, 1 - share, -slope, -slope * (x - centre) / width])


def _fitted(x: Values, y: Values) -> Logistic:
    """Least squares; the metric is standardised first so that its unit does not matter."""
    centre, spread = float(x.mean()), float(x.std())
    z = (x - centre) / spread
    rising = 1.0 if float(((z - z.mean()) * (y - y.mean())).sum()) >= 0 else -1.0
    start = (float(y.max()), float(y.min()), 0.0, rising)

    def residuals(point: Values) -> Values:
        return _logistic(z, *point) - y

    def derivatives(point: Values) -> Values:
        return _jacobian(z, *point)

    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):  # a step may try a width of 0; refused below
        # MINPACK's lmder without least_squares around it, whose checks of every call take twice the fit's own time.
        parameters, *_, code = leastsq(
            residuals,
            start,
            Dfun=derivatives,
            full_output=True,
            ftol=_FIT_TOLERANCE,
            xtol=_FIT_TOLERANCE,
            gtol=_FIT_TOLERANCE,
            maxfev=_MOST_EVALUATIONS,
        )
    if code not in _CONVERGED or not np.isfinite(parameters).all() or parameters[3] == 0:
        raise NotConverged("the logistic of metric against MOS did not converge to finite parameters")
    ceiling, floor, middle, width = (float(value) for value in parameters)
    return Logistic(ceiling, floor, centre + spread * middle, spread * width)


def _fit_or_reason(x: Values, y: Values) -> Logistic | str:
    """The fitted logistic, or why there is none."""
    try:
        logistic = _fitted(x, y)
    except NotConverged as error:
        return str(error)
    is_flat = float(np.ptp(logistic(x))) == 0
    return "the logistic of metric against MOS is flat: the metric predicts nothing" if is_flat else logistic


def _coefficients(x: Values, y: Values, fit: Logistic | str) -> tuple[float, float, float, float]:
    """PLCC, SROCC, KROCC, RMSE; NaN, for arithmetic only, for the two that need a fit where there is none."""
    srocc, krocc = float(stats.spearmanr(x, y).statistic), float(stats.kendalltau(x, y).statistic)
    if isinstance(fit, str):
        return np.nan, srocc, krocc, np.nan
    predicted = fit(x)
    rmse = float(np.sqrt(((y - predicted) ** 2).mean()))
    return float(np.corrcoef(predicted, y)[0, 1]), srocc, krocc, rmse


def _resampled(x: Values, y: Values, clusters: Sequence[Any] | None, *, resamples: int, seed: int) -> Values:
    """Coefficients of resamples, [resamples, 4], NaN where one has none; no rows where all would be the same."""
    label = np.arange(x.size) if clusters is None else np.unique(np.asarray(clusters), return_inverse=True)[1]
    if label.shape != x.shape:
        raise ValueError(f"clusters must be one per stimulus, {x.size}, got {label.size}")
    members = [np.flatnonzero(label == group) for group in range(int(label.max()) + 1)]
    rng = np.random.default_rng(seed)
    draws = np.full((resamples if len(members) > 1 else 0, 4), np.nan)
    for row in draws:
        chosen = np.concatenate([members[group] for group in rng.integers(0, len(members), len(members))])
        if not _missing_message(x[chosen], y[chosen]):
            row[:] = _coefficients(x[chosen], y[chosen], _fit_or_reason(x[chosen], y[chosen]))
    return draws
