"""A second copy of every vote: one JSON line each, on disk before the rater is told that the vote is kept."""

import os
import threading
import uuid
from io import BufferedWriter
from pathlib import Path

from study.chain import canonical_json
from study.records import ChainedVote


class VoteJournal:
    """Appends votes to a file of its own, `votes_{uuid4}.jsonl`, made at the first vote.

    The name is new for every process: a fixed name on a fresh disk would overwrite an older journal's remote copy.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / f"votes_{uuid.uuid4()}.jsonl"
        self._lock = threading.Lock()
        self._file: BufferedWriter | None = None

    def append(self, vote: ChainedVote) -> None:
        """Write one vote and wait until it is on the disk."""
        line = canonical_json(vote.content()).encode() + b"\n"
        with self._lock:
            if self._file is None:
                self._file = self._path.open("ab")
            self._file.write(line)
            self._file.flush()
            os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file, if there is one."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None
