"""The working size is the fastest of those that are as good as the best."""

import numpy as np
import pytest

from bggan_core.data.pairs import Pair
from bggan_core.evaluation import Estimate
from bggan_core.evaluation.choice import Candidate, choose, measure_candidates, record_choice


def candidate(size, gain, ratio):
    return Candidate(size, Estimate(gain, gain, gain, 2), ratio)


def test_the_fastest_within_the_tolerance_of_the_best_is_chosen():
    candidates = [candidate(1, 2.7, 1.0), candidate(2, 2.95, 2.0), candidate(3, 3.0, 4.0), candidate(4, 2.99, 8.0)]
    assert choose(candidates).working_pixels == 2


def test_a_fast_size_that_is_worse_by_more_is_not_chosen():
    assert choose([candidate(1, 2.8, 1.0), candidate(2, 3.0, 9.0)]).working_pixels == 2


def test_candidates_are_measured_on_the_same_pairs_against_the_photo():
    random = np.random.default_rng(0)
    photo = random.random((16, 24, 3), dtype=np.float32)
    pair = Pair(photo, photo * 0.5 + random.random((16, 24, 3), dtype=np.float32) * 0.1, np.ones((16, 24), np.float32))
    half = (photo + pair.bokeh) / 2
    methods = {10: lambda each: each.photo, 20: lambda _: half}
    same, better = measure_candidates(methods, [pair, pair])
    assert same.fitted_gain_db.mean == pytest.approx(0)
    assert same.time_ratio == 1
    # Half of the way to the truth, even where a gain and an offset take part of it, is more than 3 dB.
    assert better.fitted_gain_db.mean > 3
    assert better.fitted_gain_db.images == 2
    record = record_choice([same, better], pairs="two pairs")
    assert record["chosen"] == 20
    assert record["candidates"][1]["fitted_gain_db"]["mean"] == better.fitted_gain_db.mean


def test_no_pair_is_an_error():
    with pytest.raises(ValueError, match="no pair to choose"):
        measure_candidates({10: lambda each: each.photo}, [])
