"""How many raters, scenes and repeats a study needs, by formula; `simulation` draws the studies instead.

The spread is that of `two_way`: v_x raters, v_y scenes, v_c their interaction, v_ε single votes, so that R raters who
each rate S scenes K times give Var(μ̂) = v_x/R + v_y/S + v_c/(RS) + v_ε/(RSK). For a method's MOS the spread is that
of its votes; for the difference of two methods, that of the raters' differences per scene.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from scipy.optimize import brentq

from study.statistics.data import Ratings, summed
from study.statistics.two_way import VarianceComponents, variance_components

_MOST_RATERS = 1_000_000
_NODES = 200


@dataclass(frozen=True)
class Spread:
    """Variances by source, on the scale squared; `cell` is what a rater repeats on the same scene."""

    rater: float
    scene: float
    cell: float
    vote: float

    def __post_init__(self) -> None:
        """Refuse what is no variance."""
        if min(self.rater, self.scene, self.cell, self.vote) < 0:
            raise ValueError(f"variances must not be negative, got {self}")

    @classmethod
    def of(cls, components: VarianceComponents) -> "Spread":
        """A pilot's spread. Without repeats all noise counts as `cell`, so that repeats promise no gain."""
        if components.cell is None:
            return cls(components.rater, components.scene, components.vote, 0.0)
        return cls(components.rater, components.scene, components.cell, components.vote)

    @property
    def total(self) -> float:
        """Variance of a single vote."""
        return self.rater + self.scene + self.cell + self.vote


@dataclass(frozen=True)
class PairsNeeded:
    """Pairs for a paired t test: the exact solution and the next whole number."""

    exact: float
    whole: int


@dataclass(frozen=True)
class Plan:
    """A study that reaches the goal; `raters` is None where no number of raters does, and `message` says why.

    `half_width` and `power` are what the plan is expected to reach (the one planned for; the other None).
    """

    raters: int | None
    scenes: int
    repeats: int
    votes: int | None
    half_width: float | None
    power: float | None
    message: str | None


def raters_for_half_width(*, deviation: float, half_width: float, confidence: float = 0.95) -> int:
    """Independent votes for mean ± half_width: n = (z S / h)², rounded up; 62 for S = 1, h = 0.25."""
    _positive(deviation=deviation, half_width=half_width)
    z = float(stats.norm.ppf((1 + confidence) / 2))
    return math.ceil((z * deviation / half_width) ** 2)


def pairs_for_power(*, effect: float, power: float = 0.8, significance: float = 0.05) -> PairsNeeded:
    """Pairs for a two-sided paired t test to find a standardised mean difference (noncentral t); 33.37 for 0.5."""
    _positive(effect=effect)
    if not significance < power < 1:
        raise ValueError(f"power must be between the significance {significance} and 1, got {power}")

    def shortfall(n: float) -> float:
        return _power(effect * math.sqrt(n), n - 1, significance) - power

    top = 4.0
    while shortfall(top) < 0:
        top *= 2
    exact = 2.0 if shortfall(2.0) >= 0 else float(brentq(shortfall, 2.0, top))
    return PairsNeeded(exact, math.ceil(exact))


def pilot_spread(ratings: Ratings, method: str) -> Spread:
    """Spread of one method's votes in a pilot; repeats, where there are any, tell `cell` from `vote`.

    Raises:
        ValueError: no such method, votes that cannot tell the parts apart, or equal votes: no spread among them is no
            statement about other raters.
    """
    votes = ratings.select(ratings.method == _code(ratings, method))
    spread = Spread.of(variance_components(votes.rater, votes.scene, votes.value))
    if spread.total == 0:
        raise ValueError(f"all {votes.n} votes on {method} are equal: no spread to plan with, choose another method")
    return spread


