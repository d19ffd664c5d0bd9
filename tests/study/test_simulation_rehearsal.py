"""Whole rehearsals: simulated raters over the real interface, marked as simulated, and their truth recovered."""

import math
from collections import Counter
from contextlib import closing

import numpy as np
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from study.api import build_router
from study.simulation.browser import RaterBrowser, RequestRefused
from study.simulation.rehearsal import Rehearsal
from study.simulation.researcher import invite_simulated
from study.simulation.traits import RaterTraits, draw_population, parse_mix
from study.simulation.truth import tabled_truth
from study.simulation.visit import SimulatedRater, summarise
from study.store import StudyStore
from study.visits import Visits
from tests.study.simulated import make_study, study_pictures

KEY = "a key for tests only"
TRUE_SHARES = {"glassnet": 0.7, "unprocessed": 0.35, "gaussian": 0.5}


class Rehearsed:
    """An application in this process with one study, and a truth that is known."""

    def __init__(self, folder, *, mode="rating", **fields):
        self.store = StudyStore(f"sqlite:///{folder / 'var' / 'study.db'}", data_folder=folder / "var")
        self.study = make_study(self.store, folder / "source", mode=mode, **fields)
        self.app = FastAPI()
        self.app.include_router(build_router(Visits(self.store, secret_key=KEY)))
        cells = {(s, m): share for s in self.study.scenes for m, share in TRUE_SHARES.items()}
        self.truth = tabled_truth(cells, study_pictures(folder / "source"))

    def new_client(self):
        return TestClient(self.app)

    def run(self, population, *, seed=3, at_once=1, simulated=True):
        invitation = invite_simulated(self.store, self.study.name, secret_key=KEY) if simulated else None
        rehearsal = Rehearsal(study=self.study.name, truth=self.truth, seed=seed, invitation=invitation)
        return rehearsal.run(population, new_client=self.new_client, at_once=at_once)

    def votes(self):
        return [chained.vote for chained in self.store.votes(self.study.name)]


@pytest.fixture
def rehearse(tmp_path):
    opened = []

    def new(**fields):
        opened.append(Rehearsed(tmp_path / str(len(opened)), **fields))
        return opened[-1]

    yield new
    for rehearsed in opened:
        rehearsed.store.close()


def test_every_kind_of_rater_goes_through_and_what_they_report_is_what_is_kept(rehearse):
    rehearsed = rehearse(
        gold=[{"scene": "bench", "method": "ground_truth", "accepted": [4, 5]}],
        practice=[{"scene": "bench", "method": "glassnet", "expected": [2, 3, 4]}],
        trials_per_visit=3,
        repeats_per_visit=1,
    )
    mix = parse_mix("honest=.4,biased=.1,noisy=.1,straight=.1,side=.1,leaving=.2")
    reports = rehearsed.run(draw_population(mix, raters=10, trials=3, seed=2))
    assert Counter(report.ending for report in reports) == {"finished": 8, "left": 2}
    per_rater = Counter(vote.rater for vote in rehearsed.votes())
    assert sorted(per_rater.values()) == sorted(report.answered for report in reports if report.answered)
    assert all(report.answered == 3 + 1 + 1 for report in reports if report.ending == "finished")
    assert {vote.purpose for vote in rehearsed.votes()} == {"main", "repeat", "gold"}
    [leaving] = [line for line in summarise(reports) if line.startswith("leaving")]
    assert leaving.startswith("leaving: 2 raters (2 left)")


def test_simulated_raters_are_marked_and_others_are_not(rehearse):
    rehearsed = rehearse(trials_per_visit=1)
    rehearsed.run([RaterTraits("honest")] * 2)
    rehearsed.run([RaterTraits("honest")], seed=4, simulated=False)
    assert [rater.simulated for rater in rehearsed.store.raters("rehearsal")] == [True, True, False]


