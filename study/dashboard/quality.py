"""How each rater behaved, and what about it a researcher should look at. Nothing here removes a vote.

Flags are reasons to look, not verdicts: who is screened out of a table is decided by a rule of `study.statistics`.
Those of `study.flags` rest on a rater's own answers; the one added here, on what the other raters said.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from study.flags import Flag
from study.records import RaterRecord
from study.statistics import Ratings, rater_agreements
from study.store.columns import Conduct

LEAST_AGREEMENT = 0.2  # correlation with the other raters' means over the same stimuli
_ENOUGH = 10  # answers, before agreement is judged


@dataclass(frozen=True)
class RaterQuality:
    """One rater's conduct; what cannot be computed is None.

    Attributes:
        rater: The pseudonym.
        ordinal: Order of arrival, from 0.
        answered, assigned: Trials without practice.
        median_ms: Of the response times.
        longest_run: Equal answers in a row.
        agreement: Correlation with the mean of the other raters over the same stimuli; None in a pairwise study.
        zoomed_share: Of the answers, those before which zoom, flip or loupe was used.
        is_simulated: Made by a program.
        flags: What to look at, in words; empty for none.
    """

    rater: str
    ordinal: int
    answered: int
    assigned: int
    median_ms: float | None
    longest_run: int
    agreement: float | None
    zoomed_share: float | None
    is_simulated: bool
    flags: tuple[str, ...]


def rater_quality(
    raters: Sequence[RaterRecord], conduct: Conduct, *, ratings: Ratings | None, flags: Mapping[str, Sequence[Flag]]
) -> tuple[RaterQuality, ...]:
    """Describe every rater who has not withdrawn, flagged ones first, then in the order of arrival.

    Args:
        raters: All of the study.
        conduct: How their votes were given.
        ratings: What they said; None in a pairwise study.
        flags: What asks for a look in a rater's own answers, by rater.
    """
    agreement = {} if ratings is None else _agreements(ratings)
    votes_of = _votes_by_rater(conduct)
    nobody = np.zeros(0, dtype=np.int64)
    described = [
        _describe(rater, conduct, votes_of.get(rater.rater, nobody), r=agreement.get(rater.rater), flags=flags)
        for rater in raters
        if rater.withdrawn_at is None
    ]
    return tuple(sorted(described, key=lambda rater: (not rater.flags, rater.ordinal)))


def longest_run(answers: np.ndarray) -> int:
    """The most equal answers in a row, [n] in the order given; 0 without answers."""
    if not answers.size:
        return 0
    changes = np.flatnonzero(np.diff(answers)) + 1
    return int(np.diff(np.concatenate([[0], changes, [answers.size]])).max())


def _votes_by_rater(conduct: Conduct) -> dict[str, np.ndarray]:
    """Indices of each rater's votes, in the order of the chain."""
    order = np.argsort(conduct.rater, kind="stable")
    bounds = np.searchsorted(conduct.rater[order], np.arange(len(conduct.raters) + 1))
    return {rater: order[bounds[code] : bounds[code + 1]] for code, rater in enumerate(conduct.raters)}


def _agreements(ratings: Ratings) -> dict[str, float | None]:
    return {found.rater: found.r_others for found in rater_agreements(ratings.first_votes())}


def _describe(
    rater: RaterRecord,
    conduct: Conduct,
    votes: np.ndarray,
    *,
    r: float | None,
    flags: Mapping[str, Sequence[Flag]],
) -> RaterQuality:
    median_ms = float(np.median(conduct.response_ms[votes])) if votes.size else None
    details = [flag.detail for flag in flags.get(rater.rater, ())]
    if r is not None and r < LEAST_AGREEMENT and votes.size >= _ENOUGH:
        details.append(f"hardly agrees with the others (r = {r:.2f})")
    return RaterQuality(
        rater=rater.rater,
        ordinal=rater.ordinal,
        answered=rater.answered,
        assigned=rater.assigned,
        median_ms=median_ms,
        longest_run=longest_run(conduct.answer[votes]),
        agreement=r,
        zoomed_share=float((conduct.zoomed[votes] > 0).mean()) if votes.size else None,
        is_simulated=rater.simulated,
        flags=tuple(details),
    )
