"""Statistics of votes: pure functions of arrays, results as frozen dataclasses.

What does not exist (an interval of one vote, a scale of methods never compared) is None beside a message that says
why; NaN never leaves these functions.
"""

from study.statistics.data import Comparisons, Ratings
from study.statistics.intervals import Interval, bca_interval, t_interval, z_interval
from study.statistics.opinion import MeanOpinionScore, StimulusScore, mean_opinion_score, stimulus_scores
from study.statistics.two_way import MethodScore, VarianceComponents, method_scores, two_way_score, variance_components

__all__ = [
    "Comparisons",
    "Interval",
    "MeanOpinionScore",
    "MethodScore",
    "Ratings",
    "StimulusScore",
    "VarianceComponents",
    "bca_interval",
    "mean_opinion_score",
    "method_scores",
    "stimulus_scores",
    "t_interval",
    "two_way_score",
    "variance_components",
    "z_interval",
]
