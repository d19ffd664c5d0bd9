"""DMOS: opinion of a picture relative to the hidden reference of its scene (ITU-T P.910)."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from study.statistics.data import Ratings, summed
from study.statistics.intervals import Interval, check_confidence, t_interval
from study.statistics.opinion import stimulus_means
from study.statistics.two_way import two_way_score

_STIMULUS_TEXT = "t interval of the differences of raters who rated both (ITU-T P.1401)"


@dataclass(frozen=True)
class DifferentialScore:
    """min(MOS - MOS_ref + scale maximum, scale maximum); `scene` is None for a method over its scenes.

    `n_pairs` counts the votes whose rater also rated the scene's reference: the interval rests on them and is centred
    on the unlimited difference.
    """

    scene: str | None
    method: str
    dmos: float | None
    mos: float | None
    reference_mos: float | None
    n_votes: int
    n_pairs: int
    interval: Interval
    message: str | None


def differential_stimulus_scores(
    ratings: Ratings, *, reference: str, scale_maximum: float, confidence: float = 0.95
) -> tuple[DifferentialScore, ...]:
    """DMOS of every stimulus but the references, against the MOS of its scene's reference.

    Raises:
        ValueError: `reference` is no method of the study.
    """
    check_confidence(confidence)
    code = _reference_code(ratings, reference)
    counts, means = stimulus_means(ratings)
    pairs = _differences(ratings, code, scale_maximum)
    order = np.argsort(pairs.stimulus, kind="stable")
    ends = np.cumsum(np.bincount(pairs.stimulus, minlength=ratings.n_stimuli))
    by_stimulus = np.split(pairs.value[order], ends[:-1])
    scores = []
    for stimulus, paired in enumerate(by_stimulus):
        scene, method = divmod(stimulus, len(ratings.methods))
        if method == code:
            continue
        votes, mos = int(counts[stimulus]), float(means[stimulus])
        of_reference = float(means[scene * len(ratings.methods) + code])
        interval = replace(t_interval(paired, confidence=confidence), method=_STIMULUS_TEXT)
        names = (ratings.scenes[scene], ratings.methods[method])
        scores.append(_score(names, (mos, of_reference), (votes, paired.size), interval, scale_maximum))
    return tuple(scores)


def differential_method_scores(
    ratings: Ratings, *, reference: str, scale_maximum: float, confidence: float = 0.95
) -> tuple[DifferentialScore, ...]:
    """DMOS of every method but the reference over all its votes, with the two-way interval of the differences.

    The reference's MOS is its mean over all its votes.

    Raises:
        ValueError: `reference` is no method of the study.
    """
    check_confidence(confidence)
    code = _reference_code(ratings, reference)
    pairs = _differences(ratings, code, scale_maximum)
    counts = np.bincount(ratings.method, minlength=len(ratings.methods))
    sums = summed(ratings.method, ratings.value, counts.size)
    means = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    scores = []
    for method, name in enumerate(ratings.methods):
        if method == code:
            continue
        part = pairs.select(pairs.method == method)
        interval = two_way_score(name, part.rater, part.scene, part.value, confidence=confidence).two_way
        moments = (float(means[method]), float(means[code]))
        scores.append(_score((None, name), moments, (int(counts[method]), part.n), interval, scale_maximum))
    return tuple(scores)


def _reference_code(ratings: Ratings, reference: str) -> int:
    """The reference's code among the methods."""
    if reference not in ratings.methods:
        raise ValueError(f"reference must be one of the methods {ratings.methods}, got {reference!r}")
    return ratings.methods.index(reference)


def _differences(ratings: Ratings, reference: int, scale_maximum: float) -> Ratings:
    """Votes minus their rater's (mean) vote on the scene's reference plus the scale's maximum, where there is one."""
    cell = ratings.rater * len(ratings.scenes) + ratings.scene
    size = len(ratings.raters) * len(ratings.scenes)
    of_reference = ratings.method == reference
    counts = np.bincount(cell[of_reference], minlength=size)
    sums = summed(cell[of_reference], ratings.value[of_reference], size)
    baseline: NDArray[np.float64] = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    paired = ~of_reference & (counts[cell] > 0)
    return ratings.with_values(np.where(paired, ratings.value - baseline[cell] + scale_maximum, 0.0)).select(paired)


def _score(
    names: tuple[str | None, str],
    means: tuple[float, float],
    counts: tuple[int, int],
    interval: Interval,
    scale_maximum: float,
) -> DifferentialScore:
    """One row from (scene, method), (MOS, reference's MOS; NaN for none) and (votes, pairs)."""
    mos, of_reference = (None if np.isnan(mean) else mean for mean in means)
    dmos, message = None, None
    if mos is None:
        message = "no votes"
    elif of_reference is None:
        message = "no votes on the hidden reference"
    else:
        dmos = min(mos - of_reference + scale_maximum, scale_maximum)
        message = interval.message if counts[0] == counts[1] else f"{counts[1]} of {counts[0]} votes have a reference"
    if dmos is None:
        interval = Interval(None, None, interval.confidence, interval.method, message)
    return DifferentialScore(names[0], names[1], dmos, mos, of_reference, *counts, interval, message)
