"""What a reader must find in the figures: whole names, how many votes, every panel's scale, why nothing is drawn."""

import pytest

from study.figure_style import SCREEN_WIDTH_IN, figure_bytes
from study.figures import metric_scatter, mos_forest_plot, score_distributions
from study.tables import answers, metric_stimuli, metrics_against_mos, mos_by_method
from tests.study.sample_votes import QUICK, metrics_frame, rating_export, rating_frame

LONG = "network_with_a_long_name_and_version_7"


def labels(axis) -> list[str]:
    """The tick labels that are shown."""
    return [tick.label1.get_text() for tick in axis.get_major_ticks() if tick.label1.get_visible()]


def test_names_break_behind_underscores_and_stand_with_their_votes():
    frame = rating_frame().replace({"method": {"glass_net": LONG}})
    methods = ("reference", LONG, "gaussian", "unprocessed")
    figure = mos_forest_plot(mos_by_method(rating_export(frame, methods=methods).votes(), QUICK))
    shown = next(label for label in labels(figure.axes[0].yaxis) if label.startswith("network"))
    n = int((frame["method"] == LONG).sum() - (frame.query("purpose != 'main'")["method"] == LONG).sum())
    assert "".join(shown.split()) == f"{LONG}(n={n})"
    assert [line.endswith("_") for line in shown.split("\n")] == [True, False]


@pytest.mark.parametrize("width_in", [6.3, SCREEN_WIDTH_IN])
def test_the_lowest_panel_of_every_column_names_the_answers(width_in):
    figure = score_distributions(answers(rating_export().votes(), QUICK), width_in=width_in)
    panels = [axes for axes in figure.axes if axes.get_visible()]
    lowest = {axes.get_subplotspec().colspan.start: axes for axes in panels}
    assert {tuple(labels(axes.xaxis)) for axes in lowest.values()} == {("0", "1", "2", "3", "4", "5")}


def test_an_empty_study_has_a_figure_that_says_so():
    figure = mos_forest_plot(mos_by_method(rating_export(rating_frame().iloc[:0]).votes(), QUICK))
    assert "no votes" in figure.axes[0].texts[0].get_text()


def test_a_figure_is_as_wide_as_asked_and_of_the_same_bytes_each_time():
    votes = rating_export().votes()
    tables = metric_stimuli(votes, metrics_frame(), QUICK), metrics_against_mos(votes, metrics_frame(), QUICK)
    figures = [metric_scatter(*tables, width_in=SCREEN_WIDTH_IN) for _ in range(2)]
    assert figures[0].get_figwidth() == SCREEN_WIDTH_IN
    assert figure_bytes(figures[0], "svg") == figure_bytes(figures[1], "svg")
