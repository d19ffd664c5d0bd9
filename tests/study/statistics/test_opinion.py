"""Mean opinion scores against closed forms and published answers."""

import numpy as np
import pytest
from scipy import stats

from study.statistics import Ratings, bca_interval, mean_opinion_score, stimulus_scores, t_interval, z_interval
from tests.study.statistics.planted import full_ratings


def test_r_sleep_differences():
    """R: t.test(extra ~ group, data = sleep, paired = TRUE) gives 1.58 [0.7001142, 2.4598858]."""
    differences = [1.2, 2.4, 1.3, 1.3, 0.0, 1.0, 1.8, 0.8, 4.6, 1.4]
    score = mean_opinion_score(differences)
    assert score.mean == pytest.approx(1.58)
    assert score.low == pytest.approx(0.7001142, abs=1e-6)
    assert score.high == pytest.approx(2.4598858, abs=1e-6)


def test_two_ratings_have_the_cauchy_quantile():
    """With one degree of freedom t is Cauchy: its .975 quantile is tan(.475 pi), and S / sqrt(2) = |a - b| / 2."""
    score = mean_opinion_score([2, 5])
    assert score.half_width == pytest.approx(np.tan(0.475 * np.pi) * 1.5)


def test_three_ratings_by_hand():
    """t(.975, 2) = 4.302653 (table), S = 1: 4.302653 / sqrt(3) = 2.484138. It leaves the scale and is not clipped."""
    score = mean_opinion_score([3, 4, 5])
    assert score.half_width == pytest.approx(2.484138, abs=1e-6)
    assert score.high > 5


def test_one_rating_has_no_interval():
    score = mean_opinion_score([4])
    assert (score.mean, score.n) == (4.0, 1)
    assert score.half_width is None
    assert score.low is None
    assert score.high is None
    assert score.standard_deviation is None


def test_the_interval_covers_the_true_mean_as_often_as_it_says(rng):
    draws = rng.normal(3.0, 1.0, (4000, 6))
    scores = [mean_opinion_score(draw) for draw in draws]
    covered = np.mean([score.low <= 3.0 <= score.high for score in scores])
    assert covered == pytest.approx(0.95, abs=0.0104)  # three standard errors of a proportion of 4000


@pytest.mark.parametrize("values", [[], [[1, 2], [3, 4]], [1.0, float("nan")]])
def test_what_is_no_list_of_ratings_is_refused(values):
    with pytest.raises(ValueError, match="values"):
        mean_opinion_score(values)


@pytest.mark.parametrize("confidence", [0, 1, 95])
def test_a_confidence_is_a_proportion(confidence):
    with pytest.raises(ValueError, match="confidence"):
        mean_opinion_score([1, 2], confidence=confidence)


def test_sureals_example_has_its_mean_and_standard_error():
    """sureal's test of test_dataset_os_as_dict: 3, 4, 1 on the first picture give 2.6667, standard error .881917."""
    ratings = Ratings.from_rows(
        [
            (rater, f"scene {scene}", "m", value)
            for rater, values in {"Tom": (3, 2, 4), "Merry": (4, 1, 1), "Pipin": (1, 3, 3)}.items()
            for scene, value in enumerate(values)
        ]
    )
    first = stimulus_scores(ratings)[0]
    assert first.mos == pytest.approx(2.6666667)
    assert first.sd / np.sqrt(first.n_votes) == pytest.approx(0.881917103688197)
    assert first.interval.half_width == pytest.approx(stats.t.ppf(0.975, 2) * 0.881917103688197)


def test_every_stimulus_has_the_interval_of_its_own_votes(rng):
    ratings = full_ratings(np.where(rng.random((9, 4, 3)) < 0.6, rng.integers(0, 6, (9, 4, 3)), np.nan))
    for code, score in enumerate(stimulus_scores(ratings)):
        own = ratings.value[ratings.stimulus == code]
        assert (score.scene, score.method) == ratings.stimulus_name(code)
        assert score.n_votes == own.size
        assert score.mos == (pytest.approx(own.mean()) if own.size else None)
        expected = t_interval(own)
        assert (score.interval.low is None) == (expected.low is None)
        if expected.low is not None:
            assert (score.interval.low, score.interval.high) == pytest.approx((expected.low, expected.high))


def test_the_normal_interval_uses_1_96(rng):
    values = rng.normal(3, 1, 12)
    width = z_interval(values).half_width
    assert width == pytest.approx(1.959964 * values.std(ddof=1) / np.sqrt(12), rel=1e-6)


def test_the_bca_interval_agrees_with_scipys(rng):
    values = rng.exponential(1.0, 30)
    ours = bca_interval(values, resamples=20000, seed=1)
    theirs = stats.bootstrap(
        (values,), np.mean, n_resamples=20000, method="BCa", rng=np.random.default_rng(2)
    ).confidence_interval
    assert ours.low == pytest.approx(theirs.low, abs=0.02)
    assert ours.high == pytest.approx(theirs.high, abs=0.02)
    assert ours.high - values.mean() > values.mean() - ours.low  # skewed to the right, as the data are


def test_a_bca_interval_stays_on_the_scale():
    assert bca_interval([5, 5, 5, 4, 5]).high <= 5 < t_interval([5, 5, 5, 4, 5]).high


@pytest.mark.parametrize(("values", "words"), [([], "no votes"), ([4], "one vote"), ([3, 3, 3], "equal")])
@pytest.mark.parametrize("interval", [t_interval, z_interval, bca_interval])
def test_what_has_no_spread_has_no_interval_but_a_reason(interval, values, words):
    found = interval(values)
    assert (found.low, found.high, found.half_width) == (None, None, None)
    assert words in found.message


def test_equal_votes_have_a_mean_and_no_interval():
    score = mean_opinion_score([3, 3, 3])
    assert (score.mean, score.standard_deviation, score.half_width) == (3.0, 0.0, None)
    assert "equal" in score.message
