"""The two-way interval and its variance components against the analysis of variance and planted truth."""

import numpy as np
import pytest
from scipy import stats

from study.statistics import Ratings, method_scores, two_way_score, variance_components
from tests.study.statistics.planted import full_ratings


def test_a_complete_table_gives_the_components_of_the_analysis_of_variance(rng):
    """By hand: MSA, MSB and MSE of the two-way table; v_x = (MSA - MSE)/S, v_y = (MSB - MSE)/R, v_e = MSE."""
    table = rng.normal(0, 1, (7, 1)) + rng.normal(0, 1, 5) + rng.normal(0, 1, (7, 5))
    rater, scene = np.indices(table.shape).reshape(2, -1)
    parts = variance_components(rater, scene, table.ravel())
    msa, msb, mse = _mean_squares(table)
    assert (parts.rater, parts.scene, parts.vote) == pytest.approx(((msa - mse) / 5, (msb - mse) / 7, mse))
    assert parts.cell is None


def test_the_half_widths_of_a_complete_table_follow_the_formula(rng):
    """Var = v_x ΣN²/T² + v_y ΣM²/T² + v_e/T = (MSA + MSB - MSE)/RS; crowdMOS's t has min(R, S) - 1 = 4 degrees."""
    table = rng.normal(0, 1, (7, 1)) + rng.normal(0, 1, 5) + rng.normal(0, 1, (7, 5))
    score = method_scores(Ratings.from_matrix(table))[0]
    msa, msb, mse = _mean_squares(table)
    error = np.sqrt((msa + msb - mse) / 35)
    freedom = (msa + msb - mse) ** 2 / (msa**2 / 6 + msb**2 / 4 + mse**2 / 24)
    assert score.two_way_minimum.half_width == pytest.approx(stats.t.ppf(0.975, 4) * error)
    assert score.degrees_of_freedom == pytest.approx(max(freedom, 4))
    assert score.two_way.half_width == pytest.approx(stats.t.ppf(0.975, max(freedom, 4)) * error)
    assert score.naive.half_width == pytest.approx(stats.t.ppf(0.975, 34) * table.std(ddof=1) / np.sqrt(35))


def test_components_with_missing_and_repeated_votes_agree_with_plain_expectations(rng):
    """Second implementation: each sum of squares is z'Pz, and E[z'Pz] = Σ v_k tr(P Z_k Z_k') by dense matrices."""
    rater, scene = rng.integers(0, 6, 40), rng.integers(0, 5, 40)
    value = rng.normal(0, 1, 40)
    parts = variance_components(rater, scene, value)
    designs = [np.eye(6)[rater], np.eye(5)[scene], np.eye(40), np.eye(30)[rater * 5 + scene]]
    designs = [design[:, design.any(axis=0)] for design in designs]
    centre = np.full((40, 40), 1 / 40)
    projections = [design @ np.linalg.inv(design.T @ design) @ design.T - centre for design in designs]
    expected = [[np.trace(p @ design @ design.T) for design in designs] for p in projections]
    plain = np.linalg.solve(expected, [value @ p @ value for p in projections])
    found = (parts.rater, parts.scene, parts.vote, parts.cell)
    assert found == pytest.approx(np.maximum(plain, 0))


def test_components_are_unbiased_with_a_third_of_the_votes_missing_and_some_repeated(rng):
    """400 studies: the mean of unfloored estimates is the truth within four standard errors; floored, not below."""
    truth, found = (0.5, 0.8, 0.3, 0.4), []
    for _ in range(400):
        rater, scene = np.nonzero(rng.random((12, 10)) > 0.33)
        twice = rng.random(rater.size) < 0.3
        rater, scene = np.append(rater, rater[twice]), np.append(scene, scene[twice])
        value = rng.normal(0, truth[0] ** 0.5, 12)[rater] + rng.normal(0, truth[1] ** 0.5, 10)[scene]
        value += rng.normal(0, truth[2] ** 0.5, (12, 10))[rater, scene] + rng.normal(0, truth[3] ** 0.5, rater.size)
        parts = variance_components(rater, scene, value)
        found.append((parts.rater, parts.scene, parts.cell, parts.vote))
    errors = np.std(found, axis=0) / 20
    assert np.all(np.abs(np.mean(found, axis=0) - truth) < 4 * errors)


