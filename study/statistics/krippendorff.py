# ruff: noqa: RUF002  The Greek letters are the sources' symbols.
"""Krippendorff's α: agreement of any number of raters with any votes missing (Krippendorff 2011).

α = 1 - D_o/D_e, with the coincidences o_ck = Σ over stimuli of (ordered pairs of votes c, k)/(m_u - 1), m_u the
stimulus's votes; D_o = Σ o_ck δ²_ck, D_e = Σ n_c n_k δ²_ck / (n - 1), n_c = Σ_k o_ck, n = Σ n_c. Ordinal:
δ_ck = Σ_{g=c..k} n_g - (n_c + n_k)/2. Stimuli with one vote count nowhere.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from study.statistics.agreement import Agreement
from study.statistics.data import Ratings
from study.statistics.intervals import Interval, check_confidence

Level = Literal["nominal", "ordinal", "interval"]
Matrix = NDArray[np.float64]


def krippendorff_alpha(
    ratings: Ratings,
    *,
    level: Level = "ordinal",
    confidence: float = 0.95,
    resamples: int = 1000,
    seed: int = 0,
) -> Agreement:
    """α over all stimuli, with a percentile bootstrap over stimuli.

    Raters' repeats should be left out (`ratings.first_votes()`): they are no second rater.
    """
    check_confidence(confidence)
    counts, values = _values_per_stimulus(ratings)
    name = f"Krippendorff's alpha ({level})"
    text = f"percentile bootstrap over stimuli, {resamples} resamples"
    message = _missing_message(counts)
    n_raters = int(np.unique(ratings.rater).size)
    if message:
        nothing = Interval(None, None, confidence, text, message)
        return Agreement(name, None, nothing, n_raters, len(counts), ratings.n, message)
    coincidences = _coincidences(counts)
    alpha = _alpha(coincidences.sum(axis=0), values, level)
    rng = np.random.default_rng(seed)
    size = len(counts)
    drawn = rng.multinomial(size, np.full(size, 1 / size), size=resamples).astype(np.float64)
    resampled = np.tensordot(drawn, coincidences, axes=1)
    alphas = np.array([value for table in resampled if (value := _alpha(table, values, level)) is not None])
    if size < 2:
        interval = Interval(None, None, confidence, text, "one stimulus: no interval")
    else:
        low, high = np.quantile(alphas, [(1 - confidence) / 2, (1 + confidence) / 2])
        note = None if alphas.size == resamples else f"{resamples - alphas.size} resamples without variation left out"
        interval = Interval(float(low), float(high), confidence, text, note)
    return Agreement(name, alpha, interval, n_raters, size, int(counts.sum()), None)


def _values_per_stimulus(ratings: Ratings) -> tuple[Matrix, NDArray[np.float64]]:
    """How often each value was given to each stimulus with two votes or more, and the values."""
    values, value_code = np.unique(ratings.value, return_inverse=True)
    _, stimulus = np.unique(ratings.stimulus, return_inverse=True)
    size = int(stimulus.max()) + 1 if stimulus.size else 0
    counts = np.bincount(stimulus * values.size + value_code, minlength=size * values.size)
    table = counts.reshape(size, values.size).astype(np.float64)
    return table[table.sum(axis=1) >= 2], values


def _missing_message(counts: Matrix) -> str | None:
    """Why there is no α."""
    if counts.size == 0:
        return "no stimulus has two votes: no agreement to measure"
    if np.count_nonzero(counts.sum(axis=0)) < 2:
        return "all votes are equal: no variation to agree on"
    return None


def _coincidences(counts: Matrix) -> NDArray[np.float64]:
    """Coincidences within each stimulus, [stimuli, values, values]."""
    pairs = counts[:, :, None] * counts[:, None, :]
    pairs -= counts[:, :, None] * np.eye(counts.shape[1])
    return np.asarray(pairs / (counts.sum(axis=1) - 1)[:, None, None], dtype=np.float64)


def _alpha(coincidences: Matrix, values: NDArray[np.float64], level: Level) -> float | None:
    """α of one table of coincidences, [values, values]; None without variation."""
    margins = coincidences.sum(axis=0)
    distance = _distances(margins, values, level)
    expected = float(margins @ distance @ margins) / float(margins.sum() - 1)
    return None if expected <= 0 else 1 - float((coincidences * distance).sum()) / expected


def _distances(margins: NDArray[np.float64], values: NDArray[np.float64], level: Level) -> Matrix:
    """δ² between values."""
    if level == "nominal":
        return 1 - np.eye(values.size)
    if level == "interval":
        return np.asarray((values[:, None] - values[None, :]) ** 2, dtype=np.float64)
    if level != "ordinal":
        raise ValueError(f"level must be 'nominal', 'ordinal' or 'interval', got {level!r}")
    middle = np.cumsum(margins) - margins / 2
    return np.asarray((middle[:, None] - middle[None, :]) ** 2, dtype=np.float64)
