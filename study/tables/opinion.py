"""Mean opinion scores of a rating study: per method, per stimulus, and the answers they are means of."""

import numpy as np
import pandas as pd

from study.statistics.data import Ratings
from study.statistics.differential import DifferentialScore, differential_method_scores, differential_stimulus_scores
from study.statistics.intervals import Interval, bca_interval, z_interval
from study.statistics.letters import rank_groups
from study.statistics.opinion import StimulusScore, stimulus_scores
from study.statistics.two_way import MethodScore, method_scores
from study.tables.basis import BASIS, COUNTS, basis, counts, ends, frame_of, joined
from study.tables.screening import screened
from study.tables.votes import Analysis, StudyVotes

_WORDS = BASIS[1:]
_SCALE_ENDS = ("scale_min", "scale_max")
_NO_SCALE = "no DMOS: the scale's best value is not known"


def mos_by_method(votes: StudyVotes, analysis: Analysis | None = None) -> pd.DataFrame:
    """MOS per method, best first: the two-way interval over raters and scenes, the naive interval beside it.

    `group` holds rank letters: methods that share one do not differ significantly. `dmos` is there where the study has
    a hidden reference. A method without votes keeps its row.
    """
    analysis = analysis or Analysis()
    ratings, rule = screened(votes, analysis)
    differential = _dmos_by_method(votes, ratings, analysis)
    groups = {group.method: group for group in rank_groups(ratings, significance=1 - analysis.confidence)}
    rows = []
    for code, score in enumerate(method_scores(ratings, confidence=analysis.confidence)):
        dmos = differential.get(score.method)
        group = groups[score.method]
        rows.append(
            {
                **_score_columns(score, _naive(score, ratings.value[ratings.method == code], analysis)),
                **_dmos_columns(dmos),
                "group": group.letters,
                **_scale_ends(votes),
                **basis(votes, analysis, ci_method=score.two_way.method, screening=rule),
                "message": joined(
                    score.message, score.warning, dmos.message if dmos else _no_dmos(votes), group.message
                ),
            }
        )
    rows.sort(key=lambda row: (row["mos"] is None, -float(str(row["mos"] or 0))))
    return frame_of(
        [{"rank": _rank(row, rows), **row} for row in rows],
        words=("method", "group", "naive_ci_method", *_WORDS),
        columns=(
            *("rank", "method", "mos", "ci_low", "ci_high", "naive_low", "naive_high", "sd"),
            *("dmos", "dmos_low", "dmos_high", "group", *_SCALE_ENDS, *COUNTS, "naive_ci_method", *BASIS),
        ),
    )


def _score_columns(score: MethodScore, naive: Interval) -> dict[str, object]:
    return {
        "method": score.method,
        "mos": score.mos,
        **ends(score.two_way),
        **ends(naive, prefix="naive"),
        "sd": score.sd,
        "n_raters": score.n_raters,
        "n_scenes": score.n_scenes,
        "n_votes": score.n_votes,
        "naive_ci_method": naive.method,
    }


def _rank(row: dict[str, object], rows: list[dict[str, object]]) -> int | None:
    """1 for the best; equal scores share the better rank."""
    scores = [float(str(other["mos"])) for other in rows if other["mos"] is not None]
    return None if row["mos"] is None else 1 + sum(score > float(str(row["mos"])) for score in scores)


def _naive(score: MethodScore, values: np.ndarray, analysis: Analysis) -> Interval:
    """The interval that takes all votes as independent, of the kind the researcher chose."""
    if analysis.interval == "z":
        return z_interval(values, confidence=analysis.confidence)
    if analysis.interval == "bca":
        return bca_interval(values, confidence=analysis.confidence, seed=analysis.seed, resamples=analysis.resamples)
    return score.naive


