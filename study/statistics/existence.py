"""Whether votes on pairs determine a scale at all, asked before any fit.

Bradley-Terry and Thurstone: the maximum-likelihood scale exists, and is unique, exactly if the win digraph (an edge
from i to j where i was preferred to j at least once) is strongly connected (Ford 1957). Otherwise some group never
lost to the rest, or was never compared with it, and its distance is infinite or unknown; fitting routines still
return numbers.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from study.statistics.data import Comparisons

Matrix = NDArray[np.float64]


def win_matrix(comparisons: Comparisons, *, tie_share: float = 0.0) -> Matrix:
    """Count preferences: [i, j] is how often method i was preferred to method j, on either side, [methods, methods].

    Args:
        tie_share: What each side gets of a tie: 0 leaves ties out, 0.5 counts them as half a win each.
    """
    left_wins = (comparisons.outcome == 1) + tie_share * (comparisons.outcome == 0)
    right_wins = (comparisons.outcome == -1) + tie_share * (comparisons.outcome == 0)
    left_first = _pair_sums(comparisons, left_wins)
    return left_first + _pair_sums(comparisons, right_wins, swapped=True)


def tie_matrix(comparisons: Comparisons) -> Matrix:
    """Count ties: [i, j] = [j, i] is how often methods i and j were tied, [methods, methods]."""
    ties = _pair_sums(comparisons, (comparisons.outcome == 0).astype(np.float64))
    return ties + ties.T


def strong_components(wins: Any) -> tuple[tuple[int, ...], ...]:
    """Groups of methods linked by wins in both directions, those that beat others first; one group: a scale exists."""
    reach = _reachable(checked_counts(wins, "wins") > 0)
    groups = _groups(reach & reach.T)
    return tuple(sorted(groups, key=lambda group: (-int(reach[group[0]].sum()), group)))


def missing_scale_message(wins: Any, names: Sequence[str]) -> str | None:
    """Why these wins determine no scale, with the groups named; None where they do."""
    counts = checked_counts(wins, "wins")
    if len(counts) < 2:
        return "no scale: it takes at least two methods"
    if not counts.any():
        return "no scale: no comparison was decided"
    groups = strong_components(counts)
    if len(groups) == 1:
        return None
    islands = _groups(_reachable((counts > 0) | (counts.T > 0)))
    if len(islands) > 1:
        return f"no scale: no decided comparison links these groups of methods: {_listing(islands, names)}"
    return (
        "no scale: some methods never lost to the rest, so their distance is infinite; groups with wins both ways, "
        f"winners first: {_listing(groups, names)}"
    )


def checked_counts(counts: Any, what: str) -> Matrix:
    """A square matrix of non-negative counts with an empty diagonal, as float64.

    Raises:
        ValueError: another shape, a negative or non-finite count, or a count on the diagonal.
    """
    matrix = np.asarray(counts, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"{what} must be a square matrix, got shape {matrix.shape}")
    if not np.isfinite(matrix).all() or (matrix < 0).any():
        raise ValueError(f"{what} must be finite and not negative")
    if np.diagonal(matrix).any():
        raise ValueError(f"{what} must have an empty diagonal: no method is compared with itself")
    return matrix


def _listing(groups: Iterable[Iterable[int]], names: Sequence[str]) -> str:
    """`{a, b}, {c}`."""
    return ", ".join("{" + ", ".join(names[code] for code in group) + "}" for group in groups)


def _pair_sums(comparisons: Comparisons, weights: Any, *, swapped: bool = False) -> Matrix:
    """Sum weights over [left, right], or [right, left] if swapped."""
    size = len(comparisons.methods)
    row, column = (comparisons.right, comparisons.left) if swapped else (comparisons.left, comparisons.right)
    return np.bincount(row * size + column, weights, size * size).reshape(size, size).astype(np.float64)


def _groups(linked: NDArray[np.bool_]) -> list[tuple[int, ...]]:
    """Classes of an equivalence, each in order."""
    return list(dict.fromkeys(tuple(np.flatnonzero(row).tolist()) for row in linked))


def _reachable(digraph: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which method can be reached from which by edges (transitive closure, itself included)."""
    reach = digraph | np.eye(len(digraph), dtype=bool)
    for middle in range(len(digraph)):
        reach |= reach[:, [middle]] & reach[[middle], :]
    return reach
