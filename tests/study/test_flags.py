"""Signs in a rater's answers, each where it must be and nowhere else."""

import pytest

from study.flags import GivenAnswer, rater_flags
from study.records import Answer
from tests.study.simulated import make_study
from tests.study.visiting import enrol


def given(answer=3, purpose="main", cell=0, ms=4000, accepted=None, preference=None):  # noqa: PLR0917  a table of cases reads better so
    return GivenAnswer(purpose, cell, answer, answer if preference is None else preference, ms, accepted)


def kinds(answers, *, span=5):
    return [flag.kind for flag in rater_flags(answers, scale_span=span)]


VARIED = [given(value % 6, cell=value) for value in range(12)]


def test_an_attentive_rater_has_no_flags():
    gold = given(5, "gold", cell=None, accepted=True)
    repeats = [given(1, "repeat", cell=1), given(3, "repeat", cell=2)]
    assert kinds([*VARIED, gold, *repeats]) == []
    assert kinds([]) == []


def test_half_of_the_answers_within_a_second_is_too_fast():
    fast = [given(value % 6, cell=value, ms=999) for value in range(12)]
    assert kinds(fast) == ["too_fast"]
    assert kinds(fast[:9]) == []


def test_the_same_answer_in_a_row_or_nearly_always_is_straight_lining():
    assert kinds([*VARIED, *(given(3, cell=20 + n) for n in range(12))]) == ["straight_lining"]
    nearly = [given(2 if n % 11 == 5 else 3, cell=n) for n in range(22)]
    assert kinds(nearly) == ["straight_lining"]


def test_missed_gold_is_told_with_its_count():
    answers = [*VARIED, given(1, "gold", cell=None, accepted=False), given(5, "gold", cell=None, accepted=True)]
    [flag] = rater_flags(answers, scale_span=5)
    assert (flag.kind, flag.detail) == ("gold_missed", "1 of 2 gold items missed")


def test_repeated_ratings_far_apart_are_inconsistent():
    assert kinds([*VARIED, given(5, "repeat", cell=0), given(4, "repeat", cell=1)]) == ["inconsistent_repeats"]
    assert kinds([*VARIED, given(1, "repeat", cell=0), given(2, "repeat", cell=1)]) == []


def test_repeated_comparisons_are_compared_by_picture_not_by_side():
    """A rater who always clicks left prefers the one picture, then, with sides swapped, the other."""
    first = [given(1 if n % 2 else -1, cell=n, preference=1) for n in range(3)]
    same = [given(-1 if n % 2 else 1, "repeat", cell=n, preference=1) for n in range(3)]
    turned = [given(1 if n % 2 else -1, "repeat", cell=n, preference=-1) for n in range(3)]
    assert kinds([*first, *same], span=None) == []
    assert kinds([*first, *turned], span=None) == ["inconsistent_repeats"]


@pytest.mark.parametrize(("choose", "flagged"), [("truth", False), ("left", True), ("worse", True)])
def test_the_store_sees_through_swapped_sides(store, tmp_path, choose, flagged):
    """Gold shows the ground truth beside a method, repeats swap sides: who looks gets neither flag."""
    make_study(
        store,
        tmp_path / "source",
        mode="pairwise",
        gold=[{"scene": "bench", "left": "ground_truth", "right": "glassnet", "accepted": ["left"]}],
        repeats_per_visit=4,
        trials_per_visit=9,
    )
    names = {sha256: method for _, method, sha256 in store.pictures("rehearsal") if method is not None}
    order = ["unprocessed", "gaussian", "glassnet", "ground_truth"]
    found = {}
    for _ in range(4):
        rater = enrol(store, "rehearsal")
        while trial := store.visit_state(rater).current:
            shown = [names[store.picture_of(token).sha256] for token in trial.picture_tokens]
            best = "left" if order.index(shown[0]) > order.index(shown[1]) else "right"
            other = {"left": "right", "right": "left"}[best]
            choice = {"truth": best, "left": "left", "worse": other}[choose]
            answer = Answer(
                response_ms=4000, viewport_width=1280, viewport_height=800, device_pixel_ratio=1, choice=choice
            )
            store.record_answer(answer, rater_id=rater, trial_token=trial.token)
        found[rater] = {flag.kind for flag in store.flags("rehearsal").get(rater, ())}
    if choose == "truth":
        assert all(not kinds for kinds in found.values())
    elif choose == "left":
        assert all("inconsistent_repeats" in kinds and "straight_lining" in kinds for kinds in found.values())
    else:
        assert all("gold_missed" in kinds for kinds in found.values())
    assert any(found.values()) == flagged
