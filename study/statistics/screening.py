"""Screening views: what the scores would be if raters were screened by a rule. Nothing is ever deleted.

A view names its rule and version, gives each rater a verdict with a reason, and carries the votes as the rule leaves
them, so that any other statistic can be taken of them. Views: none, ITU-R BT.500 (kurtosis rule), ITU-T P.913 sec.
12.4 (bias removed, then BT.500's rule); ITU-T P.910 Annex E is in `annex_e`.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from study.statistics.data import Ratings, summed
from study.statistics.intervals import Interval
from study.statistics.opinion import StimulusScore, stimulus_means, stimulus_scores
from study.statistics.two_way import method_scores

OUTLIER_SHARE = 0.05
ONE_SIDEDNESS = 0.3
_NORMAL_WIDTH = 2.0
_OTHER_WIDTH = math.sqrt(20)
_ROUNDING = 1e-9


@dataclass(frozen=True)
class RaterVerdict:
    """What a rule says of one rater and why; None where the rule does not use the quantity.

    `above` and `below` count the rater's outliers (P and Q of BT.500), `weight` is 1 or 0, or relative to the raters'
    mean weight in P.910 Annex E; None where its fit did not settle.
    """

    rater: str
    n_votes: int
    kept: bool
    weight: float | None
    bias: float | None
    inconsistency: float | None
    above: int | None
    below: int | None
    outlier_share: float | None
    reason: str


@dataclass(frozen=True)
class ViewMethodScore:
    """A method in a view; rank 1 is the best, equal scores share the mean of their ranks."""

    method: str
    mos: float | None
    interval: Interval
    rank: float | None
    n_votes: int


@dataclass(frozen=True, eq=False)
class ScreeningView:
    """The study as one rule sees it. `ratings` are the votes it keeps, as it adjusts them."""

    name: str
    version: str
    rule: str
    ratings: Ratings
    verdicts: tuple[RaterVerdict, ...]
    stimuli: tuple[StimulusScore, ...]
    methods: tuple[ViewMethodScore, ...]
    message: str | None


@dataclass(frozen=True)
class RankChange:
    """A method's rank in two views; `change` above 0 means that it rose."""

    method: str
    before: float | None
    after: float | None
    change: float | None


def unscreened_view(ratings: Ratings, *, confidence: float = 0.95) -> ScreeningView:
    """All votes as they were cast."""
    verdicts = tuple(
        _verdict(rater, votes, kept=True, reason="kept: no rule" if votes else "no votes")
        for rater, votes in zip(ratings.raters, _votes_per_rater(ratings).tolist(), strict=True)
    )
    return _view("none", "1", "none: all votes as cast", ratings, verdicts=verdicts, confidence=confidence)


def bt500_view(ratings: Ratings, *, confidence: float = 0.95) -> ScreeningView:
    """Reject erratic raters by the rule of ITU-R BT.500 (kurtosis), counted per stimulus over its votes:

    β₂ = m₄/m₂² (moments with N), e = 2 if 2 ≤ β₂ ≤ 4 else √20, S with N - 1. A vote u counts into the rater's P if
    u ≥ ū + eS and into Q if u ≤ ū - eS; the rater is rejected if (P + Q)/n > 0.05 and |P - Q|/(P + Q) < 0.3, n the
    votes this rater cast. A stimulus with S = 0 says nothing about anyone and is skipped.
    """
    kept, verdicts, message = _kurtosis_rule(ratings, bias=None)
    rule = "ITU-R BT.500 kurtosis rule; S with N - 1, outliers as a share of the votes the rater cast"
    votes = ratings.select(kept[ratings.rater])
    return _view("bt500", "1", rule, votes, verdicts=verdicts, confidence=confidence, message=message)


def p913_view(ratings: Ratings, *, confidence: float = 0.95) -> ScreeningView:
    """Remove each rater's bias b_i = mean_j(u_ij - MOS_j), then screen by BT.500's rule (ITU-T P.913 sec. 12.4)."""
    bias = rater_biases(ratings)
    adjusted = ratings.with_values(ratings.value - np.nan_to_num(bias)[ratings.rater])
    kept, verdicts, message = _kurtosis_rule(adjusted, bias=bias)
    rule = "ITU-T P.913 12.4: each rater's mean deviation from the MOS removed, then the BT.500 kurtosis rule"
    votes = adjusted.select(kept[ratings.rater])
    return _view("p913", "1", rule, votes, verdicts=verdicts, confidence=confidence, message=message)


def rater_biases(ratings: Ratings) -> NDArray[np.float64]:
    """b_i = mean over the rater's votes of u_ij - MOS_j, [raters]; NaN for raters without votes, for arithmetic."""
    _, means = stimulus_means(ratings)
    votes = _votes_per_rater(ratings)
    sums = summed(ratings.rater, ratings.value - means[ratings.stimulus], len(ratings.raters))
    return np.where(votes > 0, sums / np.maximum(votes, 1), np.nan)


