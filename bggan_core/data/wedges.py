"""Black wedges at the borders of registered photographs: where warping one picture onto the other left nothing."""

import cv2
import numpy as np
import numpy.typing as npt

from bggan_core.optics import Array

# Filler is exactly black; JPEG moves it by a level or two. Photographed black is seldom so dark over a whole area.
_BLACK = 2.5 / 255

# A wedge thinner than JPEG's blocks is moved further.
_BLACK_AT_BORDER, _BORDER_PX = 14.5 / 255, 8

# Filler is told from a black object by the other picture, which shows something there. Exposure differs by up to 20
# grey levels within a pair, so a black object may be that bright.
_SHOWS_SOMETHING = 24 / 255

# Over most of the wedge; around a black object the other picture's blur shows something too, at its rim.
_SHOWN_SHARE = 0.5

# Specks are no wedges.
_SMALLEST_AREA_PX = 12

# JPEG rings over the wedge's edge for one block, and warping blends it over a pixel.
_MARGIN_PX = 9


def counted_pixels(photo: Array, bokeh: Array) -> Array:
    """Mask the wedges of a pair: [H, W], 0 where either picture is filler, else 1.

    A wedge touches the border, is black in one picture and not in the other; a wedge over a scene that is black itself
    stays unmasked, and costs nothing there.

    Args:
        photo, bokeh: float32 [H, W, 3] in [0, 1].
    """
    filler = _wedges(photo, bokeh) | _wedges(bokeh, photo)
    if not filler.any():
        return np.ones(filler.shape, np.float32)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _MARGIN_PX + 1, 2 * _MARGIN_PX + 1))
    return (1 - cv2.dilate(filler.astype(np.uint8), disc)).astype(np.float32)


def _wedges(picture: Array, other: Array) -> npt.NDArray[np.bool_]:
    """Find the areas that are black in picture, mostly not black in other, and reach the border."""
    if not _touches_black(picture):
        return np.zeros(picture.shape[:2], np.bool_)
    brightest = picture.max(axis=2)
    black = brightest <= _BLACK
    for strip in _border_strips(_BORDER_PX):
        black[strip] = brightest[strip] <= _BLACK_AT_BORDER
    _, labels, statistics, _ = cv2.connectedComponentsWithStats(black.astype(np.uint8), connectivity=8)
    area = statistics[:, cv2.CC_STAT_AREA]
    shown = np.bincount(labels[other.max(axis=2) > _SHOWS_SOMETHING], minlength=len(area))
    filler = (area >= _SMALLEST_AREA_PX) & (shown >= _SHOWN_SHARE * area)
    filler[0] = False  # label 0 is what is not black
    at_border = np.unique(np.concatenate([labels[strip].ravel() for strip in _border_strips(1)]))
    return np.isin(labels, at_border[filler[at_border]])


def _touches_black(picture: Array) -> bool:
    """Look along the border only: most pairs have no wedge, and this spares them the search."""
    return any(bool((picture[strip].max(axis=2) <= _BLACK_AT_BORDER).any()) for strip in _border_strips(1))


def _border_strips(width_px: int) -> list[tuple[slice, slice]]:
    """Top, bottom, left and right."""
    return [np.s_[:width_px, :], np.s_[-width_px:, :], np.s_[:, :width_px], np.s_[:, -width_px:]]
