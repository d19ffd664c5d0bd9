"""The slice of the store that looks at how raters answered."""

import json
from itertools import groupby
from typing import Any

from sqlalchemy import Row, select
from sqlalchemy.orm import Session

from study.flags import Flag, GivenAnswer, rater_flags
from study.schema import CellRow, ItemRow, ScalePointRow, TrialRow, VoteRow
from study.store.database import Database
from study.store.rows import find_study

_SIDE = {"left": 1, "tie": 0, "right": -1}
_MIRRORED = {"left": "right", "right": "left", "tie": "tie"}


class ConductStore(Database):
    """Raters' conduct, for researchers."""

    def flags(self, name: str) -> dict[str, tuple[Flag, ...]]:
        """What asks for a look, by rater; raters without flags are left out. No vote is excluded by it."""
        columns = (
            TrialRow.rater_id,
            TrialRow.purpose,
            TrialRow.cell_id,
            TrialRow.stimulus_id,
            CellRow.stimulus_id.label("first_id"),
            ItemRow.stimulus_id.label("item_left_id"),
            ItemRow.accepted,
            VoteRow.value,
            VoteRow.choice,
            VoteRow.response_ms,
        )
        standing = (
            select(*columns)
            .select_from(VoteRow)
            .join(TrialRow, TrialRow.id == VoteRow.trial_id)
            .outerjoin(CellRow, CellRow.id == TrialRow.cell_id)
            .outerjoin(ItemRow, ItemRow.id == TrialRow.item_id)
            .where(VoteRow.undone_by.is_(None))
            .order_by(TrialRow.rater_id, VoteRow.ordinal)
        )
        with Session(self._engine) as session:
            study = find_study(session, name)
            points = session.scalars(select(ScalePointRow.value).where(ScalePointRow.study_id == study.id)).all()
            span = max(points) - min(points) if points else None
            rows = session.execute(standing.where(VoteRow.study_id == study.id))
            found = {
                rater: rater_flags([_given(row) for row in answers], scale_span=span)
                for rater, answers in groupby(rows, key=lambda row: row.rater_id)
            }
        return {rater: flags for rater, flags in found.items() if flags}


def _given(row: Row[*tuple[Any, ...]]) -> GivenAnswer:
    """Take the sides out of an answer, and compare a gold item's with what is accepted."""
    unflipped_id = row.first_id if row.item_left_id is None else row.item_left_id
    choice = row.choice
    if choice is not None and row.stimulus_id != unflipped_id:
        choice = _MIRRORED[choice]
    answer = row.value if choice is None else choice
    return GivenAnswer(
        purpose=row.purpose,
        cell=row.cell_id,
        answer=row.value if row.choice is None else _SIDE[row.choice],
        preference=row.value if choice is None else _SIDE[choice],
        response_ms=row.response_ms,
        accepted=None if row.accepted is None else answer in json.loads(row.accepted),
    )
