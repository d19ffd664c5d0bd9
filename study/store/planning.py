"""A rater's trials: planned, reserved for a time, taken over by others. Works inside the caller's transaction.

The study is locked by the caller wherever cells are counted, so that no two plans count the same cell.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta

import numpy as np
from sqlalchemy import ColumnElement, delete, exists, func, select
from sqlalchemy.orm import Session

from study.design import Filling, Slot, VisitPlan, Wishes, plan_visit
from study.schema import CellRow, ItemRow, RaterRow, StudyRow, TrialRow, VoteRow
from study.store.rows import new_token


def unanswered() -> ColumnElement[bool]:
    """Whether a trial has no standing vote."""
    return ~exists().where(VoteRow.trial_id == TrialRow.id, VoteRow.undone_by.is_(None))


def is_lost() -> ColumnElement[bool]:
    """Whether a trial was taken over and its rater, whose row the query must hold, has not come back since.

    Only trials of a lapsed lease are taken over, and a rater who comes back gets a new one.
    """
    return TrialRow.released_at >= RaterRow.lease_until


def begin_visit(session: Session, study: StudyRow, rater: RaterRow, *, now: datetime) -> VisitPlan:
    """Plan a new rater's whole visit, practice first, and reserve its trials."""
    table = _CellTable(session, study, now=now)
    plan = table.plan(rater, trials=study.trials_per_visit, repeats=study.repeats_per_visit, gold=study.gold_per_visit)
    if plan.slots:
        practice = _items(session, study, "practice")
        session.add_all(_item_trial(rater, item, position, flipped=False) for position, item in enumerate(practice))
        table.add_trials(rater, plan.slots, first_position=len(practice))
    return plan


def renew_lease(session: Session, study: StudyRow, rater: RaterRow, *, now: datetime) -> None:
    """Reserve a rater's unanswered trials for another while, with new cells for those that others took over.

    The study must be locked if the lease has run out.
    """
    if rater.lease_until <= now:
        _replace_released(session, study, rater, now=now)
    rater.lease_until = now + timedelta(minutes=study.lease_minutes)


def _replace_released(session: Session, study: StudyRow, rater: RaterRow, *, now: datetime) -> None:
    """Plan as many cells anew as were taken over since the lease ran out, and delete what was never answered.

    A taken-over trial whose answer was taken back stays: the chain keeps that answer.
    """
    of_rater = TrialRow.rater_id == rater.id
    trials = select(func.count(TrialRow.id)).join(RaterRow, RaterRow.id == TrialRow.rater_id)
    lost = session.scalar(trials.where(of_rater, TrialRow.purpose == "main", is_lost())) or 0
    never_answered = ~exists().where(VoteRow.trial_id == TrialRow.id)
    session.execute(delete(TrialRow).where(of_rater, TrialRow.released_at.is_not(None), never_answered))
    if not lost:
        return
    last = session.scalar(select(func.max(TrialRow.position)).where(TrialRow.rater_id == rater.id))
    table = _CellTable(session, study, now=now)
    plan = table.plan(rater, trials=lost, repeats=0, gold=0)
    table.add_trials(rater, plan.slots, first_position=0 if last is None else last + 1)


