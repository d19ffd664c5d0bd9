"""Where studies and votes are kept. One method is one transaction."""

from study.store.studies import StudyStore
from study.store.visiting import Enrolment

__all__ = ["Enrolment", "StudyStore"]
