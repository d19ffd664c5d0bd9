"""A second copy of every chain entry: one JSON line each, on disk before the rater is told that a vote is kept.

Every process writes a file of its own. An entry may stand in two files, where two processes made good for the same
crash; its sha256 tells. A line cut short was never acknowledged. A withdrawn vote's line is overwritten in place by
its hashes alone, padded to the old length: other processes go on appending behind it undisturbed.
"""

import json
import os
import re
import threading
import uuid
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from io import BufferedWriter
from pathlib import Path

from study.chain import canonical_json

Line = Mapping[str, object]  # an entry as JSON types, with its `sha256`

_OWN_HASH = re.compile(rb'"sha256":"[0-9a-f]{64}"')  # as canonical_json writes it; other keys end in sha256, too


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

    def append(self, line: Line) -> None:
        """Write one entry and wait until it is on the disk.

        Raises:
            OSError: the entry may be missing; `append_if_absent` makes it good later.
        """
        with self._lock:
            if line["sha256"] not in self._held:
                self._write(line)

    def append_if_absent(self, line: Line) -> None:
        """Write one entry unless a journal of another process holds it; raises as `append` does."""
        with self._lock:
            if line["sha256"] not in self._held:
                self._held |= self._held_by_others()
        self.append(line)

    def forget(self, withdrawn: Collection[str]) -> None:
        """Overwrite the votes of these hashes, in every file of the folder, by what is no secret of a rater's."""
        with self._lock:
            for path in self._folder.glob("votes_*.jsonl"):
                _forget_in(path, withdrawn)

    def hashes(self, study_sha256: str) -> set[str]:
        """The hashes of all entries of a study in every file of the folder."""
        lines = (line for path in self._folder.glob("votes_*.jsonl") for _, _, line in _lines(path))
        return {str(line["sha256"]) for line in lines if line.get("study_sha256") == study_sha256}

    def close(self) -> None:
        """Close the file, if there is one."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None

    def _write(self, line: Line) -> None:
        written = canonical_json(line).encode() + b"\n"
        is_new = self._file is None
        file = self._file = self._file or self._new_file()
        try:
            file.write(written)
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
        self._held.add(str(line["sha256"]))

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
        others = set(self._folder.glob("votes_*.jsonl")) - self._own
        return {str(line["sha256"]) for path in others for _, _, line in _lines(path)}


def _lines(
    path: Path, *, wanted: Callable[[bytes], bool] = lambda _written: True
) -> Iterator[tuple[int, int, dict[str, object]]]:
    """Every whole, wanted line of a file with its first byte's place and its length."""
    place = 0
    for written in path.read_bytes().splitlines(keepends=True):
        if wanted(written):
            with suppress(ValueError):  # cut short by a crash: no entry
                yield place, len(written), json.loads(written)
        place += len(written)


def _forget_in(path: Path, withdrawn: Collection[str]) -> None:
    """Leave of each withdrawn vote its hashes, at the same place and length, on the disk when this returns."""
    # Only these lines are parsed: others wait meanwhile, and a file may hold a million.
    named = frozenset(f'"sha256":"{sha256}"'.encode() for sha256 in withdrawn)
    lines = _lines(path, wanted=lambda written: any(key in named for key in _OWN_HASH.findall(written)))
    found = [(place, length, line) for place, length, line in lines if line.get("withdrawn") is not True]
    if not found:
        return
    with path.open("r+b") as file:
        for place, length, line in found:
            kept = {key: line[key] for key in ("study_sha256", "ordinal", "previous_sha256", "sha256")}
            file.seek(place)
            file.write(canonical_json({**kept, "withdrawn": True}).encode().ljust(length - 1) + b"\n")
        file.flush()
        os.fsync(file.fileno())
