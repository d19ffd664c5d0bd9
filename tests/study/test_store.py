"""Votes in a real database, SQLite and PostgreSQL: what it refuses by itself, what survives, what is chained."""

import itertools
import json
import os
import stat
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import event, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from study.chain import content_sha256, linked_sha256
from study.definition import read_study
from study.errors import NoStudyOpen, OffScale, StudyClosed, StudyExists, UnknownStudy, UnknownTrial
from study.examples import EXAMPLE_TITLE, ensure_example_study
from study.records import Answer, Screen
from study.store import Enrolment, StudyStore
from study.store.engine import open_engine
from tests.study.conftest import BOTH_DATABASES
from tests.study.visiting import SCREEN_CHECK, enrol

pytestmark = pytest.mark.parametrize("database_url", BOTH_DATABASES, indirect=True)


def answer(value=3):
    return Answer(value=value, response_ms=900, viewport_width=390, viewport_height=844, device_pixel_ratio=3)


def rate_everything(store, rater, values):
    for value in values:
        trial = store.visit_state(rater).current
        store.record_answer(answer(value), rater_id=rater, trial_token=trial.token)


@pytest.fixture
def database(open_store, database_url):
    """The same database, opened past the store."""
    engine = open_engine(database_url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_a_visit_shows_every_trial_once_and_then_ends(open_store):
    rater = enrol(open_store)
    rate_everything(open_store, rater, [0, 1, 2, 3, 4, 5])
    state = open_store.visit_state(rater)
    assert (state.answered, state.total, state.current, state.upcoming) == (6, 6, None, None)
    votes = [chained.vote for chained in open_store.votes("bokeh")]
    assert len({(vote.scene, vote.method) for vote in votes}) == 6
    assert [vote.value for vote in votes] == [0, 1, 2, 3, 4, 5]


def test_a_second_answer_to_a_trial_keeps_the_first(open_store):
    rater = enrol(open_store)
    token = open_store.visit_state(rater).current.token
    open_store.record_answer(answer(2), rater_id=rater, trial_token=token)
    open_store.record_answer(answer(5), rater_id=rater, trial_token=token)
    assert [chained.vote.value for chained in open_store.votes("bokeh")] == [2]


def test_another_raters_trial_and_one_not_yet_shown_are_unknown(open_store, database):
    mine, theirs = (enrol(open_store) for _ in range(2))
    their_token = open_store.visit_state(theirs).current.token
    open_store.visit_state(mine)
    of_mine = text("SELECT token FROM trials WHERE rater_id = :mine AND position = 5")
    unseen = database.execute(of_mine, {"mine": mine}).scalar_one()
    for token in (their_token, unseen, "made up"):
        with pytest.raises(UnknownTrial):
            open_store.record_answer(answer(), rater_id=mine, trial_token=token)
    assert open_store.votes("bokeh") == []


def test_a_value_off_the_scale_is_refused(open_store):
    rater = enrol(open_store)
    token = open_store.visit_state(rater).current.token
    with pytest.raises(OffScale):
        open_store.record_answer(answer(6), rater_id=rater, trial_token=token)
    assert open_store.votes("bokeh") == []


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE votes SET value = 6",
        "UPDATE votes SET value = NULL",
        "UPDATE votes SET choice = 'left'",
        "UPDATE votes SET response_ms = -1",
        "UPDATE votes SET trial_id = 999",
        "UPDATE votes SET ordinal = 7",
        "DELETE FROM ledger",
        "UPDATE ledger SET ordinal = 7",
        "INSERT INTO votes SELECT id + 1, study_id, trial_id, ordinal, value, choice, response_ms, viewport_width,"
        " viewport_height, device_pixel_ratio, zoomed, presented_at, voted_at, undone_by FROM votes",
        "UPDATE trials SET stimulus_id = (SELECT max(stimulus_id) FROM trials)",
        "UPDATE trials SET cell_id = (SELECT max(cell_id) FROM trials)",
        "UPDATE trials SET cell_id = NULL",
        "UPDATE trials SET purpose = 'other'",
        "UPDATE cells SET assigned = -1",
        "UPDATE studies SET status = 'ajar'",
        "DELETE FROM raters",
    ],
)
def test_the_database_itself_refuses(open_store, database, statement):
    rater = enrol(open_store)
    rate_everything(open_store, rater, [3])
    with pytest.raises(IntegrityError):
        database.execute(text(statement))


