"""Agreement of raters: published tables, other packages, and planted truth."""

import krippendorff
import numpy as np
import pytest

from study.statistics import (
    Ratings,
    intraclass_correlations,
    intraclass_table,
    krippendorff_alpha,
    mean_rater_agreement,
    rater_agreements,
    retest_agreement,
)
from tests.study.statistics.planted import full_ratings

SHROUT_FLEISS = [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]


def test_intraclass_correlations_of_shrout_and_fleiss():
    """Shrout & Fleiss (1979), table 4; pingouin 0.7.0 gives the same."""
    found = intraclass_table(SHROUT_FLEISS)
    expected = {
        "ICC(1,1)": 0.1657, "ICC(2,1)": 0.2898, "ICC(3,1)": 0.7148,
        "ICC(1,k)": 0.4428, "ICC(2,k)": 0.6201, "ICC(3,k)": 0.9093,
    }  # fmt: skip
    assert found == pytest.approx(expected, abs=5e-5)


def test_intraclass_intervals_of_shrout_and_fleiss():
    """pingouin 0.7.0: ICC(2,1) [0.02, 0.76], ICC(2,k) [0.07, 0.93]."""
    single, mean = intraclass_correlations(Ratings.from_matrix(np.transpose(SHROUT_FLEISS)))
    assert (single.value, mean.value) == pytest.approx((0.28976, 0.62005), abs=1e-5)
    assert (single.interval.low, single.interval.high) == pytest.approx((0.02, 0.76), abs=0.005)
    assert (mean.interval.low, mean.interval.high) == pytest.approx((0.07, 0.93), abs=0.005)
    assert (single.n_raters, single.n_stimuli, single.n_votes) == (4, 6, 24)


def test_intraclass_correlations_with_missing_votes_recover_planted_components(rng):
    """v_t = 1, v_r = 0.25, v_e = 0.75: ICC(2,1) = 0.5; with 21 votes per stimulus ICC(2,k) = 21/22."""
    table = rng.normal(0, 1, 200) + rng.normal(0, 0.5, (30, 1)) + rng.normal(0, 0.75**0.5, (30, 200))
    table[rng.random(table.shape) < 0.3] = np.nan
    single, mean = intraclass_correlations(Ratings.from_matrix(table))
    assert single.value == pytest.approx(0.5, abs=0.08)
    assert mean.value == pytest.approx(21 / 22, abs=0.015)
    assert single.interval.low < 0.5 < single.interval.high


def test_one_missing_vote_hardly_moves_the_intraclass_correlations():
    table = np.transpose(SHROUT_FLEISS).astype(float)
    table[0, 0] = np.nan
    complete = intraclass_table(SHROUT_FLEISS)["ICC(2,1)"]
    assert intraclass_correlations(Ratings.from_matrix(table))[0].value == pytest.approx(complete, abs=0.06)


@pytest.mark.parametrize("level", ["nominal", "ordinal", "interval"])
def test_krippendorffs_alpha_agrees_with_the_package_of_that_name(rng, level):
    """krippendorff 0.9 on random votes with a third missing."""
    table = np.clip(np.round(rng.uniform(0, 5, 40) + rng.normal(0, 1, (12, 40))), 0, 5)
    table[rng.random(table.shape) < 0.33] = np.nan
    found = krippendorff_alpha(Ratings.from_matrix(table), level=level, resamples=200)
    assert found.value == pytest.approx(krippendorff.alpha(table, level_of_measurement=level))
    assert found.interval.low < found.value < found.interval.high


def test_krippendorffs_alpha_of_his_own_example():
    """Krippendorff (2011), "Computing Krippendorff's Alpha-Reliability", C: .743, .815 and .849."""
    nan = np.nan
    table = [
        [1, 2, 3, 3, 2, 1, 4, 1, 2, nan, nan, nan],
        [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, nan, 3],
        [nan, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, nan],
        [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, nan],
    ]
    ratings = Ratings.from_matrix(table)
    found = [krippendorff_alpha(ratings, level=level).value for level in ("nominal", "ordinal", "interval")]
    assert found == pytest.approx([0.743, 0.815, 0.849], abs=5e-4)


def test_krippendorffs_alpha_of_three_coders():
    """Wikipedia, "Krippendorff's alpha": nominal .691, interval .811; the krippendorff package: ordinal .807."""
    nan = np.nan
    table = [
        [nan, nan, nan, nan, nan, 3, 4, 1, 2, 1, 1, 3, 3, nan, 3],
        [1, nan, 2, 1, 3, 3, 4, 3, *[nan] * 7],
        [nan, nan, 2, 1, 3, 4, 4, nan, 2, 1, 1, 3, 3, nan, 4],
    ]
    ratings = Ratings.from_matrix(table)
    found = [krippendorff_alpha(ratings, level=level).value for level in ("nominal", "ordinal", "interval")]
    assert found == pytest.approx([0.691, 0.807, 0.811], abs=5e-4)


