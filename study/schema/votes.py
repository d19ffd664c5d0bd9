"""What was answered, and the chain that keeps it."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, ForeignKeyConstraint, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from study.schema.base import Base, UtcDateTime


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
