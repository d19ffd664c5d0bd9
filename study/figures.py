"""The figures of a study, each drawn from the tables it shows, as matplotlib figures without a window.

Colour maps are matplotlib's cividis and PuOr, which colour-blind readers can tell apart; nothing is said by colour
alone.
"""

import re
from collections.abc import Sequence
from textwrap import fill, wrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from study.figure_style import BLUE, GREY, INK, LIGHT, SERIES, VERMILION, WIDTH_IN, in_our_style

_NAME_WIDTH = 26  # characters of a method's or scene's name on one line


@in_our_style
def mos_forest_plot(mos_by_method: pd.DataFrame, *, width_in: float = WIDTH_IN) -> Figure:
    """MOS per method, best on top: the two-way interval as a thick line, the naive one as a thin line beside it.

    Args:
        mos_by_method: The table of that name; methods without votes are left out.
        width_in: Of the figure, in inches; here and in the other figures that take it.
    """
    rated = mos_by_method.dropna(subset=["mos"]).iloc[::-1]
    if rated.empty:
        return _message(mos_by_method, "no ratings yet")
    figure, axes = _figure(height=0.9 + 0.42 * len(rated), width=width_in)
    places = np.arange(len(rated))
    mos = _floats(rated["mos"])
    _intervals(axes, rated, places=places, ends=("ci_low", "ci_high"), color=BLUE, width=2.6)
    _intervals(axes, rated, places=places - 0.22, ends=("naive_low", "naive_high"), color=GREY, width=1.0)
    axes.plot(mos, places, "o", color=BLUE, markersize=6, markeredgecolor="white", markeredgewidth=0.8)
    axes.set_yticks(places, _counted(rated["method"], rated["n_votes"]))
    axes.set_ylim(-0.6, len(rated) - 0.4)
    _scale_limits(axes, rated)
    axes.set_xlabel(f"MOS, scale {_short_scale(rated)}")
    axes.grid(axis="x", color=LIGHT, linewidth=0.6)
    confidence = f"{float(rated['confidence'].iloc[0]):.0%}"
    handles = [
        axes.plot([], [], "-o", color=BLUE, linewidth=2.6, markeredgecolor="white")[0],
        axes.plot([], [], "-", color=GREY, linewidth=1.0)[0],
    ]
    labels = [f"MOS, {confidence} CI over raters and scenes", f"{confidence} CI, votes taken as independent"]
    figure.legend(handles, labels, loc="outside upper left", ncols=_legend_columns(width_in), frameon=False)
    _say_simulated(figure, rated)
    return figure


def _figure(*, height: float, width: float = WIDTH_IN) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _message(frame: pd.DataFrame, otherwise: str) -> Figure:
    """A figure that says why there is nothing to see."""
    figure, axes = _figure(height=1.2)
    axes.axis("off")
    messages = list(dict.fromkeys(str(message) for message in frame.get("message", ()) if message))
    axes.text(0.5, 0.5, fill("; ".join(messages) or otherwise, 80), ha="center", va="center", color=GREY)
    return figure


def _floats(column: pd.Series) -> np.ndarray:
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def _wrapped(name: object, width: int = _NAME_WIDTH) -> str:
    """A name on lines that leave room for the plot, broken behind its underscores; never read as mathematics."""
    lines = [""]
    for part in re.findall(r"[^ _/-]*[ _/-]+|[^ _/-]+", str(name)):
        if lines[-1] and len((lines[-1] + part).rstrip()) > width:
            lines.append("")
        lines[-1] += part
    return "\n".join(piece for line in lines for piece in wrap(line, width)).replace("$", r"\$")


def _counted(names: pd.Series, votes: pd.Series) -> list[str]:
    """Names with the number of votes behind each."""
    return [_wrapped(f"{name} (n\u00a0=\u00a0{n:,})") for name, n in zip(names, votes, strict=True)]


def _legend_columns(width_in: float) -> int:
    """How many entries of about 30 letters fit beside each other."""
    return max(1, int(width_in / 3))


