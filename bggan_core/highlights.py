"""Do out-of-focus lights become discs? A lens spreads a lamp evenly over its aperture's shape, with an edge.

A network that blurs the picture it sees, in which the lamp is clipped to white, makes a weak smudge instead. A lamp
counts as a disc where its excess over the surroundings, in linear light,

- is even: the lesser of the means over its inner half and over the ring beyond it is at least 0.6 of the greater;
- ends: beyond its rim at most 0.3 of the ring's is left;
- is bright: the ring has at least a quarter of what it has behind the lens.

A Gaussian of the same variance misses the first (0.47), the lamp itself too, a blur of the clipped picture the last.
Lengths in pixels are those of a picture whose longer side has 384 pixels, and scale with it.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from bggan_core.optics import Array, srgb_to_linear

_REFERENCE_SIDE_PX = 384

# Linear light of a lamp's core in the photo, and the largest area that is a lamp and not a window.
_LAMP_LIGHT, _LAMP_AREA_PX = 0.6, 40.0

# Smaller discs have too few pixels for an inside and a rim, whatever the picture's size.
_SMALLEST_RADIUS_PX = 2.5

# Bounds of middle, ring, outside and surroundings in radii.
_MIDDLE, _RING, _OUTSIDE, _AROUND = (0.0, 0.5), (0.55, 0.85), (1.25, 1.6), (1.6, 2.2)

_EVENNESS, _REMAINDER, _BRIGHTNESS = 0.6, 0.3, 0.25

# Excess of linear light that is seen on a dark ground: about 20 grey levels of 255 above black.
_VISIBLE_LIGHT = 0.005


@dataclass(frozen=True)
class Highlight:
    """A lamp: its centre and the radius of its circle of confusion in pixels, and the light that its disc must have."""

    row: float
    column: float
    radius_px: float
    least_light: float = _VISIBLE_LIGHT


def find_highlights(photo: Array, bokeh: Array, radius_px: Array) -> list[Highlight]:
    """List the small lamps behind the focal plane that the lens turned into discs of their own.

    Args:
        photo, bokeh: sRGB, [H, W, 3] in [0, 1].
        radius_px: Signed radius of confusion, positive behind the focal plane, [H, W].
    """
    scale = max(photo.shape[:2]) / _REFERENCE_SIDE_PX
    bright = (srgb_to_linear(photo).max(axis=2) >= _LAMP_LIGHT).astype(np.uint8)
    _, _, stats, centres = cv2.connectedComponentsWithStats(bright, connectivity=8)
    lamps = []
    for (column, row), area in zip(centres[1:], stats[1:, cv2.CC_STAT_AREA], strict=True):
        lamp = Highlight(float(row), float(column), float(radius_px[round(row), round(column)]))
        is_lamp = area <= _LAMP_AREA_PX * scale**2 and lamp.radius_px >= _SMALLEST_RADIUS_PX
        if is_lamp and _stands_alone(lamp, centres[1:]) and is_disc(bokeh, lamp):
            lamps.append(replace(lamp, least_light=max(_VISIBLE_LIGHT, _BRIGHTNESS * _zones(bokeh, lamp)[1])))
    return lamps


def _stands_alone(lamp: Highlight, centres: np.ndarray) -> bool:
    distances = np.hypot(centres[:, 1] - lamp.row, centres[:, 0] - lamp.column)
    return int((distances < 2 * _AROUND[1] * lamp.radius_px).sum()) == 1


def is_disc(picture: Array, lamp: Highlight) -> bool:
    """Say whether a lamp is a disc in a picture, by the module's definition; one cut by the picture's rim is not."""
    reach = _AROUND[1] * lamp.radius_px
    height, width = picture.shape[:2]
    if not (reach <= lamp.row <= height - 1 - reach and reach <= lamp.column <= width - 1 - reach):
        return False
    middle, ring, outside = _zones(picture, lamp)
    is_even = min(middle, ring) >= _EVENNESS * max(middle, ring)
    return ring >= lamp.least_light and is_even and outside <= _REMAINDER * ring


def _zones(picture: Array, lamp: Highlight) -> tuple[float, float, float]:
    """Mean excess of linear light over the surroundings, of the brightest channel: middle, ring and outside."""
    reach = int(np.ceil(_AROUND[1] * lamp.radius_px)) + 1
    top, left = max(round(lamp.row) - reach, 0), max(round(lamp.column) - reach, 0)
    window = srgb_to_linear(picture[top : top + 2 * reach + 1, left : left + 2 * reach + 1]).max(axis=2)
    y, x = np.mgrid[: window.shape[0], : window.shape[1]]
    distance = np.hypot(y + top - lamp.row, x + left - lamp.column) / lamp.radius_px

    def zone(bounds: tuple[float, float]) -> Array:
        return window[(distance >= bounds[0]) & (distance <= bounds[1])]

    ground = float(np.median(zone(_AROUND)))
    middle, ring, outside = (float(zone(bounds).mean()) - ground for bounds in (_MIDDLE, _RING, _OUTSIDE))
    return middle, ring, outside


def disc_share(rendering: Array, highlights: list[Highlight]) -> float:
    """Share of the lamps that the lens made discs of which a rendering made discs of as well; NaN without a lamp."""
    if not highlights:
        return float("nan")
    return float(np.mean([is_disc(rendering, lamp) for lamp in highlights]))
