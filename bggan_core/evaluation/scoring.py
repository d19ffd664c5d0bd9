"""Every method on every pair by every measure, and the means."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from bggan_core.data.pairs import Pair
from bggan_core.evaluation.estimates import Estimate, bootstrap_gap_closed, bootstrap_mean
from bggan_core.evaluation.methods import ORACLE, UNPROCESSED, Method
from bggan_core.focus import RadiusJudge, detail_kept, fitted_psnr, focus_auc, label_focus, matte_detail_kept
from bggan_core.highlights import disc_share, find_highlights
from bggan_core.metrics import psnr, ssim
from bggan_core.optics import Array

# Measure to its heading and the digits worth printing.
MEASURES = {
    "psnr_db": ("PSNR (dB)", 2),
    "ssim": ("SSIM", 4),
    "perceptual": ("Perceptual distance", 4),
    "fitted_gain_db": ("PSNR over the photo, both fitted (dB)", 2),
    "focus_auc": ("Focus AUC", 3),
    "detail_in_focus": ("Detail kept in focus", 2),
    "detail_out_of_focus": ("Detail kept out of focus", 2),
    "matte_detail": ("Gradient energy kept in the matte", 3),
    "radius_correlation": ("Blur radius, rank correlation", 2),
    "highlight_discs": ("Lamps rendered as discs", 2),
}


class Distance(Protocol):
    """A perceptual distance: `name`, the truth's features once, and renderings against them."""

    name: str

    def features(self, picture: Array, mask: Array) -> Any:
        """What is compared."""

    def __call__(self, rendering: Array, mask: Array, truth: Any) -> float:
        """Distance of a rendering to the ground truth's features."""


@dataclass(frozen=True)
class Score:
    """One method on one pair. `values` are by measure; NaN where a picture does not allow one."""

    pair: str
    method: str
    values: dict[str, float]


@dataclass(frozen=True)
class Summary:
    """One method's means by measure, of measures that some picture allowed; `images` is how many it rendered."""

    method: str
    estimates: dict[str, Estimate]
    images: int


def evaluate(
    methods: Mapping[str, Method], pairs: Iterable[Pair], *, distance: Distance | None = None
) -> Iterator[Score]:
    """Score methods on the same pairs, one score after another, over the pixels that count, sRGB in [0, 1]."""
    for number, pair in enumerate(pairs):
        judge = _Judge(pair, distance)
        for method, render in methods.items():
            rendering = np.clip(render(pair), 0.0, 1.0)
            yield Score(pair.name or str(number), method, judge.score(rendering))


def summarise(scores: Sequence[Score], *, seed: int = 0) -> list[Summary]:
    """Average every method's scores over the pictures that allow the measure, in the order methods were given.

    Raises:
        ValueError: there is no score, or a method equals the ground truth on some pictures only, so that its PSNR has
            no mean.
    """
    if not scores:
        raise ValueError("there is no pair to evaluate on")
    summaries = []
    for method in dict.fromkeys(score.method for score in scores):
        rows = [score.values for score in scores if score.method == method]
        measured = {measure: [row[measure] for row in rows if measure in row] for measure in MEASURES}
        defined = {measure: [v for v in values if not math.isnan(v)] for measure, values in measured.items()}
        estimates = {
            measure: bootstrap_mean(values, seed=seed)
            for measure, values in defined.items()
            if values and not all(math.isinf(value) for value in values)
        }
        summaries.append(Summary(method, estimates, len(rows)))
    return summaries


def gap_closed(scores: Sequence[Score], method: str, *, measure: str = "perceptual", seed: int = 0) -> Estimate | None:
    """How much of the unprocessed photo's distance to the oracle's a method takes away, over pairs that have all three.

    None where no pair has.
    """
    of: dict[str, list[float]] = {UNPROCESSED: [], method: [], ORACLE: []}
    for pair in dict.fromkeys(score.pair for score in scores):
        values = {score.method: score.values.get(measure, math.nan) for score in scores if score.pair == pair}
        distances = [values.get(name, math.nan) for name in of]
        if all(math.isfinite(distance) for distance in distances):
            for name, distance in zip(of, distances, strict=True):
                of[name].append(distance)
    if not of[ORACLE]:
        return None
    return bootstrap_gap_closed(of[UNPROCESSED], of[method], of[ORACLE], seed=seed)


class _Judge:
    """Scores renderings of one pair; what depends on the pair alone is computed once."""

    def __init__(self, pair: Pair, distance: Distance | None) -> None:
        self._pair, self._distance = pair, distance
        self._labels = label_focus(pair.photo, pair.bokeh, pair.mask)
        self._truth = distance.features(pair.bokeh, pair.mask) if distance else None
        self._photo_psnr = fitted_psnr(pair.photo, pair.bokeh, pair.mask)
        self._radius_judge = None
        if pair.matte is not None and pair.radius_px is not None:
            self._radius_judge = RadiusJudge(pair.photo, pair.matte, pair.radius_px)
            self._lamps = find_highlights(pair.photo, pair.bokeh, pair.radius_px)

    def score(self, rendering: Array) -> dict[str, float]:
        """Values of all measures that the pair allows."""
        pair = self._pair
        in_focus, out_of_focus = detail_kept(rendering, self._labels)
        values = {
            "psnr_db": psnr(rendering, pair.bokeh, pair.mask),
            "ssim": ssim(rendering, pair.bokeh, pair.mask),
            "fitted_gain_db": fitted_psnr(rendering, pair.bokeh, pair.mask) - self._photo_psnr,
            "focus_auc": focus_auc(rendering, self._labels),
            "detail_in_focus": in_focus,
            "detail_out_of_focus": out_of_focus,
        }
        if self._distance is not None:
            same = np.array_equal(rendering, pair.bokeh)  # saves the ground truth's own row a pass
            values["perceptual"] = 0.0 if same else self._distance(rendering, pair.mask, self._truth)
        if pair.matte is not None:
            values["matte_detail"] = matte_detail_kept(rendering, pair.photo, pair.matte)
        if self._radius_judge is not None:
            values["radius_correlation"] = self._radius_judge.rank_correlation(rendering)
            values["highlight_discs"] = disc_share(rendering, self._lamps)
        return values
