"""The hash chain over everything that was recorded about a study's votes.

Its entries are votes, undos and withdrawals. Each entry's hash covers what it says and the hash of the entry before;
the first entry's predecessor is the study's own hash. Nothing is ever taken out of the chain: an undo is an entry of
its own that names the vote taken back, and a withdrawal is an entry that names the votes it deleted, whose hashes stay
as tombstones. Whoever keeps one copy of the last hash can tell later whether an entry was changed, removed or moved.

The hash of an entry's content covers a random nonce too. It is deleted with a withdrawn vote: nobody can then find out
what the vote was by hashing every vote that it may have been.

Entries of form 1, from before there were undos and withdrawals, hash their content directly, without a nonce.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

EntryKind = Literal["vote", "undo", "withdrawal"]


def canonical_json(record: Mapping[str, object]) -> str:
    """Write a record in the one form that is hashed: sorted keys, no spaces, Unicode as it is."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def chained_sha256(previous_sha256: str, record: Mapping[str, object]) -> str:
    """Hash an entry of form 1: its content together with the hash of the entry before it."""
    return text_sha256(previous_sha256 + canonical_json(record))


def content_sha256(nonce: str, record: Mapping[str, object]) -> str:
    """Hash what an entry of form 2 says."""
    return text_sha256(nonce + canonical_json(record))


def linked_sha256(previous_sha256: str, content_sha256: str) -> str:
    """Hash an entry of form 2: its content's hash together with the hash of the entry before it."""
    return text_sha256(previous_sha256 + content_sha256)


def text_sha256(text: str) -> str:
    """Name a text by its hash."""
    return hashlib.sha256(text.encode()).hexdigest()


@dataclass(frozen=True)
class Entry:
    """One link as it is stored. `content` is None where a vote's content is gone."""

    ordinal: int
    kind: EntryKind
    form: int
    content: Mapping[str, object] | None
    nonce: str | None
    content_sha256: str | None
    previous_sha256: str
    sha256: str


@dataclass(frozen=True)
class ChainReport:
    """What a check of a chain found: `problems` is empty for a chain that is whole.

    `head` is the last hash: keep it elsewhere, and a chain that was cut at its end will show.
    """

    entries: int
    votes: int
    withdrawn: int
    head: str
    problems: tuple[str, ...]


def verify_chain(
    entries: Iterable[Entry],
    *,
    study_sha256: str,
    undone: Mapping[int, int],
    known: Iterable[str] = (),
) -> ChainReport:
    """Check every link, every content and every tombstone of a chain.

    Args:
        entries: In the order of their ordinals.
        study_sha256: The first entry's predecessor.
        undone: Ordinals of votes that are marked as taken back, with the ordinal of the entry said to have done it.
        known: Hashes once seen elsewhere, such as in the journal, that must be in the chain.
    """
    listed = list(entries)
    problems = _broken_links(listed, study_sha256) + _false_contents(listed)
    withdrawn = {int(ordinal) for entry in listed for ordinal in _withdrawn_by(entry)}
    problems += _missing_contents(listed, withdrawn) + _false_undos(listed, undone, withdrawn)
    there = {entry.sha256 for entry in listed}
    problems += [
        f"entry {sha256[:12]}... was recorded once and is not in the chain" for sha256 in known if sha256 not in there
    ]
    votes = [entry for entry in listed if entry.kind == "vote"]
    head = listed[-1].sha256 if listed else study_sha256
    return ChainReport(len(listed), len(votes), len(withdrawn), head, tuple(problems))


def _broken_links(entries: list[Entry], study_sha256: str) -> list[str]:
    """Gaps in the numbering, and entries that do not follow the entry before them."""
    problems, expected, previous = [], 0, study_sha256
    for entry in entries:
        if entry.ordinal != expected:
            problems.append(f"entries {expected} to {entry.ordinal - 1} are missing")
        elif entry.previous_sha256 != previous:
            problems.append(
                f"entry {entry.ordinal} does not follow the entry before it: moved, or that one was changed"
            )
        if (
            entry.content_sha256 is not None
            and linked_sha256(entry.previous_sha256, entry.content_sha256) != entry.sha256
        ):
            problems.append(f"entry {entry.ordinal} has a hash that is not its own")
        expected, previous = entry.ordinal + 1, entry.sha256
    return problems


def _false_contents(entries: list[Entry]) -> list[str]:
    """Entries that say something else than what was hashed."""
    problems = []
    for entry in entries:
        if entry.content is None:
            continue
        if entry.form == 1:
            is_true = chained_sha256(entry.previous_sha256, entry.content) == entry.sha256
        else:
            is_true = entry.nonce is not None and content_sha256(entry.nonce, entry.content) == entry.content_sha256
        if not is_true:
            problems.append(f"entry {entry.ordinal}: the {entry.kind} was changed")
        elif entry.form != 1 and (entry.content.get("kind"), entry.content.get("ordinal")) != (
            entry.kind,
            entry.ordinal,
        ):
            problems.append(f"entry {entry.ordinal}: the {entry.kind} stands at a place that is not its own")
    return problems


def _withdrawn_by(entry: Entry) -> list[int]:
    """The ordinals a withdrawal deleted."""
    listed = (entry.content or {}).get("withdrawn")
    return [int(ordinal) for ordinal in listed] if entry.kind == "withdrawal" and isinstance(listed, list) else []


def _missing_contents(entries: list[Entry], withdrawn: set[int]) -> list[str]:
    """Votes that are gone though nobody withdrew them, and withdrawn votes that are still there."""
    votes = [entry for entry in entries if entry.kind == "vote"]
    gone = [
        f"entry {e.ordinal}: the vote was removed" for e in votes if e.content is None and e.ordinal not in withdrawn
    ]
    kept = [
        f"entry {e.ordinal}: the vote was withdrawn and is still there"
        for e in votes
        if e.content and e.ordinal in withdrawn
    ]
    return gone + kept


def _false_undos(entries: list[Entry], undone: Mapping[int, int], withdrawn: set[int]) -> list[str]:
    """Votes marked as taken back without an undo that says so, and the other way round."""
    said = {
        int(str(entry.content["undone"])): entry.ordinal
        for entry in entries
        if entry.kind == "undo" and entry.content is not None and "undone" in entry.content
    }
    unsaid = [
        f"entry {vote}: the vote is marked as undone, but no undo says so"
        for vote, by in undone.items()
        if said.get(vote) != by
    ]
    unmarked = [
        f"entry {vote}: the vote was undone by entry {by}, but counts as standing"
        for vote, by in said.items()
        if vote not in undone and vote not in withdrawn
    ]
    return unsaid + unmarked