def test_an_order_of_votes_and_names_changes_nothing(rng):
    table = np.where(rng.random((9, 6)) > 0.3, rng.integers(0, 6, (9, 6)), np.nan)
    score, shuffled = (
        method_scores(Ratings.from_matrix(some))[0]
        for some in (table, table[rng.permutation(9)][:, rng.permutation(6)])
    )
    assert shuffled.two_way.half_width == pytest.approx(score.two_way.half_width)


def test_methods_are_scored_apart_and_keep_their_order(rng):
    values = rng.integers(0, 6, (6, 5, 3)).astype(float)
    values[:, :, 1] = np.nan
    scores = method_scores(full_ratings(values))
    assert [score.method for score in scores] == ["m0", "m1", "m2"]
    assert scores[1].mos is None
    assert scores[1].message == "no votes"
    alone = method_scores(Ratings.from_matrix(values[:, :, 2]))[0]
    assert scores[2].two_way.half_width == pytest.approx(alone.two_way.half_width)


def test_where_raters_and_scenes_matter_the_naive_interval_is_called_misleading(rng):
    table = rng.normal(0, 1, (20, 1)) + rng.normal(0, 1, 10) + rng.normal(0, 0.3, (20, 10))
    score = method_scores(Ratings.from_matrix(table))[0]
    ratio = score.two_way.half_width / score.naive.half_width
    assert ratio > 2
    assert f"{ratio:.1f} times too narrow" in score.warning


def test_where_all_votes_are_independent_there_is_no_warning(rng):
    score = method_scores(Ratings.from_matrix(rng.normal(0, 1, (100, 100))))[0]
    assert score.warning is None


def test_one_vote_per_rater_and_scene_leaves_the_interval_of_independent_votes(rng):
    """Rater, scene and vote are then one source: Var = S²/T, and only its parts are undetermined."""
    code, value = np.arange(8), rng.normal(3, 1, 8)
    score = two_way_score("m", code, code, value)
    assert score.two_way_minimum.half_width == pytest.approx(score.naive.half_width)
    assert score.components is None
    with pytest.raises(ValueError, match="cannot be told apart"):
        variance_components(code, code, value)


@pytest.mark.parametrize(
    ("table", "words"),
    [
        ([[1, 2, 5]], "one rater"),
        ([[1], [2], [5]], "one scene"),
        ([[3, 3], [3, 3]], "all 4 votes are equal"),
        ([[np.nan, np.nan]], "no votes"),
        ([[np.nan, 2]], "one vote"),
    ],
)
def test_what_has_no_two_way_interval_says_why(table, words):
    score = method_scores(Ratings.from_matrix(table))[0]
    assert score.two_way.low is None
    assert words in score.message
    assert words in score.two_way.message


def test_one_scene_keeps_the_naive_interval_beside_the_message():
    score = method_scores(Ratings.from_matrix([[1], [2], [5]]))[0]
    assert score.naive.half_width == pytest.approx(stats.t.ppf(0.975, 2) * np.std([1, 2, 5], ddof=1) / np.sqrt(3))
    assert "nothing about other raters and scenes" in score.warning


def _mean_squares(table):
    rows, columns = table.shape
    residual = table - table.mean(axis=1, keepdims=True) - table.mean(axis=0) + table.mean()
    return (
        columns * table.mean(axis=1).var(ddof=1),
        rows * table.mean(axis=0).var(ddof=1),
        (residual**2).sum() / ((rows - 1) * (columns - 1)),
    )
