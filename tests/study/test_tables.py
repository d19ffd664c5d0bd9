"""Tables of a study: every row says what it rests on, nothing is NaN, and votes in any order give the same digits."""

import numpy as np
import pandas as pd
import pytest

from study.export import build_tables
from study.statistics import Comparisons, Ratings, bca_interval, mean_rater_agreement, method_scores
from study.tables import (
    Analysis,
    StudyFacts,
    StudyVotes,
    agreement,
    answers,
    common_scale,
    mos_by_method,
    mos_by_stimulus,
    pairwise_matrix,
    pairwise_scale,
    screened_raters,
    screening_ranks,
    side_choices,
)
from tests.study.sample_votes import (
    METHODS,
    QUICK,
    SCENES,
    metrics_frame,
    pairwise_export,
    pairwise_frame,
    rating_export,
    rating_frame,
)
from tests.study.statistics.planted import chained_ratings

BASIS = ["confidence", "ci_method", "screening", "scale", "simulated", "study", "study_sha256"]


def is_nan(value) -> bool:
    return isinstance(value, float) and np.isnan(value)


def assert_sound(frame: pd.DataFrame) -> None:
    """Nothing is NaN, and a table without rows does not occur."""
    assert len(frame), "a table must have rows"
    for name in frame:
        assert not any(is_nan(value) for value in frame[name]), name


@pytest.mark.parametrize("export", [rating_export(metrics=metrics_frame()), pairwise_export()], ids=["rating", "pairs"])
def test_every_row_of_every_table_says_what_it_rests_on(export):
    for frame, _form in build_tables(export).values():
        assert_sound(frame)
        assert frame["n_votes"].notna().all()
        for name in BASIS:
            assert frame[name].notna().all()
            assert (frame[name] != "").all()


def test_the_mos_table_shows_the_two_way_interval_first_and_the_naive_one_beside_it():
    export = rating_export()
    frame = mos_by_method(export.votes(), QUICK).set_index("method")
    for score in method_scores(export.votes().rated.first_votes()):
        row = frame.loc[score.method]
        assert (row["mos"], row["ci_low"], row["naive_high"]) == (score.mos, score.two_way.low, score.naive.high)
        assert row["ci_high"] - row["ci_low"] > row["naive_high"] - row["naive_low"]
    assert frame["ci_method"].str.startswith("two-way").all()
    assert list(frame.index) == ["reference", "glass_net", "gaussian", "unprocessed"]
    assert list(frame["rank"]) == [1, 2, 3, 4]
    assert frame["n_votes"].tolist() == [80] * 4  # 16 raters x 5 scenes; repeats do not count


def test_methods_that_do_not_differ_share_a_letter_and_others_do_not():
    frame = mos_by_method(rating_export().votes(), QUICK).set_index("method")
    assert len(set(frame["group"])) == 4
    twins = rating_frame(methods=("twin_a", "twin_b"), seed=8)
    same = mos_by_method(rating_export(twins, methods=("twin_a", "twin_b")).votes(), QUICK)
    assert set(same["group"]) == {"a"}


def test_dmos_stands_beside_the_mos_where_there_is_a_hidden_reference():
    """ITU-T P.910: MOS - MOS of the reference + the scale's best value; the reference itself has none."""
    frame = mos_by_method(rating_export().votes(), QUICK).set_index("method")
    expected = frame.loc["glass_net", "mos"] - frame.loc["reference", "mos"] + 5
    assert frame.loc["glass_net", "dmos"] == pytest.approx(expected)
    assert frame.loc["reference", "dmos"] is pd.NA
    without = mos_by_method(rating_export(hidden_reference=None).votes(), QUICK)
    assert without["dmos"].isna().all()


def test_votes_in_any_order_under_any_names_give_the_same_digits():
    """Bootstraps draw raters by number, so the number must follow from the votes."""
    frame = rating_frame()
    shuffled = frame.sample(frac=1, random_state=9)
    shuffled["rater"] = [f"someone {99 - int(rater[1:])}" for rater in shuffled["rater"]]
    first, second = (build_tables(rating_export(votes)) for votes in (frame, shuffled))
    for name, (table, _form) in first.items():
        other = second[name][0].drop(columns="rater", errors="ignore")
        pd.testing.assert_frame_equal(table.drop(columns="rater", errors="ignore"), other, rtol=1e-12)
    pairs = pairwise_frame()
    again = build_tables(pairwise_export(pairs.sample(frac=1, random_state=2)))
    for name, (table, _form) in build_tables(pairwise_export(pairs)).items():
        pd.testing.assert_frame_equal(table, again[name][0], rtol=1e-12)


