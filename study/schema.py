"""The database of studies. Every rule about votes that the database can keep is kept by the database.

Composite foreign keys carry `study_id` along, so that no row can join cells, raters or answers of two studies. Tables
change by the migrations in `study/migrations` alone; a test compares them with this module on SQLite and PostgreSQL.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    DateTime,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    MetaData,
    String,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# The names PostgreSQL gives by itself: migrations can name what earlier versions left unnamed, on both databases.
NAMING_CONVENTION = {
    "ix": "%(table_name)s_%(column_0_N_name)s_idx",
    "pk": "%(table_name)s_pkey",
    "uq": "%(table_name)s_%(column_0_N_name)s_key",
    "fk": "%(table_name)s_%(column_0_N_name)s_fkey",
}


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

    metadata = MetaData(naming_convention=NAMING_CONVENTION)


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


class InvitationRow(Base):
    """A link that lets raters in; the link itself is signed, not stored."""

    __tablename__ = "invitations"
    __table_args__ = (
        UniqueConstraint("study_id", "id"),
        CheckConstraint("0 <= uses AND uses <= max_uses", name="invitations_uses"),
    )

    id: Mapped[str] = mapped_column(String(22), primary_key=True, comment="random, 128 bits")
    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id"))
    max_uses: Mapped[int | None] = mapped_column(comment="1: single use; null: open link")
    uses: Mapped[int] = mapped_column(default=0)
    simulated: Mapped[bool] = mapped_column(default=False, comment="for raters made by the simulator")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RaterRow(Base):
    """One person in one study, known by a random token alone: no name, no address, no link to other studies."""

    __tablename__ = "raters"
    __table_args__ = (
        UniqueConstraint("study_id", "ordinal"),
        UniqueConstraint("study_id", "id"),
        ForeignKeyConstraint(["study_id", "invitation_id"], ["invitations.study_id", "invitations.id"]),
        CheckConstraint("outstanding >= 0", name="raters_outstanding"),
    )

    id: Mapped[str] = mapped_column(String(22), primary_key=True, comment="random, 128 bits")
    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id"))
    ordinal: Mapped[int] = mapped_column(comment="from 0 in the order of arrival; chooses the trial order")
    began_at: Mapped[datetime] = mapped_column(UtcDateTime, comment="when the rater agreed and started")
    language: Mapped[str] = mapped_column(String(16))
    consent_version: Mapped[str | None] = mapped_column(String(40), comment="null: before consents had versions")
    consent_sha256: Mapped[str | None] = mapped_column(String(64), comment="of the text agreed to")
    invitation_id: Mapped[str | None] = mapped_column(String(22))
    lease_until: Mapped[datetime] = mapped_column(UtcDateTime, comment="unanswered cells are reserved until then")
    outstanding: Mapped[int] = mapped_column(comment="unanswered trials not taken over, without practice")
    withdrawal_sha256: Mapped[str | None] = mapped_column(String(64), unique=True, comment="of the withdrawal code")
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    simulated: Mapped[bool] = mapped_column(default=False, comment="made by the simulator; tables and exports say so")


class ScreenCheckRow(Base):
    """What a rater's browser said of its screen: one row per check, so a change of device shows."""

    __tablename__ = "screen_checks"
    __table_args__ = (
        ForeignKeyConstraint(["study_id", "rater_id"], ["raters.study_id", "raters.id"]),
        CheckConstraint("screen_width > 0 AND screen_height > 0", name="screen_checks_screen"),
        CheckConstraint("viewport_width > 0 AND viewport_height > 0", name="screen_checks_viewport"),
        CheckConstraint("device_pixel_ratio > 0 AND zoom > 0", name="screen_checks_zoom"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int]
    rater_id: Mapped[str] = mapped_column(String(22), index=True)
    checked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    screen_width: Mapped[int] = mapped_column(comment="CSS pixels")
    screen_height: Mapped[int] = mapped_column(comment="CSS pixels")
    viewport_width: Mapped[int] = mapped_column(comment="CSS pixels")
    viewport_height: Mapped[int] = mapped_column(comment="CSS pixels")
    device_pixel_ratio: Mapped[float]
    zoom: Mapped[float] = mapped_column(comment="visualViewport.scale")
    color_gamut: Mapped[str | None] = mapped_column(String(8))
    pointer: Mapped[str | None] = mapped_column(String(8))
    dark_room: Mapped[bool | None] = mapped_column(comment="the rater's own statement")


class TrialRow(Base):
    """One question put before one rater; browsers know it and its pictures by random tokens alone."""

    __tablename__ = "trials"
    __table_args__ = (
        UniqueConstraint("rater_id", "position"),
        UniqueConstraint("study_id", "id"),
        ForeignKeyConstraint(["study_id", "rater_id"], ["raters.study_id", "raters.id"]),
        ForeignKeyConstraint(["study_id", "cell_id"], ["cells.study_id", "cells.id"]),
        ForeignKeyConstraint(["study_id", "item_id"], ["items.study_id", "items.id"]),
        ForeignKeyConstraint(
            ["study_id", "scene_id", "stimulus_id"], ["stimuli.study_id", "stimuli.scene_id", "stimuli.id"]
        ),
        ForeignKeyConstraint(
            ["study_id", "scene_id", "right_stimulus_id"], ["stimuli.study_id", "stimuli.scene_id", "stimuli.id"]
        ),
        CheckConstraint("purpose IN ('practice', 'main', 'repeat', 'gold')", name="trials_purpose"),
        CheckConstraint("(purpose IN ('main', 'repeat')) = (cell_id IS NOT NULL)", name="trials_cell"),
        CheckConstraint("(purpose IN ('practice', 'gold')) = (item_id IS NOT NULL)", name="trials_item"),
        CheckConstraint("stimulus_id <> right_stimulus_id", name="trials_pair"),
        Index(
            "trials_cell_once",
            "rater_id",
            "cell_id",
            "purpose",
            unique=True,
            sqlite_where=text("released_at IS NULL"),
            postgresql_where=text("released_at IS NULL"),
        ),
        Index(
            "trials_item_once",
            "rater_id",
            "item_id",
            unique=True,
            sqlite_where=text("released_at IS NULL"),
            postgresql_where=text("released_at IS NULL"),
        ),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int]
    rater_id: Mapped[str] = mapped_column(String(22))
    scene_id: Mapped[int]
    purpose: Mapped[str] = mapped_column(String(8))
    cell_id: Mapped[int | None]
    item_id: Mapped[int | None]
    stimulus_id: Mapped[int] = mapped_column(comment="in a pairwise study the left one")
    right_stimulus_id: Mapped[int | None]
    position: Mapped[int] = mapped_column(comment="in the rater's order, from 0, practice included")
    token: Mapped[str] = mapped_column(String(22), unique=True, comment="random; answers name the trial by it")
    ground_truth_token: Mapped[str] = mapped_column(String(22), unique=True, comment="random; part of a picture's URL")
    stimulus_token: Mapped[str] = mapped_column(String(22), unique=True, comment="random; part of a picture's URL")
    right_token: Mapped[str | None] = mapped_column(String(22), unique=True, comment="random; part of a picture's URL")
    presented_at: Mapped[datetime | None] = mapped_column(UtcDateTime, comment="first time it was the rater's turn")
    released_at: Mapped[datetime | None] = mapped_column(UtcDateTime, comment="when another rater took it over")


class PracticeAnswerRow(Base):
    """The answer to a practice trial: no vote."""

    __tablename__ = "practice_answers"
    __table_args__ = (
        ForeignKeyConstraint(["study_id", "trial_id"], ["trials.study_id", "trials.id"]),
        ForeignKeyConstraint(["study_id", "value"], ["scale_points.study_id", "scale_points.value"]),
        ForeignKeyConstraint(["study_id", "choice"], ["choices.study_id", "choices.choice"]),
        CheckConstraint("(value IS NULL) <> (choice IS NULL)", name="practice_answers_answer"),
    )

    trial_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    study_id: Mapped[int]
    value: Mapped[int | None]
    choice: Mapped[str | None] = mapped_column(String(5))
    within_expected: Mapped[bool]
    answered_at: Mapped[datetime] = mapped_column(UtcDateTime)


class LedgerRow(Base):
    """One link of a study's hash chain: a vote, an undo or a withdrawal. Never changed, never deleted.

    Withdrawal alone takes a vote's nonce away: without it the hash of a deleted vote tells nothing of the vote.
    """

    __tablename__ = "ledger"
    __table_args__ = (
        UniqueConstraint("study_id", "previous_sha256"),
        CheckConstraint("kind IN ('vote', 'undo', 'withdrawal')", name="ledger_kind"),
        CheckConstraint("ordinal >= 0", name="ledger_ordinal"),
        CheckConstraint("(form = 1) = (content_sha256 IS NULL)", name="ledger_form"),
        CheckConstraint("(kind = 'vote') = (content IS NULL)", name="ledger_content"),
    )

    study_id: Mapped[int] = mapped_column(ForeignKey("studies.id"), primary_key=True)
    ordinal: Mapped[int] = mapped_column(
        primary_key=True, autoincrement=False, comment="from 0: the order of the chain"
    )
    kind: Mapped[str] = mapped_column(String(10))
    form: Mapped[int] = mapped_column(comment="1: before pairwise studies; 2: since")
    content: Mapped[str | None] = mapped_column(comment="JSON of an undo or a withdrawal; votes stand in votes")
    nonce: Mapped[str | None] = mapped_column(String(32), comment="hashed with the content; gone when withdrawn")
    content_sha256: Mapped[str | None] = mapped_column(String(64), comment="over nonce and content")
    previous_sha256: Mapped[str] = mapped_column(String(64), comment="of the entry before, or of the study")
    sha256: Mapped[str] = mapped_column(String(64), unique=True, comment="over the previous hash and the content's")


class VoteRow(Base):
    """The answer to a trial: never changed, deleted by withdrawal only, one standing answer per trial."""

    __tablename__ = "votes"
    __table_args__ = (
        UniqueConstraint("study_id", "ordinal"),
        ForeignKeyConstraint(["study_id", "ordinal"], ["ledger.study_id", "ledger.ordinal"]),
        ForeignKeyConstraint(["study_id", "undone_by"], ["ledger.study_id", "ledger.ordinal"]),
        ForeignKeyConstraint(["study_id", "trial_id"], ["trials.study_id", "trials.id"]),
        ForeignKeyConstraint(["study_id", "value"], ["scale_points.study_id", "scale_points.value"]),
        ForeignKeyConstraint(["study_id", "choice"], ["choices.study_id", "choices.choice"]),
        CheckConstraint("(value IS NULL) <> (choice IS NULL)", name="votes_answer"),
        CheckConstraint("response_ms >= 0", name="votes_response_ms"),
        CheckConstraint("viewport_width > 0 AND viewport_height > 0", name="votes_viewport"),
        CheckConstraint("device_pixel_ratio > 0", name="votes_device_pixel_ratio"),
        CheckConstraint("zoomed >= 0", name="votes_zoomed"),
        CheckConstraint("undone_by > ordinal", name="votes_undone_by"),
        Index(
            "votes_one_standing",
            "trial_id",
            unique=True,
            sqlite_where=text("undone_by IS NULL"),
            postgresql_where=text("undone_by IS NULL"),
        ),
        Index("votes_trial", "trial_id"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    study_id: Mapped[int]
    trial_id: Mapped[int]
    ordinal: Mapped[int] = mapped_column(comment="of its entry in the ledger")
    value: Mapped[int | None] = mapped_column(comment="of a rating study's scale")
    choice: Mapped[str | None] = mapped_column(String(5), comment="of a pairwise study's choices")
    response_ms: Mapped[int] = mapped_column(comment="from all pictures shown to the answer, by the rater's clock")
    viewport_width: Mapped[int] = mapped_column(comment="CSS pixels")
    viewport_height: Mapped[int] = mapped_column(comment="CSS pixels")
    device_pixel_ratio: Mapped[float] = mapped_column(comment="device pixels per CSS pixel; grows with zoom")
    zoomed: Mapped[int] = mapped_column(comment="times that zoom, flip or loupe were used")
    presented_at: Mapped[datetime] = mapped_column(UtcDateTime, comment="by the server's clock")
    voted_at: Mapped[datetime] = mapped_column(UtcDateTime, comment="by the server's clock")
    undone_by: Mapped[int | None] = mapped_column(comment="ledger ordinal of the undo; null: the vote stands")
