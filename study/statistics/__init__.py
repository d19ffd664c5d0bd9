"""Statistics of votes: pure functions of arrays, results as frozen dataclasses."""

from study.statistics.data import Comparisons, Ratings
from study.statistics.opinion import MeanOpinionScore, mean_opinion_score

__all__ = ["Comparisons", "MeanOpinionScore", "Ratings", "mean_opinion_score"]
