# ruff: noqa: RUF002  The Greek letters are the sources' symbols.
"""Scales from comparisons: published answers, planted truth, and the question whether a scale exists."""

import choix
import numpy as np
import pytest
from scipy import stats
from scipy.optimize import minimize

from study.statistics import (
    JOD_SIGMA,
    NotConverged,
    bradley_terry,
    davidson,
    scale_of,
    strong_components,
    thurstone,
    tie_matrix,
    win_matrix,
)
from study.statistics.pairwise_scale import maximise
from tests.study.statistics.planted import planted_comparisons

WINS = [[0, 3, 2, 7], [1, 0, 6, 3], [4, 3, 0, 0], [1, 2, 5, 0]]


def test_bradley_terry_of_the_four_method_example():
    """sureal, choix, evalica and a generalised linear model agree on scores and standard errors."""
    scale = bradley_terry(WINS)
    assert scale.scores == pytest.approx((0.50989, 0.07398, -0.47041, -0.11347), abs=1e-5)
    assert scale.standard_errors == pytest.approx((0.38042, 0.36801, 0.35803, 0.36512), abs=1e-5)


def test_bradley_terry_of_wikipedias_example():
    """Wikipedia, "Bradley-Terry model" (also in arena-rank's tests): strengths with geometric mean 1."""
    strengths = np.exp(bradley_terry([[0, 2, 0, 1], [3, 0, 5, 0], [0, 3, 0, 1], [4, 0, 3, 0]]).scores)
    assert strengths == pytest.approx([0.640, 1.043, 0.660, 2.270], abs=1e-3)


def test_bradley_terry_of_choixs_test_data():
    """choix's own tests: 0 beats 1 twice, 1 beats 2, 2 beats 0."""
    wins = np.zeros((3, 3))
    for winner, loser in ((0, 1), (0, 1), (1, 2), (2, 0)):
        wins[winner, loser] += 1
    assert bradley_terry(wins).scores == pytest.approx((0.419617624, -0.419617624, 0), abs=1e-8)


def test_bradley_terry_of_agrestis_baseball_teams():
    """Agresti (2002), sec. 10.6.1: American League 1987, Baltimore 0; errors as in BradleyTerry2's vignette."""
    wins = [
        [0, 7, 9, 7, 7, 9, 11], [6, 0, 7, 5, 11, 9, 9], [4, 6, 0, 7, 7, 8, 12], [6, 8, 6, 0, 6, 7, 10],
        [6, 2, 6, 7, 0, 7, 12], [4, 4, 5, 6, 6, 0, 6], [2, 4, 1, 3, 1, 7, 0],
    ]  # fmt: skip
    scale = bradley_terry(wins)
    found = [scale.difference(team, 6) for team in range(6)]
    assert [one.value for one in found] == pytest.approx([1.581, 1.436, 1.294, 1.248, 1.108, 0.684], abs=5e-4)
    assert [one.standard_error for one in found] == pytest.approx([0.343, 0.340, 0.337, 0.336, 0.334, 0.332], abs=6e-4)


def test_bradley_terry_agrees_with_choix_on_random_votes(rng):
    wins = rng.integers(1, 20, (6, 6)) * (1 - np.eye(6, dtype=int))
    pairs = [(i, j) for i in range(6) for j in range(6) for _ in range(wins[i, j])]
    assert bradley_terry(wins).scores == pytest.approx(choix.opt_pairwise(6, pairs, tol=1e-10), abs=1e-5)


def test_differences_have_the_variance_of_differences():
    """Against the information matrix with the first method pinned at 0: Var(θ_1 - θ_0) is then on its diagonal."""
    scale = bradley_terry(WINS)
    wins, theta = np.array(WINS, float), np.array(scale.scores)
    p = 1 / (1 + np.exp(theta[None] - theta[:, None]))
    weights = (wins + wins.T) * p * (1 - p)
    pinned = np.linalg.inv((np.diag(weights.sum(1)) - weights)[1:, 1:])
    for other in (1, 2, 3):
        found = scale.difference(0, other)
        assert found.value == pytest.approx(theta[0] - theta[other])
        assert found.standard_error == pytest.approx(np.sqrt(pinned[other - 1, other - 1]))
        assert found.interval.half_width == pytest.approx(1.959964 * found.standard_error, rel=1e-6)
    assert len(scale.differences()) == 6


