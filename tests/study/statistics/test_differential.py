"""DMOS against the hidden reference."""

import numpy as np
import pytest
from scipy import stats

from study.statistics import differential_method_scores, differential_stimulus_scores
from tests.study.statistics.planted import full_ratings


def test_dmos_is_the_formula_of_p910(rng):
    """min(MOS - MOS_ref + 5, 5), m2 the reference; by hand on complete votes."""
    values = rng.integers(0, 6, (8, 4, 3)).astype(float)
    means = values.mean(axis=0)
    for score in differential_stimulus_scores(full_ratings(values), reference="m2", scale_maximum=5):
        j, k = int(score.scene[1]), int(score.method[1])
        assert score.dmos == pytest.approx(min(means[j, k] - means[j, 2] + 5, 5))
        gaps = values[:, j, k] - values[:, j, 2]
        assert score.interval.half_width == pytest.approx(stats.t.ppf(0.975, 7) * gaps.std(ddof=1) / np.sqrt(8))
    for score in differential_method_scores(full_ratings(values), reference="m2", scale_maximum=5):
        k = int(score.method[1])
        assert score.scene is None
        assert score.dmos == pytest.approx(min(values[:, :, k].mean() - values[:, :, 2].mean() + 5, 5))


def test_a_method_above_the_reference_is_limited_to_the_scale():
    values = np.stack([np.full((3, 2), 5.0), [[3, 4], [3, 3], [4, 3]]], axis=2)
    score = differential_method_scores(full_ratings(values), reference="m1", scale_maximum=5)[0]
    assert score.dmos == 5
    assert score.mos > score.reference_mos


def test_votes_without_a_reference_by_the_same_rater_are_counted(rng):
    values = rng.integers(0, 6, (8, 4, 2)).astype(float)
    values[0, :, 1] = np.nan
    score = differential_method_scores(full_ratings(values), reference="m1", scale_maximum=5)[0]
    assert (score.n_votes, score.n_pairs) == (32, 28)
    assert score.message == "28 of 32 votes have a reference"


def test_what_is_missing_is_said():
    values = np.full((3, 2, 3), np.nan)
    values[:, 0, 0], values[:, 1, 2] = [1, 2, 3], [4, 5, 5]
    scores = {
        (s.scene, s.method): s
        for s in differential_stimulus_scores(full_ratings(values), reference="m2", scale_maximum=5)
    }
    assert scores["s0", "m0"].dmos is None
    assert scores["s0", "m0"].message == "no votes on the hidden reference"
    assert scores["s1", "m1"].message == "no votes"
    assert scores["s0", "m0"].interval.low is None


def test_an_unknown_reference_is_refused():
    with pytest.raises(ValueError, match="reference must be one of"):
        differential_method_scores(full_ratings([[[1.0]]]), reference="truth", scale_maximum=5)
