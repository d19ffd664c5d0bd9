"""Rank groups: methods that share a letter do not differ significantly (compact letter display, Piepho 2004)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from study.statistics.data import Ratings, summed
from study.statistics.method_tests import Blocks, wilcoxon_tests


@dataclass(frozen=True)
class RankGroup:
    """A method with its letters, "a" the best group's; no letters for a method without votes."""

    method: str
    mos: float | None
    letters: str
    message: str | None


def rank_groups(ratings: Ratings, *, blocks: Blocks = "raters", significance: float = 0.05) -> tuple[RankGroup, ...]:
    """Methods by falling MOS with letters from paired Wilcoxon tests (Holm): p below `significance` tells apart.

    A pair that no block rated both of cannot be told apart and so shares a letter.
    """
    if not 0 < significance < 1:
        raise ValueError(f"significance must be between 0 and 1, got {significance}")
    counts = np.bincount(ratings.method, minlength=len(ratings.methods))
    means = summed(ratings.method, ratings.value, counts.size) / np.maximum(counts, 1)
    order = sorted(np.flatnonzero(counts).tolist(), key=lambda code: -means[code])
    place = {ratings.methods[code]: rank for rank, code in enumerate(order)}
    different = np.zeros((len(order), len(order)), dtype=bool)
    for test in wilcoxon_tests(ratings, blocks=blocks):
        if test.p_holm is not None and test.p_holm < significance:
            i, j = place[test.first], place[test.second]
            different[i, j] = different[j, i] = True
    letters = compact_letters(different)
    rated = [
        RankGroup(ratings.methods[code], float(means[code]), text, None)
        for code, text in zip(order, letters, strict=True)
    ]
    missing = [RankGroup(ratings.methods[code], None, "", "no votes") for code in np.flatnonzero(counts == 0)]
    return (*rated, *missing)


def compact_letters(different: Any) -> tuple[str, ...]:
    """Letters for items in order such that two share one exactly if they do not differ (insert and absorb).

    Args:
        different: [n, n] symmetric, True where two items differ significantly.
    """
    differs = np.asarray(different, dtype=bool)
    size = len(differs)
    groups: list[frozenset[int]] = [frozenset(range(size))]
    for i in range(size):
        for j in range(i + 1, size):
            if differs[i, j]:
                groups = _absorbed([part for group in groups for part in _split(group, i, j)])
    groups.sort(key=sorted)
    names = [_letter(index) for index in range(len(groups))]
    return tuple(
        "".join(name for name, group in zip(names, groups, strict=True) if item in group) for item in range(size)
    )


def _split(group: frozenset[int], i: int, j: int) -> list[frozenset[int]]:
    """The group, or two without one of i and j each where it holds both."""
    return [group - {i}, group - {j}] if {i, j} <= group else [group]


def _absorbed(groups: Sequence[frozenset[int]]) -> list[frozenset[int]]:
    """Groups that are in no other."""
    distinct = list(dict.fromkeys(groups))
    return [group for group in distinct if not any(group < other for other in distinct)]


def _letter(index: int) -> str:
    """a, b, ..., z, aa, ab, ... with a dot between where letters are longer than one."""
    alphabet = "abcdefghijklmnopqrstuvwxyz"
    return alphabet[index] if index < len(alphabet) else f"{_letter(index // 26 - 1)}{alphabet[index % 26]}."
