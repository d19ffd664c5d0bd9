"""The order of trials: everything once, no scene twice in a row, methods balanced over positions."""

import itertools
from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from study.design import plan_for_rater, trial_order

SIZES = st.integers(1, 9)


@settings(max_examples=60, deadline=None)
@given(scenes=SIZES, methods=SIZES, rotation=SIZES, seed=st.integers(0, 2**32))
def test_every_cell_comes_once_and_no_scene_twice_in_a_row(scenes, methods, rotation, seed):
    order = trial_order(scenes=scenes, methods=methods, rotation=rotation, rng=np.random.default_rng(seed))
    assert sorted(order) == [(s, m) for s in range(scenes) for m in range(methods)]
    if scenes > 1:
        assert all(before[0] != after[0] for before, after in itertools.pairwise(order))


@pytest.mark.parametrize(("scenes", "methods"), [(8, 4), (5, 3), (2, 6), (7, 2)])
def test_a_run_of_raters_puts_every_method_once_at_every_position(scenes, methods):
    run = [plan_for_rater(scenes=scenes, methods=methods, ordinal=i, seed=3) for i in range(methods, 2 * methods)]
    for trials_at_position in zip(*run, strict=True):
        assert sorted(method for _, method in trials_at_position) == list(range(methods))


def test_a_rater_who_stops_early_has_seen_all_methods_about_equally_often():
    for ordinal in range(40):
        order = plan_for_rater(scenes=8, methods=4, ordinal=ordinal, seed=5)
        for stopped_after in range(4, 33, 4):
            seen = Counter(method for _, method in order[:stopped_after])
            assert set(seen.values()) == {stopped_after // 4}


def test_raters_of_different_runs_get_different_orders():
    first, second = (plan_for_rater(scenes=8, methods=4, ordinal=ordinal, seed=5) for ordinal in (0, 4))
    assert [scene for scene, _ in first] != [scene for scene, _ in second]


def test_the_same_rater_gets_the_same_order():
    assert plan_for_rater(scenes=8, methods=4, ordinal=9, seed=5) == plan_for_rater(
        scenes=8, methods=4, ordinal=9, seed=5
    )


def test_a_study_without_scenes_has_no_order(rng):
    with pytest.raises(ValueError, match="at least 1"):
        trial_order(scenes=0, methods=2, rotation=0, rng=rng)