def rank_changes(before: ScreeningView, after: ScreeningView) -> tuple[RankChange, ...]:
    """How each method's rank moves from one view to another."""
    pairs = zip(before.methods, after.methods, strict=True)
    return tuple(
        RankChange(
            method=old.method,
            before=old.rank,
            after=new.rank,
            change=None if old.rank is None or new.rank is None else old.rank - new.rank,
        )
        for old, new in pairs
    )


def ranked(scores: list[tuple[str, float | None, Interval, int]]) -> tuple[ViewMethodScore, ...]:
    """Methods (name, MOS, interval, votes) with their ranks, those without a MOS unranked."""
    present = [-mos for _, mos, _, _ in scores if mos is not None]
    ranks = iter(stats.rankdata(np.round(present, 12)).tolist())
    return tuple(
        ViewMethodScore(name, mos, interval, None if mos is None else next(ranks), n)
        for name, mos, interval, n in scores
    )


def _view(
    name: str,
    version: str,
    rule: str,
    ratings: Ratings,
    *,
    verdicts: tuple[RaterVerdict, ...],
    confidence: float,
    message: str | None = None,
) -> ScreeningView:
    """A view whose scores are plain means of the votes it keeps."""
    scores = [
        (score.method, score.mos, score.two_way, score.n_votes)
        for score in method_scores(ratings, confidence=confidence)
    ]
    stimuli = stimulus_scores(ratings, confidence=confidence)
    return ScreeningView(name, version, rule, ratings, verdicts, stimuli, ranked(scores), message)


def _kurtosis_rule(
    ratings: Ratings, *, bias: NDArray[np.float64] | None
) -> tuple[NDArray[np.bool_], tuple[RaterVerdict, ...], str | None]:
    """Who is kept, [raters], and why. If the rule would reject everybody nobody is, and the message says so."""
    above, below = _outliers(ratings)
    votes, outliers = _votes_per_rater(ratings), above + below
    share = outliers / np.maximum(votes, 1)
    sidedness = np.abs(above - below) / np.maximum(outliers, 1)
    rejected = (share > OUTLIER_SHARE) & (sidedness < ONE_SIDEDNESS)
    message = None
    if votes.any() and rejected[votes > 0].all():
        rejected, message = np.zeros_like(rejected), "the rule would reject every rater, so it rejects none"
    verdicts = tuple(
        _verdict(
            rater,
            int(votes[code]),
            kept=not rejected[code],
            bias=None if bias is None or not votes[code] else float(bias[code]),
            outliers=(int(above[code]), int(below[code])),
            reason=_reason(int(votes[code]), int(above[code]), int(below[code]), rejected=bool(rejected[code])),
        )
        for code, rater in enumerate(ratings.raters)
    )
    return ~rejected, verdicts, message


def _outliers(ratings: Ratings) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """P and Q per rater."""
    stimulus, size = ratings.stimulus, ratings.n_stimuli
    counts, means = stimulus_means(ratings)
    residuals = ratings.value - means[stimulus]
    squares, fourths = summed(stimulus, residuals**2, size), summed(stimulus, residuals**4, size)
    n = np.maximum(counts, 1)
    deviation = np.sqrt(squares / np.maximum(counts - 1, 1))
    spread = deviation > _ROUNDING
    kurtosis = np.divide(fourths / n, (squares / n) ** 2, out=np.zeros(size), where=spread)
    width = np.where((kurtosis >= 2) & (kurtosis <= 4), _NORMAL_WIDTH, _OTHER_WIDTH) * deviation
    # Votes exactly on the border count (≥, ≤); their residual may miss it by rounding.
    reach = width[stimulus] - _ROUNDING
    judged, raters = spread[stimulus], len(ratings.raters)
    high = np.bincount(ratings.rater[judged & (residuals >= reach)], minlength=raters)
    low = np.bincount(ratings.rater[judged & (residuals <= -reach)], minlength=raters)
    return high, low


def _reason(votes: int, above: int, below: int, *, rejected: bool) -> str:
    """One sentence for the tables."""
    if votes == 0:
        return "no votes"
    outliers = above + below
    share = f"{outliers} of {votes} votes ({outliers / votes:.1%}) are outliers, {above} high and {below} low"
    if rejected:
        return f"rejected: {share}; more than 5 % and on both sides: erratic"
    if outliers / votes <= OUTLIER_SHARE:
        return f"kept: {share}; not more than 5 %"
    if abs(above - below) / outliers >= ONE_SIDEDNESS:
        return f"kept: {share}; mostly on one side: shifted, not erratic"
    return f"kept although {share}: the rule would reject every rater"


def _votes_per_rater(ratings: Ratings) -> NDArray[np.int64]:
    """How many votes each rater cast, [raters]."""
    return np.bincount(ratings.rater, minlength=len(ratings.raters))


def _verdict(
    rater: str,
    votes: int,
    *,
    kept: bool,
    reason: str,
    bias: float | None = None,
    outliers: tuple[int, int] | None = None,
) -> RaterVerdict:
    """A verdict that keeps or rejects all of a rater's votes."""
    above, below = outliers or (None, None)
    share = None if outliers is None or votes == 0 else sum(outliers) / votes
    return RaterVerdict(rater, votes, kept, float(kept), bias, None, above, below, share, reason)
