"""How far the two photographs of a pair are apart: the shift between them, by phase correlation."""

import csv
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import cv2
import numpy as np

from bggan_core.data.pairs import Pair
from bggan_core.optics import Array


@dataclass(frozen=True)
class Shift:
    """Where the bokeh lies relative to the photo.

    Args:
        right_px, down_px: Position of the bokeh's content minus the photo's.
        response: Height of the correlation's peak in [0, 1]; below about 0.05 the shift is a guess.
    """

    right_px: float
    down_px: float
    response: float

    @property
    def length_px(self) -> float:
        """Distance in pixels."""
        return float(np.hypot(self.right_px, self.down_px))


@dataclass(frozen=True)
class PairCheck:
    """What a data set's owner wants to know of one pair; shifts in pixels, the rest in [0, 1] or [-1, 1]."""

    name: str
    shift_px: float
    right_px: float
    down_px: float
    response: float
    exposure_difference: float
    masked_share: float


def measure_shift(photo: Array, bokeh: Array, mask: Array) -> Shift:
    """Find the shift of bokeh against photo (Kuglin & Hines 1975) to a fraction of a pixel.

    A lens's blur is nearly symmetric, so it lowers the peak and does not move it.

    Args:
        photo, bokeh: float32 [H, W, 3] in [0, 1].
        mask: [H, W]; wedges are left out of both pictures.
    """
    window = cv2.createHanningWindow(mask.shape[::-1], cv2.CV_32F)
    (right, down), response = cv2.phaseCorrelate(_plane(photo, mask), _plane(bokeh, mask), window)
    return Shift(float(right), float(down), float(response))


def check_pair(pair: Pair) -> PairCheck:
    """Measure one pair's shift, its exposure difference (bokeh minus photo) and how much of it is masked."""
    shift = measure_shift(pair.photo, pair.bokeh, pair.mask)
    counts = pair.mask > 0
    return PairCheck(
        name=pair.name,
        shift_px=shift.length_px,
        right_px=shift.right_px,
        down_px=shift.down_px,
        response=shift.response,
        exposure_difference=float(pair.bokeh[counts].mean() - pair.photo[counts].mean()),
        masked_share=float(1.0 - pair.mask.mean()),
    )


def write_checks(checks: Iterable[PairCheck], path: Path) -> list[PairCheck]:
    """Write one CSV row a pair while it is measured, and return the rows."""
    done = []
    with path.open("w", newline="", encoding="utf-8", buffering=1) as file:
        writer = csv.DictWriter(file, [field.name for field in fields(PairCheck)])
        writer.writeheader()
        for check in checks:
            writer.writerow({key: _rounded(value) for key, value in asdict(check).items()})
            done.append(check)
    return done


def within(checks: Sequence[PairCheck], largest_shift_px: float) -> list[str]:
    """Name the pairs whose pictures lie at most this far apart: what a pair list is made of."""
    return [check.name for check in checks if check.shift_px <= largest_shift_px]


def _plane(picture: Array, mask: Array) -> Array:
    """Grey values around their mean, with what does not count at the mean."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
    mean = float(grey[mask > 0].mean()) if mask.any() else 0.0
    return ((grey - mean) * mask).astype(np.float32)


def _rounded(value: str | float) -> str | float:
    return value if isinstance(value, str) else round(value, 4)
