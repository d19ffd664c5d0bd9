"""A second copy of every acknowledged vote: one JSON line each, on disk before the rater is told that it is kept.

Every process writes a file of its own. A vote may stand in two files, where two processes made good for the same
crash; its sha256 tells. A line cut short was never acknowledged.
"""

import json
import os
import threading
import uuid
from contextlib import suppress
from io import BufferedWriter
from pathlib import Path

from study.chain import canonical_json
from study.records import ChainedVote


class VoteJournal:
    """Appends votes to a file of its own, `votes_{uuid4}.jsonl`, made at the first vote.

    The name is new for every process: a fixed name on a fresh disk would overwrite an older journal's remote copy.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._file: BufferedWriter | None = None
        self._own: set[Path] = set()
        self._held: set[str] = set()  # sha256 of the votes known to be on the disk

    def append(self, vote: ChainedVote) -> None:
        """Write one vote and wait until it is on the disk.

        Raises:
            OSError: the vote may be missing; `append_if_absent` makes it good later.
        """
        with self._lock:
            if vote.sha256 not in self._held:
                self._write(vote)

    def append_if_absent(self, vote: ChainedVote) -> None:
        """Write one vote unless a journal of another process holds it; raises as `append` does."""
        with self._lock:
            if vote.sha256 not in self._held:
                self._held |= self._held_by_others()
        self.append(vote)

    def close(self) -> None:
        """Close the file, if there is one."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _write(self, vote: ChainedVote) -> None:
        line = canonical_json(vote.content()).encode() + b"\n"
        is_new = self._file is None
        file = self._file = self._file or self._new_file()
        try:
            file.write(line)
            file.flush()
            os.fsync(file.fileno())
            if is_new:
                self._sync_folder()
        except OSError:
            # What a failed write or fsync left on the disk is unknown: nothing is added to this file any more.
            self._file = None
            with suppress(OSError):
                file.close()
            raise
        self._held.add(vote.sha256)

    def _new_file(self) -> BufferedWriter:
        path = self._folder / f"votes_{uuid.uuid4()}.jsonl"
        self._own.add(path)
        return path.open("ab")

    def _sync_folder(self) -> None:
        """Make the new file's entry durable too; without it a power cut would take the file."""
        folder = os.open(self._folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _held_by_others(self) -> set[str]:
        """The votes in the files of other processes. Our own files are left out: `_held` knows what is safe there."""
        held: set[str] = set()
        for path in set(self._folder.glob("votes_*.jsonl")) - self._own:
            for line in path.read_bytes().splitlines():
                with suppress(ValueError):  # cut short by a crash: no vote
                    held.add(json.loads(line)["sha256"])
        return held
