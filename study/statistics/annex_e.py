# ruff: noqa: RUF002  The Greek letters are the sources' symbols.
"""ITU-T P.910 Annex E: the quality of stimuli, and each rater's bias and inconsistency, estimated together.

Model: a vote of rater i on stimulus j is U = ψ_j + Δ_i + υ_i X, X standard normal, ΣΔ = 0. Nobody is rejected;
erratic raters and straight-liners weigh little.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, stats
from scipy.sparse.csgraph import connected_components

from study.statistics.data import Ratings, summed
from study.statistics.errors import NotConverged
from study.statistics.intervals import Interval, check_confidence, t_interval
from study.statistics.opinion import StimulusScore, stimulus_means
from study.statistics.screening import (
    RaterVerdict,
    ScreeningView,
    bt500_view,
    p913_view,
    ranked,
    unscreened_view,
)

_TEXT = "normal interval 1 / √Σ(inconsistency⁻²) of ITU-T P.910 Annex E"
_METHOD_TEXT = "t interval over scenes of the qualities by ITU-T P.910 Annex E"
_RULE = "ITU-T P.910 Annex E: biases removed, raters weighted by their consistency, nobody rejected"
_TOLERANCE = 1e-8
_LEAST_SHARE = 0.25
_MAXIMUM_ROUNDS = 1000


@dataclass(frozen=True, eq=False)
class RaterModel:
    """The fit: quality ψ per stimulus (NaN without usable votes), bias Δ and inconsistency υ per rater.

    `used` is False for raters with fewer than two votes: one vote fits any bias without a residual.
    """

    quality: NDArray[np.float64]
    standard_error: NDArray[np.float64]
    bias: NDArray[np.float64]
    inconsistency: NDArray[np.float64]
    used: NDArray[np.bool_]
    at_floor: NDArray[np.bool_]
    rounds: int


def fit_rater_model(ratings: Ratings, *, floor: float | None = None) -> RaterModel:
    """Alternate υ_i = SD of rater i's residuals (denominator n), ψ_j = Συ⁻²(u - Δ)/Συ⁻², Δ_i = mean(u - ψ), centred.

    It starts from the MOS and stops once ‖Δψ‖ < 1e-8.

    Args:
        floor: Least υ. Without it a rater whose residuals shrink takes ever more weight and shrinks them further.
            Default: the deviation that rounding to the scale adds, step / √12 with the least step between different
            ratings, but at least a quarter of all residuals' deviation around MOS and biases.
    Raises:
        NotConverged: not within 1,000 rounds.
    """
    used = np.bincount(ratings.rater, minlength=len(ratings.raters)) >= 2
    votes = ratings.select(used[ratings.rater])
    rater, stimulus, value = votes.rater, votes.stimulus, votes.value
    per_rater = np.maximum(np.bincount(rater, minlength=used.size), 1)
    quality = np.nan_to_num(stimulus_means(votes)[1])
    bias = _centred(summed(rater, value - quality[stimulus], used.size) / per_rater, used)
    least = _default_floor(value, value - quality[stimulus] - bias[rater]) if floor is None else floor
    for rounds in range(1, _MAXIMUM_ROUNDS + 1):
        residual = value - quality[stimulus] - bias[rater]
        offset = summed(rater, residual, used.size) / per_rater
        variance = summed(rater, (residual - offset[rater]) ** 2, used.size) / per_rater
        inconsistency = np.maximum(np.sqrt(variance), least)
        weight = inconsistency[rater] ** -2.0
        total = summed(stimulus, weight, ratings.n_stimuli)
        pulled = summed(stimulus, weight * (value - bias[rater]), ratings.n_stimuli)
        updated = np.divide(pulled, total, out=np.zeros_like(total), where=total > 0)
        bias = _centred(summed(rater, value - updated[stimulus], used.size) / per_rater, used)
        change, quality = float(np.linalg.norm(updated - quality)), updated
        if change < _TOLERANCE:
            error = np.divide(1.0, np.sqrt(total), out=np.full_like(total, np.nan), where=total > 0)
            return RaterModel(
                np.where(total > 0, quality, np.nan),
                error,
                bias,
                inconsistency,
                used,
                used & (inconsistency <= least),
                rounds,
            )
    raise NotConverged(f"P.910 Annex E did not settle within {_MAXIMUM_ROUNDS} rounds (last change {change:.1e})")


def p910_view(ratings: Ratings, *, floor: float | None = None, confidence: float = 0.95) -> ScreeningView:
    """The study by ITU-T P.910 Annex E; the view's votes have the raters' biases taken off.

    A stimulus's interval is ψ ± z / √Συ⁻² (1.96 for 95 %); a method's score is the mean of its stimuli's ψ, with a t
    interval over scenes.

    Raises:
        NotConverged: see `fit_rater_model`.
    """
    check_confidence(confidence)
    model = fit_rater_model(ratings, floor=floor)
    adjusted = ratings.with_values(ratings.value - model.bias[ratings.rater]).select(model.used[ratings.rater])
    return ScreeningView(
        name="p910",
        version="1",
        rule=_RULE,
        ratings=adjusted,
        verdicts=_verdicts(ratings, model),
        stimuli=_stimuli(adjusted, model, confidence),
        methods=ranked(_methods(adjusted, model, confidence)),
        message=_message(adjusted, model),
    )


def screening_views(ratings: Ratings, *, confidence: float = 0.95) -> tuple[ScreeningView, ...]:
    """All four views, unscreened first; P.910 is left empty with a message where its fit does not settle."""
    unscreened = unscreened_view(ratings, confidence=confidence)
    try:
        annex_e = p910_view(ratings, confidence=confidence)
    except NotConverged as error:
        annex_e = _unsettled(unscreened, str(error), confidence)
    bt500, p913 = bt500_view(ratings, confidence=confidence), p913_view(ratings, confidence=confidence)
    return unscreened, bt500, p913, annex_e


def _unsettled(unscreened: ScreeningView, message: str, confidence: float) -> ScreeningView:
    """The Annex E view without scores."""
    nothing = Interval(None, None, confidence, _TEXT, message)
    return replace(
        unscreened,
        name="p910",
        rule=_RULE,
        verdicts=tuple(replace(verdict, weight=None, reason=message) for verdict in unscreened.verdicts),
        stimuli=tuple(replace(score, mos=None, sd=None, interval=nothing) for score in unscreened.stimuli),
        methods=tuple(replace(score, mos=None, interval=nothing, rank=None) for score in unscreened.methods),
        message=message,
    )


def _default_floor(value: NDArray[np.float64], residual: NDArray[np.float64]) -> float:
    """Deviation of the error of rounding to the ratings' least step, or a share of the residuals' deviation."""
    distinct = np.unique(value)
    if distinct.size < 2:
        return 1 / math.sqrt(12)
    rounding = float(np.diff(distinct).min()) / math.sqrt(12)
    return max(rounding, _LEAST_SHARE * math.sqrt(float((residual**2).mean())))


def _centred(bias: NDArray[np.float64], used: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Biases of the used raters with mean 0, those of the others 0."""
    return np.where(used, bias - bias[used].mean(), 0.0) if used.any() else bias


