"""The chain's rows: votes put at its end, undos, withdrawals, and everything read back for a check."""

import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypeVarTuple, cast

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session, aliased

from study.chain import Entry, EntryKind, canonical_json, content_sha256, linked_sha256
from study.records import Answer, ChainedVote, Choice, Purpose, VoteRecord
from study.schema import LedgerRow, MethodRow, RaterRow, SceneRow, StimulusRow, StudyRow, TrialRow, VoteRow

_Columns = TypeVarTuple("_Columns")
_Left, _Right = aliased(StimulusRow), aliased(StimulusRow)
_LeftMethod, _RightMethod = aliased(MethodRow), aliased(MethodRow)


def chain_vote(session: Session, study: StudyRow, trial: TrialRow, answer: Answer, *, now: datetime) -> ChainedVote:
    """Add the answer as the last entry of the study's chain; the study must be locked."""
    if trial.presented_at is None:
        raise ValueError(f"trial {trial.id} was never presented")
    ordinal, previous = _end_of_chain(session, study)
    row = VoteRow(
        study_id=study.id,
        trial_id=trial.id,
        ordinal=ordinal,
        value=answer.value,
        choice=answer.choice,
        response_ms=answer.response_ms,
        viewport_width=answer.viewport_width,
        viewport_height=answer.viewport_height,
        device_pixel_ratio=float(answer.device_pixel_ratio),
        zoomed=answer.zoomed,
        presented_at=trial.presented_at,
        voted_at=now,
    )
    names = select(SceneRow.name, _LeftMethod.name, _RightMethod.name).select_from(TrialRow)
    scene, left, right = session.execute(_with_names(names).where(TrialRow.id == trial.id)).one()
    vote = _vote_record(study, row, trial, form=2, names=(scene, left, right))
    nonce = secrets.token_hex(16)
    content = content_sha256(nonce, vote.content())
    sha256 = linked_sha256(previous, content)
    session.add(
        LedgerRow(
            study_id=study.id,
            ordinal=ordinal,
            kind="vote",
            form=2,
            nonce=nonce,
            content_sha256=content,
            previous_sha256=previous,
            sha256=sha256,
        )
    )
    session.flush()
    session.add(row)
    session.flush()
    return ChainedVote(vote, nonce, previous, sha256)


def chain_event(
    session: Session, study: StudyRow, kind: EntryKind, facts: dict[str, object], *, now: datetime
) -> dict[str, object]:
    """Add an undo or a withdrawal as the last entry of the study's chain and return it as a journal's line."""
    ordinal, previous = _end_of_chain(session, study)
    content = {"kind": kind, "study_sha256": study.sha256, "ordinal": ordinal, "recorded_at": now.isoformat(), **facts}
    nonce = secrets.token_hex(16)
    hashed = content_sha256(nonce, content)
    sha256 = linked_sha256(previous, hashed)
    session.add(
        LedgerRow(
            study_id=study.id,
            ordinal=ordinal,
            kind=kind,
            form=2,
            content=canonical_json(content),
            nonce=nonce,
            content_sha256=hashed,
            previous_sha256=previous,
            sha256=sha256,
        )
    )
    session.flush()
    return {**content, "nonce": nonce, "previous_sha256": previous, "sha256": sha256}


def read_withdrawals(session: Session, study: StudyRow) -> list[dict[str, object]]:
    """All withdrawals of a study as a journal's lines, in the order of the chain; reads the whole chain."""
    rows = session.scalars(
        select(LedgerRow)
        .where(LedgerRow.study_id == study.id, LedgerRow.kind == "withdrawal")
        .order_by(LedgerRow.ordinal)
    )
    return [
        {
            **json.loads(row.content or "{}"),
            "nonce": row.nonce,
            "previous_sha256": row.previous_sha256,
            "sha256": row.sha256,
        }
        for row in rows
    ]


def withdrawn_hashes(session: Session, study: StudyRow, withdrawals: Sequence[Mapping[str, object]]) -> set[str]:
    """The hashes of the votes that withdrawals name."""
    hashes: set[str] = set()
    for withdrawal in withdrawals:
        ordinals = cast("list[int]", withdrawal["withdrawn"])
        entries = select(LedgerRow.sha256).where(LedgerRow.study_id == study.id, LedgerRow.ordinal.in_(ordinals))
        hashes.update(session.scalars(entries))
    return hashes


