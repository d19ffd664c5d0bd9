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
    everybody = _row(None, counts.sum(axis=0), confidence)
    each = [_row(name, row, confidence) for name, row in zip(comparisons.raters, counts, strict=True)]
    p_values = [row.p_value for row in each if row.p_value is not None]
    adjusted = iter(holm(p_values).tolist())
    return (
        _with_holm(everybody, everybody.p_value),
        *(_with_holm(row, None if row.p_value is None else next(adjusted)) for row in each),
    )


def _counts(comparisons: Comparisons, outcome: int) -> NDArray[np.int64]:
    """How often each rater answered so."""
    return np.bincount(comparisons.rater[comparisons.outcome == outcome], minlength=len(comparisons.raters))


def _row(rater: str | None, counts: NDArray[np.int64], confidence: float) -> SideBias:
    """The test of one rater, or of all; `p_holm` follows."""
    left, right, ties = (int(count) for count in counts)
    decided = left + right
    if decided == 0:
        message = "all comparisons are ties" if ties else "no comparisons"
        nothing = Interval(None, None, confidence, _TEXT, message)
        return SideBias(rater, left, right, ties, None, nothing, None, None, message)
    test = stats.binomtest(left, decided, 0.5)
    ends = test.proportion_ci(confidence_level=confidence, method="exact")
    interval = Interval(float(ends.low), float(ends.high), confidence, _TEXT)
    return SideBias(rater, left, right, ties, left / decided, interval, float(test.pvalue), None, None)


def _with_holm(row: SideBias, p_holm: float | None) -> SideBias:
    """The row with its adjusted p-value."""
    return replace(row, p_holm=p_holm)
