"""The database of studies. Every rule about votes that the database can keep is kept by the database.

Composite foreign keys carry `study_id` along, so that no row can join cells, raters or answers of two studies. Tables
change by the migrations in `study/migrations` alone; a test compares them with this package on SQLite and PostgreSQL.
"""

from study.schema.base import NAMING_CONVENTION, Base, UtcDateTime
from study.schema.raters import InvitationRow, PracticeAnswerRow, RaterRow, ScreenCheckRow, TrialRow
from study.schema.studies import CellRow, ChoiceRow, ItemRow, MethodRow, ScalePointRow, SceneRow, StimulusRow, StudyRow
from study.schema.votes import LedgerRow, VoteRow

__all__ = [
    "NAMING_CONVENTION",
    "Base",
    "CellRow",
    "ChoiceRow",
    "InvitationRow",
    "ItemRow",
    "LedgerRow",
    "MethodRow",
    "PracticeAnswerRow",
    "RaterRow",
    "ScalePointRow",
    "SceneRow",
    "ScreenCheckRow",
    "StimulusRow",
    "StudyRow",
    "TrialRow",
    "UtcDateTime",
    "VoteRow",
]
