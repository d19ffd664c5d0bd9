import numpy as np
import pytest

from bggan_core.optics import (
    Lens,
    circle_of_confusion,
    disc_kernel,
    fill_hidden,
    linear_to_srgb,
    render_shallow_depth_of_field,
    restore_highlights,
    srgb_to_linear,
)

NO_GLOW = {"highlight_gain": 1.0, "depth_of_field": 0.0}


def test_the_radius_of_confusion_is_linear_in_disparity():
    lens = Lens(aperture_px=10, focus=0.6, depth_of_field=0.0)
    radius = circle_of_confusion(np.array([[0.6, 0.1, 0.8]], np.float32), lens)
    np.testing.assert_allclose(radius, [[0, 5, -2]], atol=1e-6)


def test_nothing_within_the_depth_of_field_is_blurred():
    lens = Lens(aperture_px=10, focus=0.6, depth_of_field=0.1)
    assert not circle_of_confusion(np.array([[0.52, 0.68]], np.float32), lens).any()


@pytest.mark.parametrize("radius", [0.0, 0.7, 3.0, 6.4])
def test_a_disc_conserves_energy_and_has_the_area_of_its_radius(radius):
    kernel = disc_kernel(radius)
    assert kernel.sum() == pytest.approx(1, abs=1e-6)
    if radius >= 3:
        assert 1 / kernel.max() == pytest.approx(np.pi * radius**2, rel=0.06)


def test_srgb_decodes_to_the_standards_values_and_back(rng):
    """IEC 61966-2-1: mid grey 0.5 is 0.2140 in linear light."""
    assert srgb_to_linear(np.array([0.5], np.float32))[0] == pytest.approx(0.21404, abs=1e-4)
    values = rng.uniform(0, 1, 100).astype(np.float32)
    np.testing.assert_allclose(linear_to_srgb(srgb_to_linear(values)), values, atol=1e-5)


def test_only_clipped_pixels_become_brighter_than_white():
    light = np.array([[[0.5, 0.5, 0.5], [1.0, 1.0, 1.0], [1.0, 0.1, 0.1]]], np.float32)
    np.testing.assert_allclose(restore_highlights(light, gain=4.0)[0, :, 0], [0.5, 4.0, 1.0], rtol=1e-6)


def test_a_flat_scene_stays_flat():
    photo = np.full((40, 60, 3), 0.4, np.float32)
    matte, disparity = np.zeros((40, 60), np.float32), np.tile(np.linspace(0, 1, 60, dtype=np.float32), (40, 1))
    matte[10:30, 20:40] = 1
    bokeh = render_shallow_depth_of_field(photo, matte, disparity, Lens(8, 0.7, **NO_GLOW))
    np.testing.assert_allclose(bokeh, photo, atol=2e-3)


def test_the_subject_stays_as_it_is_and_the_background_loses_its_texture(rng):
    photo = rng.uniform(0.2, 0.8, (64, 96, 3)).astype(np.float32)
    matte, disparity = np.zeros((64, 96), np.float32), np.full((64, 96), 0.1, np.float32)
    matte[20:44, 30:66] = 1
    bokeh = render_shallow_depth_of_field(photo, matte, disparity, Lens(8, 0.8, **NO_GLOW))
    np.testing.assert_allclose(bokeh[20:44, 30:66], photo[20:44, 30:66], atol=1e-4)
    assert bokeh[:12].std() < 0.2 * photo[:12].std()


def test_a_sharp_subject_and_its_surroundings_keep_their_own_highlights(rng):
    """Lights restored for blurring must not whiten what is in focus."""
    photo = np.full((64, 64, 3), 247 / 255, np.float32)
    matte, disparity = np.zeros((64, 64), np.float32), np.full((64, 64), 0.8, np.float32)
    matte[20:44, 20:44] = 1
    bokeh = render_shallow_depth_of_field(photo, matte, disparity, Lens(8, 0.8))
    away_from_the_rim = np.s_[24:40, 24:40]
    np.testing.assert_allclose(bokeh[away_from_the_rim], photo[away_from_the_rim], atol=1e-4)
    np.testing.assert_allclose(bokeh[:12], photo[:12], atol=1e-4)


def test_a_sharp_subject_does_not_bleed_into_its_background():
    photo = np.full((64, 64, 3), 0.2, np.float32)
    matte = np.zeros((64, 64), np.float32)
    matte[24:40, 24:40] = 1
    photo[matte == 1] = (1.0, 0.0, 0.0)
    bokeh = render_shallow_depth_of_field(photo, matte, np.zeros((64, 64), np.float32), Lens(8, 1.0, **NO_GLOW))
    np.testing.assert_allclose(bokeh[matte == 0], 0.2, atol=2e-3)


def test_a_blurred_foreground_bleeds_over_the_sharp_subject():
    photo = np.full((64, 64, 3), 0.2, np.float32)
    photo[32:] = 0.9
    matte, disparity = np.zeros((64, 64), np.float32), np.full((64, 64), 0.3, np.float32)
    matte[8:32, 16:48] = 1
    disparity[32:] = 1.0
    bokeh = render_shallow_depth_of_field(photo, matte, disparity, Lens(12, 0.3, **NO_GLOW))
    assert bokeh[30, 32].mean() > 0.35
    assert bokeh[12, 32].mean() == pytest.approx(0.2, abs=0.01)


def test_a_far_light_becomes_a_disc_of_the_radius_of_confusion():
    photo = np.full((81, 81, 3), 0.05, np.float32)
    photo[39:42, 39:42] = 1.0
    lens = Lens(aperture_px=10, focus=1.0, depth_of_field=0.0, highlight_gain=30)
    disparity = np.zeros((81, 81), np.float32)
    bokeh = render_shallow_depth_of_field(photo, np.zeros_like(disparity), disparity, lens)
    lit = bokeh.mean(axis=2) > 0.5 * bokeh.max()
    assert np.sqrt(lit.sum() / np.pi) == pytest.approx(10, abs=1.6)
    assert lit[40, 40]


def test_hidden_pixels_take_the_colour_around_them():
    image = np.zeros((32, 32, 2), np.float32)
    image[..., 0] = 0.25
    hidden = np.zeros((32, 32), bool)
    hidden[8:24, 8:24] = True
    image[hidden] = 9.0
    np.testing.assert_allclose(fill_hidden(image, hidden)[..., 0], 0.25, atol=1e-5)


def test_shapes_that_differ_are_named():
    with pytest.raises(ValueError, match=r"matte \(4, 5\)"):
        render_shallow_depth_of_field(
            np.zeros((4, 4, 3), np.float32), np.zeros((4, 5), np.float32), np.zeros((4, 4), np.float32), Lens(1, 0.5)
        )


def test_a_lens_that_cannot_be_is_refused():
    with pytest.raises(ValueError, match="aperture_px"):
        Lens(aperture_px=-1, focus=0.5)