class _CellTable:
    """The cells of a study as the scene x treatment table that the design works on."""

    def __init__(self, session: Session, study: StudyRow, *, now: datetime) -> None:
        self._session, self._study, self._now = session, study, now
        self._cells = session.scalars(select(CellRow).where(CellRow.study_id == study.id).order_by(CellRow.id)).all()
        scenes = list(dict.fromkeys(cell.scene_id for cell in self._cells))
        self._shape = (len(scenes), len(self._cells) // len(scenes))
        self._scene_numbers = {scene: number for number, scene in enumerate(scenes)}
        self._place = {cell.id: divmod(number, self._shape[1]) for number, cell in enumerate(self._cells)}
        self._gold = _items(session, study, "gold")
        self._lapsed: dict[int, list[TrialRow]] = {}

    def plan(self, rater: RaterRow, *, trials: int, repeats: int, gold: int) -> VisitPlan:
        """Choose and order cells for a rater, none that the rater has already."""
        self._lapsed = self._lapsed_trials(rater)
        wishes = Wishes(
            trials=trials,
            repeats=repeats,
            gold=gold,
            gold_scenes=tuple(self._scene_number(item.scene_id) for item in self._gold),
            votes_wanted=self._study.votes_wanted,
            two_sided=self._study.mode == "pairwise",
        )
        return plan_visit(
            self._filling(), wishes, ordinal=rater.ordinal, seed=self._study.seed, seen=self._seen_by(rater)
        )

    def _scene_number(self, scene_id: int) -> int:
        """Number of a scene in the table; scenes outside of it get numbers behind."""
        return self._scene_numbers.setdefault(scene_id, len(self._scene_numbers))

    def _filling(self) -> Filling:
        lapsed = [len(self._lapsed.get(cell.id, ())) for cell in self._cells]
        columns = ([cell.assigned for cell in self._cells], lapsed, [cell.flipped for cell in self._cells])
        assigned, lapsed_counts, flipped = (np.array(c, dtype=np.int64).reshape(self._shape) for c in columns)
        return Filling(assigned, lapsed_counts, flipped)

    def _lapsed_trials(self, rater: RaterRow) -> dict[int, list[TrialRow]]:
        """Unanswered main trials of other raters whose lease ran out, by cell, the longest idle rater's first."""
        rows = self._session.scalars(
            select(TrialRow)
            .join(RaterRow, RaterRow.id == TrialRow.rater_id)
            .where(
                RaterRow.study_id == self._study.id,
                RaterRow.id != rater.id,
                RaterRow.outstanding > 0,
                RaterRow.lease_until <= self._now,
                TrialRow.purpose == "main",
                TrialRow.released_at.is_(None),
                unanswered(),
            )
            .order_by(RaterRow.lease_until, TrialRow.id)
        )
        by_cell: dict[int, list[TrialRow]] = defaultdict(list)
        for trial in rows:
            by_cell[_cell_of(trial)].append(trial)
        return by_cell

    def _seen_by(self, rater: RaterRow) -> np.ndarray:
        """Cells of the rater's trials, answered or not, without those that others took over."""
        seen = np.zeros(self._shape, dtype=bool)
        kept = (TrialRow.rater_id == rater.id, TrialRow.released_at.is_(None))
        for cell_id in self._session.scalars(select(TrialRow.cell_id).where(*kept, TrialRow.cell_id.is_not(None))):
            if cell_id is not None:
                seen[self._place[cell_id]] = True
        return seen

    def add_trials(self, rater: RaterRow, slots: Sequence[Slot], *, first_position: int) -> None:
        """Store a plan's trials, taking over what it takes over, and count them in their cells."""
        for position, slot in enumerate(slots, start=first_position):
            if slot.item is not None:
                trial = _item_trial(rater, self._gold[slot.item], position, flipped=slot.flipped)
            else:
                trial = self._cell_trial(rater, slot, position)
            self._session.add(trial)
        rater.outstanding += len(slots)
        self._session.flush()

    def _cell_trial(self, rater: RaterRow, slot: Slot, position: int) -> TrialRow:
        treatment = 0 if slot.treatment is None else slot.treatment
        cell = self._cells[slot.scene * self._shape[1] + treatment]
        if slot.takes_over:
            release(self._session, self._lapsed[cell.id].pop(0), cell, now=self._now)
        if slot.purpose == "main":
            cell.assigned += 1
            cell.flipped += slot.flipped
        shown = (cell.stimulus_id, cell.other_stimulus_id)
        left, right = (cell.other_stimulus_id, cell.stimulus_id) if slot.flipped else shown
        return TrialRow(
            study_id=rater.study_id,
            rater_id=rater.id,
            scene_id=cell.scene_id,
            purpose=slot.purpose,
            cell_id=cell.id,
            stimulus_id=left,
            right_stimulus_id=right,
            position=position,
            **new_tokens(two=right is not None),
        )


def release(session: Session, trial: TrialRow, cell: CellRow, *, now: datetime) -> None:
    """Take an unanswered main trial from its rater, with its repeat if it has one."""
    again = select(TrialRow).where(
        TrialRow.rater_id == trial.rater_id,
        TrialRow.cell_id == cell.id,
        TrialRow.purpose == "repeat",
        TrialRow.released_at.is_(None),
        unanswered(),
    )
    taken = [trial, *session.scalars(again)]
    for each in taken:
        each.released_at = now
    rater = session.get_one(RaterRow, trial.rater_id)
    rater.outstanding -= len(taken)
    uncount(cell, trial)
    session.flush()


def uncount(cell: CellRow, trial: TrialRow) -> None:
    """Take a main trial out of its cell's counts."""
    cell.flipped -= int(trial.stimulus_id != cell.stimulus_id)
    cell.assigned -= 1


def new_tokens(*, two: bool) -> dict[str, str | None]:
    """Random tokens for a trial and its pictures."""
    return {
        "token": new_token(),
        "ground_truth_token": new_token(),
        "stimulus_token": new_token(),
        "right_token": new_token() if two else None,
    }


def _cell_of(trial: TrialRow) -> int:
    if trial.cell_id is None:
        raise ValueError(f"trial {trial.id} is no trial of the design")
    return trial.cell_id


def _items(session: Session, study: StudyRow, purpose: str) -> Sequence[ItemRow]:
    """Practice or gold items in the order of the definition."""
    of_study = select(ItemRow).where(ItemRow.study_id == study.id, ItemRow.purpose == purpose)
    return session.scalars(of_study.order_by(ItemRow.ordinal)).all()


def _item_trial(rater: RaterRow, item: ItemRow, position: int, *, flipped: bool) -> TrialRow:
    shown = (item.stimulus_id, item.right_stimulus_id)
    left, right = (item.right_stimulus_id, item.stimulus_id) if flipped else shown
    return TrialRow(
        study_id=rater.study_id,
        rater_id=rater.id,
        scene_id=item.scene_id,
        purpose=item.purpose,
        item_id=item.id,
        stimulus_id=left,
        right_stimulus_id=right,
        position=position,
        **new_tokens(two=right is not None),
    )
