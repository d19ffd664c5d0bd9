# ruff: noqa: RUF002  The Greek letters are the sources' symbols.
"""Davidson (1970): Bradley-Terry with ties. With π = e^θ, Σθ = 0,

    P(i preferred to j) = π_i / (π_i + π_j + ν √(π_i π_j)),   P(tie) = ν √(π_i π_j) / (the same).

Divided by √(π_i π_j), the three outcomes have the log weights (θ_i - θ_j)/2, (θ_j - θ_i)/2 and λ = ln ν: a concave
log likelihood. It has a unique maximum exactly if no direction (d, l) of (θ, λ) other than adding one constant to θ
leaves every observed outcome at least as likely: every win i over j needs d_i - d_j ≥ max(0, 2l), every tie
|d_i - d_j| ≤ 2l. With l = 0 that asks for a digraph of wins and (two-way) ties that is strongly connected; l < 0 is
open only without ties; l > 0 only where the wins go round in no circle.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.optimize import linprog

from study.statistics.bradley_terry import bradley_terry
from study.statistics.existence import Matrix, checked_counts, missing_scale_message, strong_components
from study.statistics.pairwise_scale import PairwiseScale, ScaleRequest, Vector, maximise, scale_request, with_prior


def davidson(
    wins: Any, ties: Any, *, names: Sequence[str] | None = None, prior: float = 0.0, confidence: float = 0.95
) -> PairwiseScale:
    """Fit scores and the tie parameter ν together where the maximum exists; errors from the joint Fisher information.

    Without any tie ν is 0 and the scale is Bradley-Terry's, which `message` says.

    Args:
        wins: [i, j] is how often i was preferred to j.
        ties: Symmetric; [i, j] is how often i and j were tied.
        prior: Wins added to each side of every pair; none is added to ties.
    Raises:
        ValueError: counts that are no counts, ties that are not symmetric, or names that are not one per method.
        NotConverged: the fit found no maximum.
    """
    counts, draws = checked_counts(wins, "wins"), checked_counts(ties, "ties")
    if counts.shape != draws.shape or not np.array_equal(draws, draws.T):
        raise ValueError("ties must be symmetric and of the shape of wins")
    request = scale_request("Davidson", "logit", size=len(counts), names=names, prior=prior, confidence=confidence)
    n_votes = float(counts.sum() + draws.sum() / 2)
    if not draws.any():
        return _without_ties(request, counts)
    counts = with_prior(counts, prior)
    message = _missing_message(counts, draws, request.names)
    if message:
        return request.missing(message, n_votes=n_votes, components=strong_components(counts + draws))
    return _fitted(request, counts, draws, n_votes=n_votes)


def _fitted(request: ScaleRequest, wins: Matrix, ties: Matrix, *, n_votes: float) -> PairwiseScale:
    """Maximise, centre, and read the scores' covariance off the inverse information."""
    size = len(wins)
    start = np.zeros(size + 1)
    start[-1] = np.log(max(float(ties.sum()), 1e-3) / float(wins.sum()))
    best = maximise(lambda point: _derivatives(point, wins, ties), start)
    scores = best[:-1] - best[:-1].mean()
    # The pin adds 1/size along the free direction, so its inverse has 1/size there; centring takes it off again.
    inverse = np.linalg.inv(_derivatives(np.append(scores, best[-1]), wins, ties)[2])[:-1, :-1]
    centring = np.eye(size) - 1 / size
    return request.found(scores, centring @ inverse @ centring, n_votes=n_votes, tie_parameter=float(np.exp(best[-1])))


def _derivatives(point: Vector, wins: Matrix, ties: Matrix) -> tuple[float, Vector, Matrix]:
    """Log likelihood, gradient and information of (θ, λ); each pair counts once, i < j."""
    scores, log_nu = point[:-1], point[-1]
    size = len(scores)
    half = (scores[:, None] - scores[None, :]) / 2
    top = np.maximum(np.abs(half), log_nu)
    weights = np.exp(half - top), np.exp(-half - top), np.exp(log_nu - top)
    total = weights[0] + weights[1] + weights[2]
    p_win, p_loss, p_tie = (weight / total for weight in weights)
    n = wins + wins.T + ties
    value = float((wins * half).sum() + ties.sum() / 2 * log_nu - (n * (top + np.log(total))).sum() / 2)
    surprise = (wins - wins.T - n * (p_win - p_loss)) / 2
    gradient = np.append(surprise.sum(axis=1), (ties - n * p_tie).sum() / 2)
    # Per pair, the score gap's feature is ±1/2 or 0 and the tie's 0 or 1: variances and covariance times n.
    gap = n * ((p_win + p_loss) - (p_win - p_loss) ** 2) / 4
    cross = (-n * p_tie * (p_win - p_loss) / 2).sum(axis=1)
    information = np.zeros((size + 1, size + 1))
    information[:size, :size] = np.diag(gap.sum(axis=1)) - gap + 1 / size
    information[:size, size] = information[size, :size] = cross
    information[size, size] = (n * p_tie * (1 - p_tie)).sum() / 2
    return value, gradient, information


def _without_ties(request: ScaleRequest, wins: Matrix) -> PairwiseScale:
    """Bradley-Terry's scale under Davidson's name."""
    plain = bradley_terry(wins, names=request.names, prior=request.prior, confidence=request.confidence)
    n_votes = float(wins.sum())
    if plain.covariance is None:
        components = strong_components(with_prior(wins, request.prior))
        return request.missing(plain.message or "", n_votes=n_votes, components=components)
    scores = np.array(plain.scores, dtype=np.float64)
    message = "no ties: the tie parameter is 0 and the scale is Bradley-Terry's"
    return request.found(scores, plain.covariance, n_votes=n_votes, tie_parameter=0.0, message=message)


def _missing_message(wins: Matrix, ties: Matrix, names: Sequence[str]) -> str | None:
    """Why there is no maximum, or None where there is one."""
    if len(wins) >= 2 and not wins.any():
        return "no scale: all comparisons are ties"
    message = missing_scale_message(wins + ties, names)
    if message is None and _ties_explain_no_loss(wins, ties):
        return (
            "no scale: wins go one way only and ties bridge the rest, so ever larger distances with ever more ties "
            "fit ever better"
        )
    return message


def _ties_explain_no_loss(wins: Matrix, ties: Matrix) -> bool:
    """Whether some d has d_i - d_j ≥ 1 for every win of i over j and |d_i - d_j| ≤ 1 for every tie (l = 1/2)."""
    size = len(wins)
    if len(strong_components(wins)) < size:  # a circle of wins rules such a d out
        return False
    unit = np.eye(size)
    win_rows = [unit[j] - unit[i] for i, j in np.argwhere(wins > 0)]
    tie_rows = [unit[i] - unit[j] for i, j in np.argwhere(ties > 0)]
    limits = [-1.0] * len(win_rows) + [1.0] * len(tie_rows)
    result = linprog(np.zeros(size), A_ub=np.array(win_rows + tie_rows), b_ub=limits, bounds=(None, None))
    return bool(result.status == 0)
