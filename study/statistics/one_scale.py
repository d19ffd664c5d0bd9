# ruff: noqa: RUF002  The Greek letters are the sources' symbols.
"""Ratings and comparisons of the same methods on one scale, after asking whether they agree.

Link: MOS_k = a + b θ_k, θ the Bradley-Terry scores (the linear link of Perez-Ortiz et al. 2020, IEEE TIP). Both sides
are uncertain, so a and b minimise Q = r'(V_mos + b² V_θ)⁻¹ r with r = MOS - a - bθ. V_mos and V_θ are covariances
over raters as clusters (linearised means and sandwich), scenes taken as the given ones, as both judge the same. If the
link holds, Q · (ν - q + 1)/(ν q) is about F with q = methods - 2 and ν - q + 1 degrees of freedom, ν = raters - 1 of
the smaller group (Hotelling). The joint score weighs both sources by their precision, on the MOS scale; a and b then
count as known. Raters who did both are taken as different people.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import minimize_scalar
from scipy.special import expit

from study.statistics.bradley_terry import bradley_terry, fisher_information
from study.statistics.data import Comparisons, Ratings, summed
from study.statistics.errors import NotConverged
from study.statistics.existence import win_matrix
from study.statistics.intervals import Interval, check_confidence
from study.statistics.pairwise_scale import pseudo_inverse

AGREEMENT_LEVEL = 0.05
_TEXT = "normal interval of the joint generalised least-squares score, clustered by rater"
Matrix = NDArray[np.float64]


@dataclass(frozen=True)
class UnifiedScore:
    """A method's MOS, its score from comparisons, and both together on the MOS scale."""

    method: str
    score: float | None
    standard_error: float | None
    interval: Interval
    mos: float | None
    pairwise: float | None


@dataclass(frozen=True)
class UnifiedScale:
    """The link MOS = intercept + slope · θ, the test of it, and the joint scores.

    `agrees` is None where there is nothing to test; False means that the two kinds of votes contradict each other and
    that the joint scores should not be reported without saying so.
    """

    methods: tuple[UnifiedScore, ...]
    slope: float | None
    intercept: float | None
    statistic: float | None
    degrees_of_freedom: tuple[int, int] | None
    p_value: float | None
    correlation: float | None
    agrees: bool | None
    message: str | None


def unify_scales(ratings: Ratings, comparisons: Comparisons, *, confidence: float = 0.95) -> UnifiedScale:
    """Join ratings and comparisons over the methods that both have, matched by name; ties are left out.

    Raises:
        NotConverged: no slope links the two.
    """
    check_confidence(confidence)
    compared = set(np.unique(np.concatenate([comparisons.left, comparisons.right])).tolist())
    rated = set(np.unique(ratings.method).tolist())
    names = [
        name
        for code, name in enumerate(ratings.methods)
        if code in rated and name in comparisons.methods and comparisons.methods.index(name) in compared
    ]
    if len(names) < 3:
        return _missing(names, f"{len(names)} methods both rated and compared: a link takes at least three", confidence)
    scale = bradley_terry(win_matrix(comparisons), names=comparisons.methods)
    if scale.covariance is None:
        return _missing(names, scale.message or "", confidence)
    chosen = [comparisons.methods.index(name) for name in names]
    theta_all = np.array(scale.scores, dtype=np.float64)
    theta, theta_cov = theta_all[chosen], _sandwich(comparisons, theta_all)[np.ix_(chosen, chosen)]
    mos, mos_cov = _clustered_means(ratings, [ratings.methods.index(name) for name in names])
    if len(names) >= min(_voters(ratings), _voters(comparisons)):
        return _missing(names, "too few raters: it takes more of each kind than methods", confidence)
    slope, intercept, misfit = _link(mos, theta, mos_cov=mos_cov, theta_cov=theta_cov)
    joint, joint_cov = _joint(mos, intercept + slope * theta, mos_cov, slope**2 * theta_cov)
    return _unified(
        names, (mos, theta, joint), joint_cov, link=(slope, intercept, misfit),
        raters=min(_voters(ratings), _voters(comparisons)), confidence=confidence,
    )  # fmt: skip


def _voters(votes: Ratings | Comparisons) -> int:
    """How many raters cast votes."""
    return int(np.unique(votes.rater).size)


