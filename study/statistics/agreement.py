"""How far raters agree with each other and with themselves."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from study.statistics.data import Ratings, summed
from study.statistics.intervals import Interval, t_interval
from study.statistics.opinion import stimulus_means


@dataclass(frozen=True)
class Agreement:
    """One coefficient of agreement; None beside a message where it does not exist."""

    name: str
    value: float | None
    interval: Interval
    n_raters: int
    n_stimuli: int
    n_votes: int
    message: str | None


@dataclass(frozen=True)
class RaterAgreement:
    """Pearson r between a rater's votes and the MOS of the same stimuli: of all raters, and of the others alone."""

    rater: str
    n_votes: int
    r: float | None
    r_others: float | None
    message: str | None


@dataclass(frozen=True)
class RetestAgreement:
    """How raters answered hidden repeats: first answer against second.

    `within_sd` is √(Σd²/2n), the deviation of a single vote around what its rater would say on average.
    """

    n_pairs: int
    r: float | None
    exact_share: float | None
    mean_difference: float | None
    within_sd: float | None
    message: str | None


def rater_agreements(ratings: Ratings) -> tuple[RaterAgreement, ...]:
    """Each rater against the MOS, in the order of `ratings.raters`; one pass over the votes."""
    counts, means = stimulus_means(ratings)
    n = counts[ratings.stimulus]
    others = np.where(n > 1, (n * means[ratings.stimulus] - ratings.value) / np.maximum(n - 1, 1), 0.0)
    with_all, votes = _correlations(ratings, means[ratings.stimulus], np.ones(ratings.n, dtype=bool))
    with_others, shared = _correlations(ratings, others, n > 1)
    rows = []
    for code, rater in enumerate(ratings.raters):
        r, r_others = (None if math.isnan(value) else float(value) for value in (with_all[code], with_others[code]))
        message = None if r is not None and r_others is not None else _rater_message(ratings, code, int(votes[code]))
        if message is None and shared[code] < votes[code]:
            message = f"{votes[code] - shared[code]} votes on stimuli nobody else rated"
        rows.append(RaterAgreement(rater, int(votes[code]), r, r_others, message))
    return tuple(rows)


def mean_rater_agreement(ratings: Ratings, *, confidence: float = 0.95) -> Agreement:
    """Mean over raters of r with the MOS of all, with a t interval over raters on Fisher's z = artanh r.

    A rater who agrees perfectly (r = ±1) counts as ±0.999999 in the interval.
    """
    found = np.array([row.r for row in rater_agreements(ratings) if row.r is not None], dtype=np.float64)
    counts = int(np.unique(ratings.rater).size), int(np.unique(ratings.stimulus).size), ratings.n
    text = "t interval over raters on Fisher's z"
    z = t_interval(np.arctanh(np.clip(found, -0.999999, 0.999999)), confidence=confidence)
    if found.size == 0 or counts[0] == 1:
        nobody = "one rater: nobody to agree with"
        message = nobody if counts[0] == 1 else "no rater's votes correlate with anything: too few, or all equal"
        return Agreement("mean rater-vs-MOS r", None, Interval(None, None, confidence, text, message), *counts, message)
    if z.low is None or z.high is None:
        interval = Interval(None, None, confidence, text, "fewer than two raters with different r")
    else:
        interval = Interval(math.tanh(z.low), math.tanh(z.high), confidence, text)
    return Agreement("mean rater-vs-MOS r", float(found.mean()), interval, *counts, None)


def retest_agreement(ratings: Ratings) -> RetestAgreement:
    """Compare each repeat with the rater's first vote on the stimulus; the votes must hold first and repeated ones."""
    key = ratings.rater * ratings.n_stimuli + ratings.stimulus
    first_key, index = np.unique(key[~ratings.repeat], return_index=True)
    place = np.searchsorted(first_key, key[ratings.repeat])
    known = np.isin(key[ratings.repeat], first_key)
    second = ratings.value[ratings.repeat][known]
    first = ratings.value[~ratings.repeat][index[place[known]]]
    n = int(second.size)
    if n == 0:
        return RetestAgreement(0, None, None, None, None, "no repeated trials")
    difference = second - first
    varies = n > 1 and float(np.ptp(first)) > 0 and float(np.ptp(second)) > 0
    return RetestAgreement(
        n_pairs=n,
        r=float(np.corrcoef(first, second)[0, 1]) if varies else None,
        exact_share=float((difference == 0).mean()),
        mean_difference=float(difference.mean()),
        within_sd=math.sqrt(float((difference**2).sum()) / (2 * n)),
        message=None if varies else "no correlation: it takes two pairs whose answers differ",
    )


def _correlations(
    ratings: Ratings, target: NDArray[np.float64], used: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Pearson r per rater between votes and targets, NaN where either does not vary, and the votes used."""
    rater, x, y = ratings.rater[used], ratings.value[used], target[used]
    size = len(ratings.raters)
    counts = np.bincount(rater, minlength=size)
    n = np.maximum(counts, 1)
    x = x - (summed(rater, x, size) / n)[rater]
    y = y - (summed(rater, y, size) / n)[rater]
    xx, yy, xy = (summed(rater, product, size) for product in (x * x, y * y, x * y))
    exists = (xx > 1e-12 * n) & (yy > 1e-12 * n)
    r = np.where(exists, xy / np.sqrt(np.where(exists, xx * yy, 1.0)), np.nan)
    return np.clip(r, -1.0, 1.0), counts


def _rater_message(ratings: Ratings, code: int, votes: int) -> str:
    """Why a rater has no r."""
    if votes < 2:
        return "no votes" if votes == 0 else "one vote: no correlation"
    values = ratings.value[ratings.rater == code]
    if float(np.ptp(values)) == 0:
        return f"all {votes} votes are equal: no correlation"
    return "no correlation: the MOS of the rated stimuli does not vary, or nobody else rated them"
