"""What `verify` finds when someone edits the database past the program, and that several processes fork nothing."""

import itertools
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace

import pytest
from sqlalchemy import text

from study.errors import InvitationUsed, StudyChanged, StudyFull
from study.records import Answer
from study.store import Enrolment, StudyStore
from study.store.engine import open_engine
from tests.study.conftest import BOTH_DATABASES
from tests.study.simulated import make_study
from tests.study.visiting import enrol

pytestmark = pytest.mark.parametrize("database_url", BOTH_DATABASES, indirect=True)


def answer(value=3):
    return Answer(value=value, response_ms=900, viewport_width=390, viewport_height=844, device_pixel_ratio=3)


def rate(store, rater, values):
    for value in values:
        trial = store.visit_state(rater).current
        store.record_answer(answer(value), rater_id=rater, trial_token=trial.token)


@pytest.fixture
def rated(open_store):
    """A study with one rater's four votes, the first of which was taken back and given again."""
    rater = enrol(open_store)
    rate(open_store, rater, [1])
    open_store.undo_answer(rater_id=rater, trial_token=open_store.visit_state(rater).undo_token)
    rate(open_store, rater, [2, 3, 4, 5])
    return open_store


@pytest.fixture
def edit(database_url):
    """Runs SQL past the store, with the database's own checks off where they would stop it."""
    engine = open_engine(database_url, foreign_keys=False)

    def run(*statements):
        with engine.begin() as connection:
            if engine.dialect.name == "postgresql":
                connection.exec_driver_sql("SET session_replication_role = replica")
            for statement in statements:
                connection.execute(text(statement))

    yield run
    engine.dispose()


def test_an_untouched_chain_is_whole(rated):
    report = rated.verify("bokeh")
    assert (report.entries, report.votes, report.withdrawn, report.problems) == (6, 5, 0, ())
    assert report.head == rated.votes("bokeh")[-1].sha256


@pytest.mark.parametrize(
    ("statements", "says"),
    [
        (["UPDATE votes SET value = 0 WHERE ordinal = 3"], "entry 3: the vote was changed"),
        (["UPDATE votes SET response_ms = 5000 WHERE ordinal = 3"], "entry 3: the vote was changed"),
        (
            ["UPDATE trials SET position = 9 WHERE id = (SELECT trial_id FROM votes WHERE ordinal = 3)"],
            "entry 3: the vote was changed",
        ),
        (["UPDATE methods SET name = 'better' WHERE name = 'glassnet'"], "the vote was changed"),
        (["DELETE FROM votes WHERE ordinal = 3"], "entry 3: the vote was removed"),
        (["DELETE FROM votes WHERE ordinal = 3", "DELETE FROM ledger WHERE ordinal = 3"], "entries 3 to 3 are missing"),
        (["DELETE FROM votes WHERE ordinal = 5", "DELETE FROM ledger WHERE ordinal = 5"], "recorded once"),
        (
            [
                f"UPDATE {table} SET ordinal = {to} WHERE ordinal = {by}"
                for table in ("votes", "ledger")
                for by, to in ((3, 99), (4, 3), (99, 4))
            ],
            "does not follow the entry before it",
        ),
        (["UPDATE votes SET undone_by = 5 WHERE ordinal = 2"], "marked as undone, but no undo says so"),
        (["DELETE FROM votes WHERE ordinal = 2", "UPDATE votes SET undone_by = NULL WHERE ordinal = 0"], "as standing"),
        (["UPDATE ledger SET nonce = 'x' WHERE ordinal = 3"], "entry 3: the vote was changed"),
        (["UPDATE studies SET question = question", "UPDATE studies SET content = '{}'"], "the definition was changed"),
    ],
)
def test_what_was_edited_past_the_program_is_found(rated, edit, statements, says):
    edit(*statements)
    assert any(says in problem for problem in rated.verify("bokeh").problems), rated.verify("bokeh").problems


def test_a_head_noted_earlier_must_be_in_the_chain(rated):
    noted = rated.verify("bokeh").head
    assert rated.verify("bokeh", head=noted).problems == ()
    assert rated.verify("bokeh", head=rated.study("bokeh").sha256).problems == ()
    [problem] = rated.verify("bokeh", head="0" * 64).problems
    assert "not in the chain" in problem


def test_a_study_whose_pictures_or_words_changed_is_not_opened_again(rated, edit, tmp_path):
    rated.close_study("bokeh")
    rated.open_study("bokeh")
    rated.close_study("bokeh")
    picture = next((tmp_path / "var" / "stimuli").glob("*/*.png"))
    before = picture.read_bytes()
    picture.write_bytes(before[:-1] + b"?")
    with pytest.raises(StudyChanged, match=f"picture {picture.stem} is missing or was changed"):
        rated.open_study("bokeh")
    picture.write_bytes(before)
    rated.open_study("bokeh")
    rated.close_study("bokeh")
    edit("UPDATE studies SET content = replace(content, 'similar', 'alike')")
    with pytest.raises(StudyChanged, match="the definition was changed"):
        rated.open_study("bokeh")


def test_many_at_once_fork_no_chain_and_share_no_cell_beyond_its_fill(store, database_url, tmp_path):
    """Two stores as two processes, four threads: 14 raters for 9 cells x 4 votes / 3 a visit, room for 12."""
    make_study(store, tmp_path / "source", mode="rating", name="crowd", trials_per_visit=3, votes_wanted=4)

    def visit(used, number):
        try:
            rater = enrol(used, "crowd")
        except StudyFull:
            return 0
        rate(used, rater, [number % 6] * 3)
        return 3

    with (
        closing(StudyStore(database_url, data_folder=tmp_path / "var")) as second,
        ThreadPoolExecutor(max_workers=4) as pool,
    ):
        given = sum(pool.map(visit, itertools.cycle((store, second)), range(14)))
    assert given == 9 * 4
    assert {cell.answered for cell in store.cell_counts("crowd")} == {4}
    assert sorted(rater.ordinal for rater in store.raters("crowd")) == list(range(12))
    chain = store.votes("crowd")
    assert [chained.vote.ordinal for chained in chain] == list(range(36))
    assert all(after.previous_sha256 == before.sha256 for before, after in itertools.pairwise(chain))
    assert store.verify("crowd").problems == ()


def test_one_answer_sent_eight_times_at_once_is_one_vote(open_store):
    rater = enrol(open_store)
    token = open_store.visit_state(rater).current.token

    def send(value):
        open_store.record_answer(answer(value), rater_id=rater, trial_token=token)

    with ThreadPoolExecutor(max_workers=8) as pool:
        list(pool.map(send, [0, 1, 2, 3, 4, 5, 0, 1]))
    assert len(open_store.votes("bokeh")) == 1
    assert [(rater.answered, rater.assigned) for rater in open_store.raters("bokeh")] == [(1, 6)]
    assert open_store.verify("bokeh").problems == ()


def test_one_invitation_used_by_many_at_once_lets_one_in(open_store):
    invitation = open_store.add_invitation("bokeh", max_uses=1)
    words = open_store.words("bokeh")

    def come(_):
        try:
            open_store.enrol_rater("bokeh", replace(Enrolment.agreed(words), invitation_id=invitation))
        except InvitationUsed:
            return False
        return True

    with ThreadPoolExecutor(max_workers=6) as pool:
        assert sum(pool.map(come, range(6))) == 1