def _intervals(
    axes: Axes, frame: pd.DataFrame, *, places: np.ndarray, ends: tuple[str, str], color: str, width: float
) -> None:
    low, high = (_floats(frame[name]) for name in ends)
    there = np.isfinite(low) & np.isfinite(high)
    axes.hlines(places[there], low[there], high[there], color=color, linewidth=width)


def _short_scale(frame: pd.DataFrame) -> str:
    return str(frame["scale"].iloc[0]).split(" (", maxsplit=1)[0]


def _scale_limits(axes: Axes, frame: pd.DataFrame) -> None:
    """Show the whole scale where it is known, and intervals that leave it."""
    ends = np.concatenate([_floats(frame[name]) for name in ("mos", "ci_low", "ci_high", "naive_low", "naive_high")])
    low, high = float(np.nanmin(ends)), float(np.nanmax(ends))
    if "scale_min" in frame and frame["scale_min"].notna().all():
        low = min(low, float(frame["scale_min"].iloc[0]))
        high = max(high, float(frame["scale_max"].iloc[0]))
    margin = 0.03 * (high - low or 1)
    axes.set_xlim(low - margin, high + margin)


def _say_simulated(figure: Figure, frame: pd.DataFrame) -> None:
    """Never let simulated raters pass for people."""
    simulated = str(frame["simulated"].iloc[0])
    if not simulated.startswith("0 of"):
        figure.supxlabel(f"{simulated} raters are simulated", fontsize=7.5, color=VERMILION, x=0.995, ha="right")


