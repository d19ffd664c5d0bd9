"""Ratings and comparisons of the same methods on one scale, and whether the two kinds of vote agree."""

import pandas as pd

from study.statistics.one_scale import UnifiedScale, UnifiedScore, unify_scales
from study.tables.basis import BASIS, COUNTS, basis, counts, ends, frame_of, joined
from study.tables.votes import Analysis, StudyVotes


def common_scale(rated: StudyVotes, compared: StudyVotes, analysis: Analysis | None = None) -> pd.DataFrame:
    """Every method that both studies have, its comparisons carried over to units of MOS, best first.

    A method without votes of both kinds keeps its row.

    Raises:
        ValueError: the studies have no method in common.
        NotConverged: no slope links the two.
    """
    analysis = analysis or Analysis()
    ratings, comparisons = rated.rated.first_votes(), compared.compared.first_votes()
    if not set(ratings.methods) & set(comparisons.methods):
        raise ValueError(f"{rated.facts.name} and {compared.facts.name} have no method in common")
    unified = unify_scales(ratings, comparisons, confidence=analysis.confidence)
    shared = {**counts(ratings), **basis(rated, analysis, ci_method="none")}
    shared["n_comparisons"] = comparisons.n
    shared["simulated"] = f"{rated.simulated_raters} (ratings), {compared.simulated_raters} (comparisons)"
    shared["verdict"] = _verdict(unified)
    rows = [{**shared, **_scored(score, unified)} for score in unified.methods]
    told = {row["method"] for row in rows}
    without = {**shared, "message": joined("no votes of both kinds", unified.message)}
    both = [method for method in ratings.methods if method in comparisons.methods and method not in told]
    rows += [{**without, "method": method} for method in both]
    rows.sort(key=lambda row: (row.get("score") is None, -float(str(row.get("score") or 0))))
    numbers = ("score", "ci_low", "ci_high", "mos", "pairwise", "f_statistic", "p", "correlation")
    columns = ("method", *numbers, "verdict", *COUNTS, "n_comparisons", *BASIS)
    return frame_of(rows, words=("method", "verdict", *BASIS[1:]), columns=columns)


def _scored(score: UnifiedScore, unified: UnifiedScale) -> dict[str, object]:
    """What the joint scale says of one method."""
    return {
        "method": score.method,
        "score": score.score,
        **ends(score.interval),
        "mos": score.mos,
        "pairwise": score.pairwise,
        "ci_method": score.interval.method,
        "f_statistic": unified.statistic,
        "p": unified.p_value,
        "correlation": unified.correlation,
        "message": joined(unified.message, score.interval.message),
    }


def _verdict(unified: UnifiedScale) -> str:
    if unified.agrees is None:
        return "not decided"
    return "ratings and comparisons agree" if unified.agrees else "ratings and comparisons disagree"
