"""Studies from rows to records and back; every function works inside the caller's transaction."""

import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from itertools import combinations
from typing import cast

from sqlalchemy import select
from sqlalchemy.orm import Session

from study.chain import canonical_json, text_sha256
from study.definition import Item, StudyDefinition
from study.errors import StudyClosed, UnknownStudy
from study.records import Mode, StudyRecord, StudyStatus, StudyWords
from study.scale import Scale, ScalePoint
from study.schema import (
    CellRow,
    ChoiceRow,
    ItemRow,
    MethodRow,
    ScalePointRow,
    SceneRow,
    StimulusRow,
    StudyRow,
)

Stored = Mapping[tuple[str, str | None], str]  # (scene, method or None) -> sha256 of the stored file


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
    return session.scalars(
        select(StudyRow).where(StudyRow.id == study_id).with_for_update().execution_options(populate_existing=True)
    ).one()


def require_open(study: StudyRow) -> StudyRow:
    """Pass an open study on; raise what a rater may know about any other."""
    if study.status == "draft":
        raise UnknownStudy("There is no such study.")
    if study.status == "closed":
        raise StudyClosed("This study is closed and takes no more votes.")
    return study


def study_record(session: Session, study: StudyRow) -> StudyRecord:
    """Read a study with its scale and the names of its design, in the order of their creation."""
    points = session.scalars(
        select(ScalePointRow).where(ScalePointRow.study_id == study.id).order_by(ScalePointRow.value)
    ).all()
    scenes = select(SceneRow.name).where(SceneRow.study_id == study.id, SceneRow.role == "design")
    methods = select(MethodRow.name).where(MethodRow.study_id == study.id, MethodRow.role == "design")
    return StudyRecord(
        name=study.name,
        title=study.title,
        question=study.question,
        mode=cast(Mode, study.mode),
        scale=Scale(tuple(ScalePoint(point.value, point.label) for point in points)) if points else None,
        scenes=tuple(session.scalars(scenes.order_by(SceneRow.id))),
        methods=tuple(session.scalars(methods.order_by(MethodRow.id))),
        hidden_reference=study.hidden_reference,
        ties_allowed=session.get(ChoiceRow, (study.id, "tie")) is not None,
        languages=tuple(json.loads(study.content)["languages"]),
        votes_wanted=study.votes_wanted,
        trials_per_visit=study.trials_per_visit,
        sha256=study.sha256,
        seed=study.seed,
        status=cast(StudyStatus, study.status),
    )


def study_words(study: StudyRow, language: str | None) -> StudyWords:
    """A study's words in a language, or in the default one where it does not speak it."""
    content = json.loads(study.content)
    code = str(language if language in content["languages"] else content["languages"][0])
    words = content["words"][code]
    return StudyWords(
        language=code,
        title=words["title"],
        question=words["question"],
        instructions=words["instructions"],
        consent=words["consent"],
        consent_version=content["consent_version"],
        consent_sha256=text_sha256(words["consent"]),
        scale_labels=tuple(words["scale_labels"]),
    )


def new_study(definition: StudyDefinition, *, seed: int, created_at: datetime) -> StudyRow:
    """A draft with the definition's words and numbers."""
    return StudyRow(
        name=definition.name,
        title=definition.title,
        question=definition.question,
        mode=definition.mode,
        content=canonical_json(definition.content()),
        sha256=definition.sha256,
        seed=seed,
        hidden_reference=definition.hidden_reference,
        votes_wanted=definition.votes_wanted,
        trials_per_visit=definition.trials_per_visit,
        gold_per_visit=definition.gold_per_visit,
        repeats_per_visit=definition.repeats_per_visit,
        lease_minutes=definition.lease_minutes,
        invitation_required=definition.invitation_required,
        created_at=created_at,
    )


def add_contents(session: Session, study: StudyRow, definition: StudyDefinition, stored: Stored) -> None:
    """Store the answers, scenes, methods, pictures, cells and items of a study that was just added."""
    if definition.scale is not None:
        session.add_all(ScalePointRow(study_id=study.id, value=p.value, label=p.label) for p in definition.scale.points)
    else:
        choices = ("left", "right", "tie") if definition.ties_allowed else ("left", "right")
        session.add_all(ChoiceRow(study_id=study.id, choice=choice) for choice in choices)
    scenes = _add_scenes(session, study, definition, stored)
    methods = _add_methods(session, study, definition)
    stimuli = _add_stimuli(session, study, scenes, methods, stored)
    _add_cells(session, study, definition, stimuli)
    for purpose, items in (("practice", definition.practice), ("gold", definition.gold)):
        session.add_all(_item_row(study, purpose, n, item, stimuli) for n, item in enumerate(items))
    session.flush()


def _add_scenes(session: Session, study: StudyRow, definition: StudyDefinition, stored: Stored) -> dict[str, SceneRow]:
    sizes = {picture.scene: (picture.width, picture.height) for picture in definition.pictures}
    rows = [
        SceneRow(
            study_id=study.id,
            name=name,
            role=role,
            width=sizes[name][0],
            height=sizes[name][1],
            ground_truth_sha256=stored[name, None],
        )
        for role, names in (("design", definition.scenes), ("extra", definition.extra_scenes))
        for name in names
    ]
    session.add_all(rows)
    session.flush()
    return {row.name: row for row in rows}


def _add_methods(session: Session, study: StudyRow, definition: StudyDefinition) -> dict[str, MethodRow]:
    rows = [
        MethodRow(study_id=study.id, name=name, role=role)
        for role, names in (("design", definition.methods), ("extra", definition.extra_methods))
        for name in names
    ]
    session.add_all(rows)
    session.flush()
    return {row.name: row for row in rows}


def _add_stimuli(
    session: Session,
    study: StudyRow,
    scenes: Mapping[str, SceneRow],
    methods: Mapping[str, MethodRow],
    stored: Stored,
) -> dict[tuple[str, str], StimulusRow]:
    rows = {
        (scene, method): StimulusRow(
            study_id=study.id,
            scene_id=scenes[scene].id,
            method_id=methods[method].id,
            sha256=stored[scene, method],
        )
        for scene in scenes
        for method in methods
        if (scene, method) in stored
    }
    session.add_all(rows.values())
    session.flush()
    return rows


def _add_cells(
    session: Session,
    study: StudyRow,
    definition: StudyDefinition,
    stimuli: Mapping[tuple[str, str], StimulusRow],
) -> None:
    """One cell per scene and treatment; scene by scene, so that their ids give the table's order."""
    for scene in definition.scenes:
        shown = [stimuli[scene, method] for method in definition.methods]
        pairs = [(one, None) for one in shown] if definition.mode == "rating" else list(combinations(shown, 2))
        session.add_all(
            CellRow(
                study_id=study.id,
                scene_id=one.scene_id,
                stimulus_id=one.id,
                other_stimulus_id=other and other.id,
                assigned=0,
                flipped=0,
            )
            for one, other in pairs
        )
    session.flush()


def _item_row(
    study: StudyRow, purpose: str, ordinal: int, item: Item, stimuli: Mapping[tuple[str, str], StimulusRow]
) -> ItemRow:
    shown = stimuli[item.scene, item.method]
    right = None if item.right_method is None else stimuli[item.scene, item.right_method]
    return ItemRow(
        study_id=study.id,
        purpose=purpose,
        ordinal=ordinal,
        scene_id=shown.scene_id,
        stimulus_id=shown.id,
        right_stimulus_id=right and right.id,
        accepted=json.dumps(item.accepted),
    )
