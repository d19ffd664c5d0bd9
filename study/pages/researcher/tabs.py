"""The views of one study, each from the dashboard's values to HTML, and what the address bar may wish for."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, cast
from urllib.parse import urlencode

from markupsafe import Markup

from study.dashboard import Dashboard, PlanQuestion, StudyOverview
from study.figure_style import SCREEN_WIDTH_IN
from study.figures import metric_scatter, mos_forest_plot, pairwise_scale_plot, score_distributions
from study.pages.researcher.grids import SCREENINGS, matrix_grid, mos_grid, progress_grid, screening_grid
from study.pages.researcher.rendering import inline_svg, render, rows_of
from study.tables import SCREENING_RULES, Analysis

_APPLICABLE = {rule: SCREENINGS[rule] for rule in SCREENING_RULES}
_INTERVALS = {"t": "t", "z": "z (1.96)", "bca": "BCa bootstrap"}
_CONFIDENCES = {"0.9": "90 %", "0.95": "95 %", "0.99": "99 %"}
_SHOWN_DAYS = 14
_FAULTY_METRICS = (
    "metrics/{study}.csv in the data folder cannot be used: {error}. Mend or remove the file, then reload this page. "
    "It takes the columns scene, method, metric, value, and metrics by other names than PSNR (dB) and SSIM."
)


@dataclass(frozen=True)
class Wish:
    """What the address bar asks for; whatever makes no sense there falls back to the default."""

    study: str
    tab: str
    values: Mapping[str, str]

    def choice(self, name: str, choices: Sequence[str] | Mapping[str, str]) -> str:
        """One of the choices, the first where another or none is named."""
        value = self.values.get(name, "")
        return value if value in choices else next(iter(choices))

    def number(self, name: str, default: float, *, low: float, high: float) -> float:
        """A number within bounds."""
        try:
            value = float(self.values.get(name, ""))
        except ValueError:
            return default
        return value if low <= value <= high else default

    def analysis(self) -> Analysis:
        """The choices of screening, interval and confidence."""
        confidence = self.values.get("confidence", "0.95")
        return Analysis(
            confidence=float(confidence) if confidence in _CONFIDENCES else 0.95,
            screening=self.choice("screening", _APPLICABLE),
            interval=cast(Literal["t", "z", "bca"], self.choice("interval", _INTERVALS)),
        )


@dataclass(frozen=True)
class Tab:
    """One view of a study."""

    title: str
    modes: frozenset[str]
    build: Callable[[Dashboard, StudyOverview, Wish], str]


def studies_view(dashboard: Dashboard) -> str:
    """All studies, newest first."""
    return render("studies.html", {"overviews": dashboard.overviews()})


def tabs_of(overview: StudyOverview) -> dict[str, Tab]:
    """The tabs that this study's mode has."""
    return {name: tab for name, tab in TABS.items() if overview.study.mode in tab.modes}


def study_view(overview: StudyOverview, *, tab: str, content: str) -> str:
    """A study's heading and tabs around one tab's content, which is rendered HTML."""
    return render("study.html", {"overview": overview, "tabs": tabs_of(overview), "current": tab, "content": content})


def _progress(dashboard: Dashboard, overview: StudyOverview, _wish: Wish) -> str:
    days = dashboard.days(overview.study.name)[-_SHOWN_DAYS:]
    context = {
        "overview": overview,
        "grid": progress_grid(overview),
        "days": days,
        "busiest": max((day.votes for day in days), default=1),
    }
    return render("progress.html", context)


def _scores(dashboard: Dashboard, overview: StudyOverview, wish: Wish) -> str:
    name, analysis = overview.study.name, wish.analysis()
    mos = dashboard.table(name, "mos_by_method", analysis)
    of_stimuli = dashboard.table(name, "mos_by_stimulus", analysis)
    answers = dashboard.table(name, "answers", analysis)

    def draw_forest() -> Markup:
        return inline_svg(mos_forest_plot(mos, width_in=SCREEN_WIDTH_IN), says="MOS per method with both intervals")

    def draw_answers() -> Markup:
        return inline_svg(score_distributions(answers, width_in=SCREEN_WIDTH_IN), says="Answers per method")

    has_votes = bool(overview.progress.answered)
    context = {
        "overview": overview,
        "rows": rows_of(mos),
        "analysis": _analysis_form(overview, analysis, tab="scores"),
        "forest": dashboard.remembered(name, ("forest", analysis), draw_forest) if has_votes else None,
        "distributions": dashboard.remembered(name, ("spread", analysis), draw_answers) if has_votes else None,
        "grid": mos_grid(rows_of(of_stimuli), overview.study),
        "download": _download(overview, ("mos_by_method", "mos_by_stimulus", "answers"), analysis),
    }
    return render("scores.html", context)


def _preferences(dashboard: Dashboard, overview: StudyOverview, wish: Wish) -> str:
    name, analysis = overview.study.name, wish.analysis()
    scale = dashboard.table(name, "pairwise_scale", analysis)
    matrix = rows_of(dashboard.table(name, "pairwise_matrix", analysis))

    def draw_scale() -> Markup:
        return inline_svg(pairwise_scale_plot(scale, width_in=SCREEN_WIDTH_IN), says="Methods on each model's scale")

    has_votes = bool(overview.progress.answered)
    figure = dashboard.remembered(name, ("scale", analysis), draw_scale) if has_votes else None
    context = {
        "overview": overview,
        "rows": rows_of(scale),
        "figure": figure,
        "grid": matrix_grid(matrix, overview.study.methods),
        "sides": rows_of(dashboard.table(name, "side_choices", analysis).head(1)),
        "download": _download(overview, ("pairwise_scale", "pairwise_matrix", "pairwise_differences"), analysis),
    }
    return render("preferences.html", context)


