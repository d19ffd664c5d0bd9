"""From values to HTML: the templates, how numbers are written, and figures in the page's own ink."""

import re
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from matplotlib.figure import Figure

from study.figure_style import BLUE, GREY, INK, LIGHT, figure_bytes

_TEMPLATES = Path(__file__).parents[1] / "static" / "researcher"
MISSING = "\N{EN DASH}"
# The figures' colours on paper, and what stands for them on the page, so that dark mode is dark.
_INK = {
    INK: "currentColor",
    "#ffffff": "var(--card)",
    GREY: "var(--soft)",
    LIGHT: "var(--line)",
    BLUE: "var(--accent)",
}


def render(template: str, context: Mapping[str, object]) -> str:
    """Fill one of the page's templates; every value is escaped."""
    return _environment.get_template(template).render(context)


def rows_of(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """A frame's rows with None for what is missing."""
    plain = frame.astype(object)
    return [
        {str(name): value for name, value in row.items()} for row in plain.where(plain.notna(), None).to_dict("records")
    ]


def inline_svg(figure: Figure, *, says: str) -> Markup:
    """A figure as part of the page, in its colours; `says` is read to those who do not see it."""
    svg = figure_bytes(figure, "svg").decode("utf-8")
    svg = re.sub(r"<!--.*?-->", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    for paper, page in _INK.items():
        svg = svg.replace(paper, page)
    label = Markup.escape(says)
    return Markup(svg.replace("<svg", f'<svg role="img" aria-label="{label}"', 1))


def _number(value: float | None, digits: int = 2) -> str:
    """Fixed digits, a true minus sign; a dash for what does not exist."""
    if value is None:
        return MISSING
    shown = f"{value:,.{digits}f}"
    return (shown if shown.strip("-0.") else shown.lstrip("-")).replace("-", "\N{MINUS SIGN}")


def _counted(count: int, what: str) -> str:
    """A count with its noun: 1 scene, 8 scenes."""
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _percent(value: float | None, digits: int = 0) -> str:
    return MISSING if value is None else f"{_number(100 * value, digits)} %"


def _interval(low: float | None, high: float | None, digits: int = 2) -> str:
    return MISSING if low is None or high is None else f"{_number(low, digits)} to {_number(high, digits)}"


def _p_value(value: float | None) -> str:
    return MISSING if value is None else "< 0.001" if value < 0.001 else f"{value:.3f}"


def _day(value: date) -> str:
    return f"{value.day} {value:%b}"


def _breakable(name: str) -> Markup:
    """A name that may wrap behind its underscores, dashes and slashes."""
    return Markup(re.sub(r"([_/-])", r"\1<wbr>", str(Markup.escape(name))))


def _environment_of(folder: Path) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(folder),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        breakable=_breakable, counted=_counted, number=_number, percent=_percent, p_value=_p_value, day=_day
    )
    environment.globals.update(interval=_interval)
    return environment


_environment = _environment_of(_TEMPLATES)
