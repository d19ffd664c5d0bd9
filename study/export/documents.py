"""A table as a file: CSV and JSON for programs, Markdown and LaTeX (booktabs) for reading.

CSV and JSON hold every column. Markdown and LaTeX show the columns of the table's form, round for the eye, and say once
below the table what holds for all rows: scale, interval, screening, counts.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from study.export.cells import (
    cell_text,
    csv_cell,
    exact_number,
    is_missing,
    latex_number,
    latex_text,
    markdown_cell,
    number_text,
)

Row = Mapping[str, object]


@dataclass(frozen=True)
class Column:
    """One column for reading: its heading, what it shows of a row, and whether that is a number.

    An `optional` column is left out where it has nothing to show; the others stay, as an empty one says something too.
    """

    heading: str
    show: Callable[[Row], str]
    numeric: bool = True
    optional: bool = False


@dataclass(frozen=True)
class Form:
    """How a table is shown to readers; `title` is its heading and caption, `label` names it in LaTeX.

    `key` are the frame's columns that tell its rows apart: a note below the table names the rows it is about by them.
    """

    title: str
    label: str
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()


def text(name: str, heading: str) -> Column:
    """A column of words."""
    return Column(heading, lambda row: cell_text(row.get(name)), numeric=False)


def whole(name: str, heading: str, *, optional: bool = False) -> Column:
    """A column of counts."""
    return Column(heading, lambda row: cell_text(row.get(name)), optional=optional)


def rounded(name: str, heading: str, digits: int = 2, *, optional: bool = False) -> Column:
    """A column of numbers with a fixed number of decimals; nothing where there is none."""
    return Column(heading, lambda row: _fixed(row.get(name), digits), optional=optional)


def interval(low: str, high: str, heading: str, digits: int = 2) -> Column:
    """A column of intervals `[low, high]`; "none" where a row has no interval."""

    def show(row: Row) -> str:
        ends = row.get(low), row.get(high)
        return "none" if any(map(is_missing, ends)) else f"[{_fixed(ends[0], digits)}, {_fixed(ends[1], digits)}]"

    return Column(heading, show)


def probability(name: str, heading: str = "p") -> Column:
    """A column of p values, small ones as a bound."""

    def show(row: Row) -> str:
        value = row.get(name)
        if is_missing(value):
            return ""
        return "< .001" if float(str(value)) < 0.001 else _fixed(value, 3)

    return Column(heading, show)


def _fixed(value: object, digits: int) -> str:
    if is_missing(value):
        return ""
    shown = f"{float(str(value)):.{digits}f}"
    return shown[1:] if shown.startswith("-") and not shown.strip("-0.") else shown


def frame_csv(frame: pd.DataFrame, *, exact: Sequence[str] = ()) -> str:
    """Every column and row, UTF-8 text with Unix line ends; what is missing is empty.

    Args:
        frame: The table.
        exact: Columns whose numbers keep all their digits, because something is computed from them again.
    """
    columns = {name: pd.Series([exact_number(value) for value in frame[name]], frame.index, object) for name in exact}
    frame = frame.assign(**columns)
    cells = pd.DataFrame({name: [csv_cell(value) for value in frame[name]] for name in frame.columns}, dtype=object)
    return cells.to_csv(index=False, lineterminator="\n")


def frame_json(frame: pd.DataFrame, *, title: str) -> str:
    """`{"title": ..., "rows": [...]}`, one object a row; what is missing is null."""
    rows = [{str(name): _json_value(value) for name, value in row.items()} for row in frame.to_dict("records")]
    return json.dumps({"title": title, "rows": rows}, ensure_ascii=False, indent=1) + "\n"


def _json_value(value: object) -> object:
    if is_missing(value):
        return None
    return float(number_text(value)) if isinstance(value, float) else value


def frame_markdown(frame: pd.DataFrame, form: Form) -> str:
    """The table with its heading above and its notes below."""
    columns, cells = _shown(frame, form)
    lines = [_bars([markdown_cell(column.heading) for column in columns])]
    lines += [_bars(["---:" if column.numeric else "---" for column in columns], space="")]
    lines += [_bars([markdown_cell(cell) for cell in line]) for line in cells]
    notes = [f"- {markdown_cell(note)}" for note in notes_of(frame, form)]
    return "\n".join([f"## {markdown_cell(form.title)}", "", *lines, "", *notes, ""])


def _bars(cells: Sequence[str], space: str = " ") -> str:
    return f"|{space}" + f"{space}|{space}".join(cells) + f"{space}|"


def frame_latex(frame: pd.DataFrame, form: Form) -> str:
    r"""`table` environments of booktabs rules; `\usepackage{booktabs}` is all they need.

    More rows than a page holds go on in further tables. Where the document loads graphicx too, what is wider than the
    line shrinks to it.
    """
    columns, cells = _shown(frame, form)
    headings = [column.heading for column in columns]
    widths = [max(map(len, column)) for column in zip(headings, *cells, strict=True)]
    longest = max((width for column, width in zip(columns, widths, strict=True) if not column.numeric), default=1)
    step = max(1, _LINES_A_PAGE // -(-longest // _LONG_TEXT))
    notes = " ".join(latex_text(note) for note in notes_of(frame, form))
    below = ["", r"\smallskip", rf"\parbox{{\linewidth}}{{\footnotesize {notes}}}"]
    lines = []
    for start in range(0, max(len(cells), 1), step):
        lines += [r"\begin{table}[t]", r"\centering"]
        lines += [r"\footnotesize\setlength{\tabcolsep}{3pt}"] if sum(widths) > _LETTERS_A_LINE else []
        lines += [rf"\caption{{{latex_text(form.title)}{' (continued)' if start else ''}.}}"]
        lines += [] if start else [rf"\label{{tab:{form.label}}}"]
        lines += _latex_tabular(columns, cells[start : start + step], widths)
        lines += [*([] if start else below), r"\end{table}", ""]
    return "\n".join(lines)


def _latex_tabular(columns: Sequence[Column], rows: Sequence[Sequence[str]], widths: Sequence[int]) -> list[str]:
    r"""One tabular in a box, so that it can be shrunk; columns of long texts are paragraphs."""
    long = [not column.numeric and width > _LONG_TEXT for column, width in zip(columns, widths, strict=True)]
    layout = "".join(
        r"p{0.45\linewidth}" if is_long else "r" if column.numeric else "l"
        for column, is_long in zip(columns, long, strict=True)
    )

    def written(cell: str, column: Column, is_long: bool) -> str:
        return r"\raggedright " * is_long + (latex_number if column.numeric else latex_text)(cell)

    body = [" & ".join(map(written, line, columns, long)) + r" \tabularnewline" for line in rows]
    return [
        rf"\sbox0{{\begin{{tabular}}{{@{{}}{layout}@{{}}}}",
        r"\toprule",
        " & ".join(latex_text(column.heading) for column in columns) + r" \tabularnewline",
        r"\midrule",
        *body,
        r"\bottomrule",
        r"\end{tabular}}%",
        r"\ifdim\wd0>\linewidth\ifx\resizebox\undefined\usebox0\else\resizebox{\linewidth}{!}{\usebox0}\fi\else\usebox0\fi",
    ]


def _shown(frame: pd.DataFrame, form: Form) -> tuple[list[Column], list[list[str]]]:
    """The columns but for optional ones that say nothing about any row, and every row's cells under them."""
    rows = [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]
    cells = [[column.show(row) for column in form.columns] for row in rows]
    told = [
        place for place, column in enumerate(form.columns) if not column.optional or any(line[place] for line in cells)
    ]
    return [form.columns[place] for place in told], [[line[place] for place in told] for line in cells]


