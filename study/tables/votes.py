"""What tables are made from: a study's votes as arrays, and what every row must say about them.

Votes come from the store, from an archive or from a file of a study run elsewhere; the tables cannot tell which.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeVar

import numpy as np
import pandas as pd

from study.records import StudyRecord
from study.statistics.data import Comparisons, Ratings

Mode = Literal["rating", "pairwise"]
_Votes = TypeVar("_Votes", Ratings, Comparisons)
SCREENING_RULES = ("none", "bt500", "p913")


@dataclass(frozen=True)
class StudyFacts:
    """What is true of a study whoever voted; `sha256` names its definition, or the file its votes were read from.

    `scale_min` and `scale_max` are None in a pairwise study. `hidden_reference` is the method whose pictures are the
    ground truth, shown like any other.
    """

    name: str
    title: str
    sha256: str
    mode: Mode
    scale: str
    scale_min: float | None = None
    scale_max: float | None = None
    hidden_reference: str | None = None


@dataclass(frozen=True)
class StudyVotes:
    """A study's votes without practice answers; exactly one of the two arrays is there, as the mode says.

    `simulated` names the raters that are programs.
    """

    facts: StudyFacts
    ratings: Ratings | None
    comparisons: Comparisons | None
    simulated: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Refuse votes that are not of the study's mode, and bring the others into one order."""
        if (self.ratings is None) == (self.comparisons is None):
            raise ValueError("votes must be either ratings or comparisons")
        if (self.ratings is not None) != (self.facts.mode == "rating"):
            raise ValueError(f"the study is a {self.facts.mode} study, its votes are of the other mode")
        if self.ratings is not None:
            object.__setattr__(self, "ratings", _in_canonical_order(self.ratings))
        if self.comparisons is not None:
            object.__setattr__(self, "comparisons", _in_canonical_order(self.comparisons))

    @property
    def arrays(self) -> Ratings | Comparisons:
        """The votes, whichever their mode."""
        return self.rated if self.ratings is not None else self.compared

    @property
    def simulated_raters(self) -> str:
        """How many of the raters are programs, in words."""
        raters = self.arrays.raters
        return f"{sum(rater in self.simulated for rater in raters)} of {len(raters)}"

    @property
    def rated(self) -> Ratings:
        """The ratings; raises ValueError in a pairwise study."""
        if self.ratings is None:
            raise ValueError(f"{self.facts.name} is a pairwise study: it has no ratings")
        return self.ratings

    @property
    def compared(self) -> Comparisons:
        """The comparisons; raises ValueError in a rating study."""
        if self.comparisons is None:
            raise ValueError(f"{self.facts.name} is a rating study: it has no comparisons")
        return self.comparisons


@dataclass(frozen=True)
class Analysis:
    """The researcher's choices, stated in every table.

    Attributes:
        confidence: Of all intervals.
        screening: Whose votes the tables rest on: "none" (everybody's), or those a rule keeps. Never changes votes.
        interval: Of the naive interval beside the two-way one: "t", "z" or "bca".
        resamples: Of every bootstrap.
        seed: Of every bootstrap.
    """

    confidence: float = 0.95
    screening: str = "none"
    interval: Literal["t", "z", "bca"] = "t"
    resamples: int = 1000
    seed: int = 2020

    def __post_init__(self) -> None:
        """Refuse what no table could be computed with."""
        if not 0 < self.confidence < 1:
            raise ValueError(f"confidence must be between 0 and 1, got {self.confidence}")
        if self.screening not in SCREENING_RULES:
            raise ValueError(
                f"screening must be one of {', '.join(SCREENING_RULES)}, got {self.screening}; P.910 Annex E weighs "
                "raters instead of leaving any out, its scores are in the table of screenings"
            )
        if self.interval not in ("t", "z", "bca"):
            raise ValueError(f"interval must be t, z or bca, got {self.interval}")
        if self.resamples < 100:
            raise ValueError(f"resamples must be at least 100 for an interval, got {self.resamples}")


