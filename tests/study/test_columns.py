"""Columns of a whole study: the same votes as the store's own, in the same order, quickly."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import create_engine, text

from scripts.benchmark_votes import NAME, Size, write_study
from study.store import StudyStore
from study.store.columns import RaterCounts
from tests.study.conftest import BOTH_DATABASES
from tests.study.filling import SetClock, fill_study
from tests.study.simulated import make_study

SIZE = Size(raters=7, scenes=4, methods=3, votes_per_rater=9)


@pytest.fixture
def written(tmp_path: Path) -> tuple[StudyStore, Callable[[str], None]]:
    """A store with 63 votes, and a way to change its database by hand."""
    database = tmp_path / "study.db"
    write_study(database, SIZE)
    store = StudyStore(f"sqlite:///{database}", data_folder=tmp_path)

    def change(statement: str) -> None:
        engine = create_engine(f"sqlite:///{database}")
        with engine.begin() as connection:
            connection.execute(text(statement))
        engine.dispose()

    yield store, change
    store.close()


def test_ratings_are_the_stores_votes(written: tuple[StudyStore, Callable[[str], None]]) -> None:
    """Rater, scene, method and value of every vote, in the order of the chain, as `votes` reads them one by one."""
    store, _change = written
    study = store.study(NAME)
    ratings = store.columns.ratings(study)
    votes = [chained.vote for chained in store.votes(NAME)]
    assert ratings.n == len(votes) == 63
    assert [ratings.raters[code] for code in ratings.rater] == [vote.rater for vote in votes]
    assert [ratings.scenes[code] for code in ratings.scene] == [vote.scene for vote in votes]
    assert [ratings.methods[code] for code in ratings.method] == [vote.method for vote in votes]
    assert ratings.value.tolist() == [vote.value for vote in votes]
    assert not ratings.repeat.any()


def test_undone_votes_and_withdrawn_raters_are_left_out(written: tuple[StudyStore, Callable[[str], None]]) -> None:
    """What does not stand is in no table; the others keep their raters."""
    store, change = written
    change("INSERT INTO ledger (study_id, ordinal, kind, form, content, content_sha256, previous_sha256, sha256)"
           " VALUES (1, 63, 'undo', 2, '{}', 'a', 'b', 'c')")  # fmt: skip
    change("UPDATE votes SET undone_by = 63 WHERE ordinal = 62")
    change("UPDATE raters SET withdrawn_at = '2026-01-02 00:00:00' WHERE ordinal = 2")
    ratings = store.columns.ratings(store.study(NAME))
    assert ratings.n == 63 - 1 - 9
    assert len(ratings.raters) == 6
    assert "rater00000000000000002" not in ratings.raters
    assert np.bincount(ratings.rater).tolist() == [9, 9, 9, 9, 9, 8]


def test_repeats_are_marked_and_gold_is_left_out_of_ratings(written: tuple[StudyStore, Callable[[str], None]]) -> None:
    """Conduct has every vote, MOS only those on the design."""
    store, change = written
    change("UPDATE trials SET purpose = 'repeat' WHERE id = 5")
    change("INSERT INTO items (id, study_id, purpose, ordinal, scene_id, stimulus_id, accepted)"
           " VALUES (1, 1, 'gold', 0, 1, 1, '[0]')")  # fmt: skip
    change("UPDATE trials SET purpose = 'gold', cell_id = NULL, item_id = 1 WHERE id = 8")
    study = store.study(NAME)
    ratings, conduct = store.columns.ratings(study), store.columns.conduct(study)
    assert ratings.n == 62
    assert np.flatnonzero(ratings.repeat).tolist() == [4]
    assert conduct.rater.size == 63
    assert conduct.response_ms.min() > 0


def test_days_count_votes_and_raters(written: tuple[StudyStore, Callable[[str], None]]) -> None:
    """Seven raters, 20 minutes apart from midnight on: one day."""
    store, change = written
    change("UPDATE votes SET voted_at = '2026-01-03 12:00:00.000000' WHERE ordinal >= 60")
    days = store.columns.days(store.study(NAME))
    assert [(str(day.day), day.votes, day.raters) for day in days] == [("2026-01-01", 60, 7), ("2026-01-03", 3, 1)]


def test_repeats_are_no_progress_of_a_day(written: tuple[StudyStore, Callable[[str], None]]) -> None:
    """They fill no cell: a pace that counted them would promise an end too early."""
    store, change = written
    change("UPDATE trials SET purpose = 'repeat' WHERE id = 5")
    assert sum(day.votes for day in store.columns.days(store.study(NAME))) == 62


def test_version_changes_with_votes_and_raters(written: tuple[StudyStore, Callable[[str], None]]) -> None:
    """A page that asks whether anything is new reads two numbers."""
    store, change = written
    study = store.study(NAME)
    assert store.columns.version(study) == (62, 6)
    change("UPDATE raters SET ordinal = 9 WHERE ordinal = 6")
    assert store.columns.version(study) == (62, 9)


def test_study_without_votes_gives_empty_columns(written: tuple[StudyStore, Callable[[str], None]]) -> None:
    """Names stay, arrays are empty, no version is no error."""
    store, change = written
    for table in ("votes", "ledger", "trials", "raters"):
        change(f"DELETE FROM {table}")
    study = store.study(NAME)
    ratings = store.columns.ratings(study)
    assert (ratings.n, ratings.raters, len(ratings.scenes), len(ratings.methods)) == (0, (), 4, 3)
    assert store.columns.days(study) == []
    assert store.columns.version(study) == (-1, -1)


def test_rater_counts_know_who_finished(written: tuple[StudyStore, Callable[[str], None]]) -> None:
    """One who left and whose trials another took over has not finished; one who withdrew is not counted."""
    store, change = written
    study = store.study(NAME)
    assert store.columns.rater_counts(study) == RaterCounts(began=7, finished=7, simulated=7)
    change("UPDATE raters SET outstanding = 2 WHERE ordinal = 0")
    change("UPDATE trials SET released_at = '2026-01-02 00:00:00' WHERE id = 10")
    change("UPDATE raters SET withdrawn_at = '2026-01-02 00:00:00', simulated = 0 WHERE ordinal = 2")
    assert store.columns.rater_counts(study) == RaterCounts(began=6, finished=4, simulated=6)


def test_waiting_trials_are_those_of_the_stores_cell_counts(
    written: tuple[StudyStore, Callable[[str], None]],
) -> None:
    """Unanswered trials by cell and by whether their reservation is live, as `cell_counts` finds them the long way."""
    store, change = written
    change("UPDATE votes SET undone_by = NULL")
    change("DELETE FROM votes WHERE ordinal IN (3, 4, 20)")
    change("UPDATE raters SET outstanding = 2, lease_until = '2999-01-01 00:00:00.000000' WHERE ordinal = 0")
    change("UPDATE raters SET outstanding = 1 WHERE ordinal = 2")
    waiting = store.columns.waiting(store.study(NAME), now=datetime.now(UTC))
    counted = store.cell_counts(NAME)
    assert {(cell.scene, cell.method): cell.trials for cell in waiting if cell.is_live} == {
        (cell.scene, cell.method): cell.leased for cell in counted if cell.leased
    }
    assert sum(cell.trials for cell in waiting if not cell.is_live) == sum(cell.lapsed for cell in counted) == 1


def test_benchmark_study_began_when_it_says(written: tuple[StudyStore, Callable[[str], None]]) -> None:
    """The benchmark's raters look like the app's."""
    store, _change = written
    rater = store.raters(NAME)[0]
    assert (rater.answered, rater.assigned, rater.simulated) == (9, 9, True)
    assert rater.began_at == datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("database_url", BOTH_DATABASES, indirect=True)
def test_both_databases_give_the_stores_comparisons(store: StudyStore, tmp_path: Path) -> None:
    """Sides, outcomes, days, waiting trials and counts, on SQLite and on PostgreSQL."""
    study = make_study(store, tmp_path / "pictures", mode="pairwise", ties=True, votes_wanted=9)
    qualities = {"glassnet": 3.0, "unprocessed": 1.0, "gaussian": 2.0}
    fill_study(store, study.name, raters=2, qualities=qualities, clock=SetClock(), last_answers=5)
    found = store.columns.comparisons(study)
    votes = [chained.vote for chained in store.votes(study.name)]
    assert [found.methods[code] for code in found.left] == [vote.left_method for vote in votes]
    assert [found.methods[code] for code in found.right] == [vote.right_method for vote in votes]
    assert found.outcome.tolist() == [{"left": 1, "tie": 0, "right": -1}[vote.choice] for vote in votes]
    assert sum(day.votes for day in store.columns.days(study)) == len(votes) == 14
    assert store.columns.rater_counts(study) == RaterCounts(began=2, finished=1, simulated=2)
    for close, live in ((None, 4), (store.close_study, 0)):
        if close:
            close(study.name)
        waiting = store.columns.waiting(study, now=datetime.now(UTC))
        assert sum(cell.trials for cell in waiting) == 4
        assert sum(cell.trials for cell in waiting if cell.is_live) == live
    assert store.columns.conduct(study).answer.tolist() == found.outcome.tolist()
