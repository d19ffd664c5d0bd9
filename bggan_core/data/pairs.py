"""What every source of training and test pairs gives: a photo, its bokeh, and which pixels count.

A source numbers its pairs; pair n is the same whenever it is asked for, so that a run resumes at any batch.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from bggan_core.optics import Array

# Photos and bokeh [B, H, W, 3] in [-1, 1]; masks [B, H, W, 1] in {0, 1}: 1 where a pixel counts; and defocus
# [B, H, W, 1] in [-1, 1]: `Pair.defocus`. All float32.
Batch = tuple[Array, Array, Array, Array]

BATCH_CHANNELS = (3, 3, 1, 1)

ALL_ROWS = slice(None)


@dataclass(frozen=True)
class Pair:
    """A photo without bokeh and its ground truth.

    Args:
        photo, bokeh: float32 [H, W, 3] in [0, 1].
        mask: 1 where both are picture, 0 where one is filler, [H, W].
        matte: The subject's opacity, [H, W] in [0, 1]; None for photographs, where nobody knows it.
        radius_px: Signed radius of confusion the lens had, [H, W], positive behind the focal plane; None likewise.
        name: What a table calls it.
    """

    photo: Array
    bokeh: Array
    mask: Array
    matte: Array | None = None
    radius_px: Array | None = None
    name: str = ""

    @property
    def defocus(self) -> Array:
        """The radius of confusion in units of the picture's largest: [H, W] in [-1, 1], NaN where nobody knows it.

        It does not depend on the aperture, and so can be told from a photo without bokeh.
        """
        if self.radius_px is None:
            return np.full_like(self.mask, np.nan)
        return self.radius_px / max(float(np.abs(self.radius_px).max()), 1e-6)


class PairSource(Protocol):
    """Where a trainer's batches and sample pictures come from."""

    @property
    def photo_names(self) -> list[str]:
        """Every photo the source may draw, sorted: what a run records as trained on."""

    def make(self, index: int, *, height: int, width: int) -> Pair:
        """Make pair `index` at a size in pixels."""

    def make_batch(self, index: int, *, size: int, height: int, width: int, rows: slice = ALL_ROWS) -> Batch:
        """Make batch `index` of `size` pairs of one shape, or only some of its rows: a worker's share."""


def everything_counts(photo: Array) -> Array:
    """The mask of a pair without filler: ones [H, W] for a photo [H, W, 3]."""
    return np.ones(photo.shape[:2], np.float32)


def stack_pairs(pairs: Sequence[Pair]) -> Batch:
    """Stack pairs of one shape into a batch in the network's range."""
    photos, bokeh, masks, defocus = (
        np.stack([getattr(pair, plane) for pair in pairs]).astype(np.float32)
        for plane in ("photo", "bokeh", "mask", "defocus")
    )
    return photos * 2.0 - 1.0, bokeh * 2.0 - 1.0, masks[..., None], defocus[..., None]