def test_every_rater_a_screening_leaves_out_is_named_with_the_reason_and_the_ranks_before_and_after():
    frame = rating_frame(raters=30, repeats=0)
    frame["value"] = [2.0 + METHODS.index(method) % 2 for method in frame["method"]]
    erratic = frame["rater"] == "r03"
    frame.loc[erratic, "value"] = [5.0 * (SCENES.index(scene) % 2) for scene in frame.loc[erratic, "scene"]]
    votes = rating_export(frame).votes()
    raters = screened_raters(votes, QUICK)
    excluded = raters[(raters["view"] == "bt500") & (raters["verdict"] == "excluded")]
    assert list(excluded["rater"]) == ["r03"]
    assert (raters["reason"] != "").all()
    ranks = screening_ranks(votes, QUICK)
    assert set(ranks["view"]) >= {"none", "bt500", "p913", "p910"}
    assert set(ranks.loc[ranks["view"] == "bt500", "n_excluded"]) == {1}
    screened = mos_by_method(votes, Analysis(screening="bt500", resamples=100))
    assert set(screened["n_raters"]) == {29}
    assert screened["screening"].str.contains("1 of 30 raters excluded").all()
    assert mos_by_method(votes, QUICK)["screening"].str.startswith("none").all()
    assert set(answers(votes, Analysis(screening="p913", resamples=100))["value"]) == {0, 1, 2, 3, 4, 5}


def test_an_annex_e_fit_that_does_not_settle_stops_no_table_and_is_said_in_it(rng):
    ratings = chained_ratings(rng)
    votes = StudyVotes(rating_export(hidden_reference=None).facts, ratings=ratings, comparisons=None)
    ranks = screening_ranks(votes, QUICK).set_index("view")
    assert ranks.loc["p910", "message"].startswith("P.910 Annex E did not settle")
    assert ranks.loc["p910", ["mos", "ci_low", "mean_rank", "rank_change"]].isna().all()
    assert ranks.loc[["none", "bt500", "p913"], "mos"].notna().all()
    raters = screened_raters(votes, QUICK)
    unsettled = raters[raters["view"] == "p910"]
    assert len(unsettled) == len(ratings.raters)
    assert unsettled["reason"].str.startswith("P.910 Annex E did not settle").all()
    assert unsettled[["weight", "bias", "inconsistency"]].isna().all(axis=None)


def test_every_measure_of_agreement_has_the_interval_of_its_confidence_column():
    votes = rating_export().votes()
    wide, narrow = (
        agreement(votes, Analysis(confidence=confidence, resamples=100)).set_index("measure").dropna(subset="ci_low")
        for confidence in (0.99, 0.9)
    )
    assert set(wide["confidence"]) == {0.99}
    assert ((wide["ci_high"] - wide["ci_low"]) > (narrow["ci_high"] - narrow["ci_low"])).all()
    expected = mean_rater_agreement(votes.rated.first_votes(), confidence=0.99)
    ends = wide.loc[expected.name, ["ci_low", "ci_high"]].tolist()
    assert ends == [expected.interval.low, expected.interval.high]


def test_the_bootstrap_of_every_stimulus_draws_as_often_as_the_analysis_says():
    analysis = Analysis(interval="bca", resamples=150, seed=4)
    votes = rating_export().votes()
    rows = mos_by_stimulus(votes, analysis)
    assert set(rows["ci_method"]) == {"BCa bootstrap, 150 resamples of the votes"}
    ratings = votes.rated.first_votes()
    expected = bca_interval(ratings.value[ratings.stimulus == 0], seed=4, resamples=150)
    assert rows.loc[0, ["ci_low", "ci_high"]].tolist() == [expected.low, expected.high]


def test_a_screening_of_raters_is_refused_where_no_table_would_follow_it():
    with pytest.raises(ValueError, match="screening must be none, got bt500: pairs is a pairwise study"):
        pairwise_export(analysis=Analysis(screening="bt500"))


def test_every_table_tells_how_many_raters_are_simulated():
    export = rating_export()
    frame = export.frame.assign(simulated=export.frame["rater"].isin(["r00", "r01"]))
    for table, _form in build_tables(rating_export(frame)).values():
        assert set(table["simulated"]) == {"2 of 16"}


def test_gold_answers_are_in_no_table():
    frame = rating_frame()
    gold = frame.head(5).assign(purpose="gold", value=0.0)
    with_gold = mos_by_method(rating_export(pd.concat([gold, frame])).votes(), QUICK)
    pd.testing.assert_frame_equal(with_gold, mos_by_method(rating_export(frame).votes(), QUICK))


RATINGS = rating_frame()
DEGENERATE_RATINGS = {
    "empty": (RATINGS.head(0), "no votes"),
    "one vote": (RATINGS.head(1), "one vote"),
    "one rater": (RATINGS[RATINGS["rater"] == "r01"], "one rater"),
    "one scene": (RATINGS[RATINGS["scene"] == "dog"], "one scene"),
    "one method": (RATINGS[RATINGS["method"] == "gaussian"], "no votes"),
    "all votes equal": (RATINGS.assign(value=3.0), "equal"),
}


@pytest.mark.parametrize("case", DEGENERATE_RATINGS)
def test_degenerate_ratings_give_tables_that_say_so(case):
    frame, expected = DEGENERATE_RATINGS[case]
    tables = build_tables(rating_export(frame, metrics=metrics_frame()))
    for name, (table, _form) in tables.items():
        if name not in {"rater-correlations", "screened-raters", "metrics-by-stimulus"}:  # no raters, no rows
            assert_sound(table)
    mos = tables["mos"][0]
    assert mos.loc[mos["ci_low"].isna(), "message"].str.contains(expected).any()
    assert (mos.loc[mos["ci_low"].isna(), "message"] != "").all()


