"""The tables of an export in their order, each with its builder and the form in which it is read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import pandas as pd

from study.export.documents import Form, interval, probability, rounded, text, whole
from study.tables import (
    Analysis,
    StudyVotes,
    agreement,
    answers,
    method_tests,
    metric_stimuli,
    metrics_against_mos,
    mos_by_method,
    mos_by_stimulus,
    pairwise_differences,
    pairwise_matrix,
    pairwise_scale,
    rater_correlations,
    screened_raters,
    screening_ranks,
    side_choices,
)

Builder = Callable[[StudyVotes, Analysis], pd.DataFrame]
MetricBuilder = Callable[[StudyVotes, pd.DataFrame, Analysis], pd.DataFrame]
_COUNTS = (whole("n_raters", "Raters"), whole("n_scenes", "Scenes"), whole("n_votes", "Votes"))


@dataclass(frozen=True)
class Table:
    """A table by its file's name."""

    name: str
    build: Builder
    form: Form


@dataclass(frozen=True)
class MetricTable:
    """A table that also needs metrics of the stimuli."""

    name: str
    build: MetricBuilder
    form: Form


_RATING = (
    Table(
        "mos",
        mos_by_method,
        Form(
            "Mean opinion scores",
            "mos",
            (
                text("method", "Method"),
                rounded("mos", "MOS"),
                interval("ci_low", "ci_high", "CI"),
                interval("naive_low", "naive_high", "Naive CI"),
                rounded("sd", "SD"),
                text("group", "Group"),
                rounded("dmos", "DMOS", optional=True),
                *_COUNTS,
            ),
            key=("method",),
        ),
    ),
    Table(
        "mos-by-stimulus",
        mos_by_stimulus,
        Form(
            "Mean opinion scores of every stimulus",
            "mos-by-stimulus",
            (
                text("scene", "Scene"),
                text("method", "Method"),
                rounded("mos", "MOS"),
                interval("ci_low", "ci_high", "CI"),
                rounded("sd", "SD"),
                rounded("dmos", "DMOS", optional=True),
                whole("n_votes", "Votes"),
            ),
            key=("scene", "method"),
        ),
    ),
    Table(
        "answers",
        answers,
        Form(
            "How often each answer was given",
            "answers",
            (
                text("method", "Method"),
                whole("value", "Answer"),
                whole("n_answers", "Votes"),
                rounded("share", "Share", 3),
            ),
            key=("method",),
        ),
    ),
    Table(
        "tests",
        method_tests,
        Form(
            "Differences between methods",
            "tests",
            (
                text("test", "Test"),
                text("method", "Method"),
                text("opponent", "Against"),
                rounded("statistic", "Statistic", 1),
                probability("p"),
                probability("p_holm", "p (Holm)"),
                rounded("mean_difference", "Difference"),
                interval("ci_low", "ci_high", "CI"),
                rounded("rank_biserial", "Rank-biserial r"),
                whole("n_blocks", "Raters"),
            ),
            key=("method", "opponent"),
        ),
    ),
    Table(
        "agreement",
        agreement,
        Form(
            "Agreement of raters",
            "agreement",
            (
                text("measure", "Measure"),
                rounded("value", "Value", 3),
                interval("ci_low", "ci_high", "CI", 3),
                whole("n_pairs", "Repeats", optional=True),
                *_COUNTS,
            ),
            key=("measure",),
        ),
    ),
    Table(
        "rater-correlations",
        rater_correlations,
        Form(
            "Raters against the mean opinion",
            "rater-correlations",
            (
                text("rater", "Rater"),
                rounded("r", "r with MOS"),
                rounded("r_others", "r with the others"),
                whole("n_votes", "Votes"),
            ),
            key=("rater",),
        ),
    ),
    Table(
        "screening",
        screening_ranks,
        Form(
            "What screening would change",
            "screening",
            (
                text("view", "Screening"),
                text("method", "Method"),
                rounded("mos_before", "MOS before"),
                rounded("mos", "MOS"),
                interval("ci_low", "ci_high", "CI"),
                rounded("mean_rank_before", "Rank before", 1),
                rounded("mean_rank", "Rank", 1),
                whole("n_excluded", "Raters excluded"),
            ),
            key=("view", "method"),
        ),
    ),
    Table(
        "screened-raters",
        screened_raters,
        Form(
            "What every screening says of every rater",
            "screened-raters",
            (
                text("view", "Screening"),
                text("rater", "Rater"),
                text("verdict", "Verdict"),
                text("reason", "Reason"),
                rounded("bias", "Bias"),
                rounded("inconsistency", "Inconsistency"),
                whole("n_votes", "Votes"),
            ),
            key=("view",),
        ),
    ),
)
_PAIRWISE = (
    Table(
        "scale",
        pairwise_scale,
        Form(
            "Scales from paired comparisons",
            "scale",
            (
                text("model", "Model"),
                text("unit", "Unit"),
                text("method", "Method"),
                rounded("score", "Score"),
                interval("ci_low", "ci_high", "CI"),
                whole("wins", "Wins"),
                whole("losses", "Losses"),
                whole("ties", "Ties"),
                *_COUNTS,
            ),
            key=("model", "method"),
        ),
    ),
    Table(
        "differences",
        pairwise_differences,
        Form(
            "Differences on the scales",
            "differences",
            (
                text("model", "Model"),
                text("unit", "Unit"),
                text("method", "Method"),
                text("opponent", "Against"),
                rounded("difference", "Difference"),
                interval("ci_low", "ci_high", "CI"),
            ),
            key=("model", "method", "opponent"),
        ),
    ),
    Table(
        "matrix",
        pairwise_matrix,
        Form(
            "Every method against every other",
            "matrix",
            (
                text("method", "Method"),
                text("opponent", "Against"),
                whole("wins", "Wins"),
                whole("losses", "Losses"),
                whole("ties", "Ties"),
                rounded("share", "Share", 3),
                *_COUNTS,
            ),
            key=("method", "opponent"),
        ),
    ),
    Table(
        "sides",
        side_choices,
        Form(
            "Left or right",
            "sides",
            (
                text("rater", "Rater"),
                whole("left", "Left"),
                whole("right", "Right"),
                whole("ties", "Ties"),
                rounded("share_left", "Share left", 3),
                interval("ci_low", "ci_high", "CI", 3),
                probability("p_holm", "p (Holm)"),
            ),
            key=("rater",),
        ),
    ),
)
METRIC_TABLES = (
    MetricTable(
        "metrics",
        metrics_against_mos,
        Form(
            "Metrics against mean opinion scores",
            "metrics",
            (
                text("metric", "Metric"),
                text("measure", "Measure"),
                rounded("value", "Value", 3),
                interval("ci_low", "ci_high", "CI", 3),
                whole("n_stimuli", "Stimuli"),
            ),
            key=("metric", "measure"),
        ),
    ),
    MetricTable(
        "metrics-by-stimulus",
        metric_stimuli,
        Form(
            "Metrics and mean opinion scores of every stimulus",
            "metrics-by-stimulus",
            (
                text("metric", "Metric"),
                text("scene", "Scene"),
                text("method", "Method"),
                rounded("value", "Value", 3),
                rounded("mos", "MOS"),
                rounded("fitted", "Fitted MOS"),
            ),
            key=("metric", "scene", "method"),
        ),
    ),
)
COMMON_SCALE = Form(
    "Ratings and comparisons on one scale",
    "common-scale",
    (
        text("method", "Method"),
        rounded("score", "Joint score"),
        interval("ci_low", "ci_high", "CI"),
        rounded("mos", "MOS"),
        rounded("pairwise", "Bradley-Terry (logit)"),
        text("verdict", "Verdict"),
        probability("p"),
        *_COUNTS,
        whole("n_comparisons", "Comparisons"),
    ),
    key=("method",),
)
TABLES: Mapping[str, tuple[Table, ...]] = {"rating": _RATING, "pairwise": _PAIRWISE}
