"""From rows to records and back; every function works inside the caller's transaction."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import cast

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from study.chain import chained_sha256
from study.definition import StudyDefinition
from study.errors import StudyClosed, UnknownStudy
from study.records import (
    Answer,
    ChainedVote,
    StudyRecord,
    StudyStatus,
    Trial,
    VoteRecord,
)
from study.scale import Scale, ScalePoint
from study.schema import (
    MethodRow,
    RaterRow,
    ScalePointRow,
    SceneRow,
    StimulusRow,
    StudyRow,
    TrialRow,
    VoteRow,
)


def now() -> datetime:
    """The server's moment in UTC."""
    return datetime.now(UTC)


def new_token() -> str:
    """128 random bits, fit for URLs."""
    return secrets.token_urlsafe(16)


def find_study(session: Session, name: str) -> StudyRow:
    """The study of this name; raises UnknownStudy."""
    study = session.scalar(select(StudyRow).where(StudyRow.name == name))
    if study is None:
        raise UnknownStudy("There is no such study.")
    return study


def lock_study(session: Session, study_id: int) -> StudyRow:
    """Read a study such that other writers of it wait (SQLite's writers wait already)."""
    return session.scalars(select(StudyRow).where(StudyRow.id == study_id).with_for_update()).one()


def require_open(study: StudyRow) -> StudyRow:
    """Pass an open study on; raise what a rater may know about any other."""
    if study.status == "draft":
        raise UnknownStudy("There is no such study.")
    if study.status == "closed":
        raise StudyClosed("This study is closed and takes no more votes.")
    return study


def study_record(session: Session, study: StudyRow) -> StudyRecord:
    """Read a study with its scale and its names, scenes and methods in the order of their creation."""
    points = session.scalars(
        select(ScalePointRow).where(ScalePointRow.study_id == study.id).order_by(ScalePointRow.value)
    )
    scenes = session.scalars(select(SceneRow.name).where(SceneRow.study_id == study.id).order_by(SceneRow.id))
    methods = session.scalars(select(MethodRow.name).where(MethodRow.study_id == study.id).order_by(MethodRow.id))
    return StudyRecord(
        name=study.name,
        title=study.title,
        question=study.question,
        scale=Scale(tuple(ScalePoint(point.value, point.label) for point in points)),
        scenes=tuple(scenes),
        methods=tuple(methods),
        sha256=study.sha256,
        seed=study.seed,
        status=cast(StudyStatus, study.status),
    )


def add_cells(
    session: Session, *, study_id: int, definition: StudyDefinition, stored: Mapping[tuple[str, str | None], str]
) -> None:
    """Store the scale, the scenes, the methods and what each method made of each scene."""
    sizes = {picture.scene: (picture.width, picture.height) for picture in definition.pictures}
    for point in definition.scale.points:
        session.add(ScalePointRow(study_id=study_id, value=point.value, label=point.label))
    scenes = [
        SceneRow(study_id=study_id, name=name, width=w, height=h, ground_truth_sha256=stored[name, None])
        for name, (w, h) in ((name, sizes[name]) for name in definition.scenes)
    ]
    methods = [MethodRow(study_id=study_id, name=name) for name in definition.methods]
    session.add_all([*scenes, *methods])
    session.flush()
    session.add_all(
        StimulusRow(study_id=study_id, scene_id=scene.id, method_id=method.id, sha256=stored[scene.name, method.name])
        for scene in scenes
        for method in methods
    )
    session.flush()


def new_trials(session: Session, rater: RaterRow, cells: Sequence[tuple[int, int]]) -> list[TrialRow]:
    """Make a rater's trials from (scene, method) indices in the order given."""
    stimuli = session.scalars(
        select(StimulusRow.id)
        .where(StimulusRow.study_id == rater.study_id)
        .order_by(StimulusRow.scene_id, StimulusRow.method_id)
    ).all()
    methods = session.scalar(select(func.count(MethodRow.id)).where(MethodRow.study_id == rater.study_id)) or 0
    return [
        TrialRow(
            study_id=rater.study_id,
            rater_id=rater.id,
            stimulus_id=stimuli[scene * methods + method],
            position=position,
            token=new_token(),
            ground_truth_token=new_token(),
            stimulus_token=new_token(),
        )
        for position, (scene, method) in enumerate(cells)
    ]


def trial_record(trial: TrialRow, scene: SceneRow) -> Trial:
    """What a rater's browser may know about a trial."""
    return Trial(trial.token, trial.ground_truth_token, trial.stimulus_token, scene.width, scene.height)


def chain_vote(session: Session, *, study: StudyRow, trial: TrialRow, answer: Answer) -> ChainedVote:
    """Add the answer as the last vote of the study's chain; the study must be locked."""
    chain = select(VoteRow).where(VoteRow.study_id == study.id).order_by(VoteRow.ordinal.desc())
    last = session.scalar(chain.limit(1))
    ordinal, previous = (0, study.sha256) if last is None else (last.ordinal + 1, last.sha256)
    row = VoteRow(
        study_id=study.id,
        trial_id=trial.id,
        ordinal=ordinal,
        value=answer.value,
        response_ms=answer.response_ms,
        viewport_width=answer.viewport_width,
        viewport_height=answer.viewport_height,
        device_pixel_ratio=float(answer.device_pixel_ratio),
        voted_at=now(),
        previous_sha256=previous,
    )
    names = select(SceneRow.name, MethodRow.name).join(StimulusRow, StimulusRow.scene_id == SceneRow.id)
    names = names.join(MethodRow, MethodRow.id == StimulusRow.method_id).where(StimulusRow.id == trial.stimulus_id)
    scene, method = session.execute(names).one()
    vote = vote_record(study.sha256, row, trial, scene=scene, method=method)
    row.sha256 = chained_sha256(previous, vote.content())
    session.add(row)
    session.flush()
    return ChainedVote(vote, previous, row.sha256)


def vote_record(study_sha256: str, row: VoteRow, trial: TrialRow, *, scene: str, method: str) -> VoteRecord:
    """Put a vote and the names around it together."""
    if trial.presented_at is None:
        raise ValueError(f"trial {trial.id} has a vote but was never presented")
    return VoteRecord(
        study_sha256=study_sha256,
        ordinal=row.ordinal,
        rater=trial.rater_id,
        position=trial.position,
        scene=scene,
        method=method,
        value=row.value,
        response_ms=row.response_ms,
        viewport_width=row.viewport_width,
        viewport_height=row.viewport_height,
        device_pixel_ratio=row.device_pixel_ratio,
        presented_at=trial.presented_at,
        voted_at=row.voted_at,
    )


def read_votes(session: Session, study: StudyRow, *where: ColumnElement[bool]) -> list[ChainedVote]:
    """The votes of a study in the order of the chain: all, or those that meet the conditions."""
    rows = session.execute(
        select(VoteRow, TrialRow, SceneRow.name.label("scene"), MethodRow.name.label("method"))
        .join(TrialRow, TrialRow.id == VoteRow.trial_id)
        .join(StimulusRow, StimulusRow.id == TrialRow.stimulus_id)
        .join(SceneRow, SceneRow.id == StimulusRow.scene_id)
        .join(MethodRow, MethodRow.id == StimulusRow.method_id)
        .where(VoteRow.study_id == study.id, *where)
        .order_by(VoteRow.ordinal)
    )
    return [
        ChainedVote(
            vote_record(study.sha256, row.VoteRow, row.TrialRow, scene=row.scene, method=row.method),
            row.VoteRow.previous_sha256,
            row.VoteRow.sha256,
        )
        for row in rows
    ]
