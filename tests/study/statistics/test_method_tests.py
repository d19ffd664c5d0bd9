"""Tests between methods against scipy, and rank groups by their definition."""

import numpy as np
import pytest
from scipy import stats

from study.statistics import block_means, compact_letters, friedman_test, holm, rank_groups, wilcoxon_tests
from tests.study.statistics.planted import full_ratings

ROUNDING_TIMES = [
    *(5.40, 5.50, 5.55, 5.85, 5.70, 5.75, 5.20, 5.60, 5.50, 5.55, 5.50, 5.40, 5.90, 5.85, 5.70, 5.45, 5.55, 5.60),
    *(5.40, 5.40, 5.35, 5.45, 5.50, 5.35, 5.25, 5.15, 5.00, 5.85, 5.80, 5.70, 5.25, 5.20, 5.10, 5.65, 5.55, 5.45),
    *(5.60, 5.35, 5.45, 5.05, 5.00, 4.95, 5.50, 5.50, 5.40, 5.45, 5.55, 5.50, 5.55, 5.55, 5.35, 5.45, 5.50, 5.55),
    *(5.50, 5.45, 5.25, 5.65, 5.60, 5.40, 5.70, 5.65, 5.55, 6.30, 6.30, 6.25),
]


def _study(rng, quality=(2.0, 2.4, 3.4), raters=14, scenes=8):
    return np.clip(np.round(np.array(quality) + rng.normal(0, 1, (raters, scenes, len(quality)))), 0, 5)


@pytest.mark.parametrize(("blocks", "axis"), [("raters", 1), ("scenes", 0)])
def test_friedman_agrees_with_scipy(rng, blocks, axis):
    values = _study(rng)
    found = friedman_test(full_ratings(values), blocks=blocks)
    theirs = stats.friedmanchisquare(*values.mean(axis=axis).T)
    assert (found.statistic, found.p_value) == pytest.approx((theirs.statistic, theirs.pvalue))
    assert found.kendall_w == pytest.approx(found.statistic / (found.n_blocks * 2))


def test_friedmans_w_is_one_where_all_blocks_agree():
    found = friedman_test(full_ratings(np.tile([1.0, 2.0, 3.0], (5, 4, 1))))
    assert found.kendall_w == pytest.approx(1)
    assert found.mean_ranks == {"m0": 1, "m1": 2, "m2": 3}


def test_friedman_leaves_out_and_counts_blocks_without_every_method(rng):
    values = _study(rng)
    values[0, :, 1] = np.nan
    found = friedman_test(full_ratings(values))
    assert (found.n_blocks, found.n_dropped) == (13, 1)
    assert "1 raters without every method" in found.message
    assert found.statistic == pytest.approx(friedman_test(full_ratings(values[1:])).statistic)


def test_a_raters_means_rest_on_scenes_with_all_methods(rng):
    values = _study(rng)
    values[3, 2, 1] = np.nan
    means = block_means(full_ratings(values), "raters")
    assert means[3] == pytest.approx(np.delete(values[3], 2, axis=0).mean(axis=0))
    assert means[4] == pytest.approx(values[4].mean(axis=0))


def test_a_rater_without_any_complete_scene_counts_with_all_votes():
    values = np.full((2, 2, 2), np.nan)
    values[0] = [[1, np.nan], [np.nan, 3]]
    values[1] = [[2, 4], [2, 4]]
    assert block_means(full_ratings(values), "raters").tolist() == [[1, 3], [2, 4]]


def test_wilcoxon_agrees_with_scipy_and_holm_is_stepped_down(rng):
    values = _study(rng)
    tests = wilcoxon_tests(full_ratings(values))
    means = values.mean(axis=1)
    raw = [stats.wilcoxon(np.round(means[:, i] - means[:, j], 10)).pvalue for i, j in ((0, 1), (0, 2), (1, 2))]
    assert [test.p_value for test in tests] == pytest.approx(raw)
    assert [test.p_holm for test in tests] == pytest.approx(holm(raw).tolist())


def test_holm_by_hand():
    """Holm (1979): .01·4, .02·3, .03·2 (not below .06), .04·1 (not below); order is kept."""
    assert holm([0.04, 0.01, 0.03, 0.02]).tolist() == pytest.approx([0.06, 0.04, 0.06, 0.06])
    assert holm([0.5, 0.9]).tolist() == [1.0, 1.0]
    assert holm([]).size == 0
    with pytest.raises(ValueError, match="p_values"):
        holm([0.1, 1.2])