_NAME_JOINT = " / "
_MOST_NAMED = 4
_LINES_A_PAGE = 40  # of a LaTeX table; leaves room for the notes on A4 and US letter
_LETTERS_A_LINE = 60  # in LaTeX's article at 10 pt, columns' gaps included
_LONG_TEXT = 40  # letters in a line of a paragraph that takes .45 of the line

# What holds for the whole table, said below it: column, and how its value reads in a sentence.
_NOTES = (
    ("scale", "Scale: {}."),
    ("confidence", "Confidence: {}."),
    ("ci_method", "Interval: {}."),
    ("naive_ci_method", "Naive interval: {}."),
    ("screening", "Screening of raters: {}."),
    ("simulated", "Simulated raters: {}."),
    ("study_sha256", "Study {}."),
)


def notes_of(frame: pd.DataFrame, form: Form) -> list[str]:
    """What the rows rest on, each value once, then every message once with the rows it is about."""
    notes = []
    for name, sentence in _NOTES:
        values = _different(frame, name)
        if values:
            notes.append(sentence.format("; ".join(values)))
    return notes + _messages(frame, form)


def _messages(frame: pd.DataFrame, form: Form) -> list[str]:
    """Every message once; which rows it is about is said unless it is about all."""
    if frame.empty:
        return ["Note: no rows, because no vote or metric belongs here."]
    about: dict[str, list[str]] = {}
    for row in frame.to_dict("records"):
        message = cell_text(row.get("message")).rstrip(".")
        if message:
            about.setdefault(message, []).append(_NAME_JOINT.join(filter(None, (cell_text(row[k]) for k in form.key))))
    return [
        f"Note: {message}." if len(rows) == len(frame) or not form.key else f"Note on {_listing(rows)}: {message}."
        for message, rows in about.items()
    ]


def _listing(names: Sequence[str]) -> str:
    """The names, each once, or the first of many and how many more there are."""
    once = list(dict.fromkeys(names))
    if len(once) <= _MOST_NAMED:
        return ", ".join(once)
    return f"{', '.join(once[:_MOST_NAMED])} and {len(once) - _MOST_NAMED} more"


def _different(frame: pd.DataFrame, name: str) -> list[str]:
    if name not in frame:
        return []
    texts = dict.fromkeys(cell_text(value) for value in frame[name])
    return [text for text in texts if text and text != "none"]
