"""The database of studies. Every rule about votes that the database can keep is kept by the database.

Composite foreign keys carry `study_id` along, so that no row can join cells, raters or answers of two studies.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    String,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class UtcDateTime(TypeDecorator[datetime]):
    """Moments in UTC; SQLite keeps no time zone, so it is taken off on the way in and put back on the way out."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  SQLAlchemy's signature
        """Refuse naive moments: nobody could say later which clock they were read from."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"moment {value} has no time zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  SQLAlchemy's signature
        """Mark what was stored as UTC."""
        return None if value is None else value.replace(tzinfo=UTC)


class Base(DeclarativeBase):
    """All tables of the studies' database."""


class StudyRow(Base):
    """A frozen study: its words never change after creation, only its status does."""

    __tablename__ = "studies"
    __table_args__ = (CheckConstraint("status IN ('draft', 'open', 'closed')", name="studies_status"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True, comment="in the rater's link and on the command line")
    title: Mapped[str] = mapped_column(comment="headline of the rater's page")
    question: Mapped[str] = mapped_column(comment="asked about every picture")
    sha256: Mapped[str] = mapped_column(String(64), comment="over words, scale, names and pixels of the definition")
    seed: Mapped[int] = mapped_column(comment="of the trial orders")
    status: Mapped[str] = mapped_column(String(6), default="draft")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    opened_at: Mapped[datetime | None] = mapped_column(UtcDateTime, comment="last time the study was opened")
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime, comment="last time the study was closed")


class ScalePointRow(Base):
    """One answer of a study's scale; votes refer to it, so no vote can be off the scale."""

    __tablename__ = "scale_points"

    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id"), primary_key=True)
    value: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    label: Mapped[str] = mapped_column(comment="empty where only the ends have words")


class SceneRow(Base):
    """A scene with its ground truth; all its pictures have one size."""

    __tablename__ = "scenes"
    __table_args__ = (
        UniqueConstraint("study_id", "name"),
        UniqueConstraint("study_id", "id"),
        CheckConstraint("width > 0 AND height > 0", name="scenes_size"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id"))
    name: Mapped[str] = mapped_column(String(80), comment="stem of the source files")
    width: Mapped[int] = mapped_column(comment="pixels")
    height: Mapped[int] = mapped_column(comment="pixels")
    ground_truth_sha256: Mapped[str] = mapped_column(String(64), comment="of the stored file")


class MethodRow(Base):
    """A method under test; raters never learn its name."""

    __tablename__ = "methods"
    __table_args__ = (UniqueConstraint("study_id", "name"), UniqueConstraint("study_id", "id"))

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id"))
    name: Mapped[str] = mapped_column(String(80), comment="name of the source folder")


class StimulusRow(Base):
    """What a method made of a scene."""

    __tablename__ = "stimuli"
    __table_args__ = (
        UniqueConstraint("scene_id", "method_id"),
        UniqueConstraint("study_id", "id"),
        ForeignKeyConstraint(["study_id", "scene_id"], ["scenes.study_id", "scenes.id"]),
        ForeignKeyConstraint(["study_id", "method_id"], ["methods.study_id", "methods.id"]),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int]
    scene_id: Mapped[int]
    method_id: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64), comment="of the stored file")


class RaterRow(Base):
    """One person in one study, known by a random token alone: no name, no address, no link to other studies."""

    __tablename__ = "raters"
    __table_args__ = (UniqueConstraint("study_id", "ordinal"), UniqueConstraint("study_id", "id"))

    id: Mapped[str] = mapped_column(String(22), primary_key=True, comment="random, 128 bits")
    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id"))
    ordinal: Mapped[int] = mapped_column(comment="from 0 in the order of arrival; chooses the trial order")
    began_at: Mapped[datetime] = mapped_column(UtcDateTime, comment="when the rater agreed and started")


class TrialRow(Base):
    """One picture put before one rater; browsers know it and its pictures by random tokens alone."""

    __tablename__ = "trials"
    __table_args__ = (
        UniqueConstraint("rater_id", "stimulus_id"),
        UniqueConstraint("rater_id", "position"),
        UniqueConstraint("study_id", "id"),
        ForeignKeyConstraint(["study_id", "rater_id"], ["raters.study_id", "raters.id"]),
        ForeignKeyConstraint(["study_id", "stimulus_id"], ["stimuli.study_id", "stimuli.id"]),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int]
    rater_id: Mapped[str] = mapped_column(String(22))
    stimulus_id: Mapped[int]
    position: Mapped[int] = mapped_column(comment="in the rater's order, from 0")
    token: Mapped[str] = mapped_column(String(22), unique=True, comment="random; answers name the trial by it")
    ground_truth_token: Mapped[str] = mapped_column(String(22), unique=True, comment="random; part of a picture's URL")
    stimulus_token: Mapped[str] = mapped_column(String(22), unique=True, comment="random; part of a picture's URL")
    presented_at: Mapped[datetime | None] = mapped_column(UtcDateTime, comment="first time it was the rater's turn")


class VoteRow(Base):
    """The answer to a trial: one, never changed, chained to the vote before it in the study."""

    __tablename__ = "votes"
    __table_args__ = (
        UniqueConstraint("study_id", "ordinal"),
        UniqueConstraint("study_id", "previous_sha256"),
        ForeignKeyConstraint(["study_id", "trial_id"], ["trials.study_id", "trials.id"]),
        ForeignKeyConstraint(["study_id", "value"], ["scale_points.study_id", "scale_points.value"]),
        CheckConstraint("response_ms >= 0", name="votes_response_ms"),
        CheckConstraint("viewport_width > 0 AND viewport_height > 0", name="votes_viewport"),
        CheckConstraint("device_pixel_ratio > 0", name="votes_device_pixel_ratio"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int]
    trial_id: Mapped[int] = mapped_column(unique=True)
    ordinal: Mapped[int] = mapped_column(comment="from 0 within the study: the order of the chain")
    value: Mapped[int] = mapped_column(comment="a value of the study's scale")
    response_ms: Mapped[int] = mapped_column(comment="from both pictures shown to the answer, by the rater's clock")
    viewport_width: Mapped[int] = mapped_column(comment="CSS pixels")
    viewport_height: Mapped[int] = mapped_column(comment="CSS pixels")
    device_pixel_ratio: Mapped[float] = mapped_column(comment="device pixels per CSS pixel; grows with zoom")
    voted_at: Mapped[datetime] = mapped_column(UtcDateTime, comment="by the server's clock")
    previous_sha256: Mapped[str] = mapped_column(String(64), comment="of the vote before, or of the study")
    sha256: Mapped[str] = mapped_column(String(64), unique=True, comment="over the previous hash and this vote")
