"""Screening views: rules by hand, published numbers, planted raters, and that nothing is lost."""

import numpy as np
import pytest
from scipy import stats

from study.statistics import (
    Ratings,
    bt500_view,
    fit_rater_model,
    p910_view,
    p913_view,
    rank_changes,
    screening_views,
    unscreened_view,
)
from study.statistics.screening import rater_biases
from tests.study.statistics.planted import full_ratings, ratings_that_bt500_turns_round


def _planted(rng, *, raters=24, stimuli=60, spam=0):
    """[raters, stimuli] ratings around planted qualities; the last `spam` raters answer anything."""
    quality = rng.uniform(0.8, 4.2, stimuli)
    bias = rng.normal(0, 0.4, raters)
    bias -= bias[: raters - spam].mean()
    inconsistency = rng.uniform(0.3, 0.9, raters)
    table = quality + bias[:, None] + inconsistency[:, None] * rng.normal(0, 1, (raters, stimuli))
    table[raters - spam :] = rng.integers(0, 6, (spam, stimuli))
    return table, quality, bias, inconsistency


def _plain_bt500(table):
    """BT.500 as written, vote by vote, for a second opinion: P, Q and rejection per rater."""
    raters, stimuli = table.shape
    high, low = np.zeros(raters), np.zeros(raters)
    for j in range(stimuli):
        votes = table[:, j][~np.isnan(table[:, j])]
        if votes.size < 2 or votes.std(ddof=1) == 0:
            continue
        mean, deviation = votes.mean(), votes.std(ddof=1)
        beta = ((votes - mean) ** 4).mean() / ((votes - mean) ** 2).mean() ** 2
        width = (2 if 2 <= beta <= 4 else np.sqrt(20)) * deviation
        for i in range(raters):
            high[i] += table[i, j] >= mean + width - 1e-9
            low[i] += table[i, j] <= mean - width + 1e-9
    cast = (~np.isnan(table)).sum(axis=1)
    both = high + low
    rejected = [
        b > 0 and b / n > 0.05 and abs(p - q) / b < 0.3 for b, n, p, q in zip(both, cast, high, low, strict=True)
    ]
    return high, low, np.array(rejected)


def test_bt500_agrees_with_the_rule_written_out(rng):
    table, *_ = _planted(rng, spam=2)
    table = np.clip(np.round(table), 0, 5)
    table[rng.random(table.shape) < 0.2] = np.nan
    view = bt500_view(Ratings.from_matrix(table))
    high, low, rejected = _plain_bt500(table)
    assert [verdict.above for verdict in view.verdicts] == high.tolist()
    assert [verdict.below for verdict in view.verdicts] == low.tolist()
    assert [not verdict.kept for verdict in view.verdicts] == rejected.tolist()


def test_bt500_rejects_a_planted_spammer_and_keeps_the_others(rng):
    table, *_ = _planted(rng, spam=1)
    view = bt500_view(Ratings.from_matrix(table))
    assert [verdict.rater for verdict in view.verdicts if not verdict.kept] == ["rater 23"]
    assert "both sides: erratic" in view.verdicts[23].reason
    assert view.ratings.n == 23 * 60


def test_bt500_keeps_a_rater_who_is_only_shifted(rng):
    """P.913's removal of bias is for this rater; BT.500 must not reject: |P - Q|/(P + Q) is 1."""
    table, *_ = _planted(rng)
    table[5] += 2.5
    verdict = bt500_view(Ratings.from_matrix(table)).verdicts[5]
    assert verdict.kept
    assert verdict.outlier_share > 0.05
    assert "shifted" in verdict.reason


def test_the_share_is_of_the_votes_the_rater_cast(rng):
    """A spammer who rated 20 of 60 pictures: divided by all 60 the share would be a third of it."""
    table, *_ = _planted(rng, spam=1)
    table[23, 20:] = np.nan
    verdict = bt500_view(Ratings.from_matrix(table)).verdicts[23]
    assert verdict.n_votes == 20
    assert verdict.outlier_share == (verdict.above + verdict.below) / 20


def test_a_stimulus_on_which_all_agree_makes_nobody_an_outlier():
    """S = 0: u ≥ ū + eS and u ≤ ū - eS hold for everyone, so it is skipped."""
    table = np.column_stack([np.full((6, 3), 4.0), [1, 2, 3, 3, 4, 5]])
    assert all((verdict.above, verdict.below) == (0, 0) for verdict in bt500_view(Ratings.from_matrix(table)).verdicts)


def test_p913_takes_off_planted_biases(rng):
    """b_i = mean_j(u_ij - MOS_j) by hand, near the planted bias, and no bias left afterwards."""
    table, _, bias, inconsistency = _planted(rng)
    ratings = Ratings.from_matrix(table)
    view = p913_view(ratings)
    found = np.array([verdict.bias for verdict in view.verdicts])
    assert found == pytest.approx((table - table.mean(axis=0)).mean(axis=1))
    assert np.all(np.abs(found - bias) < 4 * inconsistency / np.sqrt(60) + 0.1)
    assert np.nan_to_num(rater_biases(view.ratings)) == pytest.approx(0, abs=1e-9)


def test_p913_then_screens_what_is_left(rng):
    table, *_ = _planted(rng, spam=2)
    adjusted = table - (table - table.mean(axis=0)).mean(axis=1, keepdims=True)
    view = p913_view(Ratings.from_matrix(table))
    assert [not verdict.kept for verdict in view.verdicts] == _plain_bt500(adjusted)[2].tolist()
    assert not view.verdicts[23].kept


