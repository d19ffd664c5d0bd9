"""How every figure of a study looks, and its bytes as a file: the same on every machine and from every thread.

Colours are Okabe and Ito's, which colour-blind readers can tell apart. No dates, no random ids, no settings of the
machine.
"""

import io
import threading
from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, Literal, ParamSpec

import matplotlib as mpl
from matplotlib.figure import Figure

FigureKind = Literal["svg", "pdf", "png"]
INK, GREY, LIGHT = "#222222", "#767676", "#d9d9d9"
BLUE, ORANGE, GREEN, VERMILION, PURPLE, SKY = "#0072b2", "#e69f00", "#009e73", "#d55e00", "#cc79a7", "#56b4e9"
SERIES = ((BLUE, "o"), (VERMILION, "s"), (GREEN, "^"), (PURPLE, "D"), (ORANGE, "v"), (SKY, "P"), (INK, "X"))
WIDTH_IN = 6.3  # the text width of a one-column page
SCREEN_WIDTH_IN = 4.8  # of figures on a web page, where a phone shows them 350 pixels wide
_DPI = 200
_STYLE: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib, so every machine draws the same letters
    "font.size": 9.0,
    "axes.titlesize": 10.0,
    "axes.labelsize": 9.0,
    "xtick.labelsize": 8.0,
    "ytick.labelsize": 8.0,
    "legend.fontsize": 8.0,
    "axes.edgecolor": GREY,
    "axes.linewidth": 0.8,
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "svg.hashsalt": "study",
    "svg.fonttype": "path",
    "pdf.fonttype": 42,
    "path.simplify": False,
}
_NO_DATES: Mapping[FigureKind, dict[str, str | None]] = {
    "svg": {"Date": None, "Creator": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
    "png": {"Software": None},
}
# matplotlib keeps its settings in one place for all threads; the dashboard draws from several.
_settings_lock = threading.RLock()
_Arguments = ParamSpec("_Arguments")


def in_our_style(draw: Callable[_Arguments, Figure]) -> Callable[_Arguments, Figure]:
    """Draw with our settings whatever the machine's are, and lay out once: a second layout would move things."""

    @wraps(draw)
    def drawn(*args: _Arguments.args, **kwargs: _Arguments.kwargs) -> Figure:
        with _settings_lock, mpl.rc_context():
            mpl.rcdefaults()
            mpl.rcParams.update(_STYLE)
            figure = draw(*args, **kwargs)
            figure.draw_without_rendering()
            figure.set_layout_engine("none")
            return figure

    return drawn


def figure_bytes(figure: Figure, kind: FigureKind) -> bytes:
    """A figure as a file's content, the same for the same figure."""
    buffer = io.BytesIO()
    with _settings_lock, mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(_STYLE)
        figure.savefig(buffer, format=kind, dpi=_DPI, metadata=_NO_DATES[kind], bbox_inches="tight", facecolor="white")
    return buffer.getvalue()
