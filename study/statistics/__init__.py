"""Statistics of votes: pure functions of arrays, results as frozen dataclasses."""

from study.statistics.opinion import MeanOpinionScore, mean_opinion_score

__all__ = ["MeanOpinionScore", "mean_opinion_score"]
