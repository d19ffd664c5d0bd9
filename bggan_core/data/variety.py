"""Many scenes of one photo: windows of it, turned, stretched, mirrored, and in other light and colours.

Every function takes a seeded Generator and returns a new scene. What a `Variety` does not ask for draws nothing from
the Generator, so that pairs by a plainer one stay the same.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from bggan_core.data.corpus import Scene
from bggan_core.optics import Array

# The smallest window that is cut of a photo however small it is, as a share of the largest that fits.
_WIDE_WINDOW = 0.75


@dataclass(frozen=True)
class Variety:
    """How far a scene may be from the photo it is made of; as it is written here, not far.

    Args:
        closest_window: Smallest window, as a share of the largest that fits; photos with too few pixels for it at the
            wanted size give wider ones, down to three quarters.
        stretch: Most that width and height may be out of proportion, as a share.
        turn_deg: Most that the camera may be tilted to either side, in degrees.
        hue_deg: Most that all hues may turn around the circle of colours, in degrees.
        saturation: Range of the factor on saturation.
    """

    closest_window: float = _WIDE_WINDOW
    stretch: float = 0.0
    turn_deg: float = 0.0
    hue_deg: float = 0.0
    saturation: tuple[float, float] = (1.0, 1.0)

    def __post_init__(self) -> None:
        if not 0 < self.closest_window <= _WIDE_WINDOW:
            raise ValueError(f"closest_window must be over 0 and at most {_WIDE_WINDOW}, got {self.closest_window}")
        if not 0 <= self.stretch <= 1:
            raise ValueError(f"stretch must be at least 0 and at most 1, got {self.stretch}")
        if not 0 <= self.turn_deg <= 45:
            raise ValueError(f"turn_deg must be at least 0 and at most 45, got {self.turn_deg}")
        if not 0 <= self.hue_deg <= 180:
            raise ValueError(f"hue_deg must be at least 0 and at most 180, got {self.hue_deg}")
        if not 0 <= self.saturation[0] <= self.saturation[1]:
            raise ValueError(f"saturation must be two factors, the smaller first, got {self.saturation}")


def vary_pose(scene: Scene, rng: np.random.Generator, variety: Variety) -> Scene:
    """Tilt the camera."""
    return turn(scene, rng.uniform(-variety.turn_deg, variety.turn_deg)) if variety.turn_deg else scene


def turn(scene: Scene, degrees: float) -> Scene:
    """Turn a scene around its middle, anticlockwise, and keep the largest window of its own shape without corners."""
    height, width = scene.matte.shape
    sine, cosine = abs(np.sin(np.radians(degrees))), np.cos(np.radians(degrees))
    share = min(width / (width * cosine + height * sine), height / (width * sine + height * cosine))
    size = int(width * share), int(height * share)
    move = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    move[:, 2] += (size[0] - width) / 2, (size[1] - height) / 2
    planes = (scene.photo, scene.matte, scene.disparity)
    # Windows end within half a pixel of the photo's rim.
    return Scene(*(cv2.warpAffine(plane, move, size, borderMode=cv2.BORDER_REPLICATE) for plane in planes))


def random_crop(scene: Scene, rng: np.random.Generator, variety: Variety, *, height: int, width: int) -> Scene:
    """Cut a random window of nearly the wanted shape, and scale it to a size in pixels."""
    stretch = 1.0 + variety.stretch
    proportion = float(np.sqrt(rng.uniform(1.0 / stretch, stretch))) if variety.stretch else 1.0
    full_height, full_width = scene.matte.shape
    largest = min(full_height / (height * proportion), full_width * proportion / width)
    closest = min(_WIDE_WINDOW, max(variety.closest_window, 1.0 / largest))
    scale = largest * rng.uniform(closest, 1.0)
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