PAIRS = pairwise_frame(ties=0)


def beaten_always(frame, method):
    """The same comparisons, the method losing every one."""
    lost = frame.copy()
    lost.loc[lost["left_method"] == method, "choice"] = "right"
    lost.loc[lost["right_method"] == method, "choice"] = "left"
    return lost


def without_bridge(frame):
    """Only comparisons within two groups of methods."""
    group = {"glass_net": 1, "gaussian": 1, "reference": 2, "unprocessed": 2}
    return frame[[group[a] == group[b] for a, b in zip(frame["left_method"], frame["right_method"], strict=True)]]


DEGENERATE_PAIRS = {
    "empty": (PAIRS.head(0), "no comparisons"),
    "disconnected": (without_bridge(PAIRS), "glass_net"),
    "separated": (beaten_always(PAIRS, "gaussian"), "gaussian"),
    "all tied": (PAIRS.assign(choice="tie"), "tie"),
    "one rater": (PAIRS[PAIRS["rater"] == "r01"], ""),
}


@pytest.mark.parametrize("case", DEGENERATE_PAIRS)
def test_degenerate_comparisons_give_tables_that_say_so(case):
    frame, expected = DEGENERATE_PAIRS[case]
    tables = build_tables(pairwise_export(frame))
    for table, _form in tables.values():
        assert_sound(table)
    scale = tables["scale"][0]
    without = scale[scale["ci_low"].isna()]
    assert len(without) >= 1
    assert without["message"].str.contains(expected).any()
    assert (without["message"] != "").all()


def test_the_pairwise_scale_finds_the_true_order_and_counts_its_votes():
    votes = pairwise_export().votes()
    scale = pairwise_scale(votes, QUICK)
    assert set(scale["model"]) == {"Davidson (ties)", "Thurstone case V"}
    for _model, rows in scale.groupby("model"):
        assert list(rows["method"]) == ["reference", "glass_net", "gaussian", "unprocessed"]
        assert rows["score"].sum() == pytest.approx(0, abs=1e-9)
        assert (rows["wins"] + rows["losses"] + rows["ties"]).tolist() == [240] * 4  # 16 raters x 5 scenes x 3 others
    matrix = pairwise_matrix(votes).set_index(["method", "opponent"])
    assert matrix.loc[("reference", "gaussian"), "share"] == pytest.approx(
        1 - matrix.loc[("gaussian", "reference"), "share"]
    )
    assert side_choices(votes).loc[0, "rater"] == "all raters"


def test_ratings_and_comparisons_of_the_same_methods_come_onto_one_scale():
    table = common_scale(rating_export().votes(), pairwise_export().votes(), QUICK)
    assert list(table["method"]) == ["reference", "glass_net", "gaussian", "unprocessed"]
    assert_sound(table)


def test_methods_that_cannot_be_linked_keep_their_rows_and_say_why():
    nobody = pairwise_export(pairwise_frame().iloc[:0]).votes()
    table = common_scale(rating_export().votes(), nobody, QUICK)
    assert sorted(table["method"]) == ["gaussian", "glass_net", "reference", "unprocessed"]
    assert set(table["verdict"]) == {"not decided"}
    assert all("takes at least three" in message for message in table["message"])


def test_a_stimulus_without_votes_keeps_its_row():
    frame = rating_frame()
    frame = frame[(frame["scene"] != "owl") | (frame["method"] != "gaussian")]
    table = mos_by_stimulus(rating_export(frame).votes(), QUICK).set_index(["scene", "method"])
    assert len(table) == 20
    assert table.loc[("owl", "gaussian"), "message"].startswith("no votes")


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"confidence": 1.0}, "confidence"),
        ({"screening": "p910"}, "weighs"),
        ({"interval": "x"}, "interval"),
        ({"resamples": 10}, "resamples"),
    ],
)
def test_an_analysis_that_cannot_be_done_is_refused(choices, message):
    with pytest.raises(ValueError, match=message):
        Analysis(**choices)


def test_votes_of_the_other_mode_are_refused():
    facts = StudyFacts("x", "x", "0" * 64, "pairwise", "which is better")
    ratings = Ratings.from_rows([("a", "s", "m", 1.0)])
    with pytest.raises(ValueError, match="other mode"):
        StudyVotes(facts, ratings=ratings, comparisons=None)
    with pytest.raises(ValueError, match="either"):
        StudyVotes(facts, ratings=None, comparisons=None)
    votes = StudyVotes(facts, ratings=None, comparisons=Comparisons.from_rows([("a", "s", "m", "n", 1)]))
    with pytest.raises(ValueError, match="pairwise study"):
        mos_by_method(votes)


def test_the_methods_are_the_studys_even_where_nobody_rated_them():
    frame = rating_frame()
    table = mos_by_method(rating_export(frame, methods=(*METHODS, "never shown")).votes(), QUICK)
    assert list(table["method"])[-1] == "never shown"
    assert table.iloc[-1]["n_votes"] == 0
