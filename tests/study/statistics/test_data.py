"""Votes as arrays: codes, names, repeats and what is refused."""

import numpy as np
import pytest

from study.statistics import Comparisons, Ratings

ROWS = [("ann", "lake", "x", 3), ("bob", "lake", "y", 1), ("ann", "lake", "x", 4), ("ann", "hill", "x", 5)]


def test_rows_become_sorted_names_and_codes():
    ratings = Ratings.from_rows(ROWS)
    assert (ratings.raters, ratings.scenes, ratings.methods) == (("ann", "bob"), ("hill", "lake"), ("x", "y"))
    assert [ratings.stimulus_name(code) for code in ratings.stimulus] == [(scene, m) for _, scene, m, _ in ROWS]


def test_a_stimulus_met_again_by_its_rater_is_a_repeat():
    ratings = Ratings.from_rows(ROWS)
    assert ratings.repeat.tolist() == [False, False, True, False]
    assert ratings.first_votes().value.tolist() == [3, 1, 5]


def test_a_pair_met_again_with_sides_swapped_is_a_repeat():
    comparisons = Comparisons.from_rows([("ann", "lake", "x", "y", 1), ("ann", "lake", "y", "x", 0)])
    assert comparisons.repeat.tolist() == [False, True]
    assert comparisons.first_votes().n == 1


def test_a_matrix_leaves_out_what_is_missing():
    ratings = Ratings.from_matrix([[1, np.nan], [2, 3]])
    assert (ratings.n, ratings.value.tolist()) == (3, [1, 2, 3])


def _ratings(**changes):
    fields = {
        "raters": ("a",), "scenes": ("s",), "methods": ("m",), "rater": [0], "scene": [0], "method": [0],
        "value": [3.0], "repeat": [False],
    }  # fmt: skip
    return Ratings(**{**fields, **changes})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"raters": ("a", "a")}, "raters must name each once"),
        ({"rater": [1]}, "rater must be codes"),
        ({"scene": [-1]}, "scene must be codes"),
        ({"method": [0.5]}, "method must be whole-number codes"),
        ({"scene": [0, 0]}, "scene must be one code per vote"),
        ({"value": [float("nan")]}, "value must be finite"),
        ({"value": [1.0, 2.0]}, "value must be one per vote"),
        ({"repeat": [False, True]}, "repeat must be one per vote"),
    ],
)
def test_inconsistent_ratings_are_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        _ratings(**changes)


@pytest.mark.parametrize(
    ("row", "words"),
    [(("a", "s", "x", "x", 1), "different methods"), (("a", "s", "x", "y", 2), "outcome must be")],
)
def test_impossible_comparisons_are_refused(row, words):
    with pytest.raises(ValueError, match=words):
        Comparisons.from_rows([row])


@pytest.mark.parametrize("outcome", [0.5, "left", 2, None])
def test_an_unknown_outcome_is_no_tie(outcome):
    with pytest.raises(ValueError, match="outcome"):
        Comparisons.from_rows([("a", "s", "x", "y", outcome)])


@pytest.mark.parametrize("value", ["good", None, float("nan")])
def test_a_rating_is_a_number(value):
    with pytest.raises(ValueError, match="value must be"):
        Ratings.from_rows([("a", "s", "m", value)])