def test_every_vote_is_chained_to_the_one_before_and_the_first_to_the_study(open_store):
    rater = enrol(open_store)
    rate_everything(open_store, rater, [1, 4, 2])
    previous = open_store.study("bokeh").sha256
    for chained in open_store.votes("bokeh"):
        assert chained.previous_sha256 == previous
        assert chained.sha256 == linked_sha256(previous, content_sha256(chained.nonce, chained.vote.content()))
        previous = chained.sha256


def test_the_journal_holds_the_same_votes_as_the_database(open_store, tmp_path):
    rater = enrol(open_store)
    rate_everything(open_store, rater, [1, 4, 2])
    [journal] = (tmp_path / "var").glob("votes_*.jsonl")
    lines = [json.loads(line) for line in journal.read_text().splitlines()]
    assert lines == [chained.content() for chained in open_store.votes("bokeh")]


def journalled(tmp_path):
    """The hashes in all journals, in no particular order."""
    lines = [line for path in (tmp_path / "var").glob("votes_*.jsonl") for line in path.read_text().splitlines()]
    return [json.loads(line)["sha256"] for line in lines]


def fail(_descriptor):
    raise OSError("no space left on device")


@pytest.fixture
def vote_missing_in_the_journal(open_store, monkeypatch):
    """A rater and the token of a trial whose vote reached the database, not the journal: its disk fails at fsync."""
    rater = enrol(open_store)
    token = open_store.visit_state(rater).current.token
    with monkeypatch.context() as full_disk:
        full_disk.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="no space left"):
            open_store.record_answer(answer(2), rater_id=rater, trial_token=token)
    return rater, token


def test_a_vote_the_journal_could_not_take_is_journalled_when_it_is_sent_again(
    open_store, tmp_path, vote_missing_in_the_journal
):
    """Once more in a new file: nobody knows what the failed fsync left of the first."""
    rater, token = vote_missing_in_the_journal
    open_store.record_answer(answer(2), rater_id=rater, trial_token=token)
    [vote] = open_store.votes("bokeh")
    assert journalled(tmp_path) == [vote.sha256] * 2
    assert len(list((tmp_path / "var").glob("votes_*.jsonl"))) == 2


def test_a_vote_is_journalled_by_the_next_process_too(open_store, database_url, tmp_path):
    """As after a crash between the database and the journal."""
    rater = enrol(open_store)
    token = open_store.visit_state(rater).current.token
    open_store.record_answer(answer(2), rater_id=rater, trial_token=token)
    [journal] = (tmp_path / "var").glob("votes_*.jsonl")
    journal.write_bytes(journal.read_bytes()[:40])
    next_process = StudyStore(database_url, data_folder=tmp_path / "var")
    for _ in range(2):
        next_process.record_answer(answer(2), rater_id=rater, trial_token=token)
    next_process.close()
    journal.unlink()
    assert journalled(tmp_path) == [vote.sha256 for vote in open_store.votes("bokeh")]


def test_a_vote_that_an_earlier_process_journalled_is_not_journalled_again(open_store, database_url, tmp_path):
    rater = enrol(open_store)
    token = open_store.visit_state(rater).current.token
    open_store.record_answer(answer(2), rater_id=rater, trial_token=token)
    next_process = StudyStore(database_url, data_folder=tmp_path / "var")
    next_process.record_answer(answer(2), rater_id=rater, trial_token=token)
    next_process.close()
    assert len(journalled(tmp_path)) == 1


CODE = "0" * 64


def enrol_with_code(store):
    """Enrol a rater whose withdrawal code has the hash CODE."""
    rater = store.enrol_rater("bokeh", replace(Enrolment.agreed(store.words("bokeh")), withdrawal_sha256=CODE))
    store.record_screen(rater, Screen(**SCREEN_CHECK, color_gamut=None, pointer=None, dark_room=None))
    return rater


def in_journals(tmp_path):
    """Every line of all journals in the order of the chain: a vote's value, None for a vote forgotten, or the kind."""
    lines = [line for path in (tmp_path / "var").glob("votes_*.jsonl") for line in path.read_text().splitlines()]
    entries = sorted(map(json.loads, lines), key=lambda entry: entry["ordinal"])
    return [entry.get("value") if entry.get("kind", "vote") == "vote" else entry["kind"] for entry in entries]


