"""The rule by which the size that a published network sees is chosen: quality against time."""

import dataclasses
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from bggan_core.data.pairs import Pair
from bggan_core.evaluation.estimates import Estimate, bootstrap_mean
from bggan_core.evaluation.methods import Method
from bggan_core.focus import fitted_psnr_gain

# About a fortieth of what the shipped network gains over a global Gaussian (docs/evaluation.md).
TOLERANCE_DB = 0.1

RULE = (
    f"the fastest size whose mean PSNR over the photo, both fitted, is at most {TOLERANCE_DB} dB below that of the best"
)


@dataclass(frozen=True)
class Candidate:
    """What a working size is worth and what it costs.

    Args:
        working_pixels: Area that photos are scaled to for the network.
        fitted_gain_db: PSNR over the photo, both fitted, over the pairs.
        time_ratio: Median seconds for a photo as a multiple of the smallest size's, timed in turns.
    """

    working_pixels: int
    fitted_gain_db: Estimate
    time_ratio: float


def measure_candidates(methods: Mapping[int, Method], pairs: Iterable[Pair], *, seed: int = 0) -> list[Candidate]:
    """Render the same pairs at every working size, in turns.

    Args:
        methods: A network's renderings by working size.
        seed: Of the bootstrap.
    Raises:
        ValueError: there is no pair, or a rendering equals its ground truth, so that the mean is infinite.
    """
    gains: dict[int, list[float]] = {size: [] for size in methods}
    seconds: dict[int, list[float]] = {size: [] for size in methods}
    for pair in pairs:
        for size, render in methods.items():
            began = time.perf_counter()
            rendering = render(pair)
            seconds[size].append(time.perf_counter() - began)
            gains[size].append(fitted_psnr_gain(rendering, pair.photo, pair.bokeh, pair.mask))
    if not next(iter(gains.values())):
        raise ValueError("there is no pair to choose a working size on")
    estimates = {size: bootstrap_mean(values, seed=seed) for size, values in gains.items()}
    baseline = np.median(seconds[min(methods)])
    return [
        Candidate(size, estimate, float(np.median(seconds[size]) / baseline)) for size, estimate in estimates.items()
    ]


def choose(candidates: Sequence[Candidate]) -> Candidate:
    """Find the candidate that `RULE` picks."""
    best = max(candidate.fitted_gain_db.mean for candidate in candidates)
    return min(
        (candidate for candidate in candidates if candidate.fitted_gain_db.mean >= best - TOLERANCE_DB),
        key=lambda candidate: candidate.time_ratio,
    )


def record_choice(candidates: Sequence[Candidate], *, pairs: str) -> dict[str, Any]:
    """Say for a manifest which size was chosen among which, by what rule, on which pairs."""
    return {
        "rule": RULE,
        "pairs": pairs,
        "chosen": choose(candidates).working_pixels,
        "candidates": [dataclasses.asdict(candidate) for candidate in candidates],
    }
