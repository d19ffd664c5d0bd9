"""Databases of earlier versions come up to date, and go back, with everything that was in them."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import CheckConstraint, inspect, text

from study.chain import chained_sha256
from study.records import Answer, Screen
from study.schema import Base
from study.store import StudyStore
from study.store.engine import open_engine
from study.store.migrating import migrate_to
from study.visits import Visits
from tests.study.conftest import BOTH_DATABASES
from tests.study.simulated import make_study
from tests.study.visiting import SCREEN_CHECK, enrol

pytestmark = pytest.mark.parametrize("database_url", BOTH_DATABASES, indirect=True)

DUMP = Path(__file__).with_name("first_version.sql")
OLD_TABLES = ("studies", "methods", "raters", "scale_points", "scenes", "stimuli", "trials", "votes")
HALFWAY = "B" * 22


@pytest.fixture
def old_database(database_url):
    """The database of the first version: made by it on SQLite, and with its tables and rows on PostgreSQL."""
    engine = open_engine(database_url)
    if engine.dialect.name == "sqlite":
        with closing(sqlite3.connect(engine.url.database)) as connection:
            connection.executescript(DUMP.read_text())
        engine.dispose()
        return database_url
    migrate_to(database_url, "0001")
    inserts = [line for line in DUMP.read_text().splitlines() if line.startswith("INSERT INTO")]
    with engine.begin() as connection:
        for table in OLD_TABLES:
            for insert in inserts:
                if insert.startswith(f'INSERT INTO "{table}"'):
                    connection.exec_driver_sql(insert)
        for table in ("studies", "methods", "scenes", "stimuli", "trials", "votes"):
            connection.exec_driver_sql(f"SELECT setval('{table}_id_seq', (SELECT max(id) FROM {table}))")
        connection.exec_driver_sql("DROP TABLE alembic_version")
    engine.dispose()
    return database_url


def rows(url, tables=OLD_TABLES):
    """Everything in the tables, columns by name."""
    engine = open_engine(url)
    with engine.connect() as connection:
        found = {
            table: sorted(
                (dict(row) for row in connection.execute(text(f"SELECT * FROM {table}")).mappings()),
                key=lambda row: str(row.get("id", row)),
            )
            for table in tables
        }
    engine.dispose()
    return found


def answer(value):
    return Answer(value=value, response_ms=900, viewport_width=390, viewport_height=844, device_pixel_ratio=3)


def test_a_store_brings_an_old_database_up_to_date_and_keeps_its_votes(old_database, tmp_path):
    before = rows(old_database)["votes"]
    store = StudyStore(old_database, data_folder=tmp_path / "var")
    votes = store.votes("bokeh")
    assert [(v.vote.value, v.previous_sha256, v.sha256) for v in votes] == [
        (row["value"], row["previous_sha256"], row["sha256"]) for row in before
    ]
    for vote in votes:
        assert chained_sha256(vote.previous_sha256, vote.vote.content()) == vote.sha256
    assert store.study("bokeh").trials_per_visit == 4
    assert [(rater.answered, rater.assigned) for rater in store.raters("bokeh")] == [(4, 4), (2, 4), (0, 4)]
    assert [(c.answered, c.leased, c.lapsed) for c in store.cell_counts("bokeh")] == [
        (1, 0, 2),
        (2, 0, 1),
        (2, 0, 1),
        (1, 0, 2),
    ]
    store.close()


def test_a_rater_goes_on_after_the_update_and_the_chain_stays_whole(old_database, tmp_path):
    store = StudyStore(old_database, data_folder=tmp_path / "var")
    assert store.visit_state(HALFWAY).stage == "screen"
    new = enrol(store)
    for rater in (HALFWAY, new):
        store.record_screen(rater, _screen())
        while trial := store.visit_state(rater).current:
            store.record_answer(answer(4), rater_id=rater, trial_token=trial.token)
    assert store.progress("bokeh").finished_raters == 3
    report = store.verify("bokeh")
    # The pictures were never stored in this data folder: that is said, and nothing else.
    assert [problem for problem in report.problems if not problem.startswith("picture")] == []
    assert report.votes == 4 + 4 + 4
    store.close()


def test_a_rater_of_the_first_version_can_withdraw_with_the_code_the_page_shows(old_database, tmp_path):
    """Votes of form 1 have no nonce: their hashes stay as they are, and the chain stays whole."""
    store = StudyStore(old_database, data_folder=tmp_path / "var")
    store.record_screen(HALFWAY, _screen())
    visits = Visits(store, secret_key="a key for tests only")
    link = visits._link_signer.dumps(["bokeh", HALFWAY])
    assert visits.withdraw(visits.resume_by_link(link).withdrawal_code) == 2
    assert {vote.vote.rater for vote in store.votes("bokeh")} == {"A" * 22}
    problems = store.verify("bokeh").problems
    assert [problem for problem in problems if not problem.startswith("picture")] == []
    store.close()


def _screen():
    return Screen(**SCREEN_CHECK, color_gamut=None, pointer=None, dark_room=None)


def test_up_down_and_up_again_keeps_all_data(old_database, tmp_path):
    before = rows(old_database)
    StudyStore(old_database, data_folder=tmp_path / "var").close()
    up = rows(old_database)
    migrate_to(old_database, "0001")
    assert rows(old_database) == before
    migrate_to(old_database, "head")
    assert rows(old_database) == up


def test_votes_given_since_survive_the_way_back(old_database, tmp_path):
    store = StudyStore(old_database, data_folder=tmp_path / "var")
    store.record_screen(HALFWAY, _screen())
    trial = store.visit_state(HALFWAY).current
    store.record_answer(answer(5), rater_id=HALFWAY, trial_token=trial.token)
    last = store.votes("bokeh")[-1]
    store.close()
    migrate_to(old_database, "0001")
    newest = rows(old_database)["votes"][-1]
    assert (newest["value"], newest["sha256"], newest["previous_sha256"]) == (5, last.sha256, last.previous_sha256)


def test_the_way_back_is_refused_where_it_would_lose_something(database_url, tmp_path):
    store = StudyStore(database_url, data_folder=tmp_path / "var")
    make_study(store, tmp_path / "source", mode="pairwise")
    enrol(store, "rehearsal")
    store.close()
    tables = ("studies", "trials", "raters")
    before = rows(database_url, tables)
    with pytest.raises(ValueError, match="cannot hold what is there: 1 pairwise studies"):
        migrate_to(database_url, "0001")
    assert rows(database_url, tables) == before


def differences(url):
    """What migrated tables have other than `study.schema`; PostgreSQL's comments are left out, which no code reads."""
    engine = open_engine(url)
    with engine.connect() as connection:
        found = compare_metadata(MigrationContext.configure(connection), Base.metadata)
        checks = {
            table.name: {check["name"] for check in inspect(connection).get_check_constraints(table.name)}
            for table in Base.metadata.sorted_tables
        }
    engine.dispose()
    return [found for found in found if not _is_comment(found)], checks


def _is_comment(difference):
    kind = difference[0][0] if isinstance(difference, list) else difference[0]
    return kind in {"modify_comment", "add_table_comment"}


def test_migrated_tables_are_those_of_the_schema(old_database, tmp_path):
    StudyStore(old_database, data_folder=tmp_path / "var").close()
    found, checks = differences(old_database)
    assert found == []
    for table in Base.metadata.sorted_tables:
        named = {c.name for c in table.constraints if isinstance(c, CheckConstraint) and c.name}
        assert checks[table.name] == named


def test_a_database_of_a_newer_version_is_refused(database_url, tmp_path):
    StudyStore(database_url, data_folder=tmp_path / "var").close()
    engine = open_engine(database_url)
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    engine.dispose()
    with pytest.raises(ValueError, match="newer version"):
        StudyStore(database_url, data_folder=tmp_path / "var")