def test_the_alpha_of_one_stimulus_has_no_interval():
    found = krippendorff_alpha(Ratings.from_matrix([[1], [2], [2]]))
    assert found.value == pytest.approx(0)
    assert (found.interval.low, found.interval.message) == (None, "one stimulus: no interval")


def test_perfect_agreement_is_one_and_chance_is_zero(rng):
    perfect = krippendorff_alpha(Ratings.from_matrix(np.tile([0, 1, 2, 3, 4, 5], (4, 1))))
    chance = krippendorff_alpha(Ratings.from_matrix(rng.integers(0, 6, (10, 400))))
    assert perfect.value == 1
    assert chance.value == pytest.approx(0, abs=0.03)
    assert chance.interval.low < 0 < chance.interval.high


def test_a_raters_r_is_pearsons_with_the_mos_of_all_and_of_the_others(rng):
    table = rng.uniform(0, 5, 15) + rng.normal(0, 1, (6, 15))
    table[2, :5] = np.nan
    for i, row in enumerate(rater_agreements(Ratings.from_matrix(table))):
        seen = ~np.isnan(table[i])
        others = np.nanmean(np.delete(table, i, axis=0), axis=0)
        assert row.r == pytest.approx(np.corrcoef(table[i, seen], np.nanmean(table, axis=0)[seen])[0, 1])
        assert row.r_others == pytest.approx(np.corrcoef(table[i, seen], others[seen])[0, 1])
        assert row.n_votes == seen.sum()


def test_the_mean_agreement_is_the_mean_of_the_raters(rng):
    ratings = Ratings.from_matrix(rng.uniform(0, 5, 15) + rng.normal(0, 1, (6, 15)))
    found = mean_rater_agreement(ratings)
    assert found.value == pytest.approx(np.mean([row.r for row in rater_agreements(ratings)]))
    assert found.interval.low < found.value < found.interval.high < 1


def test_a_rater_alone_agrees_with_nobody():
    """The MOS is that rater's own votes; r = 1 would be no agreement."""
    found = mean_rater_agreement(Ratings.from_matrix([[1, 2, 4]]))
    assert (found.value, found.message) == (None, "one rater: nobody to agree with")


def test_a_straight_liner_has_no_r_but_a_reason():
    table = [[3, 3, 3, 3], [1, 2, 4, 5], [0, 2, 3, 5]]
    row = rater_agreements(Ratings.from_matrix(table))[0]
    assert (row.r, row.r_others) == (None, None)
    assert row.message == "all 4 votes are equal: no correlation"


def test_retest_compares_first_and_second_answers():
    """Differences 0, 1, -1, 0: half agree, within-rater deviation √(2/8)."""
    rows = [("a", "s0", "m", 1), ("a", "s1", "m", 2), ("b", "s0", "m", 4), ("b", "s1", "m", 5)]
    again = [("a", "s0", "m", 1), ("a", "s1", "m", 3), ("b", "s0", "m", 3), ("b", "s1", "m", 5)]
    found = retest_agreement(Ratings.from_rows(rows + again))
    assert (found.n_pairs, found.exact_share, found.mean_difference) == (4, 0.5, 0)
    assert found.within_sd == pytest.approx(0.5)
    assert found.r == pytest.approx(np.corrcoef([1, 2, 4, 5], [1, 3, 3, 5])[0, 1])


def test_planted_vote_noise_is_the_within_rater_deviation(rng):
    first = rng.normal(3, 1, (20, 30, 1))
    values = np.concatenate([first, first], axis=2) + rng.normal(0, 0.4, (20, 30, 2))
    one = full_ratings(values[:, :, :1])
    both = Ratings(
        one.raters, one.scenes, one.methods, np.tile(one.rater, 2), np.tile(one.scene, 2), np.tile(one.method, 2),
        np.concatenate([values[:, :, 0].ravel(), values[:, :, 1].ravel()]), np.repeat([False, True], one.n),
    )  # fmt: skip
    assert retest_agreement(both).within_sd == pytest.approx(0.4, abs=0.04)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ([[1, 2, 3]], "one rater"),
        ([[1], [2]], "one stimulus"),
        ([[3, 3], [3, 3]], "all votes are equal"),
        ([[np.nan]], "no votes"),
        ([[1, np.nan, 2], [np.nan, 3, np.nan]], "cannot be told apart"),
    ],
)
def test_intraclass_correlations_that_do_not_exist_say_why(table, words):
    for found in intraclass_correlations(Ratings.from_matrix(table)):
        assert found.value is None
        assert words in found.message


@pytest.mark.parametrize(
    ("table", "words"),
    [([[1, 2, 3]], "two votes"), ([[3, 3], [3, 3]], "all votes are equal"), ([[np.nan]], "two votes")],
)
def test_an_alpha_that_does_not_exist_says_why(table, words):
    found = krippendorff_alpha(Ratings.from_matrix(table))
    assert found.value is None
    assert words in found.message
