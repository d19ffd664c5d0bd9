"""What methods are scored on: synthetic pairs of photos no network has seen, and photographed pairs."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bggan_core.data.corpus import is_held_out, never_trained_on, read_manifest
from bggan_core.data.pairs import Pair, PairSource
from bggan_core.data.photo_pairs import PhotoPair, load_pair, resize_pair
from bggan_core.data.synthetic import PairMaker, PairRecipe
from bggan_core.evaluation.methods import (
    GAUSSIAN,
    GAUSSIAN_SHARE,
    ORACLE,
    TRUTH,
    UNPROCESSED,
    Method,
    fit_gaussian_share,
    fit_oracle_share,
    global_gaussian,
    ground_truth,
    matte_oracle,
    unprocessed,
)

# Pairs that baselines are fitted on; none of them is scored.
_FIT_PAIRS = 32

_AVERAGES = "sRGB; mean with 95 % bootstrap interval over images"


@dataclass(frozen=True)
class EvaluationSet:
    """Pairs to score on, and the baselines fitted for them.

    Args:
        name: For file names.
        protocol: What a table says of it.
        notes: How the baselines were fitted, as Markdown list items.
        oracle: None for photographs, whose mattes nobody knows.
    """

    name: str
    pairs: Iterator[Pair]
    count: int
    protocol: str
    gaussian_share: float
    notes: tuple[str, ...]
    oracle: Method | None = None

    def methods(self, networks: Mapping[str, Method]) -> dict[str, Method]:
        """Put the networks between the baselines and the ground truth, in the order of a table."""
        return {
            UNPROCESSED: unprocessed,
            GAUSSIAN: lambda pair: global_gaussian(pair.photo, self.gaussian_share),
            **networks,
            **({ORACLE: self.oracle} if self.oracle else {}),
            TRUTH: ground_truth,
        }


@dataclass(frozen=True)
class Protocol:
    """How photographed pairs are brought to the size they are scored at.

    Args:
        name: What the command line calls it.
        size: Width and height of landscape pictures in pixels, swapped for portraits; None keeps their own.
        border_px: Rim of the rendered picture that does not count.
        description: What a table says of it.
    """

    name: str
    size: tuple[int, int] | None
    border_px: int
    description: str

    def prepare(self, pair: Pair) -> Pair:
        """Scale a pair and take the rim out of its mask."""
        if self.size is not None:
            width, height = self.size if pair.mask.shape[1] >= pair.mask.shape[0] else self.size[::-1]
            pair = resize_pair(pair, height=height, width=width)
        if self.border_px:
            inner = np.zeros_like(pair.mask)
            window = np.s_[self.border_px : -self.border_px, self.border_px : -self.border_px]
            inner[window] = pair.mask[window]
            pair = replace(pair, mask=inner)
        return pair


# Papers differ in theirs, by a dB and more. "small" is where scenes are compared by what is in focus.
PROTOCOLS = {
    protocol.name: protocol
    for protocol in (
        Protocol("native", None, 0, "(a) full frame at native size"),
        Protocol("resized", (1536, 1024), 0, "(b) photo and ground truth resized to 1536x1024 (DMSHN's)"),
        Protocol("cropped", None, 32, "(c) native size, 32 px border cropped (PyNET's)"),
        Protocol("small", (384, 256), 0, "photo and ground truth averaged to 384x256"),
    )
}


def photographed_set(
    files: Sequence[PhotoPair], protocol: Protocol, *, fit_on: Sequence[PhotoPair] = ()
) -> EvaluationSet:
    """Read photographed pairs as the protocol wants them.

    Args:
        fit_on: Other pairs, to fit the global Gaussian on; without any its width is not fitted.
    Raises:
        ValueError: there is no pair.
    """
    if not files:
        raise ValueError("there is no pair to evaluate on")
    share, fitted = GAUSSIAN_SHARE, "not fitted: there are no other pairs"
    if fit_on:
        chosen = fit_on[:_FIT_PAIRS]
        share = fit_gaussian_share(protocol.prepare(load_pair(pair)) for pair in chosen)
        fitted = f"fitted by PSNR on {len(chosen)} other pairs"
    return EvaluationSet(
        name=protocol.name,
        pairs=(protocol.prepare(load_pair(pair)) for pair in files),
        count=len(files),
        protocol=f"{len(files)} photographed pairs ({files[0].name} to {files[-1].name}), {protocol.description}, "
        f"wedges masked, {_AVERAGES}",
        gaussian_share=share,
        notes=(f"- {GAUSSIAN}: standard deviation {share:.4f} of the longer side, {fitted}.",),
    )


def synthetic_set(
    corpus: Path, trained: Collection[str], *, recipe: PairRecipe, seed: int, count: int, height: int, width: int
) -> EvaluationSet:
    """Make synthetic pairs of held-out photos of whose series none was trained on; baselines are fitted on the others.

    Args:
        trained: Names of the photos that the networks were trained on.
    """
    maker = open_held_out_pairs(corpus, trained, recipe=recipe, seed=seed)
    others = [entry for entry in read_manifest(corpus) if not is_held_out(entry.name)]
    fit_maker = PairMaker(corpus, others, recipe=recipe.without_variety, seed=seed + 1)
    fit = list(_make(fit_maker, count=min(_FIT_PAIRS, count), height=height, width=width))
    gaussian, disc = fit_gaussian_share(fit), fit_oracle_share(fit)
    return EvaluationSet(
        name="synthetic-nights" if _by_night(recipe) else "synthetic",
        pairs=_make(maker, count=count, height=height, width=width),
        count=count,
        protocol=f"{count} synthetic pairs{_by_night(recipe)} of {len(maker.photo_names)} photos never trained on "
        f"(seed {seed}), {height}x{width}, full frame, {_AVERAGES}",
        gaussian_share=gaussian,
        notes=(
            f"- {GAUSSIAN}: standard deviation {gaussian:.4f} of the longer side. {ORACLE}: all but the true matte "
            f"blurred by a disc of radius {disc:.4f} of it. Both fitted by PSNR on {len(fit)} pairs of other photos.",
        ),
        oracle=matte_oracle(disc),
    )


def open_held_out_pairs(corpus: Path, trained: Collection[str], *, recipe: PairRecipe, seed: int) -> PairMaker:
    """Open a source of pairs of held-out photos, without variety, of whose series none was trained on."""
    entries = never_trained_on(read_manifest(corpus), trained)
    return PairMaker(corpus, entries, recipe=recipe.without_variety, seed=seed)


def _by_night(recipe: PairRecipe) -> str:
    return " by night" if recipe.night_share == 1 else ""


def _make(pairs: PairSource, *, count: int, height: int, width: int) -> Iterator[Pair]:
    return (replace(pairs.make(i, height=height, width=width), name=f"synthetic/{i}") for i in range(count))
