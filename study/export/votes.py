"""Every vote as one tidy row, the dictionary that explains the columns, and the way back from the file."""

import io
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from typing import Any

import pandas as pd

from study.chain import chained_sha256, content_sha256, linked_sha256
from study.export.cells import is_missing, unguard_formula
from study.export.documents import frame_csv
from study.records import ChainedVote, StudyRecord, VoteRecord

_OF_MODE = {"rating": ("method", "value"), "pairwise": ("left_method", "right_method", "choice")}
# Column, unit or kind, meaning: the data dictionary, in the order of the columns.
DICTIONARY = (
    ("study", "text", "Name of the study."),
    ("study_sha256", "hex", "Hash of the study's definition: words, scale, names and every pixel shown."),
    (
        "ordinal",
        "count from 0",
        "Place of the vote in the study's chain, the order in which votes arrived. Gaps are votes that were taken "
        "back and entries that are no votes.",
    ),
    ("rater", "text", "Pseudonym of the rater, random, without a link to a person or to other studies."),
    ("simulated", "true or false", "Whether the rater is a program."),
    ("position", "count from 0", "Place of the trial in the rater's own order, practice included."),
    (
        "purpose",
        "main, repeat, gold",
        "main: counts. repeat: the same trial again, for test-retest only. gold: attention check, in no table of "
        "methods.",
    ),
    ("scene", "text", "Name of the scene, which is the stem of the picture files."),
    ("method", "text", "Rating studies: the method whose picture was rated."),
    ("value", "scale value", "Rating studies: the answer, on the scale named in the manifest; larger is better."),
    ("left_method", "text", "Pairwise studies: the method shown on the left."),
    ("right_method", "text", "Pairwise studies: the method shown on the right."),
    ("choice", "left, right, tie", "Pairwise studies: the side that was chosen as better."),
    ("response_ms", "ms", "From all pictures shown to the answer, by the rater's clock."),
    ("viewport_width", "CSS px", "Width of the browser's page area at the answer."),
    ("viewport_height", "CSS px", "Height of the browser's page area at the answer."),
    ("device_pixel_ratio", "device px per CSS px", "Of the rater's screen; grows with the browser's zoom."),
    ("zoomed", "count", "How often the rater zoomed, flipped to the ground truth or used the loupe."),
    ("presented_at", "ISO 8601 UTC", "When it first was the trial's turn, by the server's clock."),
    ("voted_at", "ISO 8601 UTC", "When the answer was stored, by the server's clock."),
    ("form", "1 or 2", "Which fields the vote's hash covers: 1 for votes from before pairwise studies, 2 since."),
    ("nonce", "text", "Random, hashed along with the vote; empty in form 1."),
    ("previous_sha256", "hex", "Hash of the chain's entry before, or of the study before the first."),
    ("sha256", "hex", "Hash over previous_sha256, nonce and this vote: shows that nobody changed the vote."),
)
_COUNTS = ("ordinal", "position", "response_ms", "viewport_width", "viewport_height", "zoomed", "form")
_DECIMALS = ("value", "device_pixel_ratio")
_FLAGS = {"true": True, "false": False}


def votes_frame(
    study: StudyRecord, votes: Sequence[ChainedVote], *, simulated: frozenset[str] = frozenset()
) -> pd.DataFrame:
    """One row per vote in the order of the chain, the columns of the study's mode; no votes give the columns alone."""
    rows = [
        {"study": study.name, "simulated": chained.vote.rater in simulated, "form": chained.vote.form}
        | {"purpose": chained.vote.purpose, "zoomed": chained.vote.zoomed}
        | chained.content()
        for chained in votes
    ]
    return _typed(pd.DataFrame({name: [row.get(name) for row in rows] for name in columns_of(study.mode)}))


def columns_of(mode: str) -> tuple[str, ...]:
    """The names of the votes' columns, in order."""
    of_others = {name for other, names in _OF_MODE.items() if other != mode for name in names}
    return tuple(name for name, _, _ in DICTIONARY if name not in of_others)


def _typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Counts as Int64, what may have decimals as Float64, flags as boolean, everything else as words."""
    kinds = dict.fromkeys(_COUNTS, "Int64") | dict.fromkeys(_DECIMALS, "Float64") | {"simulated": "boolean"}
    return frame.astype({name: kinds.get(str(name), "object") for name in frame.columns})


def dictionary_csv(columns: Iterable[str]) -> str:
    """The data dictionary of these columns: column, unit, meaning."""
    rows = [entry for entry in DICTIONARY if entry[0] in set(columns)]
    return frame_csv(pd.DataFrame(rows, columns=["column", "unit", "meaning"]))


def votes_csv(frame: pd.DataFrame) -> str:
    """The tidy table as CSV, every number with all its digits: the votes' hashes depend on them."""
    return frame_csv(frame, exact=[name for name in _DECIMALS if name in frame])


def read_votes_csv(content: bytes, *, mode: str) -> pd.DataFrame:
    """The tidy table that `votes_csv` wrote; columns that a published copy leaves out may be missing.

    Raises:
        ValueError: columns that tables need are missing, unknown columns, or a number that is none.
    """
    raw = pd.read_csv(io.BytesIO(content), dtype=str, keep_default_na=False, na_filter=False, encoding="utf-8")
    needed = {"rater", "purpose", "scene", *_OF_MODE[mode]}
    missing, unknown = sorted(needed - set(raw.columns)), sorted(set(raw.columns) - set(columns_of(mode)))
    if missing or unknown:
        raise ValueError(f"the votes' columns are wrong: missing {missing}, unknown {unknown}")
    try:
        return _typed(pd.DataFrame({name: [_read(name, cell) for cell in raw[name]] for name in raw.columns}))
    except ValueError as error:
        raise ValueError(f"the votes hold a cell that is not of its column's kind: {error}") from error


def _read(name: str, cell: str) -> object:
    if name in _COUNTS:
        return int(cell) if cell else None
    if name in _DECIMALS:
        return float(cell) if cell else None
    if name == "simulated":
        if cell not in _FLAGS:
            raise ValueError(f"simulated must be true or false, got {cell or 'nothing'}")
        return _FLAGS[cell]
    return unguard_formula(cell)


def false_hashes(frame: pd.DataFrame) -> list[str]:
    """Which votes are not what was hashed when they were cast; none where no hashes were published."""
    if "sha256" not in frame:
        return []
    return [f"vote {row['ordinal']}: its hash is not its own" for row in frame.to_dict("records") if not _is_true(row)]


def _is_true(row: Mapping[Hashable, Any]) -> bool:
    names = {field.name for field in fields(VoteRecord)}
    content: dict[str, Any] = {str(name): value for name, value in row.items() if name in names}
    content = {name: None if is_missing(value) else value for name, value in content.items()}
    if content.get("value") is not None:
        content["value"] = int(content["value"])
    vote = VoteRecord(**{**content, **_moments(row)})
    previous = str(row["previous_sha256"])
    if vote.form == 1:
        return chained_sha256(previous, vote.content()) == str(row["sha256"])
    return linked_sha256(previous, content_sha256(str(row["nonce"]), vote.content())) == str(row["sha256"])


def _moments(row: Mapping[Hashable, Any]) -> dict[str, datetime]:
    return {name: datetime.fromisoformat(str(row[name])) for name in ("presented_at", "voted_at")}