def study_facts(study: StudyRecord) -> StudyFacts:
    """What the tables need of a stored study."""
    scale = study.scale
    return StudyFacts(
        name=study.name,
        title=study.title,
        sha256=study.sha256,
        mode=study.mode,
        scale=scale.describe() if scale else pairwise_scale_name(ties_allowed=study.ties_allowed),
        scale_min=float(scale.values[0]) if scale else None,
        scale_max=float(scale.values[-1]) if scale else None,
        hidden_reference=study.hidden_reference,
    )


def pairwise_scale_name(*, ties_allowed: bool) -> str:
    """How the tables name the answers of a pairwise study."""
    return "which of two is better" + (", ties allowed" if ties_allowed else ", no ties")


def _in_canonical_order(votes: _Votes) -> _Votes:
    """The same votes in an order that follows from them alone, raters without votes left out.

    A bootstrap draws raters and votes by their number. Numbered by what they voted, the tables are the same digits in
    whatever order a database hands votes out, and under whatever names raters are published.
    """
    values = votes.value if isinstance(votes, Ratings) else votes.outcome
    shown = (votes.method,) if isinstance(votes, Ratings) else (votes.right, votes.left)
    sides: tuple[np.ndarray, ...] = shown
    by_rater = np.lexsort((values, votes.repeat, *sides, votes.scene, votes.rater))
    present, starts = np.unique(votes.rater[by_rater], return_index=True)
    columns = np.column_stack([votes.scene, *sides, votes.repeat, values]).astype(np.float64)[by_rater]
    ballots = [ballot.tobytes() for ballot in np.split(columns, starts[1:])] if present.size else []
    order = sorted(range(present.size), key=lambda place: (ballots[place], votes.raters[present[place]]))
    number = np.zeros(len(votes.raters), dtype=np.int64)
    number[present[order]] = np.arange(present.size)
    named = replace(votes, raters=tuple(votes.raters[code] for code in present[order]), rater=number[votes.rater])
    return named.select(np.lexsort((named.repeat, *sides, named.scene, named.rater)))


def votes_from_frame(
    facts: StudyFacts,
    frame: pd.DataFrame,
    *,
    scenes: Sequence[str],
    methods: Sequence[str],
    simulated: frozenset[str] = frozenset(),
) -> StudyVotes:
    """Turn the tidy table of votes, in the order they were cast, into what the tables are made from.

    Gold trials are left out: they measure the rater's attention, not a method.

    Args:
        facts: Say the mode.
        frame: Columns rater, purpose, scene and either method, value or left_method, right_method, choice.
        scenes, methods: All names of the study, with votes or without.
        simulated: Raters that are programs.
    Raises:
        ValueError: a vote names a scene or method that is not the study's, or an unknown choice.
    """
    votes = frame[frame["purpose"] != "gold"]
    raters = tuple(dict.fromkeys(votes["rater"]))
    shared: dict[str, Any] = {
        "raters": raters,
        "scenes": tuple(scenes),
        "methods": tuple(methods),
        "rater": _codes(votes["rater"], raters),
        "scene": _codes(votes["scene"], scenes),
        "repeat": (votes["purpose"] == "repeat").to_numpy(),
    }
    if facts.mode == "rating":
        value = votes["value"].to_numpy(dtype=np.float64)
        ratings = Ratings(**shared, method=_codes(votes["method"], methods), value=value)
        return StudyVotes(facts, ratings=ratings, comparisons=None, simulated=simulated)
    sides = {side: _codes(votes[f"{side}_method"], methods) for side in ("left", "right")}
    outcome = 1 - _codes(votes["choice"], ("left", "tie", "right"))
    comparisons = Comparisons(**shared, left=sides["left"], right=sides["right"], outcome=outcome.astype(np.int8))
    return StudyVotes(facts, ratings=None, comparisons=comparisons, simulated=simulated)


def _codes(column: pd.Series, names: Sequence[str]) -> np.ndarray:
    """Each entry's index among the names."""
    codes = pd.Index(list(names), dtype=object).get_indexer(pd.Index(column, dtype=object))
    if (codes < 0).any():
        unknown = sorted(set(column[codes < 0].astype(str)))
        raise ValueError(f"{column.name} must be one of {', '.join(names)}; got {', '.join(unknown[:5])}")
    return np.asarray(codes, dtype=np.int64)
