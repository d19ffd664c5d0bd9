"""What every row says it rests on, and frames without NaN.

A number that does not exist is missing (`pd.NA`), never NaN, and the row's `message` says why. Columns named `n_...`,
`rank...` and those of `_COUNTS` are Int64, words are text, all other columns Float64.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from study.statistics.data import Comparisons, Ratings
from study.statistics.intervals import Interval
from study.tables.votes import Analysis, StudyVotes

Row = Mapping[str, object]
COUNTS = ("n_raters", "n_scenes", "n_votes")
BASIS = ("confidence", "ci_method", "screening", "scale", "simulated", "study", "study_sha256", "message")
NOT_SCREENED = "none, every rater counts"
_COUNTS = frozenset({"wins", "losses", "ties", "left", "right", "resamples", "resamples_failed"})


def frame_of(rows: Sequence[Row], *, words: Sequence[str], columns: Sequence[str]) -> pd.DataFrame:
    """Rows as a frame of exactly these columns; what a row does not name is missing there.

    Raises:
        ValueError: a row names a column that is not listed.
    """
    unknown = {name for row in rows for name in row} - set(columns)
    if unknown:
        raise ValueError(f"rows must keep to the columns, got {sorted(unknown)}")
    cells = {name: [_present(row.get(name)) for row in rows] for name in columns}
    return pd.DataFrame({name: pd.Series(values, dtype=_kind(name, words)) for name, values in cells.items()})


def _kind(name: str, words: Sequence[str]) -> Any:
    if name in words:
        return "object"
    return "Int64" if name.startswith("n_") or name == "rank" or name in _COUNTS else "Float64"


def _present(value: object) -> object:
    """The value, or None for a number that is not finite."""
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not math.isfinite(value) else value


def counts(votes: Ratings | Comparisons) -> dict[str, object]:
    """How many raters, scenes and votes a row rests on."""
    return {
        "n_raters": np.unique(votes.rater).size,
        "n_scenes": np.unique(votes.scene).size,
        "n_votes": votes.n,
    }


def joined(*messages: str | None) -> str:
    """Messages in one sentence each, every one once."""
    return "; ".join(dict.fromkeys(message for message in messages if message))


def ends(interval: Interval, *, prefix: str = "ci") -> dict[str, object]:
    """An interval as two columns."""
    return {f"{prefix}_low": interval.low, f"{prefix}_high": interval.high}


def basis(votes: StudyVotes, analysis: Analysis, *, ci_method: str, screening: str = NOT_SCREENED) -> dict[str, object]:
    """The columns that say what a row rests on, but for its message."""
    return {
        "confidence": analysis.confidence,
        "ci_method": ci_method,
        "screening": screening,
        "scale": votes.facts.scale,
        "simulated": votes.simulated_raters,
        "study": votes.facts.name,
        "study_sha256": votes.facts.sha256,
    }
