"""Mean opinion scores against closed forms and published answers."""

import numpy as np
import pytest

from study.statistics import mean_opinion_score


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
