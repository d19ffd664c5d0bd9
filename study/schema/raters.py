"""Who rates, and what is put before them."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from study.schema.base import Base, UtcDateTime


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
