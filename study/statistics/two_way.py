"""MOS of a method when raters *and* scenes are samples: the two-way interval (Ribeiro et al., crowdMOS, ICASSP 2011).

Model: a vote of rater i on scene j is Z = μ + x_i + y_j + c_ij + ε, four independent random parts. c_ij is the part a
rater would repeat on seeing the scene again; without repeated votes it cannot be told from ε and the two are one.
The mean of T votes, N_i by rater i, M_j on scene j, C_ij by i on j, has

    Var(μ̂) = v_x ΣN_i²/T² + v_y ΣM_j²/T² + v_c ΣC_ij²/T² + v_ε/T,

which holds for any pattern of missing votes. The components are estimated by moments (Henderson 1953, method I):
unbiased for any pattern, one pass over the votes, equal to the analysis of variance on complete tables. Negative
estimates become 0.

Degrees of freedom: crowdMOS takes min(#raters, #scenes) - 1, the worst case, in which the smaller sample carries the
whole variance. Where both matter it covers too often (docs/statistics.md has the figures). The main interval
therefore uses Satterthwaite's (1946) approximation with the mean squares A = v_x ΣN_i²/T² + v_ε/T and
B = v_y ΣM_j²/T² + v_ε/T, E = v_ε/T (v_ε with v_c in it):

    df = (A + B - E)² / (A²/(R-1) + B²/(S-1) + E²/(T-R-S+1)),   at least min(R, S) - 1.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from study.statistics.data import Codes, Ratings, Values, summed
from study.statistics.intervals import METHOD_TEXTS, Interval, check_confidence, no_spread

TWO_WAY_TEXT = "two-way t interval over raters and scenes (crowdMOS), Satterthwaite degrees of freedom"
MINIMUM_TEXT = "two-way t interval over raters and scenes (crowdMOS), min(raters, scenes) - 1 degrees of freedom"
MISLEADING_RATIO = 1.2
_RANK_TOLERANCE = 1e-9
_DENSE_CELLS_PER_VOTE = 20  # below, counting all cells is faster than sorting the votes


@dataclass(frozen=True)
class VarianceComponents:
    """How much raters, scenes, their interaction and single votes spread, as variances on the scale.

    `cell` is the part a rater would repeat on the same scene; None without repeats, when it is within `vote`.
    """

    rater: float
    scene: float
    cell: float | None
    vote: float
    n_raters: int
    n_scenes: int
    n_votes: int


@dataclass(frozen=True)
class MethodScore:
    """MOS of one method over all its votes, with the two-way interval first and the naive one beside it."""

    method: str
    mos: float | None
    sd: float | None
    n_votes: int
    n_raters: int
    n_scenes: int
    two_way: Interval
    two_way_minimum: Interval
    naive: Interval
    degrees_of_freedom: float | None
    components: VarianceComponents | None
    warning: str | None
    message: str | None


@dataclass(frozen=True)
class _Layout:
    """How the T votes fall on raters, scenes and cells: Σn²/T and Σ over cells C²/n, as the moments need them."""

    raters: int
    scenes: int
    cells: int
    votes: int
    rater_squares: float
    scene_squares: float
    cell_squares: float
    cell_per_rater: float
    cell_per_scene: float

    @property
    def repeated(self) -> bool:
        """Whether some rater voted twice on a scene."""
        return self.cells < self.votes

    @property
    def expectations(self) -> NDArray[np.float64]:
        """Coefficients of (v_x, v_y, v_ε[, v_c]) in the expected sums of squares over raters, scenes, votes[, cells].

        Each sum is reduced by T z̄², so that μ falls out.
        """
        n, base = self.votes, np.array([self.rater_squares, self.scene_squares, 1.0, self.cell_squares])
        rows = [
            [n, self.cell_per_rater, self.raters, self.cell_per_rater],
            [self.cell_per_scene, n, self.scenes, self.cell_per_scene],
            [n, n, n, n],
            [n, n, self.cells, n],
        ]
        size = 4 if self.repeated else 3
        return np.asarray(np.array(rows, dtype=np.float64)[:size, :size] - base[:size], dtype=np.float64)

    @property
    def weights(self) -> NDArray[np.float64]:
        """Coefficients of (v_x, v_y, v_ε[, v_c]) in Var(μ̂)."""
        squares = np.array([self.rater_squares, self.scene_squares, 1.0, self.cell_squares]) / self.votes
        return squares[: 4 if self.repeated else 3]


def method_scores(ratings: Ratings, *, confidence: float = 0.95) -> tuple[MethodScore, ...]:
    """MOS and intervals of every method, in the order of `ratings.methods`; one pass over the votes."""
    check_confidence(confidence)
    order = np.argsort(ratings.method.astype(np.int32), kind="stable")
    counts = np.bincount(ratings.method, minlength=len(ratings.methods))
    ends = np.cumsum(counts)
    rater, scene, value = ratings.rater[order], ratings.scene[order], ratings.value[order]
    scores = []
    for method, start, end in zip(ratings.methods, (ends - counts).tolist(), ends.tolist(), strict=True):
        part = slice(start, end)
        scores.append(two_way_score(method, rater[part], scene[part], value[part], confidence=confidence))
    return tuple(scores)


def two_way_score(name: str, rater: Codes, scene: Codes, value: Values, *, confidence: float = 0.95) -> MethodScore:
    """MOS of the votes of one method, or of all votes on anything that was rated across raters and scenes."""
    n = int(value.size)
    mos = float(value.mean()) if n else None
    sd = float(value.std(ddof=1)) if n > 1 else None
    message = no_spread(n, sd or 0.0)
    naive = _naive(mos, sd, n, confidence=confidence, message=message)
    if mos is None or message:
        return _without_two_way(name, (mos, sd, n), naive, rater=rater, scene=scene, message=message or "no votes")
    try:
        fit = _fit(rater, scene, value)
    except ValueError as error:
        return _without_two_way(name, (mos, sd, n), naive, rater=rater, scene=scene, message=str(error))
    minimum = min(fit.layout.raters, fit.layout.scenes) - 1
    two_way = _student(mos, fit.variance, fit.degrees_of_freedom, confidence=confidence, text=TWO_WAY_TEXT)
    return MethodScore(
        method=name,
        mos=mos,
        sd=sd,
        n_votes=n,
        n_raters=fit.layout.raters,
        n_scenes=fit.layout.scenes,
        two_way=two_way,
        two_way_minimum=_student(mos, fit.variance, minimum, confidence=confidence, text=MINIMUM_TEXT),
        naive=naive,
        degrees_of_freedom=fit.degrees_of_freedom,
        components=fit.components,
        warning=_warning(two_way, naive),
        message=None,
    )


def variance_components(rater: Codes, scene: Codes, value: Values) -> VarianceComponents:
    """Variance components of votes given by rater, scene and value, [n] each, missing and repeated votes allowed.

    Raises:
        ValueError: fewer than two raters or scenes, or votes so placed that the parts cannot be told apart.
    """
    components = _fit(rater, scene, value).components
    if components is None:
        raise ValueError("raters, scenes and single votes cannot be told apart: too few raters voted on several scenes")
    return components


@dataclass(frozen=True)
class _Fit:
    """Estimates of (v_x, v_y, v_ε[, v_c]), at least 0; `separable` if each, not only Var(μ̂), is determined."""

    layout: _Layout
    estimates: NDArray[np.float64]
    separable: bool

    @property
    def variance(self) -> float:
        """Var(μ̂)."""
        return float((self.estimates * self.layout.weights).sum())

    @property
    def degrees_of_freedom(self) -> float:
        """Satterthwaite's degrees of freedom of Var(μ̂) = A + B - E (module docstring), at least min(R, S) - 1."""
        parts = self.estimates * self.layout.weights
        noise = float(parts[2:].sum())
        raters, scenes = self.layout.raters - 1, self.layout.scenes - 1
        between_raters, between_scenes = float(parts[0]) + noise, float(parts[1]) + noise
        rest = max(self.layout.cells - raters - scenes - 1, 1)
        spread = between_raters**2 / raters + between_scenes**2 / scenes + noise**2 / rest
        return max(self.variance**2 / spread if spread > 0 else 0.0, float(min(raters, scenes)))

    @property
    def components(self) -> VarianceComponents | None:
        """The parts by name; None where the votes cannot tell them apart."""
        if not self.separable:
            return None
        return VarianceComponents(
            rater=float(self.estimates[0]),
            scene=float(self.estimates[1]),
            cell=float(self.estimates[3]) if self.layout.repeated else None,
            vote=float(self.estimates[2]),
            n_raters=self.layout.raters,
            n_scenes=self.layout.scenes,
            n_votes=self.layout.votes,
        )


