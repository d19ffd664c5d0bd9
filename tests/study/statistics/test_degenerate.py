"""Degenerate studies: every function answers with None and a message, never with NaN, a warning or a crash."""

import numpy as np
import pytest

from study.statistics import (
    Comparisons,
    Ratings,
    bootstrap_scale,
    differential_method_scores,
    differential_stimulus_scores,
    friedman_test,
    intraclass_correlations,
    krippendorff_alpha,
    mean_rater_agreement,
    method_scores,
    rank_groups,
    rater_agreements,
    retest_agreement,
    scale_of,
    screening_views,
    side_bias,
    stimulus_scores,
    unify_scales,
    wilcoxon_tests,
)
from tests.study.statistics.planted import full_ratings, has_nan

NAN = np.nan
_SPARSE = np.full((5, 4, 3), NAN)
_SPARSE[[0, 1, 2, 3], [0, 1, 2, 3], [0, 1, 2, 0]] = [1, 2, 3, 4]
_ONE_VOTE_RATER = np.random.default_rng(1).integers(0, 6, (5, 4, 3)).astype(float)
_ONE_VOTE_RATER[4] = NAN
_ONE_VOTE_RATER[4, 0, 0] = 3
_UNRATED_METHOD = np.random.default_rng(2).integers(0, 6, (5, 4, 3)).astype(float)
_UNRATED_METHOD[:, :, 1] = NAN
_SPLIT = np.random.default_rng(3).integers(0, 6, (6, 4, 2)).astype(float)
_SPLIT[:3, 2:], _SPLIT[3:, :2] = NAN, NAN

RATINGS = {
    "empty": full_ratings(np.full((3, 2, 2), NAN)),
    "no names at all": Ratings.from_rows([]),
    "one vote": Ratings.from_rows([("a", "s", "m", 3)]),
    "one rater": full_ratings(np.arange(6.0).reshape(1, 3, 2)),
    "one scene": full_ratings(np.arange(6.0).reshape(3, 1, 2)),
    "one method": full_ratings(np.arange(6.0).reshape(3, 2, 1)),
    "all votes equal": full_ratings(np.full((4, 3, 2), 3.0)),
    "one vote per rater": full_ratings(_SPARSE),
    "a rater with one vote": full_ratings(_ONE_VOTE_RATER),
    "a method without votes": full_ratings(_UNRATED_METHOD),
    "groups that share no scene": full_ratings(_SPLIT),
    "two raters who differ by a constant": full_ratings(np.stack([np.ones((3, 2)), np.full((3, 2), 2.0)])),
    "everybody a straight-liner": full_ratings(np.tile(np.arange(4.0)[:, None, None], (1, 3, 2))),
    "only repeats": Ratings(("a",), ("s",), ("m",), [0, 0], [0, 0], [0, 0], [1.0, 2.0], [True, True]),
}
RATING_FUNCTIONS = {
    "method_scores": method_scores,
    "stimulus_scores": stimulus_scores,
    "stimulus_scores z": lambda votes: stimulus_scores(votes, kind="z"),
    "stimulus_scores bca": lambda votes: stimulus_scores(votes, kind="bca"),
    "screening_views": screening_views,
    "krippendorff_alpha": lambda votes: krippendorff_alpha(votes, resamples=50),
    "intraclass_correlations": intraclass_correlations,
    "rater_agreements": rater_agreements,
    "mean_rater_agreement": mean_rater_agreement,
    "retest_agreement": retest_agreement,
    "friedman raters": friedman_test,
    "friedman scenes": lambda votes: friedman_test(votes, blocks="scenes"),
    "wilcoxon raters": wilcoxon_tests,
    "wilcoxon scenes": lambda votes: wilcoxon_tests(votes, blocks="scenes"),
    "rank_groups": rank_groups,
}


@pytest.mark.parametrize("study", RATINGS)
@pytest.mark.parametrize("function", RATING_FUNCTIONS)
def test_degenerate_ratings_give_no_nan(study, function):
    assert not has_nan(RATING_FUNCTIONS[function](RATINGS[study]))


@pytest.mark.parametrize("study", [name for name, votes in RATINGS.items() if votes.methods])
@pytest.mark.parametrize("function", [differential_method_scores, differential_stimulus_scores])
def test_degenerate_ratings_give_no_nan_against_a_reference(study, function):
    votes = RATINGS[study]
    assert not has_nan(function(votes, reference=votes.methods[0], scale_maximum=5))


def _comparisons(*rows):
    return Comparisons.from_rows([("r" + str(i % 3), "s", *row) for i, row in enumerate(rows)])


COMPARISONS = {
    "empty": (Comparisons.from_rows([]), "at least two methods"),
    "methods without votes": (
        Comparisons(("a",), ("s",), ("x", "y"), [], [], [], [], [], []),
        "no comparison was decided",
    ),
    "all tied": (_comparisons(("A", "B", 0), ("B", "C", 0), ("A", "C", 0)), "all comparisons are ties"),
    "disconnected": (
        _comparisons(("A", "B", 1), ("A", "B", -1), ("C", "D", 1), ("C", "D", -1)),
        "{A, B}, {C, D}",
    ),
    "separated": (_comparisons(("A", "B", 1), ("A", "C", 1), ("B", "C", 1), ("B", "C", -1)), "{A}, {B, C}"),
    "one vote": (_comparisons(("A", "B", 1)), "never lost"),
}


@pytest.mark.parametrize("model", ["bradley_terry", "davidson", "thurstone"])
@pytest.mark.parametrize("study", COMPARISONS)
def test_degenerate_comparisons_give_a_message_and_no_numbers(study, model):
    votes, words = COMPARISONS[study]
    scale = scale_of(votes, model=model)
    assert words in scale.message
    assert all(score is None for score in scale.scores)
    result = bootstrap_scale(votes, model=model, resamples=20)
    assert words in result.message
    assert not has_nan((scale.differences(), scale.intervals(), result.intervals, result.differences))


@pytest.mark.parametrize("study", COMPARISONS)
def test_degenerate_comparisons_give_no_nan_elsewhere(study):
    votes, _ = COMPARISONS[study]
    assert not has_nan(side_bias(votes))
    for ratings in RATINGS.values():
        assert not has_nan(unify_scales(ratings, votes))


def test_two_thousand_raters_of_the_same_stimuli_are_scored_in_one_pass():
    """Not a speed test: that sums over many votes stay exact. The mean of 10^6 votes of 1..5 in turn is 3."""
    values = np.resize(np.arange(1.0, 6.0), (2000, 100, 5))
    scores = method_scores(full_ratings(values))
    assert [score.mos for score in scores] == pytest.approx([1, 2, 3, 4, 5])
    assert all("equal" in score.message for score in scores)