def pilot_difference_spread(ratings: Ratings, first: str, second: str) -> Spread:
    """Spread of the differences of two methods per rater and scene (means of repeats) in a pilot.

    Raises:
        ValueError: no such method, or votes that cannot tell the parts apart.
    """
    size, scenes = len(ratings.raters) * len(ratings.scenes), len(ratings.scenes)
    sides = []
    for name in (first, second):
        votes = ratings.select(ratings.method == _code(ratings, name))
        cell = votes.rater * scenes + votes.scene
        counts = np.bincount(cell, minlength=size)
        sides.append(np.where(counts > 0, summed(cell, votes.value, size) / np.maximum(counts, 1), np.nan))
    gaps = sides[0] - sides[1]
    cells = np.flatnonzero(~np.isnan(gaps))
    if cells.size == 0:
        raise ValueError(f"no rater rated both {first!r} and {second!r} on one scene")
    return Spread.of(variance_components(cells // scenes, cells % scenes, gaps[cells]))


def two_way_half_width(
    spread: Spread, *, raters: int, scenes: int, repeats: int = 1, confidence: float = 0.95
) -> float:
    """Expected half-width of the two-way interval, on the scale."""
    variance, freedom = _variance(spread, raters, scenes, repeats)
    return float(stats.t.ppf((1 + confidence) / 2, freedom)) * math.sqrt(variance)


def two_way_power(
    spread: Spread, *, difference: float, raters: int, scenes: int, repeats: int = 1, significance: float = 0.05
) -> float:
    """Chance to find a difference between two methods over raters and scenes, two-sided; `spread` of differences."""
    variance, freedom = _variance(spread, raters, scenes, repeats)
    if variance == 0:
        return 1.0 if difference else significance
    return _power(abs(difference) / math.sqrt(variance), freedom, significance)


def plan_half_width(
    spread: Spread, *, half_width: float, scenes: int, repeats: int = 1, confidence: float = 0.95
) -> Plan:
    """The fewest raters who, on these scenes and repeats, bring the two-way half-width down to the wanted one."""
    _positive(half_width=half_width)

    def reached(raters: int) -> float:
        return two_way_half_width(spread, raters=raters, scenes=scenes, repeats=repeats, confidence=confidence)

    raters = _fewest(lambda n: reached(n) <= half_width)
    if raters is None:
        least = reached(_MOST_RATERS)
        message = f"no number of raters reaches ±{half_width:g}: {scenes} scenes alone leave ±{least:.3g}; add scenes"
        return Plan(None, scenes, repeats, None, least, None, message)
    return Plan(raters, scenes, repeats, raters * scenes * repeats, reached(raters), None, None)


def plan_power(
    spread: Spread,
    *,
    difference: float,
    scenes: int,
    repeats: int = 1,
    power: float = 0.8,
    significance: float = 0.05,
) -> Plan:
    """The fewest raters who find a difference of two methods with the wanted power; votes are per method."""
    _positive(difference=difference)

    def reached(raters: int) -> float:
        return two_way_power(
            spread, difference=difference, raters=raters, scenes=scenes, repeats=repeats, significance=significance
        )

    raters = _fewest(lambda n: reached(n) >= power)
    if raters is None:
        most = reached(_MOST_RATERS)
        message = f"no number of raters reaches power {power:g}: {scenes} scenes allow {most:.2f}; add scenes"
        return Plan(None, scenes, repeats, None, None, most, message)
    return Plan(raters, scenes, repeats, raters * scenes * repeats, None, reached(raters), None)


def _variance(spread: Spread, raters: int, scenes: int, repeats: int) -> tuple[float, float]:
    """Var(μ̂) and Satterthwaite's degrees of freedom of a complete study, as `two_way` takes them."""
    check_plan(raters, scenes, repeats)
    noise = spread.cell / (raters * scenes) + spread.vote / (raters * scenes * repeats)
    between_raters, between_scenes = spread.rater / raters + noise, spread.scene / scenes + noise
    variance = between_raters + between_scenes - noise
    free_raters, free_scenes = raters - 1, scenes - 1
    squares = between_raters**2 / free_raters + between_scenes**2 / free_scenes + noise**2 / (free_raters * free_scenes)
    return variance, max(variance**2 / squares if squares > 0 else 0.0, float(min(free_raters, free_scenes)))


def _power(shift: float, freedom: float, significance: float) -> float:
    """Chance that |t| exceeds its critical value when t is noncentral by `shift`, both tails."""
    # scipy's nct turns to NaN for large shifts; so integrate the normal tails over the deviation's distribution.
    nodes, weights = _quadrature()
    deviation = np.sqrt(stats.chi2.ppf((nodes + 1) / 2, freedom) / freedom)
    border = float(stats.t.isf(significance / 2, freedom)) * deviation
    return float((stats.norm.sf(border - shift) + stats.norm.cdf(-border - shift)) @ weights / 2)


@cache
def _quadrature() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gauss-Legendre nodes and weights on [-1, 1]; they cost an eigenvalue problem, so once."""
    nodes, weights = np.polynomial.legendre.leggauss(_NODES)
    return np.asarray(nodes, dtype=np.float64), np.asarray(weights, dtype=np.float64)


def _fewest(good: Callable[[int], bool]) -> int | None:
    """The least number from 2 that is good, up to a million; goodness is taken to grow."""
    top = 2
    while not good(top):
        if top >= _MOST_RATERS:
            return None
        top = min(2 * top, _MOST_RATERS)
    low = max(top // 2, 1)
    while top - low > 1:
        middle = (low + top) // 2
        low, top = (low, middle) if good(middle) else (middle, top)
    return top


def _code(ratings: Ratings, method: str) -> int:
    """The method's code."""
    if method not in ratings.methods:
        raise ValueError(f"method must be one of {ratings.methods}, got {method!r}")
    return ratings.methods.index(method)


def _positive(**numbers: float) -> None:
    """Refuse numbers that are not above 0."""
    for name, number in numbers.items():
        if not 0 < number < math.inf:
            raise ValueError(f"{name} must be above 0, got {number}")


def check_plan(raters: int, scenes: int, repeats: int) -> None:
    """Refuse plans whose spread could not be estimated."""
    if raters < 2 or scenes < 2 or repeats < 1:
        raise ValueError(f"it takes 2 raters, 2 scenes, 1 repeat or more, got {raters}, {scenes}, {repeats}")
