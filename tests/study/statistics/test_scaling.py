"""The bootstrap over raters and the test of sides."""

import numpy as np
import pytest
from scipy import stats

from study.statistics import Comparisons, bootstrap_scale, scale_of, side_bias
from tests.study.statistics.planted import planted_comparisons


def test_raters_of_one_mind_each_widen_the_bootstrap_beyond_fisher(rng):
    """Raters differ by 0.8 logits per method: only the bootstrap sees that their votes hang together."""
    votes = planted_comparisons(rng, [-0.5, 0.0, 0.5], n=6000, raters=30, clumsy=0.8)
    result = bootstrap_scale(votes, resamples=200)
    ratios = [
        wide.half_width / narrow.half_width
        for wide, narrow in zip(result.intervals, result.scale.intervals(), strict=True)
    ]
    assert min(ratios) > 1.7


def test_independent_votes_give_the_fisher_intervals(rng):
    votes = planted_comparisons(rng, [-0.5, 0.0, 0.5], n=3000, raters=1500)
    result = bootstrap_scale(votes, resamples=300)
    for ours, fisher in zip(result.differences, result.scale.differences(), strict=True):
        assert ours.standard_error == pytest.approx(fisher.standard_error, rel=0.2)
        assert ours.interval.low < ours.value < ours.interval.high
    assert (result.n_missing, result.message) == (0, None)


def test_resamples_without_a_scale_are_counted_and_said():
    """Only r0 ever preferred B to A; a resample of 4 without r0 has no scale: (3/4)^4 = 31.6 % of them."""
    rows = [(f"r{i}", "s", "A", "B", 1) for i in range(4) for _ in range(3)] + [("r0", "s", "A", "B", -1)]
    result = bootstrap_scale(Comparisons.from_rows(rows), model="bradley_terry", resamples=1000)
    assert result.n_missing / 1000 == pytest.approx(0.75**4, abs=4 * np.sqrt(0.316 * 0.684 / 1000))
    assert f"{result.n_missing} of 1000 resamples determine no scale" in result.message
    assert f"{result.n_missing} without a scale" in result.intervals[0].method
    assert result.intervals[0].low is not None


def test_too_many_missing_resamples_leave_no_interval():
    rows = [(f"r{i}", "s", "A", "B", 1) for i in range(2) for _ in range(3)]
    rows += [("r0", "s", "B", "C", 1), ("r1", "s", "C", "A", 1)]
    result = bootstrap_scale(Comparisons.from_rows(rows), model="bradley_terry", resamples=200)
    assert result.scale.exists
    assert result.n_missing == pytest.approx(100, abs=29)  # both raters are drawn in half of the resamples
    lonely = bootstrap_scale(
        Comparisons.from_rows([*rows, ("r2", "s", "A", "B", 1)]), model="bradley_terry", resamples=300
    )
    assert lonely.n_missing > 150  # r0 and r1 are both among three draws with probability 12/27
    assert lonely.intervals[0].low is None
    assert "too few for intervals" in lonely.message


def test_one_rater_has_a_scale_and_no_bootstrap(rng):
    result = bootstrap_scale(planted_comparisons(rng, [0.0, 0.5], n=200, raters=1), resamples=10)
    assert result.scale.exists
    assert result.message == "one rater: no interval"
    assert result.intervals[0].low is None


def test_no_scale_needs_no_bootstrap():
    result = bootstrap_scale(Comparisons.from_rows([("a", "s", "A", "B", 1), ("b", "s", "A", "B", 1)]))
    assert "never lost" in result.message
    assert result.resamples == 0


def test_the_same_seed_gives_the_same_intervals(rng):
    votes = planted_comparisons(rng, [0.0, 0.5, 1.0], n=300)
    first, second = (bootstrap_scale(votes, resamples=50, seed=3).intervals for _ in range(2))
    assert first == second


def test_an_unknown_model_is_refused(rng):
    with pytest.raises(ValueError, match="model must be"):
        scale_of(planted_comparisons(rng, [0.0, 0.5], n=20), model="elo")


def test_a_planted_side_bias_is_found_and_its_absence_is_not(rng):
    """Logit 0.5 to the left: the left is chosen in about 60 % of votes on methods of equal quality."""
    biased, fair = (side_bias(planted_comparisons(rng, [0.0, 0.0, 0.0], n=2000, left=left))[0] for left in (0.5, 0.0))
    assert biased.share_left == pytest.approx(1 / (1 + np.exp(-0.5)), abs=4 * 0.011)
    assert biased.p_value < 1e-6
    assert fair.interval.low < 0.5 < fair.interval.high


def test_sides_are_tested_as_scipys_binomial_test_does(rng):
    votes = planted_comparisons(rng, [0.0, 1.0], n=60, raters=4, tie=0.4, left=0.3)
    rows = side_bias(votes)
    assert [row.rater for row in rows] == [None, *votes.raters]
    for row in rows:
        test = stats.binomtest(row.n_left, row.n_left + row.n_right)
        ends = test.proportion_ci(method="exact")
        assert row.p_value == pytest.approx(test.pvalue)
        assert (row.interval.low, row.interval.high) == pytest.approx((ends.low, ends.high))
    assert sum(row.n_ties for row in rows[1:]) == rows[0].n_ties == (votes.outcome == 0).sum()


def test_a_rater_who_always_clicks_left_stands_out_after_holm(rng):
    votes = planted_comparisons(rng, [0.0, 0.5], n=400, raters=10)
    outcome = np.where(votes.rater == 3, 1, votes.outcome)
    stuck = Comparisons(
        votes.raters, votes.scenes, votes.methods, votes.rater, votes.scene, votes.left, votes.right, outcome,
        votes.repeat,
    )  # fmt: skip
    found = [row.rater for row in side_bias(stuck)[1:] if row.p_holm < 0.01]
    assert found == ["r3"]


def test_a_rater_with_ties_only_has_no_share():
    row = side_bias(Comparisons.from_rows([("a", "s", "A", "B", 0)]))[1]
    assert (row.share_left, row.p_value, row.message) == (None, None, "all comparisons are ties")
