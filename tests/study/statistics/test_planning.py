"""Planning: published sample sizes, inversion of the formulas, and simulation that confirms them."""

import numpy as np
import pytest
from scipy import stats

from study.statistics import (
    Spread,
    method_scores,
    pairs_for_power,
    pilot_difference_spread,
    pilot_spread,
    plan_half_width,
    plan_power,
    raters_for_half_width,
    simulate_plan,
    two_way_half_width,
    two_way_power,
)
from tests.study.statistics.planted import full_ratings

SPREAD = Spread(0.3, 0.4, 0.4, 0.2)


def test_sixty_two_votes_for_a_quarter_of_a_point():
    """n = (1.96 S / h)², S = 1, h = .25: 61.5, so 62."""
    assert raters_for_half_width(deviation=1, half_width=0.25) == 62


def test_thirty_four_pairs_for_half_a_deviation():
    """statsmodels: TTestPower().solve_power(effect_size=.5, alpha=.05, power=.8) = 33.367."""
    found = pairs_for_power(effect=0.5)
    assert found.exact == pytest.approx(33.37, abs=0.005)
    assert found.whole == 34


def test_a_huge_effect_needs_few_pairs_and_a_tiny_one_many():
    assert pairs_for_power(effect=20).whole <= 3
    normal = ((stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) / 0.01) ** 2
    assert pairs_for_power(effect=0.01).exact == pytest.approx(normal, rel=0.001)


def test_the_planned_half_width_is_that_of_a_study_with_these_components(rng):
    """A complete table whose own components are planned with gives its own interval back."""
    table = rng.normal(0, 1, (9, 1, 1)) + rng.normal(0, 1, (6, 1)) + rng.normal(0, 1, (9, 6, 1))
    ratings = full_ratings(table)
    planned = two_way_half_width(pilot_spread(ratings, "m0"), raters=9, scenes=6)
    assert planned == pytest.approx(method_scores(ratings)[0].two_way.half_width)


def test_a_plan_takes_the_fewest_raters_that_reach_the_goal():
    plan = plan_half_width(SPREAD, half_width=0.5, scenes=20, repeats=2)
    assert plan.half_width <= 0.5 < two_way_half_width(SPREAD, raters=plan.raters - 1, scenes=20, repeats=2)
    assert plan.votes == plan.raters * 40
    powered = plan_power(SPREAD, difference=0.6, scenes=20)
    assert powered.power >= 0.8 > two_way_power(SPREAD, difference=0.6, raters=powered.raters - 1, scenes=20)


def test_what_no_number_of_raters_reaches_is_said():
    """Ten scenes with v_y = .4 leave t(9) √(.4/10) = .452 whoever rates them."""
    plan = plan_half_width(SPREAD, half_width=0.2, scenes=10)
    assert plan.raters is None
    assert plan.half_width == pytest.approx(stats.t.ppf(0.975, 9) * np.sqrt(0.04), abs=0.001)
    assert "add scenes" in plan.message
    assert plan_power(SPREAD, difference=0.1, scenes=10).raters is None


def test_more_repeats_help_exactly_as_far_as_votes_waver():
    once, twice = (two_way_half_width(SPREAD, raters=20, scenes=20, repeats=k) for k in (1, 2))
    assert twice < once
    steady = Spread(0.3, 0.4, 0.6, 0.0)
    assert two_way_half_width(steady, raters=20, scenes=20, repeats=5) == pytest.approx(
        two_way_half_width(steady, raters=20, scenes=20)
    )


def test_simulated_studies_confirm_half_width_coverage_and_power():
    """400 studies: mean half-width within 5 %, coverage and power within four binomial errors."""
    width = simulate_plan(SPREAD, mean=3, raters=20, scenes=20, half_width=9, studies=400, seed=1)
    assert width.mean_half_width == pytest.approx(two_way_half_width(SPREAD, raters=20, scenes=20), rel=0.05)
    assert width.coverage == pytest.approx(0.95, abs=0.045)
    assert width.reached == 1
    gaps = Spread(0.05, 0.1, 0.6, 0.2)
    power = simulate_plan(gaps, mean=0.3, raters=12, scenes=16, studies=400, seed=2).detected
    assert power == pytest.approx(two_way_power(gaps, difference=0.3, raters=12, scenes=16), abs=0.1)


def test_rounded_votes_with_some_missing_are_covered_too():
    found = simulate_plan(SPREAD, mean=4, raters=16, scenes=12, scale=(0, 5), missing=0.3, studies=300, seed=3)
    assert found.coverage == pytest.approx(0.95, abs=0.05)


def test_a_pilots_planted_spread_is_recovered(rng):
    values = rng.normal(0, 0.5, (40, 1, 1)) + rng.normal(0, 0.7, (40, 1)) + rng.normal(0, 0.8, (40, 40, 2))
    values[:, :, 1] += 0.5
    ratings = full_ratings(values)
    found = pilot_spread(ratings, "m0")
    assert (found.rater, found.scene, found.cell) == pytest.approx((0.25, 0.49, 0.64), rel=0.5)
    assert found.vote == 0
    gaps = pilot_difference_spread(ratings, "m1", "m0")
    assert gaps.cell == pytest.approx(1.28, rel=0.1)
    assert max(gaps.rater, gaps.scene) < 0.05


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: raters_for_half_width(deviation=1, half_width=0), "half_width must be above 0"),
        (lambda: pairs_for_power(effect=-1), "effect must be above 0"),
        (lambda: pairs_for_power(effect=1, power=1), "power must be"),
        (lambda: two_way_half_width(SPREAD, raters=1, scenes=5), "2 raters"),
        (lambda: Spread(-1, 0, 0, 0), "must not be negative"),
        (lambda: pilot_spread(full_ratings([[[1.0]]]), "x"), "method must be one of"),
        (lambda: pilot_spread(full_ratings([[[1.0]]]), "m0"), "one rater"),
        (lambda: pilot_spread(full_ratings(np.full((3, 2, 1), 5.0)), "m0"), "all 6 votes on m0 are equal"),
    ],
)
def test_plans_that_make_no_sense_are_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()
