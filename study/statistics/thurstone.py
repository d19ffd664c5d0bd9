# ruff: noqa: RUF002  The Greek letters are the sources' symbols.
"""Thurstone (1927), case V: P(i preferred to j) = Φ((ψ_i - ψ_j) / σ), in JOD.

σ = 1.4826 makes 1 JOD (just objectionable difference) the distance at which 75 % prefer the better one
(Perez-Ortiz & Mantiuk 2017).
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.stats import norm

from study.statistics.existence import Matrix, checked_counts, missing_scale_message, strong_components
from study.statistics.pairwise_scale import PairwiseScale, Vector, maximise, pseudo_inverse, scale_request, with_prior

JOD_SIGMA = 1.4826


def thurstone(
    wins: Any, *, names: Sequence[str] | None = None, prior: float = 0.0, confidence: float = 0.95
) -> PairwiseScale:
    """Fit by maximum likelihood where it exists; standard errors from the expected (Fisher) information.

    Arguments and errors are those of `bradley_terry`.
    """
    counts = checked_counts(wins, "wins")
    request = scale_request(
        "Thurstone case V", "JOD", size=len(counts), names=names, prior=prior, confidence=confidence
    )
    n_votes = float(counts.sum())
    counts = with_prior(counts, prior)
    message = missing_scale_message(counts, request.names)
    if message:
        return request.missing(message, n_votes=n_votes, components=strong_components(counts))
    scores = maximise(lambda point: _derivatives(point, counts), np.zeros(len(counts)))
    scores -= scores.mean()
    covariance = pseudo_inverse(_fisher_information(scores, counts))
    return request.found(scores, covariance, n_votes=n_votes)


def _derivatives(scores: Vector, wins: Matrix) -> tuple[float, Vector, Matrix]:
    """Log likelihood, gradient, and observed information with the free direction pinned."""
    gaps = (scores[:, None] - scores[None, :]) / JOD_SIGMA
    ratio = np.exp(norm.logpdf(gaps) - norm.logcdf(gaps))
    pull = wins * ratio / JOD_SIGMA
    curvature = wins * ratio * (ratio + gaps) / JOD_SIGMA**2
    curvature = curvature + curvature.T
    information = np.diag(curvature.sum(axis=1)) - curvature
    gradient = pull.sum(axis=1) - pull.sum(axis=0)
    return float((wins * norm.logcdf(gaps)).sum()), gradient, information + 1 / len(scores)


def _fisher_information(scores: Vector, wins: Matrix) -> Matrix:
    """Expected information: weights n φ² / (Φ (1 - Φ)) / σ²."""
    gaps = (scores[:, None] - scores[None, :]) / JOD_SIGMA
    density = np.exp(2 * norm.logpdf(gaps) - norm.logcdf(gaps) - norm.logcdf(-gaps))
    weights = (wins + wins.T) * density / JOD_SIGMA**2
    return np.diag(weights.sum(axis=1)) - weights