def test_a_withdrawal_killed_after_its_commit_has_left_no_answer_and_can_be_finished(
    open_store, database_url, tmp_path
):
    """The journals forget before the database does: it says of nobody too early that they have withdrawn."""

    def kill(_session):
        raise KeyboardInterrupt

    rate_everything(open_store, enrol_with_code(open_store), [1, 4])
    event.listen(Session, "after_commit", kill, once=True)
    with pytest.raises(KeyboardInterrupt):
        open_store.withdraw(CODE)
    assert open_store.votes("bokeh") == []
    assert in_journals(tmp_path) == [None, None]
    next_process = StudyStore(database_url, data_folder=tmp_path / "var")
    assert [next_process.withdraw(CODE) for _ in range(2)] == [0, 0]
    next_process.close()
    assert in_journals(tmp_path) == [None, None, "withdrawal"]
    assert open_store.verify("bokeh").problems == ()


def test_withdrawing_again_forgets_what_a_journal_still_holds(open_store, database_url, tmp_path):
    """As versions that let the database go first left it, when they were killed in between."""
    rate_everything(open_store, enrol_with_code(open_store), [1, 4])
    [journal] = (tmp_path / "var").glob("votes_*.jsonl")
    before = journal.read_bytes()
    assert open_store.withdraw(CODE) == 2
    journal.write_bytes(before)
    next_process = StudyStore(database_url, data_folder=tmp_path / "var")
    assert next_process.withdraw(CODE) == 0
    next_process.close()
    assert in_journals(tmp_path) == [None, None, "withdrawal"]


def test_a_withdrawal_whose_journal_fails_is_none_until_it_is_sent_again(open_store, tmp_path, monkeypatch):
    """A disk that fails must not leave a rater withdrawn in the database and kept in a journal."""
    rate_everything(open_store, enrol_with_code(open_store), [1, 4])
    with monkeypatch.context() as full_disk:
        full_disk.setattr(os, "fsync", fail)
        with pytest.raises(OSError, match="no space left"):
            open_store.withdraw(CODE)
    assert [rater.withdrawn_at for rater in open_store.raters("bokeh")] == [None]
    assert open_store.withdraw(CODE) == 2
    assert open_store.votes("bokeh") == []
    assert in_journals(tmp_path) == [None, None, "withdrawal"]
    assert open_store.verify("bokeh").problems == ()


def test_a_vote_on_its_way_to_the_journal_is_forgotten_with_the_others(open_store, database_url, tmp_path):
    """Another process withdraws its rater when it is in the database and not yet in the journal."""
    rater = enrol_with_code(open_store)
    rate_everything(open_store, rater, [1])
    token = open_store.visit_state(rater).current.token
    other_process = StudyStore(database_url, data_folder=tmp_path / "var")
    event.listen(Session, "after_commit", lambda _session: other_process.withdraw(CODE), once=True)
    open_store.record_answer(answer(4), rater_id=rater, trial_token=token)
    other_process.close()
    assert in_journals(tmp_path) == [None, None, "withdrawal"]
    assert open_store.votes("bokeh") == []


def test_a_vote_that_reaches_the_journal_while_its_withdrawal_is_committed_is_forgotten_too(
    open_store, database_url, tmp_path
):
    """The withdrawal has been through the journals, and the vote's process sees no withdrawal yet."""
    rater = enrol_with_code(open_store)
    token = open_store.visit_state(rater).current.token
    other_process = StudyStore(database_url, data_folder=tmp_path / "var")
    is_committed, may_go_on = threading.Event(), threading.Event()

    def pause(_session):
        is_committed.set()
        assert may_go_on.wait(timeout=60)

    def let_finish(_session):
        may_go_on.set()
        sent.result(timeout=60)

    with ThreadPoolExecutor(max_workers=1) as pool:
        event.listen(Session, "after_commit", pause, once=True)
        sent = pool.submit(open_store.record_answer, answer(4), rater_id=rater, trial_token=token)
        assert is_committed.wait(timeout=60)
        event.listen(Session, "before_commit", let_finish, once=True)
        assert other_process.withdraw(CODE) == 1
    other_process.close()
    assert in_journals(tmp_path) == [None, "withdrawal"]


