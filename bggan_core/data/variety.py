"""Many scenes of one photo: windows of it, tilted, out of proportion, in other light and other colours.

Functions that draw take a seeded Generator; all return new scenes. A plain `Variety` draws no more than windows and
light need.
"""

import math
from dataclasses import dataclass, replace

import cv2
import numpy as np

from bggan_core.data.corpus import Scene
from bggan_core.optics import Array

# Closest window of a plain variety, and of photos too small for a closer one: a share of the largest window's sides.
_PLAIN_CLOSEST = 0.75


@dataclass(frozen=True)
class Variety:
    """How far a scene may be from the photo it is made of; as it is written here, not far.

    Args:
        closest_window: Sides of the smallest window, as a share of those of the largest that fits. Closer than three
            quarters only photos are seen that have a pixel for every one of the scene's; smaller ones are scaled up.
        stretch: Most that width and height may be out of proportion, as a share.
        tilt_deg: Most that the camera may be tilted to either side, in degrees. Cut-outs stand upright all the same.
        hue_deg: Most that all hues may turn around the circle of colours, in degrees.
        saturation: Range of the factor on saturation.
    """

    closest_window: float = _PLAIN_CLOSEST
    stretch: float = 0.0
    tilt_deg: float = 0.0
    hue_deg: float = 0.0
    saturation: tuple[float, float] = (1.0, 1.0)

    def __post_init__(self) -> None:
        if not 0 < self.closest_window <= _PLAIN_CLOSEST:
            raise ValueError(f"closest_window must be over 0 and at most {_PLAIN_CLOSEST}, got {self.closest_window}")
        if not 0 <= self.stretch <= 1:
            raise ValueError(f"stretch must be at least 0 and at most 1, got {self.stretch}")
        if not 0 <= self.tilt_deg <= 45:
            raise ValueError(f"tilt_deg must be at least 0 and at most 45, got {self.tilt_deg}")
        if not 0 <= self.hue_deg <= 180:
            raise ValueError(f"hue_deg must be at least 0 and at most 180, got {self.hue_deg}")
        if not 0 <= self.saturation[0] <= self.saturation[1] < math.inf:
            raise ValueError(f"saturation must be two factors, the smaller first, got {self.saturation}")

    @property
    def has_close_windows(self) -> bool:
        """Whether it has windows that a plain one has not."""
        return self.closest_window < _PLAIN_CLOSEST

    @property
    def in_wide_windows(self) -> "Variety":
        """The same without close windows."""
        return replace(self, closest_window=_PLAIN_CLOSEST)


def vary_tilt(scene: Scene, rng: np.random.Generator, variety: Variety) -> Scene:
    """Tilt the camera to either side."""
    return tilt(scene, rng.uniform(-variety.tilt_deg, variety.tilt_deg)) if variety.tilt_deg else scene


def tilt(scene: Scene, degrees: float) -> Scene:
    """Turn a scene anticlockwise around its middle, and keep the largest window of its own shape without corners."""
    height, width = scene.matte.shape
    sine, cosine = abs(math.sin(math.radians(degrees))), math.cos(math.radians(degrees))
    share = min(width / (width * cosine + height * sine), height / (width * sine + height * cosine))
    size = max(1, int(width * share)), max(1, int(height * share))
    move = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    move[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
    planes = (scene.photo, scene.matte, scene.disparity)
    # Nothing of the window lies beyond the rim but by rounding.
    return Scene(*(cv2.warpAffine(plane, move, size, borderMode=cv2.BORDER_REPLICATE) for plane in planes))


def random_crop(scene: Scene, rng: np.random.Generator, variety: Variety, *, height: int, width: int) -> Scene:
    """Cut a random window of nearly the wanted shape, and scale it to a size in pixels."""
    proportion = (1.0 + variety.stretch) ** rng.uniform(-0.5, 0.5) if variety.stretch else 1.0
    full_height, full_width = scene.matte.shape
    largest = min(full_height / (height * proportion), full_width * proportion / width)
    as_many_pixels = max(proportion, 1.0 / proportion) / largest
    scale = largest * rng.uniform(min(_PLAIN_CLOSEST, max(variety.closest_window, as_many_pixels)), 1.0)
    rows, columns = int(height * proportion * scale), int(width / proportion * scale)
    top, left = rng.integers(full_height - rows + 1), rng.integers(full_width - columns + 1)
    return scene.crop(np.s_[top : top + rows, left : left + columns]).resize(height, width)


def vary_light(scene: Scene, rng: np.random.Generator, variety: Variety) -> Scene:
    """Vary exposure, white balance, contrast and colours, before the lens sees the scene."""
    gain = rng.uniform(0.8, 1.2) * rng.uniform(0.94, 1.06, size=3)
    photo = np.clip(scene.photo * gain, 0.0, 1.0) ** rng.uniform(0.85, 1.2)
    if rng.random() < 0.3:  # a phone's sharper or softer rendition
        photo = photo + rng.uniform(-0.4, 0.6) * (photo - cv2.GaussianBlur(photo, (0, 0), 1.0))
    lit = np.clip(photo, 0.0, 1.0).astype(np.float32)
    return replace(scene, photo=_vary_colours(lit, rng, variety))


def _vary_colours(photo: Array, rng: np.random.Generator, variety: Variety) -> Array:
    if not variety.hue_deg and variety.saturation == (1.0, 1.0):
        return photo
    hue, saturation, value = cv2.split(cv2.cvtColor(photo, cv2.COLOR_RGB2HSV))  # degrees, share, share
    hue = (hue + np.float32(rng.uniform(-variety.hue_deg, variety.hue_deg))) % 360.0
    saturation = np.clip(saturation * np.float32(rng.uniform(*variety.saturation)), 0.0, 1.0)
    return np.asarray(cv2.cvtColor(cv2.merge([hue, saturation, value]), cv2.COLOR_HSV2RGB), np.float32)