def test_thurstone_of_pwcmps_example():
    """pwcmp's README: 25 of 100 and 75 of 100 along a chain of three are -1, 0, 1 JOD, without its prior."""
    scale = thurstone([[0, 25, 0], [75, 0, 25], [0, 75, 0]])
    assert scale.scores == pytest.approx((-1, 0, 1), abs=1e-4)
    assert scale.unit == "JOD"


def test_thurstones_errors_are_those_of_the_delta_method():
    """Two methods, k of n: Var(ψ_1 - ψ_0) = σ² p(1-p)/(n φ(Φ⁻¹(p))²)."""
    scale = thurstone([[0, 30], [70, 0]])
    quantile = stats.norm.ppf(0.7)
    expected = JOD_SIGMA * np.sqrt(0.7 * 0.3 / 100) / stats.norm.pdf(quantile)
    assert scale.difference(1, 0).value == pytest.approx(JOD_SIGMA * quantile)
    assert scale.difference(1, 0).standard_error == pytest.approx(expected)


def test_davidson_agrees_with_a_plain_minimisation_and_with_newman():
    """Second implementation: the likelihood as written, by scipy. evalica 0.4.2's newman gives the same scores and
    v = ν/2 with ν = 0.69375564."""
    wins, ties = [[0, 8, 9], [4, 0, 7], [2, 3, 0]], [[0, 3, 2], [3, 0, 5], [2, 5, 0]]
    scale = davidson(wins, ties)

    def surprise(point):
        strength, nu = np.exp([*point[:2], -point[0] - point[1]]), np.exp(point[2])
        total = 0.0
        for i, j in ((0, 1), (0, 2), (1, 2)):
            tie = nu * np.sqrt(strength[i] * strength[j])
            z = strength[i] + strength[j] + tie
            total -= wins[i][j] * np.log(strength[i] / z) + wins[j][i] * np.log(strength[j] / z)
            total -= ties[i][j] * np.log(tie / z)
        return total

    plain = minimize(surprise, np.zeros(3), method="BFGS", options={"gtol": 1e-8})
    assert scale.scores[:2] == pytest.approx(plain.x[:2], abs=1e-5)
    assert scale.scores == pytest.approx((0.785659948, 0, -0.785659948), abs=1e-6)
    assert scale.tie_parameter == pytest.approx(0.6937556420, abs=1e-6)
    steps = 1e-3 * np.eye(3)
    hessian = [
        [
            (
                surprise(plain.x + a + b)
                - surprise(plain.x + a - b)
                - surprise(plain.x - a + b)
                + surprise(plain.x - a - b)
            )
            / 4e-6
            for b in steps
        ]
        for a in steps
    ]
    assert scale.standard_errors[:2] == pytest.approx(np.sqrt(np.diag(np.linalg.inv(hessian)))[:2], rel=1e-3)


def test_davidson_without_ties_is_bradley_terry():
    scale, plain = davidson(WINS, np.zeros((4, 4))), bradley_terry(WINS)
    assert scale.scores == pytest.approx(plain.scores)
    assert scale.standard_errors == pytest.approx(plain.standard_errors)
    assert scale.tie_parameter == 0
    assert "no ties" in scale.message


def test_planted_scores_and_ties_are_recovered(rng):
    """40,000 votes: every score within four of its standard errors, ν within 5 %."""
    truth = np.array([-1.0, -0.2, 0.1, 1.1])
    scale = scale_of(planted_comparisons(rng, truth, n=40_000, tie=0.5))
    assert np.all(np.abs(np.array(scale.scores) - truth) < 4 * np.array(scale.standard_errors))
    assert scale.tie_parameter == pytest.approx(0.5, rel=0.05)


def test_planted_jods_are_recovered(rng):
    truth = np.array([-1.5, 0.0, 0.5, 1.0])
    votes = planted_comparisons(rng, truth, n=40_000, probability=lambda gap: stats.norm.cdf(gap / JOD_SIGMA))
    scale = scale_of(votes, model="thurstone")
    assert np.all(np.abs(np.array(scale.scores) - truth) < 4 * np.array(scale.standard_errors))


def test_leaving_ties_out_keeps_planted_scores_and_is_said(rng):
    truth = np.array([-1.0, 0.0, 1.0])
    scale = scale_of(planted_comparisons(rng, truth, n=40_000, tie=1.0), model="bradley_terry")
    assert np.all(np.abs(np.array(scale.scores) - truth) < 4 * np.array(scale.standard_errors))
    assert "ties left out" in scale.model


