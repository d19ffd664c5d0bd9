"""Simulated raters: their answers follow the laws they cite, their populations are what was asked for."""

import math
from collections import Counter

import choix
import numpy as np
import pytest
from scipy.stats import norm

from study.simulation.answers import compare, rate, response_ms
from study.simulation.traits import KINDS, RaterTraits, draw_population, draw_traits, parse_mix

PAPER_SCALE = tuple(range(6))
FINE_SCALE = tuple(range(10_001))  # so fine that rounding to an answer does not matter


def ratings(traits, *, n=4000, quality=0.5, answered=0, values=FINE_SCALE, seed=1):
    rng = np.random.default_rng(seed)
    given = [rate(traits, quality=quality, answered=answered, values=values, rng=rng) for _ in range(n)]
    return np.array(given) / (len(values) - 1)


def choices(traits, *, left, right, n=4000, tie_prominence=0.0, seed=1):
    rng = np.random.default_rng(seed)
    given = Counter(
        compare(traits, left=left, right=right, answered=0, tie_prominence=tie_prominence, rng=rng) for _ in range(n)
    )
    return {choice: given[choice] / n for choice in ("left", "right", "tie")}


def test_opinions_have_the_mean_and_spread_of_p910():
    """U = psi + Delta + upsilon X: mean .5 + .1, standard deviation .08; four standard errors are allowed."""
    given = ratings(RaterTraits("biased", bias=0.1, inconsistency=0.08))
    assert given.mean() == pytest.approx(0.6, abs=4 * 0.08 / math.sqrt(4000))
    assert given.std(ddof=1) == pytest.approx(0.08, rel=4 / math.sqrt(2 * 4000))


def test_a_rater_without_noise_gives_the_nearest_answer_of_the_scale():
    steady = RaterTraits("honest")
    for quality, answer in [(-0.3, 0), (0.0, 0), (0.29, 1), (0.31, 2), (0.99, 5), (1.4, 5)]:
        assert rate(steady, quality=quality, answered=0, values=PAPER_SCALE, rng=np.random.default_rng(0)) == answer


def test_answers_of_a_scale_that_begins_at_1_are_its_own():
    steady, rng = RaterTraits("honest"), np.random.default_rng(0)
    given = [rate(steady, quality=q, answered=0, values=(1, 2, 3, 4, 5), rng=rng) for q in (0, 0.5, 1)]
    assert given == [1, 3, 5]


def test_drift_and_tiring_grow_with_the_trials_behind():
    drifting = RaterTraits("honest", drift_per_trial=0.01)
    assert ratings(drifting, n=1, answered=20)[0] == pytest.approx(0.7)
    tiring = RaterTraits("honest", inconsistency=0.05, tiring_per_trial=0.1)
    assert ratings(tiring, answered=10).std() == pytest.approx(2 * ratings(tiring).std(), rel=1e-2)


def test_a_straight_liner_gives_one_answer_whatever_is_shown():
    straight = draw_traits("straight", trials=10, rng=np.random.default_rng(3))
    given = {float(ratings(straight, n=1, quality=quality, seed=seed)[0]) for seed, quality in enumerate((0, 0.4, 1))}
    assert len(given) == 1
    assert sorted(choices(straight, left=0.1, right=0.9, tie_prominence=1).values()) == [0, 0, 1]


@pytest.mark.parametrize("difference", np.linspace(-0.6, 0.6, 7))
def test_choices_without_ties_follow_thurstone_case_v(difference):
    """The logistic law differs from the normal one by at most .0095 (Johnson and Kotz); .03 is sampling."""
    given = choices(RaterTraits("honest", inconsistency=0.15), left=0.5 + difference, right=0.5)
    expected = norm.cdf(difference / (math.sqrt(2) * 0.15))
    assert given["tie"] == 0
    assert given["left"] == pytest.approx(expected, abs=0.0095 + 4 * math.sqrt(expected * (1 - expected) / 4000))


