"""The study's commands, from a folder or a file to links, checks and withdrawals."""

import sqlite3
from contextlib import closing

import pytest
from typer.testing import CliRunner

from scripts.study import app
from study.records import Answer, Screen
from study.store import StudyStore
from study.visits import BeginRequest, Visits, load_secret_key
from tests.study.visiting import SCREEN_CHECK


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs a command on a data folder of its own; gives its exit code and what it printed."""
    monkeypatch.delenv("DATABASE_URL", raising=False)

    def command(*arguments):
        done = CliRunner().invoke(app, [*arguments, "--data", str(tmp_path / "var")])
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return done.exit_code, done.output

    return command


@pytest.fixture
def rated(run, study_folder, tmp_path):
    """An open study with one vote, and the rater's withdrawal code."""
    run("create", "bokeh", "--from", str(study_folder), "--scale-max", "3", "--seed", "1")
    run("open", "bokeh")
    data = tmp_path / "var"
    with closing(StudyStore(f"sqlite:///{data / 'study.db'}", data_folder=data)) as store:
        visits = Visits(store, secret_key=load_secret_key(data))
        agreed = BeginRequest(
            study_name="bokeh",
            language=None,
            consent_sha256=store.words("bokeh").consent_sha256,
            attempt=None,
            invitation=None,
            client="192.0.2.1",
        )
        visit = visits.begin({}, agreed)
        cookies = {visit.cookie_name: visit.cookie_value}
        screen = Screen(**SCREEN_CHECK, color_gamut=None, pointer=None, dark_room=None)
        trial = visits.check_screen(cookies, screen, study_name="bokeh").state.current
        answer = Answer(value=3, response_ms=900, viewport_width=390, viewport_height=844, device_pixel_ratio=3)
        visits.answer(cookies, answer, trial_token=trial.token)
        return visit.withdrawal_code


def test_a_folder_becomes_a_study(run, study_folder):
    code, said = run("create", "bokeh", "--from", str(study_folder), "--scale-max", "3")
    assert code == 0
    assert "3 scenes x 2 methods, scale 0-3" in said
    assert "open" in run("open", "bokeh")[1]
    assert "bokeh  open  rating" in run("list")[1]
    with pytest.raises(Exception, match=r"already a study named bokeh, with other contents"):
        run("create", "bokeh", "--from", str(study_folder))


def test_a_file_becomes_a_study_and_takes_no_options_beside(run, study_folder):
    file = study_folder / "pairs.yaml"
    file.write_text("name: pairs\nmode: pairwise\n")
    assert "two pictures at a time" in run("create", str(file))[1]
    with pytest.raises(ValueError, match="go with --from"):
        run("create", str(file), "--title", "Other")


def test_links_are_printed_for_one_rater_each_or_for_all(run, rated):
    links = run("invite", "bokeh", "--count", "3", "--address", "https://example.org/")[1].split()
    assert len(set(links)) == 3
    assert all(link.startswith("https://example.org/study/?study=bokeh#invite=") for link in links)
    assert len(run("invite", "bokeh", "--count", "3", "--open-link")[1].split()) == 1


def test_status_counts_votes_and_cells(run, rated):
    said = run("status", "bokeh")[1]
    assert "bokeh is open: 1 raters, 0 of them finished," in said
    assert "6 cells with 0 to 1 votes; 5 reserved right now." in said
    run("close", "bokeh")
    assert "0 reserved right now." in run("status", "bokeh")[1]


def test_verify_ends_with_1_once_a_vote_was_changed(run, rated, tmp_path):
    code, said = run("verify", "bokeh")
    assert code == 0
    assert "1 entries, 1 of them votes, 0 withdrawn." in said
    with closing(sqlite3.connect(tmp_path / "var" / "study.db")) as connection:
        connection.execute("UPDATE votes SET value = 0")
        connection.commit()
    code, said = run("verify", "bokeh")
    assert code == 1
    assert "entry 0: the vote was changed" in said


def test_flags_of_nobody_are_said_in_words(run, rated):
    assert run("flags", "bokeh")[1].strip() == "0 of 1 raters have flags."


def test_a_code_withdraws_its_raters_votes_and_the_chain_stays_whole(run, rated):
    assert "1 votes deleted" in run("withdraw", rated)[1]
    code, said = run("verify", "bokeh")
    assert code == 0
    assert "2 entries, 1 of them votes, 1 withdrawn." in said
    assert "0 raters" in run("status", "bokeh")[1]
