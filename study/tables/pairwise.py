"""Scales of a pairwise study: Bradley-Terry or, with ties, Davidson, in logits, and Thurstone's case V in JOD.

Every rater's first answer on each pair and scene counts; repeats serve agreement alone.
"""

from itertools import permutations
from typing import Literal

import numpy as np
import pandas as pd

from study.statistics.data import Comparisons
from study.statistics.errors import NotConverged
from study.statistics.existence import tie_matrix, win_matrix
from study.statistics.scaling import BootstrappedScale, bootstrap_scale
from study.statistics.sides import SideBias, side_bias
from study.tables.basis import BASIS, COUNTS, basis, counts, ends, frame_of, joined
from study.tables.votes import Analysis, StudyVotes

Model = Literal["bradley_terry", "davidson", "thurstone"]
_NAMES: dict[Model, str] = {
    "bradley_terry": "Bradley-Terry",
    "davidson": "Davidson (ties)",
    "thurstone": "Thurstone case V",
}
_UNITS: dict[Model, str] = {"bradley_terry": "logit", "davidson": "logit", "thurstone": "JOD"}


def pairwise_scale(votes: StudyVotes, analysis: Analysis | None = None) -> pd.DataFrame:
    """Every method's place on the scale of each model, best first, with bootstrap intervals over raters.

    Scores sum to 0 over the methods. Where no scale exists the scores are missing and the message names the groups of
    methods that the votes do not connect.
    """
    analysis = analysis or Analysis()
    comparisons = votes.compared.first_votes()
    rows = [row for model in _models(comparisons) for row in _scale_rows(votes, analysis, comparisons, model)]
    words = ("model", "unit", "method", *BASIS[1:])
    numbers = ("score", "ci_low", "ci_high")
    tallies = ("wins", "losses", "ties", "resamples", "resamples_failed")
    return frame_of(rows, words=words, columns=("model", "unit", "rank", "method", *numbers, *tallies, *COUNTS, *BASIS))


def _models(comparisons: Comparisons) -> tuple[Model, ...]:
    return ("davidson" if (comparisons.outcome == 0).any() else "bradley_terry", "thurstone")


def _fit(comparisons: Comparisons, model: Model, analysis: Analysis) -> BootstrappedScale | str:
    """The scale with its bootstrap, or why there is none."""
    if comparisons.n == 0:
        return "no comparisons yet"
    try:
        return bootstrap_scale(
            comparisons,
            model=model,
            resamples=analysis.resamples,
            seed=analysis.seed,
            confidence=analysis.confidence,
        )
    except NotConverged as error:
        return str(error)


def _scale_rows(
    votes: StudyVotes, analysis: Analysis, comparisons: Comparisons, model: Model
) -> list[dict[str, object]]:
    fitted = _fit(comparisons, model, analysis)
    wins, ties = win_matrix(comparisons), tie_matrix(comparisons)
    left_out = _left_out(comparisons, model)
    rows = []
    for code, method in enumerate(votes.arrays.methods):
        of_method = comparisons.select((comparisons.left == code) | (comparisons.right == code))
        row: dict[str, object] = {
            "model": _NAMES[model],
            "unit": _UNITS[model],
            "method": method,
            "wins": int(wins[code].sum()),
            "losses": int(wins[:, code].sum()),
            "ties": int(ties[code].sum()),
            **counts(of_method),
            **basis(votes, analysis, ci_method="none"),
            "message": fitted if isinstance(fitted, str) else "",
        }
        if not isinstance(fitted, str):
            interval = fitted.intervals[code]
            row |= {
                "score": fitted.scale.scores[code],
                **ends(interval),
                "ci_method": interval.method,
                "resamples": fitted.resamples,
                "resamples_failed": fitted.n_missing,
                "message": joined(fitted.scale.message, fitted.message, interval.message, left_out),
            }
        rows.append(row)
    rows.sort(key=lambda row: (row.get("score") is None, -float(str(row.get("score") or 0))))
    return [{**row, "rank": None if row.get("score") is None else place} for place, row in enumerate(rows, start=1)]


def _left_out(comparisons: Comparisons, model: Model) -> str | None:
    """Davidson's model has a place for ties; the others know none."""
    n = int((comparisons.outcome == 0).sum())
    return f"{n} ties left out of {_NAMES[model]}" if n and model != "davidson" else None


