"""How close renderings come to their ground truth, with the protocol named beside every figure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from bggan_core.data.pairs import Pair
from bggan_core.data.synthetic import PairMaker
from bggan_core.metrics import psnr, ssim
from bggan_core.optics import Array

# A photo to its rendering, both float32 [H, W, 3] in [0, 1].
Render = Callable[[Array], Array]

RESAMPLES = 2000


@dataclass(frozen=True)
class Estimate:
    """A mean over images with its 95 % percentile-bootstrap interval (Efron & Tibshirani 1993, ch. 13)."""

    mean: float
    low: float
    high: float

    def __str__(self) -> str:
        digits = 2 if self.mean > 2 else 4
        return f"{self.mean:.{digits}f} [{self.low:.{digits}f}, {self.high:.{digits}f}]"


@dataclass(frozen=True)
class MethodScore:
    """One method's mean scores under one protocol."""

    method: str
    psnr_db: Estimate
    ssim: Estimate
    images: int


def unprocessed(photo: Array) -> Array:
    """The input itself: what any method must beat."""
    return photo


def global_gaussian(photo: Array) -> Array:
    """One Gaussian over the whole photo, sigma 1/256 of the longer side: blur that knows nothing of the subject."""
    return cv2.GaussianBlur(photo, (0, 0), max(photo.shape) / 256)


BASELINES: dict[str, Render] = {"Unprocessed photo": unprocessed, "Global Gaussian": global_gaussian}


def evaluate(methods: Mapping[str, Render], pairs: Iterable[Pair], *, seed: int = 0) -> list[MethodScore]:
    """Score methods on the same pairs: PSNR and SSIM over the full frame, sRGB in [0, 1].

    Raises:
        ValueError: there is no pair.
    """
    scores: dict[str, list[tuple[float, float]]] = {method: [] for method in methods}
    for pair in pairs:
        for method, render in methods.items():
            rendering = np.clip(render(pair.photo), 0.0, 1.0)
            scores[method].append((psnr(rendering, pair.bokeh), ssim(rendering, pair.bokeh)))
    if not next(iter(scores.values())):
        raise ValueError("there is no pair to evaluate on")
    return [
        MethodScore(
            method,
            bootstrap_mean([row[0] for row in rows], seed=seed),
            bootstrap_mean([row[1] for row in rows], seed=seed),
            len(rows),
        )
        for method, rows in scores.items()
    ]


def bootstrap_mean(values: Sequence[float], *, seed: int, resamples: int = RESAMPLES) -> Estimate:
    """Mean with a 95 % percentile-bootstrap interval; infinite PSNRs (equal images) are refused.

    Raises:
        ValueError: a value is not finite.
    """
    sample = np.asarray(values, np.float64)
    if not np.isfinite(sample).all():
        raise ValueError("a score is infinite or no number: an image equals its ground truth, so its PSNR has no mean")
    draws = np.random.default_rng(seed).integers(len(sample), size=(resamples, len(sample)))
    low, high = np.percentile(sample[draws].mean(axis=1), [2.5, 97.5])
    return Estimate(float(sample.mean()), float(low), float(high))


def synthetic_protocol(pairs: PairMaker, *, count: int, height: int, width: int) -> str:
    """Name what `held_out_pairs` of the same arguments measures."""
    return (
        f"{count} synthetic pairs of held-out photos (seed {pairs.seed}), {height}x{width}, full frame, sRGB; "
        "mean with 95 % bootstrap interval over images"
    )


def held_out_pairs(pairs: PairMaker, *, count: int, height: int, width: int) -> Iterable[Pair]:
    """Make `count` pairs one after another."""
    return (pairs.make(index, height=height, width=width) for index in range(count))


def to_markdown(scores: Sequence[MethodScore], *, protocol: str) -> str:
    """Write a table with its protocol above it."""
    lines = [f"Protocol: {protocol}.", "", "| Method | PSNR (dB) | SSIM | n |", "|---|---|---|---|"]
    lines += [f"| {score.method} | {score.psnr_db} | {score.ssim} | {score.images} |" for score in scores]
    return "\n".join(lines) + "\n"