def test_the_mark_is_not_told_to_the_browser(rehearse):
    rehearsed = rehearse()
    with TestClient(rehearsed.app) as client:
        browser = RaterBrowser(client, study="rehearsal")
        invitation = invite_simulated(rehearsed.store, "rehearsal", secret_key=KEY)
        state = browser.begin(browser.read_study(), attempt="0f" * 16, invitation=invitation)
    assert "simulated" not in str(state)


def test_the_same_seed_gives_the_same_votes(rehearse):
    population = draw_population(parse_mix("honest=.8,leaving=.2"), raters=5, trials=4, seed=2)
    told = []
    for _ in range(2):
        rehearsed = rehearse(trials_per_visit=4)
        rehearsed.run(population)
        told.append([(v.scene, v.method, v.value, v.response_ms, v.position, v.zoomed) for v in rehearsed.votes()])
    assert told[0] == told[1]
    assert len(told[0]) >= 16


def test_raters_at_the_same_time_lose_and_double_no_vote(rehearse):
    rehearsed = rehearse(trials_per_visit=4)
    reports = rehearsed.run([RaterTraits("honest", slip_share=0.2)] * 8, at_once=4)
    assert sum(report.answered for report in reports) == len(rehearsed.votes()) == 8 * 4
    assert set(Counter((v.rater, v.scene, v.method) for v in rehearsed.votes()).values()) == {1}


def test_mean_opinion_scores_recover_the_true_qualities(rehearse):
    """60 raters by HTTP, one vote each on every method: deviations of .05 and .13 add up; four standard errors."""
    rehearsed = rehearse(scenes=["bench"])
    rng = np.random.default_rng(5)
    raters = [RaterTraits("honest", bias=float(rng.normal(0, 0.05)), inconsistency=0.13) for _ in range(60)]
    rehearsed.run(raters)
    for method, share in TRUE_SHARES.items():
        values = [vote.value for vote in rehearsed.votes() if vote.method == method]
        assert len(values) == 60
        error = 5 * math.sqrt((0.05**2 + 0.13**2) / 60)
        assert np.mean(values) == pytest.approx(5 * share, abs=4 * error)


def test_pairwise_choices_recover_the_true_order_and_left_is_left(rehearse):
    rehearsed = rehearse(mode="pairwise", ties=True, scenes=["bench"])
    rehearsed.run([RaterTraits("honest", inconsistency=0.1)] * 16 + [RaterTraits("side", side_bias=5.0)] * 2)
    honest, sided = rehearsed.votes()[: 16 * 3], rehearsed.votes()[16 * 3 :]
    wins = Counter(vote.left_method if vote.choice == "left" else vote.right_method for vote in honest)
    assert [method for method, _ in wins.most_common()] == ["glassnet", "gaussian", "unprocessed"]
    assert {vote.choice for vote in sided} == {"left"}
    assert 0 < Counter(vote.choice for vote in honest)["tie"] < 24


def test_a_full_study_sends_the_next_rater_away(rehearse):
    rehearsed = rehearse(votes_wanted=2, scenes=["bench"])
    endings = [report.ending for report in rehearsed.run([RaterTraits("honest")] * 3)]
    assert endings == ["finished", "finished", "full"]


def test_a_closed_study_ends_the_rehearsal_with_the_servers_reason(rehearse):
    rehearsed = rehearse()
    rehearsed.store.close_study("rehearsal")
    with pytest.raises(RequestRefused, match="study_closed") as refusal:
        rehearsed.run([RaterTraits("honest")] * 3, simulated=False)
    assert refusal.value.status == 410


def test_a_rater_who_leaves_has_seen_the_trial_they_left_at(rehearse):
    rehearsed = rehearse()
    rater = SimulatedRater(RaterTraits("leaving", leaves_after=4), truth=rehearsed.truth, rng=np.random.default_rng(0))
    with closing(rehearsed.new_client()) as client:
        report = rater.visit(RaterBrowser(client, study="rehearsal"), invitation=None)
    assert (report.answered, report.ending) == (4, "left")
    [record] = rehearsed.store.raters("rehearsal")
    assert (record.answered, record.assigned) == (4, 9)
