"""The exposure of one picture brought to another's: a gain and an offset for every channel.

Two photographs of one scene at f/16 and f/1.8 differ by some grey levels (EBB!: 5 to 20 of 255), which says nothing of
their blur. Pictures are float32 [H, W, 3] in [0, 1], masks [H, W] in {0, 1}.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from bggan_core.optics import Array

# Averaged over cells this large, a scene looks the same through every aperture.
_CELL_PX = 16

# A channel flatter than this (standard deviation) tells no gain.
_FLAT = 1e-3


@dataclass(frozen=True)
class GainOffset:
    """What turns one picture's colours into another's: `gain * colour + offset`, both [3]."""

    gain: npt.NDArray[np.float64]
    offset: npt.NDArray[np.float64]

    def apply(self, picture: Array) -> Array:
        """Bring a picture to the other's exposure; what leaves [0, 1] is clipped."""
        return np.clip(picture * self.gain + self.offset, 0.0, 1.0).astype(np.float32)


def fit_gain_offset(picture: Array, target: Array, mask: Array) -> GainOffset:
    """Fit picture to target channel by channel, by least squares over the pixels that count.

    A flat channel keeps gain 1 and moves by its offset alone.

    Raises:
        ValueError: no pixel counts.
    """
    counts = mask > 0
    if not counts.any():
        raise ValueError("no pixel counts: the mask is empty")
    own, other = picture[counts].astype(np.float64), target[counts].astype(np.float64)
    spread = own.var(axis=0)
    covariance = ((own - own.mean(axis=0)) * (other - other.mean(axis=0))).mean(axis=0)
    gain = np.where(spread > _FLAT**2, covariance / np.maximum(spread, _FLAT**2), 1.0)
    return GainOffset(gain, other.mean(axis=0) - gain * own.mean(axis=0))


def match_exposure(bokeh: Array, photo: Array, mask: Array) -> Array:
    """Bring a bokeh picture to its photo's exposure, fitted on averages that blur leaves alone."""
    height, width = mask.shape
    size = (max(width // _CELL_PX, 1), max(height // _CELL_PX, 1))
    small_bokeh, small_photo, share = (cv2.resize(x, size, interpolation=cv2.INTER_AREA) for x in (bokeh, photo, mask))
    return fit_gain_offset(small_bokeh, small_photo, (share > 0.999).astype(np.float32)).apply(bokeh)
