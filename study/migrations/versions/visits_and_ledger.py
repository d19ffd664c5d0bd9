"""Pairwise studies, cells that are leased, practice, gold, consent, and a ledger of votes, undos and withdrawals.

Old studies become rating studies in which every rater sees every stimulus, as they did; old votes keep their hashes.
The way back keeps all data too, and refuses where the older tables cannot hold what is there.
"""

import json
from contextlib import AbstractContextManager

import sqlalchemy as sa
from alembic import op
from alembic.operations import BatchOperations

from study.definition.words import CONSENT, RATING_INSTRUCTIONS
from study.schema import NAMING_CONVENTION

revision = "0002"
down_revision = "0001"

_ROLE = "role IN ('design', 'extra')"
_NEW_STUDY_CHECKS = {
    "studies_mode": "mode IN ('rating', 'pairwise')",
    "studies_visit": "trials_per_visit > 0 AND lease_minutes > 0",
    "studies_checks": "gold_per_visit >= 0 AND repeats_per_visit >= 0",
    "studies_votes_wanted": "votes_wanted > 0",
}
_NEW_TRIAL_CHECKS = {
    "trials_purpose": "purpose IN ('practice', 'main', 'repeat', 'gold')",
    "trials_cell": "(purpose IN ('main', 'repeat')) = (cell_id IS NOT NULL)",
    "trials_item": "(purpose IN ('practice', 'gold')) = (item_id IS NOT NULL)",
    "trials_pair": "stimulus_id <> right_stimulus_id",
}
_NEW_VOTE_CHECKS = {
    "votes_answer": "(value IS NULL) <> (choice IS NULL)",
    "votes_zoomed": "zoomed >= 0",
    "votes_undone_by": "undone_by > ordinal",
}


def upgrade() -> None:
    """Add what is new, carry over what is there, then forbid what must not be empty."""
    _upgrade_studies()
    _upgrade_pictures()
    _create_design_tables()
    _upgrade_raters()
    _upgrade_trials()
    _create_ledger()
    _upgrade_votes()
    _create_answers_aside()


def _batch(table: str) -> AbstractContextManager[BatchOperations]:
    """Alter a table: in place on PostgreSQL, by copying it on SQLite."""
    return op.batch_alter_table(table, naming_convention=NAMING_CONVENTION)


def _upgrade_studies() -> None:
    with _batch("studies") as batch:
        batch.add_column(sa.Column("mode", sa.String(8), nullable=False, server_default="rating"))
        batch.add_column(sa.Column("content", sa.String(), nullable=False, server_default=""))
        batch.add_column(sa.Column("hidden_reference", sa.String(80)))
        batch.add_column(sa.Column("votes_wanted", sa.Integer()))
        batch.add_column(sa.Column("trials_per_visit", sa.Integer(), nullable=False, server_default="1"))
        batch.add_column(sa.Column("gold_per_visit", sa.Integer(), nullable=False, server_default="0"))
        batch.add_column(sa.Column("repeats_per_visit", sa.Integer(), nullable=False, server_default="0"))
        batch.add_column(sa.Column("lease_minutes", sa.Integer(), nullable=False, server_default="60"))
        batch.add_column(sa.Column("invitation_required", sa.Boolean(), nullable=False, server_default=sa.false()))
        for name, rule in _NEW_STUDY_CHECKS.items():
            batch.create_check_constraint(name, rule)
    op.execute(
        "UPDATE studies SET trials_per_visit = (SELECT count(*) FROM stimuli WHERE stimuli.study_id = studies.id) "
        "WHERE EXISTS (SELECT 1 FROM stimuli WHERE stimuli.study_id = studies.id)"
    )
    _write_contents()
    defaulted = (
        "mode",
        "content",
        "trials_per_visit",
        "gold_per_visit",
        "repeats_per_visit",
        "lease_minutes",
        "invitation_required",
    )
    with _batch("studies") as batch:
        for column in defaulted:
            batch.alter_column(column, server_default=None)


