"""Balance after many simulated raters of whom 30 % leave early, and what it is for: order effects cancel.

The raters answer through `Visits`, the layer right below HTTP, with the real database: 80 in `make test`, 1,000 in
`make test-long`, where 1,000 more go through HTTP. The design alone gets its 1,000 in both.
"""

import itertools
import math
import shutil
import tempfile
from collections import Counter
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from study.api import build_router
from study.design import Filling, Wishes, plan_visit
from study.records import Answer, Screen
from study.simulation.answers import compare, rate
from study.simulation.rehearsal import Rehearsal
from study.simulation.traits import RaterTraits
from study.simulation.truth import PictureTruth
from study.store import StudyStore
from study.visits import BeginRequest, Visits
from tests.study.simulated import SCREEN, make_study

LEAVING, TRIALS = 0.3, 6
SCENES = ("bench", "harbour", "orchid", "market")
METHODS = ("glassnet", "unprocessed", "gaussian", "lens")
KEY = "a key for tests only"
LEASE = timedelta(minutes=60)
# Chance of a false alarm below 10^-4 per test, with up to 16 bounds each.
SIGMAS = 5


class Clock:
    """The store's clock, set forward by the test."""

    def __init__(self):
        self.now = datetime(2026, 1, 5, 9, tzinfo=UTC)

    def __call__(self):
        return self.now


@dataclass(frozen=True)
class Planned:
    """A visit as planned: all cells' answers and live reservations right before it, and the cells it got (0 or 1)."""

    live: np.ndarray
    cells: np.ndarray
    answered: int


class Crowd:
    """Raters one after the other, 30 % of whom leave at a trial drawn evenly; their leases lapse."""

    def __init__(self, folder, *, mode, raters):
        self.mode, self.raters = mode, raters
        self.clock = Clock()
        self.store = StudyStore(
            f"sqlite:///{folder / 'var' / 'study.db'}", data_folder=folder / "var", clock=self.clock
        )
        fields = {"scenes": SCENES, "methods": METHODS, "trials_per_visit": TRIALS, "lease_minutes": 60}
        make_study(self.store, folder / "source", mode=mode, **fields)
        self.visits = Visits(self.store, secret_key=KEY)
        self.rng = np.random.default_rng(6)
        self.consent = self.store.words("rehearsal").consent_sha256
        self.planned = []

    def come(self, answer):
        """Send all raters; `answer(state, rng)` gives a value or a choice. One comes every two minutes."""
        for _ in range(self.raters):
            self.clock.now += timedelta(minutes=2)
            leaves_after = int(self.rng.integers(TRIALS)) if self.rng.random() < LEAVING else None
            self._visit(answer, leaves_after)

    def _visit(self, answer, leaves_after):
        request = BeginRequest("rehearsal", "en", self.consent, attempt=None, invitation=None, client="here")
        before = self._live()
        visit = self.visits.begin({}, request)
        cells = self._live() - before
        cookies = {visit.cookie_name: visit.cookie_value}
        screen = Screen(**SCREEN, color_gamut=None, pointer=None, dark_room=None)
        state = self.visits.check_screen(cookies, screen, study_name="rehearsal").state
        while state.current is not None and state.answered != leaves_after:
            given = Answer(1000, 1425, 789, 2.0, **answer(state, self.rng))
            state = self.visits.answer(cookies, given, trial_token=state.current.token).state
        self.planned.append(Planned(before, cells, state.answered))

    def _live(self):
        return np.array([cell.answered + cell.leased for cell in self.store.cell_counts("rehearsal")])

    def votes(self):
        return [chained.vote for chained in self.store.votes("rehearsal")]


RATING = [
    pytest.param(("rating", 80), id="rating-80"),
    pytest.param(("rating", 1000), id="rating-1000", marks=pytest.mark.long),
]
PAIRWISE = [
    pytest.param(("pairwise", 80), id="pairwise-80"),
    pytest.param(("pairwise", 1000), id="pairwise-1000", marks=pytest.mark.long),
]


@pytest.fixture(scope="module", params=[*RATING, *PAIRWISE])
def crowd(request):
    # In memory where there is such a folder: a vote waits for the disk twice, and 10,000 of them need not here.
    folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    mode, raters = request.param
    crowd = Crowd(folder, mode=mode, raters=raters)
    crowd.come(flat_answer)
    yield crowd
    crowd.store.close()
    shutil.rmtree(folder)


def flat_answer(state, rng):
    """All pictures are alike; later trials of a visit get better values, and the left side is preferred."""
    drifting = RaterTraits("honest", inconsistency=0.13, drift_per_trial=0.08, side_bias=0.2)
    if len(state.current.picture_tokens) == 1:
        return {"value": rate(drifting, quality=0.4, answered=state.answered, values=tuple(range(6)), rng=rng)}
    return {"choice": compare(drifting, left=0.5, right=0.5, answered=0, tie_prominence=0, rng=rng)}


