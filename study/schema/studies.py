"""What a study is made of: answers, scenes, methods, stimuli, cells and items."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from study.schema.base import Base, UtcDateTime


class StudyRow(Base):
    """A frozen study: its words never change after creation, only its status does."""

    __tablename__ = "studies"
    __table_args__ = (
        CheckConstraint("status IN ('draft', 'open', 'closed')", name="studies_status"),
        CheckConstraint("mode IN ('rating', 'pairwise')", name="studies_mode"),
        CheckConstraint("trials_per_visit > 0 AND lease_minutes > 0", name="studies_visit"),
        CheckConstraint("gold_per_visit >= 0 AND repeats_per_visit >= 0", name="studies_checks"),
        CheckConstraint("votes_wanted > 0", name="studies_votes_wanted"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True, comment="in the rater's link and on the command line")
    title: Mapped[str] = mapped_column(comment="headline of the rater's page, default language")
    question: Mapped[str] = mapped_column(comment="asked about every picture, default language")
    mode: Mapped[str] = mapped_column(String(8), comment="rating or pairwise")
    content: Mapped[str] = mapped_column(comment="the definition as JSON: what sha256 covers")
    sha256: Mapped[str] = mapped_column(String(64), comment="over words, scale, names and pixels of the definition")
    seed: Mapped[int] = mapped_column(comment="of the trial orders")
    hidden_reference: Mapped[str | None] = mapped_column(String(80), comment="method that shows the ground truth")
    votes_wanted: Mapped[int | None] = mapped_column(comment="per cell; null: as many as come")
    trials_per_visit: Mapped[int] = mapped_column(comment="cells of the design one rater sees")
    gold_per_visit: Mapped[int]
    repeats_per_visit: Mapped[int]
    lease_minutes: Mapped[int] = mapped_column(comment="how long an idle rater's cells stay reserved")
    invitation_required: Mapped[bool]
    status: Mapped[str] = mapped_column(String(6), default="draft")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    opened_at: Mapped[datetime | None] = mapped_column(UtcDateTime, comment="last time the study was opened")
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, comment="last time the study was closed")


class ScalePointRow(Base):
    """One answer of a rating study's scale; votes refer to it, so no vote can be off the scale."""

    __tablename__ = "scale_points"

    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id"), primary_key=True)
    value: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    label: Mapped[str] = mapped_column(comment="default language; empty where only the ends have words")


class ChoiceRow(Base):
    """One answer of a pairwise study; without a row `tie`, no vote can be one."""

    __tablename__ = "choices"
    __table_args__ = (CheckConstraint("choice IN ('left', 'right', 'tie')", name="choices_choice"),)

    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id"), primary_key=True)
    choice: Mapped[str] = mapped_column(String(5), primary_key=True)


class SceneRow(Base):
    """A scene with its ground truth; all its pictures have one size."""

    __tablename__ = "scenes"
    __table_args__ = (
        UniqueConstraint("study_id", "name"),
        UniqueConstraint("study_id", "id"),
        CheckConstraint("width > 0 AND height > 0", name="scenes_size"),
        CheckConstraint("role IN ('design', 'extra')", name="scenes_role"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id"))
    name: Mapped[str] = mapped_column(String(80), comment="stem of the source files")
    role: Mapped[str] = mapped_column(String(6), comment="extra: only practice and gold items show it")
    width: Mapped[int] = mapped_column(comment="pixels")
    height: Mapped[int] = mapped_column(comment="pixels")
    ground_truth_sha256: Mapped[str] = mapped_column(String(64), comment="of the stored file")


class MethodRow(Base):
    """A method under test; raters never learn its name."""

    __tablename__ = "methods"
    __table_args__ = (
        UniqueConstraint("study_id", "name"),
        UniqueConstraint("study_id", "id"),
        CheckConstraint("role IN ('design', 'extra')", name="methods_role"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id"))
    name: Mapped[str] = mapped_column(String(80), comment="name of the source folder")
    role: Mapped[str] = mapped_column(String(6), comment="extra: only practice and gold items show it")


class StimulusRow(Base):
    """What a method made of a scene."""

    __tablename__ = "stimuli"
    __table_args__ = (
        UniqueConstraint("scene_id", "method_id"),
        UniqueConstraint("study_id", "id"),
        UniqueConstraint("study_id", "scene_id", "id"),
        ForeignKeyConstraint(["study_id", "scene_id"], ["scenes.study_id", "scenes.id"]),
        ForeignKeyConstraint(["study_id", "method_id"], ["methods.study_id", "methods.id"]),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int]
    scene_id: Mapped[int]
    method_id: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64), comment="of the stored file")


class CellRow(Base):
    """What votes are wanted on: a stimulus, or in a pairwise study two stimuli of one scene."""

    __tablename__ = "cells"
    __table_args__ = (
        UniqueConstraint("study_id", "id"),
        UniqueConstraint("stimulus_id", "other_stimulus_id"),
        ForeignKeyConstraint(
            ["study_id", "scene_id", "stimulus_id"], ["stimuli.study_id", "stimuli.scene_id", "stimuli.id"]
        ),
        ForeignKeyConstraint(
            ["study_id", "scene_id", "other_stimulus_id"], ["stimuli.study_id", "stimuli.scene_id", "stimuli.id"]
        ),
        CheckConstraint("stimulus_id < other_stimulus_id", name="cells_pair"),
        CheckConstraint("0 <= flipped AND flipped <= assigned", name="cells_filling"),
        Index(
            "cells_single",
            "stimulus_id",
            unique=True,
            sqlite_where=text("other_stimulus_id IS NULL"),
            postgresql_where=text("other_stimulus_id IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int]
    scene_id: Mapped[int]
    stimulus_id: Mapped[int]
    other_stimulus_id: Mapped[int | None]
    assigned: Mapped[int] = mapped_column(default=0, comment="main trials answered or reserved, lapsed ones included")
    flipped: Mapped[int] = mapped_column(default=0, comment="of these, with the other stimulus on the left")


class ItemRow(Base):
    """A practice or gold item: what is shown, and the answers that are accepted, as JSON."""

    __tablename__ = "items"
    __table_args__ = (
        UniqueConstraint("study_id", "id"),
        UniqueConstraint("study_id", "purpose", "ordinal"),
        CheckConstraint("purpose IN ('practice', 'gold')", name="items_purpose"),
        CheckConstraint("stimulus_id <> right_stimulus_id", name="items_pair"),
        ForeignKeyConstraint(
            ["study_id", "scene_id", "stimulus_id"], ["stimuli.study_id", "stimuli.scene_id", "stimuli.id"]
        ),
        ForeignKeyConstraint(
            ["study_id", "scene_id", "right_stimulus_id"], ["stimuli.study_id", "stimuli.scene_id", "stimuli.id"]
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int]
    purpose: Mapped[str] = mapped_column(String(8))
    ordinal: Mapped[int] = mapped_column(comment="in the definition, from 0")
    scene_id: Mapped[int]
    stimulus_id: Mapped[int] = mapped_column(comment="in a pairwise study the left one")
    right_stimulus_id: Mapped[int | None]
    accepted: Mapped[str] = mapped_column(comment="JSON list of values or choices")