def pairwise_differences(votes: StudyVotes, analysis: Analysis | None = None) -> pd.DataFrame:
    """The difference of every two methods on each model's scale, with its bootstrap interval over raters."""
    analysis = analysis or Analysis()
    comparisons = votes.compared.first_votes()
    rows = []
    for model in _models(comparisons):
        fitted = _fit(comparisons, model, analysis)
        shared = {"model": _NAMES[model], "unit": _UNITS[model], **counts(comparisons)}
        if isinstance(fitted, str):
            none = basis(votes, analysis, ci_method="none")
            rows.append({**shared, "method": "all methods", "opponent": "", **none, "message": fitted})
            continue
        for difference in fitted.differences:
            interval = difference.interval
            rows.append(
                {
                    **shared,
                    "method": difference.first,
                    "opponent": difference.second,
                    "difference": difference.value,
                    **ends(interval),
                    **basis(votes, analysis, ci_method=interval.method),
                    "message": joined(fitted.scale.message, interval.message, _left_out(comparisons, model)),
                }
            )
    words = ("model", "unit", "method", "opponent", *BASIS[1:])
    columns = ("model", "unit", "method", "opponent", "difference", "ci_low", "ci_high", *COUNTS, *BASIS)
    return frame_of(rows, words=words, columns=columns)


def pairwise_matrix(votes: StudyVotes, analysis: Analysis | None = None) -> pd.DataFrame:
    """How every method fared against every other: wins, losses, ties, and its share with ties halved."""
    analysis = analysis or Analysis()
    comparisons = votes.compared.first_votes()
    wins, ties = win_matrix(comparisons), tie_matrix(comparisons)
    rows = []
    for one, other in permutations(range(len(comparisons.methods)), 2):
        of_pair = comparisons.select(
            ((comparisons.left == one) & (comparisons.right == other))
            | ((comparisons.left == other) & (comparisons.right == one))
        )
        rows.append(
            {
                "method": comparisons.methods[one],
                "opponent": comparisons.methods[other],
                "wins": int(wins[one, other]),
                "losses": int(wins[other, one]),
                "ties": int(ties[one, other]),
                "share": (wins[one, other] + ties[one, other] / 2) / of_pair.n if of_pair.n else None,
                **counts(of_pair),
                **basis(votes, analysis, ci_method="none"),
                "message": "" if of_pair.n else "never compared",
            }
        )
    words = ("method", "opponent", *BASIS[1:])
    columns = ("method", "opponent", "wins", "losses", "ties", "share", *COUNTS, *BASIS)
    return frame_of(rows, words=words, columns=columns)


def side_choices(votes: StudyVotes, analysis: Analysis | None = None) -> pd.DataFrame:
    """Whether raters prefer a side: all raters first, then each."""
    analysis = analysis or Analysis()
    rows = [_side_row(bias) for bias in side_bias(votes.compared, confidence=analysis.confidence)]
    shared = {"n_scenes": counts(votes.compared)["n_scenes"]}
    for row in rows:
        row |= {**shared, **basis(votes, analysis, ci_method=str(row["ci_method"]))}
    words = ("rater", *BASIS[1:])
    columns = ("rater", "left", "right", "ties", "share_left", "ci_low", "ci_high", "p", "p_holm", *COUNTS, *BASIS)
    return frame_of([{"n_raters": _n_raters(row, votes), **row} for row in rows], words=words, columns=columns)


def _side_row(bias: SideBias) -> dict[str, object]:
    return {
        "rater": "all raters" if bias.rater is None else bias.rater,
        "left": bias.n_left,
        "right": bias.n_right,
        "ties": bias.n_ties,
        "share_left": bias.share_left,
        **ends(bias.interval),
        "ci_method": bias.interval.method,
        "p": bias.p_value,
        "p_holm": bias.p_holm,
        "n_votes": bias.n_left + bias.n_right + bias.n_ties,
        "message": joined(bias.message, bias.interval.message),
    }


def _n_raters(row: dict[str, object], votes: StudyVotes) -> int:
    return int(np.unique(votes.compared.rater).size) if row["rater"] == "all raters" else 1
