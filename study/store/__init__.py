"""Where studies and votes are kept. One method is one transaction."""

from study.store.studies import StudyStore

__all__ = ["StudyStore"]
