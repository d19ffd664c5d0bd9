"""Ratings and comparisons collected elsewhere, read so that the same tables can be made of them.

Read are CSV files (one vote a line, or a table of raters and stimuli) and sureal's JSON. Nothing in a file is ever run.
Everything wrong with a file is told at once.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from study.export.contents import StudyExport
from study.export.csv_votes import read_csv_votes
from study.export.sureal import read_sureal
from study.export.zipping import sha256
from study.tables import Analysis, StudyFacts, pairwise_scale_name

_STUDY_NAME = re.compile(r"[^a-z0-9_-]+")


@dataclass(frozen=True)
class ScaleEnds:
    """The worst and the best answer of a rating scale."""

    worst: float
    best: float

    def __post_init__(self) -> None:
        """Refuse a scale that does not go up."""
        if not self.worst < self.best:
            raise ValueError(f"the scale must go from the worst to the best value, got {self.worst:g} to {self.best:g}")


def read_votes_file(
    path: Path,
    *,
    analysis: Analysis | None = None,
    metrics: pd.DataFrame | None = None,
    scale: ScaleEnds | None = None,
    hidden_reference: str | None = None,
    method_pattern: str | None = None,
) -> StudyExport:
    """Read a file of ratings or comparisons; its layout is recognised from its ending and its headings.

    Args:
        path: `.csv` (or `.tsv`, `.txt`) or `.json`.
        analysis: The researcher's choices; left out, the usual ones.
        metrics: Columns scene, method, metric, value.
        scale: The ends of the rating scale. Left out, the tables say that it was not given, and DMOS is left out.
        hidden_reference: The method whose pictures are the reference itself.
        method_pattern: For sureal files: a regular expression whose group `method` finds the method in a `path`.
    Raises:
        ValueError: the file cannot be read as votes; the message lists everything that is wrong.
    """
    content = _read(path)
    frame, reference = _parse(content, path, method_pattern)
    is_rating = "value" in frame
    methods = _names(frame, ("method",) if is_rating else ("left_method", "right_method"))
    hidden_reference = hidden_reference or reference
    if hidden_reference is not None and hidden_reference not in methods:
        raise ValueError(f"hidden_reference must be one of {', '.join(methods)}, got {hidden_reference}")
    if is_rating and scale is not None:
        _check_scale(frame, scale, name=path.name)
    return StudyExport(
        facts=_describe(frame, content, path=path, scale=scale, hidden_reference=hidden_reference),
        question="",
        seed=None,
        scenes=_names(frame, ("scene",)),
        methods=methods,
        frame=frame,
        analysis=analysis or Analysis(),
        metrics=metrics,
        origin=f"the file {path.name}",
    )


def _describe(
    frame: pd.DataFrame, content: bytes, *, path: Path, scale: ScaleEnds | None, hidden_reference: str | None
) -> StudyFacts:
    """Say what the file's votes tell of the study they were given in."""
    is_rating = "value" in frame
    return StudyFacts(
        name=_STUDY_NAME.sub("-", path.stem.lower()).strip("-") or "imported",
        title=path.stem,
        sha256=sha256(content),
        mode="rating" if is_rating else "pairwise",
        scale=_scale_name(frame, scale)
        if is_rating
        else pairwise_scale_name(ties_allowed="tie" in set(frame["choice"])),
        scale_min=scale.worst if is_rating and scale else None,
        scale_max=scale.best if is_rating and scale else None,
        hidden_reference=hidden_reference,
    )


def _read(path: Path) -> bytes:
    if path.suffix.lower() in {".py", ".pyc", ".ipynb", ".pkl", ".pickle", ".mat"}:
        raise ValueError(f"{path.name} is not read, as reading it could run code; save the ratings as CSV or JSON")
    if path.suffix.lower() not in {".csv", ".tsv", ".txt", ".json"}:
        raise ValueError(f"{path.name} must end in .csv, .tsv, .txt or .json")
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be opened: {error.strerror}") from error


def _parse(content: bytes, path: Path, method_pattern: str | None) -> tuple[pd.DataFrame, str | None]:
    """Read the votes, and the hidden reference where the file names one."""
    if path.suffix.lower() == ".json":
        return read_sureal(content, name=path.name, method_pattern=method_pattern)
    return read_csv_votes(content, name=path.name), None


def _names(frame: pd.DataFrame, columns: tuple[str, ...]) -> tuple[str, ...]:
    """The names in these columns, sorted: files know no other order."""
    return tuple(sorted({str(name) for column in columns for name in frame[column]}))


def _scale_name(frame: pd.DataFrame, scale: ScaleEnds | None) -> str:
    if scale is not None:
        return f"{scale.worst:g}-{scale.best:g}"
    return f"not given; the file's values go from {frame['value'].min():g} to {frame['value'].max():g}"


def _check_scale(frame: pd.DataFrame, scale: ScaleEnds, *, name: str) -> None:
    off = frame[(frame["value"] < scale.worst) | (frame["value"] > scale.best)]
    if not off.empty:
        values = ", ".join(f"{value:g}" for value in sorted(set(off["value"]))[:5])
        raise ValueError(f"{name}: {len(off)} votes are off the scale {scale.worst:g}-{scale.best:g}: {values}")