def _clustered_means(ratings: Ratings, methods: list[int]) -> tuple[NDArray[np.float64], Matrix]:
    """MOS of the methods and its covariance over raters: R/(R-1) Σ ψψ', ψ_ik = Σ(u - MOS_k)/n_k over i's votes on k."""
    size, raters = len(ratings.methods), len(ratings.raters)
    counts = np.maximum(np.bincount(ratings.method, minlength=size), 1)
    means = summed(ratings.method, ratings.value, size) / counts
    residual = (ratings.value - means[ratings.method]) / counts[ratings.method]
    influence = summed(ratings.rater * size + ratings.method, residual, raters * size).reshape(raters, size)[:, methods]
    n = _voters(ratings)
    return means[methods], np.asarray(influence.T @ influence * n / max(n - 1, 1), dtype=np.float64)


def _sandwich(comparisons: Comparisons, scores: NDArray[np.float64]) -> Matrix:
    """Covariance of Bradley-Terry scores with raters as clusters: R/(R-1) I⁺ (Σ s s') I⁺, s a rater's gradient."""
    decided = comparisons.select(comparisons.outcome != 0)
    size, raters = len(scores), len(comparisons.raters)
    surprise = (decided.outcome == 1) - expit(scores[decided.left] - scores[decided.right])
    gradient = summed(decided.rater * size + decided.left, surprise, raters * size)
    gradient = (gradient - summed(decided.rater * size + decided.right, surprise, raters * size)).reshape(raters, size)
    inverse = pseudo_inverse(fisher_information(scores, win_matrix(comparisons)))
    n = _voters(decided)
    return np.asarray(inverse @ (gradient.T @ gradient) @ inverse * n / max(n - 1, 1), dtype=np.float64)


def _link(
    mos: NDArray[np.float64], theta: NDArray[np.float64], *, mos_cov: Matrix, theta_cov: Matrix
) -> tuple[float, float, float]:
    """Slope, intercept and Q at their minimum."""

    def profile(slope: float) -> tuple[float, float]:
        weight = np.linalg.pinv(mos_cov + slope**2 * theta_cov, hermitian=True)
        rest = mos - slope * theta
        intercept = float(weight.sum(axis=0) @ rest) / float(weight.sum())
        return intercept, float((rest - intercept) @ weight @ (rest - intercept))

    start = float(np.polyfit(theta, mos, 1)[0])
    found = minimize_scalar(lambda slope: profile(slope)[1], bracket=(0.5 * start, 1.5 * start))
    slope = float(found.x)
    if not found.success or not np.isfinite(slope):
        raise NotConverged("no slope links the ratings to the comparisons")
    return slope, *profile(slope)


def _joint(
    mos: NDArray[np.float64], mapped: NDArray[np.float64], mos_cov: Matrix, mapped_cov: Matrix
) -> tuple[NDArray[np.float64], Matrix]:
    """Precision-weighted mean of both sources; the comparisons say nothing about the level."""
    of_mos, of_mapped = (np.linalg.pinv(cov, hermitian=True) for cov in (mos_cov, mapped_cov))
    covariance = np.linalg.pinv(of_mos + of_mapped, hermitian=True)
    return covariance @ (of_mos @ mos + of_mapped @ mapped), covariance


def _unified(
    names: list[str],
    scores: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
    covariance: Matrix,
    *,
    link: tuple[float, float, float],
    raters: int,
    confidence: float,
) -> UnifiedScale:
    """Put scores, link and test together."""
    slope, intercept, misfit = link
    q, nu = len(names) - 2, raters - 1
    statistic = misfit * (nu - q + 1) / (nu * q)
    p_value = float(stats.f.sf(statistic, q, nu - q + 1))
    agrees = bool(slope > 0 and p_value >= AGREEMENT_LEVEL)
    z = float(stats.norm.ppf((1 + confidence) / 2))
    errors = np.sqrt(np.maximum(np.diagonal(covariance), 0.0)).tolist()
    rows = tuple(
        UnifiedScore(
            method=name,
            score=joint,
            standard_error=error,
            interval=Interval.around(joint, z * error, confidence=confidence, method=_TEXT),
            mos=mos,
            pairwise=theta,
        )
        for name, mos, theta, joint, error in zip(names, *(part.tolist() for part in scores), errors, strict=True)
    )
    message = None if agrees else "ratings and comparisons disagree: report them apart, not the joint score"
    correlation = float(np.corrcoef(scores[0], scores[1])[0, 1])
    return UnifiedScale(rows, slope, intercept, statistic, (q, nu - q + 1), p_value, correlation, agrees, message)


def _missing(names: list[str], message: str, confidence: float) -> UnifiedScale:
    """No joint scale, and why."""
    nothing = Interval(None, None, confidence, _TEXT, message)
    rows = tuple(UnifiedScore(name, None, None, nothing, None, None) for name in names)
    return UnifiedScale(rows, None, None, None, None, None, None, None, message)