def _write_contents() -> None:
    """Give old studies the words that raters read from now on; form 1 says that no hash covers them."""
    connection = op.get_bind()
    studies = sa.table("studies", *(sa.column(name) for name in ("id", "name", "title", "question", "content")))
    points = sa.table("scale_points", *(sa.column(name) for name in ("study_id", "value", "label")))
    for study in connection.execute(sa.select(studies)).all():
        labels = sa.select(points.c.label).where(points.c.study_id == study.id).order_by(points.c.value)
        words = {
            "title": study.title,
            "question": study.question,
            "instructions": RATING_INSTRUCTIONS["en"],
            "consent": CONSENT["en"],
            "scale_labels": list(connection.scalars(labels)),
            "feedback": [],
        }
        content = {
            "form": 1,
            "name": study.name,
            "mode": "rating",
            "languages": ["en"],
            "words": {"en": words},
            "consent_version": "1",
        }
        written = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        connection.execute(sa.update(studies).where(studies.c.id == study.id).values(content=written))


def _upgrade_pictures() -> None:
    for table in ("scenes", "methods"):
        with _batch(table) as batch:
            batch.add_column(sa.Column("role", sa.String(6), nullable=False, server_default="design"))
            batch.create_check_constraint(f"{table}_role", _ROLE)
        with _batch(table) as batch:
            batch.alter_column("role", server_default=None)
    with _batch("stimuli") as batch:
        batch.create_unique_constraint("stimuli_study_id_scene_id_id_key", ["study_id", "scene_id", "id"])