def test_wins_and_ties_are_counted_by_method_not_by_side(rng):
    votes = planted_comparisons(rng, [0, 1, 2], n=500, tie=0.5)
    wins, ties = np.zeros((3, 3)), np.zeros((3, 3))
    for left, right, outcome in zip(votes.left, votes.right, votes.outcome, strict=True):
        if outcome == 0:
            ties[left, right] += 1
            ties[right, left] += 1
        else:
            wins[(left, right) if outcome == 1 else (right, left)] += 1
    assert np.array_equal(win_matrix(votes), wins)
    assert np.array_equal(tie_matrix(votes), ties)
    assert np.array_equal(win_matrix(votes, tie_share=0.5), wins + ties / 2)


def test_swapping_all_sides_changes_nothing(rng):
    votes = planted_comparisons(rng, [0, 1, 2], n=500, tie=0.5)
    swapped = type(votes)(
        votes.raters, votes.scenes, votes.methods, votes.rater, votes.scene, votes.right, votes.left, -votes.outcome,
        votes.repeat,
    )  # fmt: skip
    assert scale_of(swapped).scores == pytest.approx(scale_of(votes).scores)


@pytest.mark.parametrize(
    "fit", [bradley_terry, thurstone, lambda wins, names: davidson(wins, 0 * np.array(wins), names=names)]
)
class TestWhereNoScaleExists:
    def test_disconnected_methods_are_named_in_their_groups(self, fit):
        scale = fit([[0, 2, 0, 0], [1, 0, 0, 0], [0, 0, 0, 3], [0, 0, 1, 0]], names=("A", "B", "C", "D"))
        assert scale.scores == (None,) * 4
        assert scale.components == (("A", "B"), ("C", "D"))
        assert "{A, B}, {C, D}" in scale.message

    def test_a_method_that_never_lost_is_named(self, fit):
        """choix.opt_pairwise and evalica return numbers here all the same."""
        scale = fit([[0, 2, 3], [0, 0, 1], [0, 2, 0]], names=("A", "B", "C"))
        assert scale.covariance is None
        assert scale.components == (("A",), ("B", "C"))
        assert "never lost" in scale.message
        assert "{A}, {B, C}" in scale.message
        assert all(interval.low is None for interval in scale.intervals())
        assert scale.difference(0, 1).value is None

    def test_no_decided_vote_is_said(self, fit):
        assert "no comparison was decided" in fit(np.zeros((3, 3)), names=("A", "B", "C")).message


def test_a_stated_prior_makes_a_scale_of_separated_votes():
    scale = bradley_terry([[0, 2, 3], [0, 0, 1], [0, 2, 0]], prior=0.5)
    assert scale.exists
    assert scale.scores[0] > max(scale.scores[1:])
    assert "0.5 prior wins" in scale.model


def test_all_tied_is_said():
    scale = davidson(np.zeros((3, 3)), 4 * (1 - np.eye(3)))
    assert scale.scores == (None,) * 3
    assert "all comparisons are ties" in scale.message


def test_davidson_knows_when_ties_link_what_wins_do_not():
    """A beats B, B beats C, A and C tie: d_A - d_C would have to be 2 and at most 1, so the maximum exists."""
    wins = [[0, 1, 0], [0, 0, 1], [0, 0, 0]]
    ties = [[0, 0, 5], [0, 0, 0], [5, 0, 0]]
    assert davidson(wins, ties).exists
    assert not bradley_terry(wins).exists


def test_davidson_knows_when_ties_do_not_help():
    """A beats B and ties with B, never loses: θ and ν grow together without end, and the likelihood with them."""
    scale = davidson([[0, 3], [0, 0]], [[0, 2], [2, 0]])
    assert not scale.exists
    assert "one way only" in scale.message


def test_components_come_winners_first():
    assert strong_components([[0, 0, 0], [1, 0, 0], [0, 1, 0]]) == ((2,), (1,), (0,))


@pytest.mark.parametrize(
    ("wins", "words"),
    [
        ([[0, 1]], "square"),
        ([[0, -1], [1, 0]], "not negative"),
        ([[1, 1], [1, 0]], "empty diagonal"),
        ([[0, np.nan], [1, 0]], "finite"),
    ],
)
def test_counts_that_are_none_are_refused(wins, words):
    with pytest.raises(ValueError, match=words):
        bradley_terry(wins)


def test_a_climb_that_does_not_end_raises():
    """A straight slope has no top."""
    with pytest.raises(NotConverged):
        maximise(lambda point: (float(point.sum()), np.ones(1), np.eye(1)), np.zeros(1))