def test_ties_follow_davidson():
    """P(tie) = nu sqrt(pi_l pi_r) / (pi_l + pi_r + nu sqrt(pi_l pi_r)), written once more as it stands in the paper."""
    traits, nu, scale = RaterTraits("honest", inconsistency=0.2), 0.7, 0.2 * math.sqrt(2) / 1.702
    left, right = math.exp(0.6 / scale), math.exp(0.5 / scale)
    total = left + right + nu * math.sqrt(left * right)
    given = choices(traits, left=0.6, right=0.5, tie_prominence=nu, n=20_000)
    assert given["left"] == pytest.approx(left / total, abs=0.014)
    assert given["tie"] == pytest.approx(nu * math.sqrt(left * right) / total, abs=0.014)


def test_bradley_terry_recovers_the_planted_qualities():
    rng, qualities, traits = np.random.default_rng(5), [0.3, 0.45, 0.6, 0.7], RaterTraits("honest", inconsistency=0.2)
    wins = []
    for _ in range(1500):
        for i, j in [(i, j) for i in range(4) for j in range(4) if i < j]:
            left = compare(traits, left=qualities[i], right=qualities[j], answered=0, tie_prominence=0, rng=rng)
            wins.append((i, j) if left == "left" else (j, i))
    fitted = choix.opt_pairwise(4, wins) * 0.2 * math.sqrt(2) / 1.702
    assert fitted - fitted.mean() == pytest.approx(np.array(qualities) - np.mean(qualities), abs=0.015)


def test_a_side_biased_rater_prefers_a_side_between_equals():
    rightist = RaterTraits("side", inconsistency=0.15, side_bias=-0.3)
    assert choices(rightist, left=0.5, right=0.5)["left"] < 0.15


def test_a_rater_without_noise_never_chooses_the_worse():
    assert choices(RaterTraits("honest"), left=0.51, right=0.5, tie_prominence=2, n=200)["left"] == 1


def test_half_of_the_response_times_are_below_the_median():
    rng, traits = np.random.default_rng(2), RaterTraits("honest", median_response_ms=3000)
    times = [response_ms(traits, rng) for _ in range(4000)]
    assert np.median(times) == pytest.approx(3000, rel=0.05)
    assert min(times) >= 200


@pytest.mark.parametrize("changes", [{"kind": "kind"}, {"inconsistency": -1}, {"median_response_ms": 0}])
def test_traits_no_rater_can_have_are_refused(changes):
    with pytest.raises(ValueError, match=next(iter(changes))):
        RaterTraits(**{"kind": "honest", **changes})


def test_a_negative_tie_prominence_is_refused():
    with pytest.raises(ValueError, match="tie_prominence"):
        choices(RaterTraits("honest"), left=0, right=1, tie_prominence=-1)


def test_a_population_has_the_shares_asked_for_and_a_seed_of_its_own():
    mix = parse_mix("honest=.55, noisy=.15, straight=.1, side=.05, biased=.05, leaving=.1")
    population = draw_population(mix, raters=40, trials=32, seed=7)
    assert Counter(traits.kind for traits in population) == {
        "honest": 22,
        "noisy": 6,
        "straight": 4,
        "side": 2,
        "biased": 2,
        "leaving": 4,
    }
    assert draw_population(mix, raters=40, trials=32, seed=7) == population
    assert draw_population(mix, raters=40, trials=32, seed=8) != population


def test_shares_that_do_not_divide_evenly_still_give_every_rater():
    population = draw_population(parse_mix("honest=.333,noisy=.333,leaving=.334"), raters=7, trials=5, seed=0)
    assert sorted(Counter(traits.kind for traits in population).values()) == [2, 2, 3]


def test_leaving_raters_leave_at_every_trial_about_equally_often():
    rng = np.random.default_rng(4)
    left = Counter(draw_traits("leaving", trials=5, rng=rng).leaves_after for _ in range(1000))
    assert set(left) == {0, 1, 2, 3, 4}
    assert all(150 < count < 250 for count in left.values())
    assert all(draw_traits(kind, trials=5, rng=rng).leaves_after is None for kind in KINDS if kind != "leaving")


@pytest.mark.parametrize(
    "text",
    ["", "honest", "honest=x", "honest=.5", "honest=.5,honest=.5", "kind=1", "honest=1.5,noisy=-.5", "honest=nan"],
)
def test_a_mix_that_is_none_is_refused(text):
    with pytest.raises(ValueError, match="mix"):
        parse_mix(text)


def test_no_raters_is_no_population():
    with pytest.raises(ValueError, match="raters"):
        draw_population({"honest": 1.0}, raters=0, trials=5, seed=0)
