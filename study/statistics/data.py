"""What the statistics work on: votes as arrays of codes, with the names the codes stand for.

A code is the index of a name in its tuple. A stimulus is one scene rendered by one method; its code is
`scene * len(methods) + method`. Names without any vote stay in the tuples, so that a table can say so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Codes = NDArray[np.int64]
Values = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Ratings:
    """Single ratings, one per element of the arrays [n].

    Args:
        raters, scenes, methods: Names, each once.
        rater, scene, method: Codes of the vote's rater, scene and method.
        value: The rating, any finite number.
        repeat: True where the rater had already rated this stimulus (a hidden repeat trial).
    Raises:
        ValueError: names occur twice, lengths differ, a code has no name, or a value is not finite.
    """

    raters: tuple[str, ...]
    scenes: tuple[str, ...]
    methods: tuple[str, ...]
    rater: Codes
    scene: Codes
    method: Codes
    value: Values
    repeat: Flags

    def __post_init__(self) -> None:
        """Bring the arrays to one type each and refuse what is inconsistent."""
        _settle(self, codes={"rater": self.raters, "scene": self.scenes, "method": self.methods}, flags=("repeat",))
        value = np.asarray(self.value, dtype=np.float64)
        if value.shape != self.rater.shape:
            raise ValueError(f"value must be one per vote, {self.rater.shape}, got shape {value.shape}")
        if not np.isfinite(value).all():
            raise ValueError("value must be finite; leave votes that were not cast out of the arrays")
        object.__setattr__(self, "value", value)

    @classmethod
    def from_rows(cls, rows: Sequence[tuple[str, str, str, float]]) -> Self:
        """Code rows of (rater, scene, method, value); names sort, a stimulus met again by its rater is a repeat."""
        rater, scene, method = ([row[column] for row in rows] for column in range(3))
        raters, scenes, methods = (_names(column) for column in (rater, scene, method))
        codes = (_coded(rater, raters), _coded(scene, scenes), _coded(method, methods))
        return cls(raters, scenes, methods, *codes, _numbers([row[3] for row in rows]), _later_of_equal(codes))

    @classmethod
    def from_matrix(cls, matrix: Any) -> Self:
        """One method's ratings from a table [raters, scenes] with NaN where no vote was cast."""
        table = np.asarray(matrix, dtype=np.float64)
        if table.ndim != 2:
            raise ValueError(f"matrix must be [raters, scenes], got shape {table.shape}")
        rater, scene = np.nonzero(~np.isnan(table))
        return cls(
            raters=tuple(f"rater {i}" for i in range(table.shape[0])),
            scenes=tuple(f"scene {j}" for j in range(table.shape[1])),
            methods=("method",),
            rater=rater,
            scene=scene,
            method=np.zeros_like(rater),
            value=table[rater, scene],
            repeat=np.zeros(rater.size, dtype=bool),
        )

    @property
    def n(self) -> int:
        """How many votes there are."""
        return int(self.rater.size)

    @property
    def stimulus(self) -> Codes:
        """Code of each vote's stimulus, [n]."""
        return self.scene * len(self.methods) + self.method

    @property
    def n_stimuli(self) -> int:
        """How many codes of stimuli there are, with or without votes."""
        return len(self.scenes) * len(self.methods)

    def stimulus_name(self, code: int) -> tuple[str, str]:
        """Scene and method behind a stimulus's code."""
        scene, method = divmod(int(code), len(self.methods))
        return self.scenes[scene], self.methods[method]

    def select(self, votes: Flags | Codes) -> Self:
        """The votes chosen by a mask or by indices; all names stay."""
        chosen = {name: getattr(self, name)[votes] for name in ("rater", "scene", "method", "value", "repeat")}
        return replace(self, **chosen)

    def first_votes(self) -> Self:
        """Without the repeats: each rater's first vote on each stimulus, which is what mean opinion scores rest on."""
        return self.select(~self.repeat)

    def with_values(self, value: Values) -> Self:
        """The same votes with other values, as screening views need them."""
        return replace(self, value=value)


