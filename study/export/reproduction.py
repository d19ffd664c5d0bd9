"""Making every table of an archive again from its votes alone, and naming each difference."""

import csv
import io
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from study.export.archive import Archive, read_archive, versions
from study.export.contents import build_tables, table_files
from study.export.votes import false_hashes
from study.export.zipping import sha256

_SHOWN = 20


@dataclass(frozen=True)
class Reproduction:
    """What came of it: `differences` is empty where everything is as the archive says.

    Attributes:
        tables: How many tables were made again.
        votes: How many votes they were made from.
        hashed_votes: How many of them carried the hash they got when they were cast.
        differences: Of files from the manifest, of votes from their hashes, of tables from those made again.
        other_versions: Packages whose version is another one here than in the manifest.
    """

    tables: int
    votes: int
    hashed_votes: int
    differences: tuple[str, ...]
    other_versions: tuple[str, ...]


def reproduce(path: Path) -> Reproduction:
    """Check an archive: files against the manifest, votes against their hashes, tables against the votes.

    Raises:
        ValueError: `path` is no study archive.
    """
    archive = read_archive(path)
    rebuilt = table_files(build_tables(archive.export))
    frame = archive.export.frame
    return Reproduction(
        tables=len({Path(name).stem for name in rebuilt}),
        votes=len(frame),
        hashed_votes=len(frame) if "sha256" in frame else 0,
        differences=(*_false_files(archive), *false_hashes(frame), *_table_differences(archive, rebuilt)),
        other_versions=_other_versions(archive),
    )


def _false_files(archive: Archive) -> list[str]:
    """Files that the manifest does not know, lacks, or knows with another content."""
    listed = archive.manifest["files"]
    problems = [f"{name}: in the manifest, but missing" for name in listed if name not in archive.files]
    for name, content in archive.files.items():
        if name not in listed:
            problems.append(f"{name}: not in the manifest")
        elif sha256(content) != listed[name]["sha256"]:
            problems.append(f"{name}: changed since the archive was made")
    return problems


def _table_differences(archive: Archive, rebuilt: dict[str, bytes]) -> list[str]:
    archived = {name: content for name, content in archive.files.items() if name.startswith("tables/")}
    problems = [f"{name}: no such table follows from the votes" for name in archived if name not in rebuilt]
    for name, content in rebuilt.items():
        if name not in archived:
            problems.append(f"{name}: missing")
        elif archived[name] != content:
            problems += _differences(name, archived[name].decode("utf-8", "replace"), content.decode())
    return problems


def _differences(name: str, archived: str, rebuilt: str) -> list[str]:
    """Each cell of a CSV file that differs, each line of any other."""
    if not name.endswith(".csv"):
        lines = zip_longest(archived.splitlines(), rebuilt.splitlines(), fillvalue="(no line)")
        found = [
            f"{name}, line {number}: archive {old!r}, from the votes {new!r}"
            for number, (old, new) in enumerate(lines, start=1)
            if old != new
        ]
    else:
        found = _cell_differences(name, *(list(csv.reader(io.StringIO(text))) for text in (archived, rebuilt)))
    found = found or [f"{name}: differs in its line ends"]
    return found if len(found) <= _SHOWN else [*found[:_SHOWN], f"{name}: {len(found) - _SHOWN} more differences"]


def _cell_differences(name: str, archived: list[list[str]], rebuilt: list[list[str]]) -> list[str]:
    headings = rebuilt[0] if rebuilt else []
    found = []
    none: list[str] = []
    for number, (old_row, new_row) in enumerate(zip_longest(archived, rebuilt, fillvalue=none), start=1):
        for place, (old, new) in enumerate(zip_longest(old_row, new_row, fillvalue="(no cell)")):
            if old != new:
                column = headings[place] if place < len(headings) else str(place + 1)
                found.append(f"{name}, line {number}, {column}: archive {old!r}, from the votes {new!r}")
    return found


def _other_versions(archive: Archive) -> tuple[str, ...]:
    here = versions()
    return tuple(
        f"{package} {there} in the archive, {here[package]} here"
        for package, there in archive.manifest["versions"].items()
        if package in here and here[package] != there
    )
