"""Votes from CSV files of other tools: one vote a line, or one table of raters and stimuli.

The layouts, recognised by the headings (other common names of the columns are understood, see `_ALIASES`):

- ratings, one a line: `rater, scene, method, value`
- comparisons, one a line: `rater, scene, left_method, right_method, choice`, which includes pwcmp's files
- stimuli in lines: `scene, method`, then one column per rater
- raters in lines: `rater`, then one column per stimulus headed `scene/method`

A rater's second vote on the same stimulus counts as a repeat: it is used for test-retest agreement alone.
"""

import csv
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pandas as pd

from study.export.cells import unguard_formula
from study.export.problems import Problems

# Names by which other tools and papers call the columns; the first is ours.
_ALIASES = {
    "rater": ("rater", "observer", "subject", "participant", "worker", "viewer", "assessor"),
    "scene": ("scene", "content", "image", "picture", "video", "source", "src"),
    "method": ("method", "condition", "hrc", "algorithm", "system", "model"),
    "value": ("value", "score", "rating", "vote", "opinion", "os"),
    "left_method": ("left_method", "condition_1", "method_1", "method_a", "left"),
    "right_method": ("right_method", "condition_2", "method_2", "method_b", "right"),
    "choice": ("choice", "selection", "preference", "winner"),
    "purpose": ("purpose",),
}
_RATINGS = ("rater", "scene", "method", "value")
_COMPARISONS = ("rater", "scene", "left_method", "right_method", "choice")
_CHOICES = {"left": "left", "1": "left", "right": "right", "2": "right", "tie": "tie", "0": "tie", "0.5": "tie"}
_PURPOSES = ("main", "repeat", "gold")
_NO_VOTE = frozenset({"", "na", "n/a", "nan", "null", "none", "-"})
_SEPARATOR = "/"


@dataclass(frozen=True)
class _Sheet:
    """A file's headings, and its lines with their numbers."""

    headings: tuple[str, ...]
    lines: tuple[tuple[int, tuple[str, ...]], ...]

    def place(self, column: str) -> int | None:
        """Where a column stands under any of its names; None where it is missing."""
        lowered = [heading.lower().replace(" ", "_") for heading in self.headings]
        return next((lowered.index(alias) for alias in _ALIASES[column] if alias in lowered), None)

    def has(self, columns: Sequence[str]) -> bool:
        """Whether every one of the columns is there."""
        return all(self.place(column) is not None for column in columns)


def read_csv_votes(content: bytes, *, name: str) -> pd.DataFrame:
    """The votes of a CSV file as the tidy table: rater, purpose, scene, and method, value or the pair and its choice.

    Args:
        content: UTF-8, with or without byte-order mark; commas, semicolons or tabs.
        name: Of the file, for messages.
    Raises:
        ValueError: no known layout, or cells that are no votes; the message lists everything that is wrong.
    """
    problems = Problems(name)
    sheet = _sheet(content, problems)
    problems.refuse()
    if sheet.has(_COMPARISONS):
        rows = list(_comparison_rows(sheet, problems))
    elif sheet.has(_RATINGS):
        rows = list(_rating_rows(sheet, problems))
    elif sheet.has(("scene", "method")):
        rows = list(_stimulus_lines(sheet, problems))
    elif sheet.has(("rater",)) and any(_SEPARATOR in heading for heading in sheet.headings):
        rows = list(_rater_lines(sheet, problems))
    else:
        found = ", ".join(heading or "(empty)" for heading in sheet.headings[:12])
        problems.add(
            f"its headings are {found}; needed are {', '.join(_RATINGS)}, or {', '.join(_COMPARISONS)}, or scene, "
            f"method and one column per rater, or rater and one column per stimulus headed scene{_SEPARATOR}method"
        )
        rows = []
    if not rows:
        problems.add("it holds no votes")
    problems.refuse()
    return mark_repeats(pd.DataFrame(rows))


def mark_repeats(frame: pd.DataFrame) -> pd.DataFrame:
    """Call every vote after a rater's first on the same stimulus or pair a repeat."""
    if "method" in frame:
        again = frame.duplicated(["rater", "scene", "method"])
    else:
        pair = [" \0 ".join(sorted(pair)) for pair in zip(frame["left_method"], frame["right_method"], strict=True)]
        again = frame.assign(pair=pair).duplicated(["rater", "scene", "pair"])
    frame.loc[again & (frame["purpose"] == "main"), "purpose"] = "repeat"
    return frame


