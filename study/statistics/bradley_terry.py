"""Bradley-Terry (1952): P(i preferred to j) = 1 / (1 + e^-(θ_i - θ_j)), Σθ = 0."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import expit, log_expit

from study.statistics.existence import Matrix, checked_counts, missing_scale_message, strong_components
from study.statistics.pairwise_scale import PairwiseScale, Vector, maximise, pseudo_inverse, scale_request, with_prior


def bradley_terry(
    wins: Any, *, names: Sequence[str] | None = None, prior: float = 0.0, confidence: float = 0.95
) -> PairwiseScale:
    """Fit by maximum likelihood where it exists; standard errors from pinv(I), I_ii = Σ n p (1-p), I_ij = -n p (1-p).

    Args:
        wins: [i, j] is how often i was preferred to j; fractions allowed (half a win for a tie).
        prior: Wins added to each side of every pair; above 0 there is always an estimate, and `model` says so.
    Raises:
        ValueError: counts that are no counts, or names that are not one per method.
        NotConverged: the fit found no maximum.
    """
    counts = checked_counts(wins, "wins")
    request = scale_request("Bradley-Terry", "logit", size=len(counts), names=names, prior=prior, confidence=confidence)
    n_votes = float(counts.sum())
    counts = with_prior(counts, prior)
    message = missing_scale_message(counts, request.names)
    if message:
        return request.missing(message, n_votes=n_votes, components=strong_components(counts))
    scores = maximise(lambda point: _derivatives(point, counts), np.zeros(len(counts)))
    scores -= scores.mean()
    covariance = pseudo_inverse(fisher_information(scores, counts))
    return request.found(scores, covariance, n_votes=n_votes)


def fisher_information(scores: Vector, wins: Matrix) -> Matrix:
    """Fisher information of the scores, [methods, methods]; its rows sum to 0."""
    p = expit(scores[:, None] - scores[None, :])
    weights = (wins + wins.T) * p * (1 - p)
    return np.diag(weights.sum(axis=1)) - weights


def _derivatives(scores: Vector, wins: Matrix) -> tuple[float, Vector, Matrix]:
    """Log likelihood, gradient, and information with the free direction (all scores up together) pinned."""
    gaps = scores[:, None] - scores[None, :]
    surprise = wins * expit(-gaps)
    gradient = surprise.sum(axis=1) - surprise.sum(axis=0)
    return float((wins * log_expit(gaps)).sum()), gradient, fisher_information(scores, wins) + 1 / len(scores)
