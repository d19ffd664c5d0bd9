"""Metrics against MOS: a planted logistic, scipy's coefficients, and fits that do not exist."""

import numpy as np
import pytest
from scipy import stats

from study.statistics import NotConverged, fit_logistic, metric_agreement


def _planted(rng, n=80, noise=0.2, sign=1):
    metric = rng.uniform(20, 40, n)
    mos = 1 + 3.5 / (1 + np.exp(-(metric - 30) / 3)) + rng.normal(0, noise, n)
    return sign * metric, mos


def test_a_planted_logistic_is_recovered_exactly_without_noise(rng):
    logistic = fit_logistic(*_planted(rng, noise=0))
    assert (logistic.ceiling, logistic.floor, logistic.centre, logistic.width) == pytest.approx(
        (4.5, 1, 30, 3), abs=1e-5
    )
    assert logistic([30]) == pytest.approx([2.75])


def test_coefficients_are_those_of_scipy_and_the_rmse_is_the_planted_noise(rng):
    metric, mos = _planted(rng, n=400)
    found = metric_agreement(metric, mos, name="psnr", resamples=60)
    predicted = found.logistic(metric)
    assert found.plcc.value == pytest.approx(stats.pearsonr(predicted, mos).statistic)
    assert found.srocc.value == pytest.approx(stats.spearmanr(metric, mos).statistic)
    assert found.krocc.value == pytest.approx(stats.kendalltau(metric, mos).statistic)
    assert found.rmse.value == pytest.approx(np.sqrt(np.mean((mos - predicted) ** 2)))
    assert found.rmse.value == pytest.approx(0.2, abs=0.03)
    for estimate in (found.plcc, found.srocc, found.krocc, found.rmse):
        assert estimate.interval.low < estimate.value < estimate.interval.high


def test_a_distance_keeps_the_sign_of_its_ranks_and_not_of_its_fit(rng):
    up, down = (
        metric_agreement(*_planted(np.random.default_rng(3), sign=sign), name="x", resamples=20) for sign in (1, -1)
    )
    assert down.srocc.value == pytest.approx(-up.srocc.value)
    assert down.plcc.value == pytest.approx(up.plcc.value)


def test_the_unit_of_a_metric_does_not_matter(rng):
    metric, mos = _planted(rng)
    one, other = (metric_agreement(values, mos, name="x", resamples=20) for values in (metric, 1e-4 * metric + 7))
    assert other.plcc.value == pytest.approx(one.plcc.value, abs=1e-5)


def test_whole_scenes_are_resampled_where_they_are_named(rng):
    """Errors shared by the stimuli of a scene: resampling stimuli would claim too narrow an interval."""
    scene = np.repeat(np.arange(10), 8)
    metric, mos = _planted(rng, noise=0.05)
    mos = mos + rng.normal(0, 0.6, 10)[scene]
    apart, together = (metric_agreement(metric, mos, name="x", clusters=c, resamples=150) for c in (None, scene))
    assert "over scenes" in together.plcc.interval.method
    assert together.rmse.interval.half_width > 1.3 * apart.rmse.interval.half_width


@pytest.mark.parametrize(
    ("metric", "mos", "words"),
    [
        ([1, 2, 3, 4], [1, 2, 3, 4], "at least 5"),
        ([2, 2, 2, 2, 2], [1, 2, 3, 4, 5], "metric is the same"),
        ([1, 2, 3, 4, 5], [3, 3, 3, 3, 3], "MOS is the same"),
        ([], [], "0 stimuli"),
    ],
)
def test_what_cannot_be_compared_says_why(metric, mos, words):
    found = metric_agreement(metric, mos, name="x")
    assert (found.plcc.value, found.srocc.value, found.logistic) == (None, None, None)
    assert words in found.message
    with pytest.raises(ValueError, match=words):
        fit_logistic(metric, mos)


def test_without_a_fit_there_are_rank_correlations_alone():
    """An exponential has no ceiling: the best logistic's lies at infinity. Its ranks agree all the same."""
    x = np.linspace(0, 10, 30)
    with pytest.raises(NotConverged, match="did not converge"):
        fit_logistic(x, np.exp(x))
    found = metric_agreement(x, np.exp(x), name="x", resamples=100)
    assert (found.plcc.value, found.rmse.value, found.logistic) == (None, None, None)
    assert "did not converge" in found.message
    assert (found.srocc.value, found.krocc.value) == pytest.approx((1, 1))
    assert (found.srocc.interval.low, found.krocc.interval.high) == pytest.approx((1, 1))


def test_one_scene_alone_has_no_interval(rng):
    """Drawn again it is the same scene: the interval would have no width."""
    metric, mos = _planted(rng, noise=0.1)
    found = metric_agreement(metric, mos, name="x", clusters=["dog"] * len(mos), resamples=100)
    assert found.srocc.value is not None
    assert all(part.interval.low is None for part in (found.plcc, found.srocc, found.krocc, found.rmse))
    assert "one scene" in found.plcc.interval.message


@pytest.mark.parametrize(("metric", "mos"), [([1, 2], [1, 2, 3]), ([1, 2, np.nan], [1, 2, 3])])
def test_lists_that_do_not_fit_are_refused(metric, mos):
    with pytest.raises(ValueError, match="metric and mos"):
        metric_agreement(metric, mos, name="x")