def test_a_thousand_raters_leave_the_design_itself_balanced():
    """Arrays alone, no database: every plan is carried out or left at a trial drawn evenly, and what is left lapses."""
    rng = np.random.default_rng(2)
    filling = Filling(*(np.zeros((4, 6), dtype=np.int64) for _ in range(3)))
    wishes = Wishes(trials=TRIALS, repeats=0, gold=0, gold_scenes=(), votes_wanted=None, two_sided=True)
    for ordinal in range(1000):
        slots = plan_visit(filling, wishes, ordinal=ordinal, seed=4).slots
        answered = int(rng.integers(TRIALS)) if rng.random() < LEAVING else TRIALS
        for number, slot in enumerate(slots):
            cell = (slot.scene, slot.treatment)
            filling.lapsed[cell] += (number >= answered) - slot.takes_over
            filling.assigned[cell] += 1 - slot.takes_over
        assert filling.assigned.max() - filling.assigned.min() <= 1
    assert filling.lapsed.sum() <= 2 * TRIALS
    assert filling.lapsed.min() >= 0


def test_cells_answered_or_reserved_differ_by_at_most_one(crowd):
    """Counting reservations that lapsed and wait for somebody to take them over: without them cells must be behind."""
    cells = crowd.store.cell_counts("rehearsal")
    assert len(cells) == {"rating": 16, "pairwise": 24}[crowd.mode]
    counts = [cell.answered + cell.leased + cell.lapsed for cell in cells]
    assert max(counts) - min(counts) <= 1
    assert sum(cell.answered for cell in cells) > 0.75 * crowd.raters * TRIALS


def test_lapsed_reservations_are_taken_over_and_not_left_behind(crowd):
    """Nearly every rater left one trial on average; few are waiting for somebody at any time."""
    cells = crowd.store.cell_counts("rehearsal")
    assert sum(cell.lapsed for cell in cells) <= 2 * TRIALS
    left = [rater for rater in crowd.store.raters("rehearsal") if rater.answered < TRIALS]
    assert len(left) == pytest.approx(
        LEAVING * crowd.raters, abs=SIGMAS * math.sqrt(crowd.raters * LEAVING * (1 - LEAVING))
    )


def test_every_visit_shows_the_methods_as_evenly_as_the_least_full_cells_admit(crowd):
    """Agrees with trying every block: of those that leave no emptier cell behind, the one with the evenest methods.

    A spread above 1 cannot be ruled out: see `test_no_choice_keeps_both_the_cells_and_a_visit_even` of the design. In a
    pairwise study pairs take the place of methods.
    """
    n_cells = len(crowd.planned[0].live)
    blocks = np.zeros((math.comb(n_cells, TRIALS), n_cells), dtype=bool)
    blocks[np.arange(len(blocks))[:, None], list(itertools.combinations(range(n_cells), TRIALS))] = True
    spreads = spread_of_methods(blocks)
    evenest = {}
    for visit in crowd.planned:
        levels = tuple(visit.live - visit.live.min())
        if levels not in evenest:
            fullest_chosen = np.where(blocks, levels, -1).max(axis=1)
            emptiest_left = np.where(blocks, 99, levels).min(axis=1)
            evenest[levels] = spreads[fullest_chosen <= emptiest_left].min()
        assert sorted(set(visit.cells)) == [0, 1]
        assert spread_of_methods(visit.cells[None]) == evenest[levels]
    if crowd.mode == "rating":
        assert np.mean([spread_of_methods(visit.cells[None]) <= 1 for visit in crowd.planned]) > 0.95


def spread_of_methods(blocks):
    """How much more often the most frequent method comes than the rarest, for each row of cells, scene by scene."""
    per_method = blocks.reshape(len(blocks), len(SCENES), -1).sum(axis=1)
    return per_method.max(axis=1) - per_method.min(axis=1)


