"""Whether raters favour a side of the screen, whatever is shown there."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from study.statistics.data import Comparisons
from study.statistics.intervals import Interval, check_confidence
from study.statistics.multiplicity import holm

_TEXT = "exact binomial interval (Clopper-Pearson), votes taken as independent"


@dataclass(frozen=True)
class SideBias:
    """How often the left picture was chosen: by one rater, or by all where `rater` is None.

    `p_holm` is adjusted over the raters; the row of all raters is one test of its own.
    """

    rater: str | None
    n_left: int
    n_right: int
    n_ties: int
    share_left: float | None
    interval: Interval
    p_value: float | None
    p_holm: float | None
    message: str | None


def side_bias(comparisons: Comparisons, *, confidence: float = 0.95) -> tuple[SideBias, ...]:
    """Two-sided binomial test of "left chosen" against one half, ties left out: first all raters, then each.

    The sides are drawn at random per trial, so that without a bias each side wins half of the decided votes whatever
    the methods are.
    """
    check_confidence(confidence)
    counts = np.column_stack([_counts(comparisons, outcome) for outcome in (1, -1, 0)])
    counts = np.vstack([counts.sum(axis=0), counts])
    tests = _tests(counts[:, 0], counts[:, 1], confidence)
    rows = [
        _row(name, votes, test, confidence)
        for name, votes, test in zip((None, *comparisons.raters), counts.tolist(), tests.tolist(), strict=True)
    ]
    adjusted = iter(holm([row.p_value for row in rows[1:] if row.p_value is not None]).tolist())
    each = (row if row.p_value is None else replace(row, p_holm=next(adjusted)) for row in rows[1:])
    return (replace(rows[0], p_holm=rows[0].p_value), *each)


def _counts(comparisons: Comparisons, outcome: int) -> NDArray[np.int64]:
    """How often each rater answered so."""
    return np.bincount(comparisons.rater[comparisons.outcome == outcome], minlength=len(comparisons.raters))


def _tests(left: NDArray[np.int64], right: NDArray[np.int64], confidence: float) -> NDArray[np.float64]:
    """Two-sided p-value and Clopper-Pearson ends per row, [rows, 3]; the binomial at one half is symmetric."""
    n, tail = left + right, (1 - confidence) / 2
    p_values = np.minimum(2 * stats.binom.cdf(np.minimum(left, right), n, 0.5), 1.0)
    low = np.where(left == 0, 0.0, stats.beta.ppf(tail, np.maximum(left, 1), right + 1))
    high = np.where(right == 0, 1.0, stats.beta.ppf(1 - tail, left + 1, np.maximum(right, 1)))
    return np.column_stack([p_values, low, high])


def _row(rater: str | None, votes: list[int], test: list[float], confidence: float) -> SideBias:
    """The test of one rater, or of all; `p_holm` follows."""
    left, right, ties = votes
    if left + right == 0:
        message = "all comparisons are ties" if ties else "no comparisons"
        nothing = Interval(None, None, confidence, _TEXT, message)
        return SideBias(rater, left, right, ties, None, nothing, None, None, message)
    p_value, low, high = test
    interval = Interval(low, high, confidence, _TEXT)
    return SideBias(rater, left, right, ties, left / (left + right), interval, p_value, None, None)