def _sheet(content: bytes, problems: Problems) -> _Sheet:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        problems.add(f"byte {error.start} is not UTF-8; save the file as UTF-8")
        return _Sheet((), ())
    first = text.split("\n", 1)[0]
    delimiter = max(",;\t", key=first.count)
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    numbered = []
    try:
        numbered = [(lines.line_num, tuple(map(_clean, cells))) for cells in lines if any(map(str.strip, cells))]
    except csv.Error as error:
        problems.add(f"line {lines.line_num}: {error}")
    if not numbered:
        problems.add("it is empty")
        return _Sheet((), ())
    headings = numbered[0][1]
    for line, cells in numbered[1:]:
        if len(cells) != len(headings):
            problems.add(f"line {line}: {len(cells)} cells under {len(headings)} headings")
    for heading in sorted({heading for heading in headings if headings.count(heading) > 1}):
        problems.add(f"the heading {heading or '(empty)'} occurs more than once")
    return _Sheet(headings, tuple(numbered[1:]))


def _clean(cell: str) -> str:
    return unguard_formula(cell.strip())


def _rating_rows(sheet: _Sheet, problems: Problems) -> Iterator[dict[str, object]]:
    places = [sheet.place(column) or 0 for column in _RATINGS]
    for line, cells in sheet.lines:
        rater, scene, method, value = (cells[place] for place in places)
        _require_names(line, problems, rater=rater, scene=scene, method=method)
        score = _score(value, f"line {line}", problems)
        purpose = _purpose(sheet, line, cells, problems)
        yield {"rater": rater, "purpose": purpose, "scene": scene, "method": method, "value": score}


def _comparison_rows(sheet: _Sheet, problems: Problems) -> Iterator[dict[str, object]]:
    places = [sheet.place(column) or 0 for column in _COMPARISONS]
    for line, cells in sheet.lines:
        rater, scene, left, right, answer = (cells[place] for place in places)
        _require_names(line, problems, rater=rater, scene=scene, left_method=left, right_method=right)
        if left == right:
            problems.add(f"line {line}: {left} is compared with itself")
        choice = {left: "left", right: "right", **_CHOICES}.get(
            answer.lower() if answer.lower() in _CHOICES else answer
        )
        if choice is None:
            problems.add(
                f"line {line}: choice is {answer or 'empty'}; it must be left, right, tie, 1, 2, 0 or a method"
            )
        names = {"left_method": left, "right_method": right}
        purpose = _purpose(sheet, line, cells, problems)
        yield {"rater": rater, "purpose": purpose, "scene": scene, **names, "choice": choice}


def _stimulus_lines(sheet: _Sheet, problems: Problems) -> Iterator[dict[str, object]]:
    scene_place, method_place = sheet.place("scene") or 0, sheet.place("method") or 0
    raters = [place for place in range(len(sheet.headings)) if place not in {scene_place, method_place}]
    for place in raters:
        if not sheet.headings[place]:
            problems.add(f"column {place + 1} has no heading; it must name a rater")
    for line, cells in sheet.lines:
        scene, method = cells[scene_place], cells[method_place]
        _require_names(line, problems, scene=scene, method=method)
        for place in raters:
            if cells[place].lower() not in _NO_VOTE:
                score = _score(cells[place], f"line {line}, column {sheet.headings[place]}", problems)
                names = {"rater": sheet.headings[place], "purpose": "main", "scene": scene, "method": method}
                yield {**names, "value": score}


def _rater_lines(sheet: _Sheet, problems: Problems) -> Iterator[dict[str, object]]:
    rater_place = sheet.place("rater") or 0
    stimuli = {}
    for place, heading in enumerate(sheet.headings):
        if place != rater_place:
            scene, separator, method = heading.rpartition(_SEPARATOR)
            if not (scene and separator and method):
                problems.add(f"the heading {heading or '(empty)'} must be scene{_SEPARATOR}method")
            stimuli[place] = scene, method
    for line, cells in sheet.lines:
        _require_names(line, problems, rater=cells[rater_place])
        for place, (scene, method) in stimuli.items():
            if cells[place].lower() not in _NO_VOTE:
                score = _score(cells[place], f"line {line}, column {sheet.headings[place]}", problems)
                names = {"rater": cells[rater_place], "purpose": "main", "scene": scene, "method": method}
                yield {**names, "value": score}


def _require_names(line: int, problems: Problems, **names: str) -> None:
    for column, name in names.items():
        if not name:
            problems.add(f"line {line}: {column} is empty")


def _score(cell: str, where: str, problems: Problems) -> float:
    try:
        score = float(cell)
    except ValueError:
        score = math.nan
    if not math.isfinite(score):
        problems.add(f"{where}: value is {cell or 'empty'}; it must be a number, with a point for decimals")
    return score


def _purpose(sheet: _Sheet, line: int, cells: Sequence[str], problems: Problems) -> str:
    place = sheet.place("purpose")
    purpose = "main" if place is None else cells[place]
    if purpose not in _PURPOSES:
        problems.add(f"line {line}: purpose is {purpose or 'empty'}; it must be one of {', '.join(_PURPOSES)}")
    return purpose
