"""Which methods differ: Friedman's test over all, Wilcoxon's over each pair with Holm's correction, effect sizes."""

import pandas as pd

from study.statistics.method_tests import FriedmanTest, PairedTest, friedman_test, wilcoxon_tests
from study.tables.basis import BASIS, COUNTS, basis, counts, ends, frame_of, joined
from study.tables.screening import screened
from study.tables.votes import Analysis, StudyVotes

_NUMBERS = ("statistic", "degrees_of_freedom", "p", "p_holm", "kendall_w", "rank_biserial", "cohen_dz")


def method_tests(votes: StudyVotes, analysis: Analysis | None = None) -> pd.DataFrame:
    """Friedman's test over all methods, then Wilcoxon's signed-rank test of every pair; raters are the blocks."""
    analysis = analysis or Analysis()
    ratings, rule = screened(votes, analysis)
    tests = wilcoxon_tests(ratings, confidence=analysis.confidence)
    rows = [_friedman_row(friedman_test(ratings)), *(_paired_row(test) for test in tests)]
    interval = next((test.interval.method for test in tests), "none")
    shared = {**counts(ratings), **basis(votes, analysis, ci_method=interval, screening=rule)}
    words = ("test", "method", "opponent", *BASIS[1:])
    ends_of_difference = ("mean_difference", "ci_low", "ci_high")
    columns = ("test", "method", "opponent", *_NUMBERS, *ends_of_difference, "n_blocks", *COUNTS, *BASIS)
    return frame_of([{**shared, **row} for row in rows], words=words, columns=columns)


def _friedman_row(test: FriedmanTest) -> dict[str, object]:
    return {
        "test": "Friedman",
        "method": "all methods",
        "statistic": test.statistic,
        "degrees_of_freedom": None if test.degrees_of_freedom is None else float(test.degrees_of_freedom),
        "p": test.p_value,
        "kendall_w": test.kendall_w,
        "n_blocks": test.n_blocks,
        "message": test.message or "",
    }


def _paired_row(test: PairedTest) -> dict[str, object]:
    return {
        "test": "Wilcoxon signed-rank",
        "method": test.first,
        "opponent": test.second,
        "statistic": test.statistic,
        "p": test.p_value,
        "p_holm": test.p_holm,
        "rank_biserial": test.rank_biserial,
        "cohen_dz": test.cohen_dz,
        "mean_difference": test.mean_difference,
        **ends(test.interval),
        "n_blocks": test.n_pairs,
        "message": joined(test.message, test.interval.message),
    }