def mos_by_stimulus(votes: StudyVotes, analysis: Analysis | None = None) -> pd.DataFrame:
    """MOS of every scene under every method, in the study's order, stimuli without votes included."""
    analysis = analysis or Analysis()
    ratings, rule = screened(votes, analysis)
    differential = _dmos_by_stimulus(votes, ratings, analysis)
    scores = stimulus_scores(
        ratings,
        kind=analysis.interval,
        confidence=analysis.confidence,
        seed=analysis.seed,
        resamples=analysis.resamples,
    )
    rows = [
        {
            "scene": score.scene,
            "method": score.method,
            "mos": score.mos,
            **ends(score.interval),
            "sd": score.sd,
            **_dmos_columns(differential.get((score.scene, score.method))),
            **_scale_ends(votes),
            "n_raters": score.n_votes,
            "n_scenes": int(score.n_votes > 0),
            "n_votes": score.n_votes,
            **basis(votes, analysis, ci_method=score.interval.method, screening=rule),
            "message": _stimulus_message(score, differential.get((score.scene, score.method)), votes),
        }
        for score in scores
    ]
    numbers = ("mos", "ci_low", "ci_high", "sd", "dmos", "dmos_low", "dmos_high", *_SCALE_ENDS)
    return frame_of(
        rows,
        words=("scene", "method", *_WORDS),
        columns=("scene", "method", *numbers, *COUNTS, *BASIS),
    )


def _stimulus_message(score: StimulusScore, dmos: DifferentialScore | None, votes: StudyVotes) -> str:
    return joined(score.interval.message, dmos.message if dmos else _no_dmos(votes))


def answers(votes: StudyVotes, analysis: Analysis | None = None) -> pd.DataFrame:
    """How often each value was given to each method, in the order of the methods' MOS.

    A screening that adjusts votes only chooses the raters here: what they answered is counted as they answered it.
    """
    analysis = analysis or Analysis()
    kept, rule = screened(votes, analysis)
    ratings = votes.rated.first_votes()
    ratings = ratings.select(np.isin(ratings.rater, kept.rater))
    values = _scale_values(votes)
    rows = []
    scores = {score.method: score.mos for score in method_scores(kept, confidence=analysis.confidence)}
    for method in sorted(scores, key=lambda name: (scores[name] is None, -(scores[name] or 0.0))):
        given = ratings.select(ratings.method == ratings.methods.index(method))
        for value in values:
            n = int((given.value == value).sum())
            rows.append(
                {
                    "method": method,
                    "value": float(value),
                    "n_answers": n,
                    "share": n / given.n if given.n else None,
                    **counts(given),
                    **basis(votes, analysis, ci_method="none", screening=rule),
                    "message": "" if given.n else "no votes",
                }
            )
    return frame_of(
        rows,
        words=("method", *_WORDS),
        columns=("method", "value", "n_answers", "share", *COUNTS, *BASIS),
    )


def _scale_values(votes: StudyVotes) -> np.ndarray:
    """Every whole number of the scale, and whatever else was given."""
    given = np.unique(votes.rated.first_votes().value)
    if votes.facts.scale_min is None or votes.facts.scale_max is None:
        return given
    whole = np.arange(votes.facts.scale_min, votes.facts.scale_max + 0.5)
    return np.union1d(whole, given) if whole.size <= 11 else given


def _scale_ends(votes: StudyVotes) -> dict[str, object]:
    return {"scale_min": votes.facts.scale_min, "scale_max": votes.facts.scale_max}


def _dmos_columns(score: DifferentialScore | None) -> dict[str, object]:
    if score is None:
        return {}
    return {"dmos": score.dmos, **ends(score.interval, prefix="dmos")}


def _no_dmos(votes: StudyVotes) -> str | None:
    """Why a study with a hidden reference has no DMOS; the reference itself never has one."""
    has_reference = votes.facts.hidden_reference is not None
    return _NO_SCALE if has_reference and votes.facts.scale_max is None else None


def _dmos_by_method(votes: StudyVotes, ratings: Ratings, analysis: Analysis) -> dict[str, DifferentialScore]:
    reference, best = votes.facts.hidden_reference, votes.facts.scale_max
    if reference is None or best is None:
        return {}
    scores = differential_method_scores(
        ratings, reference=reference, scale_maximum=best, confidence=analysis.confidence
    )
    return {score.method: score for score in scores}


def _dmos_by_stimulus(
    votes: StudyVotes, ratings: Ratings, analysis: Analysis
) -> dict[tuple[str, str], DifferentialScore]:
    reference, best = votes.facts.hidden_reference, votes.facts.scale_max
    if reference is None or best is None:
        return {}
    scores = differential_stimulus_scores(
        ratings, reference=reference, scale_maximum=best, confidence=analysis.confidence
    )
    return {(str(score.scene), score.method): score for score in scores}