def _tests(dashboard: Dashboard, overview: StudyOverview, wish: Wish) -> str:
    name, analysis = overview.study.name, wish.analysis()
    form = _analysis_form(overview, analysis, tab="tests")
    form["selects"] = [select for select in form["selects"] if select[0] != "interval"]
    context = {
        "overview": overview,
        "agreement": rows_of(dashboard.table(name, "agreement", analysis)),
        "tests": rows_of(dashboard.table(name, "method_tests", analysis)),
        "analysis": form,
        "download": _download(overview, ("agreement", "method_tests"), analysis),
    }
    return render("tests.html", context)


def _raters(dashboard: Dashboard, overview: StudyOverview, _wish: Wish) -> str:
    raters = dashboard.raters(overview.study.name)
    return render("raters.html", {"overview": overview, "raters": raters})


def _pictures(dashboard: Dashboard, overview: StudyOverview, wish: Wish) -> str:
    study = overview.study
    method = wish.values.get("method", "")
    is_method = method in study.methods
    scene = wish.choice("scene", study.scenes)
    close_up = dashboard.close_up(study.name, scene=None if is_method else scene, method=method if is_method else None)
    return render("pictures.html", {"overview": overview, "close_up": close_up})


def _screening(dashboard: Dashboard, overview: StudyOverview, _wish: Wish) -> str:
    ranks = rows_of(dashboard.table(overview.study.name, "screening_ranks"))
    raters = rows_of(dashboard.table(overview.study.name, "screened_raters"))
    context = {
        "overview": overview,
        "grid": screening_grid(ranks),
        "excluded": [row for row in raters if row["verdict"] == "excluded"],
        "names": SCREENINGS,
        "download": _download(overview, ("screening_ranks", "screened_raters"), Analysis()),
    }
    return render("screening.html", context)


def _metrics(dashboard: Dashboard, overview: StudyOverview, _wish: Wish) -> str:
    name = overview.study.name
    try:
        found = dashboard.metrics(name) if overview.progress.answered else None
    except ValueError as error:
        return render("message.html", {"message": _FAULTY_METRICS.format(study=name, error=error)})
    figure = None
    if found is not None and not found.stimuli.empty:
        stimuli, against = found.stimuli, found.agreement

        def draw() -> Markup:
            return inline_svg(
                metric_scatter(stimuli, against, width_in=SCREEN_WIDTH_IN), says="MOS against each metric"
            )

        figure = dashboard.remembered(name, ("metrics", found.key), draw)
    rows = [] if found is None else rows_of(found.agreement)
    return render("metrics.html", {"overview": overview, "rows": rows, "figure": figure, "found": found})


def _planning(dashboard: Dashboard, overview: StudyOverview, wish: Wish) -> str:
    study = overview.study
    question = PlanQuestion(
        method=wish.choice("method", study.methods),
        opponent=wish.choice("opponent", study.methods[1:] + study.methods[:1]),
        half_width=wish.number("half_width", 0.25, low=0.01, high=10),
        deviation=wish.number("deviation", 1.0, low=0.01, high=20),
        difference=wish.number("difference", 0.5, low=0.01, high=10),
        power=wish.number("power", 0.8, low=0.06, high=0.99),  # chance alone has .05, the significance
        scenes=int(wish.number("scenes", len(study.scenes), low=2, high=1000)),
        repeats=int(wish.number("repeats", 1, low=1, high=20)),
    )
    answer = dashboard.plan(study.name, question)
    return render("planning.html", {"overview": overview, "question": question, "answer": answer})


def _analysis_form(overview: StudyOverview, analysis: Analysis, *, tab: str) -> dict[str, Any]:
    return {
        "study": overview.study.name,
        "tab": tab,
        "selects": (
            ("screening", "Screening of raters", _APPLICABLE, analysis.screening),
            ("interval", "Interval beside it", _INTERVALS, analysis.interval),
            ("confidence", "Confidence", _CONFIDENCES, str(analysis.confidence)),
        ),
    }


def _download(overview: StudyOverview, tables: Sequence[str], analysis: Analysis) -> list[tuple[str, str]]:
    """File names and addresses of the tables on this tab, as CSV."""
    chosen = {"screening": analysis.screening, "interval": analysis.interval, "confidence": str(analysis.confidence)}
    return [(f"{name}.csv", f"table/{overview.study.name}/{name}.csv?{urlencode(chosen)}") for name in tables]


_BOTH, _RATING, _PAIRWISE = frozenset({"rating", "pairwise"}), frozenset({"rating"}), frozenset({"pairwise"})
TABS = {
    "progress": Tab("Progress", _BOTH, _progress),
    "scores": Tab("Scores", _RATING, _scores),
    "preferences": Tab("Preferences", _PAIRWISE, _preferences),
    "pictures": Tab("Pictures", _BOTH, _pictures),
    "raters": Tab("Raters", _BOTH, _raters),
    "screening": Tab("Screening", _RATING, _screening),
    "tests": Tab("Agreement and tests", _RATING, _tests),
    "metrics": Tab("Metrics", _RATING, _metrics),
    "planning": Tab("Planning", _BOTH, _planning),
}