def test_effect_sizes_by_hand():
    """Differences 1, 2, -3, 4: W+ = 1 + 2 + 4 = 7, W- = 3, r = 0.4; dz = mean/SD = 1 / √(26/3)."""
    values = np.zeros((4, 1, 2))
    values[:, 0, 0] = [1, 2, -3, 4]
    test = wilcoxon_tests(full_ratings(values))[0]
    assert test.rank_biserial == pytest.approx(0.4)
    assert test.cohen_dz == pytest.approx(1 / np.sqrt(26 / 3))
    assert test.mean_difference == 1
    assert test.interval.half_width == pytest.approx(stats.t.ppf(0.975, 3) * np.sqrt(26 / 3) / 2)


def test_friedman_of_rs_rounding_times():
    """R's ?friedman.test (Hollander & Wolfe 1973, p. 140 ff.): χ² = 11.143, df = 2, p = 0.003805."""
    found = friedman_test(full_ratings(np.reshape(ROUNDING_TIMES, (22, 1, 3))))
    assert found.statistic == pytest.approx(11.1429, abs=1e-4)
    assert (found.degrees_of_freedom, found.n_blocks) == (2, 22)
    assert found.p_value == pytest.approx(0.003805, abs=1e-6)


def test_wilcoxon_of_rs_depression_scores():
    """R's ?wilcox.test (Hollander & Wolfe 1973, p. 29 f.): V = 40 of 45, one-sided p = 0.01953."""
    first = [1.83, 0.50, 1.62, 2.48, 1.68, 1.88, 1.55, 3.06, 1.30]
    second = [0.878, 0.647, 0.598, 2.05, 1.06, 1.29, 1.06, 3.14, 1.29]
    (test,) = wilcoxon_tests(full_ratings(np.stack([first, second], axis=1)[:, None]))
    assert (test.statistic, test.p_value) == (5, pytest.approx(2 * 0.01953, abs=1e-5))
    assert test.rank_biserial == pytest.approx((40 - 5) / 45)


def test_differences_that_are_all_the_same_have_no_effect_size_and_say_so():
    """1.2 - 1.1 in every block: its deviation is rounding, and dividing by it would give d_z = 10^15."""
    (test,) = wilcoxon_tests(full_ratings(np.tile([1.1, 1.2], (5, 1))[:, None]))
    assert (test.cohen_dz, test.interval.low) == (None, None)
    assert "the same for all 5 raters" in test.interval.message


def test_two_methods_with_identical_votes_cannot_differ(rng):
    values = _study(rng)
    values[:, :, 1] = values[:, :, 0]
    test = wilcoxon_tests(full_ratings(values))[0]
    assert (test.p_value, test.rank_biserial, test.mean_difference) == (1.0, 0.0, 0.0)
    assert "identical for all raters" in test.message


def test_methods_nobody_rated_together_are_said_not_tested():
    values = np.full((4, 2, 2), np.nan)
    values[:2, :, 0], values[2:, :, 1] = 1, 5
    test = wilcoxon_tests(full_ratings(values))[0]
    assert (test.p_value, test.p_holm, test.n_pairs, test.message) == (
        None,
        None,
        0,
        "none of the raters has votes on both",
    )


def test_all_votes_equal_leave_nothing_to_test():
    found = friedman_test(full_ratings(np.full((4, 3, 3), 2.0)))
    assert (found.statistic, found.p_value) == (None, None)
    assert "alike" in found.message


@pytest.mark.parametrize("shape", [(1, 5, 3), (5, 5, 1)])
def test_one_rater_or_one_method_is_no_test(rng, shape):
    found = friedman_test(full_ratings(rng.integers(0, 6, shape)))
    assert found.p_value is None
    assert "fewer than two" in found.message


def test_planted_differences_are_told_apart_and_planted_ties_are_not(rng):
    groups = rank_groups(full_ratings(_study(rng, quality=(1.0, 3.0, 3.0, 4.6), raters=30)))
    letters = {group.method: group.letters for group in groups}
    assert [groups[0].method, groups[-1].method] == ["m3", "m0"]
    assert (letters["m3"], letters["m1"], letters["m2"], letters["m0"]) == ("a", "b", "b", "c")


def test_a_method_without_votes_comes_last_without_letters(rng):
    values = _study(rng)
    values[:, :, 1] = np.nan
    last = rank_groups(full_ratings(values))[-1]
    assert (last.method, last.mos, last.letters, last.message) == ("m1", None, "", "no votes")


def test_letters_of_a_chain():
    assert compact_letters([[0, 0, 1], [0, 0, 0], [1, 0, 0]]) == ("a", "ab", "b")


def test_two_items_share_a_letter_exactly_if_they_do_not_differ(rng):
    for _ in range(60):
        different = np.triu(rng.random((7, 7)) < 0.5, 1)
        different |= different.T
        letters = compact_letters(different)
        for i in range(7):
            assert letters[i]
            for j in range(i):
                assert bool(set(letters[i]) & set(letters[j])) == (not different[i, j])
