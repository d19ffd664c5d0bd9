"""Embedded colours come out as sRGB's, and what cannot be converted is refused."""

import numpy as np
import pytest
from PIL import Image, ImageCms

from bggan_core.colour_profiles import convert_to_srgb
from tests.colour_profiles import lab_profile, linear_srgb_profile


def test_linear_light_gets_srgbs_tone_curve():
    """IEC 61966-2-1: 1.055 x^(1/2.4) - .055 above .0031308, else 12.92 x."""
    linear = np.arange(256, dtype=np.uint8)
    converted = convert_to_srgb(Image.fromarray(np.dstack([linear[None]] * 3)), linear_srgb_profile())
    light = linear / 255
    expected = 255 * np.where(light > 0.0031308, 1.055 * light ** (1 / 2.4) - 0.055, 12.92 * light)
    np.testing.assert_allclose(np.asarray(converted)[0], np.stack([expected] * 3, axis=-1), atol=1)


def test_srgbs_own_profile_changes_no_pixel(rng):
    pixels = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    np.testing.assert_array_equal(np.asarray(convert_to_srgb(Image.fromarray(pixels), own)), pixels)


def test_a_profile_is_judged_by_what_it_does_and_not_by_its_name():
    converted = convert_to_srgb(Image.new("RGB", (4, 4), (51, 51, 51)), linear_srgb_profile(name="sRGB"))
    assert abs(converted.getpixel((0, 0))[0] - 124) <= 1


def test_grey_pixels_take_the_rgb_profile_of_the_program_that_made_them():
    converted = convert_to_srgb(Image.new("L", (4, 4), 51), linear_srgb_profile())
    assert converted.mode == "RGB"
    np.testing.assert_allclose(np.asarray(converted, int), 124, atol=1)


@pytest.mark.parametrize(
    ("mode", "profile"),
    [("RGB", b"no profile at all" * 20), ("RGB", lab_profile()), ("CMYK", linear_srgb_profile())],
    ids=["damaged", "of other colours", "of a screen for inks"],
)
def test_a_profile_that_does_not_fit_the_picture_is_refused(mode, profile):
    with pytest.raises(ValueError, match=f"cannot be used for a picture of mode {mode}"):
        convert_to_srgb(Image.new(mode, (4, 4)), profile)
