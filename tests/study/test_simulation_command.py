"""The command `simulate`, against a real server on a port of its own."""

from contextlib import closing

import httpx
import pytest
from fastapi import FastAPI
from typer.testing import CliRunner

from scripts.make_simulated_study import serving
from scripts.study import app as study_commands
from study.api import build_router
from study.simulation.browser import RaterBrowser
from study.store import StudyStore
from study.visits import Visits, load_secret_key
from tests.ports import free_port
from tests.study.simulated import make_study


@pytest.fixture
def data(tmp_path):
    """A data folder with an open study."""
    folder = tmp_path / "var"
    with closing(StudyStore(f"sqlite:///{folder / 'study.db'}", data_folder=folder)) as store:
        make_study(store, tmp_path / "source", mode="rating", scenes=["bench"], votes_wanted=9)
    return folder


@pytest.fixture
def url(data):
    with closing(StudyStore(f"sqlite:///{data / 'study.db'}", data_folder=data)) as store:
        app = FastAPI()
        app.include_router(build_router(Visits(store, secret_key=load_secret_key(data))))
        with serving(app) as url:
            yield url


def simulate(data, url, *options):
    arguments = ["simulate", "rehearsal", "--url", url, "--data", str(data), "--raters", "2", *options]
    return CliRunner().invoke(study_commands, arguments)


def stored(data):
    with closing(StudyStore(f"sqlite:///{data / 'study.db'}", data_folder=data)) as store:
        return store.raters("rehearsal"), [chained.vote for chained in store.votes("rehearsal")]


def test_the_command_fills_a_study_by_the_table_it_is_given(data, url, tmp_path):
    truth = tmp_path / "truth.csv"
    truth.write_text("scene,method,quality\n,glassnet,5\n,unprocessed,0\nbench,gaussian,0\n")
    told = simulate(data, url, "--mix", "honest=1", "--truth", str(truth), "--at-once", "1")
    assert told.exit_code == 0, told.output
    assert "honest: 2 raters (2 finished), 6 answers" in told.output
    raters, votes = stored(data)
    assert [rater.simulated for rater in raters] == [True, True]
    assert all(vote.value >= 3 if vote.method == "glassnet" else vote.value <= 2 for vote in votes)


def test_a_study_that_people_have_begun_is_refused_unless_asked_for(data, url):
    with httpx.Client(base_url=url) as client:
        person = RaterBrowser(client, study="rehearsal")
        person.begin(person.read_study(), attempt="0f" * 16, invitation=None)
    told = simulate(data, url)
    assert told.exit_code == 1
    assert "1 rater(s) who are people" in str(told.exception)
    assert simulate(data, url, "--mixed-with-real").exit_code == 0
    assert [rater.simulated for rater in stored(data)[0]] == [False, True, True]


def test_no_server_and_another_server_are_said_in_words(data, url, tmp_path):
    assert "No study server answers" in str(simulate(data, f"http://127.0.0.1:{free_port()}").exception)
    elsewhere = tmp_path / "elsewhere"
    with closing(StudyStore(f"sqlite:///{elsewhere / 'study.db'}", data_folder=elsewhere)) as store:
        make_study(store, tmp_path / "other", mode="rating")
    assert "does not know what this command sees" in str(simulate(elsewhere, url).exception)
    assert stored(data)[0] == stored(elsewhere)[0] == []


def test_the_same_seed_again_continues_the_same_raters_and_adds_nobody(data, url):
    for _ in range(2):
        assert simulate(data, url, "--mix", "honest=1", "--seed", "4").exit_code == 0
    raters, votes = stored(data)
    assert (len(raters), len(votes)) == (2, 6)


@pytest.mark.parametrize("options", [("--mix", "honest=.5"), ("--raters", "0"), ("--truth", "no-such-file.json")])
def test_wrong_options_enrol_nobody(data, url, options):
    assert simulate(data, url, *options).exit_code != 0
    assert stored(data)[0] == []
