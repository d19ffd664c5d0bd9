"""What a fit to comparisons yields, and the Newton ascent the fits share.

Scores sum to 0 over the methods: only differences mean anything, so intervals of differences are what to report.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from study.statistics.errors import NotConverged
from study.statistics.intervals import Interval, check_confidence

Vector = NDArray[np.float64]
Derivatives = Callable[[Vector], tuple[float, Vector, NDArray[np.float64]]]
FISHER_TEXT = "normal interval from the Fisher information, votes taken as independent"
_MAXIMUM_STEPS = 200
_STEP_TOLERANCE = 1e-10


@dataclass(frozen=True)
class ScoreDifference:
    """How far `first` lies above `second`."""

    first: str
    second: str
    value: float | None
    standard_error: float | None
    interval: Interval


@dataclass(frozen=True, eq=False)
class PairwiseScale:
    """Scores of methods from comparisons; all None beside a message where the votes determine none.

    `components` are the groups linked by wins both ways; one group means that the scale exists. `prior` counts the
    wins added to each side of every pair (0: plain maximum likelihood).
    """

    model: str
    names: tuple[str, ...]
    unit: str
    scores: tuple[float | None, ...]
    standard_errors: tuple[float | None, ...]
    covariance: NDArray[np.float64] | None
    tie_parameter: float | None
    prior: float
    n_votes: float
    confidence: float
    components: tuple[tuple[str, ...], ...]
    message: str | None

    @property
    def exists(self) -> bool:
        """Whether there are scores."""
        return self.covariance is not None

    def intervals(self) -> tuple[Interval, ...]:
        """Interval of each method's distance from the methods' mean."""
        pairs = zip(self.scores, self.standard_errors, strict=True)
        return tuple(self._interval(score, error) for score, error in pairs)

    def differences(self) -> tuple[ScoreDifference, ...]:
        """Differences of all pairs (i < j), with Var = C_ii + C_jj - 2 C_ij."""
        size = len(self.names)
        return tuple(self.difference(i, j) for i in range(size) for j in range(i + 1, size))

    def difference(self, first: int, second: int) -> ScoreDifference:
        """How far one method lies above another, by their codes."""
        upper, lower = self.scores[first], self.scores[second]
        value, error = None, None
        if upper is not None and lower is not None and self.covariance is not None:
            value = upper - lower
            c = self.covariance
            error = math.sqrt(max(c[first, first] + c[second, second] - 2 * c[first, second], 0.0))
        return ScoreDifference(self.names[first], self.names[second], value, error, self._interval(value, error))

    def _interval(self, value: float | None, error: float | None) -> Interval:
        """value ± z · error."""
        if value is None or error is None:
            return Interval(None, None, self.confidence, FISHER_TEXT, self.message)
        half_width = float(stats.norm.ppf((1 + self.confidence) / 2)) * error
        return Interval.around(value, half_width, confidence=self.confidence, method=FISHER_TEXT)


@dataclass(frozen=True)
class ScaleRequest:
    """What every fit is asked with: names, prior wins per side of each pair, and the confidence of its intervals."""

    model: str
    unit: str
    names: tuple[str, ...]
    prior: float
    confidence: float

    def missing(self, message: str, *, n_votes: float, components: tuple[tuple[int, ...], ...]) -> PairwiseScale:
        """The scale that does not exist."""
        nothing = (None,) * len(self.names)
        return self._scale(nothing, nothing, None, n_votes=n_votes, components=components, message=message)

    def found(
        self,
        scores: Vector,
        covariance: NDArray[np.float64],
        *,
        n_votes: float,
        tie_parameter: float | None = None,
        message: str | None = None,
    ) -> PairwiseScale:
        """The scale with these scores, [methods], and their covariance, [methods, methods]."""
        errors = np.sqrt(np.maximum(np.diagonal(covariance), 0.0))
        everything = (tuple(range(len(self.names))),)
        return self._scale(
            tuple(scores.tolist()),
            tuple(errors.tolist()),
            covariance,
            n_votes=n_votes,
            components=everything,
            tie_parameter=tie_parameter,
            message=message,
        )

    def _scale(self, scores: Any, errors: Any, covariance: Any, *, components: Any, **rest: Any) -> PairwiseScale:
        """Put the request beside the result."""
        return PairwiseScale(
            model=self.model,
            names=self.names,
            unit=self.unit,
            scores=scores,
            standard_errors=errors,
            covariance=covariance,
            tie_parameter=rest.get("tie_parameter"),
            prior=self.prior,
            n_votes=rest["n_votes"],
            confidence=self.confidence,
            components=tuple(tuple(self.names[code] for code in group) for group in components),
            message=rest["message"],
        )


def scale_request(
    model: str, unit: str, *, size: int, names: Sequence[str] | None, prior: float, confidence: float
) -> ScaleRequest:
    """Check what a fit is asked with; names default to 0, 1, 2, ..."""
    check_confidence(confidence)
    labels = tuple(str(code) for code in range(size)) if names is None else tuple(names)
    if len(labels) != size:
        raise ValueError(f"names must be one per method, {size}, got {len(labels)}")
    if not 0 <= prior < math.inf:
        raise ValueError(f"prior must be a number of wins, 0 or more, got {prior}")
    text = model if prior == 0 else f"{model}, {prior:g} prior wins added to each side of every pair"
    return ScaleRequest(text, unit, labels, prior, confidence)


def with_prior(wins: NDArray[np.float64], prior: float) -> NDArray[np.float64]:
    """Wins with `prior` more on each side of every pair."""
    return wins + prior * (1 - np.eye(len(wins)))


def pseudo_inverse(information: NDArray[np.float64]) -> NDArray[np.float64]:
    """Covariance of scores that sum to 0 from an information whose rows sum to 0."""
    return np.asarray(np.linalg.pinv(information, hermitian=True), dtype=np.float64)


def maximise(derivatives: Derivatives, start: Vector) -> Vector:
    """Climb a concave log likelihood by Newton steps, halved until they climb.

    Args:
        derivatives: Gives value, gradient and information (minus the second derivatives, positive definite).
    Raises:
        NotConverged: no step below 1e-10 within 200.
    """
    point = start
    value, gradient, information = derivatives(point)
    for _ in range(_MAXIMUM_STEPS):
        step = np.linalg.solve(information, gradient)
        if float(np.abs(step).max()) < _STEP_TOLERANCE:
            return point + step
        length = 1.0
        while (result := derivatives(point + length * step))[0] < value - 1e-12 * abs(value) and length > 1e-9:
            length /= 2
        point = point + length * step
        value, gradient, information = result
    raise NotConverged(f"the scale did not converge within {_MAXIMUM_STEPS} Newton steps; check the counts")