def test_a_new_journals_entry_in_its_folder_is_on_the_disk_before_the_first_acknowledgement(open_store, monkeypatch):
    synced, fsync = [], os.fsync

    def note_kind(descriptor):
        synced.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    rater = enrol(open_store)
    monkeypatch.setattr(os, "fsync", note_kind)
    rate_everything(open_store, rater, [1, 4])
    assert synced == ["file", "folder", "file"]


def test_two_processes_writing_at_once_fork_no_chain(open_store, database_url, tmp_path):
    second = StudyStore(database_url, data_folder=tmp_path / "var")
    raters = [(store, enrol(store)) for store in (open_store, second)]
    for value in range(6):
        for store, rater in raters:
            rate_everything(store, rater, [value])
    second.close()
    chain = open_store.votes("bokeh")
    assert [chained.vote.ordinal for chained in chain] == list(range(12))
    assert all(after.previous_sha256 == before.sha256 for before, after in itertools.pairwise(chain))


def test_pictures_stay_when_the_source_folder_is_gone(open_store, study_folder):
    rater = enrol(open_store)
    trial = open_store.visit_state(rater).current
    before = open_store.picture_bytes(open_store.picture_of(trial.picture_tokens[0]).sha256)
    for path in study_folder.glob("*/*.png"):
        path.unlink()
    assert open_store.picture_bytes(open_store.picture_of(trial.picture_tokens[0]).sha256) == before


def test_a_source_picture_that_changes_meanwhile_is_not_frozen(store, study_folder):
    definition = read_study(study_folder, name="bokeh")
    (study_folder / "glassnet" / "bench.png").write_bytes((study_folder / "glassnet" / "orchid.png").read_bytes())
    with pytest.raises(ValueError, match=r"bench\.png changed"):
        store.create_study(definition)
    assert store.studies() == []


def test_a_name_is_taken_once(open_store, study_folder):
    with pytest.raises(StudyExists):
        open_store.create_study(read_study(study_folder, name="bokeh"))


def test_what_else_the_database_refuses_is_not_taken_for_a_taken_name(store, study_folder):
    definition = read_study(study_folder, name="bokeh")
    with pytest.raises(IntegrityError):
        store.create_study(replace(definition, methods=("glassnet", "glassnet")))
    assert store.studies() == []


def test_drafts_are_unknown_and_closed_studies_closed_to_raters(store, study_folder):
    with pytest.raises(NoStudyOpen):
        store.open_study_for_raters()
    store.create_study(read_study(study_folder, name="bokeh"))
    with pytest.raises(UnknownStudy):
        store.open_study_for_raters("bokeh")
    store.open_study("bokeh")
    store.close_study("bokeh")
    with pytest.raises(StudyClosed):
        store.open_study_for_raters("bokeh")
    with pytest.raises(StudyClosed):
        enrol(store)


def test_the_study_opened_last_is_offered_and_any_open_one_by_name(store, study_folder):
    for name in ("first", "second"):
        store.create_study(read_study(study_folder, name=name))
    store.open_study("second")
    store.open_study("first")
    assert store.open_study_for_raters().name == "first"
    assert store.open_study_for_raters("second").name == "second"


def test_the_example_study_is_made_once_and_only_in_an_empty_store(store, study_folder):
    ensure_example_study(store, study_folder)
    ensure_example_study(store, Path("does not exist"))
    [study] = store.studies()
    assert (study.name, study.status) == ("example", "open")


def test_an_example_left_a_draft_by_a_killed_start_is_opened_by_the_next(store, study_folder):
    store.create_study(read_study(study_folder, name="example", title=EXAMPLE_TITLE))
    ensure_example_study(store, Path("does not exist"))
    assert [study.status for study in store.studies()] == ["open"]


@pytest.mark.parametrize(("title", "close"), [(EXAMPLE_TITLE, True), ("A study of my own", False)])
def test_an_example_closed_by_a_researcher_and_a_researchers_own_draft_stay_as_they_are(
    store, study_folder, title, close
):
    store.create_study(read_study(study_folder, name="example", title=title))
    if close:
        store.close_study("example")
    [before] = store.studies()
    ensure_example_study(store, study_folder)
    assert store.studies() == [before]
