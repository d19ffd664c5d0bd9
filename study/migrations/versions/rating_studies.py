"""Rating studies: scenes, methods, stimuli, raters, trials and chained votes."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    """Make the tables of the first version."""
    op.create_table(
        "studies",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("question", sa.String(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("seed", sa.Integer(), nullable=False),
        sa.Column("status", sa.String(length=6), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("opened_at", sa.DateTime(), nullable=True),
        sa.Column("closed_at", sa.DateTime(), nullable=True),
        sa.CheckConstraint("status IN ('draft', 'open', 'closed')", name="studies_status"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name"),
    )
    op.create_table(
        "methods",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id"],
            ["studies.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("study_id", "id"),
        sa.UniqueConstraint("study_id", "name"),
    )
    op.create_table(
        "raters",
        sa.Column("id", sa.String(length=22), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("began_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id"],
            ["studies.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("study_id", "id"),
        sa.UniqueConstraint("study_id", "ordinal"),
    )
    op.create_table(
        "scale_points",
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("value", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("label", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id"],
            ["studies.id"],
        ),
        sa.PrimaryKeyConstraint("study_id", "value"),
    )
    op.create_table(
        "scenes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("ground_truth_sha256", sa.String(length=64), nullable=False),
        sa.CheckConstraint("width > 0 AND height > 0", name="scenes_size"),
        sa.ForeignKeyConstraint(
            ["study_id"],
            ["studies.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("study_id", "id"),
        sa.UniqueConstraint("study_id", "name"),
    )
    op.create_table(
        "stimuli",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("scene_id", sa.Integer(), nullable=False),
        sa.Column("method_id", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["study_id", "method_id"],
            ["methods.study_id", "methods.id"],
        ),
        sa.ForeignKeyConstraint(
            ["study_id", "scene_id"],
            ["scenes.study_id", "scenes.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("scene_id", "method_id"),
        sa.UniqueConstraint("study_id", "id"),
    )
    op.create_table(
        "trials",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("rater_id", sa.String(length=22), nullable=False),
        sa.Column("stimulus_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(length=22), nullable=False),
        sa.Column("ground_truth_token", sa.String(length=22), nullable=False),
        sa.Column("stimulus_token", sa.String(length=22), nullable=False),
        sa.Column("presented_at", sa.DateTime(), nullable=True),
        sa.ForeignKeyConstraint(
            ["study_id", "rater_id"],
            ["raters.study_id", "raters.id"],
        ),
        sa.ForeignKeyConstraint(
            ["study_id", "stimulus_id"],
            ["stimuli.study_id", "stimuli.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("ground_truth_token"),
        sa.UniqueConstraint("rater_id", "position"),
        sa.UniqueConstraint("rater_id", "stimulus_id"),
        sa.UniqueConstraint("stimulus_token"),
        sa.UniqueConstraint("study_id", "id"),
        sa.UniqueConstraint("token"),
    )
    op.create_table(
        "votes",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("study_id", sa.Integer(), nullable=False),
        sa.Column("trial_id", sa.Integer(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.Column("response_ms", sa.Integer(), nullable=False),
        sa.Column("viewport_width", sa.Integer(), nullable=False),
        sa.Column("viewport_height", sa.Integer(), nullable=False),
        sa.Column("device_pixel_ratio", sa.Double(), nullable=False),
        sa.Column("voted_at", sa.DateTime(), nullable=False),
        sa.Column("previous_sha256", sa.String(length=64), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.CheckConstraint("device_pixel_ratio > 0", name="votes_device_pixel_ratio"),
        sa.CheckConstraint("response_ms >= 0", name="votes_response_ms"),
        sa.CheckConstraint("viewport_width > 0 AND viewport_height > 0", name="votes_viewport"),
        sa.ForeignKeyConstraint(
            ["study_id", "trial_id"],
            ["trials.study_id", "trials.id"],
        ),
        sa.ForeignKeyConstraint(
            ["study_id", "value"],
            ["scale_points.study_id", "scale_points.value"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("sha256"),
        sa.UniqueConstraint("study_id", "ordinal"),
        sa.UniqueConstraint("study_id", "previous_sha256"),
        sa.UniqueConstraint("trial_id"),
    )


def downgrade() -> None:
    """Drop every table."""
    for table in ("votes", "trials", "stimuli", "scenes", "scale_points", "raters", "methods", "studies"):
        op.drop_table(table)