@dataclass(frozen=True, eq=False)
class Comparisons:
    """Single comparisons of two methods on one scene, one per element of the arrays [n].

    Args:
        raters, scenes, methods: Names, each once.
        rater, scene: Codes of the vote's rater and scene.
        left, right: Codes of the methods shown on either side; they differ.
        outcome: +1 left preferred, -1 right preferred, 0 tie.
        repeat: True where the rater had already compared this pair on this scene.
    Raises:
        ValueError: names occur twice, lengths differ, a code has no name, a method meets itself, or another outcome.
    """

    raters: tuple[str, ...]
    scenes: tuple[str, ...]
    methods: tuple[str, ...]
    rater: Codes
    scene: Codes
    left: Codes
    right: Codes
    outcome: NDArray[np.int8]
    repeat: Flags

    def __post_init__(self) -> None:
        """Bring the arrays to one type each and refuse what is inconsistent."""
        names = {"rater": self.raters, "scene": self.scenes, "left": self.methods, "right": self.methods}
        _settle(self, codes=names, flags=("repeat",))
        if (self.left == self.right).any():
            raise ValueError("left and right must be different methods in every comparison")
        outcome = np.asarray(self.outcome)
        if outcome.shape != self.rater.shape or not np.isin(outcome, (-1, 0, 1)).all():
            raise ValueError(f"outcome must be +1, -1 or 0 for each of {self.rater.size} votes")
        object.__setattr__(self, "outcome", outcome.astype(np.int8))

    @classmethod
    def from_rows(cls, rows: Sequence[tuple[str, str, str, str, int]]) -> Self:
        """Code rows of (rater, scene, left method, right method, outcome); names sort."""
        columns = [[str(row[column]) for row in rows] for column in range(4)]
        raters, scenes, methods = _names(columns[0]), _names(columns[1]), _names(columns[2] + columns[3])
        rater, scene = _coded(columns[0], raters), _coded(columns[1], scenes)
        left, right = _coded(columns[2], methods), _coded(columns[3], methods)
        repeat = _later_of_equal((rater, scene, np.minimum(left, right), np.maximum(left, right)))
        outcome = np.array([row[4] for row in rows])
        return cls(raters, scenes, methods, rater, scene, left, right, outcome, repeat)

    @property
    def n(self) -> int:
        """How many votes there are."""
        return int(self.rater.size)

    def select(self, votes: Flags | Codes) -> Self:
        """The votes chosen by a mask or by indices; all names stay."""
        names = ("rater", "scene", "left", "right", "outcome", "repeat")
        return replace(self, **{name: getattr(self, name)[votes] for name in names})

    def first_votes(self) -> Self:
        """Without the repeats: each rater's first answer on each pair and scene."""
        return self.select(~self.repeat)


def summed(codes: NDArray[Any], values: NDArray[Any], size: int = 0) -> Values:
    """Sum values by code, [max(size, largest code + 1)]."""
    return np.asarray(np.bincount(codes, values, size), dtype=np.float64)


def _settle(votes: Ratings | Comparisons, *, codes: dict[str, tuple[str, ...]], flags: tuple[str, ...]) -> None:
    """Check names and codes and store the arrays as int64 and bool."""
    for what in ("raters", "scenes", "methods"):
        names = tuple(getattr(votes, what))
        if len(set(names)) != len(names):
            raise ValueError(f"{what} must name each once, got {sorted({n for n in names if names.count(n) > 1})}")
        object.__setattr__(votes, what, names)
    n = np.asarray(votes.rater).shape
    for what, names in codes.items():
        array = _integers(getattr(votes, what), what)
        if array.ndim != 1 or array.shape != n:
            raise ValueError(f"{what} must be one code per vote, {n}, got shape {array.shape}")
        if array.size and (array.min() < 0 or array.max() >= len(names)):
            raise ValueError(f"{what} must be codes 0..{len(names) - 1}, got {array.min()}..{array.max()}")
        object.__setattr__(votes, what, array)
    for what in flags:
        array = np.asarray(getattr(votes, what), dtype=bool)
        if array.shape != n:
            raise ValueError(f"{what} must be one per vote, {n}, got shape {array.shape}")
        object.__setattr__(votes, what, array)


def _integers(array: Any, what: str) -> Codes:
    """Codes as int64; an empty list counts as codes, fractions do not."""
    codes = np.asarray(array)
    if codes.size and not np.issubdtype(codes.dtype, np.integer):
        raise ValueError(f"{what} must be whole-number codes, got {codes.dtype}")
    return codes.astype(np.int64)


def _numbers(column: Sequence[Any]) -> Values:
    """Ratings as float64."""
    try:
        return np.array(column, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise ValueError(f"value must be a number in every row: {error}") from error


def _names(column: Sequence[Any]) -> tuple[str, ...]:
    """The different entries, sorted."""
    return tuple(sorted({str(entry) for entry in column}))


def _coded(column: Sequence[Any], names: tuple[str, ...]) -> Codes:
    """Each entry's index among the names."""
    index = {name: code for code, name in enumerate(names)}
    return np.array([index[str(entry)] for entry in column], dtype=np.int64)


def _later_of_equal(columns: Sequence[Codes]) -> Flags:
    """Flag every row that equals an earlier one."""
    later = np.ones(columns[0].size, dtype=bool)
    if later.size:
        later[np.unique(np.column_stack(columns), axis=0, return_index=True)[1]] = False
    return later