def test_no_scene_comes_twice_in_a_row_unless_it_has_more_than_half_of_a_visit(crowd):
    """Then it follows itself no more often than it must: `most` of n places leave 2 * most - n - 1 neighbours."""
    by_rater = {}
    for vote in crowd.votes():
        by_rater.setdefault(vote.rater, []).append(vote)
    visits = [visit for visit in crowd.planned if visit.answered]
    for visit, votes in zip(visits, by_rater.values(), strict=True):
        assert len(votes) == visit.answered
        most = visit.cells.reshape(len(SCENES), -1).sum(axis=1).max()
        in_a_row = sum(before.scene == after.scene for before, after in itertools.pairwise(votes))
        assert in_a_row <= max(0, 2 * most - TRIALS - 1)
    crowded = sum(visit.cells.reshape(len(SCENES), -1).sum(axis=1).max() > TRIALS // 2 for visit in crowd.planned)
    assert crowded <= 0.02 * crowd.raters


@pytest.mark.parametrize("crowd", PAIRWISE, indirect=True, scope="module")
def test_every_method_stands_on_each_side_within_binomial_bounds(crowd):
    votes = crowd.votes()
    for method in METHODS:
        left = sum(vote.left_method == method for vote in votes)
        shown = left + sum(vote.right_method == method for vote in votes)
        assert abs(left - shown / 2) < SIGMAS * math.sqrt(shown / 4), method


def test_every_method_comes_at_every_position_within_binomial_bounds(crowd):
    votes = crowd.votes()
    for position in range(TRIALS):
        here = [vote for vote in votes if vote.position == position]
        for method in METHODS:
            share = {"rating": 1 / 4, "pairwise": 1 / 2}[crowd.mode]
            shown = sum(method in {vote.method, vote.left_method, vote.right_method} for vote in here)
            assert abs(shown - share * len(here)) < SIGMAS * math.sqrt(len(here) * share * (1 - share)), position


def method_bias(votes):
    """Each method's estimate minus the truth (all are alike), in its own standard errors.

    Ratings: mean minus the mean over all methods. Pairs: share of wins minus a half.
    """
    deviations = {}
    for method in METHODS:
        if votes[0].method is not None:
            own = np.array([vote.value for vote in votes if vote.method == method], dtype=float)
            centre = np.mean([np.mean([v.value for v in votes if v.method == each]) for each in METHODS])
            deviations[method] = (own.mean() - centre) / (own.std(ddof=1) / math.sqrt(len(own)))
        else:
            shown = [vote for vote in votes if method in {vote.left_method, vote.right_method}]
            won = np.mean([winner(vote) == method for vote in shown])
            deviations[method] = (won - 0.5) / math.sqrt(0.25 / len(shown))
    return deviations


def winner(vote):
    return vote.left_method if vote.choice == "left" else vote.right_method


def test_a_planted_order_effect_and_a_planted_side_bias_do_not_show_in_the_estimates(crowd):
    votes = crowd.votes()
    if crowd.mode == "rating":
        first, last = ([v.value for v in votes if v.position == position] for position in (0, TRIALS - 1))
        assert np.mean(last) - np.mean(first) > 1, "the planted drift of 2 points must be in the data"
    else:
        assert np.mean([vote.choice == "left" for vote in votes]) > 0.6, "the planted side bias must be in the data"
    assert max(abs(deviation) for deviation in method_bias(votes).values()) < 4


def test_the_same_effects_would_show_in_an_unbalanced_study(crowd):
    """What the test above can fail by: methods in one order for all raters, and one method always on the left."""
    unbalanced = one_order(crowd.votes()) if crowd.mode == "rating" else one_side(crowd.votes())
    assert max(abs(deviation) for deviation in method_bias(unbalanced).values()) > 4


def one_order(votes):
    """The same votes as if every rater had seen the methods in the order of their names."""
    rng = np.random.default_rng(9)
    drifting = RaterTraits("honest", inconsistency=0.13, drift_per_trial=0.08)
    values = tuple(range(6))
    return [
        replace(vote, value=rate(drifting, quality=0.4, answered=METHODS.index(vote.method), values=values, rng=rng))
        for vote in votes
    ]


def one_side(votes):
    """The same choices as if the method first in the alphabet had always stood on the left."""
    sides = [sorted((vote.left_method, vote.right_method)) for vote in votes]
    return [
        replace(vote, left_method=left, right_method=right) for vote, (left, right) in zip(votes, sides, strict=True)
    ]


@pytest.mark.long
def test_a_thousand_raters_through_http_leave_the_cells_balanced(tmp_path):
    """The same crowd once more, by requests; the leases of those who left are live at the end."""
    with closing(StudyStore(f"sqlite:///{tmp_path / 'var' / 'study.db'}", data_folder=tmp_path / "var")) as store:
        make_study(store, tmp_path / "source", mode="rating", scenes=SCENES, methods=METHODS, trials_per_visit=TRIALS)
        app = FastAPI()
        app.include_router(build_router(Visits(store, secret_key=KEY)))
        rng = np.random.default_rng(3)
        crowd = [RaterTraits("honest", inconsistency=0.1)] * 700
        crowd += [RaterTraits("leaving", leaves_after=int(rng.integers(TRIALS))) for _ in range(300)]
        rehearsal = Rehearsal(study="rehearsal", truth=PictureTruth(), seed=1)
        order = [crowd[index] for index in rng.permutation(1000)]
        reports = rehearsal.run(order, new_client=lambda: TestClient(app), at_once=2)
        cells = store.cell_counts("rehearsal")
        assert Counter(report.ending for report in reports) == {"finished": 700, "left": 300}
        assert sum(cell.answered for cell in cells) == sum(report.answered for report in reports)
        counts = [cell.answered + cell.leased for cell in cells]
        assert max(counts) - min(counts) <= 1
