"""What all slices of the store share: the database, the pictures, the journal and the clock."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from study.journal import VoteJournal
from study.stimuli import StimulusFolder
from study.store.engine import open_engine
from study.store.migrating import bring_up_to_date

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The server's moment in UTC."""
    return datetime.now(UTC)


class Database:
    """One database of studies with its folder of pictures and journals.

    Writers of one study come one after the other, which the ordinals of raters and the chain of votes need: on SQLite
    by BEGIN IMMEDIATE, on other databases by a lock on the study's row.
    """

    def __init__(self, url: str, *, data_folder: Path, clock: Clock = utc_now) -> None:
        """Open the database, making it, or bringing its tables up to date, where needed.

        Args:
            url: Any SQLAlchemy URL, such as `sqlite:///var/study.db`.
            data_folder: Holds `stimuli/` and the journals.
            clock: Tells the moment in UTC.
        """
        data_folder.mkdir(parents=True, exist_ok=True)
        bring_up_to_date(url)
        self._engine = open_engine(url)
        self._writing = self._engine.execution_options(sqlite_begin="BEGIN IMMEDIATE")
        self._stimuli = StimulusFolder(data_folder / "stimuli")
        self._journal = VoteJournal(data_folder)
        self._now = clock

    def close(self) -> None:
        """Let go of the database and the journal."""
        self._journal.close()
        self._engine.dispose()
