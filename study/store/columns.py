"""Whole studies as columns: what statistics and the dashboard read of a million votes in seconds.

Only votes that stand are read, never undone or withdrawn ones. Names turn into codes in the order of `StudyRecord`,
raters in that of their arrival.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, Engine, ScalarSelect, Select, String, case, cast, exists, func, select
from sqlalchemy.orm import InstrumentedAttribute, aliased

from study.records import StudyRecord
from study.schema import CellRow, LedgerRow, MethodRow, RaterRow, SceneRow, StimulusRow, StudyRow, TrialRow, VoteRow
from study.statistics import Comparisons, Ratings
from study.store.planning import is_lost, unanswered

_LEFT_TIE_RIGHT = case((VoteRow.choice == "left", 1), (VoteRow.choice == "right", -1), else_=0)
_IS_REPEAT = case((TrialRow.purpose == "repeat", 1), else_=0)
_OF_DESIGN = TrialRow.purpose.in_(("main", "repeat"))
_Integers = NDArray[np.int64]
_Column = ColumnElement[Any] | InstrumentedAttribute[Any]
_Condition = ColumnElement[bool]


@dataclass(frozen=True)
class DayCount:
    """Main and repeat votes of one day (UTC), and how many raters gave them."""

    day: date
    votes: int
    raters: int


@dataclass(frozen=True)
class RaterCounts:
    """Raters who have not withdrawn: all, those who answered everything they were to, and those who are programs.

    Who left, and whose trials others took over, has not finished; nor has who answered nothing at all.
    """

    began: int
    finished: int
    simulated: int


@dataclass(frozen=True)
class WaitingCell:
    """Unanswered trials of one cell, as in `CellCount`: live ones are leased, others have lapsed."""

    scene: str
    method: str
    right_method: str | None
    is_live: bool
    trials: int


@dataclass(frozen=True, eq=False)
class Conduct:
    """How votes were given, gold and repeats included; arrays [n], in the order of the chain.

    Attributes:
        raters: Ids of all raters who have not withdrawn, in the order of arrival.
        rater: Code of the vote's rater.
        response_ms: From all pictures shown to the answer.
        zoomed: Times that zoom, flip or loupe were used.
        viewport_width: CSS pixels.
        answer: The value, or 1 left, 0 tie, -1 right.
    """

    raters: tuple[str, ...]
    rater: _Integers
    response_ms: _Integers
    zoomed: _Integers
    viewport_width: _Integers
    answer: _Integers


class VoteColumns:
    """Reads columns of one database; never writes."""

    def __init__(self, engine: Engine) -> None:
        # One moment for all queries of a method, or else a rater who withdraws in between has votes and no name.
        is_sqlite = engine.dialect.name == "sqlite"
        self._engine = engine if is_sqlite else engine.execution_options(isolation_level="REPEATABLE READ")

    def version(self, study: StudyRecord) -> tuple[int, int]:
        """Two numbers that change with every vote, undo and withdrawal, and with every rater; read without counting."""
        entries = select(func.max(LedgerRow.ordinal)).where(LedgerRow.study_id == _id_of(study))
        raters = select(func.max(RaterRow.ordinal)).where(RaterRow.study_id == _id_of(study))
        with self._engine.connect() as connection:
            last_entry, last_rater = connection.scalar(entries), connection.scalar(raters)
        return (-1 if last_entry is None else last_entry, -1 if last_rater is None else last_rater)

    def ratings(self, study: StudyRecord) -> Ratings:
        """Main and repeat votes of a rating study, in the order of the chain."""
        columns = (RaterRow.ordinal, TrialRow.stimulus_id, VoteRow.value, _IS_REPEAT)
        with self._engine.connect() as connection:
            rater, stimulus, value, repeat = _read(connection, study, columns, _OF_DESIGN)
            raters, code_of = _raters(connection, study)
            scene_of, method_of = _cells(connection, study)
        return Ratings(
            raters=raters,
            scenes=study.scenes,
            methods=study.methods,
            rater=code_of[rater],
            scene=scene_of[stimulus],
            method=method_of[stimulus],
            value=value.astype(np.float64),
            repeat=repeat.astype(bool),
        )

    def comparisons(self, study: StudyRecord) -> Comparisons:
        """Main and repeat votes of a pairwise study, in the order of the chain."""
        columns = (RaterRow.ordinal, TrialRow.stimulus_id, TrialRow.right_stimulus_id, _LEFT_TIE_RIGHT, _IS_REPEAT)
        with self._engine.connect() as connection:
            rater, left, right, outcome, repeat = _read(connection, study, columns, _OF_DESIGN)
            raters, code_of = _raters(connection, study)
            scene_of, method_of = _cells(connection, study)
        return Comparisons(
            raters=raters,
            scenes=study.scenes,
            methods=study.methods,
            rater=code_of[rater],
            scene=scene_of[left],
            left=method_of[left],
            right=method_of[right],
            outcome=outcome.astype(np.int8),
            repeat=repeat.astype(bool),
        )

    def conduct(self, study: StudyRecord) -> Conduct:
        """How every vote was given, gold included."""
        answer = _LEFT_TIE_RIGHT if study.mode == "pairwise" else VoteRow.value
        columns = (RaterRow.ordinal, VoteRow.response_ms, VoteRow.zoomed, VoteRow.viewport_width, answer)
        with self._engine.connect() as connection:
            rater, *others = _read(connection, study, columns)
            raters, code_of = _raters(connection, study)
        return Conduct(raters, code_of[rater], *others)

    def simulated(self, study: StudyRecord) -> frozenset[str]:
        """Ids of the raters that are programs."""
        ids = select(RaterRow.id).where(RaterRow.study_id == _id_of(study), RaterRow.simulated)
        with self._engine.connect() as connection:
            return frozenset(connection.scalars(ids))

    def rater_counts(self, study: StudyRecord) -> RaterCounts:
        """How many raters began, finished and are simulated, those who withdrew left out."""
        of_rater = TrialRow.rater_id == RaterRow.id
        has_answered, has_left = exists().where(of_rater, ~unanswered()), exists().where(of_rater, is_lost())
        is_finished = (RaterRow.outstanding == 0) & has_answered & ~has_left
        counts = select(
            func.count(RaterRow.id),
            func.coalesce(func.sum(case((is_finished, 1), else_=0)), 0),
            func.coalesce(func.sum(case((RaterRow.simulated, 1), else_=0)), 0),
        ).where(RaterRow.study_id == _id_of(study), RaterRow.withdrawn_at.is_(None))
        with self._engine.connect() as connection:
            return RaterCounts(*connection.execute(counts).one())

    def waiting(self, study: StudyRecord, *, now: datetime) -> tuple[WaitingCell, ...]:
        """Unanswered main trials by cell. Only raters who still have some are looked at, so it stays quick."""
        left, right = aliased(MethodRow), aliased(MethodRow)
        first, second = aliased(StimulusRow), aliased(StimulusRow)
        is_live = case(((RaterRow.lease_until > now) & (StudyRow.status == "open"), 1), else_=0)
        columns = (SceneRow.name, left.name, right.name, is_live)
        trials = (
            select(*columns, func.count(TrialRow.id))
            .select_from(RaterRow)
            .join(StudyRow, StudyRow.id == RaterRow.study_id)
            .join(TrialRow, TrialRow.rater_id == RaterRow.id)
            .join(CellRow, CellRow.id == TrialRow.cell_id)
            .join(SceneRow, SceneRow.id == CellRow.scene_id)
            .join(first, first.id == CellRow.stimulus_id)
            .join(left, left.id == first.method_id)
            .outerjoin(second, second.id == CellRow.other_stimulus_id)
            .outerjoin(right, right.id == second.method_id)
            .outerjoin(VoteRow, (VoteRow.trial_id == TrialRow.id) & VoteRow.undone_by.is_(None))
            .where(RaterRow.study_id == _id_of(study), RaterRow.outstanding > 0, RaterRow.withdrawn_at.is_(None))
            .where(TrialRow.purpose == "main", TrialRow.released_at.is_(None), VoteRow.id.is_(None))
            .group_by(*columns)
        )
        with self._engine.connect() as connection:
            rows = connection.execute(trials).all()
        return tuple(WaitingCell(row[0], row[1], row[2], bool(row[3]), row[4]) for row in rows)

    def days(self, study: StudyRecord) -> list[DayCount]:
        """Votes of the design, repeats aside, and their raters per day that had any, oldest first."""
        day = func.date(VoteRow.voted_at)
        counts = select(day, func.count(VoteRow.id), func.count(func.distinct(TrialRow.rater_id)))
        grouped = _standing(counts, study).where(TrialRow.purpose == "main").group_by(day).order_by(day)
        with self._engine.connect() as connection:
            rows = connection.execute(grouped).all()
        return [DayCount(date.fromisoformat(str(day)), votes, raters) for day, votes, raters in rows]


def _id_of(study: StudyRecord) -> ScalarSelect[int]:
    return select(StudyRow.id).where(StudyRow.name == study.name).scalar_subquery()


def _standing(columns: Select[Any], study: StudyRecord) -> Select[Any]:
    """The columns over all votes that stand, those of withdrawn raters left out."""
    joined = columns.select_from(VoteRow).join(TrialRow, TrialRow.id == VoteRow.trial_id)
    joined = joined.join(RaterRow, RaterRow.id == TrialRow.rater_id)
    return joined.where(VoteRow.study_id == _id_of(study), VoteRow.undone_by.is_(None), RaterRow.withdrawn_at.is_(None))


def _raters(connection: Connection, study: StudyRecord) -> tuple[tuple[str, ...], _Integers]:
    """Ids of the raters who have not withdrawn, in the order of their arrival, and their codes by ordinal."""
    ids = select(RaterRow.id, RaterRow.ordinal).where(
        RaterRow.study_id == _id_of(study), RaterRow.withdrawn_at.is_(None)
    )
    rows = connection.execute(ids.order_by(RaterRow.ordinal)).all()
    code_of = np.full(rows[-1].ordinal + 1 if rows else 0, -1, dtype=np.int64)
    code_of[[row.ordinal for row in rows]] = np.arange(len(rows))
    return tuple(row.id for row in rows), code_of


def _cells(connection: Connection, study: StudyRecord) -> tuple[_Integers, _Integers]:
    """Codes of the scene and the method, by a stimulus's id; -1 where an id is none of the design's."""
    stimuli = (
        select(StimulusRow.id, SceneRow.name, MethodRow.name)
        .join(SceneRow, SceneRow.id == StimulusRow.scene_id)
        .join(MethodRow, MethodRow.id == StimulusRow.method_id)
        .where(StimulusRow.study_id == _id_of(study))
    )
    rows = connection.execute(stimuli).all()
    codes = np.full((2, max((row[0] for row in rows), default=0) + 1), -1, dtype=np.int64)
    scenes = {name: code for code, name in enumerate(study.scenes)}
    methods = {name: code for code, name in enumerate(study.methods)}
    for stimulus, scene, method in rows:
        codes[:, stimulus] = scenes.get(scene, -1), methods.get(method, -1)
    return codes[0], codes[1]


def _read(
    connection: Connection, study: StudyRecord, columns: Sequence[_Column], *where: _Condition
) -> list[_Integers]:
    """Each column of the standing votes as one array, in the order of the chain.

    The database joins every column to one string of numbers: 1.3 s for five columns of a million votes, where rows of
    Python numbers took 2.2 s and 150 MB more (2 cores, SQLite).
    """
    joined = [func.aggregate_strings(cast(column, String), ",") for column in (VoteRow.ordinal, *columns)]
    strings: Select[Any] = select().add_columns(*joined)
    row = connection.execute(_standing(strings, study).where(*where)).one()
    ordinal, *arrays = [np.fromstring(numbers or "", dtype=np.int64, sep=",") for numbers in row]
    if any(array.size != ordinal.size for array in arrays):
        raise ValueError(f"study {study.name} holds votes without an answer: its database does not match its mode")
    order = np.argsort(ordinal, kind="stable")
    return [array[order] for array in arrays]
