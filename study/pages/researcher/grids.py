"""Tables of two dimensions, their cells coloured by their value: progress, MOS per scene, preferences, screenings."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from study.dashboard import StudyOverview
from study.pages.researcher.rendering import MISSING
from study.records import StudyRecord

SCREENINGS = {"none": "none", "bt500": "BT.500", "p913": "P.913", "p910": "P.910 Annex E"}
_DEEP = 0.75  # from here on light text (dark in the dark theme) is the better read: contrast 4.4 to 1


@dataclass(frozen=True)
class Cell:
    """One cell: what it says, a second line, its share of the colour range, and what it says at length.

    `share` is None where there is nothing to colour.
    """

    text: str
    small: str = ""
    share: float | None = None
    title: str = ""
    link: str = ""

    @property
    def is_deep(self) -> bool:
        """Whether the colour is dark, or in the dark theme light."""
        return self.share is not None and self.share >= _DEEP


@dataclass(frozen=True)
class Grid:
    """Rows of cells under column names; `low` and `high` say what the ends of the colour range mean."""

    corner: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Cell, ...]], ...]
    low: str = ""
    high: str = ""


def progress_grid(overview: StudyOverview) -> Grid:
    """Votes of every cell of the design: scenes down, methods or pairs across."""
    study, progress = overview.study, overview.progress
    full = progress.votes_wanted or max(1, progress.most)
    columns = tuple(dict.fromkeys(_column_of(cell.method, cell.right_method) for cell in progress.cells))
    cells = {(cell.scene, _column_of(cell.method, cell.right_method)): cell for cell in progress.cells}
    rows = []
    for scene in study.scenes:
        line = []
        for column in columns:
            cell = cells.get((scene, column))
            if cell is None:
                line.append(Cell("", title="not part of the design"))
                continue
            of = f" of {progress.votes_wanted}" if progress.votes_wanted else ""
            title = (
                f"{scene}, {column}: {cell.answered}{of} votes, {cell.leased} being answered, {cell.lapsed} left open"
            )
            waiting = f"+{cell.leased}" if cell.leased else ""
            line.append(Cell(str(cell.answered), waiting, min(1.0, cell.answered / full), title))
        rows.append((scene, tuple(line)))
    high = f"{full} votes" + (" wanted" if progress.votes_wanted else "")
    return Grid("Scene", columns, tuple(rows), low="0", high=high)


def _column_of(method: str, right_method: str | None) -> str:
    return method if right_method is None else f"{method} / {right_method}"


def mos_grid(rows: Sequence[dict[str, Any]], study: StudyRecord) -> Grid:
    """MOS of every stimulus; the colour spans the study's scale."""
    by_cell = {(row["scene"], row["method"]): row for row in rows}
    values = study.scale.values if study.scale else (0, 1)
    worst, best = values[0], values[-1]

    def cell_of(scene: str, method: str) -> Cell:
        row = by_cell.get((scene, method))
        if row is None or row["mos"] is None:
            return Cell(MISSING, title=f"{scene}, {method}: no votes")
        half = None if row["ci_low"] is None else (row["ci_high"] - row["ci_low"]) / 2
        within = f"±{half:.2f}" if half is not None else f"n = {row['n_votes']}"
        title = f"{scene}, {method}: MOS {row['mos']:.2f}, {row['n_votes']} votes"
        share = (row["mos"] - worst) / (best - worst)
        link = urlencode({"tab": "pictures", "scene": scene})
        return Cell(f"{row['mos']:.2f}", within, min(1.0, max(0.0, share)), title, link)

    lines = tuple((scene, tuple(cell_of(scene, method) for method in study.methods)) for scene in study.scenes)
    return Grid("Scene", study.methods, lines, low=str(worst), high=str(best))


def matrix_grid(rows: Sequence[dict[str, Any]], methods: Sequence[str]) -> Grid:
    """How often the row's method was preferred to the column's, ties halved."""
    by_pair = {(row["method"], row["opponent"]): row for row in rows}

    def cell_of(method: str, opponent: str) -> Cell:
        row = by_pair.get((method, opponent))
        if row is None:
            return Cell("")
        if row["share"] is None:
            return Cell(MISSING, title=f"{method} and {opponent} were never compared")
        title = f"{method} over {opponent}: {row['wins']} won, {row['losses']} lost, {row['ties']} ties"
        return Cell(f"{100 * row['share']:.0f} %", f"n = {row['n_votes']}", row["share"], title)

    lines = tuple((one, tuple(cell_of(one, other) for other in methods)) for one in methods)
    return Grid("Preferred … to …", tuple(methods), lines, low="never", high="always")


@dataclass(frozen=True)
class ScreeningColumn:
    """One screening: its name, its rule in words and how many raters it leaves out."""

    name: str
    rule: str
    n_excluded: int
    message: str


@dataclass(frozen=True)
class ScreeningGrid:
    """Methods down, screenings across; a cell is a row of the table `screening_ranks`, or None."""

    views: tuple[ScreeningColumn, ...]
    rows: tuple[tuple[str, tuple[dict[str, Any] | None, ...]], ...]


def screening_grid(rows: Sequence[dict[str, Any]]) -> ScreeningGrid:
    """Set the screenings side by side, methods in the order of the ranks without screening."""
    views = list(dict.fromkeys(row["view"] for row in rows))
    by_cell = {(row["view"], row["method"]): row for row in rows}
    methods = list(dict.fromkeys(row["method"] for row in rows))
    first_of = {view: next(row for row in rows if row["view"] == view) for view in views}
    columns = tuple(
        ScreeningColumn(
            SCREENINGS.get(view, view),
            first["screening"].removeprefix("none: "),
            first["n_excluded"],
            first["message"] or "",
        )
        for view, first in first_of.items()
    )
    lines = tuple((method, tuple(by_cell.get((view, method)) for view in views)) for method in methods)
    return ScreeningGrid(columns, lines)