def _create_design_tables() -> None:
    """Choices, cells and items; every old stimulus is a cell, filled by the trials that raters were given."""
    op.create_table(
        "choices",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("choice", sa.String(5), nullable=False),
        sa.CheckConstraint("choice IN ('left', 'right', 'tie')", name="choices_choice"),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name="choices_study_id_fkey"),
        sa.PrimaryKeyConstraint("study_id", "choice", name="choices_pkey"),
    )
    op.create_table(
        "cells",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("scene_id", sa.Integer(), nullable=False),
        sa.Column("stimulus_id", sa.Integer(), nullable=False),
        sa.Column("other_stimulus_id", sa.Integer()),
        sa.Column("assigned", sa.Integer(), nullable=False),
        sa.Column("flipped", sa.Integer(), nullable=False),
        sa.CheckConstraint("0 <= flipped AND flipped <= assigned", name="cells_filling"),
        sa.CheckConstraint("stimulus_id < other_stimulus_id", name="cells_pair"),
        _stimulus_key("cells", "stimulus_id"),
        _stimulus_key("cells", "other_stimulus_id"),
        sa.PrimaryKeyConstraint("id", name="cells_pkey"),
        sa.UniqueConstraint("stimulus_id", "other_stimulus_id", name="cells_stimulus_id_other_stimulus_id_key"),
        sa.UniqueConstraint("study_id", "id", name="cells_study_id_id_key"),
    )
    _create_partial_unique("cells_single", "cells", ["stimulus_id"], where="other_stimulus_id IS NULL")
    op.execute(
        "INSERT INTO cells (study_id, scene_id, stimulus_id, assigned, flipped) "
        "SELECT study_id, scene_id, id, (SELECT count(*) FROM trials WHERE trials.stimulus_id = stimuli.id), 0 "
        "FROM stimuli ORDER BY scene_id, method_id"
    )
    op.create_table(
        "items",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("purpose", sa.String(8), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("scene_id", sa.Integer(), nullable=False),
        sa.Column("stimulus_id", sa.Integer(), nullable=False),
        sa.Column("right_stimulus_id", sa.Integer()),
        sa.Column("accepted", sa.String(), nullable=False),
        sa.CheckConstraint("purpose IN ('practice', 'gold')", name="items_purpose"),
        sa.CheckConstraint("stimulus_id <> right_stimulus_id", name="items_pair"),
        _stimulus_key("items", "stimulus_id"),
        _stimulus_key("items", "right_stimulus_id"),
        sa.PrimaryKeyConstraint("id", name="items_pkey"),
        sa.UniqueConstraint("study_id", "id", name="items_study_id_id_key"),
        sa.UniqueConstraint("study_id", "purpose", "ordinal", name="items_study_id_purpose_ordinal_key"),
    )


def _stimulus_key(table: str, column: str) -> sa.ForeignKeyConstraint:
    """A stimulus of the row's own scene and study."""
    return sa.ForeignKeyConstraint(
        ["study_id", "scene_id", column],
        ["stimuli.study_id", "stimuli.scene_id", "stimuli.id"],
        name=f"{table}_study_id_scene_id_{column}_fkey",
    )


def _create_partial_unique(name: str, table: str, columns: list[str], *, where: str) -> None:
    op.create_index(name, table, columns, unique=True, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def _upgrade_raters() -> None:
    """Old raters agreed to no version of a consent; their leases have run out when they are seen next."""
    op.create_table(
        "invitations",
        sa.Column("id", sa.String(22), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("max_uses", sa.Integer()),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime()),
        sa.CheckConstraint("0 <= uses AND uses <= max_uses", name="invitations_uses"),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name="invitations_study_id_fkey"),
        sa.PrimaryKeyConstraint("id", name="invitations_pkey"),
        sa.UniqueConstraint("study_id", "id", name="invitations_study_id_id_key"),
    )
    with _batch("raters") as batch:
        batch.add_column(sa.Column("language", sa.String(16), nullable=False, server_default="en"))
        batch.add_column(sa.Column("consent_version", sa.String(40)))
        batch.add_column(sa.Column("consent_sha256", sa.String(64)))
        batch.add_column(sa.Column("invitation_id", sa.String(22)))
        batch.add_column(sa.Column("lease_until", sa.DateTime()))
        batch.add_column(sa.Column("outstanding", sa.Integer(), nullable=False, server_default="0"))
        batch.add_column(sa.Column("withdrawal_sha256", sa.String(64)))
        batch.add_column(sa.Column("withdrawn_at", sa.DateTime()))
        batch.add_column(sa.Column("simulated", sa.Boolean(), nullable=False, server_default=sa.false()))
        batch.create_check_constraint("raters_outstanding", "outstanding >= 0")
        batch.create_unique_constraint("raters_withdrawal_sha256_key", ["withdrawal_sha256"])
        batch.create_foreign_key(
            "raters_study_id_invitation_id_fkey",
            "invitations",
            ["study_id", "invitation_id"],
            ["study_id", "id"],
        )
    op.execute(
        "UPDATE raters SET lease_until = began_at, outstanding = (SELECT count(*) FROM trials "
        "WHERE trials.rater_id = raters.id AND NOT EXISTS (SELECT 1 FROM votes WHERE votes.trial_id = trials.id))"
    )
    with _batch("raters") as batch:
        batch.alter_column("lease_until", nullable=False)
        for column in ("language", "outstanding", "simulated"):
            batch.alter_column(column, server_default=None)


def _upgrade_trials() -> None:
    """Old trials are main trials of their stimulus's cell."""
    with _batch("trials") as batch:
        batch.add_column(sa.Column("scene_id", sa.Integer()))
        batch.add_column(sa.Column("purpose", sa.String(8), nullable=False, server_default="main"))
        batch.add_column(sa.Column("cell_id", sa.Integer()))
        batch.add_column(sa.Column("item_id", sa.Integer()))
        batch.add_column(sa.Column("right_stimulus_id", sa.Integer()))
        batch.add_column(sa.Column("right_token", sa.String(22)))
        batch.add_column(sa.Column("released_at", sa.DateTime()))
    op.execute(
        "UPDATE trials SET scene_id = (SELECT scene_id FROM stimuli WHERE stimuli.id = trials.stimulus_id), "
        "cell_id = (SELECT cells.id FROM cells WHERE cells.stimulus_id = trials.stimulus_id)"
    )
    with _batch("trials") as batch:
        batch.alter_column("scene_id", nullable=False)
        batch.alter_column("purpose", server_default=None)
        batch.drop_constraint("trials_rater_id_stimulus_id_key", type_="unique")
        batch.drop_constraint("trials_study_id_stimulus_id_fkey", type_="foreignkey")
        batch.create_unique_constraint("trials_right_token_key", ["right_token"])
        for column in ("stimulus_id", "right_stimulus_id"):
            batch.create_foreign_key(
                f"trials_study_id_scene_id_{column}_fkey",
                "stimuli",
                ["study_id", "scene_id", column],
                ["study_id", "scene_id", "id"],
            )
        for column, table in (("cell_id", "cells"), ("item_id", "items")):
            batch.create_foreign_key(f"trials_study_id_{column}_fkey", table, ["study_id", column], ["study_id", "id"])
        for name, rule in _NEW_TRIAL_CHECKS.items():
            batch.create_check_constraint(name, rule)
    where = "released_at IS NULL"
    _create_partial_unique("trials_cell_once", "trials", ["rater_id", "cell_id", "purpose"], where=where)
    _create_partial_unique("trials_item_once", "trials", ["rater_id", "item_id"], where=where)


def _create_ledger() -> None:
    """Every old vote is an entry of form 1 with the hashes it has."""
    op.create_table(
        "ledger",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("ordinal", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("form", sa.Integer(), nullable=False),
        sa.Column("content", sa.String()),
        sa.Column("nonce", sa.String(32)),
        sa.Column("content_sha256", sa.String(64)),
        sa.Column("previous_sha256", sa.String(64), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.CheckConstraint("kind IN ('vote', 'undo', 'withdrawal')", name="ledger_kind"),
        sa.CheckConstraint("ordinal >= 0", name="ledger_ordinal"),
        sa.CheckConstraint("(form = 1) = (content_sha256 IS NULL)", name="ledger_form"),
        sa.CheckConstraint("(kind = 'vote') = (content IS NULL)", name="ledger_content"),
        sa.ForeignKeyConstraint(["study_id"], ["studies.id"], name="ledger_study_id_fkey"),
        sa.PrimaryKeyConstraint("study_id", "ordinal", name="ledger_pkey"),
        sa.UniqueConstraint("sha256", name="ledger_sha256_key"),
        sa.UniqueConstraint("study_id", "previous_sha256", name="ledger_study_id_previous_sha256_key"),
    )
    op.execute(
        "INSERT INTO ledger (study_id, ordinal, kind, form, previous_sha256, sha256) "
        "SELECT study_id, ordinal, 'vote', 1, previous_sha256, sha256 FROM votes"
    )


def _upgrade_votes() -> None:
    with _batch("votes") as batch:
        batch.add_column(sa.Column("choice", sa.String(5)))
        batch.add_column(sa.Column("zoomed", sa.Integer(), nullable=False, server_default="0"))
        batch.add_column(sa.Column("presented_at", sa.DateTime()))
        batch.add_column(sa.Column("undone_by", sa.Integer()))
    op.execute("UPDATE votes SET presented_at = (SELECT presented_at FROM trials WHERE trials.id = votes.trial_id)")
    with _batch("votes") as batch:
        batch.alter_column("presented_at", nullable=False)
        batch.alter_column("value", existing_type=sa.Integer(), nullable=True)
        batch.alter_column("zoomed", server_default=None)
        for constraint in ("votes_trial_id_key", "votes_sha256_key", "votes_study_id_previous_sha256_key"):
            batch.drop_constraint(constraint, type_="unique")
        batch.drop_column("previous_sha256")
        batch.drop_column("sha256")
        for column in ("ordinal", "undone_by"):
            batch.create_foreign_key(
                f"votes_study_id_{column}_fkey", "ledger", ["study_id", column], ["study_id", "ordinal"]
            )
        batch.create_foreign_key(
            "votes_study_id_choice_fkey", "choices", ["study_id", "choice"], ["study_id", "choice"]
        )
        for name, rule in _NEW_VOTE_CHECKS.items():
            batch.create_check_constraint(name, rule)
    _create_partial_unique("votes_one_standing", "votes", ["trial_id"], where="undone_by IS NULL")
    op.create_index("votes_trial", "votes", ["trial_id"])


def _create_answers_aside() -> None:
    """What raters give beside votes: answers to practice, and what their browsers say of the screen."""
    op.create_table(
        "screen_checks",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("rater_id", sa.String(22), nullable=False),
        sa.Column("checked_at", sa.DateTime(), nullable=False),
        sa.Column("screen_width", sa.Integer(), nullable=False),
        sa.Column("screen_height", sa.Integer(), nullable=False),
        sa.Column("viewport_width", sa.Integer(), nullable=False),
        sa.Column("viewport_height", sa.Integer(), nullable=False),
        sa.Column("device_pixel_ratio", sa.Double(), nullable=False),
        sa.Column("zoom", sa.Double(), nullable=False),
        sa.Column("color_gamut", sa.String(8)),
        sa.Column("pointer", sa.String(8)),
        sa.Column("dark_room", sa.Boolean()),
        sa.CheckConstraint("screen_width > 0 AND screen_height > 0", name="screen_checks_screen"),
        sa.CheckConstraint("viewport_width > 0 AND viewport_height > 0", name="screen_checks_viewport"),
        sa.CheckConstraint("device_pixel_ratio > 0 AND zoom > 0", name="screen_checks_zoom"),
        sa.ForeignKeyConstraint(
            ["study_id", "rater_id"], ["raters.study_id", "raters.id"], name="screen_checks_study_id_rater_id_fkey"
        ),
        sa.PrimaryKeyConstraint("id", name="screen_checks_pkey"),
    )
    op.create_index("screen_checks_rater_id_idx", "screen_checks", ["rater_id"])
    op.create_table(
        "practice_answers",
        sa.Column("trial_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("value", sa.Integer()),
        sa.Column("choice", sa.String(5)),
        sa.Column("within_expected", sa.Boolean(), nullable=False),
        sa.Column("answered_at", sa.DateTime(), nullable=False),
        sa.CheckConstraint("(value IS NULL) <> (choice IS NULL)", name="practice_answers_answer"),
        sa.ForeignKeyConstraint(
            ["study_id", "trial_id"], ["trials.study_id", "trials.id"], name="practice_answers_study_id_trial_id_fkey"
        ),
        sa.ForeignKeyConstraint(
            ["study_id", "value"],
            ["scale_points.study_id", "scale_points.value"],
            name="practice_answers_study_id_value_fkey",
        ),
        sa.ForeignKeyConstraint(
            ["study_id", "choice"], ["choices.study_id", "choices.choice"], name="practice_answers_study_id_choice_fkey"
        ),
        sa.PrimaryKeyConstraint("trial_id", name="practice_answers_pkey"),
    )


# The way back


_UNFIT = {
    "pairwise studies": "SELECT count(*) FROM studies WHERE mode <> 'rating'",
    "scenes or methods outside of the design": "SELECT count(*) FROM items",
    "repeated, gold, practice or given-up trials": "SELECT count(*) FROM trials WHERE purpose <> 'main' "
    "OR released_at IS NOT NULL",
    "votes that were taken back or withdrawn": "SELECT count(*) FROM ledger WHERE kind <> 'vote'",
}


def downgrade() -> None:
    """Go back to rating studies without a ledger.

    Raises:
        ValueError: something is there that the older tables cannot hold; nothing was changed.
    """
    counts = {what: op.get_bind().scalar(sa.text(query)) for what, query in _UNFIT.items()}
    if found := [f"{count} {what}" for what, count in counts.items() if count]:
        raise ValueError(f"the older database cannot hold what is there: {', '.join(found)}")
    for table in ("practice_answers", "screen_checks"):
        op.drop_table(table)
    _downgrade_votes()
    _downgrade_trials()
    _downgrade_raters_and_studies()


def _downgrade_votes() -> None:
    for index in ("votes_one_standing", "votes_trial"):
        op.drop_index(index, "votes")
    with _batch("votes") as batch:
        batch.add_column(sa.Column("previous_sha256", sa.String(64)))
        batch.add_column(sa.Column("sha256", sa.String(64)))
        for name in _NEW_VOTE_CHECKS:
            batch.drop_constraint(name, type_="check")
        for column in ("ordinal", "undone_by", "choice"):
            batch.drop_constraint(f"votes_study_id_{column}_fkey", type_="foreignkey")
        for column in ("choice", "zoomed", "presented_at", "undone_by"):
            batch.drop_column(column)
    for column in ("previous_sha256", "sha256"):
        op.execute(
            f"UPDATE votes SET {column} = (SELECT ledger.{column} FROM ledger "
            "WHERE ledger.study_id = votes.study_id AND ledger.ordinal = votes.ordinal)"
        )
    with _batch("votes") as batch:
        batch.alter_column("value", existing_type=sa.Integer(), nullable=False)
        for column in ("previous_sha256", "sha256"):
            batch.alter_column(column, nullable=False)
        batch.create_unique_constraint("votes_trial_id_key", ["trial_id"])
        batch.create_unique_constraint("votes_sha256_key", ["sha256"])
        batch.create_unique_constraint("votes_study_id_previous_sha256_key", ["study_id", "previous_sha256"])
    op.drop_table("ledger")


def _downgrade_trials() -> None:
    for index in ("trials_cell_once", "trials_item_once"):
        op.drop_index(index, "trials")
    with _batch("trials") as batch:
        for name in _NEW_TRIAL_CHECKS:
            batch.drop_constraint(name, type_="check")
        batch.drop_constraint("trials_right_token_key", type_="unique")
        for key in ("scene_id_stimulus_id", "scene_id_right_stimulus_id", "cell_id", "item_id"):
            batch.drop_constraint(f"trials_study_id_{key}_fkey", type_="foreignkey")
        for column in (
            "scene_id",
            "purpose",
            "cell_id",
            "item_id",
            "right_stimulus_id",
            "right_token",
            "released_at",
        ):
            batch.drop_column(column)
        batch.create_unique_constraint("trials_rater_id_stimulus_id_key", ["rater_id", "stimulus_id"])
        batch.create_foreign_key(
            "trials_study_id_stimulus_id_fkey", "stimuli", ["study_id", "stimulus_id"], ["study_id", "id"]
        )
    for table in ("items", "cells", "choices"):
        op.drop_table(table)


def _downgrade_raters_and_studies() -> None:
    with _batch("raters") as batch:
        batch.drop_constraint("raters_outstanding", type_="check")
        batch.drop_constraint("raters_withdrawal_sha256_key", type_="unique")
        batch.drop_constraint("raters_study_id_invitation_id_fkey", type_="foreignkey")
        for column in (
            "language",
            "consent_version",
            "consent_sha256",
            "invitation_id",
            "lease_until",
            "outstanding",
            "withdrawal_sha256",
            "withdrawn_at",
            "simulated",
        ):
            batch.drop_column(column)
    op.drop_table("invitations")
    with _batch("stimuli") as batch:
        batch.drop_constraint("stimuli_study_id_scene_id_id_key", type_="unique")
    for table in ("scenes", "methods"):
        with _batch(table) as batch:
            batch.drop_constraint(f"{table}_role", type_="check")
            batch.drop_column("role")
    with _batch("studies") as batch:
        for name in _NEW_STUDY_CHECKS:
            batch.drop_constraint(name, type_="check")
        for column in (
            "mode",
            "content",
            "hidden_reference",
            "votes_wanted",
            "trials_per_visit",
            "gold_per_visit",
            "repeats_per_visit",
            "lease_minutes",
            "invitation_required",
        ):
            batch.drop_column(column)