def _end_of_chain(session: Session, study: StudyRow) -> tuple[int, str]:
    """The next entry's ordinal and the hash it follows."""
    entries = select(LedgerRow.ordinal, LedgerRow.sha256).where(LedgerRow.study_id == study.id)
    last = session.execute(entries.order_by(LedgerRow.ordinal.desc()).limit(1)).one_or_none()
    return (0, study.sha256) if last is None else (last.ordinal + 1, last.sha256)


def _with_names(query: Select[*_Columns]) -> Select[*_Columns]:
    """Join the names of a trial's scene and its one or two methods."""
    return (
        query.join(SceneRow, SceneRow.id == TrialRow.scene_id)
        .join(_Left, _Left.id == TrialRow.stimulus_id)
        .join(_LeftMethod, _LeftMethod.id == _Left.method_id)
        .outerjoin(_Right, _Right.id == TrialRow.right_stimulus_id)
        .outerjoin(_RightMethod, _RightMethod.id == _Right.method_id)
    )


def _vote_record(
    study: StudyRow, row: VoteRow, trial: TrialRow, *, form: int, names: tuple[str, str, str | None]
) -> VoteRecord:
    """Put a vote and the names around it together."""
    scene, left, right = names
    return VoteRecord(
        study_sha256=study.sha256,
        ordinal=row.ordinal,
        rater=trial.rater_id,
        position=trial.position,
        purpose=cast(Purpose, trial.purpose),
        scene=scene,
        response_ms=row.response_ms,
        viewport_width=row.viewport_width,
        viewport_height=row.viewport_height,
        device_pixel_ratio=row.device_pixel_ratio,
        zoomed=row.zoomed,
        presented_at=row.presented_at,
        voted_at=row.voted_at,
        method=left if right is None else None,
        value=row.value,
        left_method=None if right is None else left,
        right_method=right,
        choice=cast(Choice | None, row.choice),
        form=form,
    )


def read_votes(session: Session, study: StudyRow, *where: ColumnElement[bool]) -> list[ChainedVote]:
    """The votes of a study in the order of the chain: all, undone ones too, or those that meet the conditions."""
    columns = select(VoteRow, TrialRow, LedgerRow, SceneRow.name, _LeftMethod.name, _RightMethod.name)
    joined = columns.select_from(VoteRow).join(TrialRow, TrialRow.id == VoteRow.trial_id)
    joined = joined.join(LedgerRow, (LedgerRow.study_id == VoteRow.study_id) & (LedgerRow.ordinal == VoteRow.ordinal))
    rows = session.execute(_with_names(joined).where(VoteRow.study_id == study.id, *where).order_by(VoteRow.ordinal))
    return [
        ChainedVote(
            _vote_record(study, vote, trial, form=entry.form, names=(scene, left, right)),
            entry.nonce,
            entry.previous_sha256,
            entry.sha256,
        )
        for vote, trial, entry, scene, left, right in rows
    ]


def read_entries(session: Session, study: StudyRow) -> list[Entry]:
    """The whole chain of a study; the votes' contents are put together anew from all tables."""
    votes = {vote.vote.ordinal: vote.vote.content() for vote in read_votes(session, study)}
    rows = session.scalars(select(LedgerRow).where(LedgerRow.study_id == study.id).order_by(LedgerRow.ordinal))
    return [
        Entry(
            ordinal=row.ordinal,
            kind=cast(EntryKind, row.kind),
            form=row.form,
            content=votes.get(row.ordinal) if row.content is None else json.loads(row.content),
            nonce=row.nonce,
            content_sha256=row.content_sha256,
            previous_sha256=row.previous_sha256,
            sha256=row.sha256,
        )
        for row in rows
    ]


def votes_of_rater(session: Session, rater: RaterRow) -> Sequence[VoteRow]:
    """All votes of a rater, undone ones too, in the order of the chain."""
    of_rater = select(VoteRow).join(TrialRow, TrialRow.id == VoteRow.trial_id).where(TrialRow.rater_id == rater.id)
    return session.scalars(of_rater.order_by(VoteRow.ordinal)).all()
