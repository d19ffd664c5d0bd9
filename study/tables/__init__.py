"""The tables of a study as data frames: what the dashboard shows and the exports write, from the same functions.

Every builder takes votes and an `Analysis`, and returns a frame whose rows say what they rest on: raters, scenes,
votes, interval, screening, scale, and how many raters are simulated. What does not exist is missing, and `message`
says why.
"""

from study.tables.agreement import agreement, rater_correlations
from study.tables.common_scale import common_scale
from study.tables.differences import method_tests
from study.tables.metrics import check_metrics, metric_stimuli, metrics_against_mos
from study.tables.opinion import answers, mos_by_method, mos_by_stimulus
from study.tables.pairwise import pairwise_differences, pairwise_matrix, pairwise_scale, side_choices
from study.tables.screening import screened_raters, screening_ranks
from study.tables.votes import (
    SCREENING_RULES,
    Analysis,
    StudyFacts,
    StudyVotes,
    pairwise_scale_name,
    study_facts,
    votes_from_frame,
)

__all__ = [
    "SCREENING_RULES",
    "Analysis",
    "StudyFacts",
    "StudyVotes",
    "agreement",
    "answers",
    "check_metrics",
    "common_scale",
    "method_tests",
    "metric_stimuli",
    "metrics_against_mos",
    "mos_by_method",
    "mos_by_stimulus",
    "pairwise_differences",
    "pairwise_matrix",
    "pairwise_scale",
    "pairwise_scale_name",
    "rater_correlations",
    "screened_raters",
    "screening_ranks",
    "side_choices",
    "study_facts",
    "votes_from_frame",
]
