"""Ratings and comparisons on one scale: planted agreement and planted contradiction."""

import numpy as np
import pytest

from study.statistics import Comparisons, unify_scales
from tests.study.statistics.planted import full_ratings, planted_comparisons

QUALITY = np.array([1.0, 1.8, 2.5, 3.3, 4.0])


def _votes(rng, compared=QUALITY, noise=0.8):
    values = QUALITY + rng.normal(0, 0.4, (40, 1, 1)) + rng.normal(0, noise, (40, 10, 5))
    return full_ratings(values), planted_comparisons(rng, 1.2 * compared, n=1500, raters=40)


def test_a_planted_linear_link_is_recovered(rng):
    """Comparisons at 1.2 logits per MOS unit: slope 1/1.2; joint scores within four standard errors of the truth."""
    found = unify_scales(*_votes(rng))
    assert found.agrees
    assert found.message is None
    assert found.slope == pytest.approx(1 / 1.2, rel=0.1)
    errors = np.array([row.score for row in found.methods]) - QUALITY
    assert np.all(np.abs(errors) < 4 * np.array([row.standard_error for row in found.methods]))


def test_where_they_agree_a_twentieth_of_studies_is_called_contradictory():
    """120 studies at the 5 % level: 6 expected, more than 14 would have probability 0.1 %."""
    refused = sum(unify_scales(*_votes(np.random.default_rng(seed))).agrees is False for seed in range(120))
    assert refused <= 14


def test_a_planted_contradiction_is_found(rng):
    found = unify_scales(*_votes(rng, compared=QUALITY[[0, 2, 1, 4, 3]]))
    assert found.agrees is False
    assert found.p_value < 0.001
    assert "disagree" in found.message


def test_methods_are_matched_by_name(rng):
    ratings, comparisons = _votes(rng)
    order = np.array([3, 0, 4, 1, 2])
    shuffled = Comparisons(
        comparisons.raters, comparisons.scenes, tuple(comparisons.methods[code] for code in order), comparisons.rater,
        comparisons.scene, np.argsort(order)[comparisons.left], np.argsort(order)[comparisons.right],
        comparisons.outcome, comparisons.repeat,
    )  # fmt: skip
    plain, other = unify_scales(ratings, comparisons), unify_scales(ratings, shuffled)
    assert [row.score for row in other.methods] == pytest.approx([row.score for row in plain.methods])


def test_a_scale_that_does_not_exist_is_passed_on(rng):
    ratings, _ = _votes(rng)
    rows = [(f"r{i}", "s", "m0", f"m{j}", 1) for i in range(4) for j in (1, 2)]
    found = unify_scales(ratings, Comparisons.from_rows(rows))
    assert found.agrees is None
    assert "never lost" in found.message


def test_two_methods_are_too_few_to_test_a_link(rng):
    ratings, _ = _votes(rng)
    rows = [("a", "s", "m0", "m1", 1), ("b", "s", "m0", "m1", -1)]
    assert "at least three" in unify_scales(ratings, Comparisons.from_rows(rows)).message