def _fit(rater: Codes, scene: Codes, value: Values) -> _Fit:
    """Henderson's method I, negative estimates floored at 0.

    Where parts are confounded (each rater cast one vote, say) the equations are singular; the least-norm solution
    still gives Var(μ̂) exactly, provided its weights lie in the equations' row space.
    """
    layout, sums = _layout_and_sums(rater, scene, value - value.mean())
    if layout.raters < 2 or layout.scenes < 2:
        what = "raters" if layout.raters < 2 else "scenes"
        raise ValueError(f"one {what[:-1]}: the spread between {what} cannot be estimated, so no two-way interval")
    equations, weights = layout.expectations, layout.weights
    inverse = np.linalg.pinv(equations, rcond=_RANK_TOLERANCE)
    if not np.allclose(weights @ inverse @ equations, weights, rtol=1e-6, atol=1e-9 * weights.max()):
        raise ValueError("raters and scenes cannot be told apart in these votes, so no two-way interval")
    separable = np.linalg.matrix_rank(equations, tol=_RANK_TOLERANCE * np.linalg.norm(equations)) == len(equations)
    return _Fit(layout, np.maximum(inverse @ sums[: len(equations)], 0.0), bool(separable))


def _layout_and_sums(rater: Codes, scene: Codes, centred: Values) -> tuple[_Layout, NDArray[np.float64]]:
    """The layout, and the sums of squares over raters, scenes, votes and cells of values whose mean is 0."""
    per_rater, per_scene = np.bincount(rater), np.bincount(scene)
    cell, cell_sums, per_cell = _cells(rater, scene, centred)
    n = int(centred.size)
    layout = _Layout(
        raters=int((per_rater > 0).sum()),
        scenes=int((per_scene > 0).sum()),
        cells=int(per_cell.size),
        votes=n,
        rater_squares=float((per_rater.astype(np.float64) ** 2).sum() / n),
        scene_squares=float((per_scene.astype(np.float64) ** 2).sum() / n),
        cell_squares=float((per_cell**2).sum() / n),
        cell_per_rater=float((per_cell**2 / per_rater[cell // per_scene.size]).sum()),
        cell_per_scene=float((per_cell**2 / per_scene[cell % per_scene.size]).sum()),
    )
    squares = (
        (np.bincount(rater, centred) ** 2 / np.maximum(per_rater, 1)).sum(),
        (np.bincount(scene, centred) ** 2 / np.maximum(per_scene, 1)).sum(),
        (centred**2).sum(),
        (cell_sums**2 / per_cell).sum(),
    )
    return layout, np.array(squares, dtype=np.float64)


def _cells(rater: Codes, scene: Codes, value: Values) -> tuple[NDArray[np.signedinteger], Values, Values]:
    """Codes of the cells with votes, their sums and their counts."""
    width = int(scene.max()) + 1
    code = rater * width + scene
    if int(code.max()) > _DENSE_CELLS_PER_VOTE * code.size:
        unique, place = np.unique(code, return_inverse=True)
        return unique, summed(place, value), np.bincount(place).astype(np.float64)
    counts = np.bincount(code).astype(np.float64)
    filled = np.flatnonzero(counts)
    return filled, summed(code, value)[filled], counts[filled]


def _student(mean: float, variance: float, freedom: float, *, confidence: float, text: str) -> Interval:
    """mean ± t · √variance; no interval where the variance is estimated as 0."""
    if variance <= 0:
        return Interval(None, None, confidence, text, "the estimated variance of the mean is 0: no interval")
    half_width = float(stats.t.ppf((1 + confidence) / 2, freedom)) * math.sqrt(variance)
    return Interval.around(mean, half_width, confidence=confidence, method=text)


def _naive(mos: float | None, sd: float | None, n: int, *, confidence: float, message: str | None) -> Interval:
    """The t interval that takes all votes as independent."""
    if mos is None or sd is None or message:
        return Interval(None, None, confidence, METHOD_TEXTS["t"], message)
    return _student(mos, sd**2 / n, n - 1, confidence=confidence, text=METHOD_TEXTS["t"])


def _without_two_way(
    name: str,
    moments: tuple[float | None, float | None, int],
    naive: Interval,
    *,
    rater: Codes,
    scene: Codes,
    message: str,
) -> MethodScore:
    """A method whose two-way interval does not exist, and why."""
    mos, sd, n = moments
    return MethodScore(
        method=name,
        mos=mos,
        sd=sd,
        n_votes=n,
        n_raters=int(np.unique(rater).size),
        n_scenes=int(np.unique(scene).size),
        two_way=Interval(None, None, naive.confidence, TWO_WAY_TEXT, message),
        two_way_minimum=Interval(None, None, naive.confidence, MINIMUM_TEXT, message),
        naive=naive,
        degrees_of_freedom=None,
        components=None,
        warning=None if naive.low is None else "the naive interval says nothing about other raters and scenes",
        message=message,
    )


def _warning(two_way: Interval, naive: Interval) -> str | None:
    """Say by how much the naive interval is too narrow, where it is by more than a fifth."""
    wide, narrow = two_way.half_width, naive.half_width
    if wide is None or narrow is None or wide < MISLEADING_RATIO * narrow:
        return None
    return (
        f"the naive interval is {wide / narrow:.1f} times too narrow: it takes votes of the same rater and on the same "
        "scene as independent"
    )