def test_annex_e_recovers_planted_quality_bias_and_inconsistency(rng):
    table, quality, bias, inconsistency = _planted(rng)
    model = fit_rater_model(Ratings.from_matrix(table))
    assert np.all(np.abs(model.quality - quality) < 4.5 * model.standard_error)
    assert np.all(np.abs(model.bias - bias) < 4 * inconsistency / np.sqrt(60) + 0.05)
    assert np.all(np.abs(model.inconsistency / inconsistency - 1) < 4 / np.sqrt(2 * 60))
    assert model.bias.mean() == pytest.approx(0, abs=1e-12)


def test_annex_e_recovers_them_with_half_of_the_votes_missing(rng):
    table, quality, bias, inconsistency = _planted(rng)
    seen = rng.random(table.shape) > 0.5
    model = fit_rater_model(Ratings.from_matrix(np.where(seen, table, np.nan)))
    best = 1 / np.sqrt((seen / inconsistency[:, None] ** 2).sum(axis=0))  # had the inconsistencies been known
    assert np.sqrt(np.mean(((model.quality - quality) / best) ** 2)) < 1.5
    assert np.all(np.abs(model.bias - bias) < 5 * inconsistency / np.sqrt(30))


def test_annex_e_is_closer_to_the_truth_than_the_mos_where_some_answer_anything(rng):
    table, quality, *_ = _planted(rng, spam=6)
    ratings = Ratings.from_matrix(table)
    errors = [
        np.sqrt(np.mean((np.array([score.mos for score in view.stimuli]) - quality) ** 2))
        for view in (unscreened_view(ratings), p910_view(ratings))
    ]
    assert errors[1] < 0.7 * errors[0]


def test_a_straight_liner_weighs_little(rng):
    table, *_ = _planted(rng)
    table = np.clip(np.round(table), 0, 5)
    table[7] = 3
    verdict = p910_view(Ratings.from_matrix(table)).verdicts[7]
    assert verdict.kept
    assert verdict.weight < 0.5
    assert verdict.inconsistency == pytest.approx(1.0, abs=0.3)  # the spread of the qualities: 3.4/√12


def test_annex_e_gives_sureals_numbers_with_a_floor_near_zero():
    """sureal's test of test_dataset_os_as_dict: 2.444444443, 1.444444455. Tom, without residuals, takes all weight."""
    ratings = Ratings.from_matrix([[3, 2, 4], [4, 1, 1], [1, 3, 3]])
    model = fit_rater_model(ratings, floor=1e-4)
    assert model.quality[:2] == pytest.approx((2.444444443373016, 1.44444445515873), abs=1e-6)
    assert model.inconsistency[1:] == pytest.approx((1.632993, 1.247219), abs=1e-4)


def test_a_rater_without_residual_does_not_take_all_weight():
    """Tom's inconsistency stops at what rounding to whole numbers adds, 1/√12, or a quarter of all residuals'."""
    table = np.array([[3, 2, 4], [4, 1, 1], [1, 3, 3]], dtype=float)
    residual = table - table.mean(axis=0)
    residual -= residual.mean(axis=1, keepdims=True)
    view, model = p910_view(Ratings.from_matrix(table)), fit_rater_model(Ratings.from_matrix(table))
    assert model.inconsistency[0] == pytest.approx(max(1 / np.sqrt(12), 0.25 * np.sqrt((residual**2).mean())))
    assert model.standard_error[0] == pytest.approx(1 / np.sqrt((model.inconsistency**-2.0).sum()))
    assert "the least allowed" in view.verdicts[0].reason


def test_annex_es_interval_is_1_96_standard_errors(rng):
    table, *_ = _planted(rng, raters=8, stimuli=12)
    ratings = Ratings.from_matrix(table)
    model, view = fit_rater_model(ratings), p910_view(ratings)
    z = stats.norm.ppf(0.975)
    assert [score.interval.half_width for score in view.stimuli] == pytest.approx((z * model.standard_error).tolist())


def test_annex_e_does_not_trust_a_rater_with_one_vote(rng):
    table, *_ = _planted(rng, raters=6, stimuli=10)
    table[5, 1:] = np.nan
    view = p910_view(Ratings.from_matrix(table))
    assert view.verdicts[5].weight == 0
    assert "one vote" in view.verdicts[5].reason


def test_annex_e_says_when_raters_share_no_stimulus():
    table = np.full((4, 4), np.nan)
    table[:2, :2] = [[1, 2], [2, 4]]
    table[2:, 2:] = [[3, 4], [5, 4]]
    assert "2 groups without a common stimulus" in p910_view(Ratings.from_matrix(table)).message


def test_views_leave_the_votes_as_they_were_and_show_ranks_before_and_after(rng):
    quality = np.array([1.5, 2.5, 3.5])
    values = quality + rng.normal(0, 0.5, (20, 10, 3))
    values[18:] = rng.integers(0, 6, (2, 10, 3))
    ratings = full_ratings(np.clip(np.round(values), 0, 5))
    before = ratings.value.copy()
    views = screening_views(ratings)
    assert [view.name for view in views] == ["none", "bt500", "p913", "p910"]
    assert np.array_equal(ratings.value, before)
    for view in views:
        assert len(view.verdicts) == 20
        assert [method.rank for method in view.methods] == [3, 2, 1]
        assert all(verdict.reason for verdict in view.verdicts)
        assert view.version == "1"
    assert all(change.change == 0 for change in rank_changes(views[0], views[1]))


def test_screening_can_change_ranks_and_says_how():
    ratings = ratings_that_bt500_turns_round()
    before, after = (view(ratings) for view in (unscreened_view, bt500_view))
    assert not after.verdicts[29].kept
    changes = rank_changes(before, after)
    assert [(change.before, change.after, change.change) for change in changes] == [(1, 2, -1), (2, 1, 1)]