@in_our_style
def score_distributions(answers: pd.DataFrame, *, width_in: float = WIDTH_IN) -> Figure:
    """How often each value of the scale was given, one panel a method in the order of the table.

    Args:
        answers: The table of answers: method, value, share, n_answers.
    """
    if answers.empty or answers["share"].isna().all():
        return _message(answers, "no ratings yet")
    methods = list(dict.fromkeys(answers["method"]))
    columns = min(int(width_in / 2), len(methods))
    lines = -(-len(methods) // columns)
    figure = Figure(figsize=(width_in, 0.5 + 1.45 * lines), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(lines, columns, sharex=True, sharey=True, squeeze=False)
    for axes, method in zip(panels.flat, methods, strict=False):
        of_method = answers[answers["method"] == method]
        value, share = _floats(of_method["value"]), np.nan_to_num(_floats(of_method["share"]))
        step = float(np.diff(np.unique(value)).min()) if value.size > 1 else 1.0
        axes.bar(value, share * 100, width=0.8 * step, color=BLUE)
        axes.set_title(*_counted(of_method["method"][:1], of_method["n_votes"][:1]), fontsize=8.5)
        if value.size <= 11:
            axes.set_xticks(value)
        axes.grid(axis="y", color=LIGHT, linewidth=0.6)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    for axes in list(panels.flat)[len(methods) :]:
        axes.set_visible(False)
    for axes in list(panels.flat)[: len(methods)][-columns:]:  # the lowest of each column, also above an empty place
        axes.tick_params(labelbottom=True)
    figure.supylabel("votes (%)", fontsize=9)
    panels[-1][0].set_xlabel(f"answer, scale {_short_scale(answers)}")
    _say_simulated(figure, answers)
    return figure


@in_our_style
def scene_heat_map(mos_by_stimulus: pd.DataFrame) -> Figure:
    """MOS of every stimulus, scenes down and methods across, each cell with its number.

    Args:
        mos_by_stimulus: The table of that name; a stimulus without votes is a blank cell.
    """
    if mos_by_stimulus.empty or mos_by_stimulus["mos"].isna().all():
        return _message(mos_by_stimulus, "no ratings yet")
    scenes = list(dict.fromkeys(mos_by_stimulus["scene"]))
    methods = list(dict.fromkeys(mos_by_stimulus["method"]))
    cells = _grid(mos_by_stimulus, rows=scenes, columns=methods, value="mos", keys=("scene", "method"))
    figure, axes = _figure(height=1.3 + 0.3 * len(scenes), width=min(WIDTH_IN, 2.6 + 0.85 * len(methods)))
    low, high = (float(f(cells)) for f in (np.nanmin, np.nanmax))
    if mos_by_stimulus["scale_min"].notna().all():
        low, high = float(mos_by_stimulus["scale_min"].iloc[0]), float(mos_by_stimulus["scale_max"].iloc[0])
    image = axes.imshow(cells, cmap="cividis", vmin=low, vmax=high, aspect="auto")
    if len(scenes) * len(methods) <= 400:
        _cell_numbers(axes, cells, form="{:.1f}", dark_below=(low + high) / 2)
    _name_grid(axes, rows=scenes, columns=methods)
    figure.colorbar(image, ax=axes, label=f"MOS, scale {_short_scale(mos_by_stimulus)}", fraction=0.05, pad=0.02)
    _say_simulated(figure, mos_by_stimulus)
    return figure


def _grid(
    frame: pd.DataFrame, *, rows: Sequence[str], columns: Sequence[str], value: str, keys: tuple[str, str]
) -> np.ndarray:
    """One column of a frame as an array [rows, columns], NaN where the frame has none."""
    cells = np.full((len(rows), len(columns)), np.nan)
    down, across = ({name: place for place, name in enumerate(names)} for names in (rows, columns))
    for row, column, number in zip(frame[keys[0]], frame[keys[1]], _floats(frame[value]), strict=True):
        cells[down[row], across[column]] = number
    return cells


def _cell_numbers(axes: Axes, cells: np.ndarray, *, form: str, dark_below: float) -> None:
    for (row, column), number in np.ndenumerate(cells):
        shown, color = ("\u2013", GREY) if np.isnan(number) else (form.format(number), INK)
        if not np.isnan(number) and number < dark_below:
            color = "white"
        axes.text(column, row, shown, ha="center", va="center", color=color, fontsize=7.5)


def _name_grid(axes: Axes, *, rows: Sequence[str], columns: Sequence[str]) -> None:
    axes.set_yticks(range(len(rows)), [_wrapped(name) for name in rows])
    axes.set_xticks(range(len(columns)), [_wrapped(name) for name in columns], rotation=35, ha="right")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


@in_our_style
def pairwise_matrix_plot(pairwise_matrix: pd.DataFrame) -> Figure:
    """How often the method of the row was preferred to that of the column, ties halved, in per cent.

    Args:
        pairwise_matrix: The table of that name; pairs that were never shown are blank.
    """
    if pairwise_matrix.empty or pairwise_matrix["share"].isna().all():
        return _message(pairwise_matrix, "no comparisons yet")
    methods = list(dict.fromkeys(pairwise_matrix["method"]))
    cells = 100 * _grid(pairwise_matrix, rows=methods, columns=methods, value="share", keys=("method", "opponent"))
    figure, axes = _figure(height=1.6 + 0.42 * len(methods), width=min(WIDTH_IN, 2.8 + 0.75 * len(methods)))
    image = axes.imshow(cells, cmap="PuOr_r", vmin=0, vmax=100)
    for (row, column), number in np.ndenumerate(cells):
        shown = "" if row == column else "\u2013" if np.isnan(number) else f"{number:.0f}"
        color = "white" if abs(number - 50) > 33 else INK
        axes.text(column, row, shown, ha="center", va="center", color=color, fontsize=8)
    _name_grid(axes, rows=methods, columns=methods)
    axes.set_xlabel("... to this")
    axes.set_ylabel("preferred ...")
    figure.colorbar(image, ax=axes, label="preferred (%), ties halved", fraction=0.05, pad=0.02)
    _say_simulated(figure, pairwise_matrix)
    return figure


@in_our_style
def pairwise_scale_plot(pairwise_scale: pd.DataFrame, *, width_in: float = WIDTH_IN) -> Figure:
    """Methods on the scale of every fitted model, best on top, with bootstrap intervals; one panel a model.

    Args:
        pairwise_scale: The table of that name.
    """
    fitted = pairwise_scale.dropna(subset=["score"])
    if fitted.empty:
        return _message(pairwise_scale, "no comparisons yet")
    models = list(dict.fromkeys(fitted["model"]))
    methods = list(dict.fromkeys(fitted[fitted["model"] == models[0]].sort_values("score")["method"]))
    figure = Figure(figsize=(width_in, 1.0 + 0.42 * len(methods)), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(models), sharey=True, squeeze=False)[0]
    for axes, model, (color, marker) in zip(panels, models, SERIES, strict=False):
        of_model = fitted[fitted["model"] == model].set_index("method").reindex(methods)
        places = np.arange(len(methods))
        _intervals(axes, of_model, places=places, ends=("ci_low", "ci_high"), color=color, width=2.4)
        axes.plot(_floats(of_model["score"]), places, marker, color=color, markersize=6, markeredgecolor="white")
        axes.axvline(0, color=GREY, linewidth=0.8, linestyle=":")
        axes.set_title(model)
        axes.set_xlabel(str(of_model["unit"].dropna().iloc[0]))
        axes.grid(axis="x", color=LIGHT, linewidth=0.6)
        axes.spines[["top", "right"]].set_visible(False)
    votes = fitted.drop_duplicates("method").set_index("method")["n_votes"].reindex(methods)
    panels[0].set_yticks(np.arange(len(methods)), _counted(pd.Series(methods), votes))
    panels[0].set_ylim(-0.6, len(methods) - 0.4)
    _say_simulated(figure, fitted)
    return figure


@in_our_style
def metric_scatter(stimuli: pd.DataFrame, agreement: pd.DataFrame, *, width_in: float = WIDTH_IN) -> Figure:
    """MOS of every stimulus against each metric, methods apart by colour and mark, with the fitted logistic curve.

    Args:
        stimuli: The table of metrics and MOS per stimulus: metric, method, value, mos, fitted.
        agreement: The table of metrics against MOS, whose PLCC and SROCC each panel quotes.
    """
    shown = stimuli.dropna(subset=["value", "mos"])
    if shown.empty:
        return _message(stimuli, "no metric values and ratings of the same stimuli")
    metrics, methods = (list(dict.fromkeys(shown[name])) for name in ("metric", "method"))
    columns = min(int(width_in / 2), len(metrics))
    lines = -(-len(metrics) // columns)
    figure = Figure(figsize=(width_in, 0.7 + 2.3 * lines), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(lines, columns, sharey=True, squeeze=False)
    for axes, metric in zip(panels.flat, metrics, strict=False):
        _scatter_panel(axes, shown[shown["metric"] == metric], methods)
        axes.set_xlabel(metric)
        axes.set_title(_quoted(agreement, metric), fontsize=8)
    for axes in list(panels.flat)[len(metrics) :]:
        axes.set_visible(False)
    panels[0][0].set_ylabel(f"MOS, scale {_short_scale(shown)}")
    handles, labels = panels[0][0].get_legend_handles_labels()
    figure.legend(
        handles, labels, loc="outside upper left", ncols=min(_legend_columns(width_in) + 1, len(labels)), frameon=False
    )
    _say_simulated(figure, shown)
    return figure


def _scatter_panel(axes: Axes, of_metric: pd.DataFrame, methods: Sequence[str]) -> None:
    curve = of_metric.dropna(subset=["fitted"]).sort_values("value")
    axes.plot(_floats(curve["value"]), _floats(curve["fitted"]), "-", color=GREY, linewidth=1.2)
    for place, method in enumerate(methods):
        color, marker = SERIES[place % len(SERIES)]
        points = of_metric[of_metric["method"] == method]
        x, y = _floats(points["value"]), _floats(points["mos"])
        name = _wrapped(method).replace("\n", " ")
        axes.plot(x, y, marker, color=color, markersize=4.5, markeredgecolor="white", markeredgewidth=0.5, label=name)
    axes.grid(color=LIGHT, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)


def _quoted(agreement: pd.DataFrame, metric: str) -> str:
    of_metric = agreement[(agreement["metric"] == metric) & agreement["value"].notna()]
    values = dict(zip(of_metric["measure"], of_metric["value"], strict=True))
    return ", ".join(f"{name} {float(values[name]):.2f}" for name in ("PLCC", "SROCC") if name in values)
