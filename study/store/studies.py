"""The whole store: studies, visits and votes of one database."""

from study.store.catalogue import StudyCatalogue
from study.store.columns import VoteColumns
from study.store.conduct import ConductStore
from study.store.visiting import VisitStore
from study.store.voting import VoteStore


class StudyStore(StudyCatalogue, VisitStore, VoteStore, ConductStore):
    """All studies of one database, their pictures and the journal of their votes. One method is one transaction."""

    @property
    def columns(self) -> VoteColumns:
        """Whole studies as columns of numbers, for statistics."""
        return VoteColumns(self._engine)
