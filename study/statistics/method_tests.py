"""Whether methods differ: Friedman over all, then Wilcoxon on every pair with Holm's correction, and rank groups.

Votes of one rater are not independent, nor are votes on one scene; so the tests do not run on single votes but on
blocks. A block is a rater (with a mean per method over the scenes on which the rater rated every method that they
rated at all) or a scene (with its MOS per method). Blocks of raters say whether other raters would agree on these
scenes, blocks of scenes whether it would come out so on other scenes.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from study.statistics.data import Ratings, summed
from study.statistics.intervals import Interval, check_confidence, t_interval
from study.statistics.multiplicity import holm

Blocks = Literal["raters", "scenes"]
_ROUNDING = 10  # decimals: equal means of votes must tie though their sums were taken in another order


@dataclass(frozen=True)
class FriedmanTest:
    """Friedman's χ² with its correction for ties; Kendall's W from 0 (no agreement) to 1 is its effect size.

    `mean_ranks` are 1 for a method that is worst in every block, up to the number of methods.
    """

    statistic: float | None
    degrees_of_freedom: int
    p_value: float | None
    kendall_w: float | None
    n_blocks: int
    n_dropped: int
    mean_ranks: dict[str, float]
    message: str | None


@dataclass(frozen=True)
class PairedTest:
    """Wilcoxon's signed-rank test of one pair of methods over blocks that have both.

    `rank_biserial` is (W⁺ - W⁻)/(W⁺ + W⁻), 1 where the first method is better in every block; `cohen_dz` the mean
    difference by the differences' deviation; `interval` the t interval of the mean difference.
    """

    first: str
    second: str
    n_pairs: int
    n_zero: int
    mean_difference: float | None
    interval: Interval
    statistic: float | None
    p_value: float | None
    p_holm: float | None
    rank_biserial: float | None
    cohen_dz: float | None
    message: str | None


def block_means(ratings: Ratings, blocks: Blocks) -> NDArray[np.float64]:
    """Mean vote per block and method, [raters or scenes, methods], NaN where there is none.

    A rater's means rest on the same scenes for all methods: scenes on which one is missing that the rater rated
    elsewhere are left out, unless that leaves none; then all votes count.
    """
    methods = len(ratings.methods)
    if blocks == "scenes":
        return _means(ratings.scene, ratings, len(ratings.scenes))
    if blocks != "raters":
        raise ValueError(f"blocks must be 'raters' or 'scenes', got {blocks!r}")
    scenes, raters = len(ratings.scenes), len(ratings.raters)
    visit = ratings.rater * scenes + ratings.scene
    seen = (
        np.bincount(ratings.rater * methods + ratings.method, minlength=raters * methods).reshape(raters, methods) > 0
    )
    cell, per_cell = np.unique(visit * methods + ratings.method, return_counts=True)
    rated = np.bincount(cell // methods, minlength=raters * scenes) if per_cell.size else np.zeros(raters * scenes)
    complete = rated.reshape(raters, scenes) == seen.sum(axis=1)[:, None]
    complete |= ~complete.any(axis=1)[:, None]
    votes = ratings.select(complete.reshape(-1)[visit])
    return _means(votes.rater, votes, raters)


def friedman_test(ratings: Ratings, *, blocks: Blocks = "raters") -> FriedmanTest:
    """Test whether any method differs, on the blocks that have every method with votes; two methods are enough.

    χ² = 12/(b k (k+1)) Σ R_j² - 3 b (k+1), divided by 1 - Σ(t³ - t)/(b k (k² - 1)) for ties; k - 1 degrees of
    freedom; W = χ²/(b (k-1)).
    """
    table = np.round(block_means(ratings, blocks), _ROUNDING)
    rated: NDArray[np.bool_] = np.any(~np.isnan(table), axis=0)
    names = [ratings.methods[code] for code in np.flatnonzero(rated)]
    present = table[:, rated][~np.isnan(table).all(axis=1)]
    full = present[~np.isnan(present).any(axis=1)]
    b, k = full.shape
    n_dropped = len(present) - b
    if k < 2 or b < 2:
        message = "fewer than two methods with votes" if k < 2 else f"fewer than two {blocks} rated every method"
        return FriedmanTest(None, max(k - 1, 0), None, None, b, n_dropped, {}, message)
    ranks = stats.rankdata(full, axis=1)
    mean_ranks = dict(zip(names, ranks.mean(axis=0).tolist(), strict=True))
    ties = sum(float((count**3 - count).sum()) for count in (np.unique(row, return_counts=True)[1] for row in full))
    correction = 1 - ties / (b * k * (k**2 - 1))
    if correction <= 0:
        message = f"all methods are rated alike by all {blocks}: nothing to test"
        return FriedmanTest(None, k - 1, None, None, b, n_dropped, mean_ranks, message)
    raw = 12 / (b * k * (k + 1)) * float((ranks.sum(axis=0) ** 2).sum()) - 3 * b * (k + 1)
    statistic = max(raw, 0.0) / correction
    p_value = float(stats.chi2.sf(statistic, k - 1))
    note = f"{n_dropped} {blocks} without every method left out" if n_dropped else None
    return FriedmanTest(statistic, k - 1, p_value, statistic / (b * (k - 1)), b, n_dropped, mean_ranks, note)


def wilcoxon_tests(ratings: Ratings, *, blocks: Blocks = "raters", confidence: float = 0.95) -> tuple[PairedTest, ...]:
    """Test every pair of methods (i < j), two-sided, zero differences left out; p-values Holm-adjusted over pairs.

    `scipy.stats.wilcoxon` decides between the exact and the normal distribution by size and ties. A pair without any
    difference has p = 1: its only permutation.
    """
    check_confidence(confidence)
    means = block_means(ratings, blocks)
    size = len(ratings.methods)
    tests = [
        _paired_test((ratings.methods[i], ratings.methods[j]), means[:, i] - means[:, j], blocks, confidence)
        for i in range(size)
        for j in range(i + 1, size)
    ]
    adjusted = iter(holm([test.p_value for test in tests if test.p_value is not None]).tolist())
    return tuple(test if test.p_value is None else replace(test, p_holm=next(adjusted)) for test in tests)


def _means(block: NDArray[np.int64], votes: Ratings, size: int) -> NDArray[np.float64]:
    """Mean per block and method."""
    methods = len(votes.methods)
    cell = block * methods + votes.method
    counts = np.bincount(cell, minlength=size * methods)
    sums = summed(cell, votes.value, size * methods)
    means: NDArray[np.float64] = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    return means.reshape(size, methods)


def _paired_test(names: tuple[str, str], gaps: NDArray[np.float64], blocks: Blocks, confidence: float) -> PairedTest:
    """The test of one pair; NaN gaps are blocks that lack one of the two."""
    differences = np.round(gaps[~np.isnan(gaps)], _ROUNDING)
    n, n_zero = differences.size, int((differences == 0).sum())
    text = f"t interval of the mean difference over {blocks}, N - 1 degrees of freedom"
    interval = replace(t_interval(differences, confidence=confidence), method=text)
    if interval.message and n:
        reason = "one pair" if n == 1 else f"the difference is the same for all {n} {blocks}"
        interval = replace(interval, message=f"{reason}: no interval, no d_z")
    if n == 0:
        message = f"none of the {blocks} has votes on both"
        nothing = replace(interval, message=message)
        return PairedTest(*names, 0, 0, None, nothing, None, None, None, None, None, message)
    mean = float(differences.mean())
    deviation = float(differences.std(ddof=1)) if n > 1 else 0.0
    effect = None if interval.low is None else mean / deviation
    if n_zero == n:
        message = f"identical for all {blocks}: no difference to test"
        return PairedTest(*names, n, n_zero, mean, interval, 0.0, 1.0, None, 0.0, effect, message)
    test = stats.wilcoxon(differences)
    ranks = stats.rankdata(np.abs(differences[differences != 0]))
    signs = np.sign(differences[differences != 0])
    biserial = float((ranks * signs).sum() / ranks.sum())
    statistic, p_value = float(test.statistic), float(test.pvalue)
    note = f"{n_zero} {blocks} without difference left out" if n_zero else None
    return PairedTest(*names, n, n_zero, mean, interval, statistic, p_value, None, biserial, effect, note)