def _verdicts(ratings: Ratings, model: RaterModel) -> tuple[RaterVerdict, ...]:
    """Weight, bias and inconsistency of each rater in words."""
    votes = np.bincount(ratings.rater, minlength=len(ratings.raters)).tolist()
    weights = np.where(model.used, np.where(model.used, model.inconsistency, 1.0) ** -2.0, 0.0)
    relative = weights / weights[model.used].mean() if model.used.any() else weights
    verdicts = []
    for code, (rater, n) in enumerate(zip(ratings.raters, votes, strict=True)):
        if not model.used[code]:
            reason = "not used: one vote fits any bias" if n else "no votes"
            verdicts.append(RaterVerdict(rater, n, n == 0, 0.0, None, None, None, None, None, reason))
            continue
        bias, inconsistency, weight = (float(a[code]) for a in (model.bias, model.inconsistency, relative))
        reason = f"weighs {weight:.2f} times the mean rater: bias {bias:+.2f}, inconsistency {inconsistency:.2f}"
        reason += " (the least allowed)" if model.at_floor[code] else ""
        verdicts.append(RaterVerdict(rater, n, True, weight, bias, inconsistency, None, None, None, reason))
    return tuple(verdicts)


def _stimuli(adjusted: Ratings, model: RaterModel, confidence: float) -> tuple[StimulusScore, ...]:
    """ψ and its interval per stimulus."""
    z = float(stats.norm.ppf((1 + confidence) / 2))
    counts = np.bincount(adjusted.stimulus, minlength=adjusted.n_stimuli).tolist()
    scores = []
    for code, (n, quality) in enumerate(zip(counts, model.quality.tolist(), strict=True)):
        scene, method = adjusted.stimulus_name(code)
        if n == 0:
            scores.append(
                StimulusScore(scene, method, None, None, 0, Interval(None, None, confidence, _TEXT, "no votes"))
            )
            continue
        half_width = z * float(model.standard_error[code])
        interval = Interval.around(quality, half_width, confidence=confidence, method=_TEXT)
        scores.append(StimulusScore(scene, method, quality, None, n, interval))
    return tuple(scores)


def _methods(adjusted: Ratings, model: RaterModel, confidence: float) -> list[tuple[str, float | None, Interval, int]]:
    """Name, mean of ψ over scenes, its interval, and votes of each method."""
    quality = model.quality.reshape(len(adjusted.scenes), len(adjusted.methods))
    counts = np.bincount(adjusted.method, minlength=len(adjusted.methods)).tolist()
    rows = []
    for code, name in enumerate(adjusted.methods):
        scenes = quality[:, code][~np.isnan(quality[:, code])]
        interval = replace(t_interval(scenes, confidence=confidence), method=_METHOD_TEXT)
        if interval.message:
            reason = "no votes" if scenes.size == 0 else f"{scenes.size} scene(s) without spread: no interval"
            interval = replace(interval, message=reason)
        rows.append((name, float(scenes.mean()) if scenes.size else None, interval, counts[code]))
    return rows


def _message(adjusted: Ratings, model: RaterModel) -> str | None:
    """What makes the fit less than it seems."""
    if adjusted.n == 0:
        return "no rater cast two votes: biases and inconsistencies cannot be estimated"
    if model.used.sum() == 1:
        return "one rater: the model gives back that rater's votes"
    raters = len(adjusted.raters)
    edges = sparse.coo_array(
        (np.ones(adjusted.n), (adjusted.rater, raters + adjusted.stimulus)), shape=(raters + adjusted.n_stimuli,) * 2
    )
    labels = connected_components(edges, directed=False)[1]
    groups = np.unique(labels[np.unique(adjusted.rater)]).size
    if groups > 1:
        return f"raters form {groups} groups without a common stimulus: biases cannot be compared between groups"
    return None
