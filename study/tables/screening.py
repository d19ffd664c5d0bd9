"""Screenings side by side: what each rule says of every rater, and what it would change in the ranks.

No rule changes a vote. A researcher chooses in `Analysis.screening` whose votes the other tables rest on.
"""

import pandas as pd

from study.statistics.annex_e import screening_views
from study.statistics.data import Ratings
from study.statistics.screening import ScreeningView, bt500_view, p913_view, rank_changes
from study.tables.basis import BASIS, COUNTS, NOT_SCREENED, basis, counts, ends, frame_of, joined
from study.tables.votes import Analysis, StudyVotes

_RULES = {"bt500": bt500_view, "p913": p913_view}
_VERDICT_WORDS = {True: "kept", False: "excluded"}


def screened(votes: StudyVotes, analysis: Analysis) -> tuple[Ratings, str]:
    """Every rater's first votes as the chosen screening leaves them, and the rule in words for the tables."""
    ratings = votes.rated.first_votes()
    if analysis.screening == "none" or ratings.n == 0:
        return ratings, NOT_SCREENED
    view = _RULES[analysis.screening](ratings, confidence=analysis.confidence)
    excluded = sum(not verdict.kept for verdict in view.verdicts)
    return view.ratings, f"{view.rule}; {excluded} of {len(view.verdicts)} raters excluded"


def _views(votes: StudyVotes, analysis: Analysis) -> tuple[ScreeningView, ...]:
    """Every screening of every rater's first votes, the one that leaves all in first."""
    return screening_views(votes.rated.first_votes(), confidence=analysis.confidence)


def screening_ranks(votes: StudyVotes, analysis: Analysis | None = None) -> pd.DataFrame:
    """MOS and rank of every method under every screening, beside those without screening."""
    analysis = analysis or Analysis()
    before, *views = _views(votes, analysis)
    rows = [row for view in (before, *views) for row in _rank_rows(votes, analysis, before=before, view=view)]
    words = ("view", "version", "method", *BASIS[1:])
    numbers = ("rank_change", "mos", "mos_before", "ci_low", "ci_high")
    columns = ("view", "version", "method", "mean_rank", "mean_rank_before", *numbers, "n_excluded", *COUNTS, *BASIS)
    return frame_of(rows, words=words, columns=columns)


def _rank_rows(
    votes: StudyVotes, analysis: Analysis, *, before: ScreeningView, view: ScreeningView
) -> list[dict[str, object]]:
    """One row a method, best first under this view."""
    changes = {change.method: change for change in rank_changes(before, view)}
    unscreened = {score.method: score.mos for score in before.methods}
    excluded = sum(not verdict.kept for verdict in view.verdicts)
    rows = []
    for score in sorted(view.methods, key=lambda score: (score.rank is None, score.rank)):
        change = changes[score.method]
        of_method = view.ratings.select(view.ratings.method == view.ratings.methods.index(score.method))
        rows.append(
            {
                "view": view.name,
                "version": view.version,
                "method": score.method,
                "mean_rank": change.after,
                "mean_rank_before": change.before,
                "rank_change": change.change,
                "mos": score.mos,
                "mos_before": unscreened[score.method],
                **ends(score.interval),
                "n_excluded": excluded,
                **counts(of_method),
                **basis(votes, analysis, ci_method=score.interval.method, screening=view.rule),
                "message": joined(view.message, score.interval.message),
            }
        )
    return rows


def screened_raters(votes: StudyVotes, analysis: Analysis | None = None) -> pd.DataFrame:
    """What every screening says of every rater, and why."""
    analysis = analysis or Analysis()
    rows = []
    for view in _views(votes, analysis)[1:]:
        for verdict in view.verdicts:
            rows.append(
                {
                    "view": view.name,
                    "version": view.version,
                    "rater": verdict.rater,
                    "rater_kind": "simulated" if verdict.rater in votes.simulated else "person",
                    "verdict": _VERDICT_WORDS[verdict.kept],
                    "reason": verdict.reason,
                    "weight": verdict.weight,
                    "bias": verdict.bias,
                    "inconsistency": verdict.inconsistency,
                    "n_above": verdict.above,
                    "n_below": verdict.below,
                    "outlier_share": verdict.outlier_share,
                    "n_votes": verdict.n_votes,
                    **basis(votes, analysis, ci_method="none", screening=view.rule),
                    "message": view.message or "",
                }
            )
    words = ("view", "version", "rater", "rater_kind", "verdict", "reason")
    numbers = ("weight", "bias", "inconsistency", "n_above", "n_below", "outlier_share", "n_votes")
    return frame_of(rows, words=(*words, *BASIS[1:]), columns=(*words, *numbers, *BASIS))
