"""Lamps become discs, or do not."""

from collections.abc import Sequence

import cv2
import numpy as np

from bggan_core.highlights import Highlight, disc_share, find_highlights, is_disc
from bggan_core.optics import Aperture, Array, aperture_kernel, linear_to_srgb, srgb_to_linear

RADIUS_PX = 5.0
LAMPS = [(60, 80), (60, 300), (180, 80), (180, 300)]


def _night(lamps: Sequence[tuple[int, int]] = LAMPS) -> tuple[Array, Array]:
    """Lamps of 30 times the sensor's white on a dark ground, [256, 384, 3]: the photo, and the lamps' light."""
    light = np.zeros((256, 384, 3), np.float32)
    y, x = np.mgrid[:256, :384]
    for row, column in lamps:
        light += 30 * np.exp(-((y - row) ** 2 + (x - column) ** 2) / 1.5)[..., None].astype(np.float32)
    return linear_to_srgb(np.clip(light + 0.01, 0, 1)), light + np.float32(0.01)


def _through(kernel: Array, light: Array) -> Array:
    return linear_to_srgb(np.clip(cv2.filter2D(light, -1, kernel, borderType=cv2.BORDER_REFLECT), 0, 1))


def _everywhere(radius_px: float) -> Array:
    return np.full((256, 384), radius_px, np.float32)


def test_a_lens_makes_a_disc_of_every_lamp_and_a_photo_of_none() -> None:
    photo, light = _night()
    bokeh = _through(aperture_kernel(RADIUS_PX, Aperture()), light)
    lamps = find_highlights(photo, bokeh, _everywhere(RADIUS_PX))
    assert sorted((round(lamp.row), round(lamp.column)) for lamp in lamps) == LAMPS
    assert disc_share(bokeh, lamps) == 1.0
    assert disc_share(photo, lamps) == 0.0


def test_a_gaussian_of_the_discs_variance_makes_none() -> None:
    """A tenth of the light, so that neither is clipped flat, and no more asked than to be seen."""
    _, light = _night()
    lamps = [Highlight(row, column, RADIUS_PX) for row, column in LAMPS]
    assert disc_share(_through(aperture_kernel(RADIUS_PX, Aperture()), light / 10), lamps) == 1.0
    smudges = linear_to_srgb(np.clip(cv2.GaussianBlur(light / 10, (0, 0), RADIUS_PX / 2), 0, 1))
    assert disc_share(smudges, lamps) == 0.0


def test_a_disc_of_twice_the_radius_or_half_of_it_is_another_disc() -> None:
    _, light = _night()
    lamp = Highlight(60, 80, RADIUS_PX)
    assert is_disc(_through(aperture_kernel(RADIUS_PX, Aperture()), light), lamp)
    assert not is_disc(_through(aperture_kernel(2 * RADIUS_PX, Aperture()), light), lamp)
    assert not is_disc(_through(aperture_kernel(RADIUS_PX / 2, Aperture()), light), lamp)


def test_blurring_the_clipped_photo_leaves_discs_too_dark_to_count() -> None:
    photo, light = _night()
    kernel = aperture_kernel(12.0, Aperture())
    lamps = find_highlights(photo, _through(kernel, light), _everywhere(12.0))
    dim = _through(kernel, srgb_to_linear(photo))
    assert len(lamps) == 4
    assert disc_share(dim, lamps) == 0.0
    assert is_disc(dim, Highlight(lamps[0].row, lamps[0].column, 12.0))  # it is dark, not uneven


def test_lamps_in_focus_are_not_judged() -> None:
    photo, light = _night()
    bokeh = _through(aperture_kernel(RADIUS_PX, Aperture()), light)
    assert find_highlights(photo, bokeh, _everywhere(0.0)) == []
    assert np.isnan(disc_share(bokeh, []))


def test_lamps_whose_surroundings_meet_and_windows_are_not_judged_though_they_are_discs() -> None:
    kernel = aperture_kernel(RADIUS_PX, Aperture())
    photo, light = _night([(100, 100), (100, 118)])
    bokeh = _through(kernel, light)
    assert is_disc(bokeh, Highlight(100, 100, RADIUS_PX))
    assert find_highlights(photo, bokeh, _everywhere(RADIUS_PX)) == []
    window = np.full((256, 384, 3), 0.01, np.float32)
    window[97:104, 97:104] = 1.0
    wide = _through(aperture_kernel(14.0, Aperture()), window)
    assert is_disc(wide, Highlight(100, 100, 14.0))
    assert find_highlights(linear_to_srgb(window), wide, _everywhere(14.0)) == []
